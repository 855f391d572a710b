#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A control plane that does what a test says, for workers: docs/worker-protocol.md without a catalog.

    control_stub.py FOLDER [CERTIFICATE KEY]

Writes the port to FOLDER/port and every request to FOLDER/requests.jsonl, one object a line. Reads, at every request:

    FOLDER/set.json   {"version": ..., "jobs": [...], "tasks": [...]}, what polls answer (default: an empty set)
    FOLDER/answer     a status code that every request gets instead, for example 503
    FOLDER/token      the deployment token that is accepted

Secrets are made one after the other: secret-1, secret-2; only the newest is accepted. FOLDER/forget, if it is there, makes
the next request with a secret unauthorized, and is removed. Ends when its standard input does.
"""

import http.server
import json
import os
import ssl
import sys
import threading
import time

FOLDER = sys.argv[1]
WORKER = "7d9f2f0e-0f44-4a3c-8a39-1f2e3d4c5b6a"
LOCK = threading.Lock()
STATE = {"secrets": 0, "done": set()}


def content(name, default=None):
    """A file of the folder."""
    try:
        with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return default


def wanted():
    """The set, without tasks that are done."""
    s = json.loads(content("set.json", '{"version":"0","jobs":[],"tasks":[]}'))
    s["tasks"] = [t for t in s.get("tasks", []) if t["task_id"] not in STATE["done"]]
    return s


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Quiet."""

    def answer(self, status, body=None, headers=None):
        """Sends it, and writes down what was asked and answered."""
        with LOCK, open(os.path.join(FOLDER, "requests.jsonl"), "a", encoding="utf-8") as f:
            f.write(json.dumps({"path": self.path, "authorization": self.headers.get("Authorization"), "body": self.body,
                                "status": status}) + "\n")
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def fail(self, status, code):
        """An error."""
        self.answer(status, {"error": {"code": code, "message": "the stub says " + code, "field": None}})

    def register(self):
        """By token or by secret."""
        answer = {"worker_id": WORKER, "heartbeat_seconds": 1, "poll_seconds": 2, "lost_after_seconds": 6}
        if self.bearer == (content("token") or "").strip():
            STATE["secrets"] += 1
            answer["secret"] = f"secret-{STATE['secrets']}"
        self.answer(200, answer, {"Cache-Control": "no-store"})

    def poll(self):
        """Waits for news as the real one does."""
        end = time.monotonic() + self.body["wait_seconds"]
        while True:
            now = wanted()
            news = [t for t in now["tasks"] if t["task_id"] not in self.body["tasks"]]
            if now["version"] != self.body["seen"] or news:
                return self.answer(200, now)
            if time.monotonic() >= end or content("answer"):
                return self.answer(204)
            time.sleep(0.05)

    def is_known(self):
        """Is this the token, or the newest secret?"""
        if self.path.endswith("/register") and self.bearer == (content("token") or "").strip():
            return True
        if content("forget") is not None:
            os.remove(os.path.join(FOLDER, "forget"))
            STATE["secrets"] += 1
        return STATE["secrets"] > 0 and self.bearer == f"secret-{STATE['secrets']}"

    def do_POST(self):
        """All of them are."""
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if content("answer"):
            return self.fail(int(content("answer")), "told_to")
        if not self.is_known():
            return self.fail(401, "unauthorized")
        path = self.path.removeprefix("/api/worker/")
        if path == "register":
            return self.register()
        if path == "poll":
            return self.poll()
        if path.startswith("tasks/"):
            STATE["done"].add(path.split("/")[1])
        return self.answer(200, {})


def main():
    """Serves until standard input ends."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(os.path.join(FOLDER, "port.new"), "w", encoding="utf-8") as f:
        f.write(str(server.server_address[1]))
    os.rename(os.path.join(FOLDER, "port.new"), os.path.join(FOLDER, "port"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


main()
