#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
# tsan: yes
#
# Columns added, dropped, renamed and retyped, tables renamed and made again, while the stream runs: each row has the columns
# that it had when it was written.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table s (id int primary key, a text, b int);
create table other (id int primary key);
insert into s values (1, 'one', 1);
SQL
sql "create publication everything for all tables"
job ddl source='publication = "everything";'
run ddl --until=now
start ddl
await_streaming ddl

before=$(lsn)
sqlf <<'SQL'
insert into s values (2, 'two', 2);
alter table s add column c numeric(5,2) default 1.5;
insert into s values (3, 'three', 3);
update s set b = 11 where id = 1;
alter table s drop column a;
insert into s values (4, 4, 4.25);
alter table s rename column b to n;
update s set n = 44 where id = 4;
alter table s alter column n type bigint, add column d text, add column e date default '2024-02-29';
insert into s values (5, 5000000000, 5, 'five');
begin;
insert into s values (6, 6, 6, 'six');
alter table s drop column d, drop column e;
insert into s values (7, 7, 7);
alter table s add column f int;
insert into s values (8, 8, 8, 8);
commit;
alter table s alter column n type text using 'n' || n;
update s set f = 1 where id = 8;
begin;
alter table s add column never int;
insert into s values (9, 'n9', 9, 9, 9);
rollback;
alter table s disable trigger all;
comment on table s is 'no change of shape';
grant select on s to public;
delete from s where id = 8;
SQL
await_confirmed ddl "$before"
stop ddl
run ddl --until=now
expect_changes ddl --op cud --table public.s <<'END'
c public.s {"id":2} -> {"id":2,"a":"two","b":2}
c public.s {"id":3} -> {"id":3,"a":"three","b":3,"c":"1.50"}
u public.s {"id":1} -> {"id":1,"a":"one","b":11,"c":"1.50"}
c public.s {"id":4} -> {"id":4,"b":4,"c":"4.25"}
u public.s {"id":4} -> {"id":4,"n":44,"c":"4.25"}
c public.s {"id":5} -> {"id":5,"n":5000000000,"c":"5.00","d":"five","e":"2024-02-29"}
c public.s {"id":6} -> {"id":6,"n":6,"c":"6.00","d":"six","e":"2024-02-29"}
c public.s {"id":7} -> {"id":7,"n":7,"c":"7.00"}
c public.s {"id":8} -> {"id":8,"n":8,"c":"8.00","f":8}
u public.s {"id":8} -> {"id":8,"n":"n8","c":"8.00","f":1}
d public.s {"id":8} {"id":8}
END

step "the table is renamed, another takes its name, an enum gets a label"
start ddl
before=$(lsn)
sqlf <<'SQL'
create type mood as enum ('sad');
alter table s add column m mood;
insert into s values (10, 'n10', 10, 10, 'sad');
alter type mood add value 'glad';
update s set m = 'glad' where id = 10;
begin;
alter table s rename to s_old;
update s_old set f = 11 where id = 10;
commit;
insert into s_old values (12, 'n12', 12, 12, null);
create schema moved;
alter table s_old set schema moved;
delete from moved.s_old where id = 12;
SQL
await_confirmed ddl "$before"
stop ddl
run ddl --until=now
changes ddl --op cud | tail -n 5 >"$T/renamed"
diff -u - "$T/renamed" <<'END' || fail "renames"
c public.s {"id":10} -> {"id":10,"n":"n10","c":"10.00","f":10,"m":"sad"}
u public.s {"id":10} -> {"id":10,"n":"n10","c":"10.00","f":10,"m":"glad"}
u public.s_old {"id":10} -> {"id":10,"n":"n10","c":"10.00","f":11,"m":"glad"}
c public.s_old {"id":12} -> {"id":12,"n":"n12","c":"12.00","f":12,"m":null}
d moved.s_old {"id":12} {"id":12}
END
sound ddl --from-now

step "a table renamed to what the job's patterns do not select is followed no longer, and that is said"
sql "create table leaves (id int primary key)" "insert into leaves values (1)"
job pat source='tables = [ "public.leaves" ];'
run pat --until=now
sql "insert into leaves values (2)" "alter table leaves rename to gone" "insert into gone values (3)"
run pat --until=now
[ "$(changes pat | wc -l)" = 2 ] || fail "$(changes pat)"
grep -q 'gone' "$T/pat/log" || fail "nothing is said about the table that left: $(cat "$T/pat/log")"
