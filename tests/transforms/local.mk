# SPDX-License-Identifier: Apache-2.0
#
# Each test program is built from the sources of the plugin it tests; test_chain loads the built plugins.

if HAVE_CHECK
TRANSFORM_BENCH = tests/transforms/transform_host.c tests/transforms/transform_host.h
TRANSFORM_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins -I$(top_srcdir)/tests
TRANSFORM_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
TRANSFORM_LIBS = libfakehost.la libbase.la $(CHECK_LIBS)

check_PROGRAMS += tests/transforms/test_pattern
TESTS += tests/transforms/test_pattern
tests_transforms_test_pattern_SOURCES = tests/transforms/test_pattern.c plugins/common/pattern.c plugins/common/pattern.h
tests_transforms_test_pattern_CPPFLAGS = $(TRANSFORM_CPPFLAGS)
tests_transforms_test_pattern_CFLAGS = $(TRANSFORM_CFLAGS)
tests_transforms_test_pattern_LDADD = $(TRANSFORM_LIBS)

if PLUGIN_COLUMNS
check_PROGRAMS += tests/transforms/test_columns
TESTS += tests/transforms/test_columns
tests_transforms_test_columns_SOURCES = tests/transforms/test_columns.c $(TRANSFORM_BENCH) $(columns_la_SOURCES)
tests_transforms_test_columns_CPPFLAGS = $(TRANSFORM_CPPFLAGS)
tests_transforms_test_columns_CFLAGS = $(TRANSFORM_CFLAGS)
tests_transforms_test_columns_LDADD = $(TRANSFORM_LIBS)
endif

if PLUGIN_ROUTE
check_PROGRAMS += tests/transforms/test_route
TESTS += tests/transforms/test_route
tests_transforms_test_route_SOURCES = tests/transforms/test_route.c $(TRANSFORM_BENCH) $(route_la_SOURCES)
tests_transforms_test_route_CPPFLAGS = $(TRANSFORM_CPPFLAGS)
tests_transforms_test_route_CFLAGS = $(TRANSFORM_CFLAGS)
tests_transforms_test_route_LDADD = $(TRANSFORM_LIBS)
endif

if PLUGIN_MASK
check_PROGRAMS += tests/transforms/test_mask
TESTS += tests/transforms/test_mask
tests_transforms_test_mask_SOURCES = tests/transforms/test_mask.c $(TRANSFORM_BENCH) $(mask_la_SOURCES)
tests_transforms_test_mask_CPPFLAGS = $(TRANSFORM_CPPFLAGS)
tests_transforms_test_mask_CFLAGS = $(TRANSFORM_CFLAGS) $(MASK_CFLAGS)
tests_transforms_test_mask_LDADD = $(TRANSFORM_LIBS) $(MASK_LIBS)
endif

if PLUGIN_FILTER
check_PROGRAMS += tests/transforms/test_filter
TESTS += tests/transforms/test_filter
tests_transforms_test_filter_SOURCES = tests/transforms/test_filter.c $(TRANSFORM_BENCH) $(filter_la_SOURCES)
tests_transforms_test_filter_CPPFLAGS = $(TRANSFORM_CPPFLAGS)
tests_transforms_test_filter_CFLAGS = $(TRANSFORM_CFLAGS)
tests_transforms_test_filter_LDADD = $(TRANSFORM_LIBS)

check_PROGRAMS += tests/transforms/test_where
TESTS += tests/transforms/test_where
tests_transforms_test_where_SOURCES = tests/transforms/test_where.c \
	plugins/filter/bind.c plugins/filter/decimal.c plugins/filter/eval.c plugins/filter/lex.c \
	plugins/filter/moment.c plugins/filter/where.c
tests_transforms_test_where_CPPFLAGS = $(TRANSFORM_CPPFLAGS)
tests_transforms_test_where_CFLAGS = $(TRANSFORM_CFLAGS)
tests_transforms_test_where_LDADD = $(TRANSFORM_LIBS)
endif

if PLUGIN_COLUMNS
if PLUGIN_FILTER
if PLUGIN_MASK
if PLUGIN_ROUTE
check_PROGRAMS += tests/transforms/test_chain
TESTS += tests/transforms/test_chain
tests_transforms_test_chain_SOURCES = tests/transforms/test_chain.c $(TRANSFORM_BENCH)
tests_transforms_test_chain_CPPFLAGS = $(TRANSFORM_CPPFLAGS)
tests_transforms_test_chain_CFLAGS = $(TRANSFORM_CFLAGS)
tests_transforms_test_chain_LDADD = $(TRANSFORM_LIBS) -ldl
endif
endif
endif
endif
endif

if PLUGIN_FILTER
FUZZ_TARGETS += tests/fuzz/fuzz_where
tests_fuzz_fuzz_where_SOURCES = tests/fuzz/fuzz_where.c tests/fuzz/fuzz.h \
	plugins/filter/bind.c plugins/filter/decimal.c plugins/filter/eval.c plugins/filter/lex.c \
	plugins/filter/moment.c plugins/filter/where.c
tests_fuzz_fuzz_where_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/plugins
tests_fuzz_fuzz_where_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_where_LDADD = libbase.la $(FUZZ_MAIN)
endif
