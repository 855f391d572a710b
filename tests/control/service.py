# SPDX-License-Identifier: Apache-2.0
"""The server as a service: set-up, people, the portal's files, limits, bad days of the catalog, a clean end."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import threading
import time

from api import Api, Worker, await_that, catalog, expect, main

PID = int(os.environ["CONTROL_PID_main"])
state = {}


def the_link_sets_up_one_admin():
    path = os.path.join(os.environ["CONTROL_DIR"], "setup-main")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    link = open(path).read().strip()
    url, token = link.split("/setup#")
    assert url == os.environ["CONTROL_URL"]
    for name in ("stdout", "log"):
        assert token not in open(os.path.join(os.environ["T"], "control-main", name)).read()
    body = {"token": token, "name": "root", "password": "a long password"}
    expect(Api().post("/api/setup", {**body, "token": "0" * 64}), 403, "bad_token")
    expect(Api().post("/api/setup", {**body, "password": "short"}), 400)
    a = Api().post("/api/setup", body)
    me = expect(a, 201)
    assert me["role"] == "admin" and me["csrf_token"]
    expect(Api().post("/api/setup", {**body, "name": "second"}), 403, "bad_token")
    browser = Api()
    browser.headers = {"Cookie": a.headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": me["csrf_token"]}
    state["admin"] = browser
    token = expect(browser.post("/api/tokens", {"name": "tests"}), 201)["token"]
    state["api"] = Api(token)


def people_change_their_passwords():
    api, browser = state["api"], state["admin"]
    expect(browser.post("/api/me/password", {"old": "wrong", "new": "another password"}), 403, "bad_credentials")
    other = Api().post("/api/session", {"name": "root", "password": "a long password"})
    cookie = {"Cookie": other.headers["Set-Cookie"].split(";")[0]}
    expect(Api().get("/api/me", headers=cookie), 200)
    expect(browser.post("/api/me/password", {"old": "a long password", "new": "another password"}), 204)
    expect(Api().get("/api/me", headers=cookie), 401)
    expect(browser.get("/api/me"), 200)
    expect(Api().post("/api/session", {"name": "root", "password": "another password"}), 201)
    actions = [i["action"] for i in expect(api.get("/api/audit"), 200)["items"]]
    assert {"session.create", "user.password", "token.create"} <= set(actions), actions
    csv = api.get("/api/audit?format=csv&action=token.")
    assert csv.headers["Content-Type"].startswith("text/csv") and csv.data.count(b"\r\n") == 2, csv
    assert subprocess.run(["psql", "-Xqd", os.environ["CATALOG"], "-c", "delete from control.audit"],
                          capture_output=True).returncode != 0


def guesses_of_ones_own_password_are_slowed_down():
    """A session that was left open must not be good for finding out the password."""
    codes = [state["api"].post("/api/me/password", {"old": f"guess {i}", "new": "another password"}).status for i in range(12)]
    assert codes[0] == 403 and codes[-1] == 429 and set(codes) == {403, 429}, codes


def guesses_are_slowed_down():
    answers = []
    while len(answers) < 40 and answers[-1:] != [429]:
        a = Api().post("/api/session", {"name": f"guess{len(answers)}", "password": "x"})
        answers.append(a.status)
    assert len(answers) > 5 and answers[-1] == 429 and set(answers[:-1]) == {401}, answers
    a = Api().post("/api/session", {"name": "root", "password": "another password"})
    expect(a, 429, "too_many_requests")
    assert int(a.headers["Retry-After"]) > 0
    expect(state["api"].get("/api/me"), 200)


def strangers_are_slowed_down():
    """A flood of bad tokens is slowed down, and hurts nobody who is known."""
    def flood():
        for _ in range(400):
            codes.append(Api("ezt_" + "0" * 64).get("/api/me").status)
    codes = []
    threads = [threading.Thread(target=flood) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(codes) == {401, 429}, set(codes)
    expect(state["api"].get("/api/me"), 200)


def lists_have_pages():
    api = state["api"]
    ids = [expect(api.post("/api/deployments", {"name": f"d{i}"}), 201)["deployment_id"] for i in range(5)]
    got, after = [], ""
    while True:
        page = expect(api.get("/api/deployments?limit=2" + after), 200)
        got += [i["deployment_id"] for i in page["items"]]
        if not page["next"]:
            break
        after = "&after=" + page["next"]
    assert got[:5] == ids[::-1] and len(got) == 6, (got, ids)
    state["deployment"] = ids[0]


def the_portal_is_served_and_locked_down():
    a = Api().get("/vendor/bootstrap.min.css")
    if os.path.exists("/usr/share/javascript/bootstrap5/css/bootstrap.min.css"):
        assert a.status == 200 and a.headers["Content-Type"].startswith("text/css"), a
        again = Api().get("/vendor/bootstrap.min.css", headers={"If-None-Match": a.headers["ETag"]})
        assert again.status == 304 and again.data == b""
    for path in ("/vendor/../../etc/passwd", "/..%2f..%2fetc/passwd", "/.git/config", "/%2e%2e/settings.c",
                 "/vendor/nothing.js", "/nothing.js"):
        assert Api().get(path).status == 404, path
    for a in (Api().get("/nothing.js"), Api().get("/healthz"), Api().get("/api/me")):
        csp = a.headers["Content-Security-Policy"]
        assert "default-src 'none'" in csp and "unsafe" not in csp and "frame-ancestors 'none'" in csp
        assert a.headers["X-Content-Type-Options"] == "nosniff" and a.headers["X-Frame-Options"] == "DENY"
    assert Api().get("/api/me").headers["Cache-Control"] == "no-store"
    assert Api().call("POST", "/index.html").status == 405
    if os.path.exists(os.path.join(os.environ["EZ_SRC"], "control/portal/index.html")):
        page = Api().get("/jobs/anything")
        assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")


def broken_requests_do_no_harm():
    """Half a request, nonsense, a header of a megabyte, and many that never end."""
    api = state["api"]
    held = []
    for raw in (b"\0\1\2\3\r\n\r\n", b"GET / HTTP/1.1\r\n", b"POST /api/session HTTP/1.1\r\nContent-Length: 5\r\n\r\n{",
                b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 1000000, b"GET " + b"/" * 70000 + b" HTTP/1.1\r\n\r\n",
                b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n") * 3:
        s = socket.create_connection((api.host, api.port))
        try:
            s.sendall(raw)
        except OSError:
            pass
        held.append(s)
    expect(Api().get("/healthz"), 200)
    for s in held:
        s.close()
    expect(api.get("/api/me"), 200)


def the_catalog_may_be_away_for_a_while():
    api = state["api"]
    token = expect(api.post(f"/api/deployments/{state['deployment']}/tokens"), 201)["token"]
    w = Worker(token)
    w.register()
    w.poll()
    for _ in range(3):
        catalog("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'catalog'"
                " and application_name like 'ezcdc-control%'")
        await_that("the catalog's connections to come back", lambda: api.get("/api/jobs").status == 200)
    await_that("readiness", lambda: Api().get("/readyz").status == 200)
    state["worker"] = w
    # News arrive again as well.
    got = {}
    t = threading.Thread(target=lambda: got.update(a=w.poll(wait=20)))
    t.start()
    await_that("the listener to be back", lambda: catalog(
        "select count(*) from pg_stat_activity where application_name = 'ezcdc-control listener'") == "1")
    time.sleep(0.2)
    expect(api.post(f"/api/workers/{w.id}/drain", {"drain": False}), 200)
    catalog(f"select touch_worker('{w.id}'), wake_deployment('{state['deployment']}')")
    t.join()
    assert got["a"].status == 200, got


def it_ends_promptly_with_polls_and_streams_open():
    api, w = state["api"], state["worker"]
    c = http.client.HTTPConnection(api.host, api.port, timeout=60)
    c.request("GET", "/api/events", headers={"Authorization": "Bearer " + api.token})
    stream = c.getresponse()
    got = {}
    t = threading.Thread(target=lambda: got.update(a=w.poll(wait=30)))
    t.start()
    time.sleep(0.5)
    begun = time.monotonic()
    os.kill(PID, signal.SIGTERM)
    stream.read()
    t.join()
    assert got["a"].status == 204, got
    assert time.monotonic() - begun < 10


main(the_link_sets_up_one_admin, people_change_their_passwords, lists_have_pages, the_portal_is_served_and_locked_down,
     broken_requests_do_no_harm, the_catalog_may_be_away_for_a_while, guesses_of_ones_own_password_are_slowed_down,
     guesses_are_slowed_down,
     strangers_are_slowed_down, it_ends_promptly_with_polls_and_streams_open)
