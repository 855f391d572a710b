/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/view.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/out.h"
#include "engine/problems.h"

/* Check writes a message for every assertion that passes: too slow for one per event. */
#define REQUIRE(cond)                                        \
	do {                                                 \
		if (!(cond))                                 \
			ck_abort_msg("failed: %s", #cond);   \
	} while (0)

/* A pipeline of one: an out whose batches are kept until the test looks at them. */
struct rig {
	struct batch_pool pool;
	struct budget budget;
	struct registry registry;
	struct ez_out out;
	struct batch *batches[4096];
	size_t n_batches;
	unsigned news, barriers;
	uint64_t counted;
	struct ez_error err;
	const struct ez_table *table;
};

static void keep_batch(void *arg, struct batch *b)
{
	struct rig *r = arg;

	ck_assert_uint_lt(r->n_batches, ARRAY_LEN(r->batches));
	r->batches[r->n_batches++] = b;
}

static void note_news(void *arg, struct table *before, struct table *now)
{
	struct rig *r = arg;

	r->news++;
	table_unref(before);
	table_unref(now);
}

static void note_barrier(void *arg)
{
	((struct rig *)arg)->barriers++;
}

static int refuse(void *arg, const struct ez_event *ev, struct ez_error *err)
{
	(void)arg;
	(void)ev;
	return error_fill(err, EZ_E_DATA, "", "bad row");
}

static void count(void *arg, const struct ez_table *t, const uint32_t *rows)
{
	struct rig *r = arg;

	(void)t;
	for (int i = 0; i < OUT_OPS; i++)
		r->counted += rows[i];
}

static const struct out_ops ops = { keep_batch, note_news, note_barrier, refuse, count, NULL };

static const struct ez_column column_id = { .size = sizeof(struct ez_column),
					    .name = { "id", 2 },
					    .type = EZ_TYPE_INT4,
					    .flags = EZ_COL_KEY };
static const struct ez_column *const columns[] = { &column_id };
static const struct ez_table shape = { .size = sizeof(struct ez_table),
				       .id = 7,
				       .schema = { "public", 6 },
				       .name = { "t", 1 },
				       .n_columns = 1,
				       .columns = columns };

static struct rig *rig_new(void)
{
	struct rig *r = xcalloc(1, sizeof(*r));

	batch_pool_init(&r->pool);
	registry_init(&r->registry);
	r->budget.limit = 1 << 30;
	r->err = ERROR_INIT;
	out_init(&r->out, &r->pool, &r->budget, &r->registry);
	r->out.ops = &ops;
	r->out.arg = r;
	r->table = out_table(&r->out, &shape, &r->err);
	ck_assert_ptr_nonnull(r->table);
	return r;
}

static void rig_free(struct rig *r)
{
	for (size_t i = 0; i < r->n_batches; i++)
		batch_free(&r->pool, r->batches[i]);
	out_release(&r->out);
	ck_assert_int_eq(budget_used(&r->budget), 0);
	registry_release(&r->registry);
	batch_pool_release(&r->pool);
	free(r);
}

static void begin(struct rig *r, uint64_t lsn)
{
	const struct ez_commit tx = { .size = sizeof(tx), .lsn = lsn, .xid = (uint32_t)lsn };

	out_begin(&r->out, &tx);
}

static int row(struct rig *r, uint32_t op, uint64_t seq, size_t bytes)
{
	char *text = out_alloc(&r->out, bytes);
	struct ez_event *ev = out_event(&r->out, r->table, op, 0, 1);

	memset(text, 'x', bytes);
	ev->seq = seq;
	ev->after[0] = (struct ez_cell){ text, (uint32_t)bytes, EZ_CELL_TEXT };
	return out_emit(&r->out, ev, &r->err);
}

static int commit(struct rig *r, uint64_t order)
{
	return out_commit(&r->out, (struct ez_position){ VIEW("somewhere"), order }, &r->err);
}

START_TEST(transactions_stay_whole_below_the_limit)
{
	struct rig *r = rig_new();

	r->out.limits.bytes = ARENA_CHUNK_BYTES;
	r->out.limits.tx_bytes = 100 * ARENA_CHUNK_BYTES;
	for (uint64_t tx = 1; tx <= 50; tx++) {
		begin(r, tx);
		for (uint64_t i = 0; i < 100; i++)
			REQUIRE(row(r, EZ_OP_INSERT, i, 1000) >= 0);
		ck_assert_int_ge(commit(r, tx), 0);
	}
	out_finish(&r->out);
	ck_assert_uint_gt(r->n_batches, 5);
	for (size_t i = 0; i < r->n_batches; i++) {
		ck_assert_uint_eq(r->batches[i]->pub.flags, 0);
		ck_assert_uint_eq(r->batches[i]->n_events % 100, 0);
	}
	ck_assert_uint_eq(r->counted, 5000);
	rig_free(r);
}
END_TEST

START_TEST(only_a_transaction_over_the_limit_is_cut)
{
	struct rig *r = rig_new();
	const struct batch *b;

	r->out.limits.bytes = r->out.limits.tx_bytes = ARENA_CHUNK_BYTES * 2;
	begin(r, 5);
	for (uint64_t i = 0; i < 2000; i++)
		REQUIRE(row(r, EZ_OP_INSERT, i, 1000) >= 0);
	ck_assert_uint_gt(r->n_batches, 1);
	ck_assert_int_ge(commit(r, 9), 0);
	out_finish(&r->out);
	for (size_t i = 0; i < r->n_batches; i++) {
		b = r->batches[i];
		ck_assert_int_eq((b->pub.flags & EZ_BATCH_CONTINUED) != 0, i > 0);
		ck_assert_int_eq((b->pub.flags & EZ_BATCH_OPEN) != 0, i + 1 < r->n_batches);
		ck_assert_uint_eq(b->commits[0]->lsn, 5);
		ck_assert_int_eq(batch_last_commit(b) != NULL, i + 1 == r->n_batches);
		ck_assert_int_le(b->charged, 4 * ARENA_CHUNK_BYTES);
	}
	ck_assert_uint_eq(r->batches[r->n_batches - 1]->commits[0]->position.order, 9);
	rig_free(r);
}
END_TEST

START_TEST(a_shutdown_forgets_the_unfinished_transaction_only)
{
	struct rig *r = rig_new();

	begin(r, 1);
	row(r, EZ_OP_INSERT, 0, 10);
	commit(r, 2);
	begin(r, 3);
	row(r, EZ_OP_INSERT, 0, 10);
	out_finish(&r->out);
	ck_assert_uint_eq(r->n_batches, 1);
	ck_assert_uint_eq(r->batches[0]->pub.n_events, 1);
	ck_assert_uint_eq(r->batches[0]->pub.n_commits, 1);
	ck_assert_uint_eq(batch_last_commit(r->batches[0])->position.order, 2);
	rig_free(r);
}
END_TEST

START_TEST(a_truncate_stands_alone_between_barriers_when_the_sink_wants_them)
{
	struct rig *r = rig_new();

	r->out.wants_barriers = true;
	begin(r, 1);
	row(r, EZ_OP_INSERT, 0, 10);
	row(r, EZ_OP_TRUNCATE, 1, 10);
	row(r, EZ_OP_INSERT, 2, 10);
	commit(r, 2);
	out_finish(&r->out);
	ck_assert_uint_eq(r->n_batches, 3);
	ck_assert_uint_eq(r->barriers, 2);
	ck_assert_uint_eq(r->batches[1]->n_events, 1);
	ck_assert_uint_eq(r->batches[1]->events[0]->op, EZ_OP_TRUNCATE);
	rig_free(r);
}
END_TEST

START_TEST(many_empty_transactions_cost_one_entry)
{
	struct rig *r = rig_new();

	for (uint64_t i = 1; i <= 100000; i++) {
		begin(r, i);
		commit(r, i);
	}
	ck_assert_uint_eq(r->out.batch->n_commits, 1);
	ck_assert_uint_eq(arena_bytes(&r->out.batch->arena), ARENA_CHUNK_BYTES);
	out_finish(&r->out);
	ck_assert_uint_eq(batch_last_commit(r->batches[0])->position.order, 100000);
	rig_free(r);
}
END_TEST

/* ---------------------------------------------------------------------- transforms */

/* Drops every event with an odd seq. */
static int odd_table(void *inst, const struct ez_table *in, struct ez_shape *out, void **state,
		     struct ez_error *err)
{
	(void)inst;
	(void)in;
	(void)out;
	(void)state;
	(void)err;
	return EZ_OK;
}

static int odd_apply(void *inst, void *state, struct ez_event *ev, struct ez_out *out,
		     struct ez_error *err)
{
	(void)inst;
	(void)state;
	(void)err;
	(void)out_alloc(out, 64);
	return ev->seq % 2 ? EZ_SKIP : EZ_OK;
}

static void odd_close(void *inst)
{
	(void)inst;
}

static const struct ez_transform odd = { .size = sizeof(odd),
					 .close = odd_close,
					 .table = odd_table,
					 .apply = odd_apply };

static struct rig *rig_with_filter(void)
{
	struct rig *r = rig_new();
	struct ez_table other = shape;

	r->out.chain.transforms = xcalloc(1, sizeof(struct transform));
	r->out.chain.transforms[0] = (struct transform){ &odd, "odd", NULL };
	r->out.chain.n = 1;
	other.id = 8;
	r->table = out_table(&r->out, &other, &r->err);
	return r;
}

START_TEST(dropped_events_give_their_memory_back)
{
	struct rig *r = rig_with_filter();

	begin(r, 1);
	for (uint64_t i = 0; i < 100000; i++)
		REQUIRE(row(r, EZ_OP_INSERT, 1, 1000) >= 0);
	ck_assert_uint_le(arena_bytes(&r->out.batch->arena), 2 * ARENA_CHUNK_BYTES);
	ck_assert_int_ge(commit(r, 2), 0);
	out_finish(&r->out);
	ck_assert_uint_eq(r->batches[0]->n_events, 0);
	ck_assert_uint_eq(batch_last_commit(r->batches[0])->position.order, 2);
	rig_free(r);
}
END_TEST

START_TEST(kept_events_survive_dropped_neighbours)
{
	struct rig *r = rig_with_filter();
	uint64_t expected = 0;

	r->out.limits.bytes = r->out.limits.tx_bytes = ARENA_CHUNK_BYTES;
	for (uint64_t tx = 1; tx <= 20; tx++) {
		begin(r, tx);
		for (uint64_t i = 0; i < 500; i++)
			REQUIRE(row(r, EZ_OP_INSERT, i, 100 + i % 90) >= 0);
		ck_assert_int_ge(commit(r, tx), 0);
	}
	out_finish(&r->out);
	for (size_t b = 0; b < r->n_batches; b++)
		for (size_t i = 0; i < r->batches[b]->n_events; i++) {
			const struct ez_event *ev = r->batches[b]->events[i];

			REQUIRE(ev->seq == expected % 500);
			ck_assert_uint_eq(ev->after[0].len, 100 + ev->seq % 90);
			for (uint32_t c = 0; c < ev->after[0].len; c++)
				REQUIRE(ev->after[0].ptr[c] == 'x');
			expected += 2;
		}
	ck_assert_uint_eq(expected, 20 * 500);
	rig_free(r);
}
END_TEST

/* ------------------------------------------------------------------------ any stream */

/* Every event arrives once and in order, every commit entry says which are its own, and
 * positions come with the last part of a transaction only. */
static void check_all(const struct rig *r, uint64_t n_tx, const uint64_t *sizes)
{
	uint64_t tx = 1, seq = 0;

	for (size_t b = 0; b < r->n_batches; b++) {
		const struct ez_batch *pub = &r->batches[b]->pub;

		ck_assert_uint_eq(pub->number, b + 1);
		for (size_t c = 0; c < pub->n_commits; c++) {
			const struct ez_commit *k = pub->commits[c];

			while (tx < k->lsn) {
				ck_assert_uint_eq(sizes[tx], 0);
				tx++;
			}
			ck_assert_uint_eq(k->lsn, tx);
			ck_assert_uint_eq(k->index, c);
			for (uint64_t i = 0; i < k->n_events; i++) {
				const struct ez_event *ev = pub->events[k->first + i];

				REQUIRE(ev->tx == k);
				REQUIRE(ev->seq == seq++);
			}
			if (k->position.bytes.len == 0)
				continue;
			ck_assert_uint_eq(seq, sizes[tx]);
			ck_assert_uint_eq(k->position.order, tx);
			tx++;
			seq = 0;
		}
	}
	ck_assert_uint_eq(tx, n_tx + 1);
}

START_TEST(any_stream_arrives_whole_and_in_order)
{
	enum { N = 200 };
	struct rig *r = rig_new();
	uint64_t sizes[N + 1];
	struct prng prng = PRNG_INIT((uint64_t)_i);

	r->out.limits.bytes = r->out.limits.tx_bytes = ARENA_CHUNK_BYTES;
	for (uint64_t tx = 1; tx <= N; tx++) {
		sizes[tx] = prng_below(&prng, 4) == 0 ? prng_below(&prng, 3000) :
							prng_below(&prng, 5);
		sizes[tx] = tx == N ? 1 : sizes[tx];
		begin(r, tx);
		for (uint64_t i = 0; i < sizes[tx]; i++)
			REQUIRE(row(r, EZ_OP_INSERT, i, prng_below(&prng, 400)) >= 0);
		ck_assert_int_ge(commit(r, tx), 0);
		if (prng_below(&prng, 10) == 0)
			out_cut(&r->out);
	}
	out_finish(&r->out);
	check_all(r, N, sizes);
	rig_free(r);
}
END_TEST

/* Rows of such a shape are there already; those that follow are not. */
START_TEST(no_shape_stays_past_for_longer_than_the_checkpoint_says)
{
	struct rig *r = rig_new();
	struct ez_column renamed = column_id;
	const struct ez_column *const other[] = { &renamed };
	struct ez_table stored = shape;

	renamed.name = VIEW("number");
	stored.id = 8;
	stored.lsn = 100;
	registry_seed(&r->registry, &stored, NULL);
	stored.columns = other;
	r->table = out_table(&r->out, &stored, &r->err);
	r->news = 0;
	for (uint64_t lsn = 99; lsn <= 102; lsn++) {
		begin(r, lsn);
		ck_assert_int_ge(row(r, EZ_OP_INSERT, 0, 10), 0);
		ck_assert_int_ge(commit(r, lsn), 0);
		ck_assert_uint_eq(r->news, lsn > 100);
		ck_assert_int_eq(table_of(out_final(r->table))->is_past, lsn <= 100);
	}
	out_finish(&r->out);
	ck_assert_uint_eq(r->counted, 2);
	rig_free(r);
}
END_TEST

START_TEST(a_new_shape_is_told_once_and_keeps_old_rows_readable)
{
	struct rig *r = rig_new();
	struct ez_table wider = shape;

	ck_assert_uint_eq(r->news, 1);
	begin(r, 1);
	row(r, EZ_OP_INSERT, 0, 10);
	ck_assert_ptr_eq(out_table(&r->out, &shape, &r->err), r->table);
	wider.name = VIEW("renamed");
	r->table = out_table(&r->out, &wider, &r->err);
	ck_assert_uint_eq(r->news, 2);
	row(r, EZ_OP_INSERT, 1, 10);
	commit(r, 2);
	out_finish(&r->out);
	ck_assert(view_eq_str(r->batches[0]->events[0]->table->name, "t"));
	ck_assert(view_eq_str(r->batches[0]->events[1]->table->name, "renamed"));
	ck_assert_uint_eq(r->batches[0]->events[1]->table->version, 2);
	ck_assert_uint_eq(r->counted, 2);
	rig_free(r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("out");
	TCase *cuts = tcase_create("cuts"), *any = tcase_create("any stream");
	TCase *transforms = tcase_create("transforms");

	tcase_add_test(cuts, transactions_stay_whole_below_the_limit);
	tcase_add_test(cuts, only_a_transaction_over_the_limit_is_cut);
	tcase_add_test(cuts, a_shutdown_forgets_the_unfinished_transaction_only);
	tcase_add_test(cuts, a_truncate_stands_alone_between_barriers_when_the_sink_wants_them);
	tcase_add_test(cuts, many_empty_transactions_cost_one_entry);
	suite_add_tcase(s, cuts);
	tcase_add_test(transforms, dropped_events_give_their_memory_back);
	tcase_add_test(transforms, kept_events_survive_dropped_neighbours);
	suite_add_tcase(s, transforms);
	tcase_add_test(any, no_shape_stays_past_for_longer_than_the_checkpoint_says);
	tcase_add_test(any, a_new_shape_is_told_once_and_keeps_old_rows_readable);
	tcase_add_loop_test(any, any_stream_arrives_whole_and_in_order, 0, 20);
	suite_add_tcase(s, any);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
