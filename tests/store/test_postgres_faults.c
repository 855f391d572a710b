/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <arpa/inet.h>
#include <ezcdc/plugin.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <check.h>

#include "base/view.h"
#include "store/cluster.h"
#include "store/store_host.h"

/*
 * What can go wrong between the store and its server. The program runs without forks (see
 * main), because tests here stop and start the server, which is a child of this process.
 */

static struct cluster cluster;
static const struct ez_store *ops;
static struct ez_report report; /* of the newest check */

static const char *as(const char *user)
{
	return cluster_conninfo(&cluster, "postgres", user);
}

static void sql(const char *text)
{
	(void)cluster_sql(&cluster, text);
}

static void teardown(void)
{
	if (cluster.pid == 0)
		cluster_start(&cluster);
	sql("DROP SCHEMA IF EXISTS ezcdc CASCADE");
	sql("DROP PUBLICATION IF EXISTS everything");
	sql("DROP OWNED BY limited; DROP OWNED BY secured");
	sql("ALTER ROLE postgres RESET ALL");
}

/* ------------------------------------------------------------------ connection */

START_TEST(a_killed_session_is_replaced_unnoticed)
{
	struct run *a = run_of(as("postgres"), "shop", 1);

	run_expect(a, NULL);
	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	for (int i = 0; i < 3; i++) {
		ck_assert_str_eq(
			cluster_sql(&cluster,
				    "SELECT count(pg_terminate_backend(pid)) FROM "
				    "pg_stat_activity WHERE application_name = "
				    "'ezcdc checkpoint shop'"),
			"1");
		ck_assert_rc(a, run_save(a, "two"), EZ_OK);
	}
	run_expect(a, "two");
	run_close(a);
}
END_TEST

START_TEST(a_restart_of_the_server_is_survived)
{
	struct run *a = run_of(as("postgres"), "shop", 1), *b;

	run_expect(a, NULL);
	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	cluster_stop(&cluster);
	cluster_start(&cluster);
	ck_assert_rc(a, run_save(a, "two"), EZ_OK);
	cluster_stop(&cluster);
	ck_assert_rc(a, run_save(a, "three"), EZ_E_TRANSIENT);
	ck_assert_has(a->host->err.text, "checkpoint store: cannot connect");
	ck_assert_rc(a, run_save(a, "four"), EZ_E_TRANSIENT);
	cluster_start(&cluster);
	ck_assert_rc(a, run_save(a, "five"), EZ_OK);
	b = run_of(as("postgres"), "shop", 2);
	run_expect(b, "five");
	cluster_stop(&cluster);
	cluster_start(&cluster);
	ck_assert_rc(a, run_save(a, "late"), EZ_E_BUSY);
	ck_assert_rc(b, run_save(b, "six"), EZ_OK);
	run_close(a);
	run_close(b);
}
END_TEST

START_TEST(settings_of_the_role_do_not_matter)
{
	struct run *a;

	sql("ALTER ROLE postgres SET synchronous_commit = off");
	sql("ALTER ROLE postgres SET default_transaction_read_only = on");
	sql("ALTER ROLE postgres SET search_path = public");
	sql("ALTER ROLE postgres SET DateStyle = 'German'");
	a = run_of(as("postgres"), "shop", 0);
	run_expect(a, NULL);
	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	memset(&report, 0, sizeof(report));
	ck_assert_rc(a, ops->check(a->inst, &report, &a->host->err), EZ_OK);
	ck_assert_uint_eq(report.n_failed, 0);
	run_close(a);
	teardown();
}
END_TEST

START_TEST(passwords_are_checked_and_may_change)
{
	struct run_settings s = { .conninfo = as("secured"), .password = "right" };
	struct run *a;
	struct ez_view v;

	sql("GRANT CREATE ON DATABASE postgres TO secured");
	a = run_open(s);
	run_expect(a, NULL);
	/* The host gives the newest value whenever it is asked. */
	sql("ALTER ROLE secured PASSWORD 'new'");
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'secured'");
	ck_assert_rc(a, run_save(a, "one"), EZ_E_PERMISSION);
	ck_assert_str_eq(a->host->err.code, "28P01");
	ck_assert_has(a->host->err.text, "secured");
	for (struct fake_setting *set = a->set; set->name; set++)
		if (strcmp(set->name, "password") == 0)
			set->value = "new";
	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	run_close(a);
	s.password = NULL;
	a = run_open(s);
	ck_assert_rc(a, run_load(a, &v), EZ_E_PERMISSION);
	ck_assert_has(a->host->err.hint, "password");
	run_close(a);
	sql("ALTER ROLE secured PASSWORD 'right'");
}
END_TEST

START_TEST(what_no_waiting_cures_is_told_apart)
{
	static const struct {
		const char *db, *user, *code;
		int rc;
	} cases[] = {
		{ "nonsense", "postgres", "3D000", EZ_E_CONFIG },
		{ "postgres", "nobody_known", "28000", EZ_E_PERMISSION },
		{ "postgres", "nologin", "28000", EZ_E_PERMISSION },
	};
	struct run *a = run_of(cluster_conninfo(&cluster, cases[_i].db, cases[_i].user),
			       "shop", 0);
	struct ez_view v;

	ck_assert_rc(a, run_load(a, &v), cases[_i].rc);
	ck_assert_str_eq(a->host->err.code, cases[_i].code);
	ck_assert_ptr_null(strchr(a->host->err.text, '\n'));
	ck_assert_ptr_null(strstr(a->host->err.text, "LOCATION"));
	run_close(a);
}
END_TEST

START_TEST(a_bad_conninfo_is_refused_without_its_secrets)
{
	static const char *const texts[] = { "host=x password=geheim pass",
					     "postgresql://[x", "nonsense=1",
					     "password='geheim" };
	struct run *a = run_open((struct run_settings){ .conninfo = texts[_i] });

	ck_assert_int_eq(a->rc, EZ_E_CONFIG);
	ck_assert_ptr_null(a->inst);
	ck_assert_has(a->host->err.text, "conninfo");
	ck_assert_ptr_null(strstr(a->host->err.text, "geheim"));
	run_close(a);
}
END_TEST

START_TEST(names_that_postgresql_would_cut_are_refused)
{
	static const char long_name[] = "x123456789012345678901234567890123456789"
					"012345678901234567890123";
	struct run *a =
		run_open((struct run_settings){ .conninfo = "", .table = long_name });

	ck_assert_int_eq(a->rc, EZ_E_CONFIG);
	run_close(a);
	a = run_open((struct run_settings){ .conninfo = "", .schema = "" });
	ck_assert_int_eq(a->rc, EZ_E_CONFIG);
	run_close(a);
}
END_TEST

/* ------------------------------------------------------------------ interrupt */

struct loader {
	struct run *run;
	int rc;
};

static void *load(void *arg)
{
	struct loader *l = arg;
	struct ez_view v;

	l->rc = run_load(l->run, &v);
	return NULL;
}

/* A server that takes connections and says nothing. */
static int listen_silently(int *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

START_TEST(interrupt_ends_a_connection_attempt)
{
	char conninfo[128];
	struct loader l;
	pthread_t thread;
	int port, fd = listen_silently(&port), client;

	snprintf(
		conninfo, sizeof(conninfo),
		"host=127.0.0.1 port=%d user=x dbname=x connect_timeout=600 sslmode=disable",
		port);
	l.run = run_of(conninfo, "shop", 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, load, &l), 0);
	client = accept(fd, NULL, NULL); /* it has come so far */
	ops->interrupt(l.run->inst);
	pthread_join(thread, NULL);
	ck_assert_int_eq(l.rc, EZ_E_CANCELLED);
	run_close(l.run);
	close(client);
	close(fd);
}
END_TEST

START_TEST(a_silent_server_is_given_up)
{
	char conninfo[128];
	struct ez_view v;
	struct run *a;
	int port, fd = listen_silently(&port);

	snprintf(
		conninfo, sizeof(conninfo),
		"host=127.0.0.1 port=%d user=x dbname=x connect_timeout=1 sslmode=disable",
		port);
	a = run_of(conninfo, "shop", 0);
	ck_assert_rc(a, run_load(a, &v), EZ_E_TRANSIENT);
	ck_assert_has(a->host->err.text, "no answer in time");
	run_close(a);
	close(fd);
}
END_TEST

START_TEST(interrupt_before_a_call_holds)
{
	struct run *a = run_of(as("postgres"), "shop", 0);
	struct ez_view v;

	ops->interrupt(a->inst);
	ops->interrupt(a->inst);
	ck_assert_rc(a, run_load(a, &v), EZ_E_CANCELLED);
	ck_assert_rc(a, run_save(a, "x"), EZ_E_CANCELLED);
	ck_assert_rc(a, ops->remove(a->inst, &a->host->err), EZ_E_CANCELLED);
	run_close(a);
}
END_TEST

/* ------------------------------------------------------------------ rights, tables */

/* Runs the hint as superuser: then the next thing may be missing, and at last nothing. */
START_TEST(each_hint_grants_what_is_missing)
{
	static const char *const starts[] = {
		"SELECT 1",
		"CREATE SCHEMA ezcdc",
		"CREATE SCHEMA ezcdc; CREATE TABLE ezcdc.checkpoint (job text PRIMARY KEY, "
		"epoch bigint, run bigint, revision bigint, text text, updated_at timestamptz)",
		"CREATE SCHEMA ezcdc; CREATE TABLE ezcdc.checkpoint (job text PRIMARY KEY, "
		"epoch bigint, run bigint, revision bigint, text text, updated_at timestamptz);"
		"GRANT USAGE ON SCHEMA ezcdc TO limited",
	};
	static const char *const grants[] = { "GRANT CREATE ON DATABASE \"postgres\"",
					      "GRANT USAGE, CREATE ON SCHEMA \"ezcdc\"",
					      "GRANT USAGE ON SCHEMA \"ezcdc\"",
					      "ON \"ezcdc\".\"checkpoint\"" };
	struct run *a = run_of(as("limited"), "shop", 0);
	struct ez_view v;

	sql(starts[_i]);
	ck_assert_rc(a, run_load(a, &v), EZ_E_PERMISSION);
	ck_assert_str_eq(a->host->err.code, "42501");
	ck_assert_has(a->host->err.hint, grants[_i]);
	ck_assert_has(a->host->err.hint, "\"limited\"");
	sql(a->host->err.hint);
	run_expect(a, NULL);
	ck_assert_rc(a, run_save(a, "one"), EZ_OK);
	run_expect(a, "one");
	ck_assert_rc(a, ops->remove(a->inst, &a->host->err), EZ_OK);
	run_close(a);
}
END_TEST

START_TEST(a_foreign_table_is_left_alone)
{
	struct run *a = run_of(as("postgres"), "shop", 0);
	struct ez_view v;

	sql("CREATE SCHEMA ezcdc; CREATE TABLE ezcdc.checkpoint (mine int)");
	ck_assert_rc(a, run_load(a, &v), EZ_E_CONFIG);
	ck_assert_has(a->host->err.hint, "not as this store makes it");
	run_close(a);
}
END_TEST

/* ------------------------------------------------------------------ check */

static void check_as(const char *user)
{
	struct run *a = run_open(
		(struct run_settings){ .conninfo = as(user), .role = EZ_ROLE_CHECK });

	memset(&report, 0, sizeof(report));
	ck_assert_rc(a, ops->check(a->inst, &report, &a->host->err), EZ_OK);
	run_close(a);
}

START_TEST(check_names_what_is_missing)
{
	const char *remedy = report.findings[1].remedy;

	check_as("limited");
	ck_assert_uint_eq(report.n_failed, 1);
	ck_assert_str_eq(remedy, "GRANT CREATE ON DATABASE \"postgres\" TO \"limited\";");
	sql("CREATE SCHEMA ezcdc");
	check_as("limited");
	ck_assert_str_eq(remedy, "GRANT USAGE ON SCHEMA \"ezcdc\" TO \"limited\";");
	sql("GRANT USAGE ON SCHEMA ezcdc TO limited");
	check_as("limited");
	ck_assert_str_eq(remedy,
			 "GRANT USAGE, CREATE ON SCHEMA \"ezcdc\" TO \"limited\";");
	sql("CREATE TABLE ezcdc.checkpoint (job text)");
	check_as("limited");
	ck_assert_str_eq(remedy, "GRANT SELECT, INSERT, UPDATE, DELETE ON "
				 "\"ezcdc\".\"checkpoint\" TO \"limited\";");
	check_as("postgres");
	ck_assert_uint_eq(report.n_failed, 0);
}
END_TEST

START_TEST(check_warns_of_a_publication_of_everything)
{
	unsigned n;

	sql("CREATE PUBLICATION everything FOR ALL TABLES");
	check_as("postgres");
	n = report.n_findings;
	ck_assert_uint_eq(report.n_failed, 0);
	ck_assert_has(report.findings[n - 1].text, "everything");
	ck_assert_int_eq(report.findings[n - 1].status, EZ_FINDING_WARNING);
	sql("DROP PUBLICATION everything");
	check_as("postgres");
	ck_assert_uint_eq(report.n_findings, n - 1);
}
END_TEST

START_TEST(check_of_an_unreachable_server_is_an_error)
{
	struct run *a = run_open((struct run_settings){
		.conninfo = "host=/nonexistent user=x dbname=x", .role = EZ_ROLE_CHECK });

	ck_assert_rc(a, ops->check(a->inst, &report, &a->host->err), EZ_E_TRANSIENT);
	run_close(a);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *s = suite_create("postgres faults");
	TCase *t = tcase_create("connection");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, a_killed_session_is_replaced_unnoticed);
	tcase_add_test(t, a_restart_of_the_server_is_survived);
	tcase_add_test(t, settings_of_the_role_do_not_matter);
	tcase_add_test(t, passwords_are_checked_and_may_change);
	tcase_add_loop_test(t, what_no_waiting_cures_is_told_apart, 0, 3);
	tcase_add_loop_test(t, a_bad_conninfo_is_refused_without_its_secrets, 0, 4);
	tcase_add_test(t, names_that_postgresql_would_cut_are_refused);
	suite_add_tcase(s, t);
	t = tcase_create("interrupt");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, interrupt_ends_a_connection_attempt);
	tcase_add_test(t, a_silent_server_is_given_up);
	tcase_add_test(t, interrupt_before_a_call_holds);
	suite_add_tcase(s, t);
	t = tcase_create("rights and check");
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_loop_test(t, each_hint_grants_what_is_missing, 0, 4);
	tcase_add_test(t, a_foreign_table_is_left_alone);
	tcase_add_test(t, check_names_what_is_missing);
	tcase_add_test(t, check_warns_of_a_publication_of_everything);
	tcase_add_test(t, check_of_an_unreachable_server_is_an_error);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *r;
	int failed;

	if (!cluster_make(&cluster))
		return 77;
	ops = ez_plugin.ops.store;
	sql("CREATE ROLE limited LOGIN; CREATE ROLE nologin;"
	    "CREATE ROLE secured LOGIN PASSWORD 'right'");
	r = srunner_create(make_suite());
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	cluster_remove(&cluster);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
