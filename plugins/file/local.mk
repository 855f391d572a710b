# SPDX-License-Identifier: Apache-2.0

dist_doc_DATA += docs/sink-file.md

FILE_SINK_SOURCES = \
	plugins/file/check.c \
	plugins/file/datafile.c plugins/file/datafile.h \
	plugins/file/encode.h plugins/file/encode_csv.c plugins/file/encode_json.c \
	plugins/file/file.c \
	plugins/file/host.c plugins/file/host.h \
	plugins/file/jsontext.c plugins/file/jsontext.h \
	plugins/file/manifest.c plugins/file/manifest.h \
	plugins/file/names.c plugins/file/names.h \
	plugins/file/out.c plugins/file/out.h \
	plugins/file/plain.h \
	plugins/file/recover.c \
	plugins/file/settings.c plugins/file/settings.h \
	plugins/file/shape.c plugins/file/shape.h \
	plugins/file/shared.c plugins/file/shared.h \
	plugins/file/snapshot.c \
	plugins/file/sync.c plugins/file/sync.h \
	plugins/file/undo.c \
	plugins/file/value.c plugins/file/value.h \
	plugins/file/write.c \
	plugins/file/writer.c plugins/file/writer.h

if PLUGIN_FILE
plugin_LTLIBRARIES += file.la
dist_man_MANS += plugins/file/ezcdc-file.7
endif
file_la_SOURCES = $(FILE_SINK_SOURCES)
file_la_CFLAGS = $(PLUGIN_CFLAGS) $(FILE_CFLAGS)
file_la_LDFLAGS = $(PLUGIN_LDFLAGS)
file_la_LIBADD = libbase.la $(FILE_LIBS)
