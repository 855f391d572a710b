-- SPDX-License-Identifier: Apache-2.0
-- C5, C8: replica identities: the key, an index, the whole row, the whole row with columns that came later; an identity that
-- changes while the stream runs.
-- @setup
create table by_key (id int primary key, a text, b text);
create table by_index (id int primary key, a text not null, b text);
create unique index by_index_a on by_index (a);
alter table by_index replica identity using index by_index_a;
create table whole (id int primary key, a text, b text);
alter table whole replica identity full;
create table late_key (k int not null, a text);
create unique index late_key_k on late_key (k);
alter table late_key replica identity using index late_key_k;
insert into by_key select i, 'x', 'y' from generate_series(1, 9) i;
insert into by_index select i, 'x' || i, 'y' from generate_series(1, 9) i;
insert into whole select i, 'x', 'y' from generate_series(1, 9) i;
insert into late_key select i, 'x' from generate_series(1, 9) i;
-- @stream
update by_key set b = 'z' where id < 5;
update by_key set id = 12 where id = 1;
delete from by_key where id = 2;
update by_index set b = 'z' where id < 5;
update by_index set a = 'w' where id = 1;
update by_index set id = 100 where id = 2;
delete from by_index where id = 3;
update whole set b = 'z' where id < 5;
update whole set id = 12 where id = 1;
delete from whole where id = 2;
alter table whole add column c int default 5, add column d text;
update whole set d = 'd' where id = 3;
delete from whole where id = 4;
alter table whole drop column a;
update whole set c = 6 where id = 5;
delete from whole where id = 6;
alter table by_key replica identity full;
update by_key set b = 'full' where id = 4;
delete from by_key where id = 5;
update by_key set id = 13 where id = 6;
alter table by_key replica identity default;
update by_key set b = 'key' where id = 7;
delete from by_key where id = 8;
update late_key set k = k + 100 where k < 3;
delete from late_key where k = 4;
-- @again
alter table whole replica identity default;
update whole set id = 70 where id = 7;
delete from whole where id = 8;
alter table late_key replica identity full;
alter table late_key replica identity using index late_key_k;
update late_key set a = 'changed';
