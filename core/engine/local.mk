# SPDX-License-Identifier: Apache-2.0

noinst_LTLIBRARIES += libengine.la
libengine_la_SOURCES =
libengine_la_CFLAGS = $(AM_CFLAGS) $(LIBCONFIG_CFLAGS) $(JANSSON_CFLAGS)
libengine_la_LIBADD = libbase.la $(LIBCONFIG_LIBS) $(JANSSON_LIBS) $(LTDL_LIBS) -ldl

include core/engine/config.mk
include core/engine/periphery.mk
include core/engine/pipeline.mk
