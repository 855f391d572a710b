/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include "sqltest.h"

/* Users have what they were granted, as StarRocks 3 has it, and not more. */

#define DENIED(what) "Access denied; you need (at least one of) the " what

static void begin(const char *version)
{
	sqltest_begin(version, 1);
	sql_ok("CREATE DATABASE shop");
	sql_ok("CREATE TABLE shop.t (id INT NOT NULL, v INT) PRIMARY KEY (id) DISTRIBUTED BY "
	       "HASH(id) BUCKETS 1 PROPERTIES ('replication_num' = '1')");
	sql_ok("CREATE USER 'cdc'@'%%' IDENTIFIED BY 'pw'");
}

/* As the user, then as root again. */
static void denied(unsigned code, const char *part, const char *sql)
{
	sqltest_user("cdc");
	sql_refused(code, part, sql);
	sqltest_user("root");
}

static void allowed(const char *sql)
{
	sqltest_user("cdc");
	sql_ok("%s", sql);
	sqltest_user("root");
}

static const struct {
	const char *sql, *right, *grant;
} lines[] = {
	{ "SELECT id FROM shop.t", "SELECT privilege(s) on TABLE t",
	  "GRANT SELECT ON TABLE shop.t TO USER 'cdc'@'%'" },
	{ "TRUNCATE TABLE shop.t", "DELETE privilege(s) on TABLE t",
	  "GRANT DELETE ON ALL TABLES IN DATABASE `shop` TO USER 'cdc'@'%'" },
	{ "ALTER TABLE shop.t ADD COLUMN w INT", "ALTER privilege(s) on TABLE t",
	  "GRANT SELECT, ALTER ON ALL TABLES IN ALL DATABASES TO USER 'cdc'@'%'" },
	{ "DROP TABLE shop.t", "DROP privilege(s) on TABLE t",
	  "GRANT ALL ON TABLE shop.t TO USER 'cdc'@'%'" },
	{ "CREATE TABLE shop.u (id INT NOT NULL) PRIMARY KEY (id) DISTRIBUTED BY HASH(id) "
	  "BUCKETS 1 PROPERTIES ('replication_num' = '1')",
	  "CREATE TABLE privilege(s) on DATABASE shop",
	  "GRANT CREATE TABLE ON DATABASE `shop` TO USER 'cdc'@'%'" },
	{ "CREATE DATABASE other", "CREATE DATABASE privilege(s) on CATALOG default_catalog",
	  "GRANT CREATE DATABASE ON CATALOG default_catalog TO USER 'cdc'@'%'" },
	{ "SHOW CREATE TABLE shop.t", "ANY privilege(s) on TABLE t",
	  "GRANT INSERT ON TABLE shop.t TO USER 'cdc'@'%'" },
	{ "SHOW BACKENDS", "OPERATE privilege(s) on SYSTEM",
	  "GRANT OPERATE ON SYSTEM TO USER 'cdc'@'%'" },
};

START_TEST(a_statement_needs_its_right)
{
	begin("4.0");
	denied(5203, lines[_i].right, lines[_i].sql);
	sql_ok("%s", lines[_i].grant);
	allowed(lines[_i].sql);
	sqltest_end();
}
END_TEST

START_TEST(what_is_granted_is_shown)
{
	begin("4.0");
	sql_ok("GRANT INSERT, SELECT ON ALL TABLES IN DATABASE shop TO USER 'cdc'@'%%'");
	sql_ok("GRANT CREATE TABLE ON DATABASE shop TO USER cdc");
	sqltest_user("cdc");
	sql_gives("SHOW GRANTS",
		  "'cdc'@'%'|default|GRANT SELECT, INSERT ON ALL TABLES IN DATABASE shop TO "
		  "USER 'cdc'@'%'\n"
		  "'cdc'@'%'|default|GRANT CREATE TABLE ON DATABASE shop TO USER 'cdc'@'%'\n");
	sqltest_user("root");
	sql_ok("REVOKE INSERT ON ALL TABLES IN DATABASE shop FROM USER 'cdc'@'%%'");
	sqltest_user("cdc");
	sql_gives("SHOW GRANTS",
		  "'cdc'@'%'|default|GRANT SELECT ON ALL TABLES IN DATABASE shop TO USER "
		  "'cdc'@'%'\n"
		  "'cdc'@'%'|default|GRANT CREATE TABLE ON DATABASE shop TO USER 'cdc'@'%'\n");
	sql_refused(5203, DENIED("OPERATE"), "GRANT SELECT ON TABLE shop.t TO USER 'cdc'");
	sqltest_end();
}
END_TEST

START_TEST(roles_count_when_they_are_active)
{
	begin("4.0");
	sql_ok("CREATE ROLE loader");
	sql_ok("CREATE ROLE reader");
	sql_ok("GRANT SELECT ON ALL TABLES IN DATABASE shop TO ROLE reader");
	sql_ok("GRANT reader TO ROLE loader");
	sql_ok("GRANT loader TO USER 'cdc'@'%%'");
	denied(5203, "Current role(s): NONE. Inactivated role(s): loader.",
	       "SELECT id FROM shop.t");
	sqltest_user("cdc");
	sql_gives("SELECT current_role()", "NONE\n");
	sql_gives("SHOW GRANTS FOR ROLE loader",
		  "loader|NULL|GRANT 'reader' TO ROLE 'loader'\n");
	sqltest_user("root");
	sql_ok("SET DEFAULT ROLE ALL TO 'cdc'@'%%'");
	sql_gives("SELECT current_role()", "root\n");
	allowed("SELECT id FROM shop.t");
	sqltest_end();
}
END_TEST

START_TEST(what_one_may_not_touch_is_not_listed)
{
	static const char names[] =
		"SELECT SCHEMA_NAME FROM information_schema.schemata WHERE SCHEMA_NAME = 'shop'";

	begin("4.0");
	sqltest_user("cdc");
	sql_gives(names, "");
	sqltest_user("root");
	sql_ok("GRANT INSERT ON TABLE shop.t TO USER 'cdc'@'%%'");
	sqltest_user("cdc");
	sql_gives(names, "shop\n");
	sql_gives("SELECT COLUMN_NAME FROM information_schema.columns WHERE TABLE_NAME = 't' "
		  "ORDER BY ORDINAL_POSITION",
		  "id\nv\n");
	sqltest_end();
}
END_TEST

START_TEST(older_versions_say_it_without_the_object)
{
	begin("3.0");
	denied(1227, DENIED("SELECT privilege(s) for this operation"),
	       "SELECT id FROM shop.t");
	sqltest_end();
}
END_TEST

START_TEST(mistakes_in_grants_are_refused)
{
	begin("4.0");
	sql_refused(1064, "cannot find user nobody",
		    "GRANT SELECT ON TABLE shop.t TO USER 'nobody'@'%'");
	sql_refused(1064, "cannot find db: nowhere",
		    "GRANT SELECT ON ALL TABLES IN DATABASE nowhere TO USER 'cdc'@'%'");
	sql_refused(1064, "Cannot find privilege type",
		    "GRANT SELECT ON DATABASE shop TO USER 'cdc'@'%'");
	sql_refused(1064, "already exists", "CREATE USER 'cdc' IDENTIFIED BY 'x'");
	sqltest_end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("grants");
	const TTest *const looped[] = { a_statement_needs_its_right, NULL };
	const TTest *const tests[] = { what_is_granted_is_shown,
					      roles_count_when_they_are_active,
					      what_one_may_not_touch_is_not_listed,
					      older_versions_say_it_without_the_object,
					      mistakes_in_grants_are_refused,
					      NULL };

	sqltest_case(s, "statements", looped, (int)ARRAY_LEN(lines));
	sqltest_case(s, "grants", tests, 1);
	return sqltest_run(s);
}
