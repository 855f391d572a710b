#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The server is restarted under a running job, also while the sink stalls: a fast shutdown never waits for us (R8), and the job
# goes on by itself.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sql "create table t (id int primary key, v text)"
job re source='tables = [ "public.t" ];' top='batch = { max_age = "10ms"; };'
start re
await_streaming re
for mode in fast immediate; do
	step "$mode shutdown"
	sql "insert into t select i, '$mode' from generate_series($(($(sql 'select count(*) from t') + 1)), $(($(sql 'select count(*) from t') + 1000))) i"
	EZ_STOP_WITHIN=15 pg_stop "$mode" || fail "the $mode shutdown waited for the job"
	sleep 0.3
	alive re || fail "the job ended with the server"
	pg_boot
	before=$(lsn)
	sql "insert into t values (-$(sql 'select count(*) from t'), 'after $mode')"
	await_confirmed re "$before" 30
done

step "a fast shutdown after changes that are none of the job's"
sql "create table other (id int); insert into other select generate_series(1, 1000)"
await_confirmed re "$(lsn)" 30
sql "insert into other select generate_series(1, 1000)"
EZ_STOP_WITHIN=30 pg_stop fast || fail "the fast shutdown waited for an idle job"
pg_boot
stop re
run re --until=now
verify re

step "while the sink stalls and much waits to be read"
job stalled source='tables = [ "public.t" ];' top='memory = "8MiB"; batch = { max_bytes = "1MiB"; max_age = "10ms"; };' \
	sink_section="sink = { plugin = \"probe\"; log = \"$T/calls\"; block = \"$T/block\"; };"
start stalled --plugin-dir="$EZ_BUILD/.libs"
await_streaming stalled
touch "$T/block"
sql "insert into t select i, repeat('x', 500) from generate_series(1000001, 1100000) i"
sleep 2
EZ_STOP_WITHIN=25 pg_stop fast || fail "the fast shutdown waited for a stalled sink"
rm "$T/block"
pg_boot
before=$(lsn)
sql "insert into t values (-5000000, 'after')"
await_confirmed stalled "$before" 60
stop stalled
