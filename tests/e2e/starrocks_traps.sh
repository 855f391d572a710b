#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What goes wrong between PostgreSQL and a copy of it, all of it at once, into StarRocks with and without transactions over tables:
# the scenarios of tests/data/traps, while tables are rewritten under the copy, transactions are open when the slot is made, sessions
# interleave, the line is cut, the daemon is killed and the server restarted. Afterwards every table is what the source has, the same
# in both versions, and the cluster has nothing to complain about.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

scenarios=("$EZ_SRC"/tests/data/traps/*.sql)
trap_() { python3 "$TESTKIT/traps.py" "$@"; }

# What each wants: an encoding, a publication's list, options of a publication of its own. By name, which is the schema's too.
declare -A ENCODING=() LISTED=() OPTIONS=()
NAMES=()
while IFS='|' read -r name encoding list options; do
	NAMES+=("$name")
	ENCODING[$name]=$encoding LISTED[$name]=$list OPTIONS[$name]=$options
done < <(trap_ list "${scenarios[@]}")

# Where a scenario is played; the files of all that are played in database $1.
database() { if [ -n "${ENCODING[$1]}" ]; then echo "${DB}_$1"; else echo "$DB"; fi; }
files_in() {
	local name
	for name in "${NAMES[@]}"; do
		[ "$(database "$name")" != "$1" ] || echo "$EZ_SRC/tests/data/traps/$name.sql"
	done
}

# play SECTION: this part of each scenario.
play() {
	local db
	for db in "${DATABASES[@]}"; do
		# shellcheck disable=SC2046
		trap_ sql "$1" $(files_in "$db") | PGCLIENTENCODING=UTF8 sqlf "$db" >"$T/played" || fail "$1 in $db"
	done
}

# Publications and jobs: one for most scenarios, some have one of their own.
publish() {
	local name=$1 db list=${LISTED[$1]} options=${OPTIONS[$1]}
	db=$(database "$name")
	[ -n "$list" ] || list=$(sql -d "$db" "select string_agg(format('%I.%I', relnamespace::regnamespace, relname), ', ') from pg_class
		where relnamespace::regnamespace::text = '$name' and relkind in ('r', 'p') and not relispartition")
	if [ -z "$options${ENCODING[$name]}" ]; then
		sql "set search_path = $name; alter publication traps add table $list"
		return
	fi
	sql -d "$db" "set search_path = $name; create publication $name for table $list ${options:+with ($options)}"
	sr_job "$name$DB" conninfo="host=127.0.0.1 port=$PROXY_PORT dbname=$db user=postgres" source="publication = \"$name\";" \
		sink='table = "{schema}_{table}";' top='batch = { max_age = "50ms"; };'
	JOBS+=("$name$DB")
}

# An open session that is fed through a descriptor; sets FD.
session() {
	mkfifo "$T/$1"
	psql -XqAt -d "$DB" <"$T/$1" >"$T/$1.out" 2>&1 &
	EZ_CHILDREN+=($!)
	exec {FD}>"$T/$1"
}

# TRUNCATE and ALTER TABLE are not MVCC-safe: a copy must notice them.
disturb() {
	local i=0
	while [ ! -e "$T/enough" ] && [ "$i" -lt 6 ]; do
		i=$((i + 1))
		case $((i % 3)) in
		0) sql "begin; truncate live.w; insert into live.w select i, $i, 'x' from generate_series(1, 500) i; commit" ;;
		1) sql "alter table live.w alter column n type bigint" "alter table live.w alter column n type int" ;;
		2) sql "begin; insert into live.w values (1000000 + $i, 0, 'y'); commit" ;;
		esac >/dev/null 2>&1 || true
		python3 -c "import random, time; time.sleep(random.random() * 0.4)"
	done
}

prepare() {
	local name
	sql -d postgres "create database $DB"
	PGDATABASE=$DB
	DATABASES=("$DB")
	for name in "${NAMES[@]}"; do
		[ -n "${ENCODING[$name]}" ] || continue
		DATABASES+=("$(database "$name")")
		sql "create database $(database "$name") encoding '${ENCODING[$name]}' locale 'C' template template0"
	done
	play setup
	sqlf <<-'SQL'
	create schema live;
	create table live.w (id int primary key, n int, pad text);
	insert into live.w select i, i, repeat('w', 100) from generate_series(1, 2000) i;
	create table live.t (id bigserial primary key, who int, n int);
	create table live.counter (id int primary key, n int);
	insert into live.counter select i, 0 from generate_series(1, 20) i;
	create table live.early (id int primary key, v text);
	insert into live.early select i, 'old' from generate_series(1, 10) i;
	create publication traps for table live.w, live.t, live.counter, live.early with (publish_via_partition_root = true);
	SQL
	JOBS=("traps$DB")
	sr_job "traps$DB" conninfo="host=127.0.0.1 port=$PROXY_PORT dbname=$DB user=postgres" source='publication = "traps"; messages = true;' \
		sink='table = "{schema}_{table}";' top='memory = "16MiB"; batch = { max_age = "50ms"; };'
	for name in "${NAMES[@]}"; do publish "$name"; done
}

start_all() {
	local job
	for job in "${JOBS[@]}"; do start "$job"; done
}
await_all() {
	local job
	for job in "${JOBS[@]}"; do await_streaming "$job" 40; done
}

cat >"$T/interleaved.sql" <<'SQL'
\set who random(1, 1000)
\set c random(1, 20)
\set wait random(0, 3)
begin;
insert into live.t (who, n) values (:who, 1), (:who, 2);
select pg_sleep(:wait / 1000.0);
update live.counter set n = n + 1 where id = :c;
insert into live.t (who, n) values (:who, 3);
commit;
SQL

pg_start -n main logical_decoding_work_mem=64kB max_prepared_transactions=10
proxy_start
for version in ${EZ_PROFILES:-4.0 3.3}; do
	step "version $version"
	DB=v${version/./}
	sr_start --profile="$version" --fe=2 --be=2 --publish-ms=20
	prepare

	step "the copy, of tables that are rewritten and beside open transactions"
	session "early$DB"
	echo "begin; insert into live.early values (11, 'open before the slot'); update live.early set v = 'changed early' where id = 1;" >&"$FD"
	await 10 "the open transaction" sql_is "select exists (select 1 from pg_stat_activity where state = 'idle in transaction')"
	rm -f "$T/enough"
	disturb &
	EZ_CHILDREN+=($!)
	disturber=$!
	start_all
	await 20 "the slot to be asked for" sql_is "select exists (select 1 from pg_replication_slots where slot_name = 'ezcdc_traps$DB')"
	sql "insert into live.early values (12, 'committed while the slot waits')"
	echo "commit;" >&"$FD"
	exec {FD}>&-
	await_all
	touch "$T/enough"
	wait "$disturber"

	step "the stream, with sessions that interleave and a line that is cut"
	pgbench -n -c 6 -j 1 -t 60 -f "$T/interleaved.sql" >"$T/pgbench.log" 2>&1 &
	load=$!
	EZ_CHILDREN+=("$load")
	touch "$PROXY/reset"
	play stream
	wait "$load" || fail "pgbench: $(tail -n 3 "$T/pgbench.log")"
	for job in "${JOBS[@]}"; do
		alive "$job" || fail "job $job ended by itself: $(last_line "$job")"
		kill9 "$job"
	done

	step "while the daemons are dead, and while the server is restarted"
	play again
	start_all
	await_all
	pg_stop immediate
	pg_boot
	PGDATABASE=$DB
	play last
	for job in "${JOBS[@]}"; do
		stop "$job"
		run "$job" --until=now
	done
	for db in "${DATABASES[@]}"; do
		# shellcheck disable=SC2046
		trap_ compare "$SR_CONTROL" "$(pg_conninfo "$db")" "$T/rows-${db/$DB/}-$version" $(files_in "$db") ||
			fail "version $version: StarRocks differs from the source"
	done
	sr_violations
	sr_stop
done

for file in "$T"/rows-*-4.0; do
	[ -n "${EZ_PROFILES:-}" ] || cmp "$file" "${file%4.0}3.3" || fail "the versions differ"
done
