#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A table's new shape closes the batch: the sink hears of it after everything before is durable and before any row of the new
# shape (R11). TRUNCATE stands alone likewise. Batch numbers rise by one; nothing is written twice.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table t (id int primary key, a text);
create table u (id int primary key);
insert into t select i, 'x' from generate_series(1, 100) i;
SQL
job bar source='tables = [ "public.*" ];' top='batch = { max_age = "2s"; };' \
	sink_section="sink = { plugin = \"probe\"; log = \"$T/calls\"; rows = true; };"
EZCDC_PLUGIN_PATH="$EZCDC_PLUGIN_PATH:$EZ_BUILD/.libs"
run bar --until=now
sqlf <<'SQL'
begin;
insert into t values (1001, 'old');
insert into u values (1);
alter table t add column b int;
insert into t values (1002, 'new', 2);
insert into u values (2);
commit;
insert into t values (1003, 'new', 3);
truncate t;
insert into t values (1004, 'after', 4);
SQL
run bar --until=now
python3 - "$T/calls" <<'PY' || fail "the order of calls: $(grep -v ' row ' "$T/calls")"
import re
import sys

calls = [line.split() for line in open(sys.argv[1], encoding="utf-8")]
main = [c[1:] for c in calls if c[0] == "m0"]
# Numbers of one run rise by one; a run begins anew at 1.
last = durable = 0
rows, shape, seen_truncate = {}, {}, False
for c in main:
    if c[0] == "recover":
        last = durable = 0
    elif c[0] == "write":
        number = int(c[1])
        assert number == last + 1, f"batch {number} after {last}"
        last = number
    elif c[0] == "durable":
        durable = int(c[1])
    elif c[0] == "table":
        assert durable == last, f"{c} while batch {last} was written and only {durable} durable"
        shape[c[1]] = c[5:]
    elif c[0] == "row":
        number, op, table = int(c[1]), c[2], c[3]
        if op == "t":
            assert table == "public.t"
            seen_truncate = True
        else:
            rows.setdefault((table, c[4]), []).append(shape.get(table))
assert rows[("public.t", "1001")] == [["id", "a"]], rows[("public.t", "1001")]
assert rows[("public.t", "1002")] == [["id", "a", "b"]], rows[("public.t", "1002")]
assert rows[("public.t", "1004")] == [["id", "a", "b"]]
assert seen_truncate
assert all(len(v) == 1 for v in rows.values()), "a row was written twice"
# The copy's rows came through readers' writers.
copied = [c for c in calls if c[0].startswith("r") and c[1] == "row"]
assert len(copied) == 100, len(copied)
begin = [i for i, c in enumerate(calls) if c[1] == "snapshot_begin"]
end = [i for i, c in enumerate(calls) if c[1] == "snapshot_end"]
last_copied = max(i for i, c in enumerate(calls) if c[0].startswith("r") and c[1] == "row")
assert len(begin) == 2 and len(end) == 1 and max(begin) < last_copied < end[0], (begin, end, last_copied)
PY

step "errors of every class"
for class in transient config permission fatal gone data; do
	: >"$T/calls"
	sql "insert into u values ($RANDOM + 100000)" 2>/dev/null || true
	job bar source='tables = [ "public.*" ];' top='batch = { max_age = "10ms"; };' \
		sink_section="sink = { plugin = \"probe\"; log = \"$T/calls\"; rows = true; fail_write = 1; fail_times = $([ $class = data ] && echo 1000 || echo 2); fail_class = \"$class\"; };"
	try bar --until=now
	case $class in
	transient) [ "$RC" = 0 ] || fail "transient: ended with $RC: $(last_line bar)" ;;
	data) expect_exit bar 65 'probe' ;;
	config | gone) expect_exit bar 78 'probe' ;;
	permission) expect_exit bar 77 'probe' ;;
	fatal) expect_exit bar 70 'probe' ;;
	esac
done
job bar source='tables = [ "public.*" ];' sink_section="sink = { plugin = \"probe\"; log = \"$T/calls\"; rows = true; };"
run bar --until=now
