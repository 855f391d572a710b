#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what a file sink wrote, one short line a change and nothing that differs from run to run.

    changes.py [--part] [--table T]... [--op OPS] [--column C]... FOLDER

    r public.orders {"id":1} -> {"id":1,"total":"19.90"}
    t public.orders - cascade
    m {"prefix":"p","content":"AAE="}
    u public.orders {"id":1} {"id":0} -> {"id":1,"total":"19.90"} unchanged ["note"]

The columns are op, table, key (- if there is none), before (if there is one), -> and after,
unchanged. Snapshot rows come first, sorted, for readers copy in no order.
"""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import outdir  # noqa: E402  pylint: disable=wrong-import-position


def text(value):
    """Compact JSON that keeps the text of numbers."""
    if isinstance(value, outdir.Num):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(text(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def line(ev, columns):
    """One change."""
    def pick(row):
        return {k: v for k, v in row.items() if not columns or k in columns}

    src = ev["source"]
    if ev["op"] == "m":
        return f"m {text(ev['message'])}"
    words = [ev["op"], f"{src['schema']}.{src['table']}", text(ev["key"]) if "key" in ev else "-"]
    if "before" in ev:
        words.append(text(pick(ev["before"])))
    if "after" in ev:
        words += ["->", text(pick(ev["after"]))]
    if "unchanged" in ev:
        words += ["unchanged", text(ev["unchanged"])]
    words += [flag for flag, is_on in ev.get("truncate", {}).items() if is_on]
    return " ".join(words)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--part", action="store_true", help="also the files being written")
    ap.add_argument("--table", action="append", help="schema.table")
    ap.add_argument("--op", default="", help="only these, such as cud")
    ap.add_argument("--column", action="append", help="only these columns of before and after")
    ap.add_argument("folder")
    args = ap.parse_args()
    rows, changes = [], []
    try:
        for ev in outdir.events(args.folder, args.part):
            src = ev["source"]
            if args.op and ev["op"] not in args.op:
                continue
            if args.table and f"{src.get('schema')}.{src.get('table')}" not in args.table:
                continue
            (rows if ev["op"] == "r" else changes).append(line(ev, args.column))
    except outdir.Broken as e:
        print(f"changes.py: {e}", file=sys.stderr)
        return 1
    try:
        sys.stdout.writelines(text_line + "\n" for text_line in sorted(rows) + changes)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
