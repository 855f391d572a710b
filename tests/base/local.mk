# SPDX-License-Identifier: Apache-2.0
#
# One program per module of core/base. test_jsonw_portable repeats the tests of jsonw without vector instructions.

if HAVE_CHECK
BASE_TESTS = \
	tests/base/test_alloc \
	tests/base/test_arena \
	tests/base/test_attr \
	tests/base/test_backoff \
	tests/base/test_buf \
	tests/base/test_checked \
	tests/base/test_clock \
	tests/base/test_fs \
	tests/base/test_jsonw \
	tests/base/test_jsonw_portable \
	tests/base/test_list \
	tests/base/test_log \
	tests/base/test_map \
	tests/base/test_parse \
	tests/base/test_random \
	tests/base/test_secret \
	tests/base/test_str \
	tests/base/test_utf8 \
	tests/base/test_view \
	tests/base/test_wire
check_PROGRAMS += $(BASE_TESTS)
TESTS += $(BASE_TESTS)

check_LTLIBRARIES += libbasetest.la
libbasetest_la_SOURCES = tests/base/common.c tests/base/common.h
libbasetest_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
BASE_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
BASE_TEST_LDADD = libbasetest.la libbase.la $(CHECK_LIBS)

tests_base_test_alloc_SOURCES = tests/base/test_alloc.c
tests_base_test_alloc_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_alloc_LDADD = $(BASE_TEST_LDADD)

tests_base_test_arena_SOURCES = tests/base/test_arena.c
tests_base_test_arena_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_arena_LDADD = $(BASE_TEST_LDADD)

tests_base_test_attr_SOURCES = tests/base/test_attr.c
tests_base_test_attr_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_attr_LDADD = $(BASE_TEST_LDADD)

tests_base_test_backoff_SOURCES = tests/base/test_backoff.c
tests_base_test_backoff_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_backoff_LDADD = $(BASE_TEST_LDADD)

tests_base_test_buf_SOURCES = tests/base/test_buf.c
tests_base_test_buf_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_buf_LDADD = $(BASE_TEST_LDADD)

tests_base_test_checked_SOURCES = tests/base/test_checked.c
tests_base_test_checked_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_checked_LDADD = $(BASE_TEST_LDADD)

tests_base_test_clock_SOURCES = tests/base/test_clock.c
tests_base_test_clock_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_clock_LDADD = $(BASE_TEST_LDADD)

tests_base_test_fs_SOURCES = tests/base/test_fs.c
tests_base_test_fs_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_fs_LDADD = $(BASE_TEST_LDADD)

tests_base_test_jsonw_SOURCES = tests/base/test_jsonw.c
tests_base_test_jsonw_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_jsonw_LDADD = $(BASE_TEST_LDADD)

tests_base_test_jsonw_portable_SOURCES = tests/base/test_jsonw.c core/base/json_scan.c
tests_base_test_jsonw_portable_CPPFLAGS = $(AM_CPPFLAGS) -DBASE_NO_SIMD
tests_base_test_jsonw_portable_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_jsonw_portable_LDADD = $(BASE_TEST_LDADD)

tests_base_test_list_SOURCES = tests/base/test_list.c
tests_base_test_list_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_list_LDADD = $(BASE_TEST_LDADD)

tests_base_test_log_SOURCES = tests/base/test_log.c
tests_base_test_log_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_log_LDADD = $(BASE_TEST_LDADD)

tests_base_test_map_SOURCES = tests/base/test_map.c
tests_base_test_map_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_map_LDADD = $(BASE_TEST_LDADD)

tests_base_test_parse_SOURCES = tests/base/test_parse.c
tests_base_test_parse_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_parse_LDADD = $(BASE_TEST_LDADD)

tests_base_test_random_SOURCES = tests/base/test_random.c
tests_base_test_random_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_random_LDADD = $(BASE_TEST_LDADD)

tests_base_test_secret_SOURCES = tests/base/test_secret.c
tests_base_test_secret_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_secret_LDADD = $(BASE_TEST_LDADD)

tests_base_test_str_SOURCES = tests/base/test_str.c
tests_base_test_str_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_str_LDADD = $(BASE_TEST_LDADD)

tests_base_test_utf8_SOURCES = tests/base/test_utf8.c
tests_base_test_utf8_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_utf8_LDADD = $(BASE_TEST_LDADD)

tests_base_test_view_SOURCES = tests/base/test_view.c
tests_base_test_view_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_view_LDADD = $(BASE_TEST_LDADD)

tests_base_test_wire_SOURCES = tests/base/test_wire.c
tests_base_test_wire_CFLAGS = $(BASE_TEST_CFLAGS)
tests_base_test_wire_LDADD = $(BASE_TEST_LDADD)

endif HAVE_CHECK

FUZZ_TARGETS += tests/fuzz/fuzz_wire
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_wire_LDADD = libbase.la $(FUZZ_MAIN)
