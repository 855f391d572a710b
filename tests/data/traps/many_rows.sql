-- SPDX-License-Identifier: Apache-2.0
-- A4, A5, A6, C10: COPY and inserts of many rows, which share their position; rows of one key over and over.
-- @setup
create table m (id int primary key, v text);
create table counter (id int primary key, n bigint);
insert into counter select i, 0 from generate_series(1, 3) i;
-- @stream
copy m from stdin;
1	one
2	\N
3	a \\ and a \t tab
\.
insert into m select i, md5(i::text) from generate_series(10, 5000) i;
do $$
begin
	for i in 1..300 loop
		update counter set n = n + 1 where id = 1 + i % 3;
		if i % 10 = 0 then commit; end if;
	end loop;
end $$;
-- @again
update m set v = v || v where id % 2 = 0;
delete from m where id % 3 = 0;
begin;
delete from m;
insert into m select i, 'again' from generate_series(1, 4000) i;
update m set v = v || '!' where id % 5 = 0;
commit;
-- @last
update counter set n = -n;
