/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <check.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"
#include "plugins/pgoutput/conn.h"
#include "plugins/pgoutput/pgoutput.h"
#include "sql_kit.h"

static struct kit *k;

static void setup(void)
{
	kit_need_server();
	k = kit_new("t_conn");
}

static void teardown(void)
{
	kit_free(k);
}

#define ck_assert_has(text, what) \
 ck_assert_msg(strstr(text, what) != NULL, "\"%s\" is missing in:\n%s", what, text)

static int connect_with(const char *conninfo)
{
	struct ez_source_info i;

	ck_assert(str_copy(k->conninfo, sizeof(k->conninfo), view_str(conninfo)));
	kit_open(k, EZ_ROLE_MAIN);
	return k->ops->info(k->inst, &i, &k->err);
}

static int connect_to(const char *format_of_port)
{
	char conninfo[256];

	ck_assert(str_format(conninfo, sizeof(conninfo), "host=%s port=%s %s",
			     PQhost(k->admin), PQport(k->admin), format_of_port));
	return connect_with(conninfo);
}

START_TEST(failures_have_their_class)
{
	kit_sql(k,
		"DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object THEN"
		" NULL; END $$");
	ck_assert_int_eq(connect_to("user=postgres dbname=no_such_db"), EZ_E_CONFIG);
	ck_assert_str_eq(k->err.code, "3D000");
	ck_assert_int_eq(connect_to("user=no_such_role dbname=t_conn"), EZ_E_PERMISSION);
	ck_assert_str_eq(k->err.code, "28000");
	ck_assert_int_eq(connect_to("user=plain dbname=t_conn"), EZ_E_PERMISSION);
	ck_assert_str_eq(k->err.code, "42501");
	ck_assert_int_eq(connect_to("user=postgres dbname=t_conn sslmode=require"),
			 EZ_E_CONFIG);
	ck_assert_has(k->err.text, "SSL");
	ck_assert_int_eq(
		connect_to("user=postgres dbname=t_conn options='-c nonsense=1'"),
		EZ_E_CONFIG);
	ck_assert_int_eq(connect_with("host=127.0.0.1 port=1 user=x dbname=x"),
			 EZ_E_TRANSIENT);
	ck_assert_has(k->err.text, "refused");
	ck_assert_int_eq(connect_with("host=/no/such/folder user=x dbname=x"),
			 EZ_E_TRANSIENT);
	ck_assert_int_eq(connect_with("host=127.0.0.1 port=x user=x dbname=x"),
			 EZ_E_CONFIG);
}
END_TEST

START_TEST(a_wrong_password_is_said_to_be_wrong)
{
	if (!secure_getenv("EZ_SQL_SCRAM"))
		return;
	kit_sql(k,
		"DO $$ BEGIN CREATE ROLE scram_user LOGIN SUPERUSER PASSWORD 'right-one';"
		" EXCEPTION WHEN duplicate_object THEN NULL; END $$");
	kit_set(k, "password", "wrong-one");
	ck_assert_int_eq(connect_to("user=scram_user dbname=t_conn"), EZ_E_PERMISSION);
	ck_assert_str_eq(k->err.code, "28P01");
	ck_assert_ptr_null(strstr(k->err.text, "wrong-one"));
	kit_set(k, "password", "right-one");
	ck_assert_msg(connect_to("user=scram_user dbname=t_conn") == EZ_OK, "%s",
		      k->err.text);
	/* It wins over one in the conninfo. */
	ck_assert_int_eq(connect_to("user=scram_user dbname=t_conn password=other"),
			 EZ_OK);
	kit_set(k, "password", "");
	ck_assert_int_eq(connect_to("user=scram_user dbname=t_conn"), EZ_E_PERMISSION);
}
END_TEST

/* Trap F11. */
START_TEST(a_broken_conninfo_does_not_show_its_password)
{
	ck_assert_int_eq(connect_with("host=h password=my secret"), EZ_E_CONFIG);
	ck_assert_ptr_null(strstr(k->err.text, "secret"));
	ck_assert_int_eq(connect_with("postgresql://u:secret@[::1"), EZ_E_CONFIG);
	ck_assert_ptr_null(strstr(k->err.text, "secret"));
	ck_assert_int_eq(connect_with("hots=h"), EZ_E_CONFIG);
	ck_assert_has(k->err.text, "hots");
}
END_TEST

static PGconn *open_conn(bool replication)
{
	PGconn *conn = NULL;
	int rc = pg_connect(k->inst, "test", replication, &conn, &k->err);

	ck_assert_msg(rc == EZ_OK, "%s", k->err.text);
	return conn;
}

static const char *ask(PGconn *conn, const char *sql)
{
	static char answer[256];
	PGresult *res = NULL;

	ck_assert_msg(pg_query(k->inst, conn, "ask", sql, &res, &k->err) == EZ_OK, "%s",
		      k->err.text);
	ck_assert(str_copy(answer, sizeof(answer), pg_field(res, 0, 0)));
	PQclear(res);
	return answer;
}

static const char *const pinned[][2] = {
	{ "DateStyle", "ISO, MDY" },
	{ "IntervalStyle", "postgres" },
	{ "TimeZone", "UTC" },
	{ "extra_float_digits", "3" },
	{ "bytea_output", "hex" },
	{ "lc_monetary", "C" },
	{ "search_path", "" },
	{ "statement_timeout", "0" },
	{ "lock_timeout", "0" },
	{ "idle_in_transaction_session_timeout", "0" },
	{ "default_transaction_read_only", "off" },
	{ "client_encoding", "UTF8" },
	{ "standard_conforming_strings", "on" },
	{ "row_security", "off" },
};

/* Trap E6, on both kinds of session. */
static int receive_buffer_of(int fd)
{
	int bytes = 0;
	socklen_t len = sizeof(bytes);

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len), 0);
	return bytes;
}

/* See window.h: below two loopback segments of 64 KiB a stream may come to a crawl. */
START_TEST(a_server_on_this_machine_gets_a_wide_window)
{
	PGconn *conn;
	int fresh = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fresh, 0);
	ck_assert_int_eq(connect_to("user=postgres dbname=t_conn"), EZ_OK);
	conn = open_conn(true);
	ck_assert_int_gt(receive_buffer_of(PQsocket(conn)), receive_buffer_of(fresh));
	ck_assert_int_ge(receive_buffer_of(PQsocket(conn)), 2 * 65536);
	close(fresh);
	pg_disconnect(&conn);
}
END_TEST

START_TEST(the_roles_settings_decide_nothing)
{
	PGconn *conn;
	char sql[128];

	kit_sql(k, "DROP ROLE IF EXISTS odd; CREATE ROLE odd SUPERUSER LOGIN;"
		   "ALTER ROLE odd SET datestyle = 'SQL, DMY';"
		   "ALTER ROLE odd SET intervalstyle = 'iso_8601';"
		   "ALTER DATABASE t_conn SET timezone = 'Asia/Tokyo';"
		   "ALTER ROLE odd SET extra_float_digits = 0;"
		   "ALTER ROLE odd IN DATABASE t_conn SET bytea_output = 'escape';"
		   "ALTER ROLE odd SET search_path = public;"
		   "ALTER ROLE odd SET statement_timeout = '1min';"
		   "ALTER ROLE odd SET lock_timeout = '1min';"
		   "ALTER ROLE odd SET idle_in_transaction_session_timeout = '1min';"
		   "ALTER ROLE odd SET default_transaction_read_only = on;"
		   "ALTER ROLE odd SET client_encoding = 'LATIN1';"
		   "ALTER ROLE odd SET standard_conforming_strings = off");
	(void)connect_to("user=odd dbname=t_conn");
	conn = open_conn(_i != 0);
	for (size_t i = 0; i < ARRAY_LEN(pinned); i++) {
		ck_assert(str_format(sql, sizeof(sql), "SELECT current_setting('%s')",
				     pinned[i][0]));
		ck_assert_msg(strcmp(ask(conn, sql), pinned[i][1]) == 0, "%s is \"%s\"",
			      pinned[i][0], ask(conn, sql));
	}
	if (k->version >= 140000)
		ck_assert_str_eq(ask(conn, "SHOW idle_session_timeout"), "0");
	if (k->version >= 170000)
		ck_assert_str_eq(ask(conn, "SHOW transaction_timeout"), "0");
	pg_disconnect(&conn);
}
END_TEST

START_TEST(the_users_own_options_go_through)
{
	PGconn *conn;

	(void)connect_to("user=postgres dbname=t_conn options='-c work_mem=5MB' "
			 "application_name=mine");
	conn = open_conn(false);
	ck_assert_str_eq(ask(conn, "SHOW work_mem"), "5MB");
	ck_assert_str_eq(ask(conn, "SHOW application_name"), "mine");
	pg_disconnect(&conn);
	ck_assert_int_eq(connect_to("user=postgres dbname=t_conn"), EZ_OK);
	conn = open_conn(false);
	ck_assert_str_eq(ask(conn, "SHOW application_name"), "ezcdc shop test");
	pg_disconnect(&conn);
}
END_TEST

/* Trap E13. */
START_TEST(a_database_without_encoding_gives_its_bytes)
{
	struct kit *other =
		kit_new_with("t_ascii", "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE"
					" 'C' TEMPLATE template0");
	struct kit *outer = k;
	const char *text;

	k = other;
	kit_sql(k, "SET client_encoding = 'SQL_ASCII'");
	kit_sql(k, "CREATE TABLE t (id int PRIMARY KEY, v text);"
		   "INSERT INTO t VALUES (1, 'a\xff\xfe'), (2, 'ü')");
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_int_eq(kit_prepare(k, EZ_PREPARE_SNAPSHOT), EZ_OK);
	ck_assert_int_eq(kit_plan(k), EZ_OK);
	text = kit_copy(k);
	ck_assert_has(text, "'1' 'a\xff\xfe'");
	ck_assert_has(text, "'2' 'ü'");
	kit_free(k);
	k = kit_new_with("t_latin",
			 "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE"
			 " template0");
	kit_sql(k, "SET client_encoding = 'UTF8'");
	kit_sql(k,
		"CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'ü')");
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_int_eq(kit_prepare(k, EZ_PREPARE_SNAPSHOT), EZ_OK);
	ck_assert_int_eq(kit_plan(k), EZ_OK);
	ck_assert_has(kit_copy(k), "'1' 'ü'");
	kit_free(k);
	k = outer;
}
END_TEST

static void *connect_in_thread(void *arg)
{
	struct ez_source_info i;
	int *rc = arg;

	*rc = k->ops->info(k->inst, &i, &k->err);
	return NULL;
}

/* A server that takes the connection and then says nothing. */
static int listen_silently(uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, n), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

START_TEST(an_interrupt_ends_connecting)
{
	pthread_t thread;
	uint16_t port;
	int fd = listen_silently(&port), rc = 0, client;

	ck_assert(str_format(k->conninfo, sizeof(k->conninfo),
			     "host=127.0.0.1 port=%u user=x dbname=x connect_timeout=0",
			     port));
	kit_open(k, EZ_ROLE_MAIN);
	ck_assert_int_eq(pthread_create(&thread, NULL, connect_in_thread, &rc), 0);
	client = accept(fd, NULL, NULL);
	k->ops->wake(k->inst); /* a mere wake does not end it */
	k->ops->interrupt(k->inst);
	pthread_join(thread, NULL);
	ck_assert_int_eq(rc, EZ_E_CANCELLED);
	close(client);
	close(fd);
}
END_TEST

START_TEST(a_silent_server_is_given_up)
{
	uint16_t port;
	int fd = listen_silently(&port);
	char conninfo[128];

	ck_assert(str_format(conninfo, sizeof(conninfo),
			     "host=127.0.0.1 port=%u user=x dbname=x connect_timeout=2",
			     port));
	ck_assert_int_eq(connect_with(conninfo), EZ_E_TRANSIENT);
	ck_assert_has(k->err.text, "no answer in time");
	close(fd);
}
END_TEST

/* Class 22 is about values, and they stay with the customer (decision R27). */
START_TEST(values_do_not_get_into_errors)
{
	PGconn *conn;
	PGresult *res = NULL;

	ck_assert_int_eq(connect_to("user=postgres dbname=t_conn"), EZ_OK);
	conn = open_conn(false);
	ck_assert_int_lt(
		pg_query(k->inst, conn, "read", "SELECT 'topsecret'::int", &res, &k->err),
		0);
	ck_assert_str_eq(k->err.code, "22P02");
	ck_assert_ptr_null(strstr(k->err.text, "topsecret"));
	pg_disconnect(&conn);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sql_conn");
	TCase *c = tcase_create("conn");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, failures_have_their_class);
	tcase_add_test(c, a_wrong_password_is_said_to_be_wrong);
	tcase_add_test(c, a_broken_conninfo_does_not_show_its_password);
	tcase_add_loop_test(c, the_roles_settings_decide_nothing, 0, 2);
	tcase_add_test(c, a_server_on_this_machine_gets_a_wide_window);
	tcase_add_test(c, the_users_own_options_go_through);
	tcase_add_test(c, a_database_without_encoding_gives_its_bytes);
	tcase_add_test(c, an_interrupt_ends_connecting);
	tcase_add_test(c, a_silent_server_is_given_up);
	tcase_add_test(c, values_do_not_get_into_errors);
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
