# SPDX-License-Identifier: Apache-2.0
#
# Tables, values and bodies: what needs no server.

if PLUGIN_STARROCKS
if HAVE_CHECK
check_LTLIBRARIES += libstarrockstables.la
libstarrockstables_la_SOURCES = tests/starrocks/tabletest.c tests/starrocks/tabletest.h
libstarrockstables_la_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
libstarrockstables_la_CFLAGS = $(STARROCKS_TEST_CFLAGS)
libstarrockstables_la_LIBADD = libstarrockstest.la

STARROCKS_TABLE_TESTS = \
	tests/starrocks/test_body \
	tests/starrocks/test_encode \
	tests/starrocks/test_fold \
	tests/starrocks/test_table \
	tests/starrocks/test_type \
	tests/starrocks/test_value
check_PROGRAMS += $(STARROCKS_TABLE_TESTS) tests/starrocks/bench_encode
TESTS += $(STARROCKS_TABLE_TESTS)

STARROCKS_TABLE_LDADD = libstarrockstables.la $(STARROCKS_TEST_LDADD)

tests_starrocks_bench_encode_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_bench_encode_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_bench_encode_LDADD = $(STARROCKS_TABLE_LDADD)
tests_starrocks_test_body_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_body_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_body_LDADD = $(STARROCKS_TABLE_LDADD)
tests_starrocks_test_table_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_table_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_table_LDADD = $(STARROCKS_TABLE_LDADD)
tests_starrocks_test_encode_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_encode_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_encode_LDADD = $(STARROCKS_TABLE_LDADD)
tests_starrocks_test_fold_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_fold_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_fold_LDADD = $(STARROCKS_TABLE_LDADD)
tests_starrocks_test_type_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_type_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_type_LDADD = $(STARROCKS_TABLE_LDADD)
tests_starrocks_test_value_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_value_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_value_LDADD = $(STARROCKS_TABLE_LDADD)
endif
endif
