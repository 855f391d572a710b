#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks a daemon's control socket.

    ask.py STATE_DIR [COMMAND] [EXPRESSION]

COMMAND is status by default. Prints the answer, or the value of a Python expression in which s is the answer.
Exit code 1 if nobody answers or the expression fails.
"""

import json
import os
import socket
import sys


def ask(folder, command):
    """One request, one answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(10)
        s.connect(os.path.join(folder, "control.sock"))
        s.sendall(json.dumps({"cmd": command}).encode() + b"\n")
        data = b""
        while not data.endswith(b"\n"):
            piece = s.recv(65536)
            if not piece:
                break
            data += piece
    return json.loads(data)


def main():
    folder, command = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "status"
    try:
        s = ask(folder, command)
        print(eval(sys.argv[3], {"s": s}) if len(sys.argv) > 3 else json.dumps(s))  # pylint: disable=eval-used
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as e:
        print(f"ask.py: {e!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
