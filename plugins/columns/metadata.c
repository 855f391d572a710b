/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "columns/metadata.h"

#include <inttypes.h>

#include "base/clock.h"

static const struct {
	const char *name;
	uint32_t type;
	const char *native;
} known[_METADATA_MAX] = {
	[METADATA_NONE] = { "", EZ_TYPE_TEXT, "text" },
	[METADATA_OP] = { "$op", EZ_TYPE_TEXT, "text" },
	[METADATA_COMMIT_LSN] = { "$commit_lsn", EZ_TYPE_TEXT, "text" },
	[METADATA_COMMIT_TS] = { "$commit_ts", EZ_TYPE_TIMESTAMPTZ, "timestamptz" },
	[METADATA_LSN] = { "$lsn", EZ_TYPE_TEXT, "text" },
	[METADATA_SCHEMA] = { "$schema", EZ_TYPE_TEXT, "text" },
	[METADATA_TABLE] = { "$table", EZ_TYPE_TEXT, "text" },
	[METADATA_XID] = { "$xid", EZ_TYPE_INT8, "bigint" },
	[METADATA_SEQ] = { "$seq", EZ_TYPE_INT8, "bigint" },
};

enum metadata metadata_parse(struct ez_view name)
{
	for (enum metadata m = METADATA_NONE + 1; m < _METADATA_MAX; m++) {
		if (view_eq_str(name, known[m].name))
			return m;
	}
	return METADATA_NONE;
}

uint32_t metadata_type(enum metadata m)
{
	return known[m].type;
}

const char *metadata_native(enum metadata m)
{
	return known[m].native;
}

static bool print_lsn(uint64_t lsn, struct metadata_buf *buf)
{
	return str_format(buf->text, sizeof(buf->text), "%" PRIX32 "/%" PRIX32,
			  (uint32_t)(lsn >> 32), (uint32_t)lsn);
}

static bool print_number(uint64_t n, struct metadata_buf *buf)
{
	return str_format(buf->text, sizeof(buf->text), "%" PRIu64, n);
}

/* "2024-02-29 12:00:00.5+00", without zeros at the end of the fraction. */
static bool print_time(int64_t us, struct metadata_buf *buf)
{
	struct rfc3339 t = format_rfc3339_us(us);
	struct ez_view time = view_str(t.text), day;

	if (!view_split(&time, 'T', &day) || time.len == 0)
		return false;
	time.len--; /* the Z */
	while (view_ends(time, VIEW("0")) && memchr(time.ptr, '.', time.len))
		time.len--;
	if (view_ends(time, VIEW(".")))
		time.len--;
	return str_format(buf->text, sizeof(buf->text), "%.*s %.*s+00", VIEW_ARG(day),
			  VIEW_ARG(time));
}

static bool print_commit(enum metadata m, const struct ez_commit *tx,
			 struct metadata_buf *buf)
{
	if (!tx)
		return false;
	if (m == METADATA_COMMIT_LSN)
		return print_lsn(tx->lsn, buf);
	if (m == METADATA_COMMIT_TS)
		return print_time(tx->time_us, buf);
	return print_number(tx->xid, buf);
}

bool metadata_text(enum metadata m, const struct ez_event *ev, struct metadata_buf *buf,
		   struct ez_view *ret_text)
{
	bool ok;

	switch (m) {
	case METADATA_SCHEMA:
		*ret_text = ev->table->schema;
		return true;
	case METADATA_TABLE:
		*ret_text = ev->table->name;
		return true;
	case METADATA_OP:
		buf->text[0] = (char)ev->op;
		*ret_text = view_of(buf->text, 1);
		return true;
	case METADATA_LSN:
		ok = print_lsn(ev->lsn, buf);
		break;
	case METADATA_SEQ:
		ok = print_number(ev->seq, buf);
		break;
	default:
		ok = print_commit(m, ev->tx, buf);
		break;
	}
	if (ok)
		*ret_text = view_str(buf->text);
	return ok;
}
