/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "ahead.h"

#include <check.h>

#include "group.h"
#include "tabletest.h"

/* What a run notes of what it loads beyond the position, and what the next one makes of it. */

static struct ahead a;

static void teardown(void)
{
	ahead_release(&a);
}

static struct ahead_place at(uint64_t lsn, uint64_t change, uint32_t nth)
{
	return (struct ahead_place){ .lsn = lsn, .change = change, .xid = (uint32_t)lsn, .nth = nth };
}

static void expect(uint64_t table, uint64_t lsn, uint64_t change, uint64_t group)
{
	ahead_expect(&a, &(struct ahead_mark){ .table = table,
					       .place = at(lsn, change, 0),
					       .group = group,
					       .version = 2,
					       .load = 3 });
}

static bool covers_nth(uint64_t table, uint64_t lsn, uint64_t change, uint32_t nth)
{
	const struct ez_table t = { .size = sizeof(t), .id = table };
	const struct ez_commit tx = { .size = sizeof(tx), .lsn = lsn, .xid = (uint32_t)lsn };
	const struct ez_event ev = { .size = sizeof(ev), .table = &t, .tx = &tx, .lsn = change };
	const struct ahead_place place = at(lsn, change, nth);

	return ahead_covers(&a, &ev, &place);
}

static bool covers(uint64_t table, uint64_t lsn, uint64_t change)
{
	return covers_nth(table, lsn, change, 0);
}

static bool is_over_at(uint64_t lsn)
{
	const struct ez_commit tx = { .size = sizeof(tx), .lsn = lsn };
	const struct ez_event ev = { .size = sizeof(ev), .tx = &tx };

	return ahead_is_over(&a, &ev);
}

static const char *text_of(void)
{
	static struct buf b = BUF_INIT(10000);

	buf_reset(&b);
	ahead_format(&a, &b);
	return buf_cstr(&b);
}

START_TEST(a_transaction_is_there_up_to_the_event_that_is_named)
{
	struct ahead_place place = at(100, 7, 2), other = at(200, 1, 0);

	ahead_all(&a, &place);
	ck_assert(covers(1, 100, 6) && covers(2, 100, 7) && covers_nth(2, 100, 7, 2));
	ck_assert(!covers_nth(1, 100, 7, 3) && !covers(1, 100, 8) && !covers(1, 101, 0));
	/* Nothing comes between the position and that transaction, unless it is news. */
	ck_assert(!covers(1, 99, 1));
	ck_assert(!is_over_at(100) && is_over_at(101));
	ahead_all(&a, &other);
	ck_assert_uint_eq(a.n, 1);
	ck_assert(!covers(5, 100, 0) && covers(5, 200, 0));
}
END_TEST

/* Four events: two of one record of the log, one of the next, one of another transaction. */
START_TEST(events_of_one_record_of_the_log_are_counted)
{
	struct ez_commit tx[2] = { { .size = sizeof(tx[0]), .lsn = 10, .xid = 1 },
				   { .size = sizeof(tx[0]), .lsn = 20, .xid = 2 } };
	struct ez_event ev[4];
	const struct ez_event *list[4] = { &ev[0], &ev[1], &ev[2], &ev[3] };
	struct ez_batch b = { .size = sizeof(b), .events = list, .n_events = 4 };
	struct ahead_place none = { .lsn = 0 }, p = none, last;

	for (unsigned i = 0; i < 4; i++)
		ev[i] = (struct ez_event){ .size = sizeof(ev[i]), .tx = &tx[i / 3],
					   .lsn = i < 2 ? 5 : 6 };
	for (unsigned i = 0; i < 4; i++) {
		last = ahead_place_of(&b, i, &none);
		p = ahead_next(&p, &ev[i]);
		ck_assert_uint_eq(p.nth, i == 1);
		ck_assert(p.nth == last.nth && p.lsn == last.lsn && p.change == last.change);
	}
	/* The record goes on in the next batch. */
	p = at(10, 5, 6);
	p.xid = 1;
	ck_assert_uint_eq(ahead_place_of(&b, 1, &p).nth, 8);
	ck_assert_uint_eq(ahead_place_of(&b, 2, &p).nth, 0);
}
END_TEST

START_TEST(a_table_is_ahead_for_itself)
{
	expect(7, 100, 5, 0);
	ck_assert(covers(7, 100, 5) && covers(7, 99, 9));
	ck_assert(!covers(8, 100, 5) && !covers(7, 100, 6) && !covers(7, 101, 0));
}
END_TEST

START_TEST(what_is_certain_stays_until_the_next_is)
{
	expect(7, 100, 5, 1);
	ahead_settle(&a, 1);
	expect(7, 200, 0, 2);
	expect(8, 200, 0, 2);
	ck_assert_str_eq(text_of(), ">=7:100:100:5:0:0:2:3>=7:200:200:0:0:2:2:3"
				    ">=8:200:200:0:0:2:2:3");
	/* Encoded anew: the label is another one. */
	expect(7, 200, 0, 2);
	ck_assert_uint_eq(a.n, 3);
	ahead_settle(&a, 1);
	ck_assert_uint_eq(a.n, 3);
	ahead_settle(&a, 2);
	ck_assert_str_eq(text_of(), ">=8:200:200:0:0:0:2:3>=7:200:200:0:0:0:2:3");
}
END_TEST

START_TEST(a_load_is_done_or_will_never_be)
{
	expect(7, 100, 5, 1);
	ahead_settle(&a, 1);
	expect(7, 200, 0, 2);
	ahead_learn(&a, 2, 4, true); /* another load */
	ck_assert(covers(7, 200, 0));
	ahead_learn(&a, 2, 3, false);
	ck_assert(!covers(7, 200, 0) && covers(7, 100, 5));
	expect(7, 300, 0, 3);
	ahead_learn(&a, 3, 3, true);
	ck_assert_str_eq(text_of(), ">=7:300:300:0:0:0:2:3");
}
END_TEST

START_TEST(the_text_is_read_back_and_other_text_is_not)
{
	struct ahead other = { .items = NULL };

	ahead_parse(&a, VIEW(">=1:2:3:4:5:6:7:8>7:8:61:62>=1:2:3:4:5:6>=x:2:3:4:5:6:7:8>="
			     ">=18446744073709551615:0:0:0:0:0:0:4294967296"
			     ">=18446744073709551615:1:0:0:0:0:0:0>"));
	ck_assert_str_eq(text_of(), ">=1:2:3:4:5:6:7:8>=18446744073709551615:1:0:0:0:0:0:0");
	ahead_copy(&other, &a);
	ahead_release(&a);
	ck_assert_uint_eq(other.n, 2);
	ahead_copy(&other, &a);
	ck_assert_uint_eq(other.n, 0);
}
END_TEST

START_TEST(there_is_an_end_to_what_is_remembered)
{
	for (uint64_t i = 1; i <= 4100; i++)
		expect(i, i, 0, 0);
	ck_assert_uint_eq(a.n, 4000);
	ck_assert(covers(4100, 4100, 0) && !covers(100, 100, 0));
}
END_TEST

/* Three transactions of two events; the last one is not over. */
START_TEST(a_group_that_ends_within_a_batch_has_the_position_before_that)
{
	struct ez_commit tx[3];
	const struct ez_commit *commits[3];
	struct ez_event events[6];
	const struct ez_event *list[6];
	struct ez_table table = { .size = sizeof(table), .id = 1 };
	struct ez_batch b = { .size = sizeof(b), .number = 1, .events = list, .n_events = 6,
			      .commits = commits, .n_commits = 3 };
	struct group *g = group_new(NULL);
	struct ahead_place none = { .lsn = 0 };

	for (unsigned i = 0; i < 3; i++) {
		tx[i] = (struct ez_commit){ .size = sizeof(tx[i]), .lsn = 10 + 10 * i, .first = 2UL * i,
					    .n_events = 2 };
		if (i < 2)
			tx[i].position = (struct ez_position){ VIEW("there"), 10 * i + 1 };
		commits[i] = &tx[i];
	}
	for (unsigned i = 0; i < 6; i++) {
		events[i] = (struct ez_event){ .size = sizeof(events[i]), .op = EZ_OP_INSERT,
					       .table = &table, .tx = &tx[i / 2], .lsn = i };
		list[i] = &events[i];
	}
	group_add(g, &b, 0, 3, &none);
	group_reach(g, &b, 1);
	ck_assert_str_eq(g->position, "");
	group_reach(g, &b, 3);
	ck_assert_uint_eq(g->order, 1);
	ck_assert(g->last.lsn == 20 && g->last.change == 2);
	group_add(g, &b, 3, 6, &none);
	group_end_batch(g, &b);
	ck_assert_uint_eq(g->order, 11);
	ck_assert(g->last.lsn == 30 && g->last.change == 5);
	group_free(g);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ahead");
	TCase *c = tcase_create("ahead");

	tcase_add_checked_fixture(c, NULL, teardown);
	tcase_add_test(c, a_transaction_is_there_up_to_the_event_that_is_named);
	tcase_add_test(c, events_of_one_record_of_the_log_are_counted);
	tcase_add_test(c, a_load_is_done_or_will_never_be);
	tcase_add_test(c, a_table_is_ahead_for_itself);
	tcase_add_test(c, what_is_certain_stays_until_the_next_is);
	tcase_add_test(c, the_text_is_read_back_and_other_text_is_not);
	tcase_add_test(c, there_is_an_end_to_what_is_remembered);
	tcase_add_test(c, a_group_that_ends_within_a_batch_has_the_position_before_that);
	suite_add_tcase(s, c);
	return run_suite(s);
}
