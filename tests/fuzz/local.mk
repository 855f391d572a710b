# SPDX-License-Identifier: Apache-2.0
#
# Fuzz targets. A fragment adds one with
#
#	FUZZ_TARGETS += tests/fuzz/fuzz_NAME
#	tests_fuzz_fuzz_NAME_SOURCES = tests/fuzz/fuzz_NAME.c tests/fuzz/fuzz.h
#	tests_fuzz_fuzz_NAME_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
#	tests_fuzz_fuzz_NAME_LDADD = libbase.la $(FUZZ_MAIN)
#
# In a normal build each is a test that runs every file of tests/fuzz/corpus/NAME. Configured with --enable-fuzz they are
# libFuzzer programs, and `make fuzz FUZZ_SECONDS=60` runs each over its corpus, new inputs going to fuzz.d/NAME.

check_PROGRAMS += $(FUZZ_TARGETS)
EXTRA_DIST += tests/fuzz/corpus
FUZZ_SECONDS = 60

if FUZZ
FUZZ_MAIN =
else
FUZZ_MAIN = libfuzzmain.la
check_LTLIBRARIES += libfuzzmain.la
libfuzzmain_la_SOURCES = tests/fuzz/fuzz_main.c tests/fuzz/fuzz.h
TESTS += $(FUZZ_TARGETS)
endif

fuzz: $(FUZZ_TARGETS)
	@test -n '$(FUZZ_LDFLAGS)' || { echo 'configure with CC=clang --enable-fuzz' >&2; exit 1; }
	@set -e; for target in $(FUZZ_TARGETS); do \
		name=$${target##*/fuzz_}; seeds=$(top_srcdir)/tests/fuzz/corpus/$$name; \
		test -d $$seeds || seeds=; $(MKDIR_P) fuzz.d/$$name; \
		echo "fuzz $$name: $(FUZZ_SECONDS) s"; \
		./$$target -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 \
			-artifact_prefix=fuzz.d/$$name- fuzz.d/$$name $$seeds; done
.PHONY: fuzz
