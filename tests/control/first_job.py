# SPDX-License-Identifier: Apache-2.0
"""From an empty catalog to a running job, and through every state."""

import os
import threading
import time

from api import Api, Worker, await_that, catalog, expect, main, make_pair

admin = Api(os.environ["ADMIN_TOKEN"])
state = {}


def login_and_session():
    a = Api().post("/api/session", {"name": "admin", "password": "correct horse battery"})
    me = expect(a, 201)
    cookie = a.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie, cookie
    browser = Api()
    browser.headers = {"Cookie": cookie.split(";")[0]}
    assert expect(browser.get("/api/me"), 200)["role"] == "admin"
    expect(browser.post("/api/deployments", {"name": "x"}), 403, "csrf")
    browser.headers["X-CSRF-Token"] = me["csrf_token"]
    expect(browser.post("/api/deployments", {"name": "x"}, headers={"Origin": "http://evil.example"}),
           403, "cross_site")
    expect(browser.post("/api/deployments", {"name": "x"}, headers={"Sec-Fetch-Site": "cross-site"}),
           403, "cross_site")
    expect(browser.post("/api/deployments", {"name": "from a browser"}), 201)
    expect(browser.delete("/api/session"), 204)
    expect(browser.get("/api/me"), 401)
    expect(Api().post("/api/session", {"name": "admin", "password": "wrong"}), 401, "bad_credentials")
    expect(Api().post("/api/session", {"name": "nobody", "password": "wrong"}), 401, "bad_credentials")


def a_worker_registers():
    d = expect(admin.post("/api/deployments", {"name": "prod"}), 201)["deployment_id"]
    token = expect(admin.post(f"/api/deployments/{d}/tokens", {"expires": "1h"}), 201)["token"]
    w = Worker(token)
    first = w.register()
    assert first["secret"] and first["deployment_id"] == d
    again = Worker(token)
    again.instance = w.instance
    second = again.register()
    assert second["worker_id"] == first["worker_id"] and second["secret"] != first["secret"]
    expect(w.beat(), 401)
    assert "secret" not in again.register()
    expect(again.beat(), 200)
    expect(again.poll(), 200)
    expect(again.poll(), 204)
    state.update(deployment=d, worker=again, token=token)
    expect(Api(token).post("/api/worker/heartbeat", {}), 401)
    a = expect(admin.get("/api/plugins"), 200)
    assert [p["name"] for p in a["items"]] == ["pgoutput", "file", "postgres", "mask"] or len(a["items"]) == 4


def a_job_is_claimed_and_runs():
    source, sink = make_pair(admin, state["deployment"])
    state.update(source=source, sink=sink)
    w = state["worker"]
    got = {}
    t = threading.Thread(target=lambda: got.update(answer=w.poll(wait=20), at=time.monotonic()))
    t.start()
    time.sleep(0.5)
    begun = time.monotonic()
    a = admin.post("/api/jobs", {"name": "shop", "deployment_id": state["deployment"],
                                 "source_id": source, "sink_id": sink, "tables": ["public.*"],
                                 "source": {"snapshot_workers": 4},
                                 "transforms": [{"plugin": "mask", "columns": ["public.u.email"],
                                                 "with": "sha256", "key": "mask-key-4471"}],
                                 "batch": {"max_age": "2s"}})
    job = expect(a, 201)
    assert job["status"] == "pending", job
    t.join()
    assert got["at"] - begun < 10, "the long poll was not woken"
    j = expect(got["answer"], 200)["jobs"][0]
    assert j["job_id"] == job["job_id"] and j["epoch"] == 1 and j["state"] == "running", j
    assert 'password = "pw-of-the-source-9917"' in j["config"] and 'key = "mask-key-4471"' in j["config"]
    state["job"] = job["job_id"]
    path = f"/api/jobs/{state['job']}"
    assert expect(admin.get(path), 200)["status"] == "starting"
    expect(w.status(state["job"], "running", status={"state": "snapshot", "tables": [
        {"name": "public.u", "state": "copying", "rows": 5, "estimate": 10}]}), 200)
    doc = expect(admin.get(path), 200)
    assert (doc["status"], doc["phase"]) == ("running", "snapshot") and doc["worker_id"] == w.id
    assert doc["tables"][0]["rows"] == 5 and doc["tables"][0]["estimate"] == 10
    expect(w.status(state["job"], "running", status={"state": "streaming"}), 200)
    assert expect(admin.get(path), 200)["phase"] == "streaming"
    expect(w.status(state["job"], "running", epoch=0), 409, "stale_epoch")


def nothing_secret_is_in_catalog_or_answers():
    for path in (f"/api/jobs/{state['job']}", f"/api/jobs/{state['job']}/config",
                 f"/api/datasources/{state['source']}", "/api/jobs", "/api/datasources", "/api/audit"):
        text = admin.get(path).data
        assert b"9917" not in text and b"4471" not in text, path
    config = expect(admin.get(f"/api/jobs/{state['job']}/config"), 200)["config"]
    assert 'password = "********"' in config, config
    dump = os.popen(f"pg_dump -d '{os.environ['CATALOG']}'").read()
    assert len(dump) > 10000 and "9917" not in dump and "4471" not in dump
    for secret in (state["token"], state["worker"].api.token, admin.token, "correct horse"):
        assert secret not in dump
    log = open(os.path.join(os.environ["T"], "control-main", "log")).read()
    for secret in ("9917", "4471", state["token"], admin.token, "correct horse"):
        assert secret not in log


def pause_resume_stop_start():
    w, job = state["worker"], state["job"]
    path = f"/api/jobs/{job}"
    expect(admin.post(path + "/start"), 409, "wrong_state")
    assert expect(admin.post(path + "/pause"), 200)["desired"] == "paused"
    assert expect(w.poll(), 200)["jobs"][0]["state"] == "paused"
    expect(w.status(job, "paused"), 200)
    assert expect(admin.get(path), 200)["status"] == "paused"
    expect(admin.post(path + "/resume"), 200)
    assert expect(w.poll(), 200)["jobs"][0]["state"] == "running"
    expect(w.status(job, "running"), 200)
    assert expect(admin.get(path), 200)["status"] == "running"
    expect(admin.post(path + "/stop"), 200)
    assert expect(w.poll(), 200)["jobs"][0]["state"] == "stopped"
    expect(w.status(job, "stopped"), 200)
    assert expect(admin.get(path), 200)["status"] == "stopped"
    assert expect(w.poll(), 200)["jobs"] == []
    assert expect(admin.post(path + "/start"), 200)["status"] == "pending"
    assert expect(w.poll(), 200)["jobs"][0]["epoch"] == 2
    expect(w.status(job, "running"), 200)
    assert expect(admin.post(path + "/restart"), 200)["status"] == "pending"
    assert expect(w.poll(), 200)["jobs"][0]["epoch"] == 3
    expect(w.status(job, "running", epoch=2), 409, "stale_epoch")
    expect(w.status(job, "running"), 200)


def failures_wait_or_are_tried_again():
    w, job = state["worker"], state["job"]
    path = f"/api/jobs/{job}"
    expect(w.status(job, "failed", exit_code=78, error="the publication no longer exists"), 200)
    doc = expect(admin.get(path), 200)
    assert doc["status"] == "failed" and doc["retry_at"] is None and doc["error"].startswith("the publication")
    time.sleep(1.5)
    assert expect(admin.get(path), 200)["status"] == "failed"
    expect(admin.post(path + "/retry"), 200)
    assert expect(w.poll(), 200)["jobs"][0]["epoch"] == 4
    expect(w.status(job, "failed", exit_code=69, error="no server"), 200)
    doc = expect(admin.get(path), 200)
    assert doc["status"] == "failed" and doc["retry_at"] and doc["tries"] == 1, doc
    await_that("the retry", lambda: expect(admin.get(path), 200)["status"] == "pending")
    assert w.poll().json["jobs"][0]["epoch"] == 5
    expect(w.status(job, "running"), 200)


def an_edit_raises_the_revision_and_keeps_secrets():
    w, job = state["worker"], state["job"]
    w.poll()
    before = w.jobs[job]["revision"]
    spec = expect(admin.get(f"/api/jobs/{job}"), 200)["spec"]
    assert spec["transforms"][0]["key"] == {"set": True}, spec
    expect(admin.patch(f"/api/jobs/{job}", {"transforms": spec["transforms"], "memory": "128MiB"}), 200)
    j = expect(w.poll(), 200)["jobs"][0]
    assert j["revision"] == before + 1 and "128MiB" in j["config"] and "mask-key-4471" in j["config"]
    expect(admin.patch(f"/api/datasources/{state['source']}",
                       {"config": {"conninfo": "host=db2", "password": "pw-new-2218"}}), 200)
    j = expect(w.poll(), 200)["jobs"][0]
    assert "host=db2" in j["config"] and "pw-new-2218" in j["config"] and j["revision"] == before + 2


def a_lost_worker_loses_its_jobs():
    w, job = state["worker"], state["job"]
    other = Worker(state["token"], name="w2")
    other.register()
    assert expect(other.poll(), 200)["jobs"] == []
    catalog(f"update workers set seen_at = now() - interval '61 seconds' where id = '{w.id}'")
    j = await_that("the other worker to get the job", lambda: other.poll().status == 200 and other.jobs)
    assert j[job]["epoch"] == 6
    expect(w.status(job, "running"), 409, "stale_epoch")
    assert expect(admin.get(f"/api/workers/{w.id}"), 200)["status"] == "lost"
    expect(w.beat(), 200)
    assert w.poll().json["jobs"] == []
    assert expect(admin.get(f"/api/workers/{w.id}"), 200)["status"] == "online"
    expect(other.status(job, "running"), 200)
    history = expect(admin.get(f"/api/jobs/{job}/events?limit=1000"), 200)["items"]
    moves = [(e["from"], e["to"]) for e in reversed(history) if e["from"] and e["from"] != e["to"]]
    assert moves[0] == ("pending", "starting") and ("running", "pending") in moves, moves
    # Draining moves it on to the first worker.
    expect(admin.post(f"/api/workers/{other.id}/drain", {}), 200)
    await_that("the job to move", lambda: w.poll().status == 200 and w.jobs)
    assert w.jobs[job]["epoch"] == 7
    expect(w.status(job, "running"), 200)


def tests_and_lists_of_tables_are_tasks():
    w = state["worker"]
    t = expect(admin.post(f"/api/datasources/{state['source']}/test"), 202)["task_id"]
    task = expect(w.poll(), 200)["tasks"][0]
    assert task["task_id"] == t and task["kind"] == "check-source" and "pw-new-2218" in task["config"]
    assert "sink" not in task["config"]
    expect(w.poll(tasks=[t]), 204)
    assert expect(admin.get(f"/api/tasks/{t}"), 200)["status"] == "running"
    result = {"worker_id": w.id, "status": "succeeded", "exit_code": 0, "result": {"ok": True}, "error": None}
    for _ in range(2):
        expect(w.api.post(f"/api/worker/tasks/{t}/result", result), 200)
    assert expect(admin.get(f"/api/tasks/{t}"), 200)["result"] == {"ok": True}
    got = {}
    thread = threading.Thread(target=lambda: got.update(a=admin.get(f"/api/datasources/{state['source']}/tables")))
    thread.start()
    tasks = await_that("the task", lambda: w.poll(wait=5).json.get("tasks"))
    result["result"] = {"tables": [{"name": "public.orders"}]}
    expect(w.api.post(f"/api/worker/tasks/{tasks[0]['task_id']}/result", result), 200)
    thread.join()
    assert expect(got["a"], 200)["tables"][0]["name"] == "public.orders"
    doc = expect(admin.get(f"/api/datasources/{state['source']}"), 200)
    assert doc["last_test"]["ok"] is True


def deleting_drops_what_the_source_keeps():
    w, job = state["worker"], state["job"]
    expect(admin.delete(f"/api/jobs/{job}"), 409, "wrong_state")
    expect(admin.post(f"/api/jobs/{job}/stop"), 200)
    w.poll()
    expect(w.status(job, "stopped"), 200)
    expect(admin.delete(f"/api/datasources/{state['source']}"), 409, "in_use")
    t = expect(admin.delete(f"/api/jobs/{job}?drop=true"), 202)["task_id"]
    expect(admin.get(f"/api/jobs/{job}"), 404)
    task = w.poll().json["tasks"][0]
    assert task["task_id"] == t and task["kind"] == "drop" and task["job_id"] == job and task["epoch"] == 7
    assert "host=db2" in task["config"] and "path" in task["config"]
    expect(w.api.post(f"/api/worker/tasks/{t}/result", {"worker_id": w.id, "status": "succeeded",
                                                       "result": None, "error": None}), 200)
    expect(admin.delete(f"/api/datasources/{state['source']}"), 204)
    assert catalog("select count(*) from secrets where name = 'password'") == "0"


main(login_and_session, a_worker_registers, a_job_is_claimed_and_runs, nothing_secret_is_in_catalog_or_answers,
     pause_resume_stop_start, failures_wait_or_are_tried_again, an_edit_raises_the_revision_and_keeps_secrets,
     a_lost_worker_loses_its_jobs, tests_and_lists_of_tables_are_tasks, deleting_drops_what_the_source_keeps)
