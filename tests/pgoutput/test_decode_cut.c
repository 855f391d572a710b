/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "decode_kit.h"
#include "run.h"

/* ---------------------------------------------------------------- cut off and again */

START_TEST(a_transaction_that_was_cut_off_goes_on_where_it_was)
{
	setup();
	describe();
	begins(0x2000, 7);
	inserts("1");
	msg_truncate(&b, 0, 0, (const uint32_t[]){ T, F }, 2);
	sends();
	decode_lost(&d);
	ck_assert(!decode_is_quiet(&d));
	describe();
	begins(0x2000, 7);
	inserts("1");
	msg_truncate(&b, 0, 0, (const uint32_t[]){ T, F }, 2);
	sends();
	inserts("2");
	commits(0x2030);
	ck_assert(decode_is_quiet(&d));
	says_of_rows("begin 0/2000 xid 7\n"
		     "c public.t lsn 0/1000 seq 0 after '1' 'x' ~\n"
		     "t public.t lsn 0/1000 seq 1\n"
		     "t public.f lsn 0/1000 seq 2\n"
		     "c public.t lsn 0/1000 seq 3 after '2' 'x' ~\n"
		     "commit 0/2030\n");
	teardown();
}
END_TEST

/* However often and wherever it is cut: the engine sees the same. */
START_TEST(cutting_anywhere_any_number_of_times_changes_nothing)
{
	struct prng p = PRNG_INIT((uint64_t)_i + 1);
	char id[16];

	setup();
	for (bool done = false; !done;) {
		unsigned upto = (unsigned)prng_below(&p, 24);

		describe();
		begins(0x2000, 7);
		for (unsigned i = 0; i < 20 && i < upto; i++) {
			snprintf(id, sizeof(id), "%u", i);
			if (i % 5 == 4) {
				msg_truncate(&b, 0, 0, (const uint32_t[]){ T, F }, 2);
				sends();
			} else {
				inserts(id);
			}
		}
		done = upto >= 20;
		if (done)
			commits(0x2030);
		else
			decode_lost(&d);
	}
	ck_assert_uint_eq(r->n_events, 24);
	ck_assert_uint_eq(r->n_commits, 1);
	teardown();
}
END_TEST

START_TEST(transactions_without_events_may_come_before_the_one_that_was_cut_off)
{
	setup();
	describe();
	begins(0x2000, 7);
	inserts("1");
	decode_lost(&d);
	describe();
	begins(0x1800, 6);
	msg_insert(&b, 0, SKIPPED, MSG_ROW("1"));
	sends();
	commits(0x1830);
	begins(0x2000, 7);
	inserts("1");
	commits(0x2030);
	says_of_rows("begin 0/2000 xid 7\n"
		     "c public.t lsn 0/1000 seq 0 after '1' 'x' ~\n"
		     "commit 0/2030\n");
	teardown();
}
END_TEST

START_TEST(another_history_after_a_cut_is_fatal)
{
	setup();
	describe();
	begins(0x2000, 7);
	inserts("1");
	decode_lost(&d);
	describe();
	ck_assert_int_eq(decode_begin(&d, 0x2100, 8, 0, &err), EZ_E_FATAL);
	ck_assert_ptr_nonnull(strstr(err.text, "did not come again"));
	teardown();
}
END_TEST

START_TEST(an_event_before_the_cut_transaction_is_fatal)
{
	setup();
	describe();
	begins(0x2000, 7);
	inserts("1");
	decode_lost(&d);
	describe();
	begins(0x1800, 6);
	msg_insert(&b, 0, T, MSG_ROW("1", "x", NULL));
	ck_assert_int_eq(send_one(false), EZ_E_FATAL);
	teardown();
}
END_TEST

START_TEST(a_transaction_that_comes_again_shorter_is_fatal)
{
	setup();
	describe();
	begins(0x2000, 7);
	inserts("1");
	inserts("2");
	decode_lost(&d);
	describe();
	begins(0x2000, 7);
	inserts("1");
	ck_assert_int_eq(commit_at(0x2030), EZ_E_FATAL);
	teardown();
}
END_TEST

START_TEST(a_transaction_of_which_the_engine_knows_nothing_simply_comes_again)
{
	setup();
	describe();
	begins(0x2000, 7);
	decode_lost(&d);
	ck_assert(decode_is_quiet(&d));
	describe();
	begins(0x2000, 7);
	inserts("1");
	commits(0x2030);
	says_of_rows("begin 0/2000 xid 7\n"
		     "c public.t lsn 0/1000 seq 0 after '1' 'x' ~\n"
		     "commit 0/2030\n");
	teardown();
}
END_TEST

/* ---------------------------------------------------------------- malformed */

START_TEST(a_table_that_was_never_described_is_fatal)
{
	setup();
	begins(0x2000, 7);
	msg_insert(&b, 0, 555, MSG_ROW("1"));
	ck_assert_int_eq(send_one(false), EZ_E_FATAL);
	ck_assert_ptr_nonnull(strstr(err.text, "555"));
	teardown();
}
END_TEST

START_TEST(a_row_with_another_number_of_columns_is_fatal_and_names_the_table)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_insert(&b, 0, T, MSG_ROW("1", "x"));
	ck_assert_int_eq(send_one(false), EZ_E_FATAL);
	ck_assert_ptr_nonnull(strstr(err.text, "public.t"));
	ck_assert_ptr_nonnull(strstr(err.text, "2 columns"));
	teardown();
}
END_TEST

START_TEST(a_change_outside_a_transaction_is_fatal)
{
	setup();
	describe();
	msg_insert(&b, 0, T, MSG_ROW("1", "x", NULL));
	ck_assert_int_eq(send_one(false), EZ_E_FATAL);
	teardown();
}
END_TEST

static void build(int which)
{
	switch (which) {
	case 0:
		msg_insert(&b, 0, T, MSG_ROW("1", "x", NULL));
		break;
	case 1:
		msg_update(&b, 0, T);
		msg_tuple(&b, 'K', MSG_ROW("1", NULL, NULL));
		msg_tuple(&b, 'N', MSG_ROW("2", "x", MSG_UNCHANGED));
		break;
	case 2:
		msg_delete(&b, 0, F);
		msg_tuple(&b, 'O', MSG_ROW("1", "a", "b"));
		break;
	case 3:
		msg_truncate(&b, 0, 0, (const uint32_t[]){ T, F }, 2);
		break;
	case 4:
		msg_message(&b, 0, true, 1, "p", "content");
		break;
	default:
		msg_relation(&b, 0, T, "t", 'd', "id:23:k v:25 w:25");
		break;
	}
}

START_TEST(every_message_that_is_cut_short_or_too_long_is_fatal)
{
	setup();
	describe();
	begins(0x2000, 7);
	for (int which = 0; which < 6; which++) {
		size_t whole;

		build(which);
		whole = b.len;
		buf_reset(&b);
		for (size_t n = 0; n < whole; n++) {
			build(which);
			buf_truncate(&b, n);
			ck_assert_msg(send_one(false) == EZ_E_FATAL, "%d at %zu", which,
				      n);
			ck_assert_ptr_nonnull(strstr(err.text, "0/1000"));
		}
		build(which);
		buf_add_char(&b, 0);
		ck_assert_msg(send_one(false) == EZ_E_FATAL, "%d and a byte", which);
		build(which);
		sends();
	}
	teardown();
}
END_TEST

START_TEST(an_error_says_which_message_where_and_at_what_offset)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_insert(&b, 0, T, MSG_ROW("1", "x", NULL));
	b.ptr[8] = 'z'; /* kind of the first value: 1 type, 4 oid, 1 letter, 2 count */
	ck_assert_int_eq(send_one(false), EZ_E_FATAL);
	ck_assert_ptr_nonnull(strstr(err.text, "insert message"));
	ck_assert_ptr_nonnull(strstr(err.text, "at 0/1000"));
	ck_assert_ptr_nonnull(strstr(err.text, "offset 9"));
	teardown();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("decode_cut");

	ADD_TESTS(s, "cut off", a_transaction_that_was_cut_off_goes_on_where_it_was,
		  transactions_without_events_may_come_before_the_one_that_was_cut_off,
		  another_history_after_a_cut_is_fatal,
		  an_event_before_the_cut_transaction_is_fatal,
		  a_transaction_that_comes_again_shorter_is_fatal,
		  a_transaction_of_which_the_engine_knows_nothing_simply_comes_again);
	add_loop(s, "cut anywhere", cutting_anywhere_any_number_of_times_changes_nothing,
		 100);
	ADD_TESTS(s, "malformed", a_table_that_was_never_described_is_fatal,
		  a_row_with_another_number_of_columns_is_fatal_and_names_the_table,
		  a_change_outside_a_transaction_is_fatal,
		  every_message_that_is_cut_short_or_too_long_is_fatal,
		  an_error_says_which_message_where_and_at_what_offset);
	return run_tests(s);
}
