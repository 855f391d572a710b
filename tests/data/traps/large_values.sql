-- SPDX-License-Identifier: Apache-2.0
-- C1, C2, C3, C4: large values that an update does not send, with the key alone and with whole old rows, with changes of the key,
-- behind an insert of the same transaction, of one column and of several.
-- @setup
create table docs (id int primary key, n int, one text, two text, three bytea, list text[], j jsonb);
alter table docs alter one set storage external, alter two set storage external, alter three set storage external,
    alter list set storage external, alter j set storage external;
create table full_docs (like docs including all);
alter table full_docs replica identity full;
create function big(c text) returns text language sql as $$ select repeat(c, 20000) $$;
insert into docs values (1, 0, big('a'), big('b'), decode(repeat('00ff', 9000), 'hex'), array[big('c'), null], jsonb_build_object('k', big('d')));
insert into docs values (2, 0, 'small', null, '\x', '{}', 'null');
insert into docs select i, 0, big(i::text), big('t' || i), null, null, null from generate_series(20, 29) i;
insert into full_docs select * from docs;
-- @stream
update docs set n = 1;
update docs set n = 2, one = big('A') where id = 1;
update docs set two = null where id = 1;
update docs set two = big('B') where id = 1;
update docs set id = 11 where id = 1;
begin;
insert into docs values (3, 0, big('x'), big('y'), null, null, '[1]');
update docs set n = 1 where id = 3;
update docs set id = 33, one = 'now small' where id = 3;
commit;
begin;
update docs set id = 120 where id = 20;
update docs set id = 20 where id = 21;
update docs set id = 21 where id = 120;
update docs set two = 'only this one' where id = 22;
update docs set three = '\xff' where id = 23;
delete from docs where id = 24;
insert into docs values (24, 24, null, null, null, null, null);
commit;
update full_docs set n = n + 1;
update full_docs set id = 11, two = big('Z') where id = 1;
delete from full_docs where id = 2;
-- @again
begin;
update docs set n = 5 where id = 11;
update docs set one = 'x' where id = 11;
update docs set n = 6 where id = 11;
commit;
update docs set id = id + 1000 where id between 25 and 27;
update full_docs set n = -n, id = id + 1000;
-- @last
update docs set n = -1;
update full_docs set n = 0;
