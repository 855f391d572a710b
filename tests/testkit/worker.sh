# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced after lib.sh by the tests of ezcdc-worker. A worker's files lie in $T/worker: worker.conf, jobs.d/, state/, secrets/
# and log. job() of lib.sh writes a job's file; deploy puts it into the folder.

[ -x "$EZ_BUILD/ezcdc-worker" ] || skip "ezcdc-worker is not built"

# worker_folder NAME: from here on it is about the worker in $T/NAME.
worker_folder() {
	WORKER=$T/$1
	WORKER_PID=
	mkdir -p "$WORKER/jobs.d" "$WORKER/state" "$WORKER/secrets"
	: >>"$WORKER/log"
}
worker_folder worker
WORKER_PIDS=()

# worker_conf [TEXT]: write the settings, TEXT included.
worker_conf() {
	cat >"$WORKER/worker.conf" <<-CONF
		jobs_dir = "$WORKER/jobs.d";
		state_root = "$WORKER/state";
		secrets_dir = "$WORKER/secrets";
		${1:-}
	CONF
}
worker_conf

# Daemons are sessions of their own: what is left of them ends with the test.
_worker_cleanup() {
	local note pid
	for pid in "${WORKER_PIDS[@]}"; do kill -KILL "$pid" 2>/dev/null; done
	for note in "$T"/*/state/*/worker.json; do
		[ -e "$note" ] || continue
		pid=$(_noted_pid "$note")
		if [ "${pid:-0}" -gt 1 ] && [[ $(readlink "/proc/$pid/exe") == */dbmazz ]]; then kill -KILL "$pid"; fi
	done
}
AT_EXIT+=(_worker_cleanup)

worker_up() { [ -S "$WORKER/state/worker.sock" ] && kill -0 "$WORKER_PID" 2>/dev/null; }

# worker_start [OPTION]...
worker_start() {
	rm -f "$WORKER/state/worker.sock"
	"$EZ_BUILD/ezcdc-worker" --config="$WORKER/worker.conf" "$@" >>"$WORKER/log" 2>&1 </dev/null &
	WORKER_PID=$!
	WORKER_PIDS+=($!)
	await 10 "the worker" worker_up
}

worker_gone() { ! kill -0 "$WORKER_PID" 2>/dev/null; }

# worker_stop: SIGTERM, and it must drain and exit 0.
worker_stop() {
	local rc=0
	kill -TERM "$WORKER_PID"
	await 30 "the worker to end" worker_gone
	wait "$WORKER_PID" || rc=$?
	WORKER_PID=
	[ "$rc" = 0 ] || fail "after SIGTERM the worker ended with $rc: $(tail -n 1 "$WORKER/log")"
}

worker_kill9() {
	kill -KILL "$WORKER_PID"
	wait "$WORKER_PID" 2>/dev/null || true
	WORKER_PID=
}

# deploy NAME: the job's file, whole at once. Its state folder becomes $T/NAME/state as elsewhere.
deploy() {
	[ -e "$T/$1/state" ] || ln -s "$WORKER/state/$1" "$T/$1/state"
	cp "$T/$1/job.conf" "$WORKER/jobs.d/.$1.new"
	mv "$WORKER/jobs.d/.$1.new" "$WORKER/jobs.d/$1.conf"
}

withdraw() { rm "$WORKER/jobs.d/$1.conf"; }

# daemon_of NAME: the process that runs the job, as noted by the worker; empty if none.
daemon_of() { _noted_pid "$WORKER/state/$1/worker.json"; }
_noted_pid() { python3 -c 'import json, sys; n = json.load(open(sys.argv[1])); print(n["pid"] or "")' "$1" 2>/dev/null; }

daemon_runs() {
	local pid
	pid=$(daemon_of "$1")
	[ -n "$pid" ] && kill -0 "$pid" 2>/dev/null
}
daemon_gone() { ! daemon_runs "$1"; }

# another_daemon NAME PID: does another process than PID run it?
another_daemon() {
	local pid
	pid=$(daemon_of "$1")
	[ -n "$pid" ] && [ "$pid" != "$2" ] && kill -0 "$pid" 2>/dev/null
}

# says REGEX [TIMES]: the worker's log does.
says() { [ "$(grep -cE -- "$1" "$WORKER/log")" -ge "${2:-1}" ]; }
await_says() { await "${3:-15}" "the worker to say: $1" says "$1" "${2:-1}"; }

# job_state NAME: as `ezcdc-worker` has it.
job_state() {
	python3 - "$WORKER/state/worker.sock" "$1" <<-'PY'
		import json, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		s.sendall(b'{"cmd":"status"}\n')
		f = s.makefile()
		for j in json.loads(f.readline())["jobs"]:
		    if j["name"] == sys.argv[2]:
		        print(j["state"])
	PY
}
is_job_state() { [ "$(job_state "$1")" = "$2" ]; }

# ------------------------------------------------------------------ a control plane that does what a test says

# control_start [CERTIFICATE KEY]: sets CONTROL, its folder, and CONTROL_PORT.
control_start() {
	CONTROL=$T/control
	mkdir -p "$CONTROL"
	[ -p "$CONTROL/life" ] || mkfifo "$CONTROL/life"
	echo token-1 >"$CONTROL/token"
	: >"$CONTROL/requests.jsonl"
	python3 "$TESTKIT/control_stub.py" "$CONTROL" "$@" <"$CONTROL/life" 2>"$CONTROL/errors" &
	EZ_CHILDREN+=($!)
	exec 8>"$CONTROL/life"
	await 10 "the control plane" test -e "$CONTROL/port"
	CONTROL_PORT=$(cat "$CONTROL/port")
}

# requests EXPRESSION: prints the Python expression for every request r; b is its body.
requests() {
	python3 - "$CONTROL/requests.jsonl" "$1" <<-'PY'
		import json, sys
		for line in open(sys.argv[1]):
		    r = json.loads(line)
		    b = r["body"]
		    value = eval(sys.argv[2])
		    if value:
		        print(value)
	PY
}

# asked EXPRESSION [TIMES]: was there such a request?
asked() { [ "$(requests "$1" | wc -l)" -ge "${2:-1}" ]; }
await_asked() { await "${3:-20}" "the worker to ask: $1" asked "$1" "${2:-1}"; }

# set_jobs VERSION [NAME:STATE:REVISION:EPOCH...]: what the control plane wants. The id of NAME is made of its first letter;
# its configuration is $T/NAME/job.conf.
set_jobs() {
	python3 - "$T" "$CONTROL/set.json" "$@" <<-'PY'
		import json, os, sys
		top, to, version, *jobs = sys.argv[1:]
		try:
		    tasks = json.load(open(to)).get("tasks", [])
		except FileNotFoundError:
		    tasks = []
		out = []
		for job in jobs:
		    name, state, revision, epoch = job.split(":")
		    digit = format(ord(name[0]) % 16, "x")
		    out.append({"job_id": f"{digit * 8}-{digit * 4}-4000-8000-{digit * 12}", "name": name, "state": state,
		                "revision": int(revision), "epoch": int(epoch), "config": open(f"{top}/{name}/job.conf").read()})
		json.dump({"version": version, "jobs": out, "tasks": tasks}, open(to + ".new", "w"))
		os.rename(to + ".new", to)
	PY
}

# job_id NAME, base_of NAME: as set_jobs makes them.
job_id() { python3 -c 'import sys; d = format(ord(sys.argv[1][0]) % 16, "x"); print(f"{d * 8}-{d * 4}-4000-8000-{d * 12}")' "$1"; }
base_of() { echo "ezcdc_$(job_id "$1" | tr -d - | cut -c 1-12)"; }

# add_task ID KIND CONFIG [JSON]: the control plane wants it done; JSON holds further members.
add_task() {
	python3 - "$CONTROL/set.json" "$@" <<-'PY'
		import json, os, sys
		to, task, kind, config, *more = sys.argv[1:]
		s = json.load(open(to))
		s["tasks"].append({"task_id": task, "kind": kind, "config": config, **json.loads(more[0] if more else "{}")})
		json.dump(s, open(to + ".new", "w"))
		os.rename(to + ".new", to)
	PY
}
