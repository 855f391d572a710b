# SPDX-License-Identifier: Apache-2.0
"""The examples of the worker protocol, sent to the server as they stand; its answers have the same shape."""

import glob
import hashlib
import json
import os

from api import Api, Worker, catalog, expect, main, make_pair

admin = Api(os.environ["ADMIN_TOKEN"])
WORKER = "7d9f2f0e-0f44-4a3c-8a39-1f2e3d4c5b6a"
INSTANCE = "6b0f0a0e-5b1c-4c58-9a55-0d7d6f1c8a11"
DEPLOYMENT = "3c1b5a7e-9d20-4f6b-8f10-a1b2c3d4e5f6"
JOB = "0f3a9c51-77aa-4b0e-9d65-2b1c3d4e5f60"
TASK = "51d2a6c4-8e0b-4f7d-b3a9-6c5b4a392817"


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def prepare(name, v):
    """The catalog as it was when the example was written."""
    token = v["request"]["authorization"].split()[1]
    catalog("delete from jobs; delete from workers; delete from tasks; delete from deployment_tokens")
    expires = "now() - interval '1 day'" if "expired" in name else "now() + interval '1 day'"
    if token.startswith("ezd_"):
        catalog(f"insert into deployment_tokens (deployment_id, hash, expires_at) values ('{DEPLOYMENT}', '{sha(token)}', {expires})")
        return
    secret = "x" if name == "heartbeat-unknown" else token
    catalog(f"insert into workers (id, deployment_id, instance, name, hash, set_version) values"
            f" ('{WORKER}', '{DEPLOYMENT}', '{INSTANCE}', 'worker-1', '{sha(secret)}', 42)")
    # After poll-empty's set was taken away; elsewhere it holds one job.
    if name != "poll-empty":
        catalog(f"insert into jobs (id, name, deployment_id, source_id, sink_id, spec, status, worker_id, epoch, revision)"
                f" select '{JOB}', 'shop', '{DEPLOYMENT}', s.id, k.id, '{{}}', 'running', '{WORKER}', 8, 4"
                f" from datasources s, datasources k where s.kind = 'source' and k.kind = 'sink'")
    else:
        catalog(f"select touch_worker('{WORKER}')")
    if name in ("poll-task", "task-succeeded", "task-failed"):
        catalog(f"insert into tasks (id, deployment_id, kind, status, datasource_id, worker_id) select '{TASK}',"
                f" '{DEPLOYMENT}', 'check-source', 'running', s.id, '{WORKER}' from datasources s where s.kind = 'source'")


def shape(v):
    if isinstance(v, dict):
        return {k: shape(x) for k, x in v.items()}
    if isinstance(v, list):
        return [shape(x) for x in v]
    return type(v).__name__


def one_example(path):
    name = os.path.basename(path)[:-5]
    v = json.load(open(path))
    want = v["response"]
    if want["status"] == 503:
        return
    prepare(name, v)
    body = dict(v["request"]["body"], **({"wait_seconds": 0} if name == "poll-nothing" else {}))
    for _ in range(1 if name in ("register-again", "deregister") else 2):
        a = Api().post(v["request"]["path"], body, headers={"Authorization": v["request"]["authorization"]})
        assert a.status == want["status"], f"{name}: {a}"
        for key, value in (want.get("headers") or {}).items():
            assert a.headers[key] == value, f"{name}: {key}"
        # A worker that has reported failure is no holder any more: its message may then be repeated in vain.
        if name == "status-failed":
            break
    if want["status"] == 204:
        assert a.data == b""
        return
    have = a.json
    assert have.keys() == want["body"].keys(), f"{name}: {a}"
    if want["status"] >= 400:
        assert shape(have) == shape({"error": {**want["body"]["error"], "field": have["error"]["field"]}}), a
        if want["status"] not in (401, 403):
            assert have["error"]["code"] == want["body"]["error"]["code"], f"{name}: {a}"
    elif name.startswith("poll"):
        for member in ("jobs", "tasks"):
            mine, theirs = have[member], want["body"].get(member, [])
            assert bool(mine) == bool(theirs), f"{name}: {a}"
            if mine:
                assert shape(mine[0]) == shape(theirs[0]), f"{name}: {mine}"
    else:
        assert shape(have) == shape(want["body"]), f"{name}: {a}"
    if name == "metrics":
        n = catalog(f"select count(*) from job_metrics where job_id = '{JOB}'")
        assert int(n) <= len(v["request"]["body"]["samples"])


def every_example_is_understood():
    catalog(f"insert into deployments (id, name) values ('{DEPLOYMENT}', 'edge')")
    make_pair(admin, DEPLOYMENT)
    paths = sorted(glob.glob(os.path.join(os.environ["EZ_SRC"], "tests/data/worker-protocol/*.json")))
    assert len(paths) >= 19
    for path in paths:
        one_example(path)


def messages_that_were_overtaken_are_passed_over():
    catalog("delete from jobs; delete from workers; delete from tasks")
    token = expect(admin.post(f"/api/deployments/{DEPLOYMENT}/tokens"), 201)["token"]
    w = Worker(token)
    w.register()
    ends = {d["kind"]: d["datasource_id"] for d in expect(admin.get("/api/datasources"), 200)["items"]}
    job = expect(admin.post("/api/jobs", {"name": "j", "deployment_id": DEPLOYMENT, "source_id": ends["source"],
                                          "sink_id": ends["sink"]}), 201)["job_id"]
    w.poll()
    expect(w.status(job, "running", sent_at="2026-11-22T10:00:05.000000Z"), 200)
    expect(w.status(job, "failed", sent_at="2026-11-22T10:00:04.000000Z", exit_code=78), 200)
    assert expect(admin.get(f"/api/jobs/{job}"), 200)["status"] == "running"
    expect(w.status(job, "failed", sent_at="2026-11-22T10:00:06.000000Z", exit_code=78), 200)
    assert expect(admin.get(f"/api/jobs/{job}"), 200)["status"] == "failed"


def a_worker_of_tomorrow_is_understood():
    token = expect(admin.post(f"/api/deployments/{DEPLOYMENT}/tokens"), 201)["token"]
    w = Worker(token)
    body = {**w.body(), "colour": "blue", "nested": {"deep": [1, 2]}}
    expect(w.api.post("/api/worker/register", body), 200)
    body["protocol"] = 2
    expect(w.api.post("/api/worker/register", body), 422, "protocol")


def a_worker_without_room_or_plugin_gets_nothing():
    token = expect(admin.post(f"/api/deployments/{DEPLOYMENT}/tokens"), 201)["token"]
    ends = {d["kind"]: d["datasource_id"] for d in expect(admin.get("/api/datasources"), 200)["items"]}
    job = expect(admin.post("/api/jobs", {"name": "k", "deployment_id": DEPLOYMENT, "source_id": ends["source"],
                                          "sink_id": ends["sink"]}), 201)["job_id"]
    full, poor, pinned, right = (Worker(token, name=n, max_jobs=0 if n == "full" else 5)
                                 for n in ("full", "poor", "pinned", "right"))
    for w in (full, poor, pinned, right):
        w.register()
    catalog(f"delete from worker_plugins where worker_id = '{poor.id}' and kind = 'sink'")
    expect(admin.patch(f"/api/jobs/{job}", {"worker_id": right.id}), 200)
    for w in (full, poor, pinned):
        assert expect(w.poll(), 200)["jobs"] == [], w.name
    catalog(f"update workers set draining = true where id = '{right.id}'")
    assert "pinned" in expect(admin.get(f"/api/jobs/{job}"), 200)["waits_for"]
    expect(admin.patch(f"/api/jobs/{job}", {"worker_id": None}), 200)
    for w, why in ((full, "all workers are full"), (poor, "no worker that is online has the plugins")):
        catalog(f"update workers set draining = id <> '{w.id}'")
        assert expect(admin.get(f"/api/jobs/{job}"), 200)["waits_for"] == why
    catalog("update workers set draining = true")
    assert expect(admin.get(f"/api/jobs/{job}"), 200)["waits_for"] == "no worker of the deployment is online"
    expect(admin.patch(f"/api/jobs/{job}", {"worker_id": right.id}), 200)
    catalog("update workers set draining = false")
    assert expect(admin.get(f"/api/jobs/{job}"), 200)["waits_for"] is None
    assert expect(right.poll(), 200)["jobs"][0]["job_id"] == job


main(every_example_is_understood, messages_that_were_overtaken_are_passed_over, a_worker_of_tomorrow_is_understood,
     a_worker_without_room_or_plugin_gets_nothing)
