# SPDX-License-Identifier: Apache-2.0
#
# Tests of the SQL side; tests/testkit/starrocks/local.mk includes this.

if HAVE_CRYPTO
if HAVE_CHECK
check_LTLIBRARIES += libstarrockssqltest.la
libstarrockssqltest_la_SOURCES = tests/testkit/starrocks/mysqltest.c tests/testkit/starrocks/mysqltest.h \
	tests/testkit/starrocks/sqltest.c tests/testkit/starrocks/sqltest.h
libstarrockssqltest_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -pthread
libstarrockssqltest_la_LIBADD = libstarrocksserver.la $(libstarrocksserver_la_LIBADD)

STARROCKS_SQL_TESTS = \
	tests/testkit/starrocks/test_ddl \
	tests/testkit/starrocks/test_grants \
	tests/testkit/starrocks/test_mysql \
	tests/testkit/starrocks/test_sql
check_PROGRAMS += $(STARROCKS_SQL_TESTS)
TESTS += $(STARROCKS_SQL_TESTS)
tests_testkit_starrocks_test_ddl_SOURCES = tests/testkit/starrocks/test_ddl.c tests/testkit/starrocks/tests.c tests/testkit/starrocks/tests.h
tests_testkit_starrocks_test_ddl_CPPFLAGS = $(libstarrocksserver_la_CPPFLAGS)
tests_testkit_starrocks_test_ddl_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -pthread
tests_testkit_starrocks_test_ddl_LDADD = libstarrockssqltest.la $(CHECK_LIBS)
tests_testkit_starrocks_test_grants_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -pthread
tests_testkit_starrocks_test_grants_LDADD = libstarrockssqltest.la $(CHECK_LIBS)
tests_testkit_starrocks_test_mysql_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -pthread
tests_testkit_starrocks_test_mysql_LDADD = libstarrockssqltest.la $(CHECK_LIBS)
tests_testkit_starrocks_test_sql_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -pthread
tests_testkit_starrocks_test_sql_LDADD = libstarrockssqltest.la $(CHECK_LIBS)

if HAVE_MARIADB
# Without the folder of the server's headers: it has a mysql.h of its own.
check_PROGRAMS += tests/testkit/starrocks/test_mysql_client
TESTS += tests/testkit/starrocks/test_mysql_client
tests_testkit_starrocks_test_mysql_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MARIADB_CFLAGS) -pthread
tests_testkit_starrocks_test_mysql_client_LDADD = libstarrockssqltest.la $(CHECK_LIBS) $(MARIADB_LIBS)
endif
endif
endif
