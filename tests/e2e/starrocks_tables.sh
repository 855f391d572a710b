#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Tables in StarRocks follow the source: columns added (with what old rows have in them), widened, renamed and dropped, while the
# server takes its time for it; large values that an update did not send; rows that are kept when they are deleted; tables that
# were there before.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

# dumped TABLE COLUMNS JSON...: these columns of the rows, in the order of their keys.
dumped() {
	local table=$1 columns=$2
	shift 2
	sr_dump shop "$table" | python3 -c '
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    print(json.dumps({name: row[name] for name in sys.argv[1].split()}))' "$columns" >"$T/dump"
	printf '%s\n' "$@" >"$T/wanted"
	diff "$T/wanted" "$T/dump" >&2 || fail "table $table is not as expected"
}

# refused NAME TEXT...: a job that cannot start says why, all of it.
refused() {
	local name=$1 text
	shift
	try "$name" --until=now
	[ "$RC" = 78 ] || fail "dbmazz $name ended with $RC: $(last_line "$name")"
	for text in "$@"; do grep -qF "$text" "$T/$name/log" || fail "the log does not say \"$text\": $(cat "$T/$name/log")"; done
}

await_equal() {
	local i
	for ((i = 0; i < 60; i++)); do
		if sr_is_equal "$@"; then return 0; fi
		sleep 0.1
	done
	sr_equal "$@"
}

pg_start
step "columns come, change and go"
sr_start --profile=3.3
sr_set '"alter_is_sync": false, "alter_ms": 150'
sqlf <<'SQL'
create table t (id int primary key, name varchar(10), n int);
insert into t values (1, 'one', 1), (2, 'two', 2);
SQL
sr_job evolve source='tables = [ "public.t" ];' top='batch = { max_age = "50ms"; };'
ez check --json "$T/evolve/job.conf" >"$T/check" 2>&1 || fail "check: $(cat "$T/check")"
grep -qF "database shop will be made" "$T/check" || fail "check: $(cat "$T/check")"
sr_job greedy source='tables = [ "public.t" ];'
sed -i 's/replication_num = 1/replication_num = 9/; s/password = "[^"]*"/password = "wrong"/' "$T/greedy/job.conf"
! ez check "$T/greedy/job.conf" >"$T/check" 2>&1 || fail "check passed: $(cat "$T/check")"
grep -qF "check user and password of the sink" "$T/check" || fail "check: $(cat "$T/check")"
sed -i "s/password = \"wrong\"/password = \"$SR_PASSWORD\"/" "$T/greedy/job.conf"
! ez check "$T/greedy/job.conf" >"$T/check" 2>&1 || fail "check passed: $(cat "$T/check")"
grep -qF "too few for replication_num 9" "$T/check" || fail "check: $(cat "$T/check")"
start evolve
await_streaming evolve
sqlf <<'SQL'
alter table t add column state text default 'new', add column at timestamptz, add column ok boolean default true;
insert into t values (3, 'three', 3, 'paid', '2024-01-01 00:00Z', false);
SQL
await_equal t
sqlf <<'SQL'
alter table t alter n type bigint, alter name type varchar(40);
update t set n = 5000000000, name = repeat('ü', 40) where id = 2;
alter table t rename column state to status;
update t set status = 'sent' where id = 3;
SQL
await_equal t
sqlf <<'SQL'
alter table t drop column at;
insert into t values (4, 'four', 4, 'x', null);
SQL
await_equal t
stop evolve
sql "alter table t add column late int default 7; insert into t values (6, 'six', null, 'y', null, 6)"
run evolve --until=now
sr_equal t
sr_violations
sr_stop

step "values that were not sent, and rows that stay"
sr_start --profile=4.0
sqlf <<'SQL'
create table big (id int primary key, n int, body text, doc jsonb, raw bytea, list text[]);
alter table big alter body set storage external, alter doc set storage external, alter raw set storage external, alter list set storage external;
insert into big select i, 0, repeat(i::text, 5000), jsonb_build_object('a', repeat('x', 4000), 'i', i),
	decode(repeat('0a0' || i, 3000), 'hex'), array[repeat('q"', 2000), null] from generate_series(1, 6) i;
SQL
sr_job large source='tables = [ "public.big" ];'
sr_job soft source='tables = [ "public.big" ];' sink='table = "{table}_soft"; delete = "soft"; audit = [ "op", "lsn" ];'
run large --until=now
run soft --until=now
sr_dump shop big >"$T/big.before"
sqlf <<'SQL'
begin;
update big set n = 1 where id = 1;
update big set n = 2, body = 'short' where id = 2;
update big set id = 30, n = 3 where id = 3;
update big set id = 40 where id = 4;
update big set id = 4 where id = 30;
delete from big where id = 5;
commit;
SQL
run large --until=now
run soft --until=now
sr_dump shop big | python3 -c '
import json, sys
before = {int(r["id"]): r for r in map(json.loads, open(sys.argv[1], encoding="utf-8"))}
now = {int(r["id"]): r for r in map(json.loads, sys.stdin)}
assert sorted(now) == [1, 2, 4, 6, 40], sorted(now)
for new, old in ((1, 1), (2, 2), (4, 3), (6, 6), (40, 4)):
    for name in ("body", "doc", "raw", "list"):
        if (new, name) != (2, "body"):
            assert now[new][name] == before[old][name] and now[new][name], (new, name)
assert [str(now[i]["n"]) for i in (1, 2, 4, 40)] == ["1", "2", "3", "0"], now' "$T/big.before" || fail "large values got lost"
dumped big_soft "id n _ez_deleted _ez_op" \
	'{"id": 1, "n": 1, "_ez_deleted": 0, "_ez_op": "u"}' '{"id": 2, "n": 2, "_ez_deleted": 0, "_ez_op": "u"}' \
	'{"id": 3, "n": 0, "_ez_deleted": 1, "_ez_op": "u"}' '{"id": 4, "n": 3, "_ez_deleted": 0, "_ez_op": "u"}' \
	'{"id": 5, "n": 0, "_ez_deleted": 1, "_ez_op": "d"}' '{"id": 6, "n": 0, "_ez_deleted": 0, "_ez_op": "r"}' \
	'{"id": 30, "n": 3, "_ez_deleted": 1, "_ez_op": "u"}' '{"id": 40, "n": 0, "_ez_deleted": 0, "_ez_op": "u"}'

step "tables that were there before"
sqlf <<'SQL'
create table fits (id int primary key, a varchar(5), b numeric, c int);
insert into fits values (1, 'a', 1.5, 3);
create table wrong (id int primary key, a int, b numeric(10,2), c date);
create table keyless (a int);
alter table keyless replica identity full;
SQL
sr_sql >/dev/null "create table shop.fits (id bigint not null, c bigint null, a varchar(50) null, b decimal(20,3) null, own int null)
	primary key (id) distributed by hash(id) properties ('replication_num' = '1')" \
	"create table shop.wrong (id int not null, a date null, b decimal(10,1) null, more int not null)
	primary key (id) distributed by hash(id) properties ('replication_num' = '1')"
sr_job fits source='tables = [ "public.fits" ];' sink='create = false; evolve = false;'
run fits --until=now
dumped fits "id a b c own" '{"id": 1, "a": "a", "b": "1.500", "c": 3, "own": null}'
sr_job wrong source='tables = [ "public.wrong" ];' sink='evolve = false;'
refused wrong "column a is DATE, needed is INT" "column b is DECIMAL(10,1), needed is DECIMAL(10,2)" "column c is missing" \
	"column more needs a value"
sr_job keyless source='tables = [ "public.keyless" ];'
refused keyless "table public.keyless has no key" "REPLICA IDENTITY USING INDEX"
sr_violations
sr_stop
