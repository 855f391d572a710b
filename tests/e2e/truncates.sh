#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# TRUNCATE stands in the stream where it was done: one table, several, cascading, in the middle of a transaction.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table a (id serial primary key, v int);
create table b (id int primary key, a_id int references a);
create table c (id int primary key);
create table unpublished (id int primary key);
insert into a (v) select i from generate_series(1, 5) i;
insert into b values (1, 1);
insert into c values (1);
SQL
job trunc source='tables = [ "public.a", "public.b", "public.c" ];'
run trunc --until=now
sqlf <<'SQL'
truncate c;
insert into c values (2);
begin;
insert into b values (2, 2);
insert into c values (3);
truncate a restart identity cascade;
insert into a (v) values (100);
insert into b values (3, 1);
commit;
truncate c, unpublished;
begin;
truncate a cascade;
rollback;
begin;
savepoint s;
truncate c;
rollback to s;
insert into c values (4);
commit;
SQL
run trunc --until=now
changes trunc --op ctud | sed 's/ \(cascade\|restart_identity\)//g' >"$T/have"
diff -u - "$T/have" <<'END' || fail "truncates"
t public.c -
c public.c {"id":2} -> {"id":2}
c public.b {"id":2} -> {"id":2,"a_id":2}
c public.c {"id":3} -> {"id":3}
t public.a -
t public.b -
c public.a {"id":1} -> {"id":1,"v":100}
c public.b {"id":3} -> {"id":3,"a_id":1}
t public.c -
c public.c {"id":4} -> {"id":4}
END
verify trunc
