#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
#
# Daemons outlive their worker: one that was killed is followed by one that goes on with them; so is one that executes itself
# anew. A job file that broke meanwhile harms nobody; one that was changed or removed meanwhile has its effect.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/worker.sh
. "$TESTKIT/worker.sh"

pg_start
sql "create table t (id int primary key)" "insert into t select generate_series(1, 10)"
job one source='tables = [ "public.t" ];' top='batch = { max_age = "10ms"; };'
job two source='tables = [ "public.t" ];' top='batch = { max_age = "10ms"; };'
deploy one
deploy two
worker_start
await 25 "job one" streaming one
await 25 "job two" streaming two
one=$(daemon_of one)
two=$(daemon_of two)

step "killed"
worker_kill9
before=$(lsn)
sql "insert into t values (11)" "insert into t values (12)"
await 20 "a row without a worker" slot_is one "confirmed_flush_lsn > '$before'"
worker_start
await_says 'its daemon goes on under this worker' 2
sleep 0.5
[ "$(daemon_of one)" = "$one" ] && [ "$(daemon_of two)" = "$two" ] || fail "a daemon was replaced"

step "an adopted daemon that dies is started again"
kill -KILL "$one"
await 20 "another daemon" another_daemon one "$one"
await 20 "job one" streaming one

step "one that drains under another worker says why"
one=$(daemon_of one)
ez stop --state-root="$WORKER/state" two
await 20 "job two to be stopped" is_job_state two "stopped by command"
ez start --state-root="$WORKER/state" two
await 20 "job two" streaming two
two=$(daemon_of two)

step "executed anew"
kill -USR2 "$WORKER_PID"
await_says 'executing .*ezcdc-worker anew'
await_says 'its daemon goes on under this worker' 4
await 10 "the worker" worker_up
[ "$(daemon_of one)" = "$one" ] && [ "$(daemon_of two)" = "$two" ] || fail "a daemon was replaced"
kill -KILL "$two"
await 20 "another daemon" another_daemon two "$two"
await 20 "job two" streaming two
two=$(daemon_of two)

step "files that changed while no worker was there"
worker_kill9
echo 'naem = "one";' >>"$WORKER/jobs.d/one.conf"
sed -i 's/10ms/11ms/' "$WORKER/jobs.d/two.conf"
worker_start
await_says 'unknown option "naem"; did you mean "name"'
await 20 "job two to be restarted" another_daemon two "$two"
await 20 "job two" streaming two
[ "$(daemon_of one)" = "$one" ] && streaming one || fail "a broken file stopped a running job"

step "a file that went while no worker was there"
worker_kill9
withdraw one
worker_start
await 20 "the daemon to end" test ! -e "/proc/$one"

step "only one worker looks after a folder"
if "$EZ_BUILD/ezcdc-worker" --config="$WORKER/worker.conf" 2>"$T/said"; then fail "two workers"; else rc=$?; fi
[ "$rc" = 75 ] || fail "a second worker ended with $rc: $(cat "$T/said")"
worker_stop
run two --until=now
verify two
