# SPDX-License-Identifier: Apache-2.0
"""Compare rows of the source with rows of StarRocks: starrocks_equal.py WANT HAVE, both JSON lines, in any order.

Values are compared as text after what the sink is to do with them: booleans are 1 and 0, points in time are in UTC with a
space, without zone and without zeros at the end of the fraction."""
import json
import re
import sys

TIME = re.compile(r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(\+00:00)?$")


def canonical(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    text = value if isinstance(value, str) else json.dumps(value)
    match = TIME.match(text)
    if match:
        fraction = (match.group(3) or "").rstrip("0").rstrip(".")
        return match.group(1) + " " + match.group(2) + fraction
    return text


def number(text):
    return text is not None and re.match(r"^-?\d+(\.\d+)?$", text)


def same(a, b):
    if number(a) and number(b):
        return a.rstrip("0").rstrip(".") == b.rstrip("0").rstrip(".") if "." in a or "." in b else a == b
    return a == b


def rows(path):
    with open(path, encoding="utf-8") as f:
        return sorted(({k: canonical(v) for k, v in json.loads(line).items() if not k.startswith("_ez_")} for line in f if line.strip()),
                      key=lambda row: [(k, row[k] or "") for k in sorted(row) if k in ("id", "a", "b", "k")] + [json.dumps(row, sort_keys=True)])


def main():
    want, have = rows(sys.argv[1]), rows(sys.argv[2])
    bad = 0
    if len(want) != len(have):
        print("rows: %d in the source, %d in StarRocks" % (len(want), len(have)), file=sys.stderr)
        bad = 1
    for w, h in zip(want, have):
        if w.keys() != h.keys() or not all(same(w[k], h[k]) for k in w):
            print("source    %s\nstarrocks %s" % (json.dumps(w)[:500], json.dumps(h)[:500]), file=sys.stderr)
            bad += 1
            if bad > 3:
                break
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
