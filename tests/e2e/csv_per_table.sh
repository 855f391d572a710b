#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One folder a table, as JSON lines and as CSV: NULL and the empty string differ, quotes and line ends survive.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table a (id int primary key, v text, n numeric);
create table "b c" (id int primary key, big text);
alter table "b c" alter big set storage external;
insert into a values (1, 'plain', 1.50), (2, '', null), (3, null, 'NaN'), (4, E'two\nlines, "quoted"\r\n', 0);
insert into "b c" values (1, repeat('x', 10000));
SQL
job json source='tables = [ "public.*" ];' sink='layout = "per-table";'
job csv source='tables = [ "public.*" ];' sink='layout = "per-table"; format = "csv";'
run json --until=now
run csv --until=now
sqlf <<'SQL'
update a set v = null where id = 1;
update a set id = 5 where id = 2;
delete from a where id = 4;
update "b c" set id = 2;
alter table a add column extra int;
insert into a values (6, 'six', 6, 6);
SQL
run json --until=now
run csv --until=now
verify json --absent-ok
python3 - "$T/csv/out" "$T/csv.have" <<'PY'
import csv
import glob
import json
import os
import re
import sys

with open(sys.argv[2], "w", encoding="utf-8") as out:
    for folder in sorted(os.listdir(sys.argv[1])):
        if folder.startswith("."):
            continue
        out.write(f"= {folder}\n")
        rows = []
        for name in sorted(glob.glob(os.path.join(sys.argv[1], folder, "*.csv"))):
            data = open(name, encoding="utf-8", newline="").read()
            header = data.split("\n", 1)[0]
            # The reader of the standard library does not tell NULL from the empty string: mark the quoted empty ones.
            data = re.sub(r'(^|,)""(?=,|\n|$)', r'\1"<empty>"', data, flags=re.M)
            for row in list(csv.reader(data.splitlines(keepends=True)))[1:]:
                assert len(row) == len(header.split(",")), (header, row)
                row[1] = row[2] = row[3] = "*"
                rows.append((header, [c if len(c) < 100 else f"{len(c)} bytes" for c in row]))
        last = None
        snapshot = sorted(r for r in rows if r[1][0] == "r")
        for header, row in snapshot + [r for r in rows if r[1][0] != "r"]:
            if header != last:
                out.write(header + "\n")
                last = header
            out.write(json.dumps(row) + "\n")
PY
diff -u - "$T/csv.have" <<'END' || fail "CSV"
= public.a
_op,_commit_lsn,_seq,_ts_us,id,v,n,_unchanged
["r", "*", "*", "*", "1", "plain", "1.50", ""]
["r", "*", "*", "*", "2", "<empty>", "", ""]
["r", "*", "*", "*", "3", "", "NaN", ""]
["r", "*", "*", "*", "4", "two\nlines, \"quoted\"\r\n", "0", ""]
["u", "*", "*", "*", "1", "", "1.50", ""]
["d", "*", "*", "*", "2", "", "", ""]
["u", "*", "*", "*", "5", "<empty>", "", ""]
["d", "*", "*", "*", "4", "", "", ""]
_op,_commit_lsn,_seq,_ts_us,id,v,n,extra,_unchanged
["c", "*", "*", "*", "6", "six", "6", "6", ""]
= public.b%20c
_op,_commit_lsn,_seq,_ts_us,id,big,_unchanged
["r", "*", "*", "*", "1", "10000 bytes", ""]
["d", "*", "*", "*", "1", "", ""]
["u", "*", "*", "*", "2", "", "[\"big\"]"]
END

step "CSV wants one folder a table"
job wrong source='tables = [ "public.*" ];' sink='format = "csv";'
try wrong --until=now
expect_exit wrong 78 'csv' 'per-table'
