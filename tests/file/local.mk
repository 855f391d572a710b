# SPDX-License-Identifier: Apache-2.0
#
# The fake host serves the tests of every plugin that runs alone.

check_LTLIBRARIES += libfakehost.la
libfakehost_la_SOURCES = tests/testkit/fake_host.c tests/testkit/fake_host.h tests/testkit/fake_batch.c
libfakehost_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
libfakehost_la_LIBADD = libbase.la
