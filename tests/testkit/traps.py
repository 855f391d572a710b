# SPDX-License-Identifier: Apache-2.0
"""The scenarios of tests/data/traps, for tests/e2e/starrocks_traps.sh.

    traps.py list FILE...               a line each: name|encoding|publish|publication
    traps.py sql SECTION FILE...        what psql is to run: setup, stream, again, last
    traps.py compare CONTROL_PORT CONNINFO SAVE FILE...
                                        the target's rows against the source's

A scenario is a SQL file: comments saying which trap, then sections that begin with `-- @setup` (before the job's copy), `-- @stream`,
`-- @again`, `-- @last`. Its tables are in a schema that is called as the file. Other lines:

    -- @publish LIST         what a publication is to have, as CREATE PUBLICATION takes it; else all tables of the section setup
    -- @publication OPTIONS  a publication and a job of its own
    -- @encoding NAME        a database of its own, in that encoding
    -- @rows TARGET QUERY    what table TARGET holds in the end; else what its source does, as far as it is published
"""
import json
import os
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from starrocks_equal import canonical, same  # noqa: E402 pylint: disable=wrong-import-position

SECTIONS = ("setup", "stream", "again", "last")


def lines(path):
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


def name_of(path):
    return os.path.basename(path).rsplit(".", 1)[0]


def words(path, word):
    return [line.split(" ", 2)[2] for line in lines(path) if line.startswith("-- @%s " % word)]


def section(path, wanted):
    here, out = None, ["set search_path = %s;" % name_of(path)]
    if wanted == "setup":
        out.insert(0, "create schema %s;" % name_of(path))
    for line in lines(path):
        if line.startswith("-- @"):
            here = line[4:].strip() if line[4:].strip() in SECTIONS else here
        elif here == wanted:
            out.append(line)
    return out


class Target:
    """The test server's control port."""

    def __init__(self, port):
        self.url = "http://127.0.0.1:%s/" % port

    def ask(self, **command):
        with urllib.request.urlopen(self.url, json.dumps(command).encode(), timeout=60) as answer:
            text = answer.read().decode()
        return [json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines() if line]

    def tables(self):
        return {t["table"] for t in self.ask(do="summary") if t["db"] == "shop" and t["table"] != "_ez_progress"}

    def rows(self, table):
        return self.ask(do="dump", db="shop", table=table)


def query(conninfo, text):
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", conninfo, "-c", text], capture_output=True, text=True, check=False,
                          env=dict(os.environ, PGCLIENTENCODING="UTF8"))
    if done.returncode:
        sys.exit("traps.py: %s\n%s" % (done.stderr.strip(), text))
    return [json.loads(line, parse_float=str, parse_int=str) for line in done.stdout.splitlines()]


def plain(value):
    """A value as text: JSON by its meaning, bytes as hexadecimal digits."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    text = canonical(value)
    if text is not None and text.startswith("\\x"):
        return text[2:]
    if text is not None and text[:1] in "[{\"" or text in ("null", "true", "false"):
        try:
            return json.dumps(json.loads(text, parse_float=str, parse_int=str), sort_keys=True, ensure_ascii=False)
        except ValueError:
            pass
    return text


def normal(rows):
    out = [{k: plain(v) for k, v in row.items() if not k.startswith("_ez_")} for row in rows]
    return sorted(out, key=lambda row: json.dumps(row, sort_keys=True))


def alike(want, have):
    return want.keys() == have.keys() and all(same(want[k], have[k]) for k in want)


def differs(want, have):
    """What differs, in a line or two; None: nothing."""
    # Numbers may be written otherwise and sort otherwise: what is the same is taken away pair by pair.
    left = {}
    for row in have:
        left.setdefault(json.dumps(row, sort_keys=True), []).append(row)
    missing = []
    for row in want:
        found = left.get(json.dumps(row, sort_keys=True))
        if found:
            found.pop()
        else:
            missing.append(row)
    over = [row for rows in left.values() for row in rows]
    for row in list(missing):
        for other in over:
            if alike(row, other):
                missing.remove(row)
                over.remove(other)
                break
    if not missing and not over:
        return None
    return "%d rows in the source, %d in StarRocks\n  only in the source: %s\n  only in StarRocks: %s" % (
        len(want), len(have), str(missing[:2])[:600], str(over[:2])[:600])


def expected(conninfo, files):
    """What each target table is to hold, as a query."""
    queries = {}
    published = query(conninfo, """select row_to_json(p) from (select schemaname, tablename, rowfilter, (select string_agg(quote_ident(n), ', ')
        from unnest(attnames) n, pg_attribute where attname = n and attgenerated = ''
        and attrelid = format('%I.%I', schemaname, tablename)::regclass) as columns from pg_publication_tables) p""")
    for p in published:
        ident = '"%s"."%s"' % (p["schemaname"], p["tablename"].replace('"', '""'))
        where = " where %s" % p["rowfilter"] if p["rowfilter"] else ""
        queries["%s_%s" % (p["schemaname"], p["tablename"])] = "select %s from %s%s" % (p["columns"], ident, where)
    for path in files:
        for text in words(path, "rows"):
            target, sql = text.split(" select ", 1)
            queries[target] = "select " + sql
    return queries


def compare(port, conninfo, save, files):
    target = Target(port)
    queries = expected(conninfo, files)
    known, bad, state = target.tables(), 0, {}
    for table in sorted(queries):
        if table not in known:
            print("table %s is not in StarRocks" % table, file=sys.stderr)
            bad += 1
            continue
        want = normal(query(conninfo, "set search_path = public; select row_to_json(row_) from (%s) row_" % queries[table]))
        have = normal(target.rows(table))
        # What runs beside the scenarios is not the same twice.
        if not table.startswith("live_"):
            state[table] = have
        why = differs(want, have)
        if why:
            print("table %s: %s" % (table, why), file=sys.stderr)
            bad += 1
    with open(save, "w", encoding="utf-8") as f:
        json.dump(state, f, sort_keys=True, ensure_ascii=False, indent=0)
    print("%d tables, %d rows" % (len(state), sum(map(len, state.values()))))
    sys.exit(1 if bad else 0)


def main():
    command, args = sys.argv[1], sys.argv[2:]
    if command == "sql":
        for path in args[1:]:
            print("\n".join(section(path, args[0])))
    elif command == "list":
        for path in args:
            print("|".join([name_of(path)] + [" ".join(words(path, word)) for word in ("encoding", "publish", "publication")]))
    else:
        compare(args[0], args[1], args[2], args[3:])


main()
