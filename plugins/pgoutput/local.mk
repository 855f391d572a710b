# SPDX-License-Identifier: Apache-2.0

if PLUGIN_PGOUTPUT
plugin_LTLIBRARIES += pgoutput.la
pgoutput_la_SOURCES = \
	plugins/pgoutput/candidate.c plugins/pgoutput/candidate.h \
	plugins/pgoutput/catalog.c plugins/pgoutput/catalog.h \
	plugins/pgoutput/conn.c plugins/pgoutput/conn.h \
	plugins/pgoutput/conninfo.c plugins/pgoutput/conninfo.h \
	plugins/pgoutput/copy.c plugins/pgoutput/copy.h \
	plugins/pgoutput/decode.c plugins/pgoutput/decode.h \
	plugins/pgoutput/drop.c \
	plugins/pgoutput/fail.c \
	plugins/pgoutput/feed.c \
	plugins/pgoutput/feedback.c \
	plugins/pgoutput/flow.c plugins/pgoutput/flow.h \
	plugins/pgoutput/held.c plugins/pgoutput/held.h \
	plugins/pgoutput/info.c \
	plugins/pgoutput/link.c plugins/pgoutput/link.h \
	plugins/pgoutput/literal.c plugins/pgoutput/literal.h \
	plugins/pgoutput/locks.c plugins/pgoutput/locks.h \
	plugins/pgoutput/lsn.c plugins/pgoutput/lsn.h \
	plugins/pgoutput/monitor.c plugins/pgoutput/monitor.h \
	plugins/pgoutput/options.c plugins/pgoutput/options.h \
	plugins/pgoutput/part_spec.c plugins/pgoutput/part_spec.h \
	plugins/pgoutput/pgoutput.h \
	plugins/pgoutput/plan.c plugins/pgoutput/plan.h \
	plugins/pgoutput/plugin.c \
	plugins/pgoutput/preflight.c plugins/pgoutput/preflight.h \
	plugins/pgoutput/preflight_tables.c \
	plugins/pgoutput/prepare.c \
	plugins/pgoutput/protocol.c plugins/pgoutput/protocol.h \
	plugins/pgoutput/publication.c plugins/pgoutput/publication.h \
	plugins/pgoutput/quote.c plugins/pgoutput/quote.h \
	plugins/pgoutput/reader.c plugins/pgoutput/reader.h \
	plugins/pgoutput/reconnect.c \
	plugins/pgoutput/relation.c plugins/pgoutput/relation.h \
	plugins/pgoutput/shape.c plugins/pgoutput/shape.h \
	plugins/pgoutput/slot.c plugins/pgoutput/slot.h \
	plugins/pgoutput/snapshot.c plugins/pgoutput/snapshot.h \
	plugins/pgoutput/sql.c plugins/pgoutput/sql.h \
	plugins/pgoutput/stream.c plugins/pgoutput/stream.h \
	plugins/pgoutput/tables.c plugins/pgoutput/tables.h \
	plugins/pgoutput/types.c plugins/pgoutput/types.h \
	plugins/pgoutput/window.c plugins/pgoutput/window.h
pgoutput_la_CFLAGS = $(PLUGIN_CFLAGS) $(PGOUTPUT_CFLAGS)
pgoutput_la_LDFLAGS = $(PLUGIN_LDFLAGS)
pgoutput_la_LIBADD = libbase.la $(PGOUTPUT_LIBS)
endif

dist_man_MANS += plugins/pgoutput/ezcdc-pgoutput.7
dist_doc_DATA += docs/source-pgoutput.md
