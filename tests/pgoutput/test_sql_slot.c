/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"
#include "sql_kit.h"

static struct kit *k;

static void setup(void)
{
	kit_need_server();
	k = kit_new("t_slot");
	kit_set(k, "slot", "t_slot");
	kit_set(k, "publication", "T \"pub\"");
}

static void teardown(void)
{
	kit_free(k);
}

#define ck_assert_has(text, what) \
 ck_assert_msg(strstr(text, what) != NULL, "\"%s\" is missing in:\n%s", what, text)

static struct ez_source_info info(void)
{
	struct ez_source_info i = { .size = 0 };

	ck_assert_msg(k->ops->info(k->inst, &i, &k->err) == EZ_OK, "%s", k->err.text);
	return i;
}

static void make_table(void)
{
	kit_sql(k, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
}

START_TEST(info_tells_what_there_is)
{
	struct ez_source_info i;
	struct ez_view rest, system, timeline, database;

	make_table();
	kit_open(k, EZ_ROLE_MAIN);
	i = info();
	ck_assert_uint_eq(i.slot, EZ_SLOT_NONE);
	ck_assert_uint_eq(i.create, 1);
	ck_assert(view_starts(i.server, VIEW("PostgreSQL 1")));
	ck_assert(view_eq_str(i.slot_name, "t_slot"));
	rest = i.identity;
	ck_assert(view_split(&rest, '/', &system) && view_split(&rest, '/', &timeline) &&
		  view_split(&rest, '/', &database));
	ck_assert(view_eq_str(system, kit_ask(k, "SELECT system_identifier FROM"
						 " pg_control_system()")));
	ck_assert(view_eq_str(database, kit_ask(k, "SELECT oid FROM pg_database WHERE"
						   " datname = 't_slot'")));
	ck_assert_int_eq(kit_prepare(k, 0), EZ_OK);
	i = info();
	ck_assert_uint_eq(i.slot, EZ_SLOT_READY);
	ck_assert_uint_eq(i.confirmed.order, kit_position.order);
	ck_assert(view_eq(i.confirmed.bytes, kit_position.bytes));
	ck_assert_uint_ge(i.now.order, i.confirmed.order);
}
END_TEST

START_TEST(a_slot_of_another_database_is_refused)
{
	struct ez_source_info i;

	kit_sql(k, "SELECT pg_create_logical_replication_slot('t_slot', 'pgoutput')");
	ck_assert(str_format(k->conninfo, sizeof(k->conninfo),
			     "host=%s port=%s user=postgres dbname=postgres",
			     PQhost(k->admin), PQport(k->admin)));
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_int_eq(k->ops->info(k->inst, &i, &k->err), EZ_E_CONFIG);
	ck_assert_has(k->err.text, "belongs to another database: t_slot");
}
END_TEST

START_TEST(a_physical_slot_is_refused)
{
	struct ez_source_info i;

	kit_sql(k, "SELECT pg_create_physical_replication_slot('t_slot')");
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_int_eq(k->ops->info(k->inst, &i, &k->err), EZ_E_CONFIG);
	ck_assert_has(k->err.text, "physical");
	kit_sql(k, "SELECT pg_drop_replication_slot('t_slot')");
}
END_TEST

/* Trap A10. */
START_TEST(a_lost_slot_is_told)
{
	struct ez_source_info i;

	kit_sql(k, "SELECT pg_create_logical_replication_slot('t_slot', 'pgoutput')");
	kit_sql(k, "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
	kit_sql(k, "SELECT pg_reload_conf()");
	for (int n = 0; n < 6; n++)
		kit_sql(k,
			"SELECT pg_logical_emit_message(false, 'x', 'y'), pg_switch_wal()");
	while (strcmp(kit_ask(k, "SELECT wal_status FROM pg_replication_slots WHERE"
				 " slot_name = 't_slot'"),
		      "lost") != 0)
		kit_sql(k, "CHECKPOINT");
	kit_sql(k, "ALTER SYSTEM RESET max_slot_wal_keep_size");
	kit_sql(k, "SELECT pg_reload_conf()");
	kit_open(k, EZ_ROLE_MAIN);
	i = info();
	ck_assert_uint_eq(i.slot, EZ_SLOT_LOST);
	ck_assert_uint_gt(i.slot_reason.len, 0);
}
END_TEST

START_TEST(the_publication_is_made_for_the_tables_wanted)
{
	kit_sql(k,
		"CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);"
		"CREATE TABLE audit_x (id int); CREATE UNLOGGED TABLE u (id int PRIMARY KEY);"
		"CREATE VIEW v AS SELECT 1 AS id;"
		"CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
		"CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
		"CREATE SCHEMA ezcdc; CREATE TABLE ezcdc.state (id int PRIMARY KEY)");
	kit_set(k, "tables", "public.*");
	kit_set(k, "tables", "!public.audit_*");
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_msg(kit_prepare(k, 0) == EZ_OK, "%s", k->err.text);
	ck_assert_str_eq(
		kit_ask(k, "SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER"
			   " BY 1) FROM pg_publication_tables"),
		"public.a public.b public.p");
	ck_assert_str_eq(kit_ask(k, "SELECT obj_description(oid, 'pg_publication') FROM"
				    " pg_publication"),
			 "made by ezcdc for job shop");
}
END_TEST

/* Trap C6: the application must not break because we publish a table. */
START_TEST(a_table_without_identity_is_not_published)
{
	kit_sql(k, "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE nokey (id int)");
	kit_set(k, "tables", "public.*");
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_int_eq(kit_prepare(k, 0), EZ_E_CONFIG);
	ck_assert_has(k->err.text, "public.nokey");
	ck_assert_has(k->err.hint, "ALTER TABLE public.nokey REPLICA IDENTITY FULL");
	ck_assert_str_eq(kit_ask(k, "SELECT count(*) FROM pg_publication"), "0");
	kit_sql(k, "UPDATE nokey SET id = 2");
	kit_sql(k, "ALTER TABLE nokey REPLICA IDENTITY FULL");
	ck_assert_int_eq(kit_prepare(k, 0), EZ_OK);
}
END_TEST

START_TEST(a_publication_that_exists_is_left_alone)
{
	make_table();
	kit_sql(k, "CREATE TABLE other (id int PRIMARY KEY);"
		   "CREATE PUBLICATION \"T \"\"pub\"\"\" FOR TABLE other");
	kit_set(k, "tables", "public.*");
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_int_eq(kit_prepare(k, 0), EZ_OK);
	ck_assert_str_eq(kit_ask(k, "SELECT count(*) FROM pg_publication_tables"), "1");
	ck_assert_has(fake_host_last_log(), "public.t is wanted but publication");
	ck_assert_int_eq(k->ops->drop(k->inst, &k->err), EZ_OK);
	ck_assert_str_eq(kit_ask(k, "SELECT count(*) FROM pg_publication"), "1");
	ck_assert_str_eq(kit_ask(k, "SELECT count(*) FROM pg_replication_slots WHERE"
				    " slot_name = 't_slot'"),
			 "0");
}
END_TEST

START_TEST(without_create_nothing_is_made)
{
	make_table();
	kit_set(k, "create", "false");
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_uint_eq(info().create, 0);
	ck_assert_int_eq(kit_prepare(k, 0), EZ_E_CONFIG);
	ck_assert_has(k->err.hint, "CREATE PUBLICATION");
}
END_TEST

START_TEST(drop_removes_what_the_job_made)
{
	make_table();
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_int_eq(kit_prepare(k, 0), EZ_OK);
	ck_assert_int_eq(k->ops->drop(k->inst, &k->err), EZ_OK);
	ck_assert_str_eq(kit_ask(k, "SELECT count(*) FROM pg_publication"), "0");
	ck_assert_str_eq(kit_ask(k, "SELECT count(*) FROM pg_replication_slots WHERE"
				    " slot_name = 't_slot'"),
			 "0");
	ck_assert_int_eq(k->ops->drop(k->inst, &k->err), EZ_OK);
}
END_TEST

START_TEST(an_existing_slot_is_dropped_only_when_asked)
{
	uint64_t first;

	make_table();
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_int_eq(kit_prepare(k, 0), EZ_OK);
	first = kit_position.order;
	ck_assert_int_lt(kit_prepare(k, 0), 0);
	ck_assert_str_eq(k->err.code, "42710");
	kit_sql(k, "INSERT INTO t VALUES (2)");
	ck_assert_int_eq(kit_prepare(k, EZ_PREPARE_DROP), EZ_OK);
	ck_assert_uint_gt(kit_position.order, first);
}
END_TEST

START_TEST(a_slot_in_use_is_busy)
{
	PGconn *user;
	PGresult *res;
	char conninfo[512];

	make_table();
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_int_eq(kit_prepare(k, 0), EZ_OK);
	ck_assert(str_format(conninfo, sizeof(conninfo), "%s replication=database",
			     k->conninfo));
	user = PQconnectdb(conninfo);
	res = PQexec(user, "START_REPLICATION SLOT t_slot LOGICAL 0/0 (proto_version '1',"
			   " publication_names '\"T \"\"pub\"\"\"')");
	ck_assert_int_eq(PQresultStatus(res), PGRES_COPY_BOTH);
	PQclear(res);
	ck_assert_int_eq(k->ops->drop(k->inst, &k->err), EZ_E_BUSY);
	ck_assert_has(k->err.text, "is in use by pid");
	PQfinish(user);
	ck_assert_int_eq(k->ops->drop(k->inst, &k->err), EZ_OK);
}
END_TEST

static void *prepare_in_thread(void *arg)
{
	int *rc = arg;

	*rc = kit_prepare(k, EZ_PREPARE_SNAPSHOT);
	return NULL;
}

/* Trap B9: no half-made slot stays behind. */
START_TEST(an_interrupted_creation_leaves_no_slot)
{
	pthread_t thread;
	int rc = 0;

	make_table();
	kit_open(k, EZ_ROLE_MAIN);
	kit_sql(k, "BEGIN; INSERT INTO t VALUES (7)");
	ck_assert_int_eq(pthread_create(&thread, NULL, prepare_in_thread, &rc), 0);
	while (strcmp(kit_ask(k, "SELECT count(*) FROM pg_replication_slots WHERE"
				 " slot_name = 't_slot' AND active"),
		      "1") != 0)
		sleep_us(10000);
	k->ops->interrupt(k->inst);
	pthread_join(thread, NULL);
	ck_assert_int_eq(rc, EZ_E_CANCELLED);
	kit_close(k);
	kit_sql(k, "COMMIT");
	while (strcmp(kit_ask(k, "SELECT count(*) FROM pg_replication_slots WHERE"
				 " slot_name = 't_slot' AND active"),
		      "0") != 0)
		sleep_us(10000);
	ck_assert_str_eq(kit_ask(k, "SELECT count(*) FROM pg_replication_slots WHERE"
				    " slot_name = 't_slot'"),
			 "0");
}
END_TEST

static int same(const char *identity, uint64_t order, const char *text)
{
	struct ez_position from = { .bytes = view_str(text), .order = order };

	return k->ops->same(k->inst, view_str(identity), from, &k->err);
}

/* Trap A9. */
START_TEST(another_server_is_recognised)
{
	char identity[128], other[160];
	struct ez_source_info i;

	kit_open(k, EZ_ROLE_MAIN);
	i = info();
	ck_assert(str_copy(identity, sizeof(identity), i.identity));
	ck_assert_int_eq(same(identity, 1, "0/1"), EZ_OK);
	ck_assert(str_format(other, sizeof(other), "1%s", identity));
	ck_assert_int_eq(same(other, 1, "0/1"), EZ_E_CONFIG);
	ck_assert_has(k->err.text, "not the server");
	ck_assert(str_format(other, sizeof(other), "%s9", identity));
	ck_assert_int_eq(same(other, 1, "0/1"), EZ_E_CONFIG);
	ck_assert_has(k->err.text, "not the database");
	ck_assert_int_eq(same(identity, UINT64_MAX, "FFFFFFFF/FFFFFFFF"), EZ_E_GONE);
	ck_assert_has(k->err.text, "log ends at");
	ck_assert_int_eq(same("nonsense", 1, "0/1"), EZ_E_FATAL);
}
END_TEST

/* With EZ_SQL_PROMOTED the server is on a later timeline, which it took at that position. */
START_TEST(a_promoted_server_is_accepted_up_to_the_switch)
{
	const char *env = secure_getenv("EZ_SQL_PROMOTED");
	struct ez_view rest, system, timeline, database;
	char identity[128];
	struct ez_source_info i;

	if (!env)
		return;
	kit_open(k, EZ_ROLE_MAIN);
	i = info();
	rest = i.identity;
	ck_assert(view_split(&rest, '/', &system) && view_split(&rest, '/', &timeline) &&
		  view_split(&rest, '/', &database));
	ck_assert(view_eq_str(timeline, "2"));
	ck_assert(str_format(identity, sizeof(identity), "%.*s/1/%.*s", VIEW_ARG(system),
			     VIEW_ARG(database)));
	ck_assert_int_eq(same(identity, 1, "0/1"), EZ_OK);
	ck_assert_int_eq(same(identity, i.now.order, "now"), EZ_E_GONE);
	ck_assert_has(k->err.text, "left timeline 1 at");
	ck_assert(str_format(identity, sizeof(identity), "%.*s/3/%.*s", VIEW_ARG(system),
			     VIEW_ARG(database)));
	ck_assert_int_eq(same(identity, 1, "0/1"), EZ_E_GONE);
	ck_assert_has(k->err.text, "set back");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sql_slot");
	TCase *c = tcase_create("slot");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, info_tells_what_there_is);
	tcase_add_test(c, a_slot_of_another_database_is_refused);
	tcase_add_test(c, a_physical_slot_is_refused);
	tcase_add_test(c, a_lost_slot_is_told);
	tcase_add_test(c, the_publication_is_made_for_the_tables_wanted);
	tcase_add_test(c, a_table_without_identity_is_not_published);
	tcase_add_test(c, a_publication_that_exists_is_left_alone);
	tcase_add_test(c, without_create_nothing_is_made);
	tcase_add_test(c, drop_removes_what_the_job_made);
	tcase_add_test(c, an_existing_slot_is_dropped_only_when_asked);
	tcase_add_test(c, a_slot_in_use_is_busy);
	tcase_add_test(c, an_interrupted_creation_leaves_no_slot);
	suite_add_tcase(s, c);
	c = tcase_create("identity");
	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, another_server_is_recognised);
	tcase_add_test(c, a_promoted_server_is_accepted_up_to_the_switch);
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
