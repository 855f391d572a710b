# SPDX-License-Identifier: Apache-2.0
#
# Tests of the pretended StarRocks cluster itself.

EXTRA_DIST += tests/starrocks-server/lib.sh
STARROCKS_SERVER_TESTS = \
	tests/starrocks-server/faults.sh \
	tests/starrocks-server/loads.sh \
	tests/starrocks-server/rights.sh \
	tests/starrocks-server/tls.sh \
	tests/starrocks-server/transactions.sh
EXTRA_DIST += $(STARROCKS_SERVER_TESTS)
TESTS += $(STARROCKS_SERVER_TESTS)
