#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The tests of the SQL half, against a throw-away server. EZ_SQL_MAJORS names the versions (15 by default); EZ_SQL_TESTS
# names the programs. The last round is made after a promotion, so that the server is on its second timeline.

set -eu
EZ_SRC=${EZ_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
EZ_BUILD=${EZ_BUILD:-$EZ_SRC}
export LC_ALL=C.UTF-8
unset PGOPTIONS PGSERVICE PGPASSWORD PGDATABASE PGSSLMODE

T=$(mktemp -d "${TMPDIR:-/tmp}/ez.XXXXXX")
chmod 711 "$T"

skip() {
	echo "skip: $*"
	exit 77
}

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

step() { printf '%s\n' "-- $*"; }
sql() { psql -XqAt -v ON_ERROR_STOP=1 -c "$1"; }

# shellcheck source=tests/testkit/pg_cluster.sh
. "$EZ_SRC/tests/testkit/pg_cluster.sh"
trap 'pg_cleanup; rm -rf "$T"' EXIT
command -v psql >/dev/null 2>&1 || skip "psql is not installed"

programs=${EZ_SQL_TESTS:-test_sql_conn test_sql_shape test_sql_slot test_sql_check test_sql_snapshot test_sql_monitor}

export_server() {
	export EZ_SQL_HOST=127.0.0.1 EZ_SQL_PORT=$PG_PORT
}

# A role that has to show its password, before the lines that trust everyone.
require_password() {
	local hba=$PG_DATA/pg_hba.conf
	{
		echo "host all scram_user 127.0.0.1/32 scram-sha-256"
		cat "$hba"
	} >"$T/hba"
	cat "$T/hba" >"$hba"
	pg_reload password_encryption=scram-sha-256
	export EZ_SQL_SCRAM=1
}

promote() {
	pg_stop fast
	touch "$PG_DATA/standby.signal"
	if [ "$(id -u)" = 0 ]; then
		chown --reference="$PG_DATA" "$PG_DATA/standby.signal"
	fi
	pg_boot
	sql "select pg_promote()" >/dev/null
	sql "checkpoint"
	export EZ_SQL_PROMOTED=1
	export_server
}

failed=0
for major in ${EZ_SQL_MAJORS:-15}; do
	unset EZ_SQL_PROMOTED
	pg_start -n "v$major" -m "$major" max_wal_senders=20 max_replication_slots=20
	require_password
	export_server
	for program in $programs; do
		step "PostgreSQL $major: $program"
		"$EZ_BUILD/tests/pgoutput/$program" || failed=1
	done
	promote
	step "PostgreSQL $major: test_sql_slot after a promotion"
	CK_RUN_CASE=identity "$EZ_BUILD/tests/pgoutput/test_sql_slot" || failed=1
	pg_stop fast
done
[ "$failed" = 0 ] || fail "some of them failed"
