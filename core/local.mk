# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += dbmazz

dbmazz_SOURCES = core/dbmazz.c
dbmazz_LDADD = libengine.la libbase.la
