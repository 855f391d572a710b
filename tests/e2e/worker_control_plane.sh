#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tsan: yes
#
# A worker and a scripted control plane: registers, takes jobs, hands secrets on by descriptor only, reports, measures, does
# tasks; leaves when it is drained.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/worker.sh
. "$TESTKIT/worker.sh"
case " ${EZ_PLUGINS:-agent} " in *" agent "*) ;; *) skip "the agent plugin is not built" ;; esac

pg_start
control_start
worker_conf "
	allow_paths = [ \"$T/pipe\", \"$T/wild\" ];
	agent = { plugin = \"agent\"; control_url = \"http://127.0.0.1:$CONTROL_PORT\"; token = { file = \"$CONTROL/token\"; }; name = \"edge\"; };"
sql "create table t (id int primary key)" "insert into t select generate_series(1, 10)" \
	"create role cdc login superuser password 'open-sesame-4711'"

conf() {
	job pipe conninfo="host=127.0.0.1 port=$PG_PORT dbname=$PGDATABASE user=cdc" \
		source='password = "open-sesame-4711"; tables = [ "public.t" ];' \
		top="state = { store = \"postgres\"; conninfo = \"host=127.0.0.1 port=$PG_PORT dbname=$PGDATABASE user=cdc password=open-sesame-4711\"; }; batch = { max_age = \"$1\"; };"
}
conf 10ms
ln -s "$WORKER/state/$(base_of pipe)" "$T/pipe/state"
step "register and take a job"
worker_start
await_asked "r['path'].endswith('/register') and b['name'] == 'edge' and b['protocol'] == 1 and b['plugins']['plugins']"
[ "$(stat -c %a "$WORKER/state/agent.json")" = 600 ] || fail "the secret can be read by others"
set_jobs 1 pipe:running:1:7
await 25 "the job to stream" streaming pipe
pid=$(daemon_of "$(basename "$(base_of pipe)")")
[ "$(sql "select count(*) from pg_replication_slots where slot_name = '$(base_of pipe)'")" = 1 ] || fail "the slot has another name"
[ "$(sql "select epoch from ezcdc.checkpoint where job = '$(base_of pipe)'")" = 7 ] || fail "the epoch did not arrive"
await_asked "r['path'].endswith('$(job_id pipe)/status') and b['state'] == 'running' and b['status']['state'] == 'streaming' and b['epoch'] == 7"

step "no secret in arguments, environment or files"
if tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q sesame; then fail "the password is an argument"; fi
if tr '\0' ' ' <"/proc/$pid/environ" | grep -q sesame; then fail "the password is in the environment"; fi
if grep -rlq sesame "$WORKER"; then fail "the password is on disk: $(grep -rl sesame "$WORKER")"; fi

step "people are sent to the control plane"
if ez pause "$T/pipe/state" 2>"$T/said"; then fail "a job of the control plane was paused"; fi
grep -q "127.0.0.1:$CONTROL_PORT" "$T/said" || fail "it does not say where: $(cat "$T/said")"
if ez stop "$T/pipe/state" 2>"$T/said"; then fail "a job of the control plane was stopped"; fi

step "pause and resume"
set_jobs 2 pipe:paused:1:7
await 20 "the pause" is_state pipe paused
await_asked "r['path'].endswith('/status') and b['state'] == 'paused'"
set_jobs 3 pipe:running:1:7
await 20 "the job to stream" streaming pipe
[ "$(daemon_of "$(base_of pipe)")" = "$pid" ] || fail "a pause restarted the daemon"

step "tasks"
task=51d2a6c4-8e0b-4f7d-b3a9-6c5b4a39281
add_task "${task}1" check-source "name = \"x\"; source = { plugin = \"pgoutput\"; conninfo = \"host=127.0.0.1 port=$PG_PORT dbname=$PGDATABASE user=cdc\"; password = \"open-sesame-4711\"; };"
add_task "${task}2" discover "name = \"x\"; source = { plugin = \"pgoutput\"; conninfo = \"host=127.0.0.1 port=$PG_PORT dbname=$PGDATABASE user=cdc password=open-sesame-4711\"; };"
add_task "${task}3" log "{\"job_id\":\"$(job_id pipe)\",\"lines\":5}"
add_task "${task}4" check "name = \"x\"; source = { plugin = \"pgoutput\"; conninfo = \"service=prod\"; }; sink = { plugin = \"file\"; path = \"/etc\"; };"
add_task "${task}5" paint "blue"
echo '{"commit_lsn":"0/1A2B450","part":0,"seq":3,"schema":"public","table":"t","op":"c","reason":"too long","time":"2026-11-22T16:00:00.000000Z","after":{"note":"value-0815"}}' \
	>"$T/pipe/state/dead-letter.jsonl"
add_task "${task}6" dead-letters "{\"job_id\":\"$(job_id pipe)\"}"
await_asked "r['path'].endswith('${task}1/result') and b['status'] == 'succeeded' and b['result']['findings']"
await_asked "r['path'].endswith('${task}2/result') and any(t['name'] == 't' for t in b['result']['tables'])"
await_asked "r['path'].endswith('${task}3/result') and b['result']['lines'][0]['message']"
await_asked "r['path'].endswith('${task}4/result') and b['status'] == 'failed' and 'service' in b['error']"
await_asked "r['path'].endswith('${task}5/result') and b['status'] == 'failed'"
await_asked "r['path'].endswith('${task}6/result') and b['result']['count'] == 1 and b['result']['letters'][0]['table'] == 'public.t'"
if grep -q value-0815 "$CONTROL/requests.jsonl"; then fail "a value of a row left the site"; fi
rm "$T/pipe/state/dead-letter.jsonl"

step "what a job must not do on this machine"
job wild sink_section='sink = { plugin = "file"; path = "/etc/ezcdc-wild"; };'
set_jobs 4 pipe:running:1:7 wild:running:1:1
await_asked "r['path'].endswith('$(job_id wild)/status') and b['state'] == 'failed' and b['exit_code'] == 78 and 'allow' in b['error']"
job wild source="password = { file = \"$CONTROL/token\"; };"
set_jobs 5 pipe:running:1:7 wild:running:2:1
await_asked "r['path'].endswith('$(job_id wild)/status') and b['state'] == 'failed' and b['revision'] == 2"
job wild source='password = { env = "HOME"; };'
set_jobs 6 pipe:running:1:7 wild:running:3:1
await_asked "r['path'].endswith('$(job_id wild)/status') and b['state'] == 'failed' and b['revision'] == 3 and 'env' in b['error']"

step "drain and leave"
pid=$(daemon_of "$(base_of pipe)")
worker_stop
[ ! -e "/proc/$pid" ] || fail "a daemon is left"
asked "r['path'].endswith('/heartbeat') and b['stopping']" || fail "the worker did not say that it leaves"
if asked "r['path'].endswith('/status') and b['state'] == 'stopped'"; then fail "the job was told to be stopped: nobody would start it again"; fi
asked "r['path'].endswith('/deregister') and r['status'] == 200" || fail "the worker left without a word"
