# SPDX-License-Identifier: Apache-2.0

# The guide to all four transforms.
dist_doc_DATA += docs/transforms.md

if PLUGIN_COLUMNS
plugin_LTLIBRARIES += columns.la
columns_la_SOURCES = \
	plugins/columns/columns.c \
	plugins/columns/metadata.c plugins/columns/metadata.h \
	plugins/columns/rules.c plugins/columns/rules.h \
	plugins/common/pattern.c plugins/common/pattern.h \
	plugins/common/shape.c plugins/common/shape.h
columns_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins
columns_la_CFLAGS = $(PLUGIN_CFLAGS)
columns_la_LDFLAGS = $(PLUGIN_LDFLAGS)
columns_la_LIBADD = libbase.la
dist_man_MANS += plugins/columns/ezcdc-columns.7
endif
