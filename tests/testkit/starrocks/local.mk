# SPDX-License-Identifier: Apache-2.0
#
# The pretended StarRocks cluster, tests/testkit/starrocks/README.md. Sources of the MySQL side: STARROCKS_SQL_SOURCES.

STARROCKS_SERVER_SOURCES =
STARROCKS_SQL_SOURCES =
