# SPDX-License-Identifier: Apache-2.0
#
# The vectors belong to both sides of the protocol.
EXTRA_DIST += \
	tests/data/worker-protocol/deregister.json \
	tests/data/worker-protocol/heartbeat-busy.json \
	tests/data/worker-protocol/heartbeat-unknown.json \
	tests/data/worker-protocol/heartbeat.json \
	tests/data/worker-protocol/metrics.json \
	tests/data/worker-protocol/poll-empty.json \
	tests/data/worker-protocol/poll-first.json \
	tests/data/worker-protocol/poll-nothing.json \
	tests/data/worker-protocol/poll-task.json \
	tests/data/worker-protocol/register-again.json \
	tests/data/worker-protocol/register-first.json \
	tests/data/worker-protocol/register-protocol.json \
	tests/data/worker-protocol/register-token-expired.json \
	tests/data/worker-protocol/status-failed.json \
	tests/data/worker-protocol/status-running.json \
	tests/data/worker-protocol/status-stale.json \
	tests/data/worker-protocol/task-failed.json \
	tests/data/worker-protocol/task-gone.json \
	tests/data/worker-protocol/task-succeeded.json

if PLUGIN_AGENT
if HAVE_CHECK
check_PROGRAMS += tests/agent/test_protocol
TESTS += tests/agent/test_protocol
tests_agent_test_protocol_SOURCES = tests/agent/test_protocol.c tests/base/common.c tests/base/common.h \
	agent/protocol.c agent/protocol.h agent/samples.c agent/samples.h
tests_agent_test_protocol_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/agent
tests_agent_test_protocol_CFLAGS = $(AM_CFLAGS) $(AGENT_CFLAGS) $(CHECK_CFLAGS)
tests_agent_test_protocol_LDADD = libbase.la $(AGENT_LIBS) $(CHECK_LIBS)
endif
FUZZ_TARGETS += tests/fuzz/fuzz_agent_protocol
tests_fuzz_fuzz_agent_protocol_SOURCES = tests/fuzz/fuzz_agent_protocol.c tests/fuzz/fuzz.h agent/protocol.c agent/protocol.h
tests_fuzz_fuzz_agent_protocol_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/agent
tests_fuzz_fuzz_agent_protocol_CFLAGS = $(AM_CFLAGS) $(AGENT_CFLAGS)
tests_fuzz_fuzz_agent_protocol_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_agent_protocol_LDADD = libbase.la $(AGENT_LIBS) $(FUZZ_MAIN)
endif
