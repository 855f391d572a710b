/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "fake_catalog.h"
#include "run.h"
#include "stream_kit.h"

static void starts_block(uint32_t xid, bool first)
{
	msg_stream_start(&kit.b, xid, first);
	kit_sends(0);
}

static void stops_block(void)
{
	msg_stream_stop(&kit.b);
	kit_sends(0);
}

static void commits_stream(uint32_t xid, uint64_t lsn)
{
	msg_stream_commit(&kit.b, xid, lsn, lsn + 0x30, 0);
	kit_sends(lsn);
}

static void aborts_stream(uint32_t xid, uint32_t subxid)
{
	msg_stream_abort(&kit.b, xid, subxid);
	kit_sends(0);
}

static void setup(void)
{
	kit_setup();
	kit_starts();
}

START_TEST(nothing_is_seen_before_the_commit)
{
	setup();
	starts_block(7, true);
	kit_describes(7);
	kit_inserts(7, 0x1000, "1");
	stops_block();
	kit_drain();
	kit_says("");
	starts_block(7, false);
	kit_inserts(7, 0x1100, "2");
	stops_block();
	commits_stream(7, 0x2000);
	kit_drain();
	kit_says("begin 0/2000 xid 7\n"
		 "c public.t lsn 0/1000 seq 0 after '1' 'x'\n"
		 "c public.t lsn 0/1100 seq 1 after '2' 'x'\n"
		 "commit 0/2030\n");
	kit_teardown();
}
END_TEST

START_TEST(an_aborted_transaction_leaves_no_trace)
{
	setup();
	starts_block(7, true);
	kit_describes(7);
	kit_inserts(7, 0x1000, "1");
	stops_block();
	aborts_stream(7, 7);
	aborts_stream(99, 99); /* one that never reached us */
	kit_keepalive(0x2000, false);
	kit_drain();
	kit_says("idle 0/2000\n");
	ck_assert_uint_eq(held_bytes(kit.s->held), 0);
	kit_teardown();
}
END_TEST

START_TEST(an_aborted_savepoint_leaves_no_trace)
{
	setup();
	starts_block(7, true);
	kit_describes(7);
	kit_inserts(7, 0x1000, "1");
	kit_inserts(8, 0x1001, "2");
	kit_inserts(9, 0x1002, "3");
	stops_block();
	aborts_stream(7, 9);
	aborts_stream(7, 8);
	starts_block(7, false);
	kit_inserts(7, 0x1003, "4");
	stops_block();
	commits_stream(7, 0x2000);
	kit_drain();
	kit_says("begin 0/2000 xid 7\n"
		 "c public.t lsn 0/1000 seq 0 after '1' 'x'\n"
		 "c public.t lsn 0/1003 seq 1 after '4' 'x'\n"
		 "commit 0/2030\n");
	kit_teardown();
}
END_TEST

START_TEST(blocks_of_two_transactions_and_a_plain_one_are_kept_apart)
{
	setup();
	starts_block(7, true);
	kit_describes(7);
	kit_inserts(7, 0x1000, "1");
	stops_block();
	starts_block(8, true);
	kit_describes(8);
	kit_inserts(8, 0x1001, "2");
	stops_block();
	kit_describes(0);
	kit_transaction(0x1100, 9, 3, 1);
	starts_block(7, false);
	kit_inserts(7, 0x1200, "4");
	stops_block();
	commits_stream(8, 0x2000);
	commits_stream(7, 0x3000);
	kit_drain();
	kit_says("begin 0/1100 xid 9\n"
		 "c public.t lsn 0/10FF seq 0 after '3' 'x'\n"
		 "commit 0/1130\n"
		 "begin 0/2000 xid 8\n"
		 "c public.t lsn 0/1001 seq 0 after '2' 'x'\n"
		 "commit 0/2030\n"
		 "begin 0/3000 xid 7\n"
		 "c public.t lsn 0/1000 seq 0 after '1' 'x'\n"
		 "c public.t lsn 0/1200 seq 1 after '4' 'x'\n"
		 "commit 0/3030\n");
	kit_teardown();
}
END_TEST

START_TEST(a_description_counts_only_when_its_transaction_commits)
{
	setup();
	kit_describes(0);
	starts_block(7, true);
	msg_relation(&kit.b, 7, T, "t", 'd', "id:23:k v:25 more:25");
	kit_sends(0);
	stops_block();
	kit_transaction(0x1100, 9, 3, 1); /* two columns: still right */
	aborts_stream(7, 7);
	kit_transaction(0x1200, 10, 4, 1);
	kit_drain();
	ck_assert_uint_eq(kit.r->n_commits, 2);
	ck_assert_uint_eq(kit.r->n_tables, 1);
	kit_teardown();
}
END_TEST

static void holds_rows(uint32_t xid, unsigned n)
{
	char id[16];

	starts_block(xid, true);
	kit_describes(xid);
	for (unsigned i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%u", i);
		kit_inserts(xid, 0x1000 + i, id);
	}
	stops_block();
}

START_TEST(a_replay_stops_and_goes_on_as_the_engine_has_room)
{
	setup();
	kit.r->full_after = 10;
	holds_rows(7, 1000);
	commits_stream(7, 0x3000);
	kit_describes(0);
	kit_transaction(0x4000, 8, 1, 1);
	for (uint64_t i = 1; i <= 100; i++) {
		ck_assert_int_eq(kit_poll(1000), EZ_OK);
		ck_assert_uint_eq(kit.r->n_events, i * 10);
	}
	kit_drain();
	ck_assert_uint_eq(kit.r->n_commits, 2);
	ck_assert_uint_eq(kit.r->n_events, 1001);
	kit_teardown();
}
END_TEST

START_TEST(the_server_gets_its_status_during_a_replay)
{
	size_t before;

	setup();
	kit.r->full_after = 10;
	holds_rows(7, 100);
	commits_stream(7, 0x3000);
	ck_assert_int_eq(kit_poll(1000), EZ_OK);
	before = scripted_n_statuses();
	kit.s->status_us = mono_us() - INT64_C(11) * US_PER_SEC;
	kit.s->tick_us = 0;
	ck_assert_int_eq(kit_poll(1000), EZ_OK);
	ck_assert_uint_eq(scripted_n_statuses(), before + 1);
	ck_assert_uint_eq(scripted_status_at(before).flushed, KIT_FROM);
	kit_teardown();
}
END_TEST

START_TEST(a_replay_outlives_its_connection)
{
	setup();
	kit.r->full_after = 10;
	holds_rows(7, 100);
	starts_block(8, true);
	kit_describes(8);
	kit_inserts(8, 0x2fff, "never mind");
	stops_block();
	commits_stream(7, 0x3000);
	ck_assert_int_eq(kit_poll(1000), EZ_OK);
	/* The server goes away while the engine stalls in the middle of it. */
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	kit.s->stalled_us = mono_us() - INT64_C(11) * US_PER_SEC;
	kit.probe = PG_PROBE_LEAVING;
	ck_assert_int_eq(stream_idle(kit.s, 0, &kit.err), EZ_OK);
	ck_assert(!scripted_is_open());
	kit.probe = PG_PROBE_NONE;
	kit.s->retry_us = 0;
	kit.n_steps = 0;
	ck_assert_int_eq(stream_idle(kit.s, 50, &kit.err), EZ_OK);
	ck_assert_uint_le(kit.n_steps, 20); /* it slept */
	while (kit.r->n_commits == 0)
		ck_assert_int_eq(kit_poll(1000), EZ_OK);
	ck_assert_uint_eq(kit.r->n_events, 100);
	kit_connects();
	starts_block(8, true);
	kit_describes(8);
	kit_inserts(8, 0x2fff, "again");
	stops_block();
	commits_stream(8, 0x4000);
	kit_drain();
	ck_assert_ptr_nonnull(strstr(scripted_last_query(), "LOGICAL 0/3030 "));
	ck_assert_uint_eq(kit.r->n_events, 101);
	ck_assert_uint_eq(kit.r->n_commits, 2);
	kit_teardown();
}
END_TEST

START_TEST(a_catalog_that_is_away_only_delays_a_replay)
{
	setup();
	fake_catalog_failures = 2;
	holds_rows(7, 3);
	commits_stream(7, 0x3000);
	kit_drain();
	while (kit.r->n_commits == 0)
		ck_assert_int_ge(kit_poll(50), 0);
	ck_assert_uint_eq(kit.r->n_events, 3);
	kit_teardown();
}
END_TEST

START_TEST(a_lost_connection_drops_what_was_held)
{
	setup();
	holds_rows(7, 10);
	kit_drain();
	ck_assert_uint_eq(held_count(kit.s->held), 1);
	scripted_cut("gone");
	kit_connects();
	kit_keepalive(0x1800, false);
	kit_drain();
	ck_assert_uint_eq(held_count(kit.s->held), 0);
	kit_says("idle 0/1800\n");
	kit_teardown();
}
END_TEST

/* It commits behind every position that the server tells while it runs. */
START_TEST(a_held_transaction_does_not_hold_the_position)
{
	setup();
	holds_rows(7, 10);
	kit_keepalive(0x1800, false);
	kit_drain();
	kit_says("idle 0/1800\n");
	ck_assert_int_eq(kit_ack(0x1800), EZ_OK);
	kit_transaction(0x1900, 8, 0, 0);
	kit_drain();
	kit_says("idle 0/1930\n");
	/* Not within a block: there is data on its way. */
	starts_block(7, false);
	kit_keepalive(0x1a00, false);
	kit_drain();
	kit_says("");
	stops_block();
	kit_keepalive(0x2000, false);
	commits_stream(7, 0x2000);
	kit_drain();
	ck_assert_uint_eq(kit.r->n_events, 10);
	ck_assert_uint_eq(kit.s->decode.emitted_lsn, 0x2030);
	kit_teardown();
}
END_TEST

START_TEST(an_old_transaction_is_not_replayed)
{
	setup();
	kit_keepalive(0x5000, false);
	kit_drain();
	kit_says("idle 0/5000\n");
	holds_rows(7, 10);
	commits_stream(7, 0x3000);
	kit_drain();
	kit_says("");
	ck_assert_uint_eq(held_bytes(kit.s->held), 0);
	kit_teardown();
}
END_TEST

START_TEST(large_transactions_go_through_a_file)
{
	char value[1001];

	setup();
	memset(value, 'v', 1000);
	value[1000] = '\0';
	kit.r->is_silent = true;
	starts_block(7, true);
	kit_describes(7);
	for (unsigned i = 0; i < 5000; i++) {
		msg_insert(&kit.b, 7, T, MSG_ROW("1", value));
		kit_sends(0x1000 + i);
	}
	stops_block();
	kit_drain();
	ck_assert_uint_gt(held_spilled_bytes(kit.s->held), 3u << 20);
	commits_stream(7, 0x3000);
	kit_drain();
	ck_assert_uint_eq(kit.r->n_events, 5000);
	kit_teardown();
}
END_TEST

START_TEST(rows_of_tables_that_are_left_out_are_not_kept)
{
	uint64_t before;

	setup();
	starts_block(7, true);
	kit_describes(7);
	msg_relation(&kit.b, 7, T + 1, "skip_me", 'd', "id:23:k");
	kit_sends(0);
	kit_inserts(7, 0x1000, "1");
	kit_drain();
	before = held_bytes(kit.s->held);
	for (unsigned i = 0; i < 10000; i++) {
		msg_insert(&kit.b, 7, T + 1, MSG_ROW("1"));
		kit_sends(0x1001 + i);
	}
	kit_drain();
	ck_assert_uint_eq(held_bytes(kit.s->held), before);
	msg_relation(&kit.b, 7, T + 1, "renamed", 'd', "id:23:k");
	kit_sends(0);
	msg_insert(&kit.b, 7, T + 1, MSG_ROW("2"));
	kit_sends(0x5000);
	stops_block();
	commits_stream(7, 0x6000);
	kit_drain();
	kit_says("begin 0/6000 xid 7\n"
		 "c public.t lsn 0/1000 seq 0 after '1' 'x'\n"
		 "c public.renamed lsn 0/5000 seq 1 after '2'\n"
		 "commit 0/6030\n");
	kit_teardown();
}
END_TEST

START_TEST(the_status_counts_what_is_held)
{
	struct ez_source_status st = { .size = sizeof(st) };

	setup();
	holds_rows(7, 10);
	kit_drain();
	stream_status(kit.s, &st);
	ck_assert_uint_eq(st.held, 1);
	ck_assert_int_gt(st.held_bytes, 0);
	kit_teardown();
}
END_TEST

START_TEST(what_was_left_out_is_forgotten_with_its_transaction)
{
	setup();
	holds_rows(7, 1); /* open for ever */
	for (uint32_t xid = 100; xid < 200; xid++) {
		starts_block(xid, true);
		msg_relation(&kit.b, xid, T + 1, "skip_me", 'd', "id:23:k");
		kit_sends(0);
		stops_block();
		if (xid % 2)
			aborts_stream(xid, xid);
		else
			commits_stream(xid, 0x1000 + xid);
	}
	kit_drain();
	ck_assert_uint_eq(held_count(kit.s->held), 1);
	ck_assert_uint_eq(map_len(&kit.s->unwanted), 0);
	kit_teardown();
}
END_TEST

START_TEST(blocks_that_make_no_sense_are_fatal)
{
	setup();
	starts_block(7, false); /* without a first one */
	ck_assert_int_eq(kit_poll(1000), EZ_E_FATAL);
	kit_teardown();

	setup();
	starts_block(7, true);
	starts_block(8, true);
	ck_assert_int_eq(kit_poll(1000), EZ_E_FATAL);
	kit_teardown();

	setup();
	commits_stream(7, 0x3000);
	ck_assert_int_eq(kit_poll(1000), EZ_E_FATAL);
	kit_teardown();

	setup();
	stops_block();
	ck_assert_int_eq(kit_poll(1000), EZ_E_FATAL);
	kit_teardown();

	setup();
	starts_block(7, true);
	buf_add_str(&kit.b, "I\1");
	kit_sends(0);
	ck_assert_int_eq(kit_poll(1000), EZ_E_FATAL);
	kit_teardown();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stream_held");

	ADD_TESTS(s, "blocks", nothing_is_seen_before_the_commit,
		  an_aborted_transaction_leaves_no_trace,
		  an_aborted_savepoint_leaves_no_trace,
		  blocks_of_two_transactions_and_a_plain_one_are_kept_apart,
		  a_description_counts_only_when_its_transaction_commits,
		  a_held_transaction_does_not_hold_the_position,
		  a_lost_connection_drops_what_was_held,
		  an_old_transaction_is_not_replayed,
		  large_transactions_go_through_a_file, the_status_counts_what_is_held,
		  rows_of_tables_that_are_left_out_are_not_kept,
		  what_was_left_out_is_forgotten_with_its_transaction,
		  blocks_that_make_no_sense_are_fatal);
	ADD_TESTS(s, "replay", a_replay_stops_and_goes_on_as_the_engine_has_room,
		  the_server_gets_its_status_during_a_replay,
		  a_replay_outlives_its_connection,
		  a_catalog_that_is_away_only_delays_a_replay);
	return run_tests(s);
}
