# SPDX-License-Identifier: Apache-2.0
#
# The fake host serves the tests of every plugin that runs alone.

check_LTLIBRARIES += libfakehost.la
libfakehost_la_SOURCES = tests/testkit/fake_host.c tests/testkit/fake_host.h tests/testkit/fake_batch.c
libfakehost_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
libfakehost_la_LIBADD = libbase.la

if PLUGIN_FILE
if HAVE_CHECK
# The plugin once more, with the places where a test may end the process.
check_LTLIBRARIES += libfiletest.la
libfiletest_la_SOURCES = $(FILE_SINK_SOURCES) tests/file/sinktest.c tests/file/sinktest.h
libfiletest_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/plugins/file -DFILE_CRASH_POINTS
libfiletest_la_CFLAGS = $(AM_CFLAGS) $(FILE_CFLAGS) $(CHECK_CFLAGS)
libfiletest_la_LIBADD = libfakehost.la libbase.la $(FILE_LIBS)

FILE_TESTS = \
	tests/file/test_check \
	tests/file/test_crash \
	tests/file/test_csv \
	tests/file/test_disk \
	tests/file/test_encode \
	tests/file/test_files \
	tests/file/test_jsontext \
	tests/file/test_manifest \
	tests/file/test_names \
	tests/file/test_property \
	tests/file/test_snapshot
check_PROGRAMS += $(FILE_TESTS) tests/file/bench_encode
TESTS += $(FILE_TESTS)

FILE_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/plugins/file -DFILE_CRASH_POINTS
FILE_TEST_CFLAGS = $(AM_CFLAGS) $(FILE_CFLAGS) $(CHECK_CFLAGS)
FILE_TEST_LDADD = libfiletest.la $(CHECK_LIBS)

tests_file_test_check_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_test_check_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_test_check_LDADD = $(FILE_TEST_LDADD)
tests_file_test_crash_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_test_crash_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_test_crash_LDADD = $(FILE_TEST_LDADD)
tests_file_test_csv_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_test_csv_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_test_csv_LDADD = $(FILE_TEST_LDADD)
tests_file_test_disk_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_test_disk_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_test_disk_LDADD = $(FILE_TEST_LDADD)
tests_file_test_encode_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_test_encode_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_test_encode_LDADD = $(FILE_TEST_LDADD)
tests_file_test_files_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_test_files_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_test_files_LDADD = $(FILE_TEST_LDADD)
tests_file_test_jsontext_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_test_jsontext_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_test_jsontext_LDADD = $(FILE_TEST_LDADD)
tests_file_test_manifest_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_test_manifest_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_test_manifest_LDADD = $(FILE_TEST_LDADD)
tests_file_test_names_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_test_names_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_test_names_LDADD = $(FILE_TEST_LDADD)
tests_file_test_property_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_test_property_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_test_property_LDADD = $(FILE_TEST_LDADD)
tests_file_test_snapshot_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_test_snapshot_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_test_snapshot_LDADD = $(FILE_TEST_LDADD)
tests_file_bench_encode_CPPFLAGS = $(FILE_TEST_CPPFLAGS)
tests_file_bench_encode_CFLAGS = $(FILE_TEST_CFLAGS)
tests_file_bench_encode_LDADD = $(FILE_TEST_LDADD)
endif

FUZZ_TARGETS += tests/fuzz/fuzz_file_encode
tests_fuzz_fuzz_file_encode_SOURCES = tests/fuzz/fuzz_file_encode.c tests/fuzz/fuzz.h $(FILE_SINK_SOURCES)
tests_fuzz_fuzz_file_encode_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins/file
tests_fuzz_fuzz_file_encode_CFLAGS = $(AM_CFLAGS) $(FILE_CFLAGS)
tests_fuzz_fuzz_file_encode_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_file_encode_LDADD = libbase.la $(FILE_LIBS) $(FUZZ_MAIN)
endif
