-- SPDX-License-Identifier: Apache-2.0
-- B12, D10: row filters and column lists, in the copy and in the stream; rows that come into a filter and leave it; generated
-- columns.
-- @setup
create table f (id int primary key, n int, note text);
alter table f replica identity full;
create table c (id int primary key, secret text, n int, twice int generated always as (n * 2) stored, note text);
create table both_of (id int primary key, a int, b int, c int);
create table g (id int primary key, n int, twice int generated always as (n * 2) stored, note text);
insert into f select i, i, 'row ' || i from generate_series(1, 10) i;
insert into c (id, secret, n, note) values (1, 'hush', 1, 'a'), (2, 'hush', 2, 'b');
insert into both_of values (1, 1, 1, 1), (7, 7, 7, 7);
insert into g (id, n, note) values (1, 1, 'a');
-- @publish f where (n > 5), c (id, n, note), both_of (id, b) where (id > 5), g
-- @stream
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
-- @again
begin;
update f set n = n + 3;
update f set n = n - 6;
update f set n = n + 3 where id % 2 = 0;
commit;
insert into c (id, secret, n, note) select i, 's', i, 'n' from generate_series(10, 20) i;
delete from both_of where id = 7;
-- @last
update both_of set id = 9 where id = 8;
update f set id = id + 100;
