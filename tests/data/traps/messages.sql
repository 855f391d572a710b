-- SPDX-License-Identifier: Apache-2.0
-- A3: logical messages, in transactions and out of them, alone and between rows: no rows of theirs, and no row gets lost.
-- @setup
create table t (id int primary key);
-- @stream
begin;
insert into t values (1);
select pg_logical_emit_message(true, 'pre fix', E'\\x00ff'::bytea) is null;
insert into t values (2);
commit;
begin;
select pg_logical_emit_message(true, 'rolled', 'back') is null;
rollback;
select pg_logical_emit_message(true, '', '') is null;
select pg_logical_emit_message(false, 'no', 'transaction') is null;
-- @again
begin;
select pg_logical_emit_message(true, 'large', repeat('m', 200000)) is null;
insert into t select generate_series(10, 3000);
select pg_logical_emit_message(true, 'large', repeat('m', 200000)) is null;
commit;
-- @last
select pg_logical_emit_message(false, 'the', 'end') is null;
