/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fake_catalog.h"
#include "run.h"
#include "stream_kit.h"

static const char START_AT_2030[] = "LOGICAL 0/2030 ";

START_TEST(a_lost_connection_is_opened_again_behind_the_last_transaction)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	scripted_cut("server closed the connection unexpectedly");
	kit_connects();
	kit_describes(0);
	kit_transaction(0x3000, 8, 2, 1);
	kit_drain();
	ck_assert_ptr_nonnull(strstr(scripted_last_query(), START_AT_2030));
	kit_says("begin 0/2000 xid 7\n"
		 "c public.t lsn 0/1FFF seq 0 after '1' 'x'\n"
		 "commit 0/2030\n"
		 "begin 0/3000 xid 8\n"
		 "c public.t lsn 0/2FFF seq 0 after '2' 'x'\n"
		 "commit 0/3030\n");
	ck_assert_uint_eq(kit.s->reconnects, 1);
	kit_teardown();
}
END_TEST

START_TEST(a_transaction_cut_in_the_middle_goes_on_without_a_trace)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	msg_begin(&kit.b, 0x3000, 0, 8);
	kit_sends(0x2f00);
	kit_inserts(0, 0x2f00, "2");
	kit_inserts(0, 0x2f01, "3");
	scripted_cut("server closed the connection unexpectedly");
	kit_connects();
	kit_keepalive(0x2100, false); /* not idle: something is missing */
	kit_describes(0);
	msg_begin(&kit.b, 0x3000, 0, 8);
	kit_sends(0x2f00);
	kit_inserts(0, 0x2f00, "2");
	scripted_cut("and again, before it is as far as it was");
	kit_connects();
	kit_describes(0);
	msg_begin(&kit.b, 0x3000, 0, 8);
	kit_sends(0x2f00);
	kit_inserts(0, 0x2f00, "2");
	kit_inserts(0, 0x2f01, "3");
	kit_inserts(0, 0x2f02, "4");
	msg_commit(&kit.b, 0x3000, 0x3030, 0);
	kit_sends(0x3000);
	kit_drain();
	ck_assert_ptr_nonnull(strstr(scripted_last_query(), START_AT_2030));
	kit_says("begin 0/2000 xid 7\n"
		 "c public.t lsn 0/1FFF seq 0 after '1' 'x'\n"
		 "commit 0/2030\n"
		 "begin 0/3000 xid 8\n"
		 "c public.t lsn 0/2F00 seq 0 after '2' 'x'\n"
		 "c public.t lsn 0/2F01 seq 1 after '3' 'x'\n"
		 "c public.t lsn 0/2F02 seq 2 after '4' 'x'\n"
		 "commit 0/3030\n");
	kit_teardown();
}
END_TEST

START_TEST(a_transaction_may_come_streamed_the_second_time)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	msg_begin(&kit.b, 0x3000, 0, 8);
	kit_sends(0x2f00);
	kit_inserts(0, 0x2f00, "2");
	scripted_cut("gone");
	kit_connects();
	msg_stream_start(&kit.b, 8, true);
	kit_sends(0x2f00);
	kit_describes(8);
	kit_inserts(8, 0x2f00, "2");
	kit_inserts(9, 0x2f01, "3");
	msg_stream_stop(&kit.b);
	kit_sends(0);
	msg_stream_commit(&kit.b, 8, 0x3000, 0x3030, 0);
	kit_sends(0x3000);
	kit_drain();
	kit_says("begin 0/3000 xid 8\n"
		 "c public.t lsn 0/2F00 seq 0 after '2' 'x'\n"
		 "c public.t lsn 0/2F01 seq 1 after '3' 'x'\n"
		 "commit 0/3030\n");
	kit_teardown();
}
END_TEST

START_TEST(descriptions_of_the_old_connection_do_not_count_on_the_new)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	scripted_cut("gone");
	kit_connects();
	msg_begin(&kit.b, 0x3000, 0, 8);
	kit_sends(0x2f00);
	kit_inserts(0, 0x2f00, "2"); /* without a RELATION */
	ck_assert_int_eq(kit_poll_until(scripted_is_done), EZ_E_FATAL);
	kit_teardown();
}
END_TEST

START_TEST(a_server_that_shuts_down_is_waited_for)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	scripted_ends("57P01", "terminating connection due to administrator command");
	scripted_dial_fails("FATAL:  57P03: the database system is shutting down");
	scripted_dial_fails("connection to server failed: Connection refused");
	scripted_dial_fails(
		"could not translate host name \"db\" to address: Name unknown");
	kit_connects();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	kit_drain();
	ck_assert_uint_eq(kit.r->n_commits, 1);
	ck_assert_uint_eq(scripted_dials(), 5);
	ck_assert_uint_eq(kit.s->reconnects, 1);
	kit_teardown();
}
END_TEST

START_TEST(the_end_of_the_stream_is_a_lost_connection)
{
	kit_setup();
	kit_starts();
	scripted_ends(NULL, NULL);
	kit_connects();
	kit_drain();
	ck_assert_uint_eq(kit.s->reconnects, 1);
	kit_teardown();
}
END_TEST

START_TEST(a_slot_still_held_by_the_old_connection_is_tried_again)
{
	kit_setup();
	kit_starts();
	scripted_cut("gone");
	for (int i = 0; i < 2; i++) {
		scripted_dial();
		scripted_row("IDENTIFY_SYSTEM",
			     SCRIPTED_ROW("7001", "1", "0/9000", "shop"));
		scripted_row("SELECT setting", SCRIPTED_ROW("60000"));
		scripted_error("START_REPLICATION", "55006",
			       "replication slot \"my_slot\" is active for PID 4711");
	}
	kit_connects();
	kit_drain();
	ck_assert_uint_eq(scripted_dials(), 4);
	kit_teardown();
}
END_TEST

START_TEST(a_slot_that_is_gone_after_a_reconnect_ends_the_job)
{
	kit_setup();
	kit_starts();
	scripted_cut("gone");
	scripted_dial();
	scripted_row("IDENTIFY_SYSTEM", SCRIPTED_ROW("7001", "1", "0/9000", "shop"));
	scripted_row("SELECT setting", SCRIPTED_ROW("60000"));
	scripted_error("START_REPLICATION", "42704", "does not exist");
	ck_assert_int_eq(kit_poll_until(scripted_is_done), EZ_E_GONE);
	kit_teardown();
}
END_TEST

START_TEST(a_missing_publication_is_for_the_operator)
{
	kit_setup();
	kit_starts();
	scripted_ends("42704", "publication \"my_pub\" does not exist");
	ck_assert_int_eq(kit_poll(1000), EZ_E_CONFIG);
	ck_assert_str_eq(kit.err.code, "42704");
	ck_assert_ptr_nonnull(strstr(kit.err.hint, "CREATE PUBLICATION"));
	kit_teardown();
}
END_TEST

START_TEST(credentials_that_changed_are_read_again)
{
	kit_setup();
	kit_starts();
	scripted_cut("gone");
	scripted_dial_fails("FATAL:  28P01: password authentication failed");
	kit_connects();
	kit_drain();
	scripted_cut("gone");
	scripted_dial_fails("FATAL:  28P01: password authentication failed");
	scripted_dial_fails("FATAL:  28P01: password authentication failed");
	ck_assert_int_eq(kit_poll_until(scripted_is_done), EZ_E_PERMISSION);
	kit_teardown();
}
END_TEST

START_TEST(the_same_server_is_not_asked_who_it_is_twice)
{
	kit_setup();
	kit_starts();
	scripted_cut("gone");
	kit_connects();
	kit_drain();
	ck_assert_uint_eq(kit.n_same, 0);
	kit_teardown();
}
END_TEST

static bool never(void)
{
	return false;
}

START_TEST(another_server_a_new_timeline_and_a_log_set_back_are_examined)
{
	static const char *const who[][3] = { { "7002", "1", "0/9000" },
					      { "7001", "2", "0/9000" },
					      { "7001", "1", "0/2000" } };

	for (size_t i = 0; i < 3; i++) {
		kit_setup();
		kit_starts();
		kit_describes(0);
		kit_transaction(0x2000, 7, 1, 1);
		scripted_cut("gone");
		kit_connects_to(who[i][0], who[i][1], who[i][2]);
		kit.same_rc = EZ_E_GONE;
		ck_assert_int_eq(kit_poll_until(never), EZ_E_GONE);
		ck_assert_uint_eq(kit.n_same, 1);
		ck_assert(!scripted_is_open());
		kit_teardown();
	}
}
END_TEST

START_TEST(a_promoted_standby_that_passes_the_examination_is_taken)
{
	kit_setup();
	kit_starts();
	scripted_cut("gone");
	kit_connects_to("7001", "2", "0/9000");
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	kit_drain();
	ck_assert_uint_eq(kit.n_same, 1);
	ck_assert_uint_eq(kit.r->n_commits, 1);
	scripted_cut("gone");
	kit_connects_to("7001", "2", "0/9000");
	kit_drain();
	ck_assert_uint_eq(kit.n_same, 1);
	kit_teardown();
}
END_TEST

START_TEST(silence_ends_a_connection_and_patience_grows)
{
	kit_setup();
	kit_starts();
	kit_drain();
	kit.s->heard_us = mono_us() - INT64_C(61) * US_PER_SEC;
	kit.s->tick_us = 0;
	kit_connects();
	kit_drain();
	ck_assert_uint_eq(scripted_dials(), 2);
	/* The next silence may last twice as long. */
	kit.s->heard_us = mono_us() - INT64_C(61) * US_PER_SEC;
	kit.s->tick_us = 0;
	kit_drain();
	ck_assert_uint_eq(scripted_dials(), 2);
	/* Until something is heard. */
	kit_keepalive(0x2000, false);
	kit_drain();
	ck_assert_uint_eq(kit.s->deaf, 0);
	kit_teardown();
}
END_TEST

START_TEST(silence_while_the_engine_stalls_is_our_own)
{
	kit_setup();
	kit_starts();
	kit_drain();
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	kit.s->heard_us = mono_us() - INT64_C(1000) * US_PER_SEC;
	kit.s->tick_us = 0;
	ck_assert_int_eq(stream_idle(kit.s, 5, &kit.err), EZ_OK);
	kit_drain();
	ck_assert_uint_eq(scripted_dials(), 1);
	kit_teardown();
}
END_TEST

START_TEST(a_server_that_leaves_is_let_go_while_the_engine_stalls)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	kit_drain();
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	ck_assert_uint_eq(kit.n_probes, 0);
	kit.s->stalled_us = mono_us() - INT64_C(11) * US_PER_SEC;
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	ck_assert_uint_eq(kit.n_probes, 1);
	kit.probe = PG_PROBE_RUNNING;
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	ck_assert(scripted_is_open());
	kit.probe = PG_PROBE_LEAVING;
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	ck_assert(!scripted_is_open());
	kit.probe = PG_PROBE_NONE;
	kit_connects();
	kit_drain();
	ck_assert_ptr_nonnull(strstr(scripted_last_query(), START_AT_2030));
	kit_teardown();
}
END_TEST

START_TEST(a_server_that_leaves_is_let_go_when_the_catalog_is_needed)
{
	kit_setup();
	kit_starts();
	fake_catalog_failures = 1;
	fake_catalog_code = "57P03";
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	ck_assert_int_ge(kit_poll(0), 0);
	ck_assert(!scripted_is_open());
	kit_teardown();
}
END_TEST

START_TEST(a_message_that_needed_the_catalog_comes_again)
{
	kit_setup();
	kit_starts();
	fake_catalog_failures = 1;
	fake_catalog_code = "57P03";
	kit_describes(0);
	msg_begin(&kit.b, 0x2000, 0, 7);
	kit_sends(0x1f00);
	kit_inserts(0, 0x1f00, "1");
	kit_connects();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	kit_drain();
	kit_says("begin 0/2000 xid 7\n"
		 "c public.t lsn 0/1FFF seq 0 after '1' 'x'\n"
		 "commit 0/2030\n");
	kit_teardown();
}
END_TEST

START_TEST(a_probe_that_finds_the_server_alive_changes_nothing)
{
	kit_setup();
	kit_starts();
	kit_drain();
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	kit.s->stalled_us = mono_us() - INT64_C(11) * US_PER_SEC;
	kit.probe = PG_PROBE_ALIVE;
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	ck_assert(scripted_is_open());
	kit_teardown();
}
END_TEST

static bool is_up_again(void)
{
	return scripted_is_done() && link_is_up(&kit.s->link);
}

START_TEST(a_connection_is_opened_again_while_the_engine_stalls)
{
	int64_t end_us = mono_us() + INT64_C(5) * US_PER_SEC;

	kit_setup();
	kit_starts();
	kit_drain();
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	kit.s->stalled_us = mono_us() - INT64_C(11) * US_PER_SEC;
	kit.probe = PG_PROBE_LEAVING;
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	kit.probe = PG_PROBE_NONE;
	kit_connects();
	while (!is_up_again() && mono_us() < end_us)
		ck_assert_int_eq(stream_idle(kit.s, 20, &kit.err), EZ_OK);
	ck_assert(is_up_again());
	kit_teardown();
}
END_TEST

START_TEST(after_a_huge_message_the_connection_is_renewed_at_the_end_of_the_transaction)
{
	size_t n = 17u << 20;
	char *huge = malloc(n + 1);

	kit_setup();
	kit_starts();
	memset(huge, 'h', n);
	huge[n] = '\0';
	kit.r->is_silent = true;
	kit_describes(0);
	msg_begin(&kit.b, 0x2000, 0, 7);
	kit_sends(0x1f00);
	kit_inserts(0, 0x1f00, "1");
	msg_insert(&kit.b, 0, T, MSG_ROW("2", huge));
	kit_sends(0x1f01);
	kit_inserts(0, 0x1f02, "3");
	msg_commit(&kit.b, 0x2000, 0x2030, 0);
	kit_sends(0x2000);
	kit_connects();
	kit_describes(0);
	kit_transaction(0x3000, 8, 4, 1);
	kit_drain();
	ck_assert_uint_eq(scripted_dials(), 2);
	ck_assert_ptr_nonnull(strstr(scripted_last_query(), START_AT_2030));
	ck_assert_uint_eq(kit.r->n_events, 4);
	ck_assert_uint_eq(kit.s->reconnects, 0);
	free(huge);
	kit_teardown();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stream_lost");

	ADD_TESTS(
		s, "again", a_lost_connection_is_opened_again_behind_the_last_transaction,
		a_transaction_cut_in_the_middle_goes_on_without_a_trace,
		a_transaction_may_come_streamed_the_second_time,
		descriptions_of_the_old_connection_do_not_count_on_the_new,
		a_server_that_shuts_down_is_waited_for,
		the_end_of_the_stream_is_a_lost_connection,
		a_slot_still_held_by_the_old_connection_is_tried_again,
		after_a_huge_message_the_connection_is_renewed_at_the_end_of_the_transaction);
	ADD_TESTS(s, "never again", a_slot_that_is_gone_after_a_reconnect_ends_the_job,
		  a_missing_publication_is_for_the_operator,
		  credentials_that_changed_are_read_again,
		  the_same_server_is_not_asked_who_it_is_twice,
		  another_server_a_new_timeline_and_a_log_set_back_are_examined,
		  a_promoted_standby_that_passes_the_examination_is_taken);
	ADD_TESTS(s, "silence", silence_ends_a_connection_and_patience_grows,
		  silence_while_the_engine_stalls_is_our_own,
		  a_server_that_leaves_is_let_go_while_the_engine_stalls,
		  a_server_that_leaves_is_let_go_when_the_catalog_is_needed,
		  a_message_that_needed_the_catalog_comes_again,
		  a_probe_that_finds_the_server_alive_changes_nothing,
		  a_connection_is_opened_again_while_the_engine_stalls);
	return run_tests(s);
}
