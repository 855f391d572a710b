#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# TRUNCATE and a rewriting ALTER TABLE are not MVCC-safe: a table rewritten between the making of the slot and the first read
# looks empty to the exported snapshot. Whenever it happens, the copy must not lose rows (R6).

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
rounds=${EZ_ROUNDS:-6}
[ "$LONG" = 0 ] || rounds=40
sqlf <<'SQL'
create table fill (id int primary key, pad text);
insert into fill select i, repeat('f', 200) from generate_series(1, 20000) i;
SQL

disturb() {
	local i=0
	while [ ! -e "$T/enough" ]; do
		i=$((i + 1))
		case $((i % 3)) in
		0) sql "begin; truncate w; insert into w select i, $i, 'x' from generate_series(1, 500) i; commit" ;;
		1) sql "alter table w alter column n type bigint" "alter table w alter column n type int" ;;
		2) sql "begin; insert into w values (1000000 + $i, 0, 'y'); commit" ;;
		esac >/dev/null 2>&1 || true
		python3 -c "import random, time; time.sleep(random.random() * 0.4)"
	done
}

for round in $(seq "$rounds"); do
	sqlf <<-'SQL'
		drop table if exists w;
		create table w (id int primary key, n int, pad text);
		insert into w select i, i, repeat('w', 100) from generate_series(1, 3000) i;
	SQL
	rm -f "$T/enough"
	disturb &
	EZ_CHILDREN+=($!)
	disturber=$!
	name=rewrite_$round
	job "$name" source='tables = [ "public.w", "public.fill" ]; snapshot_workers = 2;'
	start "$name" --until=now
	reap "$name" 60
	touch "$T/enough"
	wait "$disturber"
	[ "$RC" = 0 ] || fail "round $round ended with $RC: $(last_line "$name")"
	run "$name" --until=now
	verify "$name"
	sql "select pg_drop_replication_slot('ezcdc_$name')" "drop publication ezcdc_$name" >/dev/null
done
