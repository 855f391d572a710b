#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A slot that was dropped, made again, moved on, invalidated, or that is another server's: exit 78 with the remedy, and nothing is
# skipped or written.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sql "create table t (id int primary key, v text)" "insert into t values (1, 'x')"

# fresh NAME: a job that has replicated something.
fresh() {
	job "$1" source='tables = [ "public.t" ];'
	run "$1" --until=now
	sql "insert into t select max(id) + 1, '$1' from t"
	run "$1" --until=now
	changes "$1" >"$T/$1/seen"
}
# refused NAME REGEX...: and left everything as it was.
refused() {
	local name=$1
	shift
	try "$name" --until=now
	expect_exit "$name" 78 'slot|server|system' "$@"
	grep -qE 'ezcdc|drop|snapshot' "$T/$name/log" || fail "no remedy: $(cat "$T/$name/log")"
	changes "$name" | diff "$T/$name/seen" - || fail "a refused job wrote something"
}

step "dropped"
fresh dropped
sql "select pg_drop_replication_slot('ezcdc_dropped')" >/dev/null
refused dropped ezcdc_dropped

step "made again"
sql "insert into t select max(id) + 1, 'lost' from t" \
	"select pg_create_logical_replication_slot('ezcdc_dropped', 'pgoutput')" >/dev/null
refused dropped ezcdc_dropped

step "ahead"
fresh ahead
sql "insert into t select max(id) + 1, 'lost' from t"
sql "select pg_replication_slot_advance('ezcdc_ahead', pg_current_wal_lsn())" >/dev/null
refused ahead ezcdc_ahead

step "invalidated"
fresh invalid
sql "alter system set max_slot_wal_keep_size = '1MB'" "select pg_reload_conf()" >/dev/null
for _ in 1 2 3; do
	sql "select pg_switch_wal()" "create table if not exists junk (v text)" \
		"insert into junk select repeat('j', 1000) from generate_series(1, 20000)" "checkpoint" >/dev/null
done
sql_is "select wal_status = 'lost' from pg_replication_slots where slot_name = 'ezcdc_invalid'" || fail "the slot is not lost"
refused invalid ezcdc_invalid
sql "alter system reset max_slot_wal_keep_size" "select pg_reload_conf()" >/dev/null

step "a slot that exists before the first start is nobody's to take"
sql "select pg_create_logical_replication_slot('ezcdc_early', 'pgoutput')" >/dev/null
job early source='tables = [ "public.t" ];'
try early --until=now
expect_exit early 78 ezcdc_early
sql_is "select exists (select 1 from pg_replication_slots where slot_name = 'ezcdc_early')" || fail "the slot was dropped"

step "unless the job begins where it stands (R35)"
sql "insert into t select max(id) + 1, 'from the slot' from t"
job early source='tables = [ "public.t" ]; snapshot = "never"; create = false; publication = "ezcdc_ahead";'
run early --until=now
[ "$(changes early --column v)" = "$(changes early --op c --column v)" ] || fail "rows were copied"
changes early --column v | grep -q 'from the slot' || fail "the change did not arrive"

step "a slot in use by another session is waited for, then reported"
fresh busy
start busy
await_streaming busy
mkdir -p "$T/thief"
sed "s|^name = .*|name = \"thief\";|; s|path = .*out\"|path = \"$T/thief/out\"|; s|tables = .*|slot = \"ezcdc_busy\"; publication = \"ezcdc_busy\"; snapshot = \"never\";|" "$T/busy/job.conf" >"$T/thief/job.conf"
EZ_TIMEOUT=40 try thief --until=now
[ "$RC" != 0 ] || fail "two daemons used one slot"
alive busy || fail "the first daemon was thrown out"
stop busy

step "another server"
fresh moved
main_port=$PG_PORT
pg_start -n other
sql "create table t (id int primary key, v text)"
sql "create publication ezcdc_moved for table t" "select pg_create_logical_replication_slot('ezcdc_moved', 'pgoutput')" >/dev/null
sed -i "s/port=$main_port/port=$PG_PORT/" "$T/moved/job.conf"
refused moved
