#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Watches from outside that a job confirms nothing that its files do not hold.

    ack_watch.py CONNINFO SLOT MANIFEST STOP_FILE WITNESS_SLOT PUBLICATION

Reads, again and again until STOP_FILE appears, first the slot's confirmed position, then the position in the
sink's manifest. In the end the witness, a slot that was made before the job's and is never advanced, tells
where the published transactions ended: none may lie between what the manifest had and what was confirmed.
(Behind the last transaction the confirmed position may well be ahead: nothing was there to be kept.)
Prints a summary; exit code 1 if a transaction was confirmed too early.
"""

import bisect
import json
import os
import subprocess
import sys
import time


def number(text):
    """An LSN as a number; 0 for none."""
    if not text:
        return 0
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


class Psql:
    """One session, one query at a time."""

    def __init__(self, conninfo):
        self.child = subprocess.Popen(["psql", "-XqAt", "-d", conninfo], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, sql):
        self.child.stdin.write(f"{sql};\n\\echo ---\n")
        self.child.stdin.flush()
        lines = []
        for line in self.child.stdout:
            if line == "---\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise OSError("the session has ended")


def manifest_position(path):
    """The position in the sink's manifest; 0 while there is none."""
    try:
        with open(path, encoding="utf-8") as f:
            position = json.load(f).get("position") or ""
    except (OSError, ValueError):
        return 0
    if isinstance(position, dict):
        position = position.get("bytes") or position.get("text") or ""
    return number(position)


def main():
    conninfo, slot, manifest, stop, witness, publication = sys.argv[1:]
    session, samples = Psql(conninfo), []
    while not os.path.exists(stop):
        answer = session.ask(f"select confirmed_flush_lsn from pg_replication_slots where slot_name = '{slot}'")
        if answer:
            samples.append((number(answer[0]), manifest_position(manifest)))
        time.sleep(0.005)
    ends = []
    for line in session.ask(f"select encode(substring(data from 11 for 8), 'hex') from pg_logical_slot_peek_binary_changes("
                            f"'{witness}', null, null, 'proto_version', '1', 'publication_names', '{publication}') "
                            f"where get_byte(data, 0) = {ord('C')}"):
        ends.append(int(line, 16))
    early = 0
    for confirmed, durable in samples:
        if confirmed > durable > 0:
            first = bisect.bisect_right(ends, durable)
            if first < len(ends) and ends[first] <= confirmed:
                early += 1
                if early <= 5:
                    print(f"confirmed {confirmed:X} with {durable:X} in the manifest: a transaction ends at {ends[first]:X}")
    moved = len({c for c, _ in samples})
    print(f"{len(samples)} samples, {moved} confirmed positions, {len(ends)} transactions, {early} confirmed too early")
    return 1 if early or not moved else 0


if __name__ == "__main__":
    sys.exit(main())
