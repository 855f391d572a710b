-- SPDX-License-Identifier: Apache-2.0
-- F13: prepared transactions count when they commit, however long that takes; those rolled back never.
-- @setup
create table t (id int primary key, v text);
insert into t select i, 'old' from generate_series(1, 20) i;
-- @stream
begin;
insert into t values (2001, 'prepared');
update t set v = 'by one' where id = 1;
prepare transaction 'one';
begin;
insert into t select i, repeat('p', 100) from generate_series(3000, 5000) i;
delete from t where id = 2;
prepare transaction 'two';
begin;
insert into t values (2003, 'never');
prepare transaction 'three';
insert into t values (2002, 'meanwhile');
commit prepared 'one';
-- @again
update t set v = 'between' where id = 1;
commit prepared 'two';
-- @last
rollback prepared 'three';
insert into t values (2003, 'after all');
