-- SPDX-License-Identifier: Apache-2.0
-- C6, C7: a table without any key, of which inserts alone are published: equal rows stay several, and none comes twice.
-- @setup
create table log (at int, what text);
insert into log select 1, 'same' from generate_series(1, 5);
-- @publication publish = 'insert'
-- @stream
insert into log select 2, 'same' from generate_series(1, 3000);
begin;
insert into log values (3, 'x'), (3, 'x');
savepoint s;
insert into log values (3, 'never');
rollback to s;
insert into log values (3, 'x');
commit;
-- @again
insert into log select 4, 'same' from generate_series(1, 500);
alter table log add column more text default 'm';
insert into log values (5, 'y', 'n');
-- @last
insert into log values (6, null, null), (6, null, null);
