#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A control plane that is away costs a worker and its jobs nothing, restarts of the worker included; a new epoch is a restart of
# the daemon; a forgotten secret is replaced by way of the deployment token; a certificate that is not trusted is refused.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/worker.sh
. "$TESTKIT/worker.sh"
case " ${EZ_PLUGINS:-agent} " in *" agent "*) ;; *) skip "the agent plugin is not built" ;; esac
need_tool openssl

pg_start
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key.pem" -out "$T/cert.pem" -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1 2>"$T/said" || fail "openssl: $(cat "$T/said")"
control_start "$T/cert.pem" "$T/key.pem"
agent() {
	worker_conf "
		allow_paths = [ \"$T/pipe\" ];
		agent = { plugin = \"agent\"; control_url = \"https://127.0.0.1:$CONTROL_PORT\"; token = { file = \"$CONTROL/token\"; }; $1 };"
}
sql "create table t (id int primary key)" "insert into t select generate_series(1, 10)"
job pipe source='tables = [ "public.t" ];' \
	top="state = { store = \"postgres\"; conninfo = \"$(pg_conninfo)\"; }; batch = { max_age = \"10ms\"; };"
ln -s "$WORKER/state/$(base_of pipe)" "$T/pipe/state"

step "a certificate that nobody vouches for"
agent ''
worker_start
await_says 'certificate'
[ ! -s "$CONTROL/requests.jsonl" ] || fail "the token was given to a stranger"
worker_stop

step "one that is trusted"
agent "ca_file = \"$T/cert.pem\";"
set_jobs 7 pipe:running:1:7
worker_start
await 25 "the job to stream" streaming pipe
case ${EZ_SANITIZE:-no} in no | '')
	rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$WORKER_PID/status")
	[ "$rss" -le 15360 ] || fail "a worker with a TLS connection takes $rss kB"
	;;
esac
pid=$(daemon_of "$(base_of pipe)")

step "the control plane is away: jobs go on, and what was measured is kept"
echo 503 >"$CONTROL/answer"
await_says 'jobs go on as they are'
before=$(lsn)
sql "insert into t values (100)" "insert into t values (101)"
await 20 "the row" sql_is "select confirmed_flush_lsn > '$before' from pg_replication_slots where slot_name = '$(base_of pipe)'"
rm "$CONTROL/answer"
await_says 'answers again after' 1 60
await_asked "r['path'].endswith('/metrics') and r['status'] == 200 and b['samples'][0]['rows_total'] >= 10"

step "a restart of the worker, whose control plane is away"
echo 503 >"$CONTROL/answer"
worker_kill9
worker_start
await_says 'its daemon goes on under this worker'
sleep 1
[ "$(daemon_of "$(base_of pipe)")" = "$pid" ] && kill -0 "$pid" || fail "the daemon was touched"
rm "$CONTROL/answer"
await_asked "r['path'].endswith('/register') and r['authorization'] == 'Bearer secret-1' and r['status'] == 200" 1 60
await_asked "r['path'].endswith('/poll') and b['seen'] == '7' and any(j['epoch'] == 7 for j in b['jobs'])"
sleep 0.3
[ "$(daemon_of "$(base_of pipe)")" = "$pid" ] || fail "an adopted daemon was restarted for nothing"

step "a new epoch is a restart"
set_jobs 8 pipe:running:1:8
await 20 "another daemon" another_daemon "$(base_of pipe)" "$pid"
await 20 "the job to stream" streaming pipe
[ "$(sql "select epoch from ezcdc.checkpoint where job = '$(base_of pipe)'")" = 8 ]

step "a forgotten secret is replaced by way of the token"
touch "$CONTROL/forget"
await_says 'registered anew with the deployment token'
await_asked "r['path'].endswith('/register') and r['authorization'] == 'Bearer token-1' and r['status'] == 200" 2 60
await 10 "the new secret to be kept" grep -q secret-3 "$WORKER/state/agent.json"

worker_stop
