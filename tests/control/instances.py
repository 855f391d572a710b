# SPDX-License-Identifier: Apache-2.0
"""Two instances over one catalog: news, leases, keys, alerts, time series."""

import hashlib
import hmac
import http.client
import http.server
import json
import os
import subprocess
import threading
import time

from api import Api, Worker, await_that, catalog, expect, main, make_pair, now

one = Api(os.environ["ADMIN_TOKEN"], os.environ["CONTROL_URL_main"])
two = Api(os.environ["ADMIN_TOKEN"], os.environ["CONTROL_URL_second"])
CONTROL = [os.path.join(os.environ["EZ_BUILD"], "ezcdc-control"),
           "--config=" + os.path.join(os.environ["CONTROL_DIR"], "main.conf")]
state = {}


class Events(threading.Thread):
    """Reads an event stream until it is closed."""

    def __init__(self, api, last=None):
        super().__init__(daemon=True)
        self.seen, self.last = [], None
        self.c = http.client.HTTPConnection(api.host, api.port, timeout=120)
        headers = {"Authorization": "Bearer " + api.token}
        if last:
            headers["Last-Event-ID"] = last
        self.c.request("GET", "/api/events", headers=headers)
        self.r = self.c.getresponse()
        assert self.r.status == 200 and self.r.headers["Content-Type"] == "text/event-stream"
        self.start()

    def run(self):
        event = {}
        try:
            for line in self.r:
                line = line.decode().rstrip("\n")
                if line == "" and event.get("event"):
                    self.last = event.get("id", self.last)
                    self.seen.append((event["event"], json.loads(event["data"])))
                    event = {}
                elif ": " in line and not line.startswith(":"):
                    key, value = line.split(": ", 1)
                    event[key] = value
        except (OSError, ValueError, http.client.HTTPException):
            pass

    def has(self, kind, **members):
        return any(k == kind and all(d.get(m) == v for m, v in members.items()) for k, d in self.seen)


def news_cross_from_one_instance_to_the_other():
    d = expect(one.post("/api/deployments", {"name": "prod"}), 201)["deployment_id"]
    token = expect(one.post(f"/api/deployments/{d}/tokens"), 201)["token"]
    w = Worker(token, url=os.environ["CONTROL_URL_second"])
    w.register()
    w.poll()
    source, sink = make_pair(one, d)
    events = Events(two)
    got = {}
    t = threading.Thread(target=lambda: got.update(a=w.poll(wait=25), at=time.monotonic()))
    t.start()
    time.sleep(0.3)
    begun = time.monotonic()
    job = expect(one.post("/api/jobs", {"name": "shop", "deployment_id": d, "source_id": source,
                                        "sink_id": sink}), 201)["job_id"]
    t.join()
    assert got["at"] - begun < 10 and job in w.jobs
    await_that("the news", lambda: events.has("job", job_id=job, status="starting"))
    state.update(deployment=d, worker=w, job=job, source=source, sink=sink, token=token, events=events)


def a_browser_that_comes_back_misses_nothing():
    events, w, job = state["events"], state["worker"], state["job"]
    last = events.last
    events.c.sock and events.c.sock.close()
    expect(w.status(job, "running", status={"state": "streaming"}), 200)
    back = Events(one, last)
    await_that("what was missed", lambda: back.has("job", job_id=job, status="running"))


def a_job_never_has_two_holders():
    """Many polls at once, at both instances, for jobs that are given back again and again."""
    d = expect(one.post("/api/deployments", {"name": "crowd"}), 201)["deployment_id"]
    token = expect(one.post(f"/api/deployments/{d}/tokens"), 201)["token"]
    source, sink = make_pair(one, d)
    jobs = [expect(one.post("/api/jobs", {"name": f"j{i}", "deployment_id": d, "source_id": source,
                                          "sink_id": sink}), 201)["job_id"] for i in range(6)]
    workers = [Worker(token, name=f"c{i}", max_jobs=2, url=os.environ[f"CONTROL_URL_{n}"])
               for i, n in enumerate(["main", "second", "main", "second"])]
    for w in workers:
        w.register()
    claims, problems, end = {}, [], time.monotonic() + 2.5

    def work(w):
        try:
            while time.monotonic() < end:
                a = w.poll()
                if a.status == 200:
                    assert len(w.jobs) <= 2, "more jobs than there is room"
                    for j in w.jobs.values():
                        key = (j["job_id"], j["epoch"])
                        if claims.setdefault(key, w.id) != w.id:
                            problems.append(f"{key} is held by two")
                for job in list(w.jobs):
                    one.post(f"/api/jobs/{job}/restart")
        except AssertionError as e:
            problems.append(str(e))
    threads = [threading.Thread(target=work, args=(w,)) for w in workers]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not problems, problems
    assert len(claims) > 12 and len({w for w in claims.values()}) == 4, len(claims)
    assert catalog("select count(*) from (select job_id, epoch from job_events where event = 'claim'"
                   " group by 1, 2 having count(*) > 1) x") == "0"
    for job in jobs:
        one.post(f"/api/jobs/{job}/stop")


def keys_rotate_in_two_steps():
    def rotate(*args):
        return subprocess.run([*CONTROL, "rotate-key", *args], capture_output=True, text=True)
    before = catalog("select string_agg(distinct key_id, ',') from secrets")
    assert "," not in before and before
    r = rotate()
    assert r.returncode == 64 and "several instances" in r.stderr, r
    assert rotate("--add").returncode == 0
    # Both instances read the file that they share within seconds; until then it is refused.
    await_that("the activation", lambda: rotate("--activate").returncode == 0, 20)
    after = catalog("select string_agg(distinct key_id, ',') from secrets")
    assert after != before and "," not in after, (before, after)
    w = state["worker"]
    for api in (one, two):
        expect(api.patch(f"/api/jobs/{state['job']}", {"memory": "96MiB"}), 200)
        assert "pw-of-the-source-9917" in expect(w.poll(), 200)["jobs"][0]["config"]


def a_moved_secret_does_not_open():
    """The catalog's owner cannot make the server reveal one secret in the place of another."""
    other = expect(one.post("/api/datasources", {
        "name": "copy", "deployment_id": state["deployment"], "kind": "source", "plugin": "pgoutput",
        "config": {"conninfo": "host=x", "password": "another-one"}}), 201)["datasource_id"]
    catalog(f"update secrets set sealed = (select sealed from secrets where owner = '{other}')"
            f" where owner = '{state['source']}'")
    expect(one.patch(f"/api/jobs/{state['job']}", {"memory": "97MiB"}), 200)
    expect(state["worker"].poll(), 500)
    expect(one.patch(f"/api/datasources/{state['source']}",
                     {"config": {"conninfo": "host=db", "password": "pw-of-the-source-9917"}}), 200)
    expect(state["worker"].poll(), 200)


def series_are_kept_thinned_and_shown():
    w, job = state["worker"], state["job"]
    t0 = int(time.time()) // 60 * 60 - 120

    def at(s):
        return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(s))
    samples = [{"job_id": job, "epoch": 1, "at": at(t0 + 10 * i), "rows_total": 100 * i, "rows_per_second": float(i),
                "lag_ms": 10 * i, "lag_bytes": 1000, "queue_bytes": None} for i in range(6)]
    body = {"worker_id": w.id, "dropped": 0, "samples": samples + [dict(samples[0], job_id=w.id)]}
    for _ in range(2):
        expect(w.api.post("/api/worker/metrics", body), 200)
    assert catalog(f"select count(*) from job_metrics where job_id = '{job}' and step = 10") == "6"
    expect(w.api.post("/api/worker/metrics", {"samples": [dict(samples[0], lag_ms="x")]}), 400)
    a = expect(two.get(f"/api/jobs/{job}/metrics?from={at(t0)}&to={at(t0 + 60)}&step=10"), 200)
    assert [p["rows_per_second"] for p in a["points"]] == [0, 1, 2, 3, 4, 5], a
    a = expect(two.get(f"/api/jobs/{job}/metrics?from={at(t0)}&to={at(t0 + 60)}&step=60"), 200)
    assert a["points"] == [] or len(a["points"]) == 1
    thinned = await_that("rows of a minute", lambda: catalog(
        f"select rows_total || ' ' || rows_per_second || ' ' || lag_ms from job_metrics"
        f" where job_id = '{job}' and step = 60 and at = '{at(t0)}'"), 30)
    assert thinned == "500 2.5 50", thinned
    doc = expect(one.get(f"/api/jobs/{job}"), 200)
    assert doc["metrics"]["rows_total"] == 500 and doc["metrics"]["lag_ms"] == 50
    over = expect(two.get("/api/overview"), 200)
    assert over["jobs"]["running"] >= 1 and over["series"] and over["worst"] and over["changes"]


class Hook(http.server.BaseHTTPRequestHandler):
    got = []
    fails = 1

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if Hook.fails > 0:
            Hook.fails -= 1
            self.send_response(500)
        else:
            Hook.got.append((self.headers["X-Ezcdc-Signature"], body))
            self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def alerts_fire_are_delivered_and_resolve():
    server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/hook/path-secret-3391"
    channel = expect(one.post("/api/alerts/channels", {"name": "ops", "url": url, "key": "sign-key-5512"}), 201)
    rule = expect(one.post("/api/alerts/rules", {"name": "failed", "kind": "job_failed",
                                                 "channel_id": channel["channel_id"]}), 201)["rule_id"]
    text = one.get("/api/alerts/channels").data
    assert b"3391" not in text and b"5512" not in text and b"127.0.0.1" in text, text
    w, job = state["worker"], state["job"]
    w.poll()
    expect(w.status(job, "failed", exit_code=78, error="no publication"), 200)
    await_that("the alert", lambda: any(json.loads(b)["event"] == "firing" for _, b in Hook.got), 30)
    signature, body = Hook.got[0]
    assert signature == "sha256=" + hmac.new(b"sign-key-5512", body, hashlib.sha256).hexdigest()
    assert "no publication" in json.loads(body)["alert"]["message"]
    firing = expect(two.get("/api/alerts?status=firing"), 200)["items"]
    assert len(firing) == 1 and firing[0]["rule_id"] == rule and firing[0]["subject"] == job
    expect(one.post(f"/api/jobs/{job}/retry"), 200)
    await_that("the end of the alert", lambda: any(json.loads(b)["event"] == "resolved" for _, b in Hook.got), 30)
    assert expect(two.get("/api/alerts?status=firing"), 200)["items"] == []
    expect(one.patch(f"/api/alerts/rules/{rule}", {"enabled": False}), 200)
    server.shutdown()


def the_other_instance_goes_on():
    """One is gone: the upkeep is done by the other."""
    os.kill(int(os.environ["CONTROL_PID_main"]), 9)
    w, job = Worker(state["token"], name="late", url=os.environ["CONTROL_URL_second"]), state["job"]
    w.register()
    two.post(f"/api/jobs/{job}/restart")
    first = state["worker"]
    first.poll()
    catalog(f"update workers set seen_at = now() - interval '70 seconds' where id = '{first.id}'")
    await_that("the job to move", lambda: w.poll().status == 200 and job in w.jobs)
    expect(w.status(job, "running"), 200)


def nobody_is_lost_because_the_control_plane_was_away():
    """As after an outage: no instance was heard for half a minute, and so no worker could be."""
    d = state["deployment"]
    w = Worker(state["token"], name="silent", url=os.environ["CONTROL_URL_second"])
    w.register()
    catalog("update instances set seen_at = now() - interval '30 seconds', patient_until = null")
    await_that("patience", lambda: catalog("select count(*) from instances where patient_until > now()") != "0", 20)
    catalog(f"update workers set seen_at = now() - interval '70 seconds' where deployment_id = '{d}' and id = '{w.id}'")
    time.sleep(2.5)
    assert catalog(f"select status from workers where id = '{w.id}'") == "online"
    catalog("update instances set patient_until = null")
    await_that("the loss", lambda: catalog(f"select status from workers where id = '{w.id}'") == "lost")


def memory_stays_small():
    rss = [line for line in two.get("/metrics").data.decode().splitlines() if line.startswith("process_resident")]
    used = int(rss[0].split()[1])
    print(f"  resident: {used} bytes")
    if os.environ.get("EZ_SANITIZE", "no") in ("no", ""):
        assert used < 30 * 1024 * 1024, used


main(news_cross_from_one_instance_to_the_other, a_browser_that_comes_back_misses_nothing,
     a_job_never_has_two_holders, keys_rotate_in_two_steps, a_moved_secret_does_not_open,
     series_are_kept_thinned_and_shown, alerts_fire_are_delivered_and_resolve, the_other_instance_goes_on,
     nobody_is_lost_because_the_control_plane_was_away, memory_stays_small)
