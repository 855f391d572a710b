# SPDX-License-Identifier: Apache-2.0
#
# Tests of the SQL half. The test_sql_* programs need a server: sql.sh starts one and runs them.

if HAVE_CHECK
if PLUGIN_PGOUTPUT
SQL_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -I$(top_srcdir)/tests -I$(top_srcdir)/plugins/pgoutput
SQL_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(PGOUTPUT_CFLAGS)

check_LTLIBRARIES += libpgsql.la
libpgsql_la_SOURCES = $(pgoutput_la_SOURCES) \
	tests/testkit/fake_host.c tests/testkit/fake_host.h \
	tests/pgoutput/recording_host.c tests/pgoutput/recording_host.h \
	tests/pgoutput/sql_kit.c tests/pgoutput/sql_kit.h
libpgsql_la_CPPFLAGS = $(SQL_TEST_CPPFLAGS)
libpgsql_la_CFLAGS = $(SQL_TEST_CFLAGS)
SQL_TEST_LIBS = libpgsql.la libbase.la $(PGOUTPUT_LIBS) $(CHECK_LIBS)

SQL_TESTS = \
	tests/pgoutput/test_sql_check \
	tests/pgoutput/test_sql_conn \
	tests/pgoutput/test_sql_monitor \
	tests/pgoutput/test_sql_shape \
	tests/pgoutput/test_sql_slot \
	tests/pgoutput/test_sql_snapshot
check_PROGRAMS += $(SQL_TESTS) \
	tests/pgoutput/test_copy \
	tests/pgoutput/test_shape \
	tests/pgoutput/test_tables
TESTS += tests/pgoutput/sql.sh \
	tests/pgoutput/test_copy \
	tests/pgoutput/test_shape \
	tests/pgoutput/test_tables

tests_pgoutput_test_copy_CPPFLAGS = $(SQL_TEST_CPPFLAGS)
tests_pgoutput_test_copy_CFLAGS = $(SQL_TEST_CFLAGS)
tests_pgoutput_test_copy_LDADD = $(SQL_TEST_LIBS)
tests_pgoutput_test_shape_CPPFLAGS = $(SQL_TEST_CPPFLAGS)
tests_pgoutput_test_shape_CFLAGS = $(SQL_TEST_CFLAGS)
tests_pgoutput_test_shape_LDADD = $(SQL_TEST_LIBS)
tests_pgoutput_test_tables_CPPFLAGS = $(SQL_TEST_CPPFLAGS)
tests_pgoutput_test_tables_CFLAGS = $(SQL_TEST_CFLAGS)
tests_pgoutput_test_tables_LDADD = $(SQL_TEST_LIBS)
tests_pgoutput_test_sql_check_CPPFLAGS = $(SQL_TEST_CPPFLAGS)
tests_pgoutput_test_sql_check_CFLAGS = $(SQL_TEST_CFLAGS)
tests_pgoutput_test_sql_check_LDADD = $(SQL_TEST_LIBS)
tests_pgoutput_test_sql_conn_CPPFLAGS = $(SQL_TEST_CPPFLAGS)
tests_pgoutput_test_sql_conn_CFLAGS = $(SQL_TEST_CFLAGS)
tests_pgoutput_test_sql_conn_LDADD = $(SQL_TEST_LIBS)
tests_pgoutput_test_sql_monitor_CPPFLAGS = $(SQL_TEST_CPPFLAGS)
tests_pgoutput_test_sql_monitor_CFLAGS = $(SQL_TEST_CFLAGS)
tests_pgoutput_test_sql_monitor_LDADD = $(SQL_TEST_LIBS)
tests_pgoutput_test_sql_shape_CPPFLAGS = $(SQL_TEST_CPPFLAGS)
tests_pgoutput_test_sql_shape_CFLAGS = $(SQL_TEST_CFLAGS)
tests_pgoutput_test_sql_shape_LDADD = $(SQL_TEST_LIBS)
tests_pgoutput_test_sql_slot_CPPFLAGS = $(SQL_TEST_CPPFLAGS)
tests_pgoutput_test_sql_slot_CFLAGS = $(SQL_TEST_CFLAGS)
tests_pgoutput_test_sql_slot_LDADD = $(SQL_TEST_LIBS)
tests_pgoutput_test_sql_snapshot_CPPFLAGS = $(SQL_TEST_CPPFLAGS)
tests_pgoutput_test_sql_snapshot_CFLAGS = $(SQL_TEST_CFLAGS)
tests_pgoutput_test_sql_snapshot_LDADD = $(SQL_TEST_LIBS)
endif
endif
EXTRA_DIST += tests/pgoutput/sql.sh
