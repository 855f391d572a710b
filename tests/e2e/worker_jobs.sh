#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A worker and its folder of job files: a new file starts its job, a changed one restarts it, a faulty one changes nothing, a
# removed one stops it; a half-written file is waited for; stop and start by command; SIGTERM drains.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/worker.sh
. "$TESTKIT/worker.sh"

pg_start
sql "create table t (id int primary key)" "insert into t select generate_series(1, 10)"
job shop source='tables = [ "public.t" ];' top='batch = { max_age = "10ms"; };'
worker_start

step "a new file"
deploy shop
await 20 "the job to stream" streaming shop
first=$(daemon_of shop)
before=$(lsn)
sql "insert into t values (11)" "insert into t values (12)"
await 20 "the row" slot_is shop "confirmed_flush_lsn > '$before'"

step "faulty files harm nobody"
sed 's/max_age/max_agee/' "$T/shop/job.conf" >"$WORKER/jobs.d/.x"
mv "$WORKER/jobs.d/.x" "$WORKER/jobs.d/shop.conf"
await_says 'unknown option "max_agee"; did you mean "max_age"'
[ "$(grep -c 'max_agee' "$WORKER/log")" = 1 ] || fail "one fault, more than one line"
echo 'name = "broken; {' >"$WORKER/jobs.d/broken.conf"
await_says 'broken.conf:1: .*no job is started from it'
cp "$T/shop/job.conf" "$WORKER/jobs.d/twin.conf"
await_says 'twin.conf: the job "shop" stands in .*shop.conf already'
[ "$(daemon_of shop)" = "$first" ] || fail "a faulty file restarted a job"
streaming shop
rm "$WORKER/jobs.d/broken.conf" "$WORKER/jobs.d/twin.conf"

step "a file that is being written is waited for"
python3 - "$WORKER/jobs.d/shop.conf" "$T/shop/job.conf" "$T/halfway" <<-'PY' &
	import sys, time
	text = open(sys.argv[2]).read().replace("10ms", "20ms")
	with open(sys.argv[1], "w") as f:
	    f.write(text[:40]); f.flush()
	    time.sleep(0.6)
	    f.write(text[40:])
PY
EZ_CHILDREN+=($!)
await 20 "the job to be restarted" another_daemon shop "$first"
await 20 "the job to stream" streaming shop
[ "$(grep -c 'shop.conf:' "$WORKER/log")" = 1 ] || fail "half a file was looked at: $(grep 'shop.conf:' "$WORKER/log")"
second=$(daemon_of shop)

step "a daemon that dies is started again"
kill -KILL "$second"
await 20 "another daemon" another_daemon shop "$second"
await_says 'ended by signal 9'
await 20 "the job to stream" streaming shop

step "a stop by command holds, also over a restart of the worker, until start"
ez stop --state-root="$WORKER/state" shop
await 20 "the job to be stopped" is_job_state shop "stopped by command"
worker_stop
worker_start
sleep 0.5
is_job_state shop "stopped by command"
ez start --state-root="$WORKER/state" shop
await 20 "the job to stream" streaming shop
if ez start --state-root="$WORKER/state" shop 2>"$T/said"; then fail "a running job was started"; fi
grep -q 'is running' "$T/said"

step "a removed file, whose job stands in another one; then that, too"
last=$(daemon_of shop)
cp "$T/shop/job.conf" "$WORKER/jobs.d/twin.conf"
await_says 'twin.conf: the job "shop" stands in .*shop.conf already' 2
withdraw shop
await 20 "the other file to count" another_daemon shop "$last"
last=$(daemon_of shop)
rm "$WORKER/jobs.d/twin.conf"
await 20 "the daemon to end" daemon_gone shop
await 10 "the job to be forgotten" test ! -e "$WORKER/state/shop/worker.json"
[ ! -e "/proc/$last" ] || fail "the daemon is still there"
deploy shop
await 20 "the job to stream" streaming shop

step "a job that needs a person is not tried again"
job wrong source='tables = [ "public.nothing_like_this" ]; create = false;'
deploy wrong
await_says 'job wrong failed with 78 and waits for a change'
ez status --state-root="$WORKER/state" wrong >"$T/said" || fail "no status: $(cat "$T/said")"
grep -q "^worker *failed: ." "$T/said" || fail "status does not say why it does not run: $(cat "$T/said")"
sleep 1.5
[ "$(grep -c 'job wrong started' "$WORKER/log")" = 1 ] || fail "it was tried again"

step "SIGHUP looks again at what was refused"
job late source="password = { file = \"$T/late.pw\"; }; tables = [ \"public.t\" ];"
deploy late
await_says 'late.conf:.*cannot read the file'
(umask 077 && echo secret >"$T/late.pw")
kill -HUP "$WORKER_PID"
await 20 "the job to stream" streaming late
withdraw late

step "SIGTERM drains"
sql "insert into t select generate_series(100, 5000)"
pid=$(daemon_of shop)
worker_stop
[ ! -e "/proc/$pid" ] || fail "a daemon outlived a drained worker"
grep -q '"code":0' "$WORKER/state/shop/exit.json" || fail "the daemon did not drain: $(cat "$WORKER/state/shop/exit.json")"
[ "$(stat -c %a "$WORKER/state/shop/log")" = 600 ]
run shop --until=now
verify shop
