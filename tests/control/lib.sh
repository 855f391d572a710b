# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sourced by the tests of the control plane, after tests/testkit/lib.sh.
#
#   control_catalog              a fresh cluster with a catalog database
#   control_start [NAME]...      start instances; sets CONTROL_URL to the first, CONTROL_URL_<NAME> to each
#   control COMMAND...           run a command of ezcdc-control
#   control_admin                make an admin; sets ADMIN_TOKEN
#
# Python programs find the same in their environment, and tests/control/api.py.

[ -x "$EZ_BUILD/ezcdc-control" ] || skip "ezcdc-control is not built"
need_tool curl
export PYTHONPATH=$EZ_SRC/tests/control

declare -A CONTROL_PID=()

control_catalog() {
	pg_start "$@"
	psql -Xqc 'create database catalog'
	export CATALOG
	CATALOG=$(pg_conninfo catalog)
	export CONTROL_DIR=$T/control
	mkdir -p "$CONTROL_DIR"
	control_config main
}

# control_config NAME [TEXT]: write the configuration of an instance.
control_config() {
	local port
	port=$(pg_free_port)
	cat >"$CONTROL_DIR/$1.conf" <<-CONF
		catalog = "$CATALOG";
		listen = "127.0.0.1:$port";
		keyring = "$CONTROL_DIR/keyring";
		portal_dir = "$EZ_SRC/control/portal";
		setup_file = "$CONTROL_DIR/setup-$1";
		webhooks_to_private = true;
		${2:-}
	CONF
	export "CONTROL_URL_$1=http://127.0.0.1:$port"
	[ "$1" != main ] || export CONTROL_URL=http://127.0.0.1:$port
}

control() { "$EZ_BUILD/ezcdc-control" --config="$CONTROL_DIR/main.conf" "$@"; }

_control_is_ready() {
	kill -0 "${CONTROL_PID[$1]}" 2>/dev/null || fail "instance $1 ended: $(tail -n 3 "$T/control-$1/log")"
	local url=CONTROL_URL_$1
	curl -sf -o "$T/ready" "${!url}/readyz"
}

control_start() {
	local name
	for name in "${@:-main}"; do
		[ -e "$CONTROL_DIR/$name.conf" ] || control_config "$name"
		mkdir -p "$T/control-$name"
		"$EZ_BUILD/ezcdc-control" --config="$CONTROL_DIR/$name.conf" --log-level=debug \
			>"$T/control-$name/stdout" 2>"$T/control-$name/log" </dev/null &
		CONTROL_PID[$name]=$!
		EZ_CHILDREN+=($!)
		await 20 "instance $name" _control_is_ready "$name"
	done
	export CONTROL_PID_main=${CONTROL_PID[main]:-}
}

# control_stop NAME: SIGTERM, and it must exit 0.
control_stop() {
	local rc=0
	kill -TERM "${CONTROL_PID[$1]}"
	wait "${CONTROL_PID[$1]}" || rc=$?
	unset "CONTROL_PID[$1]"
	[ "$rc" = 0 ] || fail "instance $1 ended with $rc: $(tail -n 3 "$T/control-$1/log")"
}

control_admin() {
	printf 'correct horse battery' | control create-user --role=admin admin >"$T/created"
	export ADMIN_TOKEN
	ADMIN_TOKEN=$(control create-token --user=admin --name=tests)
}

catalog() { psql -XqAt -v ON_ERROR_STOP=1 -d "$CATALOG" -c "set search_path = control" -c "$1"; }
