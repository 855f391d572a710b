# SPDX-License-Identifier: Apache-2.0
#
# The store postgres against a real server, which each program starts for itself. Without an installed server they are skipped.

if HAVE_CHECK
if PLUGIN_POSTGRES
STORE_TESTS = tests/store/test_postgres tests/store/test_postgres_faults
check_PROGRAMS += $(STORE_TESTS)
TESTS += $(STORE_TESTS)
STORE_BENCH = tests/store/cluster.c tests/store/cluster.h tests/store/store_host.c tests/store/store_host.h
STORE_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins -I$(top_srcdir)/tests
STORE_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(POSTGRES_CFLAGS)
STORE_LIBS = libfakehost.la libbase.la $(CHECK_LIBS) $(POSTGRES_LIBS)

tests_store_test_postgres_SOURCES = tests/store/test_postgres.c $(STORE_BENCH) $(postgres_la_SOURCES)
tests_store_test_postgres_CPPFLAGS = $(STORE_CPPFLAGS)
tests_store_test_postgres_CFLAGS = $(STORE_CFLAGS)
tests_store_test_postgres_LDADD = $(STORE_LIBS)

tests_store_test_postgres_faults_SOURCES = tests/store/test_postgres_faults.c $(STORE_BENCH) $(postgres_la_SOURCES)
tests_store_test_postgres_faults_CPPFLAGS = $(STORE_CPPFLAGS)
tests_store_test_postgres_faults_CFLAGS = $(STORE_CFLAGS)
tests_store_test_postgres_faults_LDADD = $(STORE_LIBS)
endif
endif
