#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# How long a committed row takes until it is durable in the file, with max_age "0ms", at 100 single-row commits a second; and
# with max_age = 1 s a row waits no longer than that.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sql "create table t (id bigserial primary key, at timestamptz default clock_timestamp())"
echo "insert into t default values;" >"$T/one.sql"
measure() { # NAME: percentiles from the row's own time to the time that stands in the line
	python3 - "$T/$1/out" "$TESTKIT" <<'PY'
import datetime
import sys

sys.path.insert(0, sys.argv[2])
import outdir

late = []
for ev in outdir.events(sys.argv[1], part=True):
    if ev["op"] == "c":
        at = datetime.datetime.fromisoformat(ev["after"]["at"].replace("Z", "+00:00"))
        late.append(ev["ts_ms"] - at.timestamp() * 1000)
late.sort()
print(" ".join(f"{late[int(len(late) * q)]:.0f}" for q in (0.5, 0.99)), len(late))
PY
}
job fast source='tables = [ "public.t" ];' top='batch = { max_age = "0ms"; };'
run fast --until=now
start fast
await_streaming fast
before=$(lsn)
pgbench -n -c 1 -T 4 -R 100 -f "$T/one.sql" >/dev/null 2>&1
await_confirmed fast "$before"
stop fast
read -r p50 p99 n < <(measure fast)
echo "max_age 0ms: $n commits, commit to write p50 $p50 ms, p99 $p99 ms"
# A wide margin: this shows that nothing waits for a timer, not how fast the machine is.
[ "$p50" -le $((50 * SLOW)) ] || fail "half of the rows waited more than $p50 ms"

job lazy source='tables = [ "public.t" ]; snapshot = "never";' top='batch = { max_age = "1s"; };'
run lazy --until=now
start lazy
await_streaming lazy
before=$(lsn)
pgbench -n -c 1 -T 4 -R 100 -f "$T/one.sql" >/dev/null 2>&1
await_confirmed lazy "$before"
stop lazy
read -r p50 p99 n < <(measure lazy)
echo "max_age 1s: $n commits, commit to write p50 $p50 ms, p99 $p99 ms"
[ "$p99" -le $((1000 + 500 * SLOW)) ] || fail "with max_age = 1s rows waited $p99 ms"
