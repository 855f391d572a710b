# SPDX-License-Identifier: Apache-2.0
ENGINE_TESTS = \
	tests/engine/test_out \
	tests/engine/test_start \
	tests/engine/test_table

if HAVE_CHECK
check_PROGRAMS += $(ENGINE_TESTS)
TESTS += $(ENGINE_TESTS)
endif

tests_engine_test_out_SOURCES = tests/engine/test_out.c
tests_engine_test_out_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_out_LDADD = libengine.la libbase.la $(CHECK_LIBS)
tests_engine_test_start_SOURCES = tests/engine/test_start.c
tests_engine_test_start_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_start_LDADD = libengine.la libbase.la $(CHECK_LIBS)
tests_engine_test_table_SOURCES = tests/engine/test_table.c
tests_engine_test_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_table_LDADD = libengine.la libbase.la $(CHECK_LIBS)
