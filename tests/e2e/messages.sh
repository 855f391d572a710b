#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Logical messages: not at all by default; asked for, in their place in the stream.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sql "create table t (id int primary key)"
job quiet source='tables = [ "public.t" ];'
job loud source='tables = [ "public.t" ]; messages = true;'
run quiet --until=now
run loud --until=now
sqlf <<'SQL'
begin;
insert into t values (1);
select pg_logical_emit_message(true, 'pre fix', E'\\x00ff'::bytea) is null;
insert into t values (2);
commit;
begin;
select pg_logical_emit_message(true, 'rolled', 'back') is null;
rollback;
select pg_logical_emit_message(true, '', '') is null;
SQL
run quiet --until=now
run loud --until=now
expect_changes quiet <<'END'
c public.t {"id":1} -> {"id":1}
c public.t {"id":2} -> {"id":2}
END
expect_changes loud <<'END'
c public.t {"id":1} -> {"id":1}
m {"prefix":"pre fix","content":"AP8="}
c public.t {"id":2} -> {"id":2}
m {"prefix":"","content":""}
END
