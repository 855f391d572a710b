# SPDX-License-Identifier: Apache-2.0

EXTRA_DIST += tests/testkit/.shellcheckrc tests/testkit/lib.sh tests/testkit/pg_cluster.sh tests/testkit/fetch_pg.sh tests/testkit/outdir.py \
	tests/testkit/verify.py tests/testkit/changes.py tests/testkit/ack_watch.py tests/testkit/ask.py tests/testkit/proxy.py tests/testkit/kill.sh tests/testkit/worker.sh tests/testkit/control_stub.py

# A sink that writes down its calls and misbehaves on request.
check_LTLIBRARIES += probe.la
probe_la_SOURCES = tests/testkit/probe_sink.c
probe_la_CFLAGS = $(PLUGIN_CFLAGS)
probe_la_LDFLAGS = $(TEST_PLUGIN_LDFLAGS)
probe_la_LIBADD = libbase.la
