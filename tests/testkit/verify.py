#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that what a file sink wrote is the source: folds it by key and compares row by row.

    verify.py [options] FOLDER [CONNINFO]

Without CONNINFO only the files are checked: structure, order, no duplicates, and that every
change fits the state before it (an insert is new, an update or delete finds its row). With
it the folded state is compared with the tables as they are now, through psql.

    --part              also read the files that are being written
    --job NAME          files must belong to this job
    --from-now          the job began without a snapshot: rows may be unknown
    --table S.T         compare this table (repeatable; default: every table of the state)
    --also S.T          compare this table besides those of the state (repeatable)
    --map S.T=S.T       the state's left table is the source's right one (routes)
    --where S.T=COND    the publication's row filter
    --columns S.T=a,b   the publication's column list
    --absent-ok         rows may lack columns that were added, and have columns that were dropped
    --json              the summary as JSON
"""

import argparse
import base64
import collections
import gc
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import outdir  # noqa: E402  pylint: disable=wrong-import-position
from outdir import Broken, Num  # noqa: E402  pylint: disable=wrong-import-position

SHOW = 10
ABSENT = object()


class Wrong(Exception):
    """The state cannot be the source's."""


def frozen(row):
    """A row without a key, as something that can be counted."""
    return tuple(sorted((k, json.dumps(v)) for k, v in row.items()))


class Table:
    """What the changes of one table add up to."""

    def __init__(self):
        self.rows = {}                      # key values -> row
        self.loose = collections.Counter()  # rows of a table without a key
        self.key = None                     # names of the key columns, as last seen

    def clear(self):
        self.rows.clear()
        self.loose.clear()


class State:
    """Folds events into tables."""

    def __init__(self, from_now):
        self.tables = collections.defaultdict(Table)
        self.from_now = from_now
        self.ops = collections.Counter()
        self.unknown_unchanged = 0

    def add(self, ev):
        op, src = ev["op"], ev["source"]
        self.ops[op] += 1
        if op == "m":
            return
        table = self.tables[src["schema"] + "." + src["table"]]
        if op == "t":
            table.clear()
        elif "key" in ev:
            self.keyed(table, ev, op)
        else:
            self.unkeyed(table, ev, op)

    def keyed(self, table, ev, op):
        key = tuple(ev["key"].values())
        table.key = list(ev["key"])
        if op == "d":
            if table.rows.pop(key, None) is None and not self.from_now:
                raise Wrong(f"deletes {ev['key']}, which is not there")
            return
        row = ev["after"]
        if op == "u":
            old = key
            if "before" in ev:
                old = tuple(ev["before"].get(c, v) for c, v in ev["key"].items())
            was = table.rows.pop(old, None)
            if was is None and not self.from_now:
                raise Wrong(f"updates {dict(zip(ev['key'], old))}, which is not there")
            for col in ev.get("unchanged", ()):
                if was is not None and col in was:
                    row[col] = was[col]
                elif self.from_now:
                    self.unknown_unchanged += 1
                    row[col] = ABSENT
                else:
                    raise Wrong(f"{col} of {ev['key']} is unchanged, but was never sent")
        if key in table.rows and (not self.from_now or op != "c"):
            raise Wrong(f"op {op}: {ev['key']} is there already")
        table.rows[key] = row

    def unkeyed(self, table, ev, op):
        if op in "rc":
            table.loose[frozen(ev["after"])] += 1
            return
        if "before" not in ev:
            raise Wrong(f"op {op} without key and without the old row")
        old = frozen(ev["before"])
        if table.loose[old] < 1:
            if not self.from_now:
                raise Wrong(f"op {op}: the old row {ev['before']} is not there")
        else:
            table.loose[old] -= 1
            if not table.loose[old]:
                del table.loose[old]
        if op == "u":
            row = dict(ev["after"])
            row.update((c, ev["before"][c]) for c in ev.get("unchanged", ()))
            table.loose[frozen(row)] += 1


# ---------------------------------------------------------------- the source

def _bool(text):
    return text == "t"


def _float(text):
    if text in ("NaN", "Infinity", "-Infinity"):
        return text
    return Num(text) if any(c in text for c in ".eE") else int(text)


def _bytea(text):
    return base64.b64encode(bytes.fromhex(text[2:])).decode()


def _timestamp(text):
    return text if text.endswith(" BC") else text.replace(" ", "T", 1)


def _timestamptz(text):
    if text.endswith(" BC") or text.endswith("infinity"):
        return text
    if not text.endswith("+00"):
        raise Wrong(f"{text} is not UTC")
    return text[:-3].replace(" ", "T", 1) + "Z"


FORMS = {
    "bool": _bool, "int2": int, "int4": int, "int8": int, "float4": _float, "float8": _float,
    "bytea": _bytea, "timestamp": _timestamp, "timestamptz": _timestamptz,
}

ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def unescape(field):
    """A field of COPY's text format."""
    if field == "\\N":
        return None
    if "\\" not in field:
        return field
    out, i = [], 0
    while i < len(field):
        c = field[i]
        if c == "\\":
            i += 1
            c = ESCAPES.get(field[i], field[i])
        out.append(c)
        i += 1
    return "".join(out)


class Source:
    """The tables as they are now, read with the settings that the values are written with."""

    def __init__(self, conninfo):
        self.conninfo = conninfo
        self.env = dict(os.environ, PGCLIENTENCODING="UTF8", PGTZ="UTC", PGOPTIONS=" ".join(
            f"-c {s}" for s in ("datestyle=ISO", "intervalstyle=postgres", "extra_float_digits=3", "bytea_output=hex",
                                "lc_monetary=C", "search_path=", "statement_timeout=0")))

    def query(self, sql):
        child = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo, "-c", sql],
                                 env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 encoding="utf-8", errors="surrogateescape")
        for line in child.stdout:
            yield line[:-1]
        error = child.stderr.read()
        if child.wait() != 0:
            raise Wrong(f"psql: {error.strip()}")

    def columns(self, schema, table):
        """(name, base type) in the table's order; generated columns are not replicated."""
        def lit(s):
            return "'" + s.replace("'", "''") + "'"
        sql = (f"with recursive base(att, num, oid) as (select a.attname::text, a.attnum, a.atttypid "
               f"from pg_catalog.pg_attribute a "
               f"join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
               f"where n.nspname = {lit(schema)} and c.relname = {lit(table)} and a.attnum > 0 and not a.attisdropped "
               f"and a.attgenerated = '' "
               f"union all select b.att, b.num, t.typbasetype from base b "
               f"join pg_catalog.pg_type t on t.oid = b.oid where t.typtype = 'd') "
               f"select pg_catalog.json_build_array(b.att, t.typname)::text from base b "
               f"join pg_catalog.pg_type t on t.oid = b.oid where t.typtype <> 'd' order by b.num")
        return [tuple(json.loads(line)) for line in self.query(sql)]

    def rows(self, name, columns, where):
        """Each row as the dict that the file should hold."""
        schema, table = name
        quoted = ", ".join('"' + c.replace('"', '""') + '"' for c, _ in columns)
        rel = ".".join('"' + s.replace('"', '""') + '"' for s in (schema, table))
        names = [c for c, _ in columns]
        forms = [FORMS.get(t) for _, t in columns]
        cond = f" where {where}" if where else ""
        for line in self.query(f"copy (select {quoted} from {rel}{cond}) to stdout"):
            cells = line.split("\t")
            if "\\" in line:
                cells = [unescape(c) for c in cells]
            yield {c: (v if f is None or v is None else f(v)) for c, f, v in zip(names, forms, cells)}


def exists(source, name):
    """Is there such a table?"""
    schema, table = (s.replace("'", "''") for s in name)
    return any(source.query(f"select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n "
                            f"on n.oid = c.relnamespace where n.nspname = '{schema}' and c.relname = '{table}'"))


# ---------------------------------------------------------------- comparing

def same(have, want, absent_ok, bools):
    """Is the row of the files the row of the source?"""
    if have == want and all(type(have[c]) is bool or have[c] is None for c in bools):
        return True
    cols = want.keys() & have.keys() if absent_ok else want.keys() | have.keys()
    return all(have.get(c, None) is ABSENT or (c in have and c in want and have[c] == want[c] and
               type(have[c]) is type(want[c])) for c in cols)


def shown(have, want):
    """The columns that differ, cut to a readable length."""
    parts = []
    for col in list(want) + [c for c in have if c not in want]:
        a, b = have.get(col, "(no such column)"), want.get(col, "(no such column)")
        if a is not ABSENT and (a != b or type(a) is not type(b)):
            parts.append(f"{col}: files {str(a)[:60]!r} source {str(b)[:60]!r}")
    return "; ".join(parts)


class Differences:
    """Counts, and prints the first few."""

    def __init__(self):
        self.n = 0

    def add(self, text):
        self.n += 1
        if self.n <= SHOW:
            print(f"verify.py: {text}", file=sys.stderr)
        elif self.n == SHOW + 1:
            print("verify.py: ... and more", file=sys.stderr)


def compare(source, label, name, state, args, diffs):
    """One table; returns the number of rows the source has."""
    columns = source.columns(*name)
    if label in args.columns:
        columns = [c for c in columns if c[0] in args.columns[label].split(",")]
    bools = [c for c, t in columns if t == "bool"]
    n = 0
    if state.key is None or not state.rows:
        want = collections.Counter(frozen(r) for r in source.rows(name, columns, args.where.get(label)))
        for row, count in (want - state.loose).items():
            diffs.add(f"{label}: {count} x missing in the files: {dict(row)}")
        for row, count in (state.loose - want).items():
            diffs.add(f"{label}: {count} x too often in the files: {dict(row)}")
        return sum(want.values())
    left = set(state.rows)
    for want in source.rows(name, columns, args.where.get(label)):
        n += 1
        key = tuple(want.get(c) for c in state.key)
        have = state.rows.get(key)
        if have is None:
            diffs.add(f"{label}: row {dict(zip(state.key, key))} is missing in the files")
            continue
        left.discard(key)
        if not same(have, want, args.absent_ok, bools):
            diffs.add(f"{label}: row {dict(zip(state.key, key))} differs: {shown(have, want)}")
    for key in left:
        diffs.add(f"{label}: row {dict(zip(state.key, key))} is in the files, not in the source")
    return n


def pairs(items):
    """NAME=TEXT arguments."""
    return dict(i.split("=", 1) for i in items or ())


def parse_args():
    ap = argparse.ArgumentParser()
    ap.add_argument("--part", action="store_true")
    ap.add_argument("--job")
    ap.add_argument("--from-now", action="store_true")
    ap.add_argument("--table", action="append")
    ap.add_argument("--also", action="append", default=[])
    ap.add_argument("--map", action="append")
    ap.add_argument("--where", action="append")
    ap.add_argument("--columns", action="append")
    ap.add_argument("--absent-ok", action="store_true")
    ap.add_argument("--json", action="store_true")
    ap.add_argument("folder")
    ap.add_argument("conninfo", nargs="?")
    args = ap.parse_args()
    args.map, args.where, args.columns = pairs(args.map), pairs(args.where), pairs(args.columns)
    return args


def fold(args, diffs):
    """The state that the files add up to."""
    state = State(args.from_now)
    try:
        for ev in outdir.events(args.folder, args.part, args.job):
            try:
                state.add(ev)
            except Wrong as e:
                src = ev["source"]
                diffs.add(f"{src['schema']}.{src['table']} at {src['commit_lsn']}, {src['seq']}: {e}")
    except Broken as e:
        diffs.add(str(e))
    return state


def main():
    args = parse_args()
    gc.disable()  # millions of small dicts, no cycles
    diffs, rows = Differences(), 0
    state = fold(args, diffs)
    compared = []
    if args.conninfo and not diffs.n:
        source = Source(args.conninfo)
        try:
            for label in args.table or sorted(set(state.tables) | set(args.also)):
                name = tuple(args.map.get(label, label).split(".", 1))
                if not exists(source, name):
                    if args.table or state.tables[label].rows or state.tables[label].loose:
                        diffs.add(f"{label}: the source has no such table")
                    continue
                rows += compare(source, label, name, state.tables[label], args, diffs)
                compared.append(label)
        except Wrong as e:
            diffs.add(str(e))
    summary = {"equal": not diffs.n, "differences": diffs.n, "tables": len(compared), "rows": rows,
               "events": sum(state.ops.values()), "ops": dict(sorted(state.ops.items()))}
    if args.json:
        print(json.dumps(summary))
    else:
        ops = ", ".join(f"{n} {op}" for op, n in summary["ops"].items())
        print(f"{'equal' if not diffs.n else 'NOT EQUAL'}: {summary['events']} events ({ops}), "
              f"{rows} rows in {len(compared)} tables compared, {diffs.n} differences")
    return 1 if diffs.n else 0


if __name__ == "__main__":
    sys.exit(main())
