#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 between a column's new name in StarRocks and the next checkpoint: rows from before the change come again, under the old
# name, for a table that has the new one. They go to the renamed column; no column is added, and no value is lost.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

columns() {
	sr_sql "select COLUMN_NAME from information_schema.columns where TABLE_SCHEMA = 'shop' and TABLE_NAME = '$1'" |
		python3 -c 'import json, sys; print(" ".join(sorted(r["data"][0] for r in map(json.loads, sys.stdin) if r.get("data"))))'
}
has_columns() { [ "$(columns "$1")" = "$2" ]; }

# killed_at COLUMNS SQL...: the source does this, and the daemon is killed when the target has those columns. It waits then, for it
# is not told that the schema change is done.
killed_at() {
	local wanted=$1
	shift
	start re
	await_streaming re
	# The first question is the one before the change; a change that is not the last is asked after once.
	sr_fault '"kind": "sql_slow", "subject": "SHOW ALTER*", "skip": '"${SKIP:-1}"', "count": 1, "ms": 60000'
	sql "$@"
	await 20 "the columns $wanted" has_columns t "$wanted"
	sleep 0.2
	kill9 re
	sr_clear_faults
}

pg_start
for version in 4.0 3.3; do
	step "version $version"
	sr_start --profile="$version" --fe=1 --be=2
	sqlf <<-'SQL'
	drop table if exists t;
	create table t (id int primary key, a text, b text, n int, big text);
	alter table t alter big set storage external;
	insert into t select i, 'a' || i, 'b' || i, i, repeat('x' || i, 3000) from generate_series(1, 20) i;
	SQL
	sr_job re source='tables = [ "public.t" ];' top='batch = { max_age = "20ms"; };'
	run re --until=now
	killed_at "a big c id n" "begin; insert into t values (21, 'a', 'before', 21, 'x'); update t set b = 'before' where id in (1, 2);
		delete from t where id = 3; insert into t values (3, 'a', 'again', 3, 'y'); update t set id = 40, b = 'moved' where id = 4;
		alter table t rename column b to c; update t set c = 'after' where id in (2, 5); commit"
	run re --until=now
	sr_equal t
	has_columns t "a big c id n" || fail "table t has the columns $(columns t)"

	step "version $version, two new names in a row, a dropped column, more changes before the next start"
	SKIP=3 killed_at "a big e id n" "begin; update t set c = 'first' where id = 6; alter table t rename column c to d; update t set d = 'second' where id = 7;
		alter table t rename column d to e; update t set e = 'third' where id = 8; commit"
	sql "begin; update t set e = 'fourth' where id = 9; alter table t rename column n to number; alter table t drop column a; insert into t values (22, 'c', 22, 'z'); commit" \
		"alter table t rename column number to m; update t set m = -m"
	run re --until=now
	sr_equal t
	has_columns t "big e id m" || fail "table t has the columns $(columns t)"

	step "version $version, killed at any instant"
	rounds=3
	[ "$LONG" = 0 ] || rounds=20
	old=m
	for round in $(seq "$rounds"); do
		start re
		sql "begin; update t set $old = $old + 1; alter table t rename column $old to r$round; update t set r$round = r$round + 1 where id % 2 = 0; commit" \
			"update t set e = 'round $round' where id = $round"
		python3 -c "import random, time; time.sleep(random.random() * 0.6)"
		kill9 re
		old=r$round
	done
	run re --until=now
	sr_equal t
	has_columns t "big e id $old" || fail "table t has the columns $(columns t)"
	sr_violations
	ez drop --yes --state-dir="$T/re/state" "$T/re/job.conf" >"$T/drop" 2>&1 || fail "drop: $(cat "$T/drop")"
	sr_stop
	rm -rf "$T/re"
done
