# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # what demo/run sets
#
# What demo/run --keep leaves running: the control plane over a catalog in the same PostgreSQL, one worker, and the shop's job made
# through the API, so that a person can watch it in the portal.

platform_is_built() { [ -x "$EZ_BUILD/ezcdc-control" ] && [ -x "$EZ_BUILD/ezcdc-worker" ]; }

_api() { # METHOD PATH [BODY]
	curl -sS --fail-with-body --max-time 30 -X "$1" -H "Authorization: Bearer $API_TOKEN" \
		${3:+-H 'Content-Type: application/json' --data-binary "$3"} "$PORTAL$2"
}

_member() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

_json() { python3 -c 'import json, sys; print(json.dumps(dict(a.split("=", 1) for a in sys.argv[1:])))' "$@"; }

_wait_for() { # WHAT COMMAND...: at most 30 s
	local what=$1 i
	shift
	for ((i = 0; i < 150; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.2
	done
	die "$what did not come: see $T/control.log and $T/worker.log"
}

_control() { "$EZ_BUILD/ezcdc-control" --config="$T/control.conf" "$@"; }

# Sets PORTAL, PORTAL_PASSWORD and platform_pids.
platform_start() {
	local port deployment
	port=$(pg_free_port)
	PORTAL=http://127.0.0.1:$port
	psql -Xqc 'create database catalog' >/dev/null
	(umask 077 && cat >"$T/control.conf") <<-CONF
		catalog = "$(pg_conninfo catalog)";
		listen = "127.0.0.1:$port";
		keyring = "$T/keyring";
		setup_file = "$T/setup-link";
		portal_dir = "$src/control/portal";
	CONF
	setsid "$EZ_BUILD/ezcdc-control" --config="$T/control.conf" >"$T/control.log" 2>&1 </dev/null &
	platform_pids=$!
	_wait_for "the control plane" curl -sf "$PORTAL/readyz"
	PORTAL_PASSWORD=$(od -An -tx1 -N8 /dev/urandom | tr -d ' \n')
	printf %s "$PORTAL_PASSWORD" | _control create-user --role=admin admin >/dev/null 2>>"$T/control.log"
	API_TOKEN=$(_control create-token --user=admin --name=demo 2>>"$T/control.log")
	deployment=$(_control create-deployment demo 2>>"$T/control.log")
	mkdir -p "$T/jobs.d" "$T/worker"
	(umask 077 && sed -n 's/^token //p' <<<"$deployment" >"$T/deployment.token")
	DEPLOYMENT=$(sed -n 's/^deployment //p' <<<"$deployment")
	cat >"$T/worker.conf" <<-CONF
		jobs_dir = "$T/jobs.d";
		state_root = "$T/worker";
		allow_paths = [ "$T" ];
		plugin_dirs = [ "$EZCDC_PLUGIN_PATH" ];
		agent = { plugin = "agent"; control_url = "$PORTAL"; token = { file = "$T/deployment.token"; }; name = "demo-worker"; };
	CONF
	setsid "$EZ_BUILD/ezcdc-worker" --config="$T/worker.conf" >"$T/worker.log" 2>&1 </dev/null &
	platform_pids="$! $platform_pids"
	_wait_for "the worker" _worker_is_online
}

_worker_is_online() { _api GET /api/workers | grep -q '"online"'; }

_datasource() { # NAME KIND PLUGIN CONFIG
	_api POST /api/datasources "{\"name\": \"$1\", \"deployment_id\": \"$DEPLOYMENT\", \"kind\": \"$2\", \"plugin\": \"$3\", \"config\": $4}" |
		_member datasource_id
}

_job_is_streaming() { _api GET "/api/jobs/$1" | grep -q '"streaming"'; }

# The same job, made as the portal makes it.
platform_job() {
	local source sink job
	source=$(_datasource "shop database" source pgoutput \
		"$(_json "conninfo=host=127.0.0.1 port=$PG_PORT dbname=shop user=cdc" "password=cdc")")
	sink=$(_datasource "$sink_name" sink "$sink_plugin" "$(target_config)")
	job=$(_api POST /api/jobs "{\"name\": \"shop\", \"deployment_id\": \"$DEPLOYMENT\", \"source_id\": \"$source\", \"sink_id\": \"$sink\",
		\"tables\": [\"public.*\"], \"batch\": {\"max_age\": \"200ms\"}, \"start\": true}" | _member job_id)
	_wait_for "the job" _job_is_streaming "$job"
}
