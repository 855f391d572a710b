# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What every end-to-end test begins with:
#
#   . "$(dirname "$0")/../testkit/lib.sh"
#   pg_start
#   sql "create table ..."
#   job shop source='tables = [ "public.orders" ];'
#   run shop --until=now
#   verify shop
#
# A job lives in $T/NAME: job.conf, state/, out/ and log (its stderr). Everything is ended and removed when the test ends;
# when it fails, the ends of the logs are shown. EZ_KEEP=1 keeps the folder.
#
# Exit codes: 0 passed, 77 skipped after printing `skip: reason`, anything else failed.

set -eu
# So that a failing command inside a function ends the test as well.
set -E

EZ_SRC=${EZ_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
EZ_BUILD=${EZ_BUILD:-$EZ_SRC}
EZCDC_PLUGIN_PATH=${EZCDC_PLUGIN_PATH:-$EZ_BUILD/plugins.d}
export EZ_SRC EZ_BUILD EZCDC_PLUGIN_PATH
export LC_ALL=C.UTF-8 PGCONNECT_TIMEOUT=10
unset PGOPTIONS PGSERVICE PGPASSWORD PGDATABASE PGSSLMODE

TESTKIT=$EZ_SRC/tests/testkit
T=$(mktemp -d "${TMPDIR:-/tmp}/ez.XXXXXX")
chmod 711 "$T"
export T

# Deadlines below are for a plain build on a quiet machine; sanitizers and busy machines get more.
SLOW=${EZ_SLOW:-3}
case ${EZ_SANITIZE:-no} in no | '') ;; *) SLOW=$((SLOW * 4)) ;; esac

declare -A JOB_PID=()
EZ_CHILDREN=()
TRY_PID=
# Commands that a test wants run at its end.
AT_EXIT=()

step() { printf '%s\n' "-- $* ($SECONDS s)"; }

skip() {
	echo "skip: $*"
	exit 77
}

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

_on_error() {
	printf 'FAILED: %s line %s: %s\n' "$(basename "$0")" "$2" "$3" >&2
	return "$1"
}

_show_logs() {
	local log
	for log in "$T"/*/log; do
		[ -s "$log" ] || continue
		printf '%s\n' "--- the end of ${log#"$T"/}"
		tail -n "${EZ_LOG_LINES:-15}" "$log" | cut -c 1-400
	done
	for log in "$T"/pg-*.log; do
		[ -s "$log" ] || continue
		printf '%s\n' "--- errors in ${log#"$T"/}"
		grep -E 'ERROR|FATAL|PANIC|WARNING|terminated' "$log" | tail -n "${EZ_LOG_LINES:-15}" | cut -c 1-400
	done
}

_on_exit() {
	local rc=$? pid command
	trap - EXIT ERR
	set +e
	if [ "$rc" != 0 ] && [ "$rc" != 77 ]; then
		_show_logs >&2
	fi
	if [ -n "$TRY_PID" ]; then kill -TERM "$TRY_PID" 2>/dev/null && wait "$TRY_PID" 2>/dev/null; fi
	for pid in "${JOB_PID[@]}" "${EZ_CHILDREN[@]}"; do
		kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	for command in "${AT_EXIT[@]}"; do eval "$command"; done
	pg_cleanup
	if [ -n "${EZ_KEEP:-}" ]; then
		echo "kept: $T" >&2
	else
		rm -rf "$T" 2>/dev/null
	fi
	exit "$rc"
}
trap '_on_error $? $LINENO "$BASH_COMMAND"' ERR
trap _on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# shellcheck source=tests/testkit/pg_cluster.sh
. "$TESTKIT/pg_cluster.sh"

# need_tool NAME...
need_tool() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null 2>&1 || skip "$tool is not installed"
	done
}

# 1 in a long run, which may take its time.
LONG=0
[ "${EZ_TEST_LONG:-0}" != 1 ] || LONG=1

# long_only: a test that is too long for the usual run.
long_only() { [ "$LONG" = 1 ] || skip "only with --long"; }

need_tool psql python3
[ -x "$EZ_BUILD/dbmazz" ] || skip "dbmazz is not built"

# ------------------------------------------------------------------ the source

# sql [-d DB] TEXT...: run statements, each TEXT in one implicit transaction; prints unaligned rows.
sql() {
	local db=$PGDATABASE text args=()
	if [ "${1:-}" = -d ]; then
		db=$2
		shift 2
	fi
	for text in "$@"; do args+=(-c "$text"); done
	psql -XqAt -v ON_ERROR_STOP=1 -d "$db" "${args[@]}"
}

# sqlf [DB]: run a script from standard input, statement by statement.
sqlf() { psql -XqAt -v ON_ERROR_STOP=1 -d "${1:-$PGDATABASE}" -f -; }

# lsn: a position that only transactions committed from now on will pass.
lsn() { sql "select pg_current_wal_insert_lsn()"; }

# slot_is NAME CONDITION: does the job's slot satisfy the condition?
slot_is() { [ "$(sql "select ($2) from pg_replication_slots where slot_name = 'ezcdc_$1'")" = t ]; }

# ------------------------------------------------------------------ jobs

# job NAME [source=TEXT] [sink=TEXT] [top=TEXT] [conninfo=TEXT] [plugin=NAME] [sink_section=TEXT]: write its file.
# Texts are put into the section as they are; sink_section replaces the whole section.
job() {
	local name=$1 source='' sink='' top='' conninfo='' sink_section='' arg
	shift
	conninfo="$(pg_conninfo)"
	for arg in "$@"; do
		case $arg in
		source=*) source=${arg#*=} ;;
		sink=*) sink=${arg#*=} ;;
		top=*) top=${arg#*=} ;;
		conninfo=*) conninfo=${arg#*=} ;;
		sink_section=*) sink_section=${arg#*=} ;;
		*) fail "job: what is $arg?" ;;
		esac
	done
	mkdir -p "$T/$name"
	[ -n "$sink_section" ] || sink_section="sink = { plugin = \"file\"; path = \"$T/$name/out\"; $sink };"
	cat >"$T/$name/job.conf" <<-CONF
		name = "$name";
		source = {
		    plugin = "pgoutput";
		    conninfo = "$conninfo";
		    $source
		};
		$sink_section
		$top
	CONF
}

# try NAME [OPTION]...: run to its end; sets RC. Its stderr is in $T/NAME/log, that of earlier runs in log.old.
RC=0
try() {
	local name=$1
	shift
	if [ -s "$T/$name/log" ]; then cat "$T/$name/log" >>"$T/$name/log.old"; fi
	RC=0
	# In the background, because bash heeds a signal at once only while it waits.
	timeout -k 5 "$((${EZ_TIMEOUT:-60} * SLOW))" "$EZ_BUILD/dbmazz" --state-dir="$T/$name/state" "$@" "$T/$name/job.conf" \
		>"$T/$name/stdout" 2>"$T/$name/log" </dev/null &
	TRY_PID=$!
	wait "$TRY_PID" || RC=$?
	TRY_PID=
}

# run NAME [OPTION]...: the same, and it must exit 0.
run() {
	try "$@"
	[ "$RC" = 0 ] || fail "dbmazz $* ended with $RC: $(last_line "$1")"
}

# start NAME [OPTION]...: run in the background.
start() {
	local name=$1
	if [ -s "$T/$name/log" ]; then cat "$T/$name/log" >>"$T/$name/log.old"; fi
	: >"$T/$name/log"
	shift
	"$EZ_BUILD/dbmazz" --state-dir="$T/$name/state" "$@" "$T/$name/job.conf" >"$T/$name/stdout" 2>"$T/$name/log" </dev/null &
	JOB_PID[$name]=$!
}

alive() { kill -0 "${JOB_PID[$1]}" 2>/dev/null; }
gone() { ! alive "$1"; }

# reap NAME [SECONDS]: wait for the end of a started job; sets RC.
reap() {
	await "${2:-30}" "the end of job $1" gone "$1"
	RC=0
	wait "${JOB_PID[$1]}" || RC=$?
	unset "JOB_PID[$1]"
}

# stop NAME: SIGTERM, and it must drain and exit 0.
stop() {
	kill -TERM "${JOB_PID[$1]}"
	reap "$1"
	[ "$RC" = 0 ] || fail "after SIGTERM job $1 ended with $RC: $(last_line "$1")"
}

kill9() {
	kill -KILL "${JOB_PID[$1]}" 2>/dev/null || true
	wait "${JOB_PID[$1]}" 2>/dev/null || true
	unset "JOB_PID[$1]"
}

ez() {
	[ -x "$EZ_BUILD/ezcdc" ] || skip "ezcdc is not built"
	"$EZ_BUILD/ezcdc" "$@"
}

# status NAME EXPRESSION: a value of the daemon's status document s, as a Python expression.
status() { python3 "$TESTKIT/ask.py" "$T/$1/state" status "$2" 2>/dev/null; }

streaming() { [ "$(status "$1" "s['state']" 2>/dev/null)" = streaming ]; }

last_line() { tail -n 1 "$T/$1/log" | cut -c 1-600; }

# expect_exit NAME CODE REGEX...: the last run ended so, and its last line on stderr says each of these.
expect_exit() {
	local name=$1 code=$2 line regex
	shift 2
	line=$(last_line "$name")
	[ "$RC" = "$code" ] || fail "job $name ended with $RC instead of $code: $line"
	for regex in "$@"; do
		grep -qiE -- "$regex" <<<"$line" || fail "the last line does not say '$regex': $line"
	done
}

# ------------------------------------------------------------------ waiting and checking

# await SECONDS WHAT COMMAND...: until the command is true.
await() {
	local seconds=$1 what=$2 end
	shift 2
	end=$((SECONDS + seconds * SLOW))
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || fail "waited $((seconds * SLOW)) s for $what"
		sleep 0.05
	done
}

_confirmed() {
	if [ -n "${JOB_PID[$1]:-}" ] && gone "$1"; then
		fail "job $1 ended by itself: $(last_line "$1")"
	fi
	slot_is "$1" "confirmed_flush_lsn > '$2'"
}

# await_confirmed NAME LSN [SECONDS]: until everything committed before LSN is durable, and a position behind it confirmed.
# Something must be committed after LSN. A position within a transaction that is still open may be confirmed.
await_confirmed() { await "${3:-20}" "job $1 to confirm a transaction after $2" _confirmed "$1" "$2"; }

await_streaming() { await "${2:-20}" "job $1 to stream" _is_streaming "$1"; }
_is_streaming() {
	if gone "$1"; then
		fail "job $1 ended by itself: $(last_line "$1")"
	fi
	streaming "$1"
}

# changes NAME [OPTION]...: what it wrote, as tests/testkit/changes.py prints it.
changes() {
	local name=$1
	shift
	python3 "$TESTKIT/changes.py" "$@" "$T/$name/out"
}

# expect_changes NAME [OPTION]... <<EXPECTED
expect_changes() {
	changes "$@" >"$T/have" || fail "the files of $1 are broken"
	cat >"$T/want"
	diff -u --label expected --label written "$T/want" "$T/have" >&2 || fail "job $1 wrote something else"
}

# verify NAME [OPTION]...: the files add up to the source.
verify() {
	local name=$1 table args=()
	shift
	# Tables of which nothing was written count as well.
	while IFS= read -r table; do args+=(--also "$table"); done < <(
		sql "select schemaname || '.' || tablename from pg_publication_tables where pubname = 'ezcdc_$name'"
	)
	python3 "$TESTKIT/verify.py" --job "$name" "${args[@]}" "$@" "$T/$name/out" "$(pg_conninfo)" ||
		fail "job $name: files and source differ"
}

# sound NAME [OPTION]...: the files alone are complete and in order.
sound() {
	local name=$1
	shift
	python3 "$TESTKIT/verify.py" --job "$name" "$@" "$T/$name/out" || fail "job $name: the files are not sound"
}

# sql_is QUERY: does it answer true?
sql_is() { [ "$(sql "$1")" = t ]; }

# is_state NAME STATE: what the status document says.
is_state() { [ "$(status "$1" "s['state']" 2>/dev/null)" = "$2" ]; }

# received_beyond NAME LSN: has the daemon received something after LSN?
received_beyond() {
	local at
	at=$(status "$1" "s['positions']['received']" 2>/dev/null) || return 1
	[ -n "$at" ] && sql_is "select '$at'::pg_lsn > '$2'::pg_lsn"
}

# proxy_start [NAME PORT]: a TCP proxy in front of the current cluster, or of PORT; sets PROXY, the folder of its switches, and
# PROXY_PORT. It ends when its standard input does: with us, whatever happens.
proxy_start() {
	local life
	PROXY=$T/proxy${1:+-$1}
	mkdir -p "$PROXY"
	mkfifo "$PROXY/life"
	python3 "$TESTKIT/proxy.py" "${2:-$PG_PORT}" "$PROXY" <"$PROXY/life" 2>"$PROXY/errors" &
	EZ_CHILDREN+=($!)
	exec {life}>"$PROXY/life"
	await 10 "the proxy" test -e "$PROXY/port"
	export PROXY_PORT
	PROXY_PORT=$(cat "$PROXY/port")
}
