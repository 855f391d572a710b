# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests have in common that kill a daemon under load. Sourced after lib.sh and pg_start.

# kill_tables ROWS: tables of every kind of row, ROWS rows to begin with.
kill_tables() {
	sqlf <<-SQL
		create table acct (id bigint primary key, v int not null, note text);
		alter table acct alter note set storage external;
		create table hist (id bigint generated always as identity primary key, acct bigint, what text, at timestamptz default now());
		create table pair (a int, b int, v text, primary key (a, b));
		alter table pair replica identity full;
		insert into acct select i, 0, case when i % 20 = 0 then repeat('n' || i, 800) end from generate_series(1, $1) i;
		insert into pair select i % 100, i, 'p' from generate_series(1, $1 / 4) i;
		create sequence fresh start 10000000;
	SQL
	cat >"$T/load.sql" <<-SQL
		\set id random(1, $1)
		\set dice random(1, 20)
		begin;
		update acct set v = v + 1 where id = :id;
		insert into hist (acct, what) values (:id, 'visit'), (:id, repeat('w', :dice * 20));
		update pair set v = 'v' || :dice where b = :id / 4;
		\if :dice = 1
		rollback;
		\else
		commit;
		\endif
		\if :dice = 2
		insert into acct select nextval('fresh'), i, null from generate_series(1, 20) i;
		\endif
		\if :dice = 3
		delete from hist where id in (select id from hist order by id limit 5);
		\endif
		\if :dice = 4
		update acct set id = nextval('fresh') where id = (select max(id) from acct where id >= 10000000);
		\endif
	SQL
}

# kill_load [RATE]: start the load in the background; kill_load_stop ends it.
kill_load() {
	pgbench -n -c 2 -j 1 -T 3600 -R "${1:-100}" -f "$T/load.sql" >"$T/pgbench.log" 2>&1 &
	LOAD=$!
	EZ_CHILDREN+=("$LOAD")
}
kill_load_stop() {
	kill -TERM "$LOAD" 2>/dev/null || true
	wait "$LOAD" 2>/dev/null || true
}

# nap_up_to MS: some time, at random.
nap_up_to() { python3 -c "import random, time; time.sleep(random.random() * $1 / 1000)"; }
