# SPDX-License-Identifier: Apache-2.0
#
# The promises of the public header, the plugins that the loader's tests load, and a plugin built out of tree.

ABI_TESTS = tests/abi/layout.sh tests/abi/out-of-tree.sh
TESTS += $(ABI_TESTS)
EXTRA_DIST += $(ABI_TESTS) tests/abi/build-fixtures.sh tests/abi/fixture.c tests/abi/layout-1.0.txt tests/abi/layout.pl \
	tests/abi/plugin-1.0.h examples/null-sink/Makefile examples/null-sink/null.c

dist_doc_DATA += docs/plugin-authors-guide.md

check_PROGRAMS += tests/abi/list_plugins
tests_abi_list_plugins_SOURCES = tests/abi/list_plugins.c
tests_abi_list_plugins_LDADD = libengine.la

tests/abi/fixtures/stamp: $(srcdir)/tests/abi/fixture.c $(srcdir)/tests/abi/build-fixtures.sh \
		$(srcdir)/tests/abi/plugin-1.0.h $(srcdir)/core/include/ezcdc/plugin.h
	$(AM_V_GEN)rm -rf tests/abi/fixtures && \
		EZ_SRC='$(abs_top_srcdir)' CC='$(CC)' $(BASH_PATH) $(srcdir)/tests/abi/build-fixtures.sh tests/abi/fixtures && touch $@
clean-fixtures:
	-rm -rf tests/abi/fixtures
clean-local: clean-fixtures
.PHONY: clean-fixtures
