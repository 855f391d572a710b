#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Names with quotes, dots, spaces, percent signs, backslashes, slashes, keywords, emoji, mixed case and of full length.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create schema "Odd ""schema"" .x/ü";
create table "Odd ""schema"" .x/ü"."MiXed ""q"" .tab%le\-'😀" (
    "select" int primary key, "Co""l.um n" text, "ü%s\n" text, "😀" int);
create table "select" ("from" int primary key, "where" text);
create table "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc" (
    "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc" int primary key);
create table "../../../up" (id int primary key);
create table "Case" (id int primary key);
create table "case" (id int primary key);
insert into "Odd ""schema"" .x/ü"."MiXed ""q"" .tab%le\-'😀" values (1, 'a', 'b', 2);
insert into "select" values (1, 'x');
insert into "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc" values (1);
insert into "../../../up" values (1);
insert into "Case" values (1);
insert into "case" values (2);
create publication "Pub ""q"" ü" for all tables;
SQL
job odd source='publication = "Pub \"q\" ü";'
job apart source='publication = "Pub \"q\" ü";' sink='layout = "per-table";'
run odd --until=now
run apart --until=now
sqlf <<'SQL'
update "Odd ""schema"" .x/ü"."MiXed ""q"" .tab%le\-'😀" set "Co""l.um n" = 'changed';
update "select" set "from" = 2;
insert into "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc" values (2);
delete from "../../../up";
insert into "Case" values (3);
insert into "case" values (3);
SQL
run odd --until=now
run apart --until=now
expect_changes odd <<'END'
r Odd "schema" .x/ü.MiXed "q" .tab%le\-'😀 {"select":1} -> {"select":1,"Co\"l.um n":"a","ü%s\\n":"b","😀":2}
r public.../../../up {"id":1} -> {"id":1}
r public.Case {"id":1} -> {"id":1}
r public.abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc {"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc":1} -> {"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc":1}
r public.case {"id":2} -> {"id":2}
r public.select {"from":1} -> {"from":1,"where":"x"}
u Odd "schema" .x/ü.MiXed "q" .tab%le\-'😀 {"select":1} -> {"select":1,"Co\"l.um n":"changed","ü%s\\n":"b","😀":2}
u public.select {"from":2} {"from":1} -> {"from":2,"where":"x"}
c public.abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc {"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc":2} -> {"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc":2}
d public.../../../up {"id":1} {"id":1}
c public.Case {"id":3} -> {"id":3}
c public.case {"id":3} -> {"id":3}
END
[ "$(changes apart | wc -l)" = 12 ] || fail "the per-table layout has $(changes apart | wc -l) changes"
[ -z "$(find "$T/apart/out" -mindepth 1 -maxdepth 1 ! -name .ezcdc ! -regex '.*/[A-Za-z0-9_%-]+\.[A-Za-z0-9_%-]+')" ] ||
	fail "folders: $(ls "$T/apart/out")"
if [ -e "$T/up" ] || [ -e "$T/apart/up" ]; then fail "a table's name led out of the folder"; fi
