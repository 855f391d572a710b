# SPDX-License-Identifier: Apache-2.0
"""Job files as the control plane writes them, read by the real programs with the real plugins' option tables."""

import json
import os
import subprocess
import tempfile

import api as testkit
from api import Api, Worker, expect, main

BUILD = os.environ["EZ_BUILD"]
admin = Api(os.environ["ADMIN_TOKEN"])
tables = json.loads(subprocess.run([os.path.join(BUILD, "ezcdc"), "plugins", "--json"], check=True,
                                   capture_output=True, text=True).stdout)
testkit.PLUGINS = {"plugins": tables["plugins"], "broken": []}
d = expect(admin.post("/api/deployments", {"name": "d"}), 201)["deployment_id"]
w = Worker(expect(admin.post(f"/api/deployments/{d}/tokens"), 201)["token"], max_jobs=100)
w.register()

# A second reading of a text: what libconfig makes of it must be what was sent.
NASTY = ["plain", 'quo"te', "back\\slash", "end\\", "a\nb\tc\r", '"; name = "evil', '@include "/etc/passwd"', "# no comment",
         "/* none */", "Grüße 😀", "\x01\x1f\x7f", "${HOME} $1 %s", "'single'"]


def source(name, **config):
    return expect(admin.post("/api/datasources", {"name": name, "deployment_id": d, "kind": "source", "plugin": "pgoutput",
                                                  "config": {"conninfo": "host=db dbname=shop user=cdc", **config}}),
                  201)["datasource_id"]


def sink(name, **config):
    return expect(admin.post("/api/datasources", {"name": name, "deployment_id": d, "kind": "sink", "plugin": "file",
                                                  "config": {"path": os.environ["T"] + "/out", **config}}),
                  201)["datasource_id"]


def job_file(name, source_id, sink_id, **spec):
    """Makes the job; the text that a worker gets."""
    job = expect(admin.post("/api/jobs", {"name": name, "deployment_id": d, "source_id": source_id, "sink_id": sink_id,
                                          **spec}), 201)["job_id"]
    w.poll()
    return w.jobs[job]["config"]


def check(text):
    """The validation that the worker does before it starts a daemon."""
    with tempfile.TemporaryFile() as f:
        f.write(text.encode())
        f.seek(0)
        return subprocess.run([os.path.join(BUILD, "ezcdc"), "check", "--only=config", "--json", f"--config-fd={f.fileno()}",
                               "--id=ezcdc_0f3a9c5177aa", "--epoch=3", "--secrets-dir=" + os.environ["T"]],
                              pass_fds=[f.fileno()], capture_output=True, text=True)


def every_text_is_read_as_it_was_sent():
    for i, text in enumerate(NASTY):
        config = job_file(f"text{i}", source(f"s{i}", password=text), sink(f"k{i}"),
                          transforms=[{"plugin": "mask", "columns": ["public.t.a"], "with": "constant", "value": text,
                                       "key": text}])
        r = check(config)
        assert r.returncode == 0, f"{text!r}: {r.stdout}{r.stderr}\n{config}"


def every_kind_of_option_is_understood():
    config = job_file("all", source("all", snapshot_workers=4), sink("ksync", sync=False, rotate_age="30m"),
                      tables=["public.*", "!public.audit_*"],
                      source={"snapshot": "never", "part_bytes": "64MiB", "messages": True, "heartbeat": "10s"},
                      sink={"compression": "zstd", "compression_level": 3, "rotate_bytes": 5000000000, "target": "append"},
                      transforms=[{"plugin": "route", "from": "public\\.(.*)", "to": "shop.$1"},
                                  {"plugin": "columns", "drop": ["public.t.x"], "add": ["op=$op"]}],
                      batch={"max_bytes": "16MiB", "max_rows": 1000, "max_age": "100ms"}, memory="128MiB",
                      shutdown_timeout="20s", errors={"policy": "dead-letter", "limit": 5},
                      retry={"min": "100ms", "max": "10s"}, log={"level": "debug"})
    r = check(config)
    assert r.returncode == 0, f"{r.stdout}{r.stderr}\n{config}"
    assert check(config.replace("part_bytes", "part_byte")).returncode == 78


def what_the_worker_would_refuse_is_refused_earlier():
    s, k = source("last"), sink("klast")

    def refuse(field, **spec):
        a = admin.post("/api/jobs", {"name": "bad", "deployment_id": d, "source_id": s, "sink_id": k, **spec})
        expect(a, 400)
        assert a.json["error"]["field"] == field, a
    refuse("source.nonsense", source={"nonsense": 1})
    refuse("source.snapshot", source={"snapshot": "sometimes"})
    refuse("sink.compression", sink={"compression": "lzma"})
    refuse("transforms", transforms=[{"columns": ["a"]}])
    refuse("transforms/0.colour", transforms=[{"plugin": "mask", "colour": "blue"}])
    refuse("state.store", state={"store": "file"})
    refuse("state", state={"store": "postgres", "epoch": 9})
    refuse("state.conninfo", state={"store": "postgres", "conninfo": "host=a password=b"})
    refuse("worker_id", worker_id=d)
    refuse("source_id", source_id=k)
    refuse("sink_id", sink_id=s)
    refuse("name", name="Has Spaces")
    a = admin.post("/api/jobs?dry_run=true", {"name": "dry", "deployment_id": d, "source_id": s, "sink_id": k})
    assert check(expect(a, 200)["config"]).returncode == 0
    assert not [j for j in expect(admin.get("/api/jobs?limit=1000"), 200)["items"] if j["name"] == "dry"]


def a_job_may_wait_to_be_started():
    a = admin.post("/api/jobs", {"name": "later", "deployment_id": d, "source_id": source("sl"), "sink_id": sink("kl"),
                                 "start": False})
    job = expect(a, 201)
    assert job["status"] == "created"
    w.poll()
    assert job["job_id"] not in w.jobs
    expect(admin.get(f"/api/jobs/{job['job_id']}/log"), 409, "never_ran")
    assert expect(admin.post(f"/api/jobs/{job['job_id']}/start"), 200)["status"] == "pending"
    w.poll()
    assert w.jobs[job["job_id"]]["epoch"] == 1


main(every_text_is_read_as_it_was_sent, every_kind_of_option_is_understood,
     what_the_worker_would_refuse_is_refused_earlier, a_job_may_wait_to_be_started)
