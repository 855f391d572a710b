#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The budget holds: one huge transaction, many tables and wide rows with memory = "16MiB".

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

rows=200000
if [ "$LONG" = 1 ]; then rows=2000000; fi
pg_start -n main logical_decoding_work_mem=4MB max_wal_size=8GB
sql "create table t (id int primary key, a text, b numeric, c timestamptz)"
job mem source='tables = [ "public.t" ];' top='memory = "16MiB";'
run mem --until=now
start mem
await_streaming mem
peak() { awk '/^VmHWM/ { print $2 }' "/proc/${JOB_PID[mem]}/status"; }
idle=$(peak)
sql "insert into t select i, repeat('x', 100) || i, i / 3.0, now() from generate_series(1, $rows) i"
before=$(lsn)
sql "update t set a = 'behind it' where id = 1"
await_confirmed mem "$before" 120
big=$(peak)
echo "one transaction of $rows rows: idle $idle kB, peak $big kB"
if [ "${EZ_SANITIZE:-no}" = no ]; then
	[ "$((big - idle))" -le $(((16 + 8) * 1024)) ] || fail "grew by $((big - idle)) kB with a budget of 16 MiB"
fi

step "the snapshot of the same"
stop mem
run mem --until=now
verify mem
job copy source='tables = [ "public.t" ]; snapshot_workers = 2;' top='memory = "16MiB";'
start copy
await_streaming copy 120
copied=$(awk '/^VmHWM/ { print $2 }' "/proc/${JOB_PID[copy]}/status")
echo "snapshot of $rows rows: peak $copied kB"
if [ "${EZ_SANITIZE:-no}" = no ]; then
	[ "$((copied - idle))" -le $(((16 + 8) * 1024)) ] || fail "grew by $((copied - idle)) kB with a budget of 16 MiB"
fi
stop copy
run copy --until=now
verify copy

step "rows of 3 MB each"
start mem
await_streaming mem
sql "insert into t select -i, repeat(md5(i::text), 100000), 0, null from generate_series(1, 30) i"
before=$(lsn)
sql "update t set a = 'behind it too' where id = 1"
await_confirmed mem "$before" 60
wide=$(peak)
echo "30 rows of 3 MB: peak $wide kB"
if [ "${EZ_SANITIZE:-no}" = no ]; then
	[ "$((wide - idle))" -le $(((16 + 3 * 3 + 16) * 1024)) ] || fail "grew by $((wide - idle)) kB"
fi
stop mem
