# SPDX-License-Identifier: Apache-2.0

noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
	core/base/alloc.c core/base/alloc.h \
	core/base/arena.c core/base/arena.h \
	core/base/attr.c core/base/attr.h \
	core/base/backoff.c core/base/backoff.h \
	core/base/buf.c core/base/buf.h \
	core/base/checked.h \
	core/base/clock.c core/base/clock.h \
	core/base/fs.c core/base/fs.h \
	core/base/json_scan.c core/base/json_scan.h \
	core/base/jsonw.c core/base/jsonw.h \
	core/base/list.h \
	core/base/log.c core/base/log.h \
	core/base/map.c core/base/map.h \
	core/base/parse.c core/base/parse.h \
	core/base/random.c core/base/random.h \
	core/base/secret.c core/base/secret.h \
	core/base/str.c core/base/str.h \
	core/base/utf8.c core/base/utf8.h \
	core/base/view.c core/base/view.h \
	core/base/wire.h
