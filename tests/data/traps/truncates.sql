-- SPDX-License-Identifier: Apache-2.0
-- C11: TRUNCATE where it was done: one table, several, cascading, in the middle of a transaction, rolled back.
-- @setup
create table a (id serial primary key, v int);
create table b (id int primary key, a_id int references a);
create table c (id int primary key);
create table unpublished (id int primary key);
insert into a (v) select i from generate_series(1, 5) i;
insert into b values (1, 1);
insert into c values (1);
-- @publish a, b, c
-- @stream
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
-- @again
begin;
insert into c values (5);
truncate c;
insert into c values (5), (6);
truncate c;
insert into c values (7);
commit;
truncate b;
-- @last
insert into b values (9, 1);
truncate unpublished, c;
insert into c values (10);
