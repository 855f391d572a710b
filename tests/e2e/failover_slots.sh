#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A standby of PostgreSQL 17 keeps a copy of the job's slot and takes over: the job goes on there, and nothing is missing. A
# server that has no such slots says so; a slot that is there already becomes one.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

step "a server of before 17"
pg_start -n old
sql "create table t (id int primary key)"
job shop source='failover = true; tables = [ "public.t" ];'
try shop
expect_exit shop 78 "PostgreSQL 15" "from 17 on"
[ "$(sql "select count(*) from pg_replication_slots")" = 0 ] || fail "a slot was made all the same"
! "$EZ_BUILD/ezcdc" check "$T/shop/job.conf" >"$T/report" || fail "the check found nothing"
grep -q 'set failover = false' "$T/report" || fail "the check does not say what helps: $(cat "$T/report")"
rm -r "$T/shop"
pg_stop fast

step "a slot that is none becomes one"
pg_start -n main -m 17 hot_standby_feedback=on
sql "create table t (id int primary key, v int)" "insert into t select i, 0 from generate_series(1, 1000) i"
job shop source='tables = [ "public.t" ];'
run shop --until=now
slot_is shop "not failover" || fail "a failover slot was made without being asked for"
job shop source='tables = [ "public.t" ]; failover = true;'
"$EZ_BUILD/ezcdc" check "$T/shop/job.conf" >"$T/report" || fail "the check fails: $(cat "$T/report")"
grep -q 'synchronized_standby_slots is empty' "$T/report" || fail "the check says nothing of the standby: $(cat "$T/report")"
run shop --until=now
slot_is shop failover || fail "the slot is not a failover slot"
sql "select pg_drop_replication_slot('ezcdc_shop')" "drop publication ezcdc_shop" >/dev/null
rm -r "$T/shop/state" "$T/shop/out"
job only source='tables = [ "public.t" ]; failover = true; snapshot = "only";'
run only
verify only --also public.t

step "a standby"
sql "select pg_create_physical_replication_slot('standby1')" >/dev/null
pg_stop fast
# Without sync_replication_slots: the worker that it starts may sleep for half a minute, the function does the same at once.
pg_standby standby primary_slot_name=standby1
ports=${PG_PORTS[main]},$PG_PORT
pg_use main
_pg_settings "$PG_DATA" synchronized_standby_slots=standby1
pg_boot
pg_use standby
pg_boot
pg_use main
job shop source='tables = [ "public.t" ]; failover = true;' \
	conninfo="host=127.0.0.1,127.0.0.1 port=$ports dbname=postgres user=postgres target_session_attrs=read-write"
"$EZ_BUILD/ezcdc" check "$T/shop/job.conf" >"$T/report" || fail "the check fails: $(cat "$T/report")"
grep -q 'standbys of the slots standby1' "$T/report" || fail "the check does not know the standby: $(cat "$T/report")"
start shop
await_streaming shop
slot_is shop failover || fail "the slot was not made as a failover slot"
before=$(lsn)
sql "update t set v = 1 where id <= 500" "insert into t select i, 2 from generate_series(2001, 2500) i"
await_confirmed shop "$before"
on_standby() { PGPORT=${PG_PORTS[standby]} sql "$1"; }
synced() {
	sql "select pg_log_standby_snapshot()" >/dev/null
	on_standby "select pg_sync_replication_slots()" >/dev/null 2>"$T/why" || return 1
	[ "$(on_standby "select synced and not temporary and invalidation_reason is null and confirmed_flush_lsn > '$before'
		from pg_replication_slots where slot_name = 'ezcdc_shop'")" = t ]
}
await 40 "the standby to keep the slot" synced
before=$(lsn)
sql "delete from t where id <= 100" "insert into t values (3000, 3)"
await_confirmed shop "$before"

step "it takes over"
pg_stop immediate
on_standby "select pg_promote()" >/dev/null
pg_use standby
before=$(lsn)
sql "update t set v = 4 where id > 900" "insert into t values (4000, 4)"
await_confirmed shop "$before" 40
alive shop || fail "the job ended: $(last_line shop)"
stop shop
verify shop
