#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
#
# The network between daemon and server is cut, reset and stalled, in the stream and in the snapshot: the job goes on by itself,
# nothing is lost and nothing comes twice.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start -n main wal_sender_timeout=3s
proxy_start
through="host=127.0.0.1 port=$PROXY_PORT dbname=postgres user=postgres"
sqlf <<'SQL'
create table t (id int primary key, v text);
insert into t select i, repeat('x', 300) from generate_series(1, 30000) i;
SQL
cat >"$T/load.sql" <<'SQL'
\set id random(1, 30000)
update t set v = 'u' || :id where id = :id;
insert into t values (30000 + nextval('s'), 'new');
SQL
sql "create sequence s"

job net conninfo="$through" source='tables = [ "public.t" ];' top='batch = { max_age = "50ms"; };'
start net
await_streaming net 30
pgbench -n -c 2 -T 12 -R 400 -f "$T/load.sql" >"$T/pgbench.log" 2>&1 &
EZ_CHILDREN+=($!)
load=$!
for fault in reset cut reset stall cut; do
	step "$fault"
	before=$(lsn)
	touch "$PROXY/$fault"
	case $fault in
	reset) await 10 "the reset" test ! -e "$PROXY/reset" ;;
	# Longer than wal_sender_timeout for the stall, so that the server gives the connection up.
	stall) sleep 4; rm "$PROXY/$fault" ;;
	cut) sleep 0.5; rm "$PROXY/$fault" ;;
	esac
	before=$(lsn)
	sql "insert into t values (nextval('s') + 1000000, '$fault')"
	await_confirmed net "$before" 30
done
wait "$load" || fail "pgbench: $(tail -n 2 "$T/pgbench.log")"
alive net || fail "the job ended by itself"
[ "$(status net "s['slot']['reconnects']")" -ge 4 ] || fail "only $(status net "s['slot']['reconnects']") reconnects"
stop net
run net --until=now
verify net

step "the snapshot's connections are reset"
# Large enough to be met in the middle.
sql "create table fat (id int primary key, v text)" "alter table fat alter v set storage external"
sql "insert into fat select i, repeat('f', 50000) from generate_series(1, 3000) i"
job copy conninfo="$through" source='tables = [ "public.t", "public.fat" ]; snapshot_workers = 2;'
start copy
await 10 "a reader" sql_is "select exists (select 1 from pg_stat_activity where query ilike 'copy%')"
touch "$PROXY/reset"
await_streaming copy 60
before=$(lsn)
sql "insert into t values (-1, 'after')"
await_confirmed copy "$before"

step "the connection of a daemon that is gone still holds the slot: the next one waits for it"
touch "$PROXY/stall"
kill9 copy
slot_is copy active || fail "the slot is free at once"
job copy source='tables = [ "public.t", "public.fat" ];'
start copy
await_streaming copy 20
grep -q 'is active for PID' "$T/copy/log" || fail "the log does not say what was waited for"
rm "$PROXY/stall"
stop copy
run copy --until=now
verify copy
