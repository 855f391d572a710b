#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the statements for types.tsv, and holds the rows of StarRocks against it.

    starrocks_types.py sql TYPES START [plain]   insert statements, rows numbered from START; plain: only what CSV can say
    starrocks_types.py check TYPES DUMP POLICY START[:plain]...

The expected value follows from the source's text by the rules of docs/starrocks-types.md. POLICY is what was said about values
out of range: text, null or clamp."""

import base64
import json
import os
import re
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import types_check  # noqa: E402  pylint: disable=wrong-import-position

# Not what a value of JSON can be in StarRocks: the server's to refuse.
BEYOND_JSON = (r"\ud83d", "1e400")


def read(path, plain):
    types = types_check.read(path)
    for name, values in types.items():
        types[name] = [v for v in values if not any(odd in v[1] for odd in BEYOND_JSON)
                       and not (plain and name == "text" and (r"\x01" in v[0] or v[0] == r"'\N'"))]
    return types


def source_text(name, expected):
    """The engine's text of a value, from what stands in a file of the file sink."""
    value = json.loads(expected)
    if name == "bytea":
        return base64.b64decode(value).hex()
    if isinstance(value, bool):
        return "1" if value else "0"
    if name in ("timestamp", "timestamp(3)", "timestamptz") and isinstance(value, str):
        zoned = value.endswith("Z")
        return value.replace("T", " ").rstrip("Z") + ("+00" if zoned else "")
    return value if isinstance(value, str) else expected


def array(text):
    """An array's text as nested lists of texts and None."""
    text = re.sub(r"^(\[[-0-9:]+\])+=", "", text)
    sep = ";" if re.match(r"^\{\(.*\);\(", text) else ","
    pos = 0

    def one():
        nonlocal pos
        if text[pos] == "{":
            items = []
            pos += 1
            while text[pos] != "}":
                items.append(one())
                if text[pos] == sep:
                    pos += 1
            pos += 1
            return items
        if text[pos] == '"':
            out = ""
            pos += 1
            while text[pos] != '"':
                pos += text[pos] == "\\"
                out += text[pos]
                pos += 1
            pos += 1
            return out
        start = pos
        while text[pos] not in "}" + sep:
            pos += 1
        return None if text[start:pos] == "NULL" else text[start:pos]
    return one()


def element(name, value):
    if value is None:
        return None
    if isinstance(value, list):
        return [element(name, v) for v in value]
    if name == "bool":
        return value == "t"
    if name in ("int4", "float8", "small") and re.match(r"^-?[0-9]", value):
        return float(value) if name == "float8" else int(value)
    return json.loads(value) if name in ("json", "jsonb") else value


def out_of_range(name, text, policy):
    far = "BC" in text or "infinity" in text or re.match(r"^\d{5,}-", text)
    if not far or policy == "text":
        return text
    if policy == "null":
        return None
    early = "BC" in text or text.startswith("-")
    date = "0000-01-01" if early else "9999-12-31"
    if name == "date":
        return date
    return date + (" 00:00:00" if early else " 23:59:59.999999")


def wanted(name, expected, policy):
    """What the column holds, in the test server's canonical form."""
    text = source_text(name, expected)
    if name.endswith("[]"):
        return element(name[:-2], array(text))
    if name in ("json", "jsonb"):
        return json.loads(text)
    if name in ("date", "timestamp", "timestamp(3)", "timestamptz"):
        out = out_of_range(name, text, policy)
        if out and name != "date" and policy != "text":
            out = re.sub(r"\+00$", "", out)
            head, dot, fraction = out.partition(".")
            out = head + (dot + fraction.ljust(6, "0") if dot else "")
        return out
    if name == "money":
        return re.sub(r"[$,]", "", text)
    if name in ("float4", "float8") and policy != "text":
        if not re.match(r"^-?[0-9]", text):
            return None if policy == "null" else float(text.replace("Infinity", "inf"))
        return float(text)
    return text


def single(value):
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def same(name, have, want):
    if isinstance(want, float):
        if have is None:
            return False
        return str(float(have)) == str(want) or float(have) == want or (name == "float4" and single(have) == single(want))
    if isinstance(want, (list, dict)) and isinstance(have, str):
        have = json.loads(have)
    if have == want:
        return True
    if isinstance(have, (int, float)) and not isinstance(have, bool) and isinstance(want, str):
        return str(have) == want
    if isinstance(have, bool) and isinstance(want, str):
        return want == str(int(have))
    if isinstance(have, str) and not isinstance(want, str):
        return json.loads(have) == want
    return False


def check(path, dump, policy, starts):
    rows, bad, n = {}, 0, 0
    with open(dump, encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            rows[int(row["id"])] = row
    for start in starts:
        start, _, plain = start.partition(":")
        types = read(path, plain)
        for i, (name, values) in enumerate(types.items()):
            for k in range(max(len(v) for v in types.values()) + 1):
                want = wanted(name, values[k][1], policy) if k < len(values) else None
                have = rows[int(start) + k][f"c{i}"]
                n += 1
                if not (have is None if want is None else same(name, have, want)):
                    bad += 1
                    print(f"row {int(start) + k}, {name} {values[k][0] if k < len(values) else 'null'}: "
                          f"there is {have!r}, expected {want!r}")
    print(f"{n} values, {bad} differences")
    return 1 if bad else 0


def main():
    what, path = sys.argv[1:3]
    if what == "sql":
        print("\n".join(types_check.inserts(read(path, len(sys.argv) > 4), int(sys.argv[3]))))
        return 0
    return check(path, sys.argv[3], sys.argv[4], sys.argv[5:])


if __name__ == "__main__":
    sys.exit(main())
