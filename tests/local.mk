# SPDX-License-Identifier: Apache-2.0
#
# The environment of every test, and the checks of the sources. Exit codes: 0 passed, 77 skipped, else failed.

TEST_EXTENSIONS = .sh
AM_TESTS_ENVIRONMENT = \
	EZ_SRC='$(abs_top_srcdir)'; export EZ_SRC; \
	EZ_BUILD='$(abs_top_builddir)'; export EZ_BUILD; \
	EZCDC_PLUGIN_PATH='$(abs_top_builddir)/plugins.d'; export EZCDC_PLUGIN_PATH; \
	EZ_SANITIZE='$(EZ_SANITIZE)'; export EZ_SANITIZE; \
	EZ_PLUGINS='$(EZ_PLUGINS)'; export EZ_PLUGINS; \
	CC='$(CC)'; export CC;
