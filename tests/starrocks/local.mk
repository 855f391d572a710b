# SPDX-License-Identifier: Apache-2.0

EXTRA_DIST += tests/testkit/starrocks_job.sh tests/testkit/starrocks_equal.py

if PLUGIN_STARROCKS
if HAVE_CHECK
check_LTLIBRARIES += libstarrockstest.la
libstarrockstest_la_SOURCES = $(STARROCKS_SINK_SOURCES)
libstarrockstest_la_CFLAGS = $(AM_CFLAGS) $(STARROCKS_SINK_CFLAGS)
libstarrockstest_la_LIBADD = libfakehost.la libbase.la $(STARROCKS_SINK_LIBS)

STARROCKS_TESTS = \
	tests/starrocks/test_answer \
	tests/starrocks/test_grants \
	tests/starrocks/test_hop
if HAVE_MARIADB
STARROCKS_TESTS += tests/starrocks/test_loads
endif
check_PROGRAMS += $(STARROCKS_TESTS)
TESTS += $(STARROCKS_TESTS)

STARROCKS_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/plugins/starrocks
STARROCKS_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
STARROCKS_TEST_LDADD = libstarrockstest.la $(CHECK_LIBS)

tests_starrocks_test_answer_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_answer_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_answer_LDADD = $(STARROCKS_TEST_LDADD)
tests_starrocks_test_grants_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_grants_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_grants_LDADD = $(STARROCKS_TEST_LDADD)
tests_starrocks_test_loads_SOURCES = tests/starrocks/test_loads.c tests/starrocks/load_lines.c \
	tests/starrocks/load_lines.h tests/starrocks/srtest.c tests/starrocks/srtest.h
tests_starrocks_test_loads_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_loads_CFLAGS = $(STARROCKS_TEST_CFLAGS) $(STARROCKS_SINK_CFLAGS)
tests_starrocks_test_loads_LDADD = $(STARROCKS_TEST_LDADD) $(STARROCKS_SINK_LIBS)
tests_starrocks_test_hop_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_hop_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_hop_LDADD = $(STARROCKS_TEST_LDADD)
endif
endif
