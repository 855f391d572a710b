/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mysqltest.h"

/* The same server, through MariaDB's client library as a sink uses it. */

static MYSQL *open_as(struct mysqltest *m, const char *password, const char *database)
{
	unsigned timeout_s = 5;
	MYSQL *c = mysql_init(NULL);

	ck_assert_ptr_nonnull(c);
	mysql_options(c, MYSQL_OPT_CONNECT_TIMEOUT, &timeout_s);
	if (mysql_real_connect(c, "127.0.0.1", "root", password, database,
			       (unsigned)mysqltest_port(m), NULL, 0))
		return c;
	ck_assert_uint_ne(mysql_errno(c), 0);
	return c;
}

static MYSQL *open_well(struct mysqltest *m)
{
	MYSQL *c = open_as(m, "pw", NULL);

	ck_assert_msg(mysql_errno(c) == 0, "%s", mysql_error(c));
	return c;
}

static void must(MYSQL *c, const char *sql)
{
	ck_assert_msg(mysql_query(c, sql) == 0, "%s: %s", sql, mysql_error(c));
}

static void one_table(MYSQL *c)
{
	must(c, "CREATE DATABASE d");
	ck_assert_int_eq(mysql_select_db(c, "d"), 0);
	must(c, "CREATE TABLE t (k INT, v VARCHAR(1048576), b VARBINARY) PRIMARY KEY (k) "
		"DISTRIBUTED BY HASH (k) PROPERTIES ('replication_num' = '1')");
}

START_TEST(the_password_decides)
{
	struct mysqltest *m = mysqltest_begin("4.0", "pw");
	MYSQL *c = open_well(m);

	ck_assert_int_eq(mysql_ping(c), 0);
	mysql_close(c);
	c = open_as(m, "no", NULL);
	ck_assert_uint_eq(mysql_errno(c), 1045);
	ck_assert_str_eq(mysql_sqlstate(c), "28000");
	ck_assert_str_eq(mysql_error(c),
			 "Access denied for user 'root' (using password: YES)");
	mysql_close(c);
	c = open_as(m, "pw", "nowhere");
	ck_assert_uint_eq(mysql_errno(c), 1049);
	mysql_close(c);
	mysqltest_fault(m, "auth_fail", NULL, -1, 0);
	c = open_as(m, "pw", NULL);
	ck_assert_uint_eq(mysql_errno(c), 1045);
	mysql_close(c);
	mysqltest_end(m);
}
END_TEST

START_TEST(results_arrive_as_they_are)
{
	struct mysqltest *m = mysqltest_begin("4.0", "pw");
	MYSQL *c = open_well(m);
	MYSQL_RES *r;
	MYSQL_ROW row;

	one_table(c);
	sqltest_row("d", "t", "1", "", NULL);
	sqltest_row("d", "t", "2", "\xc3\xbc'\"\\", "\xff\x01");
	must(c, "SELECT k, v, b FROM t ORDER BY k");
	r = mysql_store_result(c);
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(mysql_num_fields(r), 3);
	ck_assert_str_eq(mysql_fetch_field_direct(r, 1)->name, "v");
	ck_assert_int_eq(mysql_fetch_field_direct(r, 0)->type, MYSQL_TYPE_LONG);
	row = mysql_fetch_row(r);
	ck_assert_str_eq(row[0], "1");
	ck_assert_str_eq(row[1], "");
	ck_assert_ptr_null(row[2]);
	row = mysql_fetch_row(r);
	ck_assert_str_eq(row[1], "\xc3\xbc'\"\\");
	ck_assert_uint_eq(mysql_fetch_lengths(r)[2], 2);
	ck_assert_mem_eq(row[2], "\xff\x01", 2);
	ck_assert_ptr_null(mysql_fetch_row(r));
	mysql_free_result(r);
	mysql_close(c);
	mysqltest_end(m);
}
END_TEST

START_TEST(errors_leave_the_connection_usable)
{
	struct mysqltest *m = mysqltest_begin("4.0", "pw");
	MYSQL *c = open_well(m);
	MYSQL_STMT *prepared;

	ck_assert_int_ne(mysql_query(c, "SELECT 1 FROM d.t"), 0);
	ck_assert_uint_eq(mysql_errno(c), 5501);
	ck_assert_str_eq(mysql_sqlstate(c), "3F000");
	ck_assert_int_ne(mysql_select_db(c, "nowhere"), 0);
	prepared = mysql_stmt_init(c);
	ck_assert_int_ne(mysql_stmt_prepare(prepared, "SELECT 1", 8), 0);
	ck_assert_uint_eq(mysql_stmt_errno(prepared), 1047);
	mysql_stmt_close(prepared);
	one_table(c);
	must(c, "SELECT count(*) FROM t");
	mysql_free_result(mysql_store_result(c));
	mysql_close(c);
	mysqltest_end(m);
}
END_TEST

/* Over 16 MB, and of exactly the size at which an empty packet must follow. */
START_TEST(long_statements_and_answers_pass)
{
	static const size_t sizes[] = { 0xffffff, 20000000 };
	struct mysqltest *m = mysqltest_begin("4.0", "pw");
	MYSQL *c = open_well(m);
	size_t packet = 128 << 20;

	ck_assert_int_eq(mysql_options(c, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet), 0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		/* A command is one byte more; its statement is SELECT '...'. */
		size_t n = sizes[i] - 1 - strlen("SELECT ''");
		char *sql = malloc(sizes[i]);
		MYSQL_RES *r;

		ck_assert_ptr_nonnull(sql);
		memset(sql, 'x', sizes[i]);
		memcpy(sql, "SELECT '", 8);
		sql[8 + n] = '\'';
		ck_assert_msg(mysql_real_query(c, sql, sizes[i] - 1) == 0, "%s",
			      mysql_error(c));
		r = mysql_store_result(c);
		ck_assert_msg(r != NULL, "%s", mysql_error(c));
		ck_assert_uint_eq(mysql_num_rows(r), 1);
		ck_assert_ptr_nonnull(mysql_fetch_row(r));
		ck_assert_uint_eq(mysql_fetch_lengths(r)[0], n);
		mysql_free_result(r);
		free(sql);
	}
	mysql_close(c);
	mysqltest_end(m);
}
END_TEST

/* ----------------------------------------------------------------- faults */

static bool has_database(const char *name)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SHOW DATABASES LIKE '%s'", name);
	ck_assert(sql_try(view_str(sql)));
	return *sqltest_text() != '\0';
}

static void lost(MYSQL *c, const char *sql)
{
	unsigned code;

	ck_assert_int_ne(mysql_query(c, sql), 0);
	code = mysql_errno(c);
	ck_assert_msg(code == 2013 || code == 2006, "%u: %s", code, mysql_error(c));
	mysql_close(c);
}

START_TEST(connections_are_lost_before_and_after_the_deed)
{
	struct mysqltest *m = mysqltest_begin("4.0", "pw");

	mysqltest_fault(m, "sql_close", "CREATE DATABASE one*", 1, 0);
	lost(open_well(m), "CREATE DATABASE one");
	ck_assert(!has_database("one"));
	mysqltest_fault(m, "sql_close_after", "CREATE*", 1, 0);
	lost(open_well(m), "CREATE DATABASE two");
	ck_assert(has_database("two"));
	mysqltest_fault(m, "mysql_down", NULL, 1, 0);
	mysql_close(open_as(m, "pw", NULL));
	mysql_close(open_well(m));
	mysqltest_end(m);
}
END_TEST

START_TEST(errors_are_made_to_order)
{
	struct mysqltest *m = mysqltest_begin("4.0", "pw");
	MYSQL *c = open_well(m);

	mysqltest_fault(m, "sql_error", "*TABLE*", 1, 0);
	ck_assert_int_ne(mysql_query(c, "DROP TABLE IF EXISTS d.t"), 0);
	ck_assert_uint_eq(mysql_errno(c), 1064);
	must(c, "CREATE DATABASE d");
	must(c, "DROP TABLE IF EXISTS d.t");
	mysql_close(c);
	mysqltest_end(m);
}
END_TEST

START_TEST(slowness_is_made_to_order)
{
	struct mysqltest *m = mysqltest_begin("4.0", "pw");
	int64_t begun = mono_us();
	MYSQL *c;

	mysqltest_fault(m, "handshake_slow", NULL, 1, 150);
	c = open_well(m);
	ck_assert_int_ge(mono_us() - begun, 150 * US_PER_MS);
	begun = mono_us();
	mysqltest_fault(m, "sql_slow", NULL, 1, 150);
	must(c, "CREATE DATABASE d");
	ck_assert_int_ge(mono_us() - begun, 150 * US_PER_MS);
	mysql_close(c);
	mysqltest_end(m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mysql_client");

	SQLTEST_CASE(s, "client", the_password_decides, results_arrive_as_they_are,
		     errors_leave_the_connection_usable,
		     long_statements_and_answers_pass);
	SQLTEST_CASE(s, "faults", connections_are_lost_before_and_after_the_deed,
		     errors_are_made_to_order, slowness_is_made_to_order);
	return sqltest_run(s);
}
