/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "decode_kit.h"
#include "fake_catalog.h"
#include "run.h"

START_TEST(an_insert_becomes_an_event)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_insert(&b, 0, T, MSG_ROW("1", "", NULL));
	sends();
	commits(0x2030);
	says("table 16385 public.t v1: id key, v, w\n"
	     "begin 0/2000 xid 7\n"
	     "c public.t lsn 0/1000 seq 0 after '1' '' ~\n"
	     "commit 0/2030\n");
	teardown();
}
END_TEST

START_TEST(rows_with_one_lsn_are_told_apart_by_seq)
{
	setup();
	describe();
	begins(0x2000, 7);
	inserts("1");
	inserts("2");
	commits(0x2030);
	begins(0x3000, 8);
	inserts("3");
	commits(0x3030);
	says_of_rows("begin 0/2000 xid 7\n"
		     "c public.t lsn 0/1000 seq 0 after '1' 'x' ~\n"
		     "c public.t lsn 0/1000 seq 1 after '2' 'x' ~\n"
		     "commit 0/2030\n"
		     "begin 0/3000 xid 8\n"
		     "c public.t lsn 0/1000 seq 0 after '3' 'x' ~\n"
		     "commit 0/3030\n");
	teardown();
}
END_TEST

START_TEST(an_update_without_an_old_row)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_update(&b, 0, T);
	msg_tuple(&b, 'N', MSG_ROW("1", "new", MSG_UNCHANGED));
	sends();
	says_of_rows("begin 0/2000 xid 7\n"
		     "u public.t lsn 0/1000 seq 0 after '1' 'new' =\n");
	teardown();
}
END_TEST

START_TEST(a_changed_key_comes_with_the_old_one_and_nothing_else)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_update(&b, 0, T);
	msg_tuple(&b, 'K', MSG_ROW("1", NULL, NULL));
	msg_tuple(&b, 'N', MSG_ROW("2", "v", MSG_UNCHANGED));
	sends();
	says_of_rows("begin 0/2000 xid 7\n"
		     "u!key public.t lsn 0/1000 seq 0 before '1' - - after '2' 'v' =\n");
	teardown();
}
END_TEST

START_TEST(a_key_that_is_stored_out_of_line_is_taken_from_the_old_key)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_update(&b, 0, T);
	msg_tuple(&b, 'K', MSG_ROW("long key", NULL, NULL));
	msg_tuple(&b, 'N', MSG_ROW(MSG_UNCHANGED, "v", "w"));
	sends();
	says_of_rows("begin 0/2000 xid 7\n"
		     "u public.t lsn 0/1000 seq 0 after 'long key' 'v' 'w'\n");
	teardown();
}
END_TEST

START_TEST(a_full_old_row_fills_what_was_not_sent)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_update(&b, 0, F);
	msg_tuple(&b, 'O', MSG_ROW("1", "old", "large"));
	msg_tuple(&b, 'N', MSG_ROW("1", "new", MSG_UNCHANGED));
	sends();
	says_of_rows(
		"begin 0/2000 xid 7\n"
		"u!full public.f lsn 0/1000 seq 0 before '1' 'old' 'large' after '1' "
		"'new' 'large'\n");
	teardown();
}
END_TEST

START_TEST(with_full_identity_the_primary_key_tells_whether_a_row_moved)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_update(&b, 0, F);
	msg_tuple(&b, 'O', MSG_ROW("1", NULL, "w"));
	msg_tuple(&b, 'N', MSG_ROW("2", "v", "w"));
	sends();
	says_of_rows(
		"begin 0/2000 xid 7\n"
		"u!key!full public.f lsn 0/1000 seq 0 before '1' ~ 'w' after '2' 'v' "
		"'w'\n");
	teardown();
}
END_TEST

START_TEST(a_null_of_a_key_only_row_is_never_taken_for_a_value)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_update(&b, 0, INDEXED);
	msg_tuple(&b, 'K', MSG_ROW(NULL, "a"));
	msg_tuple(&b, 'N', MSG_ROW(MSG_UNCHANGED, "b"));
	sends();
	says_of_rows("begin 0/2000 xid 7\n"
		     "u!key public.i lsn 0/1000 seq 0 before - 'a' after = 'b'\n");
	teardown();
}
END_TEST

START_TEST(deletes_hold_a_key_or_a_row)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_delete(&b, 0, T);
	msg_tuple(&b, 'K', MSG_ROW("1", NULL, NULL));
	sends();
	msg_delete(&b, 0, F);
	msg_tuple(&b, 'O', MSG_ROW("1", NULL, "w"));
	sends();
	says_of_rows("begin 0/2000 xid 7\n"
		     "d public.t lsn 0/1000 seq 0 before '1' - -\n"
		     "d!full public.f lsn 0/1000 seq 1 before '1' ~ 'w'\n");
	teardown();
}
END_TEST

START_TEST(truncate_is_an_event_per_table_that_is_selected)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_truncate(&b, 0, 3, (const uint32_t[]){ F, SKIPPED, T }, 3);
	sends();
	inserts("1");
	says_of_rows("begin 0/2000 xid 7\n"
		     "t!cascade!restart public.f lsn 0/1000 seq 0\n"
		     "t!cascade!restart public.t lsn 0/1000 seq 1\n"
		     "c public.t lsn 0/1000 seq 2 after '1' 'x' ~\n");
	teardown();
}
END_TEST

START_TEST(a_truncate_of_many_tables_is_whole_even_when_the_engine_is_full)
{
	setup();
	describe();
	r->full_after = 1;
	begins(0x2000, 7);
	msg_truncate(&b, 0, 0, (const uint32_t[]){ F, T }, 2);
	ck_assert_int_eq(send_one(false), EZ_AGAIN);
	says_of_rows("begin 0/2000 xid 7\n"
		     "t public.f lsn 0/1000 seq 0\n"
		     "t public.t lsn 0/1000 seq 1\n");
	teardown();
}
END_TEST

START_TEST(tables_that_are_not_selected_cost_nothing)
{
	unsigned before = fake_catalog_lookups;

	setup();
	describe();
	begins(0x2000, 7);
	msg_insert(&b, 0, SKIPPED, MSG_ROW("1"));
	sends();
	commits(0x2030);
	says("");
	ck_assert_uint_eq(fake_catalog_lookups, before);
	ck_assert_uint_eq(d.quiet_lsn, 0x2030);
	ck_assert_uint_eq(d.emitted_lsn, 0x100);
	teardown();
}
END_TEST

START_TEST(transactions_up_to_the_start_are_not_emitted)
{
	setup();
	decode_start(&d, 0x3030);
	describe();
	begins(0x2000, 7);
	inserts("1");
	commits(0x2030);
	begins(0x3000, 8);
	inserts("2");
	commits(0x3030);
	begins(0x3030, 9); /* its commit record begins where the other ended */
	inserts("3");
	commits(0x3060);
	says_of_rows("begin 0/3030 xid 9\n"
		     "c public.t lsn 0/1000 seq 0 after '3' 'x' ~\n"
		     "commit 0/3060\n");
	teardown();
}
END_TEST

START_TEST(a_new_description_makes_a_new_version)
{
	setup();
	describe();
	begins(0x2000, 7);
	inserts("1");
	msg_relation(&b, 0, T, "t", 'd', "id:23:k v:25 w:25 more:25");
	sends();
	msg_insert(&b, 0, T, MSG_ROW("2", "a", "b", "c"));
	sends();
	says("table 16385 public.t v1: id key, v, w\n"
	     "begin 0/2000 xid 7\n"
	     "c public.t lsn 0/1000 seq 0 after '1' 'x' ~\n"
	     "table 16385 public.t v2: id key, v, w, more\n"
	     "c public.t lsn 0/1000 seq 1 after '2' 'a' 'b' 'c'\n");
	teardown();
}
END_TEST

START_TEST(the_same_description_again_changes_nothing)
{
	setup();
	describe();
	begins(0x2000, 7);
	inserts("1");
	describe();
	inserts("2");
	says("table 16385 public.t v1: id key, v, w\n"
	     "begin 0/2000 xid 7\n"
	     "c public.t lsn 0/1000 seq 0 after '1' 'x' ~\n"
	     "c public.t lsn 0/1000 seq 1 after '2' 'x' ~\n");
	teardown();
}
END_TEST

START_TEST(a_new_identity_counts_from_its_description_on)
{
	setup();
	describe();
	begins(0x2000, 7);
	msg_relation(&b, 0, T, "t", 'i', "id:23 v:25:k w:25");
	sends();
	msg_delete(&b, 0, T);
	msg_tuple(&b, 'K', MSG_ROW(NULL, "a", NULL));
	sends();
	says_of_rows("begin 0/2000 xid 7\n"
		     "d public.t lsn 0/1000 seq 0 before - 'a' -\n");
	teardown();
}
END_TEST

START_TEST(a_table_that_leaves_by_a_new_name_is_followed_no_longer_and_that_is_said)
{
	setup();
	describe();
	begins(0x2000, 7);
	inserts("1");
	msg_relation(&b, 0, T, "skip_t", 'd', "id:23:k v:25 w:25");
	sends();
	ck_assert_ptr_nonnull(strstr(fake_host_last_log(), "public.t is called "
							   "public.skip_t"));
	inserts("2");
	msg_relation(&b, 0, T, "back", 'd', "id:23:k v:25 w:25");
	sends();
	inserts("3");
	says_of_rows("begin 0/2000 xid 7\n"
		     "c public.t lsn 0/1000 seq 0 after '1' 'x' ~\n"
		     "c public.back lsn 0/1000 seq 1 after '3' 'x' ~\n");
	teardown();
}
END_TEST

START_TEST(a_refused_table_ends_the_poll_with_the_engines_error)
{
	setup();
	describe();
	r->refuse = "t";
	begins(0x2000, 7);
	msg_insert(&b, 0, T, MSG_ROW("1", "x", NULL));
	ck_assert_int_eq(send_one(false), EZ_E_CONFIG);
	ck_assert_str_eq(err.text, "refused");
	teardown();
}
END_TEST

START_TEST(a_catalog_that_is_away_leaves_the_message_for_later)
{
	setup();
	describe();
	begins(0x2000, 7);
	inserts("1");
	fake_catalog_failures = 2;
	for (int i = 0; i < 2; i++) {
		msg_truncate(&b, 0, 0, (const uint32_t[]){ T, F }, 2);
		ck_assert_int_eq(send_one(false), EZ_E_TRANSIENT);
	}
	msg_truncate(&b, 0, 0, (const uint32_t[]){ T, F }, 2);
	sends();
	says_of_rows("begin 0/2000 xid 7\n"
		     "c public.t lsn 0/1000 seq 0 after '1' 'x' ~\n"
		     "t public.t lsn 0/1000 seq 1\n"
		     "t public.f lsn 0/1000 seq 2\n");
	teardown();
}
END_TEST

START_TEST(messages_in_and_outside_transactions)
{
	setup();
	msg_message(&b, 0, false, 0x1900, "p", "lone");
	sends();
	msg_message(&b, 0, false, 0x1900, "p", "lone"); /* once more: known */
	sends();
	begins(0x2000, 7);
	msg_message(&b, 0, true, 0x1950, "p", "\x01\xff");
	sends();
	commits(0x2030);
	says("begin 0/1900 xid 0\n"
	     "m!lone lsn 0/1000 seq 0 after 'p' x'6c6f6e65'\n"
	     "commit 0/1900\n"
	     "begin 0/2000 xid 7\n"
	     "m lsn 0/1000 seq 0 after 'p' x'01ff'\n"
	     "commit 0/2030\n");
	teardown();
}
END_TEST

START_TEST(messages_that_were_not_asked_for_are_no_events)
{
	setup();
	pg.opt.messages = false;
	begins(0x2000, 7);
	msg_message(&b, 0, true, 0x1950, "p", "x");
	sends();
	commits(0x2030);
	says("");
	teardown();
}
END_TEST

START_TEST(types_and_origins_are_read_and_ignored)
{
	setup();
	msg_type(&b, 0, 99999, "mood");
	sends();
	begins(0x2000, 7);
	msg_origin(&b, 5, "elsewhere");
	sends();
	teardown();
}
END_TEST

START_TEST(large_rows_are_adopted_and_small_ones_copied)
{
	char *large = malloc(70001);

	setup();
	describe();
	memset(large, 'L', 70000);
	large[70000] = '\0';
	begins(0x2000, 7);
	msg_insert(&b, 0, T, MSG_ROW("1", large, NULL));
	{
		char *copy = malloc(b.len);
		struct decode_message m = { .lsn = lsn,
					    .bytes = { copy, b.len },
					    .owner = copy,
					    .owner_bytes = b.len,
					    .release = free };

		memcpy(copy, b.ptr, b.len);
		ck_assert_int_eq(decode_change(&d, &m, false, &err), EZ_OK);
		ck_assert_ptr_null(m.owner);
	}
	buf_reset(&b);
	inserts("2");
	ck_assert_ptr_nonnull(strstr(recording_take(r), "LLLL"));
	free(large);
	teardown();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("decode");

	ADD_TESTS(s, "rows", an_insert_becomes_an_event,
		  rows_with_one_lsn_are_told_apart_by_seq, an_update_without_an_old_row,
		  a_changed_key_comes_with_the_old_one_and_nothing_else,
		  a_key_that_is_stored_out_of_line_is_taken_from_the_old_key,
		  a_full_old_row_fills_what_was_not_sent,
		  with_full_identity_the_primary_key_tells_whether_a_row_moved,
		  a_null_of_a_key_only_row_is_never_taken_for_a_value,
		  deletes_hold_a_key_or_a_row,
		  truncate_is_an_event_per_table_that_is_selected,
		  a_truncate_of_many_tables_is_whole_even_when_the_engine_is_full,
		  tables_that_are_not_selected_cost_nothing,
		  large_rows_are_adopted_and_small_ones_copied);
	ADD_TESTS(s, "transactions", transactions_up_to_the_start_are_not_emitted,
		  messages_in_and_outside_transactions,
		  messages_that_were_not_asked_for_are_no_events,
		  types_and_origins_are_read_and_ignored);
	ADD_TESTS(
		s, "shapes", a_new_description_makes_a_new_version,
		the_same_description_again_changes_nothing,
		a_new_identity_counts_from_its_description_on,
		a_table_that_leaves_by_a_new_name_is_followed_no_longer_and_that_is_said,
		a_refused_table_ends_the_poll_with_the_engines_error,
		a_catalog_that_is_away_leaves_the_message_for_later);
	return run_tests(s);
}
