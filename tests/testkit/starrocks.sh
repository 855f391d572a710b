# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The pretended StarRocks cluster for shell tests (tests/testkit/starrocks/README.md). Behind lib.sh, or alone:
#
#   . "$(dirname "$0")/../testkit/starrocks.sh"
#   sr_start --fe=2 --be=2
#   sr_sql "create database shop" "create table shop.t (...) ..."
#   sr_fault '"kind": "reset_body", "bytes": 1000, "node": "be*"'
#   sr_dump shop t
#   sr_violations
#
# sr_start sets SR_FE, SR_BE and SR_MYSQL (arrays of ports on 127.0.0.1), SR_STRANGER, SR_CONTROL, SR_USER and SR_PASSWORD. The
# server ends with the shell that started it, whatever happens.

EZ_SRC=${EZ_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
EZ_BUILD=${EZ_BUILD:-$EZ_SRC}
SR_SERVER=$EZ_BUILD/tests/testkit/starrocks/server

if ! declare -F skip >/dev/null; then
	skip() {
		echo "skip: $*"
		exit 77
	}
fi
if ! declare -F fail >/dev/null; then
	fail() {
		printf 'FAILED: %s\n' "$*" >&2
		exit 1
	}
fi

SR_PID=
SR_USER=root
SR_PASSWORD=sr-secret
# shellcheck disable=SC2034 # for the scripts
SR_FE=() SR_BE=() SR_MYSQL=() SR_STRANGER='' SR_CONTROL=''

_sr_ports() {
	[[ $2 =~ \"$1\":\[?([0-9,]+) ]] || fail "the StarRocks server said: $2"
	sed 's/,$//; s/,/ /g' <<<"${BASH_REMATCH[1]}"
}

# sr_start [OPTION]...: options of the server; ports are free ones.
sr_start() {
	local line='' dir=$T/starrocks
	[ -x "$SR_SERVER" ] || skip "tests/testkit/starrocks/server is not built"
	command -v curl >/dev/null 2>&1 || skip "curl is not installed"
	[ -z "$SR_PID" ] || sr_stop
	rm -rf "$dir"
	mkdir -p "$dir"
	mkfifo "$dir/life" "$dir/ports"
	"$SR_SERVER" --user="$SR_USER" --password="$SR_PASSWORD" --life "$@" \
		<"$dir/life" >"$dir/ports" 2>"$dir/log" 8>&- 9>&- &
	SR_PID=$!
	exec 8>"$dir/life"
	read -r line <"$dir/ports" || fail "the StarRocks server did not start: $(cat "$dir/log")"
	# shellcheck disable=SC2034
	{
		read -ra SR_FE <<<"$(_sr_ports fe "$line")"
		read -ra SR_BE <<<"$(_sr_ports be "$line")"
		read -ra SR_MYSQL <<<"$(_sr_ports mysql "$line")"
		SR_STRANGER=$(_sr_ports stranger "$line")
		SR_CONTROL=$(_sr_ports control "$line")
	}
}

# sr_stop: it must end well; a sanitizer's finding fails the test.
sr_stop() {
	local rc=0
	[ -n "$SR_PID" ] || return 0
	# Jobs may have inherited our end of its life.
	curl -sS --max-time 10 -d '{"do": "shutdown"}' "http://127.0.0.1:$SR_CONTROL/" >/dev/null 2>&1 || kill -TERM "$SR_PID" 2>/dev/null || true
	exec 8>&-
	wait "$SR_PID" || rc=$?
	SR_PID=
	[ "$rc" = 0 ] || fail "the StarRocks server ended with $rc: $(tail -n 20 "$T/starrocks/log")"
}

# sr_control '"do": "...", ...': a command, its members without the braces; prints the answer.
sr_control() {
	local out
	out=$(curl -sS --max-time 60 --data-binary "{$1}" "http://127.0.0.1:$SR_CONTROL/") || fail "no answer from the StarRocks server to $1"
	case $out in '{"error"'*) fail "$1: $out" ;; esac
	[ -z "$out" ] || printf '%s\n' "$out"
}

# sr_set 'NAME: VALUE, ...' in JSON: "publish_ms": 50
sr_set() { sr_control '"do": "set", '"$1"; }

# sr_fault '"kind": "...", ...'; sr_clear_faults
sr_fault() { sr_control '"do": "fault", '"$1" >/dev/null; }
sr_clear_faults() { sr_control '"do": "clear_faults"'; }

_sr_string() { python3 -c 'import json, sys; print(json.dumps(sys.argv[1]))' "$1"; }

# sr_sql STATEMENT...: prints rows as JSON.
sr_sql() {
	local statement
	for statement in "$@"; do sr_control '"do": "sql", "sql": '"$(_sr_string "$statement")"; done
}

# sr_dump DB TABLE: the visible rows as JSON lines, in the order of the key.
sr_dump() { sr_control '"do": "dump", "db": "'"$1"'", "table": "'"$2"'"'; }

# sr_history DB TABLE [true|false]: a line a version; with its rows unless false.
sr_history() { sr_control '"do": "history", "db": "'"$1"'", "table": "'"$2"'", "rows": '"${3:-true}"; }

sr_txns() { sr_control '"do": "txns"'; }
sr_journal() { sr_control '"do": "journal"'; }
sr_summary() { sr_control '"do": "summary"'; }

# sr_violations: fails when the client did what it must not.
sr_violations() {
	local out
	out=$(sr_control '"do": "violations"')
	[ -z "$out" ] || fail "the StarRocks server complains: $(head -n 10 <<<"$out")"
}
