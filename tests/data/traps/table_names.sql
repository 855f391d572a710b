-- SPDX-License-Identifier: Apache-2.0
-- D7: tables that are renamed, also in the middle of a transaction, and others that take their names afterwards.
-- @setup
create table r (id int primary key, v text);
create table first (id int primary key, v text);
insert into r select i, 'r' || i from generate_series(1, 20) i;
insert into first select i, 'f' || i from generate_series(1, 20) i;
-- @stream
begin;
update r set v = 'before' where id = 1;
alter table r rename to s;
update s set v = 'after' where id = 2;
commit;
alter table s rename column v to w;
insert into s values (21, 'after');
-- @again
begin;
update s set w = 'once more' where id = 3;
alter table s rename to t;
delete from t where id = 4;
commit;
alter table first rename to gone;
update gone set v = 'seen' where id = 5;
create table first (id int primary key, v text);
alter publication traps add table first;
insert into first values (1, 'another');
-- @last
alter table t add column x int default 1;
update t set x = 2 where id < 10;
alter table t rename to u;
insert into u values (22, 'u', 3);
delete from gone where id = 6;
update first set v = 'the second';
