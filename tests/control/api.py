# SPDX-License-Identifier: Apache-2.0
"""A client of the control plane's API for tests: plain http.client, nothing hidden."""

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.parse
import uuid

SLOW = int(os.environ.get("EZ_SLOW", "3"))
if os.environ.get("EZ_SANITIZE", "no") not in ("no", ""):
    SLOW *= 4


class Answer:
    def __init__(self, status, headers, data):
        self.status, self.headers, self.data = status, headers, data

    @property
    def json(self):
        return json.loads(self.data)

    @property
    def code(self):
        return self.json["error"]["code"]

    def __repr__(self):
        return f"{self.status} {self.data[:400]!r}"


class Api:
    def __init__(self, token=None, url=None):
        parts = urllib.parse.urlsplit(url or os.environ["CONTROL_URL"])
        self.host, self.port, self.token = parts.hostname, parts.port, token
        self.headers = {}

    def call(self, method, path, body=None, headers=None, raw=None, timeout=90):
        c = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        h = dict(self.headers)
        if self.token:
            h["Authorization"] = "Bearer " + self.token
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            h.setdefault("Content-Type", "application/json")
        h.update(headers or {})
        c.request(method, path, data, h)
        r = c.getresponse()
        answer = Answer(r.status, r.headers, r.read())
        c.close()
        return answer

    def get(self, path, **kw):
        return self.call("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.call("POST", path, body if body is not None or "raw" in kw else {}, **kw)

    def patch(self, path, body, **kw):
        return self.call("PATCH", path, body, **kw)

    def delete(self, path, **kw):
        return self.call("DELETE", path, **kw)


def expect(answer, status, code=None):
    if answer.status != status or (code and answer.code != code):
        raise AssertionError(f"expected {status} {code or ''}, got {answer}")
    return answer.json if answer.data else None


def await_that(what, test, seconds=10):
    end = time.monotonic() + seconds * SLOW
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited for {what}")
        time.sleep(0.05)


def now():
    t = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t)) + f".{int(t % 1 * 1e6):06d}Z"


def catalog(sql):
    out = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", os.environ["CATALOG"],
                          "-c", "set search_path = control", "-c", sql],
                         check=True, capture_output=True, text=True)
    return out.stdout.strip()


PLUGINS = {"plugins": [
    {"name": "pgoutput", "kind": "source", "version": "0.1.0", "options": [
        {"name": "conninfo", "type": "string", "required": True, "connection": True},
        {"name": "password", "type": "secret", "connection": True},
        {"name": "snapshot", "type": "enum", "choices": ["initial", "never", "only"]},
        {"name": "snapshot_workers", "type": "int", "min": 1, "max": 64},
        {"name": "part_bytes", "type": "size"}]},
    {"name": "file", "kind": "sink", "version": "0.1.0", "options": [
        {"name": "path", "type": "string", "required": True, "connection": True},
        {"name": "rotate_age", "type": "duration"},
        {"name": "sync", "type": "bool"}]},
    {"name": "mask", "kind": "transform", "version": "0.1.0", "options": [
        {"name": "columns", "type": "list", "required": True},
        {"name": "with", "type": "enum", "choices": ["sha256", "null"], "required": True},
        {"name": "key", "type": "secret"}]},
    {"name": "postgres", "kind": "store", "version": "0.1.0", "options": [
        {"name": "conninfo", "type": "string", "required": True},
        {"name": "password", "type": "secret"},
        {"name": "schema", "type": "string"}]}], "broken": []}


class Worker:
    """What a worker says, without a worker."""

    def __init__(self, token, name="w1", max_jobs=10, url=None):
        self.instance, self.name, self.max_jobs = str(uuid.uuid4()), name, max_jobs
        self.api = Api(token, url)
        self.seen, self.jobs = "", {}

    def body(self):
        return {"protocol": 1, "instance": self.instance, "name": self.name, "host": "test",
                "version": "0.1.0", "abi": "1.0", "max_jobs": self.max_jobs, "started_at": now(),
                "plugins": PLUGINS}

    def register(self):
        a = expect(self.api.post("/api/worker/register", self.body()), 200)
        self.id = a["worker_id"]
        if "secret" in a:
            self.api.token = a["secret"]
        return a

    def beat(self, **more):
        return self.api.post("/api/worker/heartbeat",
                             {"worker_id": self.id, "sent_at": now(), "uptime_seconds": 1,
                              "jobs": len(self.jobs), "max_jobs": self.max_jobs, "stopping": False, **more})

    def poll(self, wait=0, tasks=()):
        a = self.api.post("/api/worker/poll",
                          {"worker_id": self.id, "seen": self.seen, "wait_seconds": wait, "jobs": [],
                           "tasks": list(tasks)})
        if a.status == 200:
            self.seen = a.json["version"]
            self.jobs = {j["job_id"]: j for j in a.json["jobs"]}
        return a

    def status(self, job_id, state, epoch=None, sent_at=None, **more):
        return self.api.post(f"/api/worker/jobs/{job_id}/status",
                             {"worker_id": self.id, "sent_at": sent_at or now(),
                              "epoch": epoch if epoch is not None else self.jobs[job_id]["epoch"],
                              "revision": 1, "state": state, "exit_code": None, "error": None,
                              "status": None, **more})


def make_pair(admin, deployment, password="pw-of-the-source-9917"):
    """A source and a sink; gives their ids."""
    source = expect(admin.post("/api/datasources", {
        "name": "shop", "deployment_id": deployment, "kind": "source", "plugin": "pgoutput",
        "config": {"conninfo": "host=db dbname=shop user=cdc", "password": password}}), 201)
    sink = expect(admin.post("/api/datasources", {
        "name": "files", "deployment_id": deployment, "kind": "sink", "plugin": "file",
        "config": {"path": "/var/lib/ezcdc/out"}}), 201)
    return source["datasource_id"], sink["datasource_id"]


def main(*tests):
    """Runs each test, says how it went, and ends the program."""
    failed = 0
    for test in tests:
        begun = time.monotonic()
        try:
            test()
            print(f"ok - {test.__name__}")
            print(f"  {time.monotonic() - begun:.1f} s", flush=True)
        except Exception as e:  # whatever goes wrong is a failed case
            failed += 1
            print(f"not ok - {test.__name__}: {type(e).__name__}: {e}")
            import traceback
            traceback.print_exc(limit=-3)
    sys.exit(1 if failed else 0)
