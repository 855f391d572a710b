# SPDX-License-Identifier: Apache-2.0

if PLUGIN_FILTER
plugin_LTLIBRARIES += filter.la
filter_la_SOURCES = \
	plugins/filter/filter.c \
	plugins/filter/bind.c plugins/filter/bind.h \
	plugins/filter/decimal.c plugins/filter/decimal.h \
	plugins/filter/eval.c plugins/filter/eval.h \
	plugins/filter/lex.c plugins/filter/lex.h \
	plugins/filter/moment.c plugins/filter/moment.h \
	plugins/filter/where.c plugins/filter/where.h \
	plugins/common/pattern.c plugins/common/pattern.h
filter_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins
filter_la_CFLAGS = $(PLUGIN_CFLAGS)
filter_la_LDFLAGS = $(PLUGIN_LDFLAGS)
filter_la_LIBADD = libbase.la
dist_man_MANS += plugins/filter/ezcdc-filter.7
endif
