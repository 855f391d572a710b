#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
# tsan: yes
#
# ezcdc status, pause, resume and stop; a paused job moves nothing, also over a restart, and loses nothing.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

[ -x "$EZ_BUILD/ezcdc" ] || skip "ezcdc is not built"
pg_start
sql "create table t (id int primary key)" "insert into t select generate_series(1, 10)"
job calm source='tables = [ "public.t" ];' top='batch = { max_age = "10ms"; };'
start calm
await_streaming calm
[ "$(status calm "s['name']")" = calm ]
[[ $(status calm "s['plugins']['sink']") == "file "[0-9]* ]] || fail "the sink's version: $(status calm "s['plugins']")"
[ "$(stat -c %a "$T/calm/state/control.sock")" = 600 ] || fail "the control socket is open to others"
before=$(lsn)
sql "insert into t values (11)"
await_confirmed calm "$before"

step "pause"
ez pause "$T/calm/state"
await 10 "the job to be paused" is_state calm paused
sql "insert into t select generate_series(100, 200)"
before=$(lsn)
sql "insert into t values (201)"
sleep 0.5
slot_is calm "confirmed_flush_lsn < '$before'" || fail "a paused job went on confirming"
if changes calm --part | grep -q '"id":150'; then fail "a paused job went on writing"; fi

step "a restart of a paused job"
stop calm
start calm
await 20 "the job to be paused again" is_state calm paused

step "resume"
ez resume "$T/calm/state"
await_confirmed calm "$before"

step "stop"
ez stop "$T/calm/state"
reap calm
[ "$RC" = 0 ] || fail "after ezcdc stop the job ended with $RC"
verify calm
ez status "$T/calm/state" >"$T/gone" 2>&1 || true
grep -q 'stopped' "$T/gone" || fail "status of a job that was stopped: $(cat "$T/gone")"
