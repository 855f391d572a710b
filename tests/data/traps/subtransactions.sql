-- SPDX-License-Identifier: Apache-2.0
-- F2, F3, D2: transactions that are streamed before they commit; what is rolled back, whole or in part, never shows, changes of
-- columns included.
-- @setup
create table t (id int primary key, v text);
create table small (id int primary key);
-- @stream
begin;
insert into t select i, repeat('a', 100) from generate_series(1, 2000) i;
savepoint one;
insert into t select i, repeat('b', 100) from generate_series(5001, 7000) i;
rollback to one;
insert into t select i, repeat('c', 100) from generate_series(10001, 11000) i;
savepoint two;
update t set v = 'changed' where id <= 500;
savepoint three;
delete from t where id <= 250;
rollback to three;
release two;
alter table t add column w int;
savepoint four;
alter table t add column x int;
insert into t select i, 'x', i, i from generate_series(20001, 21500) i;
rollback to four;
insert into t select i, 'w', i from generate_series(30001, 31500) i;
commit;
begin;
insert into t select i, repeat('d', 100), 0 from generate_series(100001, 103000) i;
rollback;
insert into t values (0, 'after', 0);
begin;
insert into small values (50);
savepoint a;
insert into small values (51);
savepoint b;
insert into small values (52);
release b;
rollback to a;
insert into small values (53);
commit;
-- @again
begin;
savepoint one;
alter table t rename column w to ww;
insert into t select i, 'renamed', i from generate_series(40001, 41500) i;
rollback to one;
insert into t select i, 'not renamed', i from generate_series(50001, 51500) i;
commit;
begin;
truncate small;
rollback;
-- @last
do $$
begin
	for i in 1..50 loop
		begin
			insert into small values (1000 + i);
			if i % 3 = 0 then raise exception 'no'; end if;
		exception when others then
			insert into small values (2000 + i);
		end;
	end loop;
end $$;
