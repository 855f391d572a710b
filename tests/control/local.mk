# SPDX-License-Identifier: Apache-2.0
#
# The control plane: its parts alone, and the whole against a real PostgreSQL through its API.

CONTROL_E2E_TESTS = \
	tests/control/drain.sh \
	tests/control/first_job.sh \
	tests/control/instances.sh \
	tests/control/job_files.sh \
	tests/control/refusals.sh \
	tests/control/rotation.sh \
	tests/control/scaling.sh \
	tests/control/service.sh \
	tests/control/simulate.sh \
	tests/control/vectors.sh \
	tests/control/walk_through.sh
EXTRA_DIST += $(CONTROL_E2E_TESTS) tests/control/lib.sh tests/control/api.py tests/control/aws.py \
	tests/control/drain.py tests/control/first_job.py tests/control/instances.py tests/control/job_files.py \
	tests/control/refusals.py tests/control/rotation.py tests/control/scaling.py tests/control/service.py tests/control/vectors.py

if CONTROL
TESTS += $(CONTROL_E2E_TESTS)

FUZZ_TARGETS += tests/fuzz/fuzz_control_request
tests_fuzz_fuzz_control_request_SOURCES = tests/fuzz/fuzz_control_request.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_control_request_CPPFLAGS = $(CONTROL_CPPFLAGS)
tests_fuzz_fuzz_control_request_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_control_request_LDADD = libcontrol.la libbase.la $(FUZZ_MAIN)

if HAVE_CHECK
CONTROL_UNIT_TESTS = \
	tests/control/test_crypto \
	tests/control/test_queue \
	tests/control/test_render \
	tests/control/test_requests \
	tests/control/test_state
check_PROGRAMS += $(CONTROL_UNIT_TESTS)
TESTS += $(CONTROL_UNIT_TESTS)

CONTROL_TEST_CFLAGS = $(CONTROL_CFLAGS) $(CHECK_CFLAGS)
CONTROL_TEST_LDADD = libcontrol.la libbase.la $(CHECK_LIBS) $(LIBCONFIG_LIBS)
tests_control_test_crypto_CPPFLAGS = $(CONTROL_CPPFLAGS)
tests_control_test_crypto_CFLAGS = $(CONTROL_TEST_CFLAGS)
tests_control_test_crypto_LDADD = $(CONTROL_TEST_LDADD)
tests_control_test_queue_CPPFLAGS = $(CONTROL_CPPFLAGS)
tests_control_test_queue_CFLAGS = $(CONTROL_TEST_CFLAGS)
tests_control_test_queue_LDADD = $(CONTROL_TEST_LDADD)
tests_control_test_render_CPPFLAGS = $(CONTROL_CPPFLAGS)
tests_control_test_render_CFLAGS = $(CONTROL_TEST_CFLAGS)
tests_control_test_render_LDADD = $(CONTROL_TEST_LDADD)
tests_control_test_requests_CPPFLAGS = $(CONTROL_CPPFLAGS)
tests_control_test_requests_CFLAGS = $(CONTROL_TEST_CFLAGS)
tests_control_test_requests_LDADD = $(CONTROL_TEST_LDADD)
tests_control_test_state_CPPFLAGS = $(CONTROL_CPPFLAGS)
tests_control_test_state_CFLAGS = $(CONTROL_TEST_CFLAGS)
tests_control_test_state_LDADD = $(CONTROL_TEST_LDADD)
endif
endif
