#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An idle job costs next to no CPU, little memory, and lets the server's log go: an idle slot follows what other tables write.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sql "create table t (id int primary key)" "create table other (id serial primary key, v text)" "insert into t values (1)"
job idle source='tables = [ "public.t" ];'
start idle
await_streaming idle
seconds=8
if [ "$LONG" = 1 ]; then seconds=80; fi
ticks() { awk '{ print $14 + $15 }' "/proc/${JOB_PID[idle]}/stat"; }
first=$(ticks)
sleep "$seconds"
used=$(($(ticks) - first))
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/${JOB_PID[idle]}/status")
echo "idle: $used ticks of 10 ms in $seconds s, $rss kB of memory"
if [ "${EZ_SANITIZE:-no}" = no ]; then
	[ "$used" -le $((seconds * 2)) ] || fail "an idle job uses $used % of a core"
	[ "$rss" -le 32768 ] || fail "an idle job holds $rss kB"
fi

[ "$(status idle "s['slot']['reconnects']")" = 0 ] || fail "an idle job reconnected: $(cat "$T/idle/log")"

step "only other tables are written: the slot follows"
before=$(lsn)
sql "insert into other (v) select repeat('x', 500) from generate_series(1, 5000)"
await_confirmed idle "$before" 25
stop idle
sound idle
