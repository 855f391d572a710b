#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
#
# Every type's ordinary and extreme values, as types.tsv has them: the same in the snapshot and in the stream, for a role of
# ordinary and for one of hostile settings.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

types=$EZ_SRC/tests/e2e/types.tsv
check=$EZ_SRC/tests/e2e/types_check.py

pg_start
grep -v -E '^(hstore|citext|ltree)	' "$types" >"$T/types.tsv"
for ext in hstore citext ltree; do
	if sql "create extension $ext" 2>/dev/null; then grep "^$ext	" "$types" >>"$T/types.tsv"; fi
done
sqlf <<'SQL'
create type mood as enum ('sad', 'it''s "ok"');
create domain small as int check (value < 10);
create domain smaller as small check (value < 5);
create domain label as varchar(10);
create type pair as (a int, b text);
create type nested as (p pair, l int[]);
create type floatrange as range (subtype = float8);
create role hostile superuser login;
alter role hostile set datestyle = 'German, DMY';
alter role hostile set intervalstyle = 'iso_8601';
alter role hostile set timezone = 'Asia/Kathmandu';
alter role hostile set bytea_output = 'escape';
alter role hostile set extra_float_digits = -15;
alter role hostile set client_encoding = 'LATIN1';
alter role hostile set standard_conforming_strings = off;
alter role hostile set default_transaction_read_only = on;
alter role hostile set default_transaction_isolation = 'serializable';
alter role hostile set quote_all_identifiers = on;
alter role hostile set xmloption = 'document';
alter role hostile set statement_timeout = '200ms';
alter role hostile set idle_in_transaction_session_timeout = '100ms';
alter role hostile set lock_timeout = '100ms';
create schema evil;
create function evil.length(text) returns int language sql as 'select -1';
create view evil.pg_class as select 1 as oid;
create view evil.pg_attribute as select 1 as attrelid;
alter role hostile set search_path = evil, public, pg_catalog;
SQL
if locale -a 2>/dev/null | grep -qi '^de_DE\.utf-\?8$'; then sql "alter role hostile set lc_monetary = 'de_DE.UTF-8'"; fi

python3 "$check" table "$T/types.tsv" | sqlf
python3 "$check" sql "$T/types.tsv" 0 | sqlf

job plain source='tables = [ "public.v" ];'
job hostile conninfo="$(pg_conninfo postgres hostile)" source='tables = [ "public.v" ];'
run plain --until=now
run hostile --until=now
step "the same rows again, as changes"
python3 "$check" sql "$T/types.tsv" 1000 | sqlf
run plain --until=now
run hostile --until=now
python3 "$check" check "$T/types.tsv" "$T/plain/out" 0 1000
python3 "$check" check "$T/types.tsv" "$T/hostile/out" 0 1000
verify plain

step "a number of 131,001 digits"
sql "create table n (id int primary key, v numeric, f numeric)"
sql "insert into n values (1, 10::numeric ^ 131000 + 7, 1.5)"
job digits source='tables = [ "public.n" ];'
run digits --until=now
sql "insert into n values (2, 10::numeric ^ 131000 + 7, 10::numeric ^ -16000)"
run digits --until=now
verify digits
