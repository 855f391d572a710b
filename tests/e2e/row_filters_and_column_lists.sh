#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A publication's row filter and column list hold for the copy as they do for the stream; generated columns are in neither.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table f (id int primary key, n int, note text);
alter table f replica identity full;
create table c (id int primary key, secret text, n int, twice int generated always as (n * 2) stored, note text);
create table both_of (id int primary key, a int, b int, c int);
create table g (id int primary key, n int, twice int generated always as (n * 2) stored, note text);
insert into f select i, i, 'row ' || i from generate_series(1, 10) i;
insert into c (id, secret, n, note) values (1, 'hush', 1, 'a'), (2, 'hush', 2, 'b');
insert into both_of values (1, 1, 1, 1), (7, 7, 7, 7);
insert into g (id, n, note) values (1, 1, 'a');
create publication p for table f where (n > 5), c (id, n, note), both_of (id, b) where (id > 5), g;
SQL
job lists source='publication = "p";'
run lists --until=now
expect_changes lists --table public.c --table public.both_of --table public.g <<'END'
r public.both_of {"id":7} -> {"id":7,"b":7}
r public.c {"id":1} -> {"id":1,"n":1,"note":"a"}
r public.c {"id":2} -> {"id":2,"n":2,"note":"b"}
r public.g {"id":1} -> {"id":1,"n":1,"note":"a"}
END
[ "$(changes lists --table public.f | wc -l)" = 5 ] || fail "the row filter does not hold for the copy"

step "rows that come into the filter, leave it, stay in it; unlisted columns change"
sqlf <<'SQL'
insert into f values (11, 3, 'outside'), (12, 13, 'inside');
update f set n = 20 where id = 1;
update f set n = 0 where id = 6;
update f set note = 'stays' where id = 7;
update f set note = 'stays outside' where id = 2;
delete from f where id = 3;
delete from f where id = 8;
update c set secret = 'more' where id = 1;
update c set n = 5 where id = 2;
insert into both_of values (2, 2, 2, 2), (8, 8, 8, 8);
update both_of set a = 9, c = 9;
update g set n = 2;
SQL
run lists --until=now
changes lists --op cud --table public.f | cut -d ' ' -f 1,2 | sort | uniq -c | tr -s ' ' >"$T/f"
diff -u - "$T/f" <<'END' || fail "filter: $(changes lists --op cud --table public.f)"
 2 c public.f
 2 d public.f
 1 u public.f
END
expect_changes lists --op cud --table public.c --table public.both_of --table public.g <<'END'
u public.c {"id":1} -> {"id":1,"n":1,"note":"a"}
u public.c {"id":2} -> {"id":2,"n":5,"note":"b"}
c public.both_of {"id":8} -> {"id":8,"b":8}
u public.both_of {"id":7} -> {"id":7,"b":7}
u public.both_of {"id":8} -> {"id":8,"b":8}
u public.g {"id":1} -> {"id":1,"n":2,"note":"a"}
END
verify lists --where 'public.f=n > 5' --where 'public.both_of=id > 5' --columns public.c=id,n,note --columns public.both_of=id,b
