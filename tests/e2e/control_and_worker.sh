#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# All of it together: a control plane, a worker, a source and files. A job is made through the API, copies and streams, shows
# what it does, is paused, edited, goes on without the control plane, is stopped, and removed with its slot.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/worker.sh
. "$TESTKIT/worker.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"
case " ${EZ_PLUGINS:-agent} " in *" agent "*) ;; *) skip "the agent plugin is not built" ;; esac

control_catalog
control_start
control_admin
sql "create role cdc login superuser password 'open-sesame-4711'" "create table orders (id int primary key, note text)" \
	"create table without_a_key (note text)" \
	"insert into orders select g, 'note ' || g from generate_series(1, 1000) g"
control create-deployment site >"$T/deployment"
DEPLOYMENT=$(awk '/^deployment/ { print $2 }' "$T/deployment")
awk '/^token/ { print $2 }' "$T/deployment" >"$T/token"
chmod 600 "$T/token"
export DEPLOYMENT
worker_conf "
	allow_paths = [ \"$T/shop\" ];
	agent = { plugin = \"agent\"; control_url = \"$CONTROL_URL\"; token = { file = \"$T/token\"; }; name = \"edge\"; };"
mkdir -p "$T/shop"
worker_start

# api PYTHON: with `admin`, `expect`, `await_that`, and the ids of the run.
api() {
	T=$T python3 - <<-PY || fail "the API says otherwise"
		import os
		from api import Api, await_that, expect
		admin = Api(os.environ["ADMIN_TOKEN"])
		deployment = os.environ["DEPLOYMENT"]
		job = os.environ.get("JOB", "")
		path = "/api/jobs/" + job
		def doc(): return expect(admin.get(path), 200)
		def is_running(): d = doc(); return d["status"] == "running" and d["phase"] == "streaming" and d
		$1
	PY
}

step "what they hold while there is nothing to do"
is_online() { [ "$(catalog "select status from workers")" = online ] && [ "$(catalog "select count(*) > 0 from worker_plugins")" = t ]; }
await 20 "the worker" is_online
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
sleep 1
kb=("$(rss "${CONTROL_PID[main]}")" "$(rss "$WORKER_PID")")
echo "idle: ezcdc-control ${kb[0]} kB, ezcdc-worker ${kb[1]} kB"
if [ "${EZ_SANITIZE:-no}" = no ]; then
	[ "${kb[0]}" -lt 30720 ] || fail "an idle control plane holds ${kb[0]} kB"
	[ "${kb[1]}" -lt 15360 ] || fail "an idle worker holds ${kb[1]} kB"
fi

step "datasources are tested, a job is made"
export PG_PORT PGDATABASE
api '
await_that("the worker", lambda: [w for w in expect(admin.get("/api/workers"), 200)["items"] if w["status"] == "online"], 20)
names = [p["name"] for p in expect(admin.get("/api/plugins"), 200)["items"]]
assert "pgoutput" in names and "file" in names, names
source = expect(admin.post("/api/datasources", {"name": "shop", "deployment_id": deployment, "kind": "source", "plugin": "pgoutput",
    "config": {"conninfo": "host=127.0.0.1 port=%s dbname=%s user=cdc" % (os.environ["PG_PORT"], os.environ["PGDATABASE"]), "password": "open-sesame-4711"}}), 201)["datasource_id"]
sink = expect(admin.post("/api/datasources", {"name": "files", "deployment_id": deployment, "kind": "sink", "plugin": "file",
    "config": {"path": os.environ["T"] + "/shop/out"}}), 201)["datasource_id"]
for which in (source, sink):
    t = expect(admin.post(f"/api/datasources/{which}/test"), 202)["task_id"]
    r = await_that("the test", lambda: [x for x in [expect(admin.get(f"/api/tasks/{t}"), 200)] if x["status"] in ("succeeded", "failed")], 20)[0]
    assert r["status"] == "succeeded" and r["result"]["ok"] and r["result"]["findings"], r
    # A table that no job needs is no reason to fail, but worth a word.
    assert which == sink or "without_a_key" in str(r["result"]["findings"]), r
j = expect(admin.post("/api/jobs", {"name": "shop", "deployment_id": deployment, "source_id": source, "sink_id": sink,
    "tables": ["public.orders"], "batch": {"max_age": "10ms"}}), 201)
print(j["job_id"], file=open(os.environ["T"] + "/job", "w"))
print(source, file=open(os.environ["T"] + "/source", "w"))
'
JOB=$(cat "$T/job")
export JOB
base=ezcdc_$(tr -d - <"$T/job" | cut -c 1-12)
ln -s "$WORKER/state/$base" "$T/shop/state"

step "it copies, streams and shows it"
api '
d = await_that("the job to stream", is_running, 30)
assert d["epoch"] == 1 and d["tables"][0]["name"] == "public.orders", d
'
sql "insert into orders values (2000, 'new')"
before=$(lsn)
sql "insert into orders values (2001, 'newer')"
await 20 "the row" sql_is "select confirmed_flush_lsn > '$before' from pg_replication_slots where slot_name = '$base'"
api '
await_that("a measurement", lambda: expect(admin.get(path + "/metrics"), 200), 20)
log = expect(admin.get(path + "/log"), 200)
assert any("streaming from" in l["message"] for l in log.get("lines") or log["result"]["lines"]), log
'
if grep -rlq sesame "$WORKER" "$T/shop"; then fail "the password is on disk"; fi

step "pause, resume, edit"
pid=$(daemon_of "$base")
api '
expect(admin.post(path + "/pause"), 200)
await_that("the pause", lambda: doc()["status"] == "paused", 20)
expect(admin.post(path + "/resume"), 200)
await_that("the job to go on", is_running, 20)
expect(admin.patch(path, {"batch": {"max_age": "12ms"}}), 200)
'
await 20 "the daemon of the edited job" another_daemon "$base" "$pid"
api 'await_that("the edited job to stream", is_running, 20)'

step "a password is changed: the daemon that runs takes it over"
pid=$(daemon_of "$base")
hba=$(sql "show hba_file")
{
	echo "host all,replication cdc 127.0.0.1/32 scram-sha-256"
	cat "$hba"
} >"$T/hba"
cat "$T/hba" >"$hba"
sql "alter role cdc password 'close-sesame-0815'" "select pg_reload_conf()" >"$T/reloaded"
if PGPASSWORD=open-sesame-4711 psql -Xqc "select 1" "host=127.0.0.1 port=$PG_PORT dbname=$PGDATABASE user=cdc" 2>"$T/refused"; then fail "any password does"; fi
api '
source = open(os.environ["T"] + "/source").read().strip()
config = expect(admin.get("/api/datasources/" + source), 200)["config"]
expect(admin.patch("/api/datasources/" + source, {"config": dict(config, password="close-sesame-0815")}), 200)
await_that("the new revision", lambda: doc()["revision"] == 3 and is_running(), 20)
'
await_says "job shop goes on with its new configuration"
# Every connection of the job is broken: with the old password none could be made again.
sql "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'cdc'" >"$T/ended"
sql "insert into orders values (2500, 'after')"
before=$(lsn)
sql "insert into orders values (2501, 'after')"
await 20 "the row" sql_is "select confirmed_flush_lsn > '$before' from pg_replication_slots where slot_name = '$base'"
[ "$(daemon_of "$base")" = "$pid" ] || fail "a changed password restarted the daemon"
if grep -rlq sesame "$WORKER" "$T/shop"; then fail "a password is on disk"; fi

step "an outage of the control plane costs nothing"
control_stop main
sql "insert into orders values (3000, 'meanwhile')"
before=$(lsn)
sql "insert into orders values (3001, 'meanwhile')"
await 20 "the row" sql_is "select confirmed_flush_lsn > '$before' from pg_replication_slots where slot_name = '$base'"
control_start
api 'await_that("the job to be seen again", lambda: expect(admin.get("/api/workers"), 200)["items"][0]["status"] == "online" and is_running(), 70)'

step "stopped, started, and removed with its slot"
api '
expect(admin.post(path + "/stop"), 200)
await_that("the stop", lambda: doc()["status"] == "stopped", 20)
expect(admin.post(path + "/start"), 200)
await_that("the job to stream", is_running, 30)
expect(admin.post(path + "/stop"), 200)
await_that("the stop", lambda: doc()["status"] == "stopped", 20)
'
sound shop
[ "$(changes shop | grep -c .)" = 1006 ] || fail "the copy has $(changes shop | grep -c .) changes"
api 'admin.delete(path + "?drop=true")'
await 20 "the slot to go" sql_is "select count(*) = 0 from pg_replication_slots"
worker_stop
api 'await_that("the worker to have left", lambda: expect(admin.get("/api/workers"), 200)["items"][0]["status"] != "online", 5)'
