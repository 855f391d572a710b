-- SPDX-License-Identifier: Apache-2.0
-- D14: a table of many columns, one of only a key, one that stays empty.
-- @setup
do $$
begin
	execute 'create table wide (c0 int primary key, ' || (select string_agg(format('%I bool', 'c' || i), ', ') from generate_series(1, 300) i) || ')';
	execute 'insert into wide values (2, ' || (select string_agg('true', ', ') from generate_series(1, 300) i) || ')';
end $$;
insert into wide values (1);
create table only_key (a int, b text, c bigint, primary key (c, a, b));
insert into only_key values (1, 'b', 3);
create table stays_empty (id int primary key);
-- @stream
update wide set c300 = false, c1 = null;
insert into wide (c0, c150) values (3, true);
update only_key set a = a + 1;
insert into only_key values (1, 'b', 3), (1, '', 4);
delete from only_key where b = '';
-- @again
alter table wide drop column c5, add column c301 int default 4;
insert into wide (c0, c301) values (4, 5);
