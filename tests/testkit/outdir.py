# SPDX-License-Identifier: Apache-2.0
"""The folder of a file sink: its files in commit order, and its lines checked and decoded.

A reader of the final names sees every change exactly once and in order; `events` refuses
anything else. Numbers with a fraction or an exponent are kept as `Num`, the text that
stands in the file, so that nothing is lost or forgiven by a double.
"""

import gzip
import json
import os
import re
import subprocess

NAME = re.compile(
    r"^(?P<job>[a-z][a-z0-9_]*)-(?:s(?P<snapshot>\d+)-(?P<table>.+)-(?P<part>\d+)-(?P<sseq>\d+)|t(?P<tseq>\d+))"
    r"\.(?P<format>jsonl|csv)(?P<packed>\.gz|\.zst)?(?P<open>\.part)?$")
LSN = re.compile(r"^[0-9A-F]{1,8}/[0-9A-F]{1,8}$")
OPS = {"r", "c", "u", "d", "t", "m"}
MEMBERS = {"op", "ts_ms", "source", "key", "before", "after", "unchanged", "message", "truncate"}
SOURCE = {"name", "schema", "table", "lsn", "commit_lsn", "xid", "seq", "ts_us", "snapshot", "part"}


class Num(str):
    """A JSON number that is not an integer; equal only to another Num of the same text."""

    __slots__ = ()

    def __eq__(self, other):
        return isinstance(other, Num) and str.__eq__(self, other)

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__

    def __repr__(self):
        return str(self)


class Broken(Exception):
    """What the folder holds is not what was promised."""


class OutFile:
    """One file of the folder, by what its name says."""

    def __init__(self, folder, name, match):
        self.path = os.path.join(folder, name)
        self.name = name
        self.stream = match["tseq"] is not None
        self.open = match["open"] is not None
        self.packed = match["packed"] or ""
        self.format = match["format"]
        self.job = match["job"]

    def lines(self):
        """Raw lines, each with its newline but for a torn last one."""
        if self.packed == ".gz":
            with gzip.open(self.path, "rb") as f:
                try:
                    yield from f
                except EOFError:
                    if not self.open:
                        raise
        elif self.packed == ".zst":
            child = subprocess.Popen(["zstd", "-dcq", self.path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            yield from child.stdout
            if child.wait() != 0 and not self.open:
                raise Broken(f"{self.path}: zstd says it is damaged")
        else:
            with open(self.path, "rb") as f:
                yield from f


def folders(path):
    """The folder itself and, in the per-table layout, one folder a table."""
    yield path
    for name in sorted(os.listdir(path)):
        if not name.startswith(".") and os.path.isdir(os.path.join(path, name)):
            yield os.path.join(path, name)


def files(folder, part=False):
    """Files of one folder in the order of their names; `part` adds those being written."""
    found = []
    for name in sorted(os.listdir(folder)):
        if name.startswith(".") or os.path.isdir(os.path.join(folder, name)):
            continue
        match = NAME.match(name)
        if not match:
            raise Broken(f"{os.path.join(folder, name)}: this name belongs to no file of the sink")
        file = OutFile(folder, name, match)
        if part or not file.open:
            found.append(file)
    return found


def lsn(text):
    """A position as a number."""
    if not LSN.match(text):
        raise ValueError(f"{text!r} is not an LSN")
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


def _no_constant(text):
    raise ValueError(f"{text} is not JSON")


def _no_duplicates(pairs):
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("an object names a member twice")
    return made


_strict = json.JSONDecoder(parse_float=Num, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
_fast = json.JSONDecoder(parse_float=Num, parse_constant=_no_constant)


def decode(text):
    """JSON with numbers as events have them."""
    return _fast.decode(text)


def _check(ev):
    """Members of one event; the order of the stream is the caller's."""
    op, src = ev["op"], ev["source"]
    if op not in OPS:
        raise ValueError(f"op {op!r}")
    if not ev.keys() <= MEMBERS:
        raise ValueError(f"unknown members {sorted(ev.keys() - MEMBERS)}")
    if not src.keys() <= SOURCE:
        raise ValueError(f"unknown members of source {sorted(src.keys() - SOURCE)}")
    if type(ev["ts_ms"]) is not int or type(src["ts_us"]) is not int or type(src["seq"]) is not int:
        raise ValueError("ts_ms, ts_us and seq are integers")
    if src["snapshot"] not in (True, False) or (src["snapshot"] is True) != (op == "r"):
        raise ValueError(f"op {op} with snapshot {src['snapshot']}")
    if (op == "m") != ("message" in ev) or (op == "t") != ("truncate" in ev):
        raise ValueError(f"op {op} with members {sorted(ev)}")
    if src["xid"] is None and op != "r":
        raise ValueError(f"op {op} without xid")
    if op == "m":
        return
    if ("after" in ev) != (op in "rcu"):
        raise ValueError(f"op {op}: after is {'there' if 'after' in ev else 'missing'}")
    if "before" in ev and op not in "ud":
        raise ValueError(f"op {op} with before")
    unchanged = ev.get("unchanged")
    if unchanged is not None:
        if op != "u" or not unchanged or len(set(unchanged)) != len(unchanged):
            raise ValueError(f"op {op} with unchanged {unchanged}")
        if not ev["after"].keys().isdisjoint(unchanged):
            raise ValueError("a column stands in after and in unchanged")
    if "key" in ev and not ev["key"]:
        raise ValueError("an empty key")
    for col, value in (ev.get("key") or {}).items():
        if op in "rcu" and col in ev["after"] and ev["after"][col] != value:
            raise ValueError(f"key and after differ in {col}")


def events(path, part=False, job=None):
    """Every event of the folder, snapshot first. Raises Broken at the first that breaks a promise."""
    for folder in folders(path):
        yield from _folder_events(folder, part, job)


def _folder_events(folder, part, job):
    last, last_file, seen, snap_at = (-1, -1), None, set(), -1
    for file in files(folder, part):
        if file.format != "jsonl":
            raise Broken(f"{file.path}: not JSON lines")
        if job and file.job != job:
            raise Broken(f"{file.path}: the job is called {job}")
        n = 0
        for line in file.lines():
            n += 1
            if not line.endswith(b"\n"):
                if file.open:
                    break
                raise Broken(f"{file.path}:{n}: the last line is torn")
            try:
                text = line.decode("utf-8")
                decoder = _strict if n <= 500 else _fast
                ev, end = decoder.raw_decode(text)
                if end != len(text) - 1:
                    raise ValueError("more than one value on a line")
                _check(ev)
                src = ev["source"]
                at = lsn(src["commit_lsn"])
                if file.stream:
                    here = (at, src["seq"])
                    if here <= last:
                        raise ValueError(f"({src['commit_lsn']}, {src['seq']}) does not rise; before it stood "
                                         f"({last[0] >> 32:X}/{last[0] & 0xFFFFFFFF:X}, {last[1]}) in {last_file}")
                    if at < snap_at and ev["op"] != "r":
                        raise ValueError("a change from before the snapshot")
                    last, last_file = here, file.name
                else:
                    if ev["op"] != "r":
                        raise ValueError(f"op {ev['op']} in a snapshot file")
                    here = (at, src["part"], src["seq"])
                    if src["lsn"] != src["commit_lsn"]:
                        raise ValueError("lsn and commit_lsn of a snapshot row differ")
                    if here in seen:
                        raise ValueError(f"the snapshot row {here} stands there twice")
                    seen.add(here)
                    snap_at = max(snap_at, at)
            except (ValueError, KeyError, TypeError, AttributeError) as e:
                what = f"no {e}" if isinstance(e, KeyError) else e
                raise Broken(f"{file.path}:{n}: {what}: {line[:300]!r}") from None
            yield ev
