/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/attr.h"
#include "base/str.h"
#include "base/view.h"
#include "sql_kit.h"

static struct kit *k;

static void setup(void)
{
	kit_need_server();
	k = kit_new("t_check");
}

static void teardown(void)
{
	kit_free(k);
}

#define ck_assert_has(text, what) \
 ck_assert_msg(strstr(text, what) != NULL, "\"%s\" is missing in:\n%s", what, text)
#define ck_assert_lacks(text, what) \
 ck_assert_msg(strstr(text, what) == NULL, "\"%s\" is in:\n%s", what, text)

static const char *check(void)
{
	kit_open(k, EZ_ROLE_CHECK);
	ck_assert_msg(kit_check(k) == EZ_OK, "%s", k->err.text);
	return kit_report;
}

static void as(const char *role)
{
	ck_assert(str_format(k->conninfo, sizeof(k->conninfo),
			     "host=%s port=%s user=%s dbname=t_check", PQhost(k->admin),
			     PQport(k->admin), role));
}

START_TEST(a_good_database_has_no_failure)
{
	const char *report;

	kit_sql(k, "CREATE TABLE t (id int PRIMARY KEY)");
	kit_set(k, "tables", "public.t");
	report = check();
	ck_assert_lacks(report, "FAILED");
	ck_assert_has(report, "ok wal_level: wal_level is logical");
	ck_assert_has(report, "ok slot: slot ezcdc_shop will be made");
	ck_assert_has(report, "ok publication: publication ezcdc_shop will be made");
	ck_assert_has(report, "ok tables: 1 tables are selected");
	ck_assert_has(report, "WARNING max_slot_wal_keep_size");
	/* It looks, it changes nothing. */
	ck_assert_str_eq(kit_ask(k, "SELECT count(*) FROM pg_publication"), "0");
}
END_TEST

/* Trap F12: each missing right comes with its statement. */
START_TEST(missing_rights_are_named_with_their_grant)
{
	const char *report;

	kit_sql(k,
		"DO $$ BEGIN CREATE ROLE poor LOGIN; EXCEPTION WHEN duplicate_object THEN NULL;"
		" END $$; ALTER ROLE poor NOREPLICATION;"
		"CREATE SCHEMA s; CREATE TABLE s.\"T\" (id int PRIMARY KEY);"
		"REVOKE CREATE ON DATABASE t_check FROM PUBLIC");
	kit_set(k, "tables", "s.*");
	as("poor");
	report = check();
	ck_assert_has(report, "ALTER ROLE \"poor\" REPLICATION");
	ck_assert_has(report, "[GRANT USAGE ON SCHEMA \"s\" TO \"poor\"]");
	ck_assert_has(report, "[GRANT SELECT ON \"s\".\"T\" TO \"poor\"]");
	ck_assert_has(report, "[GRANT CREATE ON DATABASE \"t_check\" TO \"poor\"]");
	ck_assert_has(report, "ALTER TABLE \"s\".\"T\" OWNER TO \"poor\"");
	kit_sql(k,
		"ALTER ROLE poor REPLICATION; GRANT USAGE ON SCHEMA s TO poor;"
		"GRANT SELECT ON s.\"T\" TO poor; GRANT CREATE ON DATABASE t_check TO poor;"
		"ALTER TABLE s.\"T\" OWNER TO poor");
	ck_assert_lacks(check(), "FAILED");
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_msg(kit_prepare(k, EZ_PREPARE_SNAPSHOT) == EZ_OK, "%s", k->err.text);
	ck_assert_msg(kit_plan(k) == EZ_OK, "%s", k->err.text);
}
END_TEST

START_TEST(all_tables_take_a_superuser)
{
	kit_sql(k,
		"DO $$ BEGIN CREATE ROLE poor LOGIN; EXCEPTION WHEN duplicate_object THEN NULL;"
		" END $$; CREATE TABLE t (id int PRIMARY KEY)");
	as("poor");
	ck_assert_has(
		check(),
		"FAILED publication: a publication of all tables takes a superuser");
}
END_TEST

/* Trap C6. */
START_TEST(identities_are_looked_at)
{
	const char *report;

	kit_sql(k,
		"CREATE TABLE nokey (id int); CREATE TABLE nothing (id int PRIMARY KEY);"
		"ALTER TABLE nothing REPLICA IDENTITY NOTHING;"
		"CREATE TABLE full_one (id int); ALTER TABLE full_one REPLICA IDENTITY FULL");
	kit_set(k, "tables", "public.*");
	report = check();
	ck_assert_has(report, "FAILED table: public.nokey has no primary key");
	ck_assert_has(report, "[ALTER TABLE \"public\".\"nokey\" REPLICA IDENTITY FULL");
	ck_assert_has(report,
		      "FAILED table: public.nothing has replica identity NOTHING");
	ck_assert_lacks(report, "full_one");
	/* Inserts alone need none. */
	kit_sql(k,
		"CREATE PUBLICATION ezcdc_shop FOR ALL TABLES WITH (publish = 'insert')");
	report = check();
	ck_assert_lacks(report, "FAILED");
	ck_assert_has(report, "leaves out updates deletes truncates");
}
END_TEST

/* Trap C13. */
START_TEST(what_is_no_table_is_told)
{
	const char *report;

	kit_sql(k,
		"CREATE TABLE t (id int PRIMARY KEY); CREATE VIEW v AS SELECT 1;"
		"CREATE UNLOGGED TABLE u (id int PRIMARY KEY);"
		"CREATE TABLE child () INHERITS (t); ALTER TABLE child ADD PRIMARY KEY (id);"
		"CREATE TABLE g (id int PRIMARY KEY, x int GENERATED ALWAYS AS (id) STORED)");
	kit_set(k, "tables", "public.*");
	kit_set(k, "tables", "public.v");
	kit_set(k, "tables", "public.typo");
	kit_set(k, "tables", "!public.nobody");
	report = check();
	ck_assert_has(report, "FAILED table: public.v is a view");
	ck_assert_has(report, "FAILED tables: \"public.typo\" matches no table");
	ck_assert_has(report, "WARNING tables: \"!public.nobody\" excludes nothing");
	ck_assert_has(report, "WARNING table: public.u is unlogged");
	ck_assert_has(report, "WARNING table: public.child inherits");
	ck_assert_has(report, "WARNING table: public.g has generated columns");
}
END_TEST

START_TEST(row_level_security_is_found)
{
	const char *report;

	kit_sql(k,
		"DO $$ BEGIN CREATE ROLE watched LOGIN REPLICATION; EXCEPTION WHEN"
		" duplicate_object THEN NULL; END $$;"
		"CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
		"GRANT SELECT ON t TO watched; CREATE PUBLICATION ezcdc_shop FOR TABLE t");
	kit_set(k, "tables", "public.t");
	as("watched");
	report = check();
	ck_assert_has(report, "has row-level security");
	ck_assert_has(report, "[ALTER ROLE \"watched\" BYPASSRLS]");
	/* And a copy that would miss rows is refused. */
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_int_eq(kit_prepare(k, EZ_PREPARE_SNAPSHOT), EZ_OK);
	ck_assert_int_eq(kit_plan(k), EZ_E_PERMISSION);
}
END_TEST

START_TEST(a_publication_that_lacks_a_table_is_found)
{
	kit_sql(k,
		"CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY);"
		"CREATE PUBLICATION ezcdc_shop FOR TABLE a");
	kit_set(k, "tables", "public.a");
	kit_set(k, "tables", "public.b");
	ck_assert_has(check(),
		      "[ALTER PUBLICATION \"ezcdc_shop\" ADD TABLE \"public\".\"b\"]");
}
END_TEST

START_TEST(a_foreign_slot_is_found)
{
	kit_sql(k, "CREATE TABLE a (id int PRIMARY KEY);"
		   "SELECT pg_create_physical_replication_slot('ezcdc_shop')");
	ck_assert_has(check(), "FAILED slot: slot ezcdc_shop is a physical slot");
	kit_sql(k, "SELECT pg_drop_replication_slot('ezcdc_shop')");
}
END_TEST

START_TEST(discover_lists_tables_with_their_readiness)
{
	const char *report;

	kit_sql(k, "CREATE TABLE a (x int, y int, PRIMARY KEY (y, x));"
		   "INSERT INTO a VALUES (1, 1); ANALYZE a; CREATE TABLE b (id int);"
		   "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
		   "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
		   "INSERT INTO p VALUES (1); CREATE VIEW v AS SELECT 1;"
		   "CREATE SCHEMA ezcdc; CREATE TABLE ezcdc.t (id int PRIMARY KEY)");
	kit_open(k, EZ_ROLE_CHECK);
	ck_assert_int_eq(kit_discover(k), EZ_OK);
	report = kit_report;
	ck_assert_has(report, "ready public.a key (y, x) rows n bytes n\n");
	ck_assert_has(report, "NOT public.b key ()");
	ck_assert_has(report, ": has no replica identity");
	ck_assert_has(report, "ready public.p key (id)");
	ck_assert_lacks(report, "public.p1");
	ck_assert_lacks(report, "public.v");
	ck_assert_lacks(report, "ezcdc.t");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sql_check");
	TCase *c = tcase_create("check");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_good_database_has_no_failure);
	tcase_add_test(c, missing_rights_are_named_with_their_grant);
	tcase_add_test(c, all_tables_take_a_superuser);
	tcase_add_test(c, identities_are_looked_at);
	tcase_add_test(c, what_is_no_table_is_told);
	tcase_add_test(c, row_level_security_is_found);
	tcase_add_test(c, a_publication_that_lacks_a_table_is_found);
	tcase_add_test(c, a_foreign_slot_is_found);
	tcase_add_test(c, discover_lists_tables_with_their_readiness);
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
