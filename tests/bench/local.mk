# SPDX-License-Identifier: Apache-2.0
#
# Nothing here runs with the tests: `make tests/bench/floor tests/bench/copyout tests/bench/follow`, then tests/bench/run.

if HAVE_LIBPQ
check_PROGRAMS += tests/bench/floor tests/bench/copyout
tests_bench_floor_SOURCES = tests/bench/floor.c
tests_bench_floor_CFLAGS = $(AM_CFLAGS) $(LIBPQ_CFLAGS)
tests_bench_floor_LDADD = libbase.la $(LIBPQ_LIBS)
tests_bench_copyout_SOURCES = tests/bench/copyout.c
tests_bench_copyout_CFLAGS = $(AM_CFLAGS) $(LIBPQ_CFLAGS)
tests_bench_copyout_LDADD = libbase.la $(LIBPQ_LIBS)
endif
check_PROGRAMS += tests/bench/follow
tests_bench_follow_SOURCES = tests/bench/follow.c
tests_bench_follow_LDADD = libbase.la
if CONTROL
check_PROGRAMS += tests/bench/play
tests_bench_play_SOURCES = tests/bench/play.c tests/bench/play.h tests/bench/play_conn.c tests/bench/play_worker.c
tests_bench_play_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_bench_play_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_bench_play_LDADD = libbase.la $(JANSSON_LIBS)
endif
EXTRA_DIST += tests/bench/run tests/bench/bench.py tests/bench/simulate tests/bench/simulate.py
