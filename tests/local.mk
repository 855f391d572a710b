# SPDX-License-Identifier: Apache-2.0
#
# The environment of every test, and the checks of the sources. Exit codes: 0 passed, 77 skipped (the reason is printed as
# `skip: reason`), anything else failed.

TEST_EXTENSIONS = .sh
AM_TESTS_ENVIRONMENT = \
	EZ_SRC='$(abs_top_srcdir)'; export EZ_SRC; \
	EZ_BUILD='$(abs_top_builddir)'; export EZ_BUILD; \
	CK_DEFAULT_TIMEOUT=120; export CK_DEFAULT_TIMEOUT; \
	EZ_PLUGINS='$(EZ_PLUGINS)'; export EZ_PLUGINS; \
	EZ_SANITIZE='$(EZ_SANITIZE)'; export EZ_SANITIZE; \
	EZCDC_PLUGIN_PATH='$(abs_top_builddir)/plugins.d'; export EZCDC_PLUGIN_PATH; \
	ASAN_OPTIONS="$${ASAN_OPTIONS-exitcode=99:detect_stack_use_after_return=1:allocator_may_return_null=1}"; export ASAN_OPTIONS; \
	UBSAN_OPTIONS="$${UBSAN_OPTIONS-exitcode=99:print_stacktrace=1}"; export UBSAN_OPTIONS; \
	TSAN_OPTIONS="$${TSAN_OPTIONS-exitcode=99:allocator_may_return_null=1:halt_on_error=1:second_deadlock_stack=1:atexit_sleep_ms=0}"; export TSAN_OPTIONS; \
	EZ_CFLAGS='$(LIBCONFIG_CFLAGS) $(JANSSON_CFLAGS) $(LIBPQ_CFLAGS) $(CRYPTO_CFLAGS)'; export EZ_CFLAGS; \
	CC='$(CC)'; export CC;

SOURCE_CHECKS = \
	tests/checks/abidiff.sh \
	tests/checks/clang-tidy.sh \
	tests/checks/exported-symbols.sh \
	tests/checks/include-direction.sh \
	tests/checks/man.sh \
	tests/checks/no-paths.sh \
	tests/checks/public-header.sh \
	tests/checks/shell.sh \
	tests/checks/spdx.sh \
	tests/checks/style.sh
TESTS += $(SOURCE_CHECKS)
EXTRA_DIST += $(SOURCE_CHECKS) tests/checks/lib.sh tests/checks/style-allow tests/include-rules tests/run tests/deps.sh

# A test that hangs is a test that fails.
TEST_TIMEOUT = 600
LOG_COMPILER = timeout -k 30 $(TEST_TIMEOUT)
SH_LOG_COMPILER = $(LOG_COMPILER)

# For tests/run, which chooses among them.
print-tests:
	@printf '%s\n' $(TESTS) | sort
print-fuzz-targets:
	@printf '%s\n' $(FUZZ_TARGETS) | sort
.PHONY: print-tests print-fuzz-targets
