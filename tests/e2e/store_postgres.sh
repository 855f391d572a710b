#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
#
# The checkpoint in a PostgreSQL table instead of the state folder: a daemon started elsewhere goes on; the server being away is
# waited for; its table is never replicated.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

[[ " ${EZ_PLUGINS:-postgres} " == *" postgres "* ]] || skip "built without the plugin postgres"
pg_start
sql "create table t (id int primary key, v text)" "insert into t values (1, 'x')" "create database keep"
job st source='tables = [ "public.*", "ezcdc.*" ];' top="state = { store = \"postgres\"; conninfo = \"$(pg_conninfo keep)\"; };"
run st --until=now
sql "insert into t values (2, 'y')"
rm -rf "$T/st/state"
run st --until=now
verify st
[ "$(changes st --op cr | wc -l)" = 2 ] || fail "rows were copied again: $(changes st)"
[ "$(sql -d keep "select count(*) from pg_tables where schemaname = 'ezcdc'")" -ge 1 ] || fail "no table of the store"

step "in the source database itself"
job same source='tables = [ "public.t" ];' top="state = { store = \"postgres\"; conninfo = \"$(pg_conninfo)\"; };"
run same --until=now
sql "update t set v = 'z'"
rm -rf "$T/same/state"
run same --until=now
verify same

step "under load, with kills"
start same
for _ in 1 2 3; do
	before=$(lsn)
	sql "insert into t select max(id) + g, 'load' from t, generate_series(1, 100) g group by g"
	await_confirmed same "$before"
	kill9 same
	rm -rf "$T/same/state"
	start same
done
await_streaming same
stop same
run same --until=now
verify same

step "a store that is away: the daemon still hears commands and signals"
pg_start -n store
keep=$(pg_conninfo)
pg_use main
job away source='tables = [ "public.t" ];' top="state = { store = \"postgres\"; conninfo = \"$keep\"; };"
start away
await_streaming away
pg_use store
pg_stop immediate
pg_use main
if ez pause "$T/away/state" >"$T/said" 2>&1; then fail "a pause that was not saved counts as saved"; fi
grep -q 'not be saved yet' "$T/said" || fail "ezcdc pause says: $(cat "$T/said")"
is_state away paused || fail "it is not paused"
kill -TERM "${JOB_PID[away]}"
await 10 "the daemon to hear the signal" is_state away stopping
kill -TERM "${JOB_PID[away]}"
reap away 10
pg_use store
pg_boot
pg_use main
start away
await_streaming away 40
stop away
verify away
