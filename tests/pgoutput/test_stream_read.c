/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "fake_catalog.h"
#include "run.h"
#include "stream_kit.h"

static struct scripted_status last_status(void)
{
	ck_assert_uint_gt(scripted_n_statuses(), 0);
	return scripted_status_at(scripted_n_statuses() - 1);
}

START_TEST(transactions_become_events)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 2);
	kit_drain();
	kit_says("begin 0/2000 xid 7\n"
		 "c public.t lsn 0/1FFE seq 0 after '1' 'x'\n"
		 "c public.t lsn 0/1FFF seq 1 after '2' 'x'\n"
		 "commit 0/2030\n");
	kit_teardown();
}
END_TEST

START_TEST(control_goes_back_before_a_wait_when_there_are_events)
{
	int64_t began_us;

	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 2);
	began_us = mono_us();
	ck_assert_int_eq(kit_poll(60000), EZ_OK);
	ck_assert_int_lt(mono_us() - began_us, INT64_C(30) * US_PER_SEC);
	ck_assert_uint_eq(kit.r->n_events, 2);
	kit_teardown();
}
END_TEST

START_TEST(a_poll_without_news_ends_in_time_and_says_so)
{
	kit_setup();
	kit_starts();
	ck_assert_int_eq(kit_poll(0), EZ_AGAIN);
	ck_assert_int_eq(kit_poll(5), EZ_AGAIN);
	kit_teardown();
}
END_TEST

START_TEST(nothing_is_read_while_the_engine_has_no_room)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 2);
	kit.r->room = 0;
	ck_assert_int_eq(kit_poll(1000), EZ_AGAIN);
	ck_assert_uint_eq(scripted_n_read(), 0);
	ck_assert_int_eq(stream_idle(kit.s, 10, &kit.err), EZ_OK);
	ck_assert_uint_eq(scripted_n_read(), 0);
	kit.r->room = SIZE_MAX;
	kit_drain();
	ck_assert_uint_eq(kit.r->n_commits, 1);
	kit_teardown();
}
END_TEST

START_TEST(a_full_engine_gets_control_after_each_event)
{
	kit_setup();
	kit.r->full_after = 1;
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 3);
	for (uint64_t i = 1; i <= 3; i++) {
		ck_assert_int_eq(kit_poll(1000), EZ_OK);
		ck_assert_uint_eq(kit.r->n_events, i);
	}
	kit_drain();
	ck_assert_uint_eq(kit.r->n_commits, 1);
	kit_teardown();
}
END_TEST

START_TEST(a_keepalive_is_answered_when_asked)
{
	size_t before;

	kit_setup();
	kit_starts();
	kit_drain();
	before = scripted_n_statuses();
	kit_keepalive(0x2500, true);
	kit_drain();
	ck_assert_uint_gt(scripted_n_statuses(), before);
	ck_assert_uint_eq(last_status().received, 0x2500);
	ck_assert_uint_eq(last_status().flushed, KIT_FROM);
	ck_assert_uint_eq(last_status().applied, KIT_FROM);
	kit_teardown();
}
END_TEST

START_TEST(an_idle_position_is_reported_and_not_confirmed)
{
	kit_setup();
	kit_starts();
	kit_keepalive(0x2500, false);
	kit_keepalive(0x2600, true);
	kit_drain();
	kit_says("idle 0/2600\n");
	ck_assert_uint_eq(last_status().flushed, KIT_FROM);
	ck_assert_int_eq(kit_ack(0x2600), EZ_OK);
	kit_keepalive(0x2600, true);
	kit_drain();
	kit_says("");
	ck_assert_uint_eq(last_status().flushed, 0x2600);
	kit_teardown();
}
END_TEST

START_TEST(a_keepalive_inside_a_transaction_is_no_idle_position)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	msg_begin(&kit.b, 0x2000, 0, 7);
	kit_sends(0x1f00);
	kit_keepalive(0x1f80, true);
	kit_inserts(0, 0x1f90, "1");
	kit_keepalive(0x1fa0, true);
	kit_drain();
	kit_says("begin 0/2000 xid 7\n"
		 "c public.t lsn 0/1F90 seq 0 after '1' 'x'\n");
	msg_commit(&kit.b, 0x2000, 0x2030, 0);
	kit_sends(0x2000);
	kit_drain();
	kit_says("commit 0/2030\n");
	kit_teardown();
}
END_TEST

START_TEST(transactions_without_events_move_the_position_once)
{
	kit_setup();
	kit_starts();
	for (uint64_t i = 0; i < 50; i++)
		kit_transaction(0x2000 + i * 0x100, 7, 0, 0);
	kit_drain();
	kit_says("idle 0/5130\n");
	kit_teardown();
}
END_TEST

START_TEST(statuses_carry_what_was_acknowledged_and_no_more)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	kit_transaction(0x3000, 8, 2, 1);
	kit_drain();
	ck_assert_int_eq(kit_ack(0x2030), EZ_OK);
	kit_keepalive(0x3030, true);
	kit_drain();
	ck_assert_uint_eq(last_status().received, 0x3030);
	ck_assert_uint_eq(last_status().flushed, 0x2030);
	ck_assert_int_eq(kit_ack(0x1000), EZ_OK); /* older: no step back */
	kit_keepalive(0x3030, true);
	kit_drain();
	ck_assert_uint_eq(last_status().flushed, 0x2030);
	kit_teardown();
}
END_TEST

static bool is_confirmed(void)
{
	return last_status().flushed == 0x2030;
}

START_TEST(an_ack_is_told_without_being_asked)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	kit_drain();
	ck_assert_int_eq(kit_ack(0x2030), EZ_OK);
	kit_poll_until(is_confirmed);
	ck_assert(is_confirmed());
	kit_teardown();
}
END_TEST

START_TEST(an_ack_is_told_while_the_engine_stalls)
{
	int64_t end_us = mono_us() + INT64_C(5) * US_PER_SEC;

	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	kit_drain();
	ck_assert_int_eq(kit_ack(0x2030), EZ_OK);
	while (!is_confirmed() && mono_us() < end_us)
		ck_assert_int_eq(stream_idle(kit.s, 20, &kit.err), EZ_OK);
	ck_assert(is_confirmed());
	kit_teardown();
}
END_TEST

START_TEST(an_ack_beyond_what_was_emitted_is_fatal)
{
	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	kit_drain();
	ck_assert_int_eq(kit_ack(0x2031), EZ_E_FATAL);
	kit_keepalive(0x2030, true);
	kit_drain();
	ck_assert_uint_eq(last_status().flushed, KIT_FROM);
	kit_teardown();
}
END_TEST

START_TEST(a_status_is_due_after_a_third_of_the_servers_timeout)
{
	size_t before;

	kit_setup();
	kit_starts();
	kit_drain();
	before = scripted_n_statuses();
	kit.s->heard_us = kit.s->asked_us = mono_us();
	kit.s->status_us = mono_us() - INT64_C(11) * US_PER_SEC;
	kit.s->tick_us = 0;
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	ck_assert_uint_eq(scripted_n_statuses(), before + 1);
	kit_teardown();
}
END_TEST

START_TEST(a_quiet_server_is_asked_where_it_is)
{
	size_t before;

	kit_setup();
	kit_starts();
	kit_drain();
	before = scripted_n_statuses();
	kit.s->heard_us = kit.s->asked_us = mono_us() - INT64_C(2) * US_PER_SEC;
	kit.s->status_us = mono_us();
	kit.s->tick_us = 0;
	ck_assert_int_eq(kit_poll(0), EZ_AGAIN);
	ck_assert_uint_eq(scripted_n_statuses(), before + 1);
	ck_assert(last_status().wants_reply);
	ck_assert_int_eq(kit_poll(0), EZ_AGAIN);
	ck_assert_uint_eq(scripted_n_statuses(), before + 1);
	kit_teardown();
}
END_TEST

static bool has_asked_often(void)
{
	size_t n = 0;

	for (size_t i = 0; i < scripted_n_statuses(); i++)
		n += scripted_status_at(i).wants_reply;
	return n >= 3;
}

START_TEST(while_a_position_is_awaited_the_server_is_asked_often)
{
	int64_t began_us = mono_us();

	kit_setup();
	kit_starts();
	kit.s->until_lsn = 0x5000;
	kit_poll_until(has_asked_often);
	ck_assert(has_asked_often());
	ck_assert_int_lt(mono_us() - began_us, INT64_C(2500) * US_PER_MS);
	kit_teardown();
}
END_TEST

START_TEST(a_wake_ends_a_poll)
{
	const uint64_t token = 1;

	kit_setup();
	kit_starts();
	atomic_store(&kit.pg.woken, true);
	ck_assert_int_eq((int)write(kit.pg.wake_fd, &token, sizeof(token)), 8);
	ck_assert_int_eq(kit_poll(60000), EZ_AGAIN);
	atomic_store(&kit.pg.woken, true);
	ck_assert_int_eq(stream_idle(kit.s, 60000, &kit.err), EZ_OK);
	kit_teardown();
}
END_TEST

/* Timers are looked at after every sleep: their number tells how often it slept. */
static void stalls_without_spinning(void)
{
	kit.n_steps = 0;
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(stream_idle(kit.s, 20, &kit.err), EZ_OK);
	ck_assert_uint_le(kit.n_steps, 30);
}

START_TEST(waiting_costs_nothing)
{
	kit_setup();
	stalls_without_spinning(); /* before the start: readers copy a snapshot */
	kit_starts();
	kit_drain();
	stalls_without_spinning();
	fake_catalog_failures = 1;
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 2);
	ck_assert_int_eq(kit_poll(0), EZ_AGAIN);
	ck_assert_ptr_nonnull(kit.s->raw);
	kit.s->retry_us = 0;
	stalls_without_spinning(); /* with a message that waits for the catalog */
	kit_teardown();
}
END_TEST

START_TEST(an_interrupt_ends_everything_for_ever)
{
	kit_setup();
	kit_starts();
	atomic_store(&kit.pg.interrupted, true);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(kit_poll(60000), EZ_E_CANCELLED);
		ck_assert_int_eq(stream_idle(kit.s, 60000, &kit.err), EZ_E_CANCELLED);
	}
	kit_teardown();
}
END_TEST

START_TEST(a_catalog_that_is_away_only_delays_a_message)
{
	kit_setup();
	kit_starts();
	fake_catalog_failures = 3;
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 2);
	kit_drain();
	kit_says("begin 0/2000 xid 7\n"
		 "c public.t lsn 0/1FFE seq 0 after '1' 'x'\n"
		 "c public.t lsn 0/1FFF seq 1 after '2' 'x'\n"
		 "commit 0/2030\n");
	ck_assert_uint_eq(scripted_dials(), 1);
	kit_teardown();
}
END_TEST

START_TEST(prepared_transactions_are_refused_with_the_remedy)
{
	kit_setup();
	kit_starts();
	buf_add_char(&kit.b, 'b');
	kit_sends(0x1500);
	ck_assert_int_eq(kit_poll(1000), EZ_E_CONFIG);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "two_phase"));
	kit_teardown();
}
END_TEST

START_TEST(messages_that_make_no_sense_are_fatal)
{
	static const char *const bad[] = { "x", "w", "wshort", "k",
					   "w123456781234567812345678?" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		kit_setup();
		kit_starts();
		scripted_data(bad[i], strlen(bad[i]));
		ck_assert_int_eq(kit_poll(1000), EZ_E_FATAL);
		kit_teardown();
	}
}
END_TEST

START_TEST(transactions_out_of_order_are_fatal)
{
	kit_setup();
	kit_starts();
	msg_commit(&kit.b, 0x2000, 0x2030, 0);
	kit_sends(0x2000);
	ck_assert_int_eq(kit_poll(1000), EZ_E_FATAL);
	kit_teardown();

	kit_setup();
	kit_starts();
	msg_begin(&kit.b, 0x2000, 0, 7);
	kit_sends(0x2000);
	msg_begin(&kit.b, 0x3000, 0, 8);
	kit_sends(0x3000);
	ck_assert_int_eq(kit_poll(1000), EZ_E_FATAL);
	kit_teardown();

	kit_setup();
	kit_starts();
	msg_begin(&kit.b, 0x2000, 0, 7);
	kit_sends(0x2000);
	msg_commit(&kit.b, 0x2001, 0x2030, 0);
	kit_sends(0x2000);
	ck_assert_int_eq(kit_poll(1000), EZ_E_FATAL);
	kit_teardown();
}
END_TEST

START_TEST(the_status_tells_what_is_known)
{
	struct ez_source_status st = { .size = sizeof(st) };

	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	kit_drain();
	stream_status(kit.s, &st);
	ck_assert_uint_eq(st.received, 0x2030);
	ck_assert_uint_eq(st.confirmed, KIT_FROM);
	ck_assert_uint_eq(st.server, 0x9000);
	ck_assert_int_eq(st.retained_bytes, 7);
	ck_assert_uint_eq(st.connected, 1);
	ck_assert_uint_eq(st.reconnects, 0);
	kit_teardown();
}
END_TEST

START_TEST(heartbeats_of_our_own_are_no_events)
{
	kit_setup();
	kit.pg.opt.messages = true;
	kit_starts();
	msg_begin(&kit.b, 0x2000, 0, 7);
	kit_sends(0x1f00);
	msg_message(&kit.b, 0, true, 0x1f00, "ezcdc.heartbeat", "");
	kit_sends(0x1f00);
	msg_commit(&kit.b, 0x2000, 0x2030, 0);
	kit_sends(0x2000);
	kit_drain();
	kit_says("idle 0/2030\n");
	kit_teardown();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stream_read");

	ADD_TESTS(s, "reading", transactions_become_events,
		  control_goes_back_before_a_wait_when_there_are_events,
		  a_poll_without_news_ends_in_time_and_says_so,
		  nothing_is_read_while_the_engine_has_no_room,
		  a_full_engine_gets_control_after_each_event, a_wake_ends_a_poll,
		  an_interrupt_ends_everything_for_ever, waiting_costs_nothing,
		  a_catalog_that_is_away_only_delays_a_message,
		  heartbeats_of_our_own_are_no_events, the_status_tells_what_is_known);
	ADD_TESTS(s, "feedback", a_keepalive_is_answered_when_asked,
		  an_idle_position_is_reported_and_not_confirmed,
		  a_keepalive_inside_a_transaction_is_no_idle_position,
		  transactions_without_events_move_the_position_once,
		  statuses_carry_what_was_acknowledged_and_no_more,
		  an_ack_is_told_without_being_asked,
		  an_ack_is_told_while_the_engine_stalls,
		  an_ack_beyond_what_was_emitted_is_fatal,
		  a_status_is_due_after_a_third_of_the_servers_timeout,
		  a_quiet_server_is_asked_where_it_is,
		  while_a_position_is_awaited_the_server_is_asked_often);
	ADD_TESTS(s, "malformed", prepared_transactions_are_refused_with_the_remedy,
		  messages_that_make_no_sense_are_fatal,
		  transactions_out_of_order_are_fatal);
	return run_tests(s);
}
