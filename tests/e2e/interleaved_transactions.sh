#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Many sessions write at once and commit in another order than they began; one sleeps in the middle of its transaction. The
# files have the order of the commits, and every transaction in one piece.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table t (id bigserial primary key, who int, n int);
create table counter (id int primary key, n int);
insert into counter select i, 0 from generate_series(1, 20) i;
SQL
job mixed source='tables = [ "public.*" ];' top='batch = { max_rows = 100; max_age = "20ms"; };'
start mixed
cat >"$T/mixed.sql" <<'SQL'
\set who random(1, 1000)
\set c random(1, 20)
\set wait random(0, 3)
begin;
insert into t (who, n) values (:who, 1), (:who, 2);
select pg_sleep(:wait / 1000.0);
update counter set n = n + 1 where id = :c;
insert into t (who, n) values (:who, 3);
commit;
SQL
await_streaming mixed
pgbench -n -c 8 -j 2 -t 250 -f "$T/mixed.sql" >"$T/pgbench.log" 2>&1 || fail "pgbench: $(tail -n 3 "$T/pgbench.log")"
stop mixed
run mixed --until=now
verify mixed
python3 - "$T/mixed/out" "$TESTKIT" <<'PY' || fail "transactions are not in one piece"
import sys
sys.path.insert(0, sys.argv[2])
import outdir
seen, last, counts = set(), None, {}
for ev in outdir.events(sys.argv[1]):
    src = ev["source"]
    if ev["op"] == "r":
        continue
    at = src["commit_lsn"]
    if at != last:
        assert at not in seen, f"{at} comes in two pieces"
        seen.add(at)
        last = at
    counts[at] = counts.get(at, 0) + 1
    assert src["seq"] == counts[at] - 1, f"seq {src['seq']} at {at} is not {counts[at] - 1}"
assert set(counts.values()) == {4}, set(counts.values())
assert len(counts) == 2000, len(counts)
PY
