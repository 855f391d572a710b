#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What people get wrong: each ends with its own exit code and one sentence that says what to do, touches nothing, and once it is
# put right the job runs as if nothing had been.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table t (id int primary key, v text);
insert into t values (1, 'x');
create role reader login replication;
create role writer login;
create role locked login replication password 'right';
SQL

case_() { step "$*"; }
slots() { sql "select count(*) from pg_replication_slots"; }

case_ "a misspelt key: file, line and the nearest key"
job j source='tabels = [ "public.t" ];'
try j
expect_exit j 78 'job\.conf' ':5|line 5' 'tabels' 'tables'

case_ "a wrong type"
job j source='tables = 5;'
try j
expect_exit j 78 'job\.conf' 'tables'
job j top='batch = { max_rows = "many"; };'
try j
expect_exit j 78 'max_rows'
job j top='memory = "64 elephants";'
try j
expect_exit j 78 'memory'
job j top='batch = { max_age = 17; };'
try j
expect_exit j 78 'max_age'

case_ "a missing key, a missing section, no libconfig at all"
job j sink_section='sink = { plugin = "file"; };'
try j
expect_exit j 78 'path'
job j sink_section=''
sed -i '/^sink = /d' "$T/j/job.conf"
try j
expect_exit j 78 'sink'
echo 'name = "j' >"$T/j/job.conf"
try j
expect_exit j 78 'job\.conf'

case_ "a missing file, an unknown plugin, a plugin of another kind, bad usage"
RC=0
"$EZ_BUILD/dbmazz" --state-dir="$T/j/state" "$T/j/none.conf" 2>"$T/j/log" || RC=$?
expect_exit j 78 'none\.conf'
job j sink_section='sink = { plugin = "flie"; path = "/tmp"; };'
try j
expect_exit j 78 'flie'
job j sink_section='sink = { plugin = "mask"; };'
try j
expect_exit j 78 'mask'
RC=0
"$EZ_BUILD/dbmazz" --no-such-option 2>"$T/j/log" || RC=$?
[ "$RC" = 64 ] || fail "an unknown option ended with $RC"
RC=0
"$EZ_BUILD/dbmazz" 2>"$T/j/log" || RC=$?
[ "$RC" = 64 ] || fail "no job file ended with $RC"
job j
sed -i 's/^name = .*/name = "Not A Name";/' "$T/j/job.conf"
try j
expect_exit j 78 'name'

case_ "a server that is not there: three tries within 15 s with --until"
job j conninfo="host=127.0.0.1 port=1 dbname=postgres user=postgres" source='tables = [ "public.t" ];'
began=$SECONDS
try j --until=now
expect_exit j 69 'connect|refused'
[ $((SECONDS - began)) -le $((20 * SLOW)) ] || fail "gave up only after $((SECONDS - began)) s"

case_ "a database, a user that does not exist; a wrong password"
job j conninfo="host=127.0.0.1 port=$PG_PORT dbname=nowhere user=postgres" source='tables = [ "public.t" ];'
try j --until=now
expect_exit j 78 'nowhere'
printf 'host all locked 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\nlocal all all trust\n' >"$PG_DATA/pg_hba.conf"
printf 'host replication all 127.0.0.1/32 trust\n' >>"$PG_DATA/pg_hba.conf"
pg_reload
await 5 "the password to be asked for" bash -c '! PGPASSWORD=x psql -X -U locked -c "select 1" >/dev/null 2>&1'
job j conninfo="host=127.0.0.1 port=$PG_PORT dbname=postgres user=locked" source='tables = [ "public.t" ]; password = "wr0ng-secret";'
try j --until=now
expect_exit j 77 'password|authentication'
if grep -r 'wr0ng-secret' "$T/j/log" "$T/j/state" 2>/dev/null; then fail "the password was written down"; fi

case_ "a missing right: the GRANT is named"
job j conninfo="$(pg_conninfo postgres writer)" source='tables = [ "public.t" ];'
try j --until=now
expect_exit j 77 'replication'
job j conninfo="$(pg_conninfo postgres reader)" source='tables = [ "public.t" ]; publication = "p";'
sql "create publication p for table t"
try j --until=now
expect_exit j 77 'grant select|select'
sql "drop publication p"
left=$(sql "select string_agg(pg_drop_replication_slot(slot_name)::text || slot_name, ' ') from pg_replication_slots")

case_ "wal_level"
sql "alter system set wal_level = replica"
pg_restart
job j source='tables = [ "public.t" ];'
try j --until=now
expect_exit j 78 'wal_level'
sql "alter system reset wal_level"
pg_restart

case_ "a state folder that cannot be made, one that cannot be written"
job j source='tables = [ "public.t" ];'
touch "$T/a_file"
RC=0
"$EZ_BUILD/dbmazz" --state-dir="$T/a_file/state" --until=now "$T/j/job.conf" 2>"$T/j/log" || RC=$?
expect_exit j 73 'a_file'
RC=0
"$EZ_BUILD/dbmazz" --state-dir=/proc/ezcdc --until=now "$T/j/job.conf" 2>"$T/j/log" || RC=$?
expect_exit j 73 '/proc/ezcdc'

case_ "a sink folder that cannot be made"
job j source='tables = [ "public.t" ];' sink_section='sink = { plugin = "file"; path = "/proc/nope"; };'
try j --until=now
[ "$RC" = 73 ] || [ "$RC" = 74 ] || [ "$RC" = 77 ] || [ "$RC" = 78 ] || fail "ended with $RC: $(last_line j)"
grep -q '/proc/nope' <<<"$(last_line j)" || fail "the folder is not named: $(last_line j)"
[ "$(slots)" = 0 ] || fail "a job that could not start left $(slots) slots"

case_ "--check finds these without touching anything"
job j conninfo="$(pg_conninfo postgres writer)" source='tables = [ "public.t" ];'
try j --check
[ "$RC" = 77 ] || [ "$RC" = 78 ] || fail "--check ended with $RC"
job j source='tables = [ "public.t" ];'
try j --check
[ "$RC" = 0 ] || fail "--check ended with $RC: $(last_line j)"
[ "$(slots)" = 0 ] || fail "--check made a slot"
[ ! -e "$T/j/out" ] || [ -z "$(ls "$T/j/out")" ] || fail "--check wrote into the sink"

case_ "put right: it runs; a second daemon is kept out; a truncated checkpoint is refused"
run j --until=now
start j
await_streaming j
RC=0
"$EZ_BUILD/dbmazz" --state-dir="$T/j/state" --until=now "$T/j/job.conf" 2>"$T/second" || RC=$?
[ "$RC" = 75 ] || fail "a second daemon ended with $RC: $(tail -n 1 "$T/second")"
stop j
checkpoint=$(find "$T/j/state" -maxdepth 1 -name 'checkpoint*' -type f | head -n 1)
[ -n "$checkpoint" ] || fail "no checkpoint in $(ls "$T/j/state")"
cp "$checkpoint" "$T/checkpoint"
sql "insert into t values (2, 'y')"
for size in 0 10 $(($(stat -c %s "$T/checkpoint") - 3)); do
	head -c "$size" "$T/checkpoint" >"$checkpoint"
	try j --until=now
	[ "$RC" = 74 ] || [ "$RC" = 78 ] || fail "a checkpoint cut to $size bytes: ended with $RC: $(last_line j)"
	grep -qi 'checkpoint' <<<"$(last_line j)" || fail "the checkpoint is not named: $(last_line j)"
done
cp "$T/checkpoint" "$checkpoint"
run j --until=now
verify j
[ -z "$left" ] || fail "a job without the right to read its table left the slot $left"
