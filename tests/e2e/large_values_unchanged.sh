#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A large value that an update does not touch is not sent by the server: it is named in `unchanged` and never becomes null.
# Under FULL the server sends it in the old row.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table docs (id int primary key, n int, one text, two text, three bytea, list text[]);
alter table docs alter one set storage external, alter two set storage external, alter three set storage external,
    alter list set storage external;
create table full_docs (like docs including all);
alter table full_docs replica identity full;
create function big(c text) returns text language sql as $$ select repeat(c, 100000) $$;
insert into docs values (1, 0, big('a'), big('b'), decode(repeat('00ff', 40000), 'hex'), array[big('c'), null]);
insert into docs values (2, 0, 'small', null, '\x', '{}');
insert into full_docs select * from docs;
SQL
job toast source='tables = [ "public.*" ];'
run toast --until=now
verify toast

step "other columns change; a large one changes; to null; from null; the key changes; insert and update in one transaction"
sqlf <<'SQL'
update docs set n = 1;
update docs set n = 2, one = big('A') where id = 1;
update docs set two = null where id = 1;
update docs set two = big('B') where id = 1;
update docs set id = 11 where id = 1;
begin;
insert into docs values (3, 0, big('x'), big('y'), null, null);
update docs set n = 1 where id = 3;
update docs set id = 33, one = 'now small' where id = 3;
commit;
update full_docs set n = n + 1;
update full_docs set id = 11, two = big('Z') where id = 1;
delete from full_docs where id = 2;
SQL
run toast --until=now
expect_changes toast --op cud --table public.docs --column id --column n <<'END'
u public.docs {"id":1} -> {"id":1,"n":1} unchanged ["one","two","three","list"]
u public.docs {"id":2} -> {"id":2,"n":1}
u public.docs {"id":1} -> {"id":1,"n":2} unchanged ["two","three","list"]
u public.docs {"id":1} -> {"id":1,"n":2} unchanged ["one","three","list"]
u public.docs {"id":1} -> {"id":1,"n":2} unchanged ["one","three","list"]
u public.docs {"id":11} {"id":1} -> {"id":11,"n":2} unchanged ["one","two","three","list"]
c public.docs {"id":3} -> {"id":3,"n":0}
u public.docs {"id":3} -> {"id":3,"n":1} unchanged ["one","two"]
u public.docs {"id":33} {"id":3} -> {"id":33,"n":1} unchanged ["two"]
END
verify toast
