# SPDX-License-Identifier: Apache-2.0
"""Every endpoint refuses what it must: the table is the server's own OpenAPI document."""

import http.client
import json
import os
import time
import uuid

from api import Api, Worker, catalog, expect, main, make_pair

admin = Api(os.environ["ADMIN_TOKEN"])
spec = expect(Api().get("/api/openapi.json"), 200)
RANK = {"viewer": 1, "operator": 2, "admin": 3}
SOME_ID = str(uuid.uuid4())


def make_people():
    people = {"admin": admin}
    for role in ("viewer", "operator"):
        u = expect(admin.post("/api/users", {"name": role, "role": role, "password": "long enough " + role}), 201)
        t = expect(admin.post("/api/tokens", {"name": role, "user_id": u["user_id"]}), 201)
        people[role] = Api(t["token"])
    d = expect(admin.post("/api/deployments", {"name": "d"}), 201)["deployment_id"]
    w = Worker(expect(admin.post(f"/api/deployments/{d}/tokens"), 201)["token"])
    w.register()
    people["worker"] = people["register"] = w.api
    a = Api().post("/api/session", {"name": "admin", "password": "correct horse battery"})
    people["browser"] = Api()
    people["browser"].headers = {"Cookie": a.headers["Set-Cookie"].split(";")[0]}
    people["csrf"] = a.json["csrf_token"]
    return people


people = make_people()
operations = [(path.replace("{id}", SOME_ID).replace("{id2}", SOME_ID), method.upper(), op)
              for path, item in spec["paths"].items() for method, op in item.items()]


def complain(answer, status, what, code=None):
    assert answer.status == status, f"{what}: expected {status}, got {answer}"
    error = answer.json["error"]
    assert set(error) == {"code", "message", "field"} and error["code"] and error["message"], f"{what}: {answer}"
    assert answer.headers["Content-Type"] == "application/json", what
    if code:
        assert error["code"] == code, f"{what}: {answer}"


def schema_of(op):
    return op.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")


def value_for(s):
    kind = s.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if "enum" in s:
        return s["enum"][0]
    if s.get("format") == "uuid":
        return SOME_ID
    if s.get("format") == "date-time":
        return "2026-01-01T00:00:00Z"
    return {"integer": max(s.get("minimum", 0), 1), "number": 1, "boolean": True, "array": ["a"] * s.get("minItems", 0), "object": {},
            "string": "a" * max(s.get("minLength", 1), 1)}.get(kind)


def good_body(op):
    s = schema_of(op)
    return {name: value_for(s["properties"][name]) for name in s.get("required", [])} if s else None


def the_table_is_whole():
    assert len(operations) > 70, len(operations)
    assert all(op["x-role"] in ("public", "viewer", "operator", "admin", "worker", "register")
               for _, _, op in operations)
    public = {(m, p) for p, m, op in operations if op["x-role"] == "public"}
    assert public == {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/api/openapi.json"),
                      ("POST", "/api/setup"), ("POST", "/api/session")}, public


def strangers_are_refused():
    for path, method, op in operations:
        if op["x-role"] == "public":
            continue
        for who in (Api(), Api("ezt_" + "0" * 64), Api("ezw_" + "0" * 64), Api("nonsense")):
            complain(who.call(method, path, good_body(op)), 401, f"{method} {path}", "unauthenticated")


def the_wrong_role_is_refused():
    for path, method, op in operations:
        need = op["x-role"]
        body = good_body(op)
        if need in RANK:
            for role in ("viewer", "operator"):
                if RANK[role] < RANK[need]:
                    complain(people[role].call(method, path, body), 403, f"{method} {path} by {role}", "forbidden")
            a = people["worker"].call(method, path, body)
            assert a.status == 403, f"{method} {path} by a worker: {a}"
        elif need in ("worker", "register"):
            complain(admin.call(method, path, body), 401, f"{method} {path} by an admin")


def other_sites_are_refused():
    browser = people["browser"]
    for path, method, op in operations:
        if op["x-role"] not in RANK or method == "GET":
            continue
        body = good_body(op)
        complain(browser.call(method, path, body), 403, f"{method} {path} without token", "csrf")
        complain(browser.call(method, path, body, headers={"X-CSRF-Token": "0" * 64}), 403,
                 f"{method} {path} with a wrong token", "csrf")
        complain(browser.call(method, path, body, headers={"X-CSRF-Token": people["csrf"],
                                                           "Origin": "https://evil.example"}),
                 403, f"{method} {path} from elsewhere", "cross_site")
    complain(Api().post("/api/session", {"name": "admin", "password": "correct horse battery"},
                        headers={"Origin": "https://evil.example"}), 403, "login from elsewhere", "cross_site")


def actor_for(op):
    return people[op["x-role"]] if op["x-role"] in people else Api()


def malformed_bodies_are_refused():
    deep = b'{"a":' * 40 + b"1" + b"}" * 40
    for path, method, op in operations:
        if schema_of(op) is None:
            continue
        who = actor_for(op)

        def send(raw, headers=None):
            return who.call(method, path, raw=raw, headers=headers)
        what = f"{method} {path}"
        for raw in (b"{", b"\xff\xfe{}", b'{"a":1,"a":2}', b"null trailing", deep, b'{"a":"\\u0000"}'):
            complain(send(raw), 400, f"{what} {raw[:20]!r}", "bad_json")
        for raw in (b"[]", b"1", b'"x"', b"null"):
            complain(send(raw), 400, f"{what} {raw!r}", "bad_request")
        complain(send(b"{}", {"Content-Type": "text/plain"}), 415, what, "not_json")
        complain(send(b"{}", {"Content-Type": "application/x-www-form-urlencoded"}), 415, what, "not_json")
        s = schema_of(op)
        for name in s.get("required", []):
            body = good_body(op)
            del body[name]
            a = who.call(method, path, body)
            complain(a, 400, f"{what} without {name}", "bad_request")
            assert a.json["error"]["field"] == name, a
        for name, member in s["properties"].items():
            if not member.get("type"):
                continue
            wrong = {**good_body(op), name: [[1]] if member["type"] != "array" else "x"}
            a = who.call(method, path, wrong)
            complain(a, 400, f"{what} with a wrong {name}", "bad_request")
            assert a.json["error"]["field"] == name, a
        if not s["additionalProperties"]:
            a = who.call(method, path, {**good_body(op), "surprise": 1})
            complain(a, 400, f"{what} with a surprise", "bad_request")
            assert a.json["error"]["field"] == "surprise", a


def oversized_bodies_are_refused():
    """Before they are read: the answer comes although nothing of the body was sent."""
    for path, method, op in operations:
        if method == "GET":
            continue
        who = actor_for(op)
        c = http.client.HTTPConnection(who.host, who.port, timeout=20)
        c.putrequest(method, path)
        for k, v in {**who.headers, "Authorization": f"Bearer {who.token}", "Content-Type": "application/json",
                     "Content-Length": str(9 * 1024 * 1024)}.items():
            c.putheader(k, v)
        c.endheaders()
        r = c.getresponse()
        assert r.status == 413, f"{method} {path}: {r.status}"
        assert json.loads(r.read())["error"]["code"] == "too_large"
        c.close()
    # Without an announced length it is cut off on the way.
    c = http.client.HTTPConnection(admin.host, admin.port, timeout=20)
    c.putrequest("POST", "/api/users")
    c.putheader("Authorization", "Bearer " + admin.token)
    c.putheader("Transfer-Encoding", "chunked")
    c.endheaders()
    try:
        for _ in range(40):
            c.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        c.send(b"0\r\n\r\n")
        assert c.getresponse().status == 413
    except (ConnectionError, http.client.HTTPException):
        pass
    c.close()
    expect(Api().get("/healthz"), 200)


def unknown_things_are_not_found():
    for path, method, op in operations:
        if SOME_ID not in path:
            continue
        a = actor_for(op).call(method, path, good_body(op))
        # Lists of what belongs to something unknown are empty.
        if a.status == 200 and method == "GET":
            assert a.json["items"] == [], f"{method} {path}: {a}"
            continue
        if path.startswith("/api/alerts/rules/") and method == "PATCH":
            complain(a, 404, f"{method} {path}")
            continue
        assert a.status in (404, 400), f"{method} {path}: {a}"
        complain(a, a.status, f"{method} {path}")
    for path in ("/api", "/api/", "/api/nothing", "/api/jobs/", "/api/jobs/not-a-uuid", "/api/jobs/" + SOME_ID.upper(),
                 "/api/jobs/%2e%2e", "/api//jobs", "/metricsx/../api/jobs"):
        assert admin.get(path).status == 404, path
    a = admin.call("PUT", "/api/jobs", {})
    complain(a, 405, "PUT /api/jobs", "method_not_allowed")
    assert a.headers["Allow"] == "GET, POST", a.headers


def queries_are_checked():
    for path, method, op in operations:
        who = actor_for(op)
        complain(who.call(method, path + "?surprise=1", good_body(op)), 400, f"{method} {path}", "bad_query")
        for p in op.get("parameters", []):
            if p["in"] == "query" and p["schema"].get("type") in ("integer", "boolean"):
                complain(who.call(method, f"{path}?{p['name']}=banana", good_body(op)), 400,
                         f"{method} {path} {p['name']}", "bad_query")
    complain(admin.get("/api/jobs?limit=5&limit=6"), 400, "twice", "bad_query")
    complain(admin.get("/api/jobs?limit=0"), 400, "no rows", "bad_query")
    complain(admin.get("/api/jobs?after=1'--"), 400, "a cursor", "bad_query")
    complain(admin.get("/api/audit?after=1;drop"), 400, "a cursor", "bad_query")


def values_are_parameters():
    """What looks like SQL is a name like any other."""
    name = "x'); drop table jobs; --\"\\"
    d = expect(admin.post("/api/deployments", {"name": name}), 201)["deployment_id"]
    assert expect(admin.get(f"/api/deployments/{d}"), 200)["name"] == name
    complain(admin.post("/api/deployments", {"name": name}), 409, "twice", "exists")
    expect(admin.delete(f"/api/deployments/{d}"), 204)
    assert any(i["object_name"] == name for i in expect(admin.get("/api/audit?action=deployment."), 200)["items"])


def the_last_admin_stays():
    me = expect(admin.get("/api/me"), 200)["user_id"]
    complain(admin.delete(f"/api/users/{me}"), 409, "the last admin", "last_admin")
    complain(admin.patch(f"/api/users/{me}", {"role": "viewer"}), 409, "the last admin", "last_admin")
    complain(admin.patch(f"/api/users/{me}", {"disabled": True}), 409, "the last admin", "last_admin")


def revoked_and_expired_tokens_are_refused():
    t = expect(admin.post("/api/tokens", {"name": "short", "expires": "1us"}), 201)
    complain(Api(t["token"]).get("/api/me"), 401, "an expired token")
    t = expect(admin.post("/api/tokens", {"name": "revoked"}), 201)
    expect(Api(t["token"]).get("/api/me"), 200)
    expect(admin.delete(f"/api/tokens/{t['token_id']}"), 204)
    complain(Api(t["token"]).get("/api/me"), 401, "a revoked token")
    viewer = expect(people["viewer"].get("/api/me"), 200)
    complain(people["viewer"].post("/api/tokens", {"name": "x", "user_id": expect(admin.get("/api/me"), 200)["user_id"]}),
             403, "a token for an admin by a viewer", "forbidden")
    expect(admin.patch(f"/api/users/{viewer['user_id']}", {"disabled": True}), 200)
    complain(people["viewer"].get("/api/me"), 401, "a disabled person")


def options_of_plugins_are_checked():
    d = expect(admin.post("/api/deployments", {"name": "e"}), 201)["deployment_id"]

    def refuse(config, field, kind="source", plugin="pgoutput"):
        a = admin.post("/api/datasources", {"name": "s", "deployment_id": d, "kind": kind, "plugin": plugin,
                                            "config": config})
        complain(a, 400, str(config))
        assert a.json["error"]["field"] == field, a
    refuse({"conninfo": "host=a password=secret"}, "config.conninfo")
    refuse({"conninfo": "postgresql://u:secret@h/db"}, "config.conninfo")
    refuse({"conninfo": "host"}, "config.conninfo")
    refuse({"conninfo": 5}, "config.conninfo")
    refuse({"conninfo": "host=a", "snapshot": "maybe"}, "config.snapshot")
    refuse({"conninfo": "host=a", "snapshot_workers": 99}, "config.snapshot_workers")
    refuse({"conninfo": "host=a", "part_bytes": "lots"}, "config.part_bytes")
    refuse({"conninfo": "host=a", "surprise": 1}, "config.surprise")
    refuse({"conninfo": "host=a", "password": 5}, "password")
    refuse({"conninfo": "host=a", "password": {"env": "HOME"}}, "password")
    refuse({"conninfo": "host=a", "password": {"set": True}}, "password")
    refuse({"path": "/x", "sync": "yes"}, "config.sync", "sink", "file")
    refuse({}, "plugin", plugin="../evil")


def a_stored_secret_goes_nowhere_else():
    """Who may edit connections, but was never told a password, must not have it sent to a host of his own."""
    d = expect(admin.post("/api/deployments", {"name": "f"}), 201)["deployment_id"]
    w = Worker(expect(admin.post(f"/api/deployments/{d}/tokens"), 201)["token"])
    w.register()
    source, sink = make_pair(admin, d)
    path, kept = f"/api/datasources/{source}", {"set": True}
    config = expect(admin.get(path), 200)["config"]
    assert config["password"] == kept
    expect(people["operator"].patch(path, {"config": config}), 200)
    for conninfo in ("host=evil dbname=shop user=cdc", "host=db dbname=shop user=cdc sslmode=disable"):
        a = people["operator"].patch(path, {"config": {"conninfo": conninfo, "password": kept}})
        complain(a, 400, conninfo, "bad_request")
        assert a.json["error"]["field"] == "config.password" and "conninfo" in a.json["error"]["message"], a
    expect(people["operator"].patch(path, {"config": {"conninfo": "host=evil", "password": "his-own"}}), 200)
    job = {"name": "j", "deployment_id": d, "source_id": source, "sink_id": sink}
    a = people["operator"].post("/api/jobs", {**job, "source": {"conninfo": "host=evil"}})
    complain(a, 400, "a job with an address", "bad_request")
    assert a.json["error"]["field"] == "source.conninfo", a
    expect(people["operator"].post("/api/jobs?dry_run=true", {**job, "source": {"snapshot": "never"}, "sink": {"path": "/elsewhere"}}), 200)


def workers_do_not_make_passwords_public():
    """Option tables come from workers; what they say of a password is not believed."""
    d = expect(admin.post("/api/deployments", {"name": "g"}), 201)["deployment_id"]
    w = Worker(expect(admin.post(f"/api/deployments/{d}/tokens"), 201)["token"])
    body = w.body()
    body["plugins"] = {"plugins": [{"name": "leaky", "kind": "source", "version": "1", "options": [
        {"name": "password", "type": "string"}]}], "broken": []}
    expect(w.api.post("/api/worker/register", body), 200)
    s = expect(admin.post("/api/datasources", {"name": "l", "deployment_id": d, "kind": "source", "plugin": "leaky",
                                               "config": {"password": "pw-7741"}}), 201)["datasource_id"]
    assert b"pw-7741" not in admin.get(f"/api/datasources/{s}").data


def tasks_do_not_pile_up():
    d = expect(admin.post("/api/deployments", {"name": "i"}), 201)["deployment_id"]
    source, _ = make_pair(admin, d)
    for _ in range(1000):
        a = people["operator"].post(f"/api/datasources/{source}/test")
        if a.status == 429 and a.code == "too_many_requests":
            time.sleep(0.2)
        elif a.status != 202:
            break
    complain(a, 429, "a test too many", "too_many_tasks")
    assert catalog(f"select count(*) from tasks where deployment_id = '{d}'") == "200"


def nothing_to_say_has_no_type():
    d = expect(admin.post("/api/deployments", {"name": "h"}), 201)["deployment_id"]
    a = admin.delete(f"/api/deployments/{d}")
    assert a.status == 204 and a.headers["Content-Type"] is None and not a.data, (a, a.headers)


main(the_table_is_whole, strangers_are_refused, the_wrong_role_is_refused, other_sites_are_refused,
     malformed_bodies_are_refused, oversized_bodies_are_refused, unknown_things_are_not_found,
     queries_are_checked, values_are_parameters, the_last_admin_stays, revoked_and_expired_tokens_are_refused,
     options_of_plugins_are_checked, a_stored_secret_goes_nowhere_else, workers_do_not_make_passwords_public,
     tasks_do_not_pile_up,
     nothing_to_say_has_no_type)
