# SPDX-License-Identifier: Apache-2.0
#
# The portal in Chromium, against a real control plane, worker and PostgreSQL.

PORTAL_TESTS = tests/portal/portal.sh
EXTRA_DIST += $(PORTAL_TESTS) tests/portal/lib.sh tests/portal/browser.mjs tests/portal/looks.mjs \
	tests/portal/portal.mjs
if CONTROL
TESTS += $(PORTAL_TESTS)
endif
