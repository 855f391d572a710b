/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"
#include "plugins/pgoutput/conn.h"
#include "plugins/pgoutput/monitor.h"
#include "plugins/pgoutput/pgoutput.h"
#include "plugins/pgoutput/sql.h"
#include "sql_kit.h"

static struct kit *k;
static struct pg_monitor *m;

static void setup(void)
{
	kit_need_server();
	k = kit_new("t_monitor");
	kit_sql(k, "CREATE TABLE t (id int PRIMARY KEY)");
}

static void teardown(void)
{
	pg_monitor_free(m);
	m = NULL;
	kit_free(k);
}

static void make_monitor(void)
{
	kit_open(k, EZ_ROLE_CHECK);
	m = pg_monitor_new(k->inst);
}

/* One round as whoever waits makes it; never longer than the monitor wants. */
static void round_once(void)
{
	struct pollfd p = { .fd = -1 };
	int64_t left;

	p.fd = pg_monitor_fd(m, &p.events);
	left = MIN(pg_monitor_due_us(m) - mono_us(), INT64_C(100) * US_PER_MS);
	(void)poll(&p, 1, left > 0 ? (int)(left / 1000) + 1 : 0);
	pg_monitor_step(m);
}

START_TEST(a_slot_is_measured)
{
	struct pg_measure measure;

	make_monitor();
	ck_assert_int_eq(pg_monitor_measure(m).retained_bytes, -1);
	ck_assert_int_eq(kit_prepare(k, 0), EZ_OK);
	kit_sql(k, "INSERT INTO t SELECT generate_series(1, 10000)");
	do {
		round_once();
		measure = pg_monitor_measure(m);
	} while (measure.at_us == 0);
	ck_assert_int_gt(measure.retained_bytes, 100000);
	ck_assert_uint_gt(measure.server, kit_position.order);
	ck_assert_int_eq(measure.safe_bytes, -1);
}
END_TEST

START_TEST(heartbeats_are_transactional_messages)
{
	kit_set(k, "heartbeat", "10ms");
	make_monitor();
	kit_sql(k,
		"CREATE TABLE marks AS SELECT pg_snapshot_xmax(pg_current_snapshot()) x");
	/* Each takes a transaction number, which a message outside a transaction does not. */
	while (strcmp(kit_ask(k,
			      "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 >"
			      " x::text::int8 + 5 FROM marks"),
		      "t") != 0)
		round_once();
}
END_TEST

static enum pg_probe probe(void)
{
	enum pg_probe answer;

	pg_monitor_probe(m);
	while ((answer = pg_monitor_probe_take(m)) == PG_PROBE_RUNNING)
		round_once();
	return answer;
}

/* Decision R8. */
START_TEST(a_probe_tells_a_server_from_a_closed_door)
{
	make_monitor();
	ck_assert_int_eq(pg_monitor_probe_take(m), PG_PROBE_NONE);
	ck_assert_int_eq(probe(), PG_PROBE_ALIVE);
	ck_assert_int_eq(pg_monitor_probe_take(m), PG_PROBE_NONE);
	pg_monitor_free(m);
	m = NULL;
	ck_assert(str_copy(k->conninfo, sizeof(k->conninfo),
			   VIEW("host=127.0.0.1 port=1 user=x dbname=x")));
	make_monitor();
	ck_assert_int_eq(probe(), PG_PROBE_LEAVING);
}
END_TEST

/* A full server is a server; so is one that does not know us. */
START_TEST(a_probe_that_is_turned_away_for_other_reasons_is_an_answer)
{
	ck_assert(str_format(k->conninfo, sizeof(k->conninfo),
			     "host=%s port=%s user=postgres dbname=no_such_db",
			     PQhost(k->admin), PQport(k->admin)));
	make_monitor();
	ck_assert_int_eq(probe(), PG_PROBE_ALIVE);
}
END_TEST

START_TEST(a_lost_connection_makes_figures_unknown)
{
	make_monitor();
	ck_assert_int_eq(kit_prepare(k, 0), EZ_OK);
	while (pg_monitor_measure(m).at_us == 0)
		round_once();
	kit_sql(k, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
		   " WHERE application_name LIKE 'ezcdc % monitor'");
	while (pg_monitor_measure(m).retained_bytes != -1)
		round_once();
	ck_assert_int_gt(pg_monitor_due_us(m), mono_us());
}
END_TEST

START_TEST(an_unused_side_connection_is_noticed_when_it_ends)
{
	PGconn *conn;

	kit_open(k, EZ_ROLE_CHECK);
	ck_assert_int_eq(pg_sql_conn(k->inst, &conn, &k->err), EZ_OK);
	kit_sql(k, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
		   " WHERE application_name LIKE 'ezcdc % catalog'");
	sleep_us(1100 * US_PER_MS); /* what was used just now is not asked again */
	ck_assert_int_eq(pg_sql_conn(k->inst, &conn, &k->err), EZ_OK);
	ck_assert_int_eq(pg_query(k->inst, conn, "ask", "SELECT 1", NULL, &k->err),
			 EZ_OK);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sql_monitor");
	TCase *c = tcase_create("monitor");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_slot_is_measured);
	tcase_add_test(c, heartbeats_are_transactional_messages);
	tcase_add_test(c, a_probe_tells_a_server_from_a_closed_door);
	tcase_add_test(c, a_probe_that_is_turned_away_for_other_reasons_is_an_answer);
	tcase_add_test(c, a_lost_connection_makes_figures_unknown);
	tcase_add_test(c, an_unused_side_connection_is_noticed_when_it_ends);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	kit_need_server();
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
