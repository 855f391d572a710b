#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A worker dies, its daemon does not: the control plane gives the job to another worker under a higher epoch, which takes the
# slot and fences the old daemon, and no row is lost or written by both.

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
sql "create role cdc login superuser password 'open-sesame-4711'" "create table orders (id int primary key)" \
	"insert into orders select generate_series(1, 100)"
control create-deployment site >"$T/deployment"
DEPLOYMENT=$(awk '/^deployment/ { print $2 }' "$T/deployment")
awk '/^token/ { print $2 }' "$T/deployment" >"$T/token"
chmod 600 "$T/token"
export DEPLOYMENT PG_PORT PGDATABASE
edge() { worker_conf "
	allow_paths = [ \"$T/shop\" ];
	agent = { plugin = \"agent\"; control_url = \"$CONTROL_URL\"; token = { file = \"$T/token\"; }; name = \"$1\"; };"; }
mkdir -p "$T/shop"
edge first
worker_start

python3 - <<'PY' >"$T/job" || fail "the API says otherwise"
import os
from api import Api, await_that, expect
admin, deployment = Api(os.environ["ADMIN_TOKEN"]), os.environ["DEPLOYMENT"]
source = expect(admin.post("/api/datasources", {"name": "shop", "deployment_id": deployment, "kind": "source", "plugin": "pgoutput",
    "config": {"conninfo": "host=127.0.0.1 port=%s dbname=%s user=cdc" % (os.environ["PG_PORT"], os.environ["PGDATABASE"]), "password": "open-sesame-4711"}}), 201)["datasource_id"]
sink = expect(admin.post("/api/datasources", {"name": "files", "deployment_id": deployment, "kind": "sink", "plugin": "file",
    "config": {"path": os.environ["T"] + "/shop/out"}}), 201)["datasource_id"]
j = expect(admin.post("/api/jobs", {"name": "shop", "deployment_id": deployment, "source_id": source, "sink_id": sink,
    "tables": ["public.orders"], "batch": {"max_age": "10ms"}}), 201)["job_id"]
await_that("the job to stream", lambda: expect(admin.get("/api/jobs/" + j), 200)["phase"] == "streaming", 30)
print(j)
PY
JOB=$(cat "$T/job")
export JOB
base=ezcdc_$(tr -d - <"$T/job" | cut -c 1-12)
old=$(daemon_of "$base")

step "the worker dies, its daemon goes on, the control plane waits for its heartbeat in vain"
worker_kill9
worker_folder other
# worker_is STATUS NAME
worker_is() { [ "$(catalog "select status from workers where name = '$2'")" = "$1" ]; }
edge second
worker_start
before=$(lsn)
sql "insert into orders values (1000)" "insert into orders values (1001)"
await 20 "the row" sql_is "select confirmed_flush_lsn > '$before' from pg_replication_slots where slot_name = '$base'"
catalog "update workers set seen_at = now() - interval '61 seconds' where name = 'first'"

step "another worker takes over"
await 40 "the other worker's daemon" daemon_runs "$base"
ln -s "$WORKER/state/$base" "$T/shop/state"
await 30 "the job to stream" streaming shop
await 30 "the old daemon to end" test ! -e "/proc/$old"
grep -q '"code":75' "$T/worker/state/$base/exit.json" || fail "the old daemon ended otherwise: $(cat "$T/worker/state/$base/exit.json")"
[ "$(sql "select epoch from ezcdc.checkpoint where job = '$base'")" = 2 ] || fail "the new epoch is not in the checkpoint"
before=$(lsn)
sql "insert into orders values (2000)" "insert into orders values (2001)"
await 20 "the row" sql_is "select confirmed_flush_lsn > '$before' from pg_replication_slots where slot_name = '$base'"

step "a worker that is told to end leaves the job to another at once"
leaver_pid=$WORKER_PID
worker_folder worker
worker_start
heir_pid=$WORKER_PID
await 30 "the first worker to be back" worker_is online first
WORKER=$T/other WORKER_PID=$leaver_pid
from=$SECONDS
worker_stop
WORKER=$T/worker WORKER_PID=$heir_pid
await 30 "the first worker's daemon" daemon_runs "$base"
rm "$T/shop/state"
ln -s "$WORKER/state/$base" "$T/shop/state"
await 30 "the job to stream" streaming shop
[ $((SECONDS - from)) -lt $((10 * SLOW)) ] || fail "that took $((SECONDS - from)) s"
[ "$(catalog "select status || ' ' || desired || ' ' || epoch from jobs")" = "running running 3" ] ||
	fail "the job is $(catalog "select status, desired, epoch from jobs")"
[ "$(catalog "select count(*) from job_events where to_status = 'stopped'")" = 0 ] || fail "the job was stopped for a moment"
before=$(lsn)
sql "insert into orders values (3000)" "insert into orders values (3001)"
await 20 "the row" sql_is "select confirmed_flush_lsn > '$before' from pg_replication_slots where slot_name = '$base'"
worker_stop
sound shop
[ "$(changes shop | grep -c .)" = 106 ] || fail "106 changes were to be written, there are $(changes shop | grep -c .)"
