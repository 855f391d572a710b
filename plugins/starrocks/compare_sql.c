/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compare_sql.h"

#include "base/view.h"

#include "ddl.h"
#include "render.h"

/* A deleted row that stays is not there. */
static void add_alive(struct buf *b, const struct target *t, const char *before)
{
	if (t->settings->delete_mode == DELETE_SOFT)
		buf_addf(b, "%s(`_ez_deleted` IS NULL OR `_ez_deleted` = 0)", before);
}

static void add_from(struct buf *b, const struct target *t)
{
	buf_add_str(b, " FROM ");
	ddl_add_name(b, t->settings->database, view_str(t->name));
}

static void add_bucket(struct buf *b, const struct target *t, unsigned digits)
{
	buf_add_str(b, "substr(md5(");
	render_add_sql(b, t, true);
	buf_addf(b, "),1,%u)", digits);
}

static void add_sum(struct buf *b, const struct target *t, unsigned from)
{
	buf_add_str(b, ",sum(cast(conv(substr(md5(");
	render_add_sql(b, t, false);
	buf_addf(b, "),%u,8),16,10) as bigint))", from);
}

/* Long tables take longer than a session's usual patience. */
static void add_select(struct buf *b)
{
	buf_add_str(b, "SELECT /*+ SET_VAR(query_timeout=7200) */ ");
}

void compare_add_sums(struct buf *b, const struct target *t, unsigned digits)
{
	add_select(b);
	add_bucket(b, t, digits);
	buf_add_str(b, ",count(*)");
	add_sum(b, t, 1);
	add_sum(b, t, 9);
	add_from(b, t);
	add_alive(b, t, " WHERE ");
	buf_add_str(b, " GROUP BY ");
	add_bucket(b, t, digits);
}

void compare_add_keys(struct buf *b, const struct target *t, unsigned digits,
		      const unsigned char *chosen)
{
	const char *before = "";

	add_select(b);
	buf_add_str(b, "md5(");
	render_add_sql(b, t, true);
	buf_add_str(b, "),substr(md5(");
	render_add_sql(b, t, false);
	buf_add_str(b, "),1,16),");
	render_add_sql_shown(b, t);
	add_from(b, t);
	buf_add_str(b, " WHERE ");
	add_bucket(b, t, digits);
	buf_add_str(b, " IN (");
	for (unsigned i = 0; i < 1u << (4 * digits); i++) {
		if (!chosen[i])
			continue;
		buf_addf(b, "%s'%0*x'", before, (int)digits, i);
		before = ",";
	}
	buf_add_char(b, ')');
	add_alive(b, t, " AND ");
	buf_addf(b, " LIMIT %d", COMPARE_KEYS_MAX);
}

void compare_add_count(struct buf *b, const struct target *t)
{
	buf_add_str(b, "SELECT count(*)");
	add_from(b, t);
	add_alive(b, t, " WHERE ");
}

bool compare_parse_hex(struct ez_view v, size_t digits, uint64_t *ret)
{
	uint64_t n = 0;

	if (v.len != digits || !v.ptr)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		char ch = v.ptr[i];

		if (ch >= '0' && ch <= '9')
			n = n << 4 | (uint64_t)(ch - '0');
		else if (ch >= 'a' && ch <= 'f')
			n = n << 4 | (uint64_t)(ch - 'a' + 10);
		else
			return false;
	}
	*ret = n;
	return true;
}
