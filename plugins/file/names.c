/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "names.h"

#include <inttypes.h>

#include "base/parse.h"

enum {
	TABLE_MAX = 160, /* bytes of an encoded table name; the rest of a name needs 90 */
	TABLE_HEAD = 140, /* what is kept of a longer one */
};

static bool is_plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

void names_add_encoded(struct buf *b, struct ez_view v)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.ptr[i];

		if (is_plain(v.ptr[i]))
			buf_add_char(b, v.ptr[i]);
		else
			buf_add(b, (const char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
	}
}

/* FNV-1a: it stands in names, so it must be the same on every machine and for ever. */
static uint64_t name_hash(uint64_t h, struct ez_view v)
{
	for (size_t i = 0; i < v.len; i++)
		h = (h ^ (unsigned char)v.ptr[i]) * 0x100000001b3ULL;
	return (h ^ 0xff) * 0x100000001b3ULL;
}

void names_add_table(struct buf *b, struct ez_view schema, struct ez_view table)
{
	size_t start = b->len, keep = TABLE_HEAD;

	names_add_encoded(b, schema);
	buf_add_char(b, '.');
	names_add_encoded(b, table);
	if (!buf_ok(b) || b->len - start <= TABLE_MAX)
		return;
	/* A %XX is kept whole or not at all. */
	for (size_t i = 1; i <= 2; i++)
		if (b->ptr[start + TABLE_HEAD - i] == '%')
			keep = TABLE_HEAD - i;
	buf_truncate(b, start + keep);
	buf_addf(b, "~%016" PRIx64,
		 name_hash(name_hash(0xcbf29ce484222325ULL, schema), table));
}

void names_add_stream(struct buf *b, const char *job, uint64_t seq, const char *suffix)
{
	buf_addf(b, "%s-t%010" PRIu64 "%s", job, seq, suffix);
}

void names_add_snapshot(struct buf *b, const char *job, const struct names_snapshot *s,
			const char *suffix)
{
	buf_addf(b, "%s-s%04" PRIu64 "-%s-%05" PRIu32 "-%06" PRIu64 "%s", job, s->number,
		 s->table, s->part, s->seq, suffix);
}

/* Takes at least `least` digits off the front. */
static bool take_number(struct ez_view *v, size_t least, uint64_t *ret)
{
	size_t n = 0;

	while (n < v->len && v->ptr[n] >= '0' && v->ptr[n] <= '9')
		n++;
	if (n < least || !parse_u64(view_of(v->ptr, n), ret))
		return false;
	*v = view_of(v->ptr + n, v->len - n);
	return true;
}

static bool is_suffix(struct ez_view v)
{
	static const char *const suffixes[] = { ".jsonl", ".csv" };

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		struct ez_view s = view_str(suffixes[i]);

		if (!view_starts(v, s))
			continue;
		v = view_of(v.ptr + s.len, v.len - s.len);
		return v.len == 0 || view_eq_str(v, ".gz") || view_eq_str(v, ".zst");
	}
	return false;
}

/* The table before "-00003-000001.jsonl.gz", which must be the rest. */
static bool take_table(struct ez_view v, struct ez_view *ret_table)
{
	size_t dashes = 0, at = v.len;
	struct ez_view tail;
	uint64_t part, seq;

	while (at > 0 && dashes < 2)
		dashes += v.ptr[--at] == '-';
	if (dashes < 2 || at == 0)
		return false;
	tail = view_of(v.ptr + at + 1, v.len - at - 1);
	if (!take_number(&tail, 5, &part) || tail.len == 0)
		return false;
	tail = view_of(tail.ptr + 1, tail.len - 1);
	if (!take_number(&tail, 6, &seq) || !is_suffix(tail))
		return false;
	*ret_table = view_of(v.ptr, at);
	return true;
}

bool names_parse(struct ez_view name, const char *job, struct names_parsed *ret)
{
	struct names_parsed p = { 0 };
	struct ez_view prefix = view_str(job), rest;
	char kind;

	if (!view_starts(name, prefix) || name.len < prefix.len + 3)
		return false;
	rest = view_of(name.ptr + prefix.len, name.len - prefix.len);
	p.is_part = view_ends(rest, VIEW(NAMES_PART));
	if (p.is_part)
		rest.len -= sizeof(NAMES_PART) - 1;
	if (rest.len < 3 || rest.ptr[0] != '-')
		return false;
	kind = rest.ptr[1];
	rest = view_of(rest.ptr + 2, rest.len - 2);
	if (kind == 't') {
		if (!take_number(&rest, 10, &p.seq) || !is_suffix(rest))
			return false;
	} else if (kind == 's') {
		if (!take_number(&rest, 4, &p.snapshot) || p.snapshot == 0 ||
		    rest.len == 0 || rest.ptr[0] != '-')
			return false;
		if (!take_table(view_of(rest.ptr + 1, rest.len - 1), &p.table))
			return false;
	} else {
		return false;
	}
	*ret = p;
	return true;
}
