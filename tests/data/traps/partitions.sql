-- SPDX-License-Identifier: Apache-2.0
-- B10, B14, C11, C12: partitions under the name of their root: rows that move, leaves with another order of columns, attach and
-- detach, truncates of root and leaf.
-- @setup
create table ev (id int, region text, n int, note text, primary key (id, region)) partition by list (region);
create table ev_eu partition of ev for values in ('eu');
create table ev_us (note text, gone int, n int, region text not null, id int not null);
alter table ev_us drop column gone;
alter table ev attach partition ev_us for values in ('us');
create table ev_rest partition of ev default partition by range (id);
create table ev_rest_low partition of ev_rest for values from (0) to (100);
create table ev_rest_high partition of ev_rest for values from (100) to (200);
create table empty (id int primary key, v text) partition by range (id);
create table flushed (id int primary key, v int) partition by range (id);
create table flushed_1 partition of flushed for values from (0) to (100);
insert into ev values (1, 'eu', 1, 'a'), (2, 'us', 2, 'b'), (3, 'as', 3, 'c'), (103, 'as', 4, null);
insert into flushed select i, i from generate_series(1, 50) i;
-- @publish ev, empty, flushed
-- @stream
insert into ev values (4, 'eu', 5, 'd');
insert into ev_us (id, region, n, note) values (5, 'us', 6, 'e');
update ev set n = 7 where id = 2;
update ev set region = 'us' where id = 1;
delete from ev where id = 103;
create table empty_1 partition of empty for values from (0) to (10);
insert into empty values (1, 'first');
create table ev_af (like ev including all);
alter table ev attach partition ev_af for values in ('af');
insert into ev values (10, 'af', 10, 'through the root');
update ev set n = 11 where id = 10;
update ev set region = 'eu', id = 110 where id = 10;
truncate flushed;
insert into flushed values (1, 100);
-- @again
create table empty_2 (v text, id int not null primary key);
alter table empty attach partition empty_2 for values from (10) to (20);
insert into empty values (11, 'second'), (2, 'third');
update empty set id = 12 where id = 1;
begin;
insert into flushed values (2, 2);
truncate flushed;
insert into flushed values (3, 3);
commit;
-- @last
alter table ev add column more int default 3;
insert into ev values (20, 'eu', 0, 'after', 4);
update ev set region = 'as' where id = 4;
