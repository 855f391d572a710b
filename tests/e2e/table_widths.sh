#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A table of 1600 columns, one without any, one of only a key, an empty one; what cannot be replicated is left out or refused.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
python3 - <<'PY' | sqlf
print("create table wide (c0 int primary key, " + ", ".join(f"c{i} bool" for i in range(1, 1600)) + ");")
print("insert into wide select 1;")
print("insert into wide values (2, " + ", ".join("true" for i in range(1, 1600)) + ");")
PY
sqlf <<'SQL'
create table none ();
alter table none replica identity full;
create table only_key (id int primary key);
create table empty (id int primary key, v text);
create table heir (extra int) inherits (only_key);
create view a_view as select * from only_key;
create materialized view a_matview as select * from only_key;
create unlogged table unlogged (id int primary key);
create sequence a_sequence;
insert into none default values;
insert into only_key values (1);
SQL
job wide source='tables = [ "public.wide", "public.none", "public.only_key", "public.empty" ];'
run wide --until=now
sqlf <<'SQL'
update wide set c1599 = false where c0 = 1;
delete from wide where c0 = 2;
insert into none default values;
insert into only_key values (2);
insert into empty values (1, null);
SQL
run wide --until=now
expect_changes wide --column c0 --column c1599 --column id <<'END'
r public.none - -> {}
r public.only_key {"id":1} -> {"id":1}
r public.wide {"c0":1} -> {"c0":1,"c1599":null}
r public.wide {"c0":2} -> {"c0":2,"c1599":true}
u public.wide {"c0":1} -> {"c0":1,"c1599":false}
d public.wide {"c0":2} {"c0":2}
c public.none - -> {}
c public.only_key {"id":2} -> {"id":2}
c public.empty {"id":1} -> {"id":1}
END
verify wide

step "a pattern takes tables only; a name that is no table is refused"
job views source='tables = [ "public.a_view" ];'
try views --until=now
expect_exit views 78 'a_view'
job unlogged source='tables = [ "public.unlogged" ];'
try unlogged --until=now
expect_exit unlogged 78 'unlogged'
job missing source='tables = [ "public.no_such_table" ];'
try missing --until=now
expect_exit missing 78 'no_such_table'
