#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# While the sink takes nothing, the connection lives for many times wal_sender_timeout, memory stays in its budget, and nothing
# is confirmed; afterwards the job goes on where it was.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start -n main wal_sender_timeout=2s
sql "create table t (id int primary key, v text)"
job slow source='tables = [ "public.t" ];' top='memory = "16MiB"; batch = { max_bytes = "1MiB"; max_age = "10ms"; };' \
	sink_section="sink = { plugin = \"probe\"; log = \"$T/calls\"; block = \"$T/block\"; hold = \"$T/hold\"; rows = true; };"
start slow --plugin-dir="$EZ_BUILD/.libs"
await_streaming slow
touch "$T/block"
sql "insert into t select i, repeat('x', 500) from generate_series(1, 150000) i"
# A position behind that transaction's end, but not behind the next one's.
before=$(lsn)
sql "insert into t values (0, 'next')"
rss() { awk '/^VmRSS/ { print $2 }' "/proc/${JOB_PID[slow]}/status"; }
sleep 2
first=$(rss)
walsender() { sql "select pid from pg_stat_replication"; }
pid=$(walsender)
seconds=10
if [ "$LONG" = 1 ]; then seconds=600; fi
step "stalled for $seconds seconds with a timeout of 2"
sleep "$seconds"
[ "$(walsender)" = "$pid" ] || fail "the connection was lost: walsender was $pid, is $(walsender)"
slot_is slow "confirmed_flush_lsn < '$before'" || fail "something was confirmed that is not durable"
last=$(rss)
[ "$last" -lt $((first + 4096)) ] || fail "memory grew from $first to $last kB"
if [ "${EZ_SANITIZE:-no}" = no ]; then
	[ "$last" -lt $(((16 + 24) * 1024)) ] || fail "$last kB with a budget of 16 MiB"
fi

step "it is written, but does not become durable"
touch "$T/hold"
rm "$T/block"
await 20 "a write" grep -q 'm0 row .* c public.t 1$' "$T/calls"
sleep 3
[ "$(walsender)" = "$pid" ] || fail "the connection was lost while the sink was not durable"
slot_is slow "confirmed_flush_lsn < '$before'" || fail "something was confirmed that is not durable"

step "and goes on"
rm "$T/hold"
await_confirmed slow "$before" 60
[ "$(walsender)" = "$pid" ] || fail "the connection was lost in the end"
stop slow
[ "$(grep -c 'm0 row .* c public.t ' "$T/calls")" = 150001 ] || fail "$(grep -c 'm0 row' "$T/calls") rows of 150001"
