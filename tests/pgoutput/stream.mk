# SPDX-License-Identifier: Apache-2.0
#
# The stream half of the source. What needs no server is linked from sources and fakes; scripted_libpq stands in for libpq.

if HAVE_CHECK
if HAVE_LIBPQ
check_LTLIBRARIES += libpgstream.la
libpgstream_la_SOURCES = \
	plugins/pgoutput/decode.c plugins/pgoutput/decode.h \
	plugins/pgoutput/flow.c plugins/pgoutput/flow.h \
	plugins/pgoutput/held.c plugins/pgoutput/held.h \
	plugins/pgoutput/lsn.c plugins/pgoutput/lsn.h \
	plugins/pgoutput/protocol.c plugins/pgoutput/protocol.h \
	plugins/pgoutput/relation.c plugins/pgoutput/relation.h \
	tests/pgoutput/decode_kit.c tests/pgoutput/decode_kit.h \
	tests/pgoutput/fake_catalog.c tests/pgoutput/fake_catalog.h \
	tests/pgoutput/messages.c tests/pgoutput/messages.h \
	tests/pgoutput/recording_host.c tests/pgoutput/recording_host.h \
	tests/pgoutput/run.h \
	tests/testkit/fake_host.c tests/testkit/fake_host.h
libpgstream_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -I$(top_srcdir)/tests
libpgstream_la_CFLAGS = $(AM_CFLAGS) $(LIBPQ_CFLAGS) $(CHECK_CFLAGS)

# The same with the connection, over a scripted libpq.
check_LTLIBRARIES += libpgscripted.la
libpgscripted_la_SOURCES = \
	plugins/pgoutput/conn.c plugins/pgoutput/conn.h \
	plugins/pgoutput/conninfo.c plugins/pgoutput/conninfo.h \
	plugins/pgoutput/fail.c \
	plugins/pgoutput/feed.c \
	plugins/pgoutput/feedback.c \
	plugins/pgoutput/link.c plugins/pgoutput/link.h \
	plugins/pgoutput/options.c plugins/pgoutput/options.h \
	plugins/pgoutput/quote.c plugins/pgoutput/quote.h \
	plugins/pgoutput/reconnect.c \
	plugins/pgoutput/stream.c plugins/pgoutput/stream.h \
	plugins/pgoutput/window.c plugins/pgoutput/window.h \
	tests/pgoutput/stream_kit.c tests/pgoutput/stream_kit.h \
	tests/testkit/scripted_libpq.c tests/testkit/scripted_libpq.h
libpgscripted_la_CPPFLAGS = $(libpgstream_la_CPPFLAGS)
libpgscripted_la_CFLAGS = $(libpgstream_la_CFLAGS)

PG_STREAM_TESTS = \
	tests/pgoutput/test_decode \
	tests/pgoutput/test_decode_cut \
	tests/pgoutput/test_flow \
	tests/pgoutput/test_held \
	tests/pgoutput/test_lsn \
	tests/pgoutput/test_protocol \
	tests/pgoutput/test_stream_held \
	tests/pgoutput/test_stream_lost \
	tests/pgoutput/test_stream_read \
	tests/pgoutput/test_stream_start
check_PROGRAMS += $(PG_STREAM_TESTS)
TESTS += $(PG_STREAM_TESTS)
PG_STREAM_LDADD = libpgstream.la libbase.la $(CHECK_LIBS)
PG_SCRIPTED_LDADD = libpgscripted.la libpgstream.la libbase.la $(CHECK_LIBS)

tests_pgoutput_test_decode_SOURCES = tests/pgoutput/test_decode.c
tests_pgoutput_test_decode_CPPFLAGS = $(libpgstream_la_CPPFLAGS)
tests_pgoutput_test_decode_CFLAGS = $(libpgstream_la_CFLAGS)
tests_pgoutput_test_decode_LDADD = $(PG_STREAM_LDADD)

tests_pgoutput_test_decode_cut_SOURCES = tests/pgoutput/test_decode_cut.c
tests_pgoutput_test_decode_cut_CPPFLAGS = $(libpgstream_la_CPPFLAGS)
tests_pgoutput_test_decode_cut_CFLAGS = $(libpgstream_la_CFLAGS)
tests_pgoutput_test_decode_cut_LDADD = $(PG_STREAM_LDADD)

tests_pgoutput_test_flow_SOURCES = tests/pgoutput/test_flow.c
tests_pgoutput_test_flow_CPPFLAGS = $(libpgstream_la_CPPFLAGS)
tests_pgoutput_test_flow_CFLAGS = $(libpgstream_la_CFLAGS)
tests_pgoutput_test_flow_LDADD = $(PG_STREAM_LDADD)

tests_pgoutput_test_held_SOURCES = tests/pgoutput/test_held.c
tests_pgoutput_test_held_CPPFLAGS = $(libpgstream_la_CPPFLAGS)
tests_pgoutput_test_held_CFLAGS = $(libpgstream_la_CFLAGS)
tests_pgoutput_test_held_LDADD = $(PG_STREAM_LDADD)

tests_pgoutput_test_lsn_SOURCES = tests/pgoutput/test_lsn.c
tests_pgoutput_test_lsn_CPPFLAGS = $(libpgstream_la_CPPFLAGS)
tests_pgoutput_test_lsn_CFLAGS = $(libpgstream_la_CFLAGS)
tests_pgoutput_test_lsn_LDADD = $(PG_STREAM_LDADD)

tests_pgoutput_test_protocol_SOURCES = tests/pgoutput/test_protocol.c
tests_pgoutput_test_protocol_CPPFLAGS = $(libpgstream_la_CPPFLAGS)
tests_pgoutput_test_protocol_CFLAGS = $(libpgstream_la_CFLAGS)
tests_pgoutput_test_protocol_LDADD = $(PG_STREAM_LDADD)

tests_pgoutput_test_stream_held_SOURCES = tests/pgoutput/test_stream_held.c
tests_pgoutput_test_stream_held_CPPFLAGS = $(libpgstream_la_CPPFLAGS)
tests_pgoutput_test_stream_held_CFLAGS = $(libpgstream_la_CFLAGS)
tests_pgoutput_test_stream_held_LDADD = $(PG_SCRIPTED_LDADD)

tests_pgoutput_test_stream_lost_SOURCES = tests/pgoutput/test_stream_lost.c
tests_pgoutput_test_stream_lost_CPPFLAGS = $(libpgstream_la_CPPFLAGS)
tests_pgoutput_test_stream_lost_CFLAGS = $(libpgstream_la_CFLAGS)
tests_pgoutput_test_stream_lost_LDADD = $(PG_SCRIPTED_LDADD)

tests_pgoutput_test_stream_read_SOURCES = tests/pgoutput/test_stream_read.c
tests_pgoutput_test_stream_read_CPPFLAGS = $(libpgstream_la_CPPFLAGS)
tests_pgoutput_test_stream_read_CFLAGS = $(libpgstream_la_CFLAGS)
tests_pgoutput_test_stream_read_LDADD = $(PG_SCRIPTED_LDADD)

tests_pgoutput_test_stream_start_SOURCES = tests/pgoutput/test_stream_start.c
tests_pgoutput_test_stream_start_CPPFLAGS = $(libpgstream_la_CPPFLAGS)
tests_pgoutput_test_stream_start_CFLAGS = $(libpgstream_la_CFLAGS)
tests_pgoutput_test_stream_start_LDADD = $(PG_SCRIPTED_LDADD)
endif
endif

# The source alone against a real server, by hand: tests/pgoutput/drive.
if PLUGIN_PGOUTPUT
check_PROGRAMS += tests/pgoutput/drive
tests_pgoutput_drive_SOURCES = tests/pgoutput/drive.c $(pgoutput_la_SOURCES) \
	tests/pgoutput/recording_host.c tests/pgoutput/recording_host.h \
	tests/testkit/fake_host.c tests/testkit/fake_host.h
tests_pgoutput_drive_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -I$(top_srcdir)/tests
tests_pgoutput_drive_CFLAGS = $(AM_CFLAGS) $(PGOUTPUT_CFLAGS)
tests_pgoutput_drive_LDADD = libbase.la $(PGOUTPUT_LIBS)

FUZZ_TARGETS += tests/fuzz/fuzz_pgoutput
tests_fuzz_fuzz_pgoutput_SOURCES = tests/fuzz/fuzz_pgoutput.c tests/fuzz/fuzz.h \
	plugins/pgoutput/decode.c plugins/pgoutput/decode.h \
	plugins/pgoutput/feed.c \
	plugins/pgoutput/held.c plugins/pgoutput/held.h \
	plugins/pgoutput/lsn.c plugins/pgoutput/lsn.h \
	plugins/pgoutput/protocol.c plugins/pgoutput/protocol.h \
	plugins/pgoutput/relation.c plugins/pgoutput/relation.h \
	tests/pgoutput/fake_catalog.c tests/pgoutput/fake_catalog.h \
	tests/pgoutput/recording_host.c tests/pgoutput/recording_host.h \
	tests/testkit/fake_host.c tests/testkit/fake_host.h
tests_fuzz_fuzz_pgoutput_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -I$(top_srcdir)/tests
tests_fuzz_fuzz_pgoutput_CFLAGS = $(AM_CFLAGS) $(PGOUTPUT_CFLAGS)
tests_fuzz_fuzz_pgoutput_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_pgoutput_LDADD = libbase.la $(PGOUTPUT_LIBS) $(FUZZ_MAIN)
endif
