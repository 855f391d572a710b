# SPDX-License-Identifier: Apache-2.0
#
# The control plane against a real PostgreSQL, through its API.

CONTROL_E2E_TESTS = \
	tests/control/first_job.sh
EXTRA_DIST += $(CONTROL_E2E_TESTS) tests/control/lib.sh tests/control/api.py tests/control/first_job.py

if CONTROL
TESTS += $(CONTROL_E2E_TESTS)
endif
