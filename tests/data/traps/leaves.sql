-- SPDX-License-Identifier: Apache-2.0
-- C11, C12: partitions under their own names: rows that move between them, truncates of one and of all.
-- @setup
create table lv (id int, region text, n int, primary key (id, region)) partition by list (region);
create table lv_eu partition of lv for values in ('eu');
create table lv_us (n int, region text not null, id int not null);
alter table lv attach partition lv_us for values in ('us');
create table lv_as partition of lv for values in ('as');
insert into lv select i, (array['eu', 'us', 'as'])[1 + i % 3], i from generate_series(1, 30) i;
-- @publish lv
-- @publication publish_via_partition_root = false
-- @stream
update lv set region = 'us' where id = 3;
update lv set region = 'eu', id = 100 where id = 4;
update lv_us set n = -1;
delete from lv where id = 5;
truncate lv_as;
insert into lv values (200, 'as', 1);
-- @again
truncate lv;
insert into lv values (1, 'eu', 1), (2, 'us', 2);
-- @last
update lv set region = 'as';
