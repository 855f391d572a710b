#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows a running job until a file appears and nothing is left to replicate.

    progress.py STATE_DIR DONE_FILE [DEADLINE_SECONDS]

Asks the daemon's control socket. On a terminal three lines are redrawn several times a second; elsewhere
one line is printed every two seconds. Ends with 0, or 1 when the daemon is gone or the deadline has passed.
"""

import json
import os
import shutil
import socket
import sys
import time

BAR = 28


def ask(path):
    """The status document; None if nobody answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(3)
        try:
            s.connect(path)
            s.sendall(b'{"cmd":"status"}\n')
            data = b""
            while not data.endswith(b"\n"):
                piece = s.recv(65536)
                if not piece:
                    return None
                data += piece
            return json.loads(data)
        except (OSError, ValueError):
            return None


def bar(part, fancy):
    """A part of 1 as a bar."""
    n = max(0, min(BAR, int(part * BAR + 0.5)))
    return ("\u2588" * n + "\u2591" * (BAR - n)) if fancy else ("#" * n + "." * (BAR - n))


class View:
    """Turns status documents into lines, and knows the rate of changes."""

    def __init__(self, fancy):
        self.fancy = fancy
        self.last = None
        self.rate = 0.0
        self.drawn = 0

    def numbers(self, doc):
        """What the lines show."""
        copied = wanted = changes = 0
        for table in doc.get("tables", []):
            rows, done = table.get("rows", 0), table.get("state") in ("copied", "streaming")
            copied += rows
            # The server's estimate is one: a table that is copied has what it had.
            wanted += rows if done else max(table.get("estimate", 0), rows)
            changes += sum(n for op, n in table.get("changes", {}).items() if op != "snapshot")
        now = time.monotonic()
        if self.last and now > self.last[0]:
            rate = (changes - self.last[1]) / (now - self.last[0])
            self.rate = rate if not self.rate else 0.7 * self.rate + 0.3 * rate
        self.last = (now, changes)
        return copied, wanted, changes

    def show(self, doc):
        """Draws or prints."""
        copied, wanted, changes = self.numbers(doc)
        lag = doc.get("lag", {})
        part = copied / wanted if wanted else 0.0
        lines = [
            f"snapshot  {bar(part, self.fancy)} {copied:>9,} rows" + (f"  {100 * part:3.0f} %" if wanted else ""),
            f"stream    {changes:>9,} changes  {max(0, self.rate):>8,.0f}/s",
            f"{doc.get('state', '?'):<9} " + behind(lag) + memory(doc),
        ]
        if not self.fancy:
            print("  " + " | ".join(" ".join(line.split()) for line in lines), flush=True)
            return
        width = shutil.get_terminal_size().columns - 1
        if self.drawn:
            sys.stdout.write(f"\033[{self.drawn}A")
        for line in lines:
            sys.stdout.write("\r\033[K  " + line[:width - 2] + "\n")
        sys.stdout.flush()
        self.drawn = len(lines)


def behind(lag):
    """How far, once that is known."""
    n, ms = lag.get("bytes"), lag.get("ms")
    if n is None or n < 0:
        return "the stream waits in its slot"
    return f"{kib(n)} and {ms if ms and ms > 0 else 0} ms behind"


def memory(doc):
    """What the daemon needs."""
    rss = doc.get("rss_bytes")
    return f", {kib(rss)} of memory" if rss else ""


def kib(n):
    """Bytes for people."""
    return f"{n / 1048576:.1f} MiB" if n >= 1048576 else f"{n / 1024:.0f} KiB"


def main():
    state, done = sys.argv[1], sys.argv[2]
    deadline = time.monotonic() + (float(sys.argv[3]) if len(sys.argv) > 3 else 120)
    fancy = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    view, silent, printed = View(fancy), 0, 0.0
    while time.monotonic() < deadline:
        doc = ask(os.path.join(state, "control.sock"))
        if doc is None:
            silent += 1
            if silent > 50:
                print("  the job does not answer", file=sys.stderr)
                return 1
        else:
            silent = 0
            finished = os.path.exists(done)
            if fancy or finished or time.monotonic() - printed >= 2:
                printed = time.monotonic()
                view.show(doc)
            if finished:
                return 0
        time.sleep(0.2)
    print("  this takes too long", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
