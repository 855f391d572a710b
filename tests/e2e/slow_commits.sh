#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A transaction that is open when the slot is made, prepared transactions, and sessions that commit late: everything that commits
# after the snapshot streams, everything before it is in the copy, nothing is in both or neither (traps B1, B9, F13).

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start -n main max_prepared_transactions=10
sql "create table t (id int primary key, v text)" "insert into t select i, 'old' from generate_series(1, 1000) i"

session() { # NAME: a session that is fed through a descriptor; sets FD
	mkfifo "$T/$1"
	psql -XqAt <"$T/$1" >"$T/$1.out" 2>&1 &
	EZ_CHILDREN+=($!)
	exec {FD}>"$T/$1"
}
session early
early=$FD
echo "begin; insert into t values (2001, 'open before the slot'); update t set v = 'changed early' where id = 1;" >&"$early"
await 10 "the open transaction" sql_is "select exists (select 1 from pg_stat_activity where state = 'idle in transaction')"
job slow source='tables = [ "public.t" ];'
start slow
await 20 "the slot to be asked for" sql_is "select exists (select 1 from pg_replication_slots where slot_name = 'ezcdc_slow')"
step "while the slot waits for that transaction, others begin, commit, prepare"
session late
late=$FD
echo "begin; insert into t values (2002, 'begun while the slot waits');" >&"$late"
sql "insert into t values (2003, 'committed while the slot waits')"
sql "begin; insert into t values (2004, 'prepared'); prepare transaction 'p1'" || true
sleep 0.5
echo "commit;" >&"$early"
sleep 0.3
echo "commit;" >&"$late"
sql "commit prepared 'p1'"
await_streaming slow 30
sqlf <<'SQL'
begin;
insert into t values (2005, 'prepared too');
prepare transaction 'p2';
SQL
before=$(lsn)
sql "commit prepared 'p2'"
await_confirmed slow "$before"
exec {early}>&- {late}>&-

step "a prepared transaction that waits over a restart"
sqlf <<'SQL'
begin;
insert into t values (2006, 'prepared long ago');
update t set v = 'by p3' where id = 2;
prepare transaction 'p3';
insert into t values (2007, 'after the prepare');
SQL
stop slow
run slow --until=now
sql "commit prepared 'p3'"
run slow --until=now
verify slow
[ "$(changes slow | grep -cE '"id":200[1-7]')" = 7 ] || fail "$(changes slow | grep -E '"id":200[1-7]')"
