#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SIGTERM and SIGINT finish what is in flight, save, confirm, and exit 0, in the snapshot as in the stream; a second signal ends
# it at once and loses nothing either.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sql "create table t (id int primary key, v text)" "insert into t select i, repeat('x', 100) from generate_series(1, 50000) i"
job drain source='tables = [ "public.t" ];' top='batch = { max_age = "5s"; };'

step "in the middle of the snapshot"
start drain
await 20 "the job to answer" status drain 1 >/dev/null
stop drain
start drain
await_streaming drain 30

for signal in TERM INT; do
	step "while changes wait for the batch to grow old: $signal"
	sql "insert into t select i, 'new' from generate_series($([ $signal = TERM ] && echo 100001 || echo 200001), $([ $signal = TERM ] && echo 101000 || echo 201000)) i"
	before=$(lsn)
	sql "update t set v = '$signal' where id <= 100"
	behind=$(lsn)
	sql "update t set v = '$signal' where id = 101"
	await 20 "the changes to be received" received_beyond drain "$behind"
	kill -"$signal" "${JOB_PID[drain]}"
	reap drain 10
	[ "$RC" = 0 ] || fail "$signal: the job ended with $RC: $(last_line drain)"
	slot_is drain "confirmed_flush_lsn > '$before'" || fail "$signal: what was in flight is not confirmed"
	[ -z "$(find "$T/drain/out" -name '*.part')" ] || fail "$signal: a .part file is left"
	run drain --until=now
	verify drain
	start drain
	await_streaming drain
done

step "twice"
sql "insert into t select i, 'late' from generate_series(300001, 310000) i"
kill -TERM "${JOB_PID[drain]}"
kill -TERM "${JOB_PID[drain]}" 2>/dev/null || true
reap drain 10
run drain --until=now
verify drain
