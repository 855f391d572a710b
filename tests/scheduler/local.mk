# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
SCHEDULER_TESTS = \
	tests/scheduler/test_notes \
	tests/scheduler/test_refuse \
	tests/scheduler/test_unit_rules
check_PROGRAMS += $(SCHEDULER_TESTS)
TESTS += $(SCHEDULER_TESTS)

SCHEDULER_TEST_COMMON = tests/base/common.c tests/base/common.h
SCHEDULER_TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
SCHEDULER_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
SCHEDULER_TEST_LDADD = libscheduler.la libengine.la libbase.la $(CHECK_LIBS)

tests_scheduler_test_notes_SOURCES = tests/scheduler/test_notes.c $(SCHEDULER_TEST_COMMON)
tests_scheduler_test_notes_CPPFLAGS = $(SCHEDULER_TEST_CPPFLAGS)
tests_scheduler_test_notes_CFLAGS = $(SCHEDULER_TEST_CFLAGS)
tests_scheduler_test_notes_LDADD = $(SCHEDULER_TEST_LDADD)
tests_scheduler_test_refuse_SOURCES = tests/scheduler/test_refuse.c $(SCHEDULER_TEST_COMMON)
tests_scheduler_test_refuse_CPPFLAGS = $(SCHEDULER_TEST_CPPFLAGS)
tests_scheduler_test_refuse_CFLAGS = $(SCHEDULER_TEST_CFLAGS)
tests_scheduler_test_refuse_LDADD = $(SCHEDULER_TEST_LDADD)
tests_scheduler_test_unit_rules_SOURCES = tests/scheduler/test_unit_rules.c $(SCHEDULER_TEST_COMMON)
tests_scheduler_test_unit_rules_CPPFLAGS = $(SCHEDULER_TEST_CPPFLAGS)
tests_scheduler_test_unit_rules_CFLAGS = $(SCHEDULER_TEST_CFLAGS)
tests_scheduler_test_unit_rules_LDADD = $(SCHEDULER_TEST_LDADD)
endif
