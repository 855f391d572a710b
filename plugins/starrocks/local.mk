# SPDX-License-Identifier: Apache-2.0

dist_doc_DATA += docs/sink-starrocks.md docs/starrocks-answers.md docs/starrocks-types.md

# Tables and values.
STARROCKS_TABLE_SOURCES = \
	plugins/starrocks/check_rights.c plugins/starrocks/check_rights.h \
	plugins/starrocks/buckets.c plugins/starrocks/buckets.h \
	plugins/starrocks/check_sql.c plugins/starrocks/check_sql.h \
	plugins/starrocks/compare.c plugins/starrocks/compare.h \
	plugins/starrocks/compare_sql.c plugins/starrocks/compare_sql.h \
	plugins/starrocks/ddl.c plugins/starrocks/ddl.h \
	plugins/starrocks/encode.c plugins/starrocks/encode.h \
	plugins/starrocks/encode_fetch.c \
	plugins/starrocks/encode_row.c plugins/starrocks/encode_row.h \
	plugins/starrocks/fold.c plugins/starrocks/fold.h \
	plugins/starrocks/grants.c plugins/starrocks/grants.h \
	plugins/starrocks/md5.c plugins/starrocks/md5.h \
	plugins/starrocks/names.c plugins/starrocks/names.h \
	plugins/starrocks/renames.c plugins/starrocks/renames.h \
	plugins/starrocks/render.c plugins/starrocks/render.h \
	plugins/starrocks/sqlc.c plugins/starrocks/sqlc.h \
	plugins/starrocks/sqlc_wire.c plugins/starrocks/sqlc_wire.h \
	plugins/starrocks/table.c plugins/starrocks/table.h \
	plugins/starrocks/table_plan.c plugins/starrocks/table_plan.h \
	plugins/starrocks/table_prepare.c \
	plugins/starrocks/type.c plugins/starrocks/type.h \
	plugins/starrocks/value.c plugins/starrocks/value.h \
	plugins/starrocks/value_json.c \
	plugins/starrocks/table_make.h \
	plugins/starrocks/value_text.h

# Loading, and the plugin as the engine sees it.
STARROCKS_LOAD_SOURCES = \
	plugins/starrocks/dialect.h \
	plugins/starrocks/ahead.c plugins/starrocks/ahead.h \
	plugins/starrocks/answer.c plugins/starrocks/answer.h \
	plugins/starrocks/check_http.c \
	plugins/starrocks/group.c plugins/starrocks/group.h \
	plugins/starrocks/hop.c plugins/starrocks/hop.h \
	plugins/starrocks/host.c plugins/starrocks/host.h \
	plugins/starrocks/http.c plugins/starrocks/http.h \
	plugins/starrocks/label.c plugins/starrocks/label.h \
	plugins/starrocks/loader.c plugins/starrocks/loader.h \
	plugins/starrocks/parcel.c plugins/starrocks/parcel.h \
	plugins/starrocks/probe.c plugins/starrocks/probe.h \
	plugins/starrocks/progress.c plugins/starrocks/progress.h \
	plugins/starrocks/resolve.c plugins/starrocks/resolve.h \
	plugins/starrocks/settings.c plugins/starrocks/settings.h \
	plugins/starrocks/sink.c plugins/starrocks/sink.h \
	plugins/starrocks/stream.c plugins/starrocks/stream.h \
	plugins/starrocks/txn.c plugins/starrocks/txn.h \
	plugins/starrocks/uploader.c plugins/starrocks/uploader.h \
	plugins/starrocks/plugin.c

STARROCKS_SINK_SOURCES = $(STARROCKS_TABLE_SOURCES) $(STARROCKS_LOAD_SOURCES)
STARROCKS_SINK_CFLAGS = $(STARROCKS_CFLAGS)
STARROCKS_SINK_LIBS = $(STARROCKS_LIBS)
if HAVE_MARIADB
STARROCKS_SINK_CFLAGS += $(MARIADB_CFLAGS) -DHAVE_MARIADB
STARROCKS_SINK_LIBS += $(MARIADB_LIBS)
endif
if HAVE_LZ4
STARROCKS_SINK_CFLAGS += $(LZ4_CFLAGS) -DHAVE_LZ4
STARROCKS_SINK_LIBS += $(LZ4_LIBS)
endif

if PLUGIN_STARROCKS
plugin_LTLIBRARIES += starrocks.la
dist_man_MANS += plugins/starrocks/ezcdc-starrocks.7
endif
starrocks_la_SOURCES = $(STARROCKS_SINK_SOURCES)
starrocks_la_CFLAGS = $(PLUGIN_CFLAGS) $(STARROCKS_SINK_CFLAGS)
starrocks_la_LDFLAGS = $(PLUGIN_LDFLAGS)
starrocks_la_LIBADD = libbase.la $(STARROCKS_SINK_LIBS)
