# SPDX-License-Identifier: Apache-2.0
TESTS += tests/engine/man-options.sh
EXTRA_DIST += tests/engine/man-options.sh

PERIPHERY_TESTS = \
	tests/engine/test_checkpoint \
	tests/engine/test_control \
	tests/engine/test_control_passed \
	tests/engine/test_dead_letter \
	tests/engine/test_notify \
	tests/engine/test_report \
	tests/engine/test_state_dir \
	tests/engine/test_status

if HAVE_CHECK
check_PROGRAMS += $(PERIPHERY_TESTS)
TESTS += $(PERIPHERY_TESTS)
endif

tests_engine_test_checkpoint_SOURCES = tests/engine/test_checkpoint.c
tests_engine_test_checkpoint_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_checkpoint_LDADD = libengine.la libbase.la $(CHECK_LIBS)
tests_engine_test_control_SOURCES = tests/engine/test_control.c
tests_engine_test_control_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_control_LDADD = libengine.la libbase.la $(CHECK_LIBS)
tests_engine_test_control_passed_SOURCES = tests/engine/test_control_passed.c
tests_engine_test_control_passed_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_control_passed_LDADD = libengine.la libbase.la $(CHECK_LIBS)
tests_engine_test_dead_letter_SOURCES = tests/engine/test_dead_letter.c
tests_engine_test_dead_letter_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_dead_letter_LDADD = libengine.la libbase.la $(CHECK_LIBS)
tests_engine_test_notify_SOURCES = tests/engine/test_notify.c
tests_engine_test_notify_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_notify_LDADD = libengine.la libbase.la $(CHECK_LIBS)
tests_engine_test_report_SOURCES = tests/engine/test_report.c
tests_engine_test_report_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_report_LDADD = libengine.la libbase.la $(CHECK_LIBS)
tests_engine_test_state_dir_SOURCES = tests/engine/test_state_dir.c
tests_engine_test_state_dir_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_state_dir_LDADD = libengine.la libbase.la $(CHECK_LIBS)
tests_engine_test_status_SOURCES = tests/engine/test_status.c
tests_engine_test_status_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_engine_test_status_LDADD = libengine.la libbase.la $(CHECK_LIBS)
