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
	tests/starrocks/test_ahead \
	tests/starrocks/test_body \
	tests/starrocks/test_compare \
	tests/starrocks/test_encode \
	tests/starrocks/test_fold \
	tests/starrocks/test_renames \
	tests/starrocks/test_table \
	tests/starrocks/test_type \
	tests/starrocks/test_value
check_PROGRAMS += $(STARROCKS_TABLE_TESTS) tests/starrocks/bench_encode tests/starrocks/bench_parcel
TESTS += $(STARROCKS_TABLE_TESTS)

STARROCKS_TABLE_LDADD = libstarrockstables.la $(STARROCKS_TEST_LDADD)

tests_starrocks_bench_encode_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_bench_encode_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_bench_encode_LDADD = $(STARROCKS_TABLE_LDADD)
tests_starrocks_bench_parcel_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_bench_parcel_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_bench_parcel_LDADD = $(STARROCKS_TABLE_LDADD)
tests_starrocks_test_ahead_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_ahead_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_ahead_LDADD = $(STARROCKS_TABLE_LDADD)
tests_starrocks_test_body_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_body_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_body_LDADD = $(STARROCKS_TABLE_LDADD)
tests_starrocks_test_renames_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_renames_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_renames_LDADD = $(STARROCKS_TABLE_LDADD)
tests_starrocks_test_compare_CPPFLAGS = $(STARROCKS_TEST_CPPFLAGS)
tests_starrocks_test_compare_CFLAGS = $(STARROCKS_TEST_CFLAGS)
tests_starrocks_test_compare_LDADD = $(STARROCKS_TABLE_LDADD)
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

if PLUGIN_STARROCKS
FUZZ_TARGETS += tests/fuzz/fuzz_starrocks_value
tests_fuzz_fuzz_starrocks_value_SOURCES = tests/fuzz/fuzz_starrocks_value.c tests/fuzz/fuzz.h \
	plugins/starrocks/value.c plugins/starrocks/value_json.c plugins/starrocks/type.c
tests_fuzz_fuzz_starrocks_value_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins/starrocks
tests_fuzz_fuzz_starrocks_value_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_starrocks_value_LDADD = libbase.la $(FUZZ_MAIN)
endif
