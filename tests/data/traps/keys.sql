-- SPDX-License-Identifier: Apache-2.0
-- C4, C10: keys that change, are swapped, taken over, deleted and used again, within one transaction and over many.
-- @setup
create table k (a int, b text, v int, big text, primary key (a, b));
alter table k alter big set storage external;
insert into k values (1, 'x', 10, repeat('1', 5000)), (2, 'x', 20, repeat('2', 5000)), (3, 'y', 30, 'small');
create table soft (id int primary key, gone boolean not null default false, v text);
insert into soft select i, false, 'v' || i from generate_series(1, 10) i;
-- @stream
begin;
update k set a = 100 where a = 1;
update k set a = 1 where a = 2;
update k set a = 2 where a = 100;
commit;
update k set b = 'z', v = v + 1 where a = 3;
begin;
delete from k where a = 3;
insert into k values (3, 'z', 31, null);
update k set v = 32 where a = 3;
commit;
delete from k where a = 3;
insert into k values (3, 'z', 33, 'again');
begin;
update soft set gone = true where id = 1;
delete from soft where id = 1;
insert into soft values (1, false, 'new');
update soft set id = id + 100 where id > 5;
delete from soft where id = 106;
update soft set id = 106 where id = 107;
commit;
-- @again
begin;
update k set a = a + 1000;
update k set a = a - 1000 where a < 1003;
insert into k values (1, 'y', 1, repeat('y', 5000));
update k set v = 2 where b = 'y';
commit;
update k set b = b || b where a = 1;
delete from soft where id in (2, 3);
-- @last
begin;
delete from k where a = 2;
update k set a = 2 where a = 1 and b = 'xx';
commit;
insert into soft values (2, true, null);
