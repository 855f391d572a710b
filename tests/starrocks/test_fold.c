/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/random.h"

#include "encode.h"
#include "tabletest.h"

/*
 * Whatever happens to the rows of a table: the loads, applied to a target, leave the same
 * rows as the events applied one after the other. A seeded generator makes the events as a
 * source would send them; the target is as simple as can be: a key, and three fields that a
 * load of some columns leaves as they are.
 */
enum {
	KEYS = 12,
	FIELDS = 3, /* behind the key; 1 and 2 may be large */
	BATCHES = 8,
	EVENTS = 30,
	SEEDS = 60,
};

struct row {
	bool exists;
	int field[FIELDS]; /* -1: NULL */
};

static struct tabletest t;
static struct prng rng;
static const struct ez_table *table;
static struct row source[KEYS], target[KEYS];
static int next_value;

static unsigned chance(unsigned n)
{
	return (unsigned)prng_below(&rng, n);
}

/* ------------------------------------------------------------------ the source */

/* Texts of one event's cells; they live until the batch is encoded. */
static const char *text_of(int v)
{
	struct ez_cell *c;
	char text[16];

	if (v < 0)
		return NULL;
	ck_assert(snprintf(text, sizeof(text), "v%d", v) < (int)sizeof(text));
	c = fake_cells(t.fake, table, (const char *const[]){ text, NULL, NULL, NULL });
	return c[0].ptr;
}

static const char *key_text(unsigned key)
{
	static char text[KEYS][8];

	ck_assert(snprintf(text[key], sizeof(text[key]), "%u", key) > 0);
	return text[key];
}

/* What stands in the fields of the row, large ones unsent when they did not change. */
static void fill(const char **cells, unsigned key, const struct row *now,
		 const struct row *old)
{
	cells[0] = key_text(key);
	for (int i = 0; i < FIELDS; i++) {
		bool same = old && old->field[i] == now->field[i] && now->field[i] >= 0;

		cells[i + 1] = i > 0 && same && chance(3) > 0 ? FAKE_UNCHANGED
							      : text_of(now->field[i]);
	}
}

static void change(struct row *r)
{
	for (int i = 0; i < FIELDS; i++)
		if (chance(2))
			r->field[i] = chance(5) ? next_value++ : -1;
}

static void do_insert(unsigned key)
{
	const char *after[FIELDS + 1];
	struct row *r = &source[key];

	r->exists = true;
	for (int i = 0; i < FIELDS; i++)
		r->field[i] = next_value++;
	fill(after, key, r, NULL);
	tabletest_event(&t, EZ_OP_INSERT, table, NULL, after);
}

static void do_delete(unsigned key)
{
	const char *before[] = { key_text(key), FAKE_ABSENT, FAKE_ABSENT, FAKE_ABSENT };

	source[key].exists = false;
	tabletest_event(&t, EZ_OP_DELETE, table, before, NULL);
}

static void do_update(unsigned key, unsigned to, bool may_move)
{
	const char *before[] = { key_text(key), FAKE_ABSENT, FAKE_ABSENT, FAKE_ABSENT };
	const char *after[FIELDS + 1];
	struct row old = source[key], now = old;
	bool moves = may_move && to != key && !source[to].exists;

	change(&now);
	if (moves) {
		source[key].exists = false;
		key = to;
	}
	source[key] = now;
	fill(after, key, &now, &old);
	tabletest_event(&t, EZ_OP_UPDATE, table, moves ? before : NULL, after)->flags |=
		moves ? EZ_EV_KEY_CHANGED : 0;
}

/* ------------------------------------------------------------------ the target */

static int value_of(struct ez_view v)
{
	if (view_eq(v, VIEW("\\N")))
		return -1;
	ck_assert_msg(v.len > 1 && v.ptr[0] == 'v', "%.*s", VIEW_ARG(v));
	return (int)strtol(v.ptr + 1, NULL, 10);
}

/* One row of a body under the columns of its load. */
static void apply_row(const char *columns, struct ez_view line)
{
	struct ez_view names = view_str(columns), name, value;
	struct row row = { .exists = true }, *old;
	bool given[FIELDS] = { false }, deletes = false;
	unsigned key = KEYS;

	while (view_split(&names, ',', &name)) {
		ck_assert(view_split(&line, '\x01', &value));
		if (view_eq(name, VIEW("`id`")))
			key = (unsigned)strtol(value.ptr, NULL, 10);
		else if (view_eq(name, VIEW("__op")))
			deletes = view_eq(value, VIEW("1"));
		else {
			int i = name.ptr[2] - '0';

			row.field[i] = value_of(value);
			given[i] = true;
		}
	}
	ck_assert_uint_lt(key, KEYS);
	old = &target[key];
	for (int i = 0; i < FIELDS && !deletes; i++)
		if (!given[i])
			row.field[i] = old->exists ? old->field[i] : -1;
	*old = deletes ? (struct row){ .exists = false } : row;
}

static void apply_loads(void)
{
	bool seen[KEYS] = { false };

	for (size_t i = 0; i < t.loads.n; i++) {
		const struct load *load = t.loads.items[i];
		struct ez_view body = buf_view(&load->body), line;
		size_t n = 0;

		ck_assert_int_eq(load->format, LOAD_CSV);
		while (body.len > 0 && view_split(&body, '\x02', &line)) {
			unsigned key = (unsigned)strtol(line.ptr, NULL, 10);

			/* Once in all loads of the batch. */
			ck_assert_msg(!seen[key], "key %u twice", key);
			seen[key] = true;
			apply_row(load->columns, line);
			n++;
		}
		ck_assert_uint_eq(n, load->n_rows);
	}
}

static void compare(unsigned batch)
{
	for (unsigned k = 0; k < KEYS; k++) {
		ck_assert_msg(source[k].exists == target[k].exists,
			      "seed %d batch %u: row %u exists %d", (int)rng.state, batch,
			      k, target[k].exists);
		for (int i = 0; i < FIELDS && source[k].exists; i++)
			ck_assert_msg(source[k].field[i] == target[k].field[i],
				      "batch %u: row %u field %d: %d for %d", batch, k, i,
				      target[k].field[i], source[k].field[i]);
	}
}

/*
 * Moves are kept apart: a moved row of which a large value is neither in the batch nor sent
 * has to be read back, which needs a server.
 */
static void one_batch(unsigned batch)
{
	bool inserted[KEYS] = { false };
	unsigned n = 1 + chance(EVENTS);

	tabletest_begin(&t);
	for (unsigned e = 0; e < n; e++) {
		unsigned key = chance(KEYS), to = chance(KEYS);

		if (!source[key].exists) {
			do_insert(key);
			inserted[key] = true;
		} else if (chance(4) == 0) {
			do_delete(key);
			inserted[key] = false;
		} else {
			bool moves = inserted[key] && to != key && !source[to].exists;

			do_update(key, to, moves);
			if (moves) {
				inserted[to] = true;
				inserted[key] = false;
			}
		}
	}
	ck_assert_msg(tabletest_encode(&t) == EZ_OK, "%s", t.fake->err.text);
	apply_loads();
	compare(batch);
}

START_TEST(folded_batches_leave_what_the_events_would)
{
	rng = PRNG_INIT((uint64_t)_i + 1);
	memset(source, 0, sizeof(source));
	memset(target, 0, sizeof(target));
	next_value = 0;
	tabletest_open(&t);
	table = fake_table(t.fake, "public", "t",
			   "id:int4:key, f0:text, f1:text, f2:text");
	for (unsigned i = 0; i < BATCHES; i++)
		one_batch(i);
	tabletest_close(&t);
}
END_TEST

/* The hash is seeded, so equal hashes cannot be made on purpose; many rows make them. */
START_TEST(many_keys_stay_apart)
{
	enum { MANY = 60000 };
	const char *after[FIELDS + 1] = { NULL, "a", "b", "c" };
	char key[16];

	tabletest_open(&t);
	table = fake_table(t.fake, "public", "t",
			   "id:int8:key, f0:text, f1:text, f2:text");
	tabletest_begin(&t);
	after[0] = key;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < MANY; i++) {
			ck_assert(snprintf(key, sizeof(key), "%d", i * 1024) > 0);
			tabletest_event(&t, round ? EZ_OP_UPDATE : EZ_OP_INSERT, table,
					NULL, after);
		}
	ck_assert_int_eq(tabletest_encode(&t), EZ_OK);
	ck_assert_uint_eq(t.loads.items[0]->n_rows, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		ck_assert_uint_eq(t.loads.items[0]->rows[i], MANY + i);
	tabletest_close(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("starrocks folding");
	TCase *c = tcase_create("folding");

	tcase_add_loop_test(c, folded_batches_leave_what_the_events_would, 0, SEEDS);
	tcase_add_test(c, many_keys_stay_apart);
	suite_add_tcase(s, c);
	return run_suite(s);
}
