#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
#
# Transactions that the server streams before they commit: what is rolled back, whole or in part, never shows; order is that
# of the commits.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start -n main logical_decoding_work_mem=64kB
sqlf <<'SQL'
create table t (id int primary key, v text);
create table small (id int primary key);
SQL
job big source='tables = [ "public.*" ];' top='memory = "8MiB";'
run big --until=now
start big
await_streaming big

sqlf <<'SQL'
begin;
insert into t select i, repeat('a', 100) from generate_series(1, 5000) i;
savepoint one;
insert into t select i, repeat('b', 100) from generate_series(5001, 10000) i;
rollback to one;
insert into t select i, repeat('c', 100) from generate_series(10001, 12000) i;
savepoint two;
update t set v = 'changed' where id <= 1000;
savepoint three;
delete from t where id <= 500;
rollback to three;
release two;
alter table t add column w int;
savepoint four;
alter table t add column x int;
insert into t select i, 'x', i, i from generate_series(20001, 23000) i;
rollback to four;
insert into t select i, 'w', i from generate_series(30001, 33000) i;
commit;
begin;
insert into t select i, repeat('d', 100), 0 from generate_series(100001, 110000) i;
rollback;
SQL
before=$(lsn)
sql "insert into t values (0, 'after', 0)"
await_confirmed big "$before"
stop big
verify big --absent-ok
if changes big --op cud | grep -q '"bbbb'; then fail "rows of a rolled back savepoint"; fi
[ "$(changes big --op cud | wc -l)" = "$((5000 + 2000 + 1000 + 3000 + 1))" ] || fail "$(changes big --op cud | wc -l) changes"

step "two streamed transactions interleave, a small one commits between them"
start big
await_streaming big
before=$(lsn)
mkfifo "$T/a" "$T/b"
psql -XqAt -v ON_ERROR_STOP=1 <"$T/a" >/dev/null &
EZ_CHILDREN+=($!)
psql -XqAt -v ON_ERROR_STOP=1 <"$T/b" >/dev/null &
EZ_CHILDREN+=($!)
exec 7>"$T/a" 8>"$T/b"
for i in $(seq 1 10); do
	echo "$([ "$i" = 1 ] && echo 'begin;') insert into t select i, repeat('A', 100), 1 from generate_series($((200000 + i * 1000)), $((200999 + i * 1000))) i;" >&7
	echo "$([ "$i" = 1 ] && echo 'begin;') insert into t select i, repeat('B', 100), 2 from generate_series($((300000 + i * 1000)), $((300999 + i * 1000))) i;" >&8
	if [ "$i" = 5 ]; then
		await 10 "open transactions" sql_is "select count(*) = 2 from pg_stat_activity where backend_xid is not null"
		sql "insert into small values (1)"
	fi
done
echo "commit;" >&8
await 10 "the commit of B" sql_is "select exists (select 1 from t where id = 301000)"
echo "commit;" >&7
exec 7>&- 8>&-
await 10 "the commit of A" sql_is "select exists (select 1 from t where id = 201000)"
await_confirmed big "$before"
sql "insert into small values (2)"
stop big
run big --until=now

step "a position behind an open transaction is reached, and its rows still come when it commits"
mkfifo "$T/c"
psql -XqAt -v ON_ERROR_STOP=1 <"$T/c" >/dev/null &
EZ_CHILDREN+=($!)
exec 7>"$T/c"
echo "begin; insert into t select i, repeat('C', 100), 3 from generate_series(400001, 403000) i;" >&7
await 10 "the open transaction" sql_is "select count(*) = 1 from pg_stat_activity where backend_xid is not null"
sql "insert into small values (3)"
run big --until=now
before=$(sql "select pg_current_wal_flush_lsn()")
run big --until=now
slot_is big "confirmed_flush_lsn >= '$before'" || fail "the open transaction holds the position"
echo "commit;" >&7
exec 7>&-
await 10 "the commit of C" sql_is "select exists (select 1 from t where id = 401000)"
run big --until=now
[ "$(changes big --op c | grep -c '"CCCC')" = 3000 ] || fail "rows of the transaction that was open are missing"
changes big --op c | sed -n 's/.*"v":"\([AB]\)A*B*".*/\1/p; s/^c public.small.*/s/p' | uniq | tr '\n' ' ' >"$T/order"
[ "$(cat "$T/order")" = "s B A s " ] || fail "commit order is $(cat "$T/order")"
verify big --absent-ok
