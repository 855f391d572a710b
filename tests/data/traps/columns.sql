-- SPDX-License-Identifier: Apache-2.0
-- D1 to D9, D11, D13: columns that are added, dropped, renamed and widened between rows and in the middle of transactions; changes
-- that are none; labels that an enum gets.
-- @setup
create table s (id int primary key, a text, b int);
create table two (id int primary key, x int, y int, z int);
create type mood as enum ('sad');
create table feel (id int primary key, m mood);
create table drops (id int primary key, p int, q int, r int, s int);
insert into s values (1, 'one', 1);
insert into two values (1, 1, 2, 3);
insert into drops values (1, 1, 2, 3, 4);
-- @stream
insert into s values (2, 'two', 2);
alter table s add column c numeric(5,2) default 1.5;
insert into s values (3, 'three', 3);
update s set b = 11 where id = 1;
alter table s drop column a;
insert into s values (4, 4, 4.25);
alter table s rename column b to n;
update s set n = 44 where id = 4;
alter table s alter column n type bigint, add column d text, add column e date default '2024-02-29';
insert into s values (5, 5000000000, 5, 'five');
begin;
insert into s values (6, 6, 6, 'six');
alter table s drop column d, drop column e;
insert into s values (7, 7, 7);
alter table s add column f int;
insert into s values (8, 8, 8, 8);
commit;
update s set f = 1 where id = 8;
begin;
alter table s add column never int;
insert into s values (9, 9, 9, 9, 9);
rollback;
alter table s disable trigger all;
comment on table s is 'no change of shape';
grant select on s to public;
delete from s where id = 8;
insert into feel values (1, 'sad');
alter type mood add value 'glad';
update feel set m = 'glad' where id = 1;
alter table drops drop column q, drop column r;
insert into drops values (2, 22, 44);
alter table drops replica identity full;
update drops set p = 11 where id = 1;
-- Without a row between them nobody who lags can tell a drop and an addition from a change of name.
alter table drops drop column s;
insert into drops values (3, 33);
alter table drops add column t bigint default 7;
insert into drops values (4, 44, 8);
-- @again
insert into two values (2, 1, 2, 3);
alter table two rename column x to w;
insert into two values (3, 1, 2, 3);
alter table two rename column w to v;
update two set v = 9 where id = 3;
alter table two drop column z;
alter table two add column zz text default 'new';
insert into two values (4, 1, 2, 'z');
alter table s add column g int default 1;
insert into s values (20, 20, 20, 20, 20);
alter table s drop column g;
insert into s values (21, 21, 21, 21);
alter type mood rename value 'sad' to 'blue';
insert into feel values (2, 'blue');
-- @last
alter table two alter column y type bigint, alter column v type bigint;
insert into two values (5, 5000000000, -6000000000, 'last');
alter table feel alter column m type text;
insert into feel values (3, 'anything');
