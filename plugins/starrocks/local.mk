# SPDX-License-Identifier: Apache-2.0

# Tables and values.
STARROCKS_TABLE_SOURCES = \
	plugins/starrocks/names.c plugins/starrocks/names.h \
	plugins/starrocks/type.c plugins/starrocks/type.h

# Loading, and the plugin as the engine sees it.
STARROCKS_LOAD_SOURCES = \
	plugins/starrocks/answer.c plugins/starrocks/answer.h \
	plugins/starrocks/hop.c plugins/starrocks/hop.h \
	plugins/starrocks/host.c plugins/starrocks/host.h \
	plugins/starrocks/http.c plugins/starrocks/http.h \
	plugins/starrocks/settings.c plugins/starrocks/settings.h

STARROCKS_SINK_SOURCES = $(STARROCKS_TABLE_SOURCES) $(STARROCKS_LOAD_SOURCES)
