# SPDX-License-Identifier: Apache-2.0
#
# Configuration and plugin loading.

if HAVE_CHECK
CONFIG_TESTS = tests/engine/test_config tests/engine/test_job tests/engine/test_loader tests/engine/test_options \
	tests/engine/test_secret_ref
check_PROGRAMS += $(CONFIG_TESTS)
TESTS += $(CONFIG_TESTS)

check_LTLIBRARIES += libconfigtest.la
libconfigtest_la_SOURCES = tests/engine/config_common.c tests/engine/config_common.h \
	tests/engine/option_common.c tests/engine/option_common.h
libconfigtest_la_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
CONFIG_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
CONFIG_TEST_LDADD = libconfigtest.la libengine.la $(CHECK_LIBS)

tests_engine_test_config_SOURCES = tests/engine/test_config.c
tests_engine_test_config_CFLAGS = $(CONFIG_TEST_CFLAGS)
tests_engine_test_config_LDADD = $(CONFIG_TEST_LDADD)

tests_engine_test_job_SOURCES = tests/engine/test_job.c
tests_engine_test_job_CFLAGS = $(CONFIG_TEST_CFLAGS)
tests_engine_test_job_LDADD = $(CONFIG_TEST_LDADD)

tests_engine_test_loader_SOURCES = tests/engine/test_loader.c
tests_engine_test_loader_CFLAGS = $(CONFIG_TEST_CFLAGS)
tests_engine_test_loader_LDADD = $(CONFIG_TEST_LDADD)
EXTRA_tests_engine_test_loader_DEPENDENCIES = tests/abi/fixtures/stamp

tests_engine_test_options_SOURCES = tests/engine/test_options.c
tests_engine_test_options_CFLAGS = $(CONFIG_TEST_CFLAGS)
tests_engine_test_options_LDADD = $(CONFIG_TEST_LDADD)

tests_engine_test_secret_ref_SOURCES = tests/engine/test_secret_ref.c
tests_engine_test_secret_ref_CFLAGS = $(CONFIG_TEST_CFLAGS)
tests_engine_test_secret_ref_LDADD = $(CONFIG_TEST_LDADD)
endif

FUZZ_TARGETS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_config_LDADD = libengine.la $(FUZZ_MAIN)
