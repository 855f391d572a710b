/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/parse.h"

#include "buckets.h"
#include "compare_sql.h"
#include "host.h"
#include "md5.h"
#include "render.h"

/*
 * Source and target, compared without moving rows.
 *
 * Both sides write a row as the same text (render.h) and take its MD5. A row belongs to a
 * bucket by the first digits of its key's MD5. Of a bucket three numbers are compared: how
 * many rows it has, and the sums of the first and the second 32 bits of its rows' digests,
 * which do not depend on any order. The first round does that for all buckets; StarRocks
 * answers with at most 65536 rows, whatever the table's size. Where all are equal, so are
 * the tables.
 *
 * Of buckets that differ the following rounds compare row by row, with the digests of keys
 * and rows. As many buckets are looked into as have KEYS_MAX rows together: so memory is
 * bounded, and a table that differs all over is found out, if not listed whole.
 *
 * Source and target move on meanwhile. The engine sees to it that the target has at least
 * what the source's snapshot shows, but it may have more. So a row that differs is certain
 * only if it differed in the round before as well, and the source shows it unchanged in both
 * snapshots: whatever the target held in between, it had to hold that. Other rows stay
 * unsettled, and the next round decides about them.
 */
enum {
	KEYS_MAX = COMPARE_KEYS_MAX / 2,
	SHOWN_MAX = 10,
	SHOWN_BYTES = 200,
	SQL_MAX = 16 * 1024 * 1024,
};

/* One key: how often each side has it, and the digest of its row. */
struct seen {
	uint64_t source, target;
	uint32_t n_source, n_target;
	char *shown;
};

/* What is kept of a table from one round to the next. */
struct pair {
	uint64_t uid; /* of the shape that the rest is about */
	struct target *target;
	unsigned digits;
	unsigned char *chosen; /* a byte a bucket; NULL: all buckets are compared next */
	bool is_partial;
	struct map before; /* keys that differed in the last round, to struct seen */
};

struct comparing {
	struct sqlc *sql;
	struct targets *targets;
	struct map pairs; /* by id of the table */

	/* The table and round at hand. */
	struct pair *pair;
	struct render render;
	struct buckets buckets;
	struct map now; /* rows of chosen buckets, to struct seen */
	uint64_t refused;

	/* What is returned. */
	struct buf name, unchecked, shown;
	struct ez_difference differences[SHOWN_MAX];
	const struct ez_difference *pointers[SHOWN_MAX];
	size_t n_differences;
};

/* ------------------------------------------------------------------ life */

static void free_seen(void *p)
{
	struct seen *s = p;

	free(s->shown);
	free(s);
}

static void forget(struct map *keys)
{
	map_release(keys, free_seen);
	*keys = MAP_INIT;
}

static void pair_reset(struct pair *p)
{
	target_unref(p->target);
	free(p->chosen);
	forget(&p->before);
	*p = (struct pair){ .before = MAP_INIT };
}

static void free_pair(void *p)
{
	pair_reset(p);
	free(p);
}

struct comparing *comparing_new(struct sqlc *sql, struct targets *targets)
{
	struct comparing *c = xcalloc(1, sizeof(*c));

	c->sql = sql;
	sqlc_be_patient(sql);
	c->targets = targets;
	c->pairs = MAP_INIT;
	c->now = MAP_INIT;
	c->name = BUF_INIT(SQL_MAX);
	c->unchecked = BUF_INIT(SQL_MAX);
	c->shown = BUF_INIT(SQL_MAX);
	buckets_init(&c->buckets);
	render_init(&c->render);
	return c;
}

struct comparing *comparing_free(struct comparing *c)
{
	if (!c)
		return NULL;
	map_release(&c->pairs, free_pair);
	forget(&c->now);
	render_release(&c->render);
	buf_release(&c->name);
	buf_release(&c->unchecked);
	buf_release(&c->shown);
	buckets_release(&c->buckets);
	free(c);
	return NULL;
}

/* ------------------------------------------------------------------ asking */

static int ask(struct comparing *c, struct buf *sql, struct sqlc_rows *ret,
	       size_t n_columns, struct ez_error *err)
{
	int rc;

	if (!buf_ok(sql))
		return host->fail(err, EZ_E_CONFIG, "",
				  "table %s has too many columns to be compared",
				  c->pair->target->name);
	rc = sqlc_query(c->sql, buf_view(sql), 0, ret, err);
	if (rc < 0)
		return rc;
	if (ret->n_rows > 0 && ret->n_columns != n_columns)
		return host->fail(err, EZ_E_FATAL, "",
				  "StarRocks answered %zu columns instead of %zu",
				  ret->n_columns, n_columns);
	return EZ_OK;
}

/* ------------------------------------------------------------------ the source's rows */

int comparing_begin(struct comparing *c, const struct ez_table *table, uint32_t round,
		    struct ez_error *err)
{
	struct pair *p = map_get_u64(&c->pairs, table->id);
	struct target *t;
	int rc;

	if (!sqlc_is_available())
		return host->fail(
			err, EZ_E_CONFIG, "",
			"starrocks: built without a MySQL client, which comparing "
			"needs");
	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->before = MAP_INIT;
		map_put_u64(&c->pairs, table->id, p);
	}
	rc = targets_look(c->targets, table, &t, err);
	if (rc < 0)
		return rc;
	if (round <= 1 || p->uid != table->uid) {
		pair_reset(p);
		p->uid = table->uid;
	}
	target_unref(p->target);
	p->target = target_ref(t);
	c->pair = p;
	buckets_reset(&c->buckets);
	forget(&c->now);
	c->refused = 0;
	return EZ_OK;
}

/* The first 64 bits, as the digits stand. */
static uint64_t head_of(const unsigned char *sum)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < sizeof(v); i++)
		v = v << 8 | sum[i];
	return v;
}

static struct seen *seen_of(struct map *keys, const unsigned char key[MD5_BYTES])
{
	struct ez_view k = view_of(key, MD5_BYTES);
	struct seen *s = map_get(keys, k);

	if (!s) {
		s = xcalloc(1, sizeof(*s));
		map_put(keys, k, s);
	}
	return s;
}

/* At most SHOWN_BYTES, cut between characters. */
static char *shorten(struct ez_view v)
{
	if (v.len <= SHOWN_BYTES)
		return view_dup(v);
	v.len = SHOWN_BYTES;
	while (v.len > 0 && ((unsigned char)v.ptr[v.len] & 0xc0) == 0x80)
		v.len--;
	return view_dup(v);
}

static void note_row(struct comparing *c, const unsigned char *key, uint64_t row,
		     const struct ez_cell *cells)
{
	struct seen *s = seen_of(&c->now, key);

	s->source = row;
	s->n_source++;
	if (s->shown)
		return;
	buf_reset(&c->shown);
	render_add_shown(&c->render, c->pair->target, cells, &c->shown);
	s->shown = shorten(buf_view(&c->shown));
}

static int add_row(struct comparing *c, const struct ez_cell *cells, struct ez_error *err)
{
	const struct pair *p = c->pair;
	unsigned char key[MD5_BYTES], row[MD5_BYTES];
	unsigned number;
	int rc = render_row(&c->render, p->target, cells, err);

	if (rc == EZ_SKIP) {
		c->refused++;
		return EZ_OK;
	}
	if (rc < 0)
		return rc;
	md5(buf_view(&c->render.key), key);
	md5(buf_view(&c->render.row), row);
	buckets_add(&c->buckets, head_of(key), head_of(row));
	number = buckets_number(head_of(key));
	if (p->chosen && p->chosen[number >> (4 * (BUCKETS_DIGITS - p->digits))])
		note_row(c, key, head_of(row), cells);
	return EZ_OK;
}

int comparing_rows(struct comparing *c, const struct ez_batch *b, struct ez_error *err)
{
	for (size_t i = 0; i < b->n_events; i++) {
		const struct ez_event *ev = b->events[i];
		int rc;

		if (ev->op != EZ_OP_SNAPSHOT || !ev->after)
			continue;
		rc = add_row(c, ev->after, err);
		if (rc < 0)
			return rc;
	}
	return EZ_OK;
}

/* ------------------------------------------------------------------ bucket by bucket */

static int fail_answer(struct ez_error *err)
{
	return host->fail(err, EZ_E_FATAL, "",
			  "StarRocks answered something else than checksums");
}

/* Takes the target's numbers off. */
static int take_sums(struct comparing *c, const struct sqlc_rows *rows, unsigned digits,
		     uint64_t *ret_rows, struct ez_error *err)
{
	uint64_t number, n, a, b;

	for (size_t i = 0; i < rows->n_rows; i++) {
		if (!compare_parse_hex(sqlc_cell(rows, i, 0), digits, &number) ||
		    !parse_u64(sqlc_cell(rows, i, 1), &n) ||
		    !parse_u64(sqlc_cell(rows, i, 2), &a) ||
		    !parse_u64(sqlc_cell(rows, i, 3), &b))
			return fail_answer(err);
		buckets_take(&c->buckets, number, n, a, b);
		*ret_rows += n;
	}
	return EZ_OK;
}

static int compare_buckets(struct comparing *c, struct ez_compared *ret,
			   struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_MAX);
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	struct pair *p = c->pair;
	unsigned digits = buckets_digits(c->buckets.rows);
	int rc;

	compare_add_sums(&sql, p->target, digits);
	rc = ask(c, &sql, &rows, 4, err);
	if (rc < 0)
		return rc;
	buckets_settle(&c->buckets);
	rc = take_sums(c, &rows, digits, &ret->target_rows, err);
	if (rc < 0)
		return rc;
	p->digits = digits;
	p->chosen = buckets_choose(&c->buckets, KEYS_MAX, &p->is_partial);
	ret->state = p->chosen ? EZ_COMPARED_OPEN : EZ_COMPARED_EQUAL;
	return EZ_OK;
}

/* ------------------------------------------------------------------ row by row */

static int take_keys(struct comparing *c, const struct sqlc_rows *rows,
		     struct ez_error *err)
{
	for (size_t i = 0; i < rows->n_rows; i++) {
		struct ez_view key = sqlc_cell(rows, i, 0), shown = sqlc_cell(rows, i, 2);
		unsigned char sum[MD5_BYTES];
		struct seen *s;
		uint64_t row;

		if (key.len != MD5_HEX ||
		    !compare_parse_hex(sqlc_cell(rows, i, 1), 16, &row))
			return fail_answer(err);
		for (size_t byte = 0; byte < MD5_BYTES; byte++) {
			uint64_t v;

			if (!compare_parse_hex(view_of(key.ptr + 2 * byte, 2), 2, &v))
				return fail_answer(err);
			sum[byte] = (unsigned char)v;
		}
		s = seen_of(&c->now, sum);
		s->target = row;
		s->n_target++;
		if (!s->shown)
			s->shown = shorten(shown);
	}
	return EZ_OK;
}

static bool is_equal(const struct seen *s)
{
	return s->n_source == s->n_target && (s->n_source == 0 || s->source == s->target);
}

/* The source shows the row as it did a round ago, and it differed then too. */
static bool is_certain(const struct pair *p, const struct map_entry *e)
{
	const struct seen *now = e->value;
	const struct seen *then = map_get(&p->before, e->key);

	return then && then->n_source == now->n_source &&
	       (now->n_source == 0 || then->source == now->source);
}

static void add_difference(struct comparing *c, const struct seen *s, uint32_t kind)
{
	if (c->n_differences == SHOWN_MAX)
		return;
	c->differences[c->n_differences] = (struct ez_difference){
		.size = sizeof(struct ez_difference),
		.key = view_str(s->shown),
		.kind = kind,
	};
	c->pointers[c->n_differences] = &c->differences[c->n_differences];
	c->n_differences++;
}

static void count_difference(struct comparing *c, const struct seen *s,
			     struct ez_compared *ret)
{
	if (s->n_source > s->n_target) {
		ret->missing += s->n_source - s->n_target;
		add_difference(c, s, EZ_DIFFERENCE_MISSING);
	} else if (s->n_source < s->n_target) {
		ret->extra += s->n_target - s->n_source;
		add_difference(c, s, EZ_DIFFERENCE_EXTRA);
	} else {
		ret->changed++;
		add_difference(c, s, EZ_DIFFERENCE_CHANGED);
	}
}

/* What differs is kept for the next round; the rest is forgotten. */
static void judge_rows(struct comparing *c, struct ez_compared *ret)
{
	struct pair *p = c->pair;

	map_for_each(e, &c->now) {
		struct seen *s = e->value;

		if (is_equal(s)) {
			free_seen(map_remove(&c->now, e->key));
			continue;
		}
		if (is_certain(p, e))
			count_difference(c, s, ret);
		else
			ret->unsettled++;
	}
	forget(&p->before);
	p->before = c->now;
	c->now = MAP_INIT;
}

static int count_target(struct comparing *c, uint64_t *ret, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_MAX);
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	int rc;

	compare_add_count(&sql, c->pair->target);
	rc = ask(c, &sql, &rows, 1, err);
	if (rc < 0)
		return rc;
	if (rows.n_rows != 1 || !parse_u64(sqlc_cell(&rows, 0, 0), ret))
		return fail_answer(err);
	return EZ_OK;
}

static uint32_t state_after(struct pair *p, const struct ez_compared *found, bool last)
{
	uint64_t certain = found->missing + found->extra + found->changed;

	if (certain > 0 && (found->unsettled == 0 || p->is_partial || last))
		return EZ_COMPARED_DIFFERENT;
	if (certain == 0 && found->unsettled == 0 && !p->is_partial)
		return EZ_COMPARED_EQUAL;
	if (certain == 0 && found->unsettled == 0) {
		/* What was looked into is equal by now: on to the rest. */
		free(p->chosen);
		p->chosen = NULL;
	}
	return EZ_COMPARED_OPEN;
}

/* The buckets have grown beyond what can be looked into: choose again. */
static void look_anew(struct pair *p, struct ez_compared *ret)
{
	free(p->chosen);
	p->chosen = NULL;
	forget(&p->before);
	ret->partial = 1;
	ret->state = EZ_COMPARED_OPEN;
}

static int compare_rows(struct comparing *c, bool last, struct ez_compared *ret,
			struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_MAX);
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	struct pair *p = c->pair;
	int rc;

	compare_add_keys(&sql, p->target, p->digits, p->chosen);
	rc = count_target(c, &ret->target_rows, err);
	if (rc >= 0)
		rc = ask(c, &sql, &rows, 3, err);
	if (rc >= 0)
		rc = take_keys(c, &rows, err);
	if (rc < 0)
		return rc;
	if (rows.n_rows == COMPARE_KEYS_MAX) {
		look_anew(p, ret);
		return EZ_OK;
	}
	judge_rows(c, ret);
	ret->partial = p->is_partial;
	ret->state = state_after(p, ret, last);
	return EZ_OK;
}

/* ------------------------------------------------------------------ the result */

static void describe(struct comparing *c, struct ez_compared *ret)
{
	const struct target *t = c->pair->target;

	buf_reset(&c->name);
	buf_add_view(&c->name, t->settings->database);
	buf_add_char(&c->name, '.');
	buf_add_str(&c->name, t->name);
	buf_reset(&c->unchecked);
	for (uint32_t i = 0; i < t->n_fields; i++) {
		if (!render_is_opaque(&t->fields[i]))
			continue;
		buf_add_str(&c->unchecked, c->unchecked.len > 0 ? ", " : "");
		buf_add_view(&c->unchecked, t->fields[i].name);
	}
	ret->target = buf_view(&c->name);
	ret->unchecked = buf_view(&c->unchecked);
}

int comparing_end(struct comparing *c, bool last, struct ez_compared *ret,
		  struct ez_error *err)
{
	struct ez_compared found = { .size = sizeof(found) };
	int rc;

	c->n_differences = 0;
	if (c->pair->chosen)
		rc = compare_rows(c, last, &found, err);
	else
		rc = compare_buckets(c, &found, err);
	if (rc < 0)
		return rc;
	describe(c, &found);
	found.source_rows = c->buckets.rows + c->refused;
	found.refused = c->refused;
	found.differences = c->pointers;
	found.n_differences = c->n_differences;
	found.size = MIN(ret->size, sizeof(found));
	memcpy(ret, &found, found.size);
	return EZ_OK;
}
