#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Schema changes over a MySQL side that misbehaves: strange names, tables made and emptied, connections lost before and after the
# deed, changes refused as busy, slow, cancelled, or unknown to an old server. StarRocks ends with the columns and the rows of the
# source, or the job says what is in its way.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

# The names of the columns, in order of the names: those of the source, and those of StarRocks.
source_columns() { sql "select string_agg(column_name, ',' order by column_name) from information_schema.columns where table_name = '$1'"; }
# What a statement gives, one row a line, cells separated by a bar.
sr_rows() {
	sr_sql "$1" | python3 -c '
import json, sys
for line in sys.stdin:
	data = json.loads(line).get("data")
	if data is not None:
		print("|".join("NULL" if v is None else str(v) for v in data))
'
}
target_columns() {
	sr_rows "select COLUMN_NAME from information_schema.columns where TABLE_SCHEMA = 'shop' and TABLE_NAME = '$1'" | sort | paste -sd,
}
expect_columns() {
	local want have
	want=$(source_columns "$1" | tr , '\n' | sort | paste -sd,)
	have=$(target_columns "$1")
	[ "$want" = "$have" ] || fail "table $1 has the columns $have, the source has $want"
}
expect_type() {
	local have
	have=$(sr_rows "select COLUMN_TYPE from information_schema.columns where TABLE_NAME = '$1' and COLUMN_NAME = '$2'")
	[ "$have" = "$3" ] || fail "column $2 of $1 is $have, not $3"
}
jobs() { sr_rows "show alter table column from shop where State = '$1'" | wc -l; }

pg_start

step "each change takes its time"
sr_start --profile=4.0 --fe=2 --be=2
sr_set '"alter_is_sync": false, "alter_ms": 200'
sqlf <<'SQL'
create table item (id int primary key, name varchar(10), n int, "a`b c" text, gone int);
create table pair (a int, b text, v smallint, primary key (b, a));
insert into item select i, 'item ' || i, i, 'x' || i, i from generate_series(1, 50) i;
insert into pair select i, 'p' || i, i from generate_series(1, 20) i;
SQL
sql "create publication everything for all tables"
sr_job ddl source='publication = "everything";' top='batch = { max_age = "50ms"; };'
start ddl
await_streaming ddl
# change TABLE MARK SQL...: each argument is a transaction of its own. They are applied when MARK, which the last one writes, is there.
has_mark() { sr_dump shop "$1" | grep -qF "$2" || { sleep 0.2; false; }; }
change() {
	local table=$1 mark=$2
	shift 2
	sql "$@"
	await 20 "$mark in table $table, written by $*" has_mark "$table" "$mark"
}
change item renamed "alter table item rename column \"a\`b c\" to \"c d\`e\"" "update item set \"c d\`e\" = 'renamed' where id = 50"
change item '5000000000' "alter table item alter column n type bigint, alter column name type varchar(40), drop column gone, add column price numeric(7,2) default 1.5,
	add column note varchar(9) default 'it''s \\'" "insert into item values (54, repeat('long ', 8), 5000000000, 'x', 0, 'n')"
change pair big "alter table pair alter column v type int" "delete from pair where a = 1" "insert into pair values (21, 'big', 100000)"
sr_equal item pair
expect_columns item
expect_columns pair
expect_type item n bigint
expect_type item name 'varchar(160)'
expect_type pair v int
[ "$(jobs FINISHED)" -ge 4 ] || fail "the schema changes were $(sr_rows 'show alter table column from shop')"

step "a new table, an emptied one, a column that comes back"
before=$(lsn)
sqlf <<'SQL'
create table late (id bigint primary key, t timestamptz default '2024-02-29 12:00:00.5+00', b bytea);
insert into late values (1, default, '\x0001ff');
truncate item, pair;
insert into item values (1, 'again', 1, 'y', 1, 'n');
alter table item add column gone text default 'back';
insert into item values (2, 'again', 2, 'y', 2, 'n', 'here');
SQL
await_confirmed ddl "$before" 30
stop ddl
run ddl --until=now
sr_equal item pair
expect_columns item
expect_columns late
sr_violations

step "lost connections, busy tables, slow changes"
start ddl
await_streaming ddl
sr_fault '"kind": "sql_close", "subject": "ALTER*", "count": 1'
sr_fault '"kind": "sql_close_after", "subject": "ALTER*", "skip": 1, "count": 1'
sr_fault '"kind": "alter_busy", "count": 2'
sr_fault '"kind": "alter_slow", "ms": 800, "count": 1'
sr_fault '"kind": "sql_close", "subject": "SHOW ALTER*", "skip": 2, "count": 1'
sr_fault '"kind": "sql_error", "subject": "DESC*", "status": 1064, "text": "Backend node not found", "count": 1'
change item three "alter table item add column f1 int default 7; insert into item values (3, 'three', 3, 'y', 3, 'n', 'here', 8)"
change item four "alter table item drop column note; insert into item values (4, 'four', 4, 'y', 4, 'here', 9)"
change item five "alter table item rename column f1 to f2; update item set f2 = f2 + 1, name = 'five' where id = 4"
sr_equal item
expect_columns item
stop ddl

step "several changes while the job is stopped: the source's catalog is ahead of its stream"
sqlf <<'SQL'
insert into item values (10, 'ten', 10, 'y', 10, 'here', 9);
alter table item add column s1 int default 1;
insert into item values (11, 'eleven', 11, 'y', 11, 'here', 9, 2);
alter table item drop column s1, drop column f2;
insert into item values (13, 'between', 13, 'y', 13, 'here');
alter table item add column s2 text default 'two';
insert into item values (12, 'twelve', 12, 'y', 12, 'here', 'twelve');
SQL
run ddl --until=now
sr_equal item
expect_columns item

step "old names that the catalog gives no number to: what is known of the table does"
sqlf <<'SQL'
insert into item values (14, 'fourteen', 14, 'y', 14, 'here', 'old name');
alter table item rename column s2 to s3;
insert into item values (15, 'fifteen', 15, 'y', 15, 'here', 'new name');
alter table item add column t1 text;
update item set s3 = s3 || '!' where id in (12, 14);
alter table item rename column t1 to t2;
insert into item values (16, 'sixteen', 16, 'y', 16, 'here', 'new name', 'tee');
SQL
run ddl --until=now
sr_equal item
expect_columns item
sql "alter table item drop column t2" "alter table item rename column s3 to s2" "insert into item values (17, '17', 17, 'y', 17, 'here', 'again')"
run ddl --until=now
sr_equal item
expect_columns item

step "a change that the server cancels stops the job; started again, it goes on"
sr_fault '"kind": "alter_cancel", "count": 1'
sqlf <<'SQL'
alter table item add column last text;
insert into item values (5, '5', 5, 'y', 5, 'here', 's', 'last');
SQL
try ddl --until=now
[ "$RC" != 0 ] || fail "the job took no notice of the cancelled change"
grep -q 'cancelled the schema change' "$T/ddl/log" || fail "the log does not say why: $(last_line ddl)"
run ddl --until=now
sr_equal item
expect_columns item
sr_violations
sr_stop

step "changes that are done at once, and a server that cannot rename"
sr_start --profile=3.2
sr_job old source='tables = [ "public.item" ];'
run old --until=now
sr_equal item
sqlf <<'SQL'
alter table item add column wide varchar(3);
insert into item values (6, 'six', 6, 'y', 6, 'here', 's', 'last', 'abc');
alter table item alter column wide type varchar(20);
insert into item values (7, 'seven', 7, 'y', 7, 'here', 's', 'last', 'abcdefgh');
SQL
run old --until=now
sr_equal item
expect_type item wide 'varchar(80)'
sqlf <<'SQL'
alter table item rename column wide to wider;
insert into item values (8, 'eight', 8, 'y', 8, 'here', 's', 'last', 'abc');
SQL
try old --until=now
[ "$RC" != 0 ] || fail "the job took no notice of the renamed column"
grep -q 'rename' "$T/old/log" || fail "the log does not say why: $(last_line old)"
sr_violations
sr_stop
