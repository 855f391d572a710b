# SPDX-License-Identifier: Apache-2.0

# Tables and values.
STARROCKS_TABLE_SOURCES = \
	plugins/starrocks/names.c plugins/starrocks/names.h \
	plugins/starrocks/type.c plugins/starrocks/type.h

# Loading, and the plugin as the engine sees it.
STARROCKS_LOAD_SOURCES = \
	plugins/starrocks/dialect.h \
	plugins/starrocks/answer.c plugins/starrocks/answer.h \
	plugins/starrocks/group.c plugins/starrocks/group.h \
	plugins/starrocks/hop.c plugins/starrocks/hop.h \
	plugins/starrocks/host.c plugins/starrocks/host.h \
	plugins/starrocks/http.c plugins/starrocks/http.h \
	plugins/starrocks/label.c plugins/starrocks/label.h \
	plugins/starrocks/loader.c plugins/starrocks/loader.h \
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
