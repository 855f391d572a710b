#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the statements for types.tsv, and holds what was written against it.

    types_check.py sql TYPES START      insert statements, rows numbered from START
    types_check.py table TYPES          the create table statement
    types_check.py check TYPES FOLDER START...   rows of every START are as expected
"""

import collections
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "testkit"))
import outdir  # noqa: E402  pylint: disable=wrong-import-position


def read(path):
    """type -> [(expression, expected text)], in the order of the file."""
    types = collections.OrderedDict()
    with open(path, encoding="utf-8") as f:
        for line in f:
            if not line.startswith("#"):
                name, expression, expected = line.rstrip("\n").split("\t")
                types.setdefault(name, []).append((expression, expected))
    return types


def inserts(types, start):
    """One row per n-th value of all types; the types that have fewer are null in it."""
    for n in range(max(len(v) for v in types.values()) + 1):
        values = [f"({v[n][0]})" if n < len(v) else "null" for v in types.values()]
        yield f"insert into v values ({start + n}, {', '.join(values)});"


def check(types, folder, starts):
    """Every value of every row."""
    rows, bad = {}, 0
    for ev in outdir.events(folder):
        rows[ev["after"]["id"]] = ev["after"]
    for start in starts:
        for i, (name, values) in enumerate(types.items()):
            for n in range(max(len(v) for v in types.values()) + 1):
                have = rows[start + n][f"c{i}"]
                want = outdir.decode(values[n][1]) if n < len(values) else None
                if have != want or type(have) is not type(want):
                    bad += 1
                    print(f"row {start + n}, {name} {values[n][0] if n < len(values) else 'null'}: "
                          f"written {have!r}, expected {want!r}")
    return bad


def main():
    what, types = sys.argv[1], read(sys.argv[2])
    if what == "table":
        print("create table v (id int primary key, " + ", ".join(f"c{i} {t}" for i, t in enumerate(types)) + ");")
    elif what == "sql":
        print("\n".join(inserts(types, int(sys.argv[3]))))
    else:
        bad = check(types, sys.argv[3], [int(a) for a in sys.argv[4:]])
        print(f"{len(types)} types, {sum(len(v) for v in types.values())} values, {bad} differences")
        return 1 if bad else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
