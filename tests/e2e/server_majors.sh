#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every supported major version of PostgreSQL: copy, stream, a streamed transaction, a restart of the daemon.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

one() {
	local major=$1 name=pg$1
	"$TESTKIT/fetch_pg.sh" "$major" >/dev/null 2>"$T/why" || {
		echo "skip - PostgreSQL $major: $(tail -n 1 "$T/why")"
		return 0
	}
	pg_start -n "$name" -m "$major" logical_decoding_work_mem=64kB
	sqlf <<-'SQL'
		create table t (id int primary key, n numeric, at timestamptz default '2024-02-29', note text);
		alter table t alter note set storage external;
		create table p (id int primary key, v int) partition by range (id);
		create table p1 partition of p for values from (0) to (1000);
		create table p2 partition of p for values from (1000) to (100000);
		insert into t select i, i / 7.0, '2024-03-01', repeat('n', 3000) from generate_series(1, 3000) i;
		insert into p select i * 30, i from generate_series(1, 100) i;
	SQL
	job "$name" source='tables = [ "public.t", "public.p1", "public.p2" ]; snapshot_workers = 2;'
	run "$name" --until=now
	verify "$name"
	start "$name"
	await_streaming "$name"
	local before
	before=$(lsn)
	sqlf <<-'SQL'
		update t set n = n + 1 where id <= 1000;
		begin;
		insert into t select i, i, now(), 'streamed' from generate_series(10001, 14000) i;
		savepoint s;
		delete from t where id < 500;
		rollback to s;
		delete from t where id between 500 and 600;
		commit;
		truncate p2;
		insert into p values (5000, 1);
		alter table t add column more int;
		insert into t values (99999, 1, default, 'more', 7);
	SQL
	await_confirmed "$name" "$before"
	kill9 "$name"
	run "$name" --until=now
	verify "$name" --absent-ok
	pg_stop fast
	echo "ok - PostgreSQL $major"
}
for major in ${EZ_MAJORS:-13 14 15 16 17 18}; do one "$major"; done
