/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/view.h"
#include "run.h"
#include "stream_kit.h"

static int start(void)
{
	return stream_start(
		kit.s, (struct ez_position){ .bytes = VIEW("0/100"), .order = KIT_FROM },
		0, &kit.err);
}

START_TEST(names_are_quoted_and_the_position_is_given)
{
	kit_setup();
	kit_starts();
	ck_assert_str_eq(
		scripted_last_query(),
		"START_REPLICATION SLOT \"my_slot\" LOGICAL 0/100 (proto_version '3', "
		"publication_names '\"my \"\"pub\"\"\"', streaming 'on')");
	ck_assert_str_eq(scripted_password(), "hush");
	kit_teardown();
}
END_TEST

START_TEST(options_follow_the_server)
{
	static const struct {
		int version;
		const char *options;
	} cases[] = {
		{ 130011, "(proto_version '1', publication_names '\"p\"')" },
		{ 140011,
		  "(proto_version '2', publication_names '\"p\"', streaming 'on', "
		  "messages 'true')" },
		{ 150004,
		  "(proto_version '3', publication_names '\"p\"', streaming 'on', "
		  "messages 'true')" },
		{ 160001,
		  "(proto_version '4', publication_names '\"p\"', streaming 'on', "
		  "messages 'true', origin 'none')" },
		{ 180000,
		  "(proto_version '4', publication_names '\"p\"', streaming 'on', "
		  "messages 'true', origin 'none')" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		kit_setup();
		scripted_version(cases[i].version);
		kit.pg.opt.publication = "p";
		kit.pg.opt.messages = true;
		kit.pg.opt.origin_none = true;
		kit_starts();
		ck_assert_ptr_nonnull(strstr(scripted_last_query(), cases[i].options));
		kit_teardown();
	}
}
END_TEST

START_TEST(streaming_can_be_turned_off)
{
	kit_setup();
	kit.pg.opt.streaming = false;
	kit_starts();
	ck_assert_ptr_null(strstr(scripted_last_query(), "streaming"));
	kit_teardown();
}
END_TEST

START_TEST(a_slot_is_made_a_failover_slot_where_there_are_some)
{
	static const struct {
		int version;
		const char *question, *missing;
	} cases[] = {
		{ 160001, "SELECT setting FROM", NULL },
		{ 170000, "SELECT setting, (SELECT NOT failover FROM", "f" },
		{ 170000, "SELECT setting, (SELECT NOT failover FROM", "t" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		kit_setup();
		kit.pg.opt.failover = true;
		scripted_version(cases[i].version);
		scripted_dial();
		scripted_row("IDENTIFY_SYSTEM", SCRIPTED_ROW("7001", "1", "0/9000", "shop"));
		if (!cases[i].missing)
			scripted_row(cases[i].question, SCRIPTED_ROW("60000"));
		else
			scripted_row(cases[i].question,
				     SCRIPTED_ROW("60000", cases[i].missing));
		/* In use, say: that is no reason not to stream. */
		if (cases[i].missing && cases[i].missing[0] == 't')
			scripted_error("ALTER_REPLICATION_SLOT \"my_slot\" (FAILOVER true)",
				       "55006", "slot is active");
		scripted_streams("START_REPLICATION");
		ck_assert_int_eq(start(), EZ_OK);
		ck_assert(scripted_is_done());
		kit_teardown();
	}
}
END_TEST

START_TEST(a_position_that_is_none_is_refused)
{
	struct ez_position p = { .bytes = VIEW("nonsense"), .order = 5 };

	kit_setup();
	ck_assert_int_eq(stream_start(kit.s, p, 0, &kit.err), EZ_E_CONFIG);
	kit_teardown();
}
END_TEST

static void begin_connection(void)
{
	scripted_dial();
	scripted_row("IDENTIFY_SYSTEM", SCRIPTED_ROW("7001", "1", "0/9000", "shop"));
	scripted_row("SELECT setting", SCRIPTED_ROW("60000"));
}

START_TEST(a_slot_that_is_missing_is_gone)
{
	kit_setup();
	begin_connection();
	scripted_error("START_REPLICATION", "42704",
		       "replication slot \"my_slot\" does not exist");
	ck_assert_int_eq(start(), EZ_E_GONE);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "my_slot"));
	ck_assert_str_eq(kit.err.code, "42704");
	ck_assert_ptr_nonnull(strstr(kit.err.hint, "ezcdc drop"));
	kit_teardown();
}
END_TEST

START_TEST(a_slot_that_was_invalidated_is_gone_and_says_why)
{
	kit_setup();
	kit.slot = EZ_SLOT_LOST;
	begin_connection();
	scripted_error("START_REPLICATION", "55000", "can no longer get changes");
	ck_assert_int_eq(start(), EZ_E_GONE);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "it fell too far behind"));
	kit_teardown();
}
END_TEST

START_TEST(another_missing_prerequisite_is_for_the_operator)
{
	kit_setup();
	kit.slot = EZ_SLOT_READY;
	begin_connection();
	scripted_error("START_REPLICATION", "55000",
		       "logical decoding requires wal_level >= logical");
	ck_assert_int_eq(start(), EZ_E_CONFIG);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "wal_level"));
	kit_teardown();
}
END_TEST

START_TEST(a_slot_in_use_is_transient_and_names_the_holder)
{
	kit_setup();
	begin_connection();
	scripted_error("START_REPLICATION", "55006",
		       "replication slot \"my_slot\" is active for PID 4711");
	ck_assert_int_eq(start(), EZ_E_TRANSIENT);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "4711"));
	kit_teardown();
}
END_TEST

/* Whoever holds the slot when a run with an epoch begins is an earlier run. */
START_TEST(an_earlier_run_is_sent_away)
{
	kit_setup();
	kit.pg.epoch = 2;
	begin_connection();
	scripted_error("START_REPLICATION", "55006",
		       "replication slot \"my_slot\" is active for PID 4711");
	scripted_streams("START_REPLICATION");
	ck_assert_int_eq(start(), EZ_OK);
	ck_assert_uint_eq(kit.n_takes, 1);
	kit_teardown();
}
END_TEST

START_TEST(a_session_that_is_none_of_ours_stays)
{
	kit_setup();
	kit.pg.epoch = 2;
	kit.take_rc = EZ_E_PERMISSION;
	begin_connection();
	scripted_error("START_REPLICATION", "55006",
		       "replication slot \"my_slot\" is active for PID 4711");
	ck_assert_int_eq(start(), EZ_E_TRANSIENT);
	ck_assert_uint_eq(kit.n_takes, 1);
	kit_teardown();
}
END_TEST

START_TEST(rejected_credentials_are_read_once_more)
{
	kit_setup();
	scripted_dial_fails("FATAL:  28P01: password authentication failed");
	kit_starts();
	ck_assert_uint_eq(scripted_dials(), 2);
	kit_teardown();
}
END_TEST

START_TEST(credentials_rejected_twice_are_a_matter_of_permission)
{
	kit_setup();
	scripted_dial_fails("FATAL:  28P01: password authentication failed");
	scripted_dial_fails("FATAL:  28P01: password authentication failed");
	ck_assert_int_eq(start(), EZ_E_PERMISSION);
	ck_assert_str_eq(kit.err.code, "28P01");
	kit_teardown();
}
END_TEST

START_TEST(an_unknown_host_at_the_start_is_for_the_operator)
{
	kit_setup();
	scripted_dial_fails(
		"could not translate host name \"db\" to address: Name unknown");
	ck_assert_int_eq(start(), EZ_E_CONFIG);
	kit_teardown();
}
END_TEST

START_TEST(a_server_that_is_down_is_transient_and_may_be_tried_again)
{
	kit_setup();
	scripted_dial_fails("connection to server failed: Connection refused");
	ck_assert_int_eq(start(), EZ_E_TRANSIENT);
	kit_starts();
	kit_teardown();
}
END_TEST

START_TEST(an_interrupted_start_is_cancelled)
{
	kit_setup();
	scripted_dial();
	atomic_store(&kit.pg.interrupted, true);
	ck_assert_int_eq(start(), EZ_E_CANCELLED);
	ck_assert(!scripted_is_open());
	kit_teardown();
}
END_TEST

START_TEST(close_confirms_the_last_ack_and_ends_the_stream)
{
	size_t n;

	kit_setup();
	kit_starts();
	kit_describes(0);
	kit_transaction(0x2000, 7, 1, 1);
	kit_drain();
	ck_assert_int_eq(kit_ack(0x2030), EZ_OK);
	stream_free(kit.s);
	kit.s = NULL;
	n = scripted_n_statuses();
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_eq(scripted_status_at(n - 1).flushed, 0x2030);
	ck_assert(scripted_is_finished());
	ck_assert(!scripted_is_open());
	kit_teardown();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stream_start");

	ADD_TESTS(s, "command", names_are_quoted_and_the_position_is_given,
		  options_follow_the_server, streaming_can_be_turned_off,
		  a_slot_is_made_a_failover_slot_where_there_are_some,
		  a_position_that_is_none_is_refused);
	ADD_TESTS(s, "slot", a_slot_that_is_missing_is_gone,
		  a_slot_that_was_invalidated_is_gone_and_says_why,
		  another_missing_prerequisite_is_for_the_operator,
		  a_slot_in_use_is_transient_and_names_the_holder,
		  an_earlier_run_is_sent_away, a_session_that_is_none_of_ours_stays);
	ADD_TESTS(s, "connection", rejected_credentials_are_read_once_more,
		  credentials_rejected_twice_are_a_matter_of_permission,
		  an_unknown_host_at_the_start_is_for_the_operator,
		  a_server_that_is_down_is_transient_and_may_be_tried_again,
		  an_interrupted_start_is_cancelled,
		  close_confirms_the_last_ack_and_ends_the_stream);
	return run_tests(s);
}
