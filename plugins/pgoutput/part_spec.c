/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "part_spec.h"

#include "base/parse.h"
#include "lsn.h"

/* "<length>:<bytes>", because names and filters may hold anything. */
static void add_text(struct buf *b, struct ez_view v)
{
	buf_add_char(b, ' ');
	buf_add_u64(b, v.len);
	buf_add_char(b, ':');
	buf_add_view(b, v);
}

static bool take_text(struct ez_view *rest, struct ez_view *ret)
{
	struct ez_view number;
	uint64_t n;

	if (!view_split(rest, ':', &number) || !parse_u64(number, &n) || n > rest->len)
		return false;
	*ret = view_of(rest->ptr, n);
	*rest = view_of(rest->ptr + n, rest->len - n);
	if (rest->len > 0 && rest->ptr[0] == ' ')
		*rest = view_of(rest->ptr + 1, rest->len - 1);
	return true;
}

static bool take_u32(struct ez_view *rest, uint32_t *ret)
{
	struct ez_view item;
	uint64_t v;

	if (!view_split(rest, ' ', &item) || !parse_u64(item, &v) || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

void part_spec_add(struct buf *b, const struct part_spec *spec)
{
	buf_addf(b, "%u %u %u", spec->oid, spec->from, spec->to);
	add_text(b, spec->schema);
	add_text(b, spec->name);
	add_text(b, spec->filter);
}

bool part_spec_parse(struct ez_view text, struct part_spec *ret_spec)
{
	struct ez_view rest = text;
	struct part_spec s = { .oid = 0 };

	if (!take_u32(&rest, &s.oid) || !take_u32(&rest, &s.from) ||
	    !take_u32(&rest, &s.to) || !take_text(&rest, &s.schema) ||
	    !take_text(&rest, &s.name) || !take_text(&rest, &s.filter) || rest.len > 0)
		return false;
	*ret_spec = s;
	return true;
}

void snapshot_token_add(struct buf *b, const struct snapshot_token *token)
{
	buf_add_view(b, token->name);
	buf_add_char(b, ' ');
	buf_add_str(b, lsn_format(token->lsn).text);
	buf_add_char(b, ' ');
	buf_add_i64(b, token->time_us);
	buf_add_char(b, ' ');
	buf_add_i64(b, token->pid);
}

bool snapshot_token_parse(struct ez_view text, struct snapshot_token *ret)
{
	struct ez_view rest = text, lsn, time, pid;
	struct snapshot_token t;

	if (!view_split(&rest, ' ', &t.name) || !view_split(&rest, ' ', &lsn) ||
	    !view_split(&rest, ' ', &time) || !view_split(&rest, ' ', &pid) ||
	    t.name.len == 0 || !lsn_parse(lsn, &t.lsn) || !parse_i64(time, &t.time_us) ||
	    !parse_i64(pid, &t.pid))
		return false;
	*ret = t;
	return true;
}
