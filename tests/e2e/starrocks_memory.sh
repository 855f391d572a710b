#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The budget holds with StarRocks behind it: huge transactions of every kind with memory = "16MiB" and "64MiB". What the daemon grows by
# is the budget and 8 MB at most.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

rows=200000
if [ "$LONG" = 1 ]; then rows=2000000; fi
peak() { awk '/^VmHWM/ { print $2 }' "/proc/${JOB_PID[$1]}/status"; }
# grew WHAT MIB: since the job had nothing to do, by at most the budget and this.
grew() {
	local most=$(((MIB + $2) * 1024)) now
	now=$(peak mem)
	echo "$1: idle $IDLE kB, peak $now kB, grew by $(((now - IDLE) / 1024)) MiB of $((MIB + $2))"
	if [ "${EZ_SANITIZE:-no}" = no ]; then
		[ "$((now - IDLE))" -le "$most" ] || fail "$1: grew by $((now - IDLE)) kB with a budget of $MIB MiB"
	fi
}
count() { sr_summary | python3 -c 'import json, sys; print(sum(t["rows"] for t in map(json.loads, sys.stdin) if t["table"] == sys.argv[1]))' "$1"; }
has_rows() { [ "$(count "$1")" = "$2" ]; }
checked() {
	sr_dump shop t | python3 -c '
import hashlib, json, sys
rows = ["%s|%s|%s" % (r["id"], r["a"], str(r["c"]).split(".")[0]) for r in map(json.loads, sys.stdin)]
print(len(rows), hashlib.md5("\n".join(sorted(rows)).encode()).hexdigest())'
}
wanted() {
	sql "select id || '|' || a || '|' || coalesce(to_char(c, 'YYYY-MM-DD HH24:MI:SS'), 'None') from t" | python3 -c '
import hashlib, sys
rows = [line.rstrip("\n") for line in sys.stdin]
print(len(rows), hashlib.md5("\n".join(sorted(rows)).encode()).hexdigest())'
}

pg_start -n main logical_decoding_work_mem=4MB max_wal_size=8GB
pairs='16:4.0 64:3.3'
[ "$LONG" = 0 ] || pairs='16:4.0 16:3.3 64:4.0 64:3.3'
for pair in $pairs; do
	MIB=${pair%:*}
	version=${pair#*:}
	step "memory $MIB MiB, version $version"
	sr_start --profile="$version" --fe=1 --be=1 --history=latest
	sql "drop table if exists t" "create table t (id int primary key, a text, b numeric, c timestamptz)"
	sr_job mem source='tables = [ "public.t" ]; snapshot_workers = 2;' top="memory = \"${MIB}MiB\";"
	start mem
	await_streaming mem
	IDLE=$(peak mem)
	sql "insert into t select i, repeat('x', 100) || i, i / 3.0, timestamptz '2024-01-01' + i * interval '1 s' from generate_series(1, $rows) i"
	await $((rows / 4000)) "$rows rows" has_rows t "$rows"
	grew "one transaction of $rows rows" 8
	sql "update t set a = 'new ' || id"
	sql "delete from t where id % 2 = 0"
	await $((rows / 4000)) "the deletes" has_rows t "$((rows / 2))"
	grew "an update of all and a delete of half" 8
	stop mem
	run mem --until=now
	[ "$(checked)" = "$(wanted)" ] || fail "table t differs from the source"
	sr_violations
	ez drop --yes --state-dir="$T/mem/state" "$T/mem/job.conf" >"$T/drop" 2>&1 || fail "drop: $(cat "$T/drop")"
	sr_stop
	rm -rf "$T/mem"
done
