# SPDX-License-Identifier: Apache-2.0

if PLUGIN_POSTGRES
plugin_LTLIBRARIES += postgres.la
postgres_la_SOURCES = \
	plugins/postgres/store.c plugins/postgres/store.h \
	plugins/postgres/check.c \
	plugins/postgres/fault.c plugins/postgres/fault.h \
	plugins/postgres/names.c plugins/postgres/names.h \
	plugins/postgres/session.c plugins/postgres/session.h \
	plugins/postgres/table.c
postgres_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins
postgres_la_CFLAGS = $(PLUGIN_CFLAGS) $(POSTGRES_CFLAGS)
postgres_la_LDFLAGS = $(PLUGIN_LDFLAGS)
postgres_la_LIBADD = libbase.la $(POSTGRES_LIBS)
dist_man_MANS += plugins/postgres/ezcdc-postgres.7
endif
