# SPDX-License-Identifier: Apache-2.0

if PLUGIN_ROUTE
plugin_LTLIBRARIES += route.la
route_la_SOURCES = \
	plugins/route/route.c \
	plugins/route/names.c plugins/route/names.h \
	plugins/route/template.c plugins/route/template.h \
	plugins/common/shape.c plugins/common/shape.h
route_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins
route_la_CFLAGS = $(PLUGIN_CFLAGS)
route_la_LDFLAGS = $(PLUGIN_LDFLAGS)
route_la_LIBADD = libbase.la
dist_man_MANS += plugins/route/ezcdc-route.7
endif
