# SPDX-License-Identifier: Apache-2.0

if PLUGIN_MASK
plugin_LTLIBRARIES += mask.la
mask_la_SOURCES = \
	plugins/mask/mask.c \
	plugins/mask/digest.c plugins/mask/digest.h \
	plugins/mask/fits.c plugins/mask/fits.h \
	plugins/mask/partial.c plugins/mask/partial.h \
	plugins/common/pattern.c plugins/common/pattern.h \
	plugins/common/shape.c plugins/common/shape.h
mask_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins
mask_la_CFLAGS = $(PLUGIN_CFLAGS) $(MASK_CFLAGS)
mask_la_LDFLAGS = $(PLUGIN_LDFLAGS)
mask_la_LIBADD = libbase.la $(MASK_LIBS)
dist_man_MANS += plugins/mask/ezcdc-mask.7
endif
