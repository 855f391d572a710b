/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ddl.h"
#include "fault.h"
#include "sqltest.h"
#include "tests.h"

#define ONE_REPLICA " PROPERTIES ('replication_num' = '1')"

static struct cluster *begin(const char *version)
{
	struct cluster *c = sqltest_begin(version, 1);

	sql_ok("CREATE DATABASE d");
	sql_ok("USE d");
	return c;
}

static struct cluster *with_table(const char *version)
{
	struct cluster *c = begin(version);

	sql_ok("CREATE TABLE t (k INT, a VARCHAR(10), b INT COMMENT 'bb') PRIMARY KEY (k) "
	       "DISTRIBUTED BY HASH (k)" ONE_REPLICA);
	return c;
}

/* A table of one column definition more than its key. */
static const char *create(const char *columns, const char *rest)
{
	static char sql[4096];

	snprintf(sql, sizeof(sql), "CREATE TABLE x (%s) %s", columns, rest);
	return sql;
}

#define PLAIN "PRIMARY KEY (k) DISTRIBUTED BY HASH (k)" ONE_REPLICA

static void order_fault(struct cluster *c, const char *kind, int64_t count, int64_t ms)
{
	struct fault f = { .count = count, .ms = ms };

	snprintf(f.kind, sizeof(f.kind), "%s", kind);
	cluster_lock(c);
	fault_add(c, &f);
	cluster_unlock(c);
}

/* -------------------------------------------------------------- databases */

START_TEST(databases_come_and_go)
{
	sqltest_begin("4.0", 1);
	sql_ok("CREATE DATABASE `a-b`");
	sql_refused(1007, "database exists", "CREATE DATABASE `a-b`");
	sql_ok("CREATE DATABASE IF NOT EXISTS `a-b`");
	sql_ok("DROP DATABASE `a-b` FORCE");
	sql_refused(1008, "doesn't exist", "DROP DATABASE `a-b`");
	sql_ok("DROP DATABASE IF EXISTS `a-b`");
	sql_refused(1102, "Incorrect database name", "CREATE DATABASE `1a`");
	sql_refused(1102, "Incorrect database name", "CREATE DATABASE `a b`");
	sql_refused(5501, "Unknown database", "USE nowhere");
	sql_refused(1046, "No database selected", "CREATE TABLE t (a INT)");
	sqltest_end();
}
END_TEST

/* ----------------------------------------------------------------- create */

START_TEST(keys_come_first_and_are_not_null)
{
	begin("4.0");
	sql_refused(1064, "Key columns must be the first few columns",
		    create("a INT, k INT", PLAIN));
	sql_refused(1064, "order  of the key columns must be consistent",
		    create("k INT, l INT", "PRIMARY KEY (l, k) DISTRIBUTED BY HASH (k)"));
	sql_refused(1064, "Key column(k) doesn't exist", create("a INT", PLAIN));
	sql_refused(1064, "primary key column[k] cannot be nullable",
		    create("k INT NULL", PLAIN));
	sql_ok("%s", create("k INT, l VARCHAR(9) NOT NULL, v INT",
			    "PRIMARY KEY (K, l) DISTRIBUTED BY HASH (k)" ONE_REPLICA));
	sql_gives("SELECT COLUMN_NAME, IS_NULLABLE FROM information_schema.columns",
		  "k|NO\nl|NO\nv|YES\n");
	sqltest_end();
}
END_TEST

START_TEST(not_every_type_can_be_a_key)
{
	static const char *const bad[] = { "DOUBLE",  "FLOAT",     "DECIMAL(9,2)", "JSON",
					   "CHAR(9)", "VARBINARY", "ARRAY<INT>" };
	static const char *const good[] = { "BOOLEAN",  "TINYINT", "LARGEINT",   "DATE",
					    "DATETIME", "STRING",  "VARCHAR(10)" };
	char column[64];

	begin("4.0");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(column, sizeof(column), "k %s", bad[i]);
		sql_refused(1064, "Invalid data type of key column 'k'",
			    create(column, PLAIN));
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		snprintf(column, sizeof(column), "k %s", good[i]);
		sql_ok("%s", create(column, PLAIN));
		sql_ok("DROP TABLE x");
	}
	sqltest_end();
}
END_TEST

START_TEST(types_have_limits)
{
	begin("4.0");
	sql_refused(1064, "Varchar size must be <= 1048576",
		    create("k INT, a VARCHAR(1048577)", PLAIN));
	sql_refused(1064, "Varchar size must be > 0",
		    create("k INT, a VARCHAR(0)", PLAIN));
	sql_refused(1064, "Char size must be <= 255",
		    create("k INT, a CHAR(256)", PLAIN));
	sql_refused(1064, "precision should range from 1 to 76",
		    create("k INT, a DECIMAL(77,2)", PLAIN));
	sql_refused(1064, "scale should less", create("k INT, a DECIMAL(5,6)", PLAIN));
	sql_refused(1064, "precision should range",
		    create("k INT, a ARRAY<DECIMAL(77,1)>", PLAIN));
	sql_refused(1064, "syntax error", create("k INT, a SERIAL", PLAIN));
	sql_refused(1064, "syntax error", create("k INT, a `int`", PLAIN));
	sql_ok("%s", create("k INT, a VARCHAR(1048576), b DECIMAL(76,76), c JSON, d "
			    "ARRAY<ARRAY<DECIMAL(9,2)>>, e VARBINARY, f MAP<INT,STRING>",
			    PLAIN));
	sqltest_end();
}
END_TEST

START_TEST(old_servers_know_fewer_types)
{
	begin("3.5");
	sql_refused(1064, "precision should range from 1 to 38",
		    create("k INT, a DECIMAL(39,2)", PLAIN));
	sqltest_end();
	begin("2.5");
	sql_refused(1064, "Unsupported data type", create("k INT, a VARBINARY", PLAIN));
	sql_refused(1064, "Unsupported data type",
		    create("k INT, a MAP<INT,INT>", PLAIN));
	sql_refused(1064, "missing key desc or distribution",
		    create("k INT", "PRIMARY KEY (k)" ONE_REPLICA));
	sqltest_end();
}
END_TEST

START_TEST(names_are_checked)
{
	begin("4.0");
	sql_refused(1064, "system reserved name", create("k INT, __op INT", PLAIN));
	sql_refused(1064, "system reserved name", create("k INT, `__ROW_x` INT", PLAIN));
	sql_refused(1166, "Incorrect column name", create("k INT, `a=b` INT", PLAIN));
	sql_refused(1060, "Duplicate column name 'A'",
		    create("k INT, a INT, A INT", PLAIN));
	sql_refused(1064, "syntax error", create("k INT, order INT", PLAIN));
	sql_ok("%s", create("k INT, `order` INT, `a b``c` INT, date INT", PLAIN));
	sql_refused(1050, "already exists", create("k INT", PLAIN));
	sql_ok("CREATE TABLE IF NOT EXISTS x (k INT) " PLAIN);
	sql_ok("CREATE TABLE `X` (k INT) " PLAIN);
	sqltest_end();
}
END_TEST

START_TEST(defaults_are_constants_of_the_type)
{
	begin("4.0");
	sql_refused(1064, "syntax error", create("k INT, a INT DEFAULT 0", PLAIN));
	sql_refused(1064, "Invalid default value for 'a'",
		    create("k INT, a INT DEFAULT 'x'", PLAIN));
	sql_refused(1064, "Invalid default value for 'a'",
		    create("k INT, a TINYINT DEFAULT '128'", PLAIN));
	sql_refused(1064, "Invalid default value for 'a'",
		    create("k INT, a INT NOT NULL DEFAULT NULL", PLAIN));
	sql_refused(1064, "Invalid default value for 'a'",
		    create("k INT, a VARCHAR(2) DEFAULT 'abc'", PLAIN));
	sql_ok("%s", create("k INT, a INT DEFAULT '7', b VARCHAR(9) DEFAULT '', c DATE "
			    "DEFAULT '2020-02-29', d INT NULL DEFAULT NULL",
			    PLAIN));
	sql_gives("SELECT COLUMN_DEFAULT FROM information_schema.columns",
		  "NULL\n7\n\n2020-02-29\nNULL\n");
	sqltest_end();
}
END_TEST

START_TEST(buckets_replicas_and_properties_are_checked)
{
	begin("4.0");
	sql_refused(1064, "Distribution column[a] is not key column",
		    create("k INT, a INT", "PRIMARY KEY (k) DISTRIBUTED BY HASH (a)"));
	sql_refused(1064, "Distribution column(z) doesn't exist",
		    create("k INT, a INT", "PRIMARY KEY (k) DISTRIBUTED BY HASH (z)"));
	sql_refused(1064, "must use hash distribution",
		    create("k INT", "PRIMARY KEY (k) DISTRIBUTED BY RANDOM"));
	sql_refused(1064, "Number of hash distribution is zero",
		    create("k INT", "PRIMARY KEY (k) DISTRIBUTED BY HASH (k) BUCKETS 0"));
	sql_refused(1064, "Current alive backend is [1]",
		    create("k INT", "PRIMARY KEY (k) DISTRIBUTED BY HASH (k)"));
	sql_refused(1064, "replication_num=2",
		    create("k INT", "PRIMARY KEY (k) DISTRIBUTED BY HASH (k) PROPERTIES "
				    "('replication_num' = '2')"));
	sql_refused(1064, "Unknown properties: {foo=1}",
		    create("k INT", "PRIMARY KEY (k) DISTRIBUTED BY HASH (k) PROPERTIES "
				    "('replication_num' = '1', 'foo' = '1')"));
	sql_refused(1064, "Unknown compression type",
		    create("k INT", "PRIMARY KEY (k) DISTRIBUTED BY HASH (k) PROPERTIES "
				    "('replication_num' = '1', 'compression' = 'RAR')"));
	sql_refused(
		1064, "Sort column(q) doesn't exist",
		create("k INT", "PRIMARY KEY (k) DISTRIBUTED BY HASH (k) ORDER BY (q)"));
	sqltest_end();
}
END_TEST

/* ------------------------------------------------------------------ alter */

START_TEST(columns_are_added_at_once)
{
	with_table("4.0");
	sqltest_row("d", "t", "1", "x", "5");
	sql_ok("ALTER TABLE t ADD COLUMN c BIGINT DEFAULT '7' COMMENT 'cc', "
	       "ADD COLUMN `d e` DATE");
	sql_ok("ALTER TABLE d.t ADD COLUMN (f INT, g INT) ");
	sql_ok("ALTER TABLE t ADD COLUMN h INT AFTER a");
	sql_gives("SELECT * FROM t", "1|x|NULL|5|7|NULL|NULL|NULL\n");
	sql_gives("SHOW ALTER TABLE COLUMN FROM d WHERE TableName = 'nope'", "");
	ck_assert(sql_try(VIEW("SHOW ALTER TABLE COLUMN FROM d WHERE TableName = 't' "
			       "ORDER BY JobId DESC LIMIT 1")));
	ck_assert_ptr_nonnull(strstr(sqltest_text(), "|FINISHED|"));
	sqltest_end();
}
END_TEST

START_TEST(bad_additions_change_nothing)
{
	with_table("4.0");
	sql_refused(1064, "Can not add key column: c",
		    "ALTER TABLE t ADD COLUMN c INT KEY");
	sql_refused(1064, "already exists in base table: A",
		    "ALTER TABLE t ADD COLUMN A INT");
	sql_refused(1064, "Repeatedly add",
		    "ALTER TABLE t ADD COLUMN c INT, ADD COLUMN C INT");
	sql_refused(1064, "system reserved name", "ALTER TABLE t ADD COLUMN __op INT");
	sql_refused(1064, "no default value", "ALTER TABLE t ADD COLUMN c INT NOT NULL");
	sql_refused(1064, "value should be after key",
		    "ALTER TABLE t ADD COLUMN c INT FIRST");
	sql_refused(1064, "Column[z] does not found",
		    "ALTER TABLE t ADD COLUMN c INT AFTER z");
	sql_refused(1064, "already exists in base",
		    "ALTER TABLE t ADD COLUMN c INT, ADD COLUMN a INT");
	sql_gives("DESC t", "k|int|NO|true|NULL|\na|varchar(10)|YES|false|NULL|\n"
			    "b|int|YES|false|NULL|\n");
	sqltest_end();
}
END_TEST

START_TEST(columns_are_dropped)
{
	with_table("4.0");
	sqltest_row("d", "t", "1", "x", "5");
	sql_refused(1064, "Can not drop key column", "ALTER TABLE t DROP COLUMN k");
	sql_refused(1064, "Column does not exists: z", "ALTER TABLE t DROP COLUMN z");
	sql_ok("ALTER TABLE t DROP COLUMN a, ADD COLUMN c INT");
	sql_gives("SELECT * FROM t", "1|5|NULL\n");
	sql_ok("ALTER TABLE t ADD COLUMN a INT DEFAULT '3'");
	sql_gives("SELECT * FROM t", "1|5|NULL|3\n");
	sqltest_end();
}
END_TEST

START_TEST(types_change_as_the_matrix_says)
{
	struct cluster *c = with_table("4.0");

	c->settings.alter_ms = 100;
	sqltest_row("d", "t", "1", "12", "5");
	sql_ok("ALTER TABLE t MODIFY COLUMN a VARCHAR(20)");
	sql_refused(1064, "Cannot shorten string length",
		    "ALTER TABLE t MODIFY COLUMN a VARCHAR(5)");
	sql_refused(1064, "Can not change int(11) to tinyint(4)",
		    "ALTER TABLE t MODIFY COLUMN b TINYINT COMMENT 'bb'");
	sql_refused(1064, "Can not modify key column: k",
		    "ALTER TABLE t MODIFY COLUMN k BIGINT");
	sql_refused(1064, "Can not change from nullable",
		    "ALTER TABLE t MODIFY COLUMN b INT NOT NULL COMMENT 'bb'");
	sql_refused(1064, "Can not change default value",
		    "ALTER TABLE t MODIFY COLUMN b INT DEFAULT '1'");
	sql_refused(1064, "Nothing is changed",
		    "ALTER TABLE t MODIFY COLUMN b INT COMMENT 'bb'");
	sql_refused(1064, "do not support reorder",
		    "ALTER TABLE t MODIFY COLUMN b BIGINT AFTER k");
	sql_ok("ALTER TABLE t MODIFY COLUMN b BIGINT COMMENT 'bb'");
	sql_gives(
		"SELECT COLUMN_TYPE FROM information_schema.columns WHERE COLUMN_NAME = 'b'",
		"int\n");
	sqltest_wait_ms(200);
	sql_gives(
		"SELECT COLUMN_TYPE FROM information_schema.columns WHERE COLUMN_NAME = 'b'",
		"bigint\n");
	sql_ok("ALTER TABLE t MODIFY COLUMN a INT");
	sqltest_wait_ms(200);
	sql_gives("SELECT * FROM t WHERE a = 12", "1|12|5\n");
	sqltest_end();
}
END_TEST

START_TEST(a_value_that_does_not_fit_cancels_the_change)
{
	struct cluster *c = with_table("4.0");

	c->settings.alter_ms = 10;
	sqltest_row("d", "t", "1", "12", "5");
	sqltest_row("d", "t", "2", "x", "5");
	sql_ok("ALTER TABLE t MODIFY COLUMN a INT");
	sqltest_wait_ms(20);
	ck_assert(sql_try(VIEW("SHOW ALTER TABLE COLUMN FROM d")));
	ck_assert_ptr_nonnull(strstr(sqltest_text(), "|CANCELLED|"));
	sql_gives("SELECT a FROM t ORDER BY k", "12\nx\n");
	sqltest_end();
}
END_TEST

START_TEST(renamed_columns_keep_their_old_name_taken)
{
	with_table("4.0");
	sqltest_row("d", "t", "1", "x", "5");
	sql_ok("ALTER TABLE t RENAME COLUMN a TO a2");
	sql_gives("SELECT a2 FROM t", "x\n");
	sql_refused(1064, "already exists in column id: a",
		    "ALTER TABLE t ADD COLUMN a INT");
	sql_refused(1064, "already used", "ALTER TABLE t RENAME COLUMN a2 TO b");
	sql_refused(1064, "Column[a] does not exists",
		    "ALTER TABLE t RENAME COLUMN a TO c");
	sql_ok("ALTER TABLE t DROP COLUMN a2");
	sql_ok("ALTER TABLE t ADD COLUMN a INT");
	sql_ok("ALTER TABLE t RENAME COLUMN k TO k2");
	sql_gives("SELECT DISTRIBUTE_KEY FROM information_schema.tables_config",
		  "`k2`\n");
	sqltest_end();
	with_table("3.2");
	sql_refused(1064, "syntax error", "ALTER TABLE t RENAME COLUMN a TO a2");
	sqltest_end();
}
END_TEST

START_TEST(tables_are_renamed_swapped_emptied_and_dropped)
{
	with_table("4.0");
	sqltest_row("d", "t", "1", "x", "5");
	sql_ok("CREATE TABLE u (k INT) " PLAIN);
	sql_refused(1064, "already used", "ALTER TABLE t RENAME u");
	sql_ok("ALTER TABLE t SWAP WITH u");
	sql_gives("SELECT * FROM u", "1|x|5\n");
	sql_gives("SELECT * FROM t", "");
	sql_ok("ALTER TABLE u RENAME `v w`");
	sql_refused(5502, "Unknown table 'd.u'", "TRUNCATE TABLE u");
	sql_ok("TRUNCATE TABLE d.`v w`");
	sql_gives("SELECT count(*) FROM `v w`", "0\n");
	sql_refused(1064, "conflicts", "ALTER TABLE t RENAME z, ADD COLUMN q INT");
	sql_ok("DROP TABLE t");
	sql_refused(5502, "Unknown table", "DROP TABLE t");
	sql_ok("DROP TABLE IF EXISTS t FORCE");
	sqltest_end();
}
END_TEST

/* ------------------------------------------------------------------- jobs */

static void state_is(const char *state)
{
	char want[64];

	snprintf(want, sizeof(want), "|%s|", state);
	ck_assert(sql_try(
		VIEW("SHOW ALTER TABLE COLUMN FROM d WHERE TableName = 't' ORDER BY "
		     "JobId DESC LIMIT 1")));
	ck_assert_msg(strstr(sqltest_text(), want) != NULL, "%s is not %s",
		      sqltest_text(), state);
}

static struct cluster *with_slow_jobs(void)
{
	struct cluster *c = with_table("4.0");

	c->settings.alter_is_sync = false;
	c->settings.alter_ms = 4000;
	return c;
}

START_TEST(a_change_goes_through_its_states)
{
	with_slow_jobs();
	sql_ok("ALTER TABLE t ADD COLUMN c INT");
	state_is("PENDING");
	sql_gives(
		"SELECT count(*) FROM information_schema.columns WHERE COLUMN_NAME = 'c'",
		"0\n");
	sqltest_wait_ms(1500);
	state_is("RUNNING");
	sqltest_wait_ms(4000);
	state_is("FINISHED");
	sql_gives(
		"SELECT count(*) FROM information_schema.columns WHERE COLUMN_NAME = 'c'",
		"1\n");
	sqltest_end();
}
END_TEST

START_TEST(a_second_change_is_refused)
{
	with_slow_jobs();
	sql_ok("ALTER TABLE t ADD COLUMN c INT");
	sql_refused(
		1064,
		"A schema change operation is in progress on the table \"t\". Please wait "
		"until the current operation completes.",
		"ALTER TABLE t ADD COLUMN e INT");
	sql_refused(1064, "in progress", "ALTER TABLE t RENAME COLUMN a TO a2");
	sql_refused(1064, "in progress", "TRUNCATE TABLE t");
	sqltest_wait_ms(10000);
	sql_ok("ALTER TABLE t ADD COLUMN e INT");
	sqltest_end();
	begin("2.5")->settings.alter_is_sync = false;
	sql_ok("CREATE TABLE t (k INT) " PLAIN);
	sql_ok("ALTER TABLE t ADD COLUMN c INT");
	sql_refused(1064, "Table[t]'s state is not NORMAL. Do not allow doing ALTER ops",
		    "ALTER TABLE t ADD COLUMN e INT");
	sqltest_end();
}
END_TEST

START_TEST(older_transactions_are_waited_for)
{
	struct cluster *c = with_slow_jobs();
	struct txn *x;
	char message[256];
	struct begin_args args = {
		.db = database_find(c, VIEW("d")),
		.table = sqltest_table("d", "t"),
		.label = VIEW("old"),
		.kind = TXN_SINGLE,
		.timeout_ms = 600000,
		.idle_ms = 600000,
	};

	cluster_lock(c);
	ck_assert_int_eq(txn_begin(c, &args, &x, message, sizeof(message)), BEGIN_OK);
	cluster_unlock(c);
	sql_ok("ALTER TABLE t ADD COLUMN c INT");
	sqltest_wait_ms(10000);
	state_is("WAITING_TXN");
	cluster_lock(c);
	txn_abort(c, x, "test");
	cluster_unlock(c);
	sqltest_wait_ms(10);
	state_is("RUNNING");
	sqltest_wait_ms(10000);
	state_is("FINISHED");
	/* What is committed and not yet visible counts as running. */
	c->settings.publish_ms = 20000;
	tests_load(c, "new", "strict_mode: true\nformat: json\n", "{\"k\":1}");
	sql_ok("ALTER TABLE t ADD COLUMN e INT");
	sqltest_wait_ms(10000);
	state_is("WAITING_TXN");
	sqltest_wait_ms(20000);
	state_is("RUNNING");
	sqltest_end();
}
END_TEST

START_TEST(what_is_loaded_during_a_change_knows_the_old_columns)
{
	static const char json[] = "strict_mode: true\nformat: json\n";
	static const char csv[] = "strict_mode: true\ncolumn_separator: ,\n"
				  "columns: k,a,b,c\n";
	struct cluster *c = with_slow_jobs();

	sql_ok("ALTER TABLE t ADD COLUMN c INT DEFAULT '9'");
	ck_assert_str_eq(tests_load(c, "one", json, "{\"k\":1,\"a\":\"x\",\"c\":5}"), "");
	ck_assert_str_ne(tests_load(c, "two", csv, "2,x,2,5\n"), "");
	sql_gives("SELECT * FROM t", "1|x|NULL\n");
	sqltest_wait_ms(10000);
	sql_gives("SELECT * FROM t", "1|x|NULL|9\n");
	ck_assert_str_eq(tests_load(c, "three", csv, "2,x,2,5\n"), "");
	sql_gives("SELECT c FROM t ORDER BY k", "9\n5\n");
	sqltest_end();
}
END_TEST

START_TEST(jobs_are_cancelled_by_command_and_by_timeout)
{
	with_slow_jobs();
	sql_refused(1064, "not under SCHEMA_CHANGE", "CANCEL ALTER TABLE COLUMN FROM t");
	sql_ok("ALTER TABLE t ADD COLUMN c INT");
	sql_ok("CANCEL ALTER TABLE COLUMN FROM d.t");
	state_is("CANCELLED");
	sql_ok("ALTER TABLE t ADD COLUMN c INT PROPERTIES ('timeout' = '2')");
	sqltest_wait_ms(3000);
	state_is("CANCELLED");
	sql_gives("DESC t", "k|int|NO|true|NULL|\na|varchar(10)|YES|false|NULL|\n"
			    "b|int|YES|false|NULL|\n");
	sql_ok("ALTER TABLE t ADD COLUMN c INT");
	sql_ok("DROP TABLE t FORCE");
	sqltest_wait_ms(10);
	state_is("CANCELLED");
	sqltest_end();
}
END_TEST

START_TEST(jobs_misbehave_on_order)
{
	struct cluster *c = with_table("4.0");

	c->settings.alter_ms = 40000;
	order_fault(c, "alter_busy", 2, 0);
	sql_refused(1064, "in progress", "ALTER TABLE t ADD COLUMN c INT");
	sql_refused(1064, "in progress", "ALTER TABLE t ADD COLUMN c INT");
	sql_ok("ALTER TABLE t ADD COLUMN c INT");
	order_fault(c, "alter_cancel", 1, 0);
	sql_ok("ALTER TABLE t ADD COLUMN e INT");
	state_is("PENDING");
	sqltest_wait_ms(20000);
	state_is("RUNNING");
	sqltest_wait_ms(20000);
	state_is("CANCELLED");
	order_fault(c, "alter_slow", 1, 50000);
	sql_ok("ALTER TABLE t ADD COLUMN e INT");
	sqltest_wait_ms(49000);
	state_is("RUNNING");
	sqltest_wait_ms(1000);
	state_is("FINISHED");
	order_fault(c, "alter_stuck", 1, 0);
	sql_ok("ALTER TABLE t ADD COLUMN f INT");
	sqltest_wait_ms(10000000);
	state_is("RUNNING");
	sqltest_end();
}
END_TEST

START_TEST(jobs_of_one_second_come_in_the_order_of_their_numbers)
{
	with_table("4.0");
	sql_ok("ALTER TABLE t ADD COLUMN c INT");
	sql_ok("ALTER TABLE t ADD COLUMN e INT");
	ck_assert(sql_try(
		VIEW("SHOW ALTER TABLE COLUMN FROM d WHERE TableName = 't' AND State "
		     "= 'FINISHED' ORDER BY JobId DESC")));
	ck_assert_int_eq(sqltest_table("d", "t")->schema->version, 2);
	sqltest_end();
}
END_TEST

START_TEST(only_fast_tables_change_at_once)
{
	struct cluster *c = begin("4.0");

	c->settings.alter_ms = 1000;
	sql_ok("CREATE TABLE t (k INT) PRIMARY KEY (k) DISTRIBUTED BY HASH (k) PROPERTIES "
	       "('replication_num' = '1', 'fast_schema_evolution' = 'false')");
	sql_ok("ALTER TABLE t ADD COLUMN c INT");
	state_is("PENDING");
	sqltest_end();
	begin("3.2")->settings.alter_ms = 1000;
	sql_ok("CREATE TABLE t (k INT) " PLAIN);
	sql_ok("ALTER TABLE t ADD COLUMN c INT");
	state_is("PENDING");
	sqltest_end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ddl");

	SQLTEST_CASE(s, "create", databases_come_and_go, keys_come_first_and_are_not_null,
		     not_every_type_can_be_a_key, types_have_limits,
		     old_servers_know_fewer_types, names_are_checked,
		     defaults_are_constants_of_the_type,
		     buckets_replicas_and_properties_are_checked);
	SQLTEST_CASE(s, "alter", columns_are_added_at_once, bad_additions_change_nothing,
		     columns_are_dropped, types_change_as_the_matrix_says,
		     a_value_that_does_not_fit_cancels_the_change,
		     renamed_columns_keep_their_old_name_taken,
		     tables_are_renamed_swapped_emptied_and_dropped);
	SQLTEST_CASE(s, "jobs", a_change_goes_through_its_states,
		     a_second_change_is_refused, older_transactions_are_waited_for,
		     what_is_loaded_during_a_change_knows_the_old_columns,
		     jobs_are_cancelled_by_command_and_by_timeout,
		     jobs_misbehave_on_order,
		     jobs_of_one_second_come_in_the_order_of_their_numbers,
		     only_fast_tables_change_at_once);
	return sqltest_run(s);
}
