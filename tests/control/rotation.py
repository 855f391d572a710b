# SPDX-License-Identifier: Apache-2.0
"""Load while keys rotate. With the argument `read`: is all of it readable?"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

from api import Api, Worker, await_that, catalog, expect, main

DIR = os.environ["CONTROL_DIR"]
RINGS = [os.path.join(DIR, "keyring"), os.path.join(DIR, "keyring-second")]
CONTROL = [os.path.join(os.environ["EZ_BUILD"], "ezcdc-control"), "--config=" + os.path.join(DIR, "main.conf")]
NOTES = os.path.join(DIR, "passwords.json")
ROTATIONS = 6 if os.environ.get("EZ_TEST_LONG") == "1" else 2
URLS = [os.environ["CONTROL_URL_main"], os.environ["CONTROL_URL_second"]]


def token(n):
    """Each client has its own: requests are limited per token."""
    return subprocess.run([*CONTROL, "create-token", "--user=admin", f"--name=client{n}"], check=True, capture_output=True,
                          text=True).stdout.strip()


class Client(threading.Thread):
    """Works with one job at both instances until it is told to stop; remembers the first thing that went wrong."""

    def __init__(self, n, stop):
        super().__init__()
        self.n, self.stop, self.problem, self.rounds, self.passwords = n, stop, None, 0, {}
        t = token(n)
        self.api = [Api(t, u) for u in URLS]
        self.at = n
        self.deployment = expect(self.any().post("/api/deployments", {"name": f"d{n}"}), 201)["deployment_id"]
        t = expect(self.any().post(f"/api/deployments/{self.deployment}/tokens"), 201)["token"]
        self.worker = Worker(t, name=f"w{n}", max_jobs=500)
        self.worker.register()

    def any(self):
        self.at += 1
        return self.api[self.at % 2]

    def make(self, name, body):
        return expect(self.any().post("/api/datasources", {"name": name, "deployment_id": self.deployment, **body}), 201)["datasource_id"]

    def make_job(self, i):
        password = f"first-of-{self.n}-{i}"
        source = self.make(f"s{i}", {"kind": "source", "plugin": "pgoutput", "config": {"conninfo": "host=db", "password": password}})
        sink = self.make(f"k{i}", {"kind": "sink", "plugin": "file", "config": {"path": "/out"}})
        job = expect(self.any().post("/api/jobs", {
            "name": f"j{i}", "deployment_id": self.deployment, "source_id": source, "sink_id": sink,
            "transforms": [{"plugin": "mask", "columns": ["public.t.c"], "with": "sha256", "key": f"key-{self.n}-{i}"}]}), 201)["job_id"]
        self.passwords[job] = password
        return source, job

    def edit(self, source, job, i):
        password = f"later-of-{self.n}-{i}"
        expect(self.any().patch(f"/api/datasources/{source}", {"config": {"conninfo": "host=db", "password": password}}), 200)
        self.passwords[job] = password

    def look(self):
        self.worker.api.host, self.worker.api.port = self.any().host, self.any().port
        a = self.worker.poll()
        assert a.status in (200, 204), a
        self.worker.seen = ""
        for job, password in self.passwords.items():
            assert password in self.worker.jobs[job]["config"], f"job {job} has another password"
            assert f"key-{self.n}-" in self.worker.jobs[job]["config"], f"job {job} has lost its key"

    def run(self):
        try:
            while not self.stop.is_set():
                source, job = self.make_job(self.rounds)
                self.look()
                self.edit(source, job, self.rounds)
                self.look()
                self.rounds += 1
                time.sleep(0.02)
        except Exception as e:  # pylint: disable=broad-except
            self.problem = f"client {self.n}, round {self.rounds}: {type(e).__name__}: {e}"


def rotate(step):
    return subprocess.run([*CONTROL, "rotate-key", step], capture_output=True, text=True)


def first_key(path):
    return open(path).read().split()[0]


def copy_ring():
    shutil.copy(RINGS[0], RINGS[1] + ".new")
    os.chmod(RINGS[1] + ".new", 0o600)
    os.rename(RINGS[1] + ".new", RINGS[1])


def rotate_once():
    old = first_key(RINGS[0])
    r = rotate("--add")
    assert r.returncode == 0, r
    copy_ring()

    def activated():
        """As soon as the ring has its new order it is copied, while the command waits for that."""
        p = subprocess.Popen([*CONTROL, "rotate-key", "--activate"], stderr=subprocess.PIPE, text=True)
        while p.poll() is None:
            if first_key(RINGS[0]) != first_key(RINGS[1]):
                time.sleep(0.3)
                copy_ring()
            time.sleep(0.02)
        said = p.communicate()[1]
        assert p.returncode == 0 or "does not have the new key" in said, said
        return p.returncode == 0
    await_that("the activation", activated, 20)
    new = first_key(RINGS[0])
    assert new != old
    again = rotate("--activate")
    assert again.returncode == 64 and "no new one" in again.stderr, again
    return old, new


def keys_rotate_while_everything_is_used():
    stop = threading.Event()
    clients = [Client(n, stop) for n in range(3)]
    for c in clients:
        c.start()
    try:
        for _ in range(ROTATIONS):
            old, new = rotate_once()
            # From here on nothing is sealed with the old key, by whomever.
            for _ in range(5):
                assert catalog(f"select count(*) from secrets where key_id <> '{new}'") == "0"
                time.sleep(0.05)
            text = [line for line in open(RINGS[0]) if line.split()[0] != old]
            with open(RINGS[0] + ".new", "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.writelines(text)
            os.rename(RINGS[0] + ".new", RINGS[0])
            copy_ring()
    finally:
        stop.set()
        for c in clients:
            c.join()
    assert not [c.problem for c in clients if c.problem], [c.problem for c in clients if c.problem]
    rounds = [c.rounds for c in clients]
    print(f"  {sum(rounds)} jobs made and edited during {ROTATIONS} rotations")
    assert min(rounds) >= 3, rounds
    assert len(open(RINGS[0]).readlines()) == 1
    for c in clients:
        c.look()
    with open(NOTES, "w") as f:
        json.dump([[c.deployment, c.worker.id, c.worker.api.token, c.passwords] for c in clients], f)


def what_was_sealed_is_read_with_the_last_key_alone():
    for _, worker_id, secret, passwords in json.load(open(NOTES)):
        w = Worker(secret, url=URLS[0])
        w.id = worker_id
        expect(w.poll(), 200)
        assert set(passwords) <= set(w.jobs) and passwords
        for job, password in passwords.items():
            assert password in w.jobs[job]["config"], job


main(*([what_was_sealed_is_read_with_the_last_key_alone] if sys.argv[1:] == ["read"] else [keys_rotate_while_everything_is_used]))
