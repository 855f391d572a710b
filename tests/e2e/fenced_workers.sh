#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A worker is cut off from the control plane but not from its databases, again and again, while changes come in: its jobs go to
# the other worker, and from then on its daemons make nothing durable any more. Each round takes the worker that has the jobs,
# and cuts it off by silence, by closing its connections, or with its daemon stopped in the middle of what it does, until its
# successor has loaded changes of its own. In the end files and StarRocks hold the source's rows, each change once, and neither
# the checkpoints nor the loads of an earlier epoch come after those of a later one.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/worker.sh
. "$TESTKIT/worker.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"
case " ${EZ_PLUGINS:-agent} " in *" agent "*) ;; *) skip "the agent plugin is not built" ;; esac

rounds=2
if [ "$LONG" = 1 ]; then rounds=20; fi

control_catalog
control_start
control_admin
sr_start --profile=4.0 --fe=1 --be=2 --publish-ms=10 --history=full
sqlf <<-'SQL'
	create role cdc login superuser password 'open-sesame-4711';
	create table account (id int primary key, balance int);
	create table moved (id int generated always as identity primary key, source int, target int, amount int);
	create table stop (x int);
	insert into account select i, 1000 from generate_series(1, 20) i;
SQL
control create-deployment site >"$T/deployment"
DEPLOYMENT=$(awk '/^deployment/ { print $2 }' "$T/deployment")
awk '/^token/ { print $2 }' "$T/deployment" >"$T/token"
chmod 600 "$T/token"
SR_FE_PORT=${SR_FE[0]} SR_MYSQL_PORT=${SR_MYSQL[0]}
export DEPLOYMENT PG_PORT PGDATABASE SR_FE_PORT SR_MYSQL_PORT SR_USER SR_PASSWORD
mkdir -p "$T/shared"

# A worker, and the proxy by which alone it reaches the control plane.
worker_with_proxy() {
	local port=${CONTROL_URL##*:}
	proxy_start "$1" "$port"
	worker_folder "worker-$1"
	worker_conf "
		allow_paths = [ \"$T/shared\" ];
		agent = { plugin = \"agent\"; control_url = \"http://127.0.0.1:$PROXY_PORT\"; token = { file = \"$T/token\"; }; name = \"$1\"; };"
	worker_start
	echo "$WORKER_PID" >"$WORKER/pid"
}

is_online() { [ "$(catalog "select status from workers where name = '$1'")" = online ]; }

# Each transaction moves an amount and writes down which.
traffic() {
	sql "do \$\$
	declare a int; m int;
	begin
		loop
			a := 1 + random() * 18; m := random() * 100;
			update account set balance = balance - m where id = a;
			update account set balance = balance + m where id = a + 1;
			insert into moved (source, target, amount) values (a, a + 1, m);
			commit;
			perform pg_sleep(0.005);
			exit when exists (select from stop);
		end loop;
	end \$\$" >"$T/traffic" 2>&1 &
	EZ_CHILDREN+=("$!")
	traffic=$!
}

# holds WORKER EPOCH: does it run both jobs under that epoch, and do they stream?
holds() {
	[ "$(catalog "select count(*) from jobs j join workers w on w.id = j.worker_id
		where w.name = '$1' and j.epoch = $2 and j.status = 'running' and j.phase = 'streaming'")" = 2 ]
}

# at_loads NUMBER: has StarRocks got that row of the table `moved`?
at_loads() { sr_sql "select id from shop.moved where id = $1" | grep -q '"data"'; }
last_move() { sql "select max(id) from moved"; }

# daemon_in WORKER JOB
daemon_in() { _noted_pid "$T/worker-$1/state/$2/worker.json"; }
has_ended() { [ ! -e "/proc/$1" ]; }
has_no_jobs() { ! compgen -G "$T/worker-$1/state/*/worker.json" >"$T/notes"; }

# are_fenced WORKER EPOCH: have the daemons of both jobs found out that another one has their job under that epoch?
are_fenced() {
	local job
	for job in tofiles toloads; do grep -qE "$job: .*(epoch $2\) has taken over|taken this job over: its epoch is $2,)" "$T/worker-$1/log" || return 1; done
}

worker_with_proxy first
await 20 "the first worker" is_online first
python3 - <<'PY' >"$T/jobs" || fail "the API says otherwise"
import os
from api import Api, await_that, expect
env = os.environ
admin, deployment = Api(env["ADMIN_TOKEN"]), env["DEPLOYMENT"]
def datasource(kind, plugin, name, config):
    return expect(admin.post("/api/datasources", {"name": name, "deployment_id": deployment, "kind": kind, "plugin": plugin,
                                                  "config": config}), 201)["datasource_id"]
source = datasource("source", "pgoutput", "shop", {
    "conninfo": "host=127.0.0.1 port=%s dbname=%s user=cdc" % (env["PG_PORT"], env["PGDATABASE"]), "password": "open-sesame-4711"})
sinks = {"tofiles": datasource("sink", "file", "files", {"path": env["T"] + "/shared/out"}),
         "toloads": datasource("sink", "starrocks", "loads", {
             "fe": ["http://127.0.0.1:" + env["SR_FE_PORT"]], "mysql": ["127.0.0.1:" + env["SR_MYSQL_PORT"]],
             "user": env["SR_USER"], "password": env["SR_PASSWORD"], "database": "shop", "replication_num": 1})}
for name, sink in sinks.items():
    job = expect(admin.post("/api/jobs", {"name": name, "deployment_id": deployment, "source_id": source, "sink_id": sink,
        "tables": ["public.account", "public.moved"], "batch": {"max_age": "20ms"}, "retry": {"min": "50ms", "max": "500ms"}}), 201)["job_id"]
    print("ezcdc_" + job.replace("-", "")[:12])
PY
{
	read -r tofiles
	read -r toloads
} <"$T/jobs"
await 30 "the jobs to stream" holds first 1
worker_with_proxy second
await 20 "the second worker" is_online second
sqlf <<-'SQL'
	create table saved (n int generated always as identity, job text, epoch bigint);
	create function note_save() returns trigger language plpgsql as $$ begin
		insert into public.saved (job, epoch) values (new.job, new.epoch);
		return new;
	end $$;
	create trigger note after insert or update on ezcdc.checkpoint for each row execute function note_save();
SQL
traffic

holder=first other=second
for round in $(seq "$rounds"); do
	case $((round % 3)) in 1) how='stall' ;; 2) how='frozen' ;; *) how='cut' ;; esac
	step "round $round: $holder, $how"
	old=("$(daemon_in "$holder" "$tofiles")" "$(daemon_in "$holder" "$toloads")")
	at=$(last_move)
	await 20 "a load of $holder" at_loads "$at"
	if [ "$how" = frozen ]; then
		touch "$T/proxy-$holder/stall"
		kill -STOP "${old[1]}"
	else
		touch "$T/proxy-$holder/$how"
	fi
	catalog "update workers set seen_at = now() - interval '61 seconds' where name = '$holder'"
	await 40 "the jobs to stream at $other" holds "$other" $((round + 1))
	await 20 "a load of $other" at_loads "$(last_move)"
	[ "$how" != frozen ] || kill -CONT "${old[1]}"
	for pid in "${old[@]}"; do await 20 "a daemon of $holder to end" has_ended "$pid"; done
	await 20 "the daemons of $holder to say why" are_fenced "$holder" $((round + 1))
	# Their worker, which knows nothing of all that, tries again: in vain.
	at=$(last_move)
	await 20 "another load of $other" at_loads "$at"
	holds "$other" $((round + 1)) || fail "$other has lost the jobs to a worker that must not have them"
	rm -f "$T/proxy-$holder/stall" "$T/proxy-$holder/cut"
	await 60 "$holder to come back" is_online "$holder"
	await 60 "$holder to give up the jobs" has_no_jobs "$holder"
	was=$holder holder=$other other=$was
done

step "what came of it"
sql "insert into stop values (1)"
wait "$traffic" || fail "the writer failed: $(cat "$T/traffic")"
moves=$(last_move)
await 30 "the last load" at_loads "$moves"
before=$(lsn)
sql "update account set balance = balance" "update account set balance = balance"
for job in "$tofiles" "$toloads"; do
	await 30 "the end of $job" sql_is "select confirmed_flush_lsn > '$before' from pg_replication_slots where slot_name = '$job'"
done
for WORKER in "$T/worker-$other" "$T/worker-$holder"; do
	WORKER_PID=$(cat "$WORKER/pid")
	worker_stop
done
python3 "$TESTKIT/verify.py" --job tofiles "$T/shared/out" "$(pg_conninfo)" || fail "the files are not the source"
sr_equal account moved
sr_violations
[ "$(sql "select count(*) from (select epoch < lag(epoch) over (partition by job order by n) as back from saved) x where back")" = 0 ] ||
	fail "a checkpoint of an earlier epoch came after one of a later"
[ "$(sql "select count(distinct (job, epoch)) from saved")" -ge $((2 * rounds + 2)) ] || fail "not every epoch saved a checkpoint"
sr_history shop moved >"$T/moved.history"
python3 - "$T/moved.history" "$rounds" "$moves" <<-'END' || fail "the loads are not as they should be"
	import json, re, sys
	runs, seen = [], {}
	for v in sorted((json.loads(line) for line in open(sys.argv[1], encoding="utf-8")), key=lambda v: v["txn"]):
	    run = int(re.search(r"_r(\d+)", v["label"]).group(1))
	    if runs and run < runs[-1]:
	        sys.exit("run %d loaded after run %d: %s" % (run, runs[-1], v["label"]))
	    if not runs or run != runs[-1]:
	        runs.append(run)
	    for row in v["rows"]:
	        if seen.setdefault(row["row"]["id"], v["label"]) != v["label"]:
	            sys.exit("move %d came twice: %s and %s" % (row["row"]["id"], seen[row["row"]["id"]], v["label"]))
	if len(runs) <= int(sys.argv[2]) or len(seen) != int(sys.argv[3]):
	    sys.exit("%d runs, %d moves" % (len(runs), len(seen)))
	print("%d moves by %d runs, each once and in order" % (len(seen), len(runs)))
	END
sr_stop
