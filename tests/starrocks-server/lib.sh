# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For tests of the pretended StarRocks cluster itself, by curl: a cluster in $T, and how to speak to it.

set -eu
EZ_SRC=${EZ_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
T=$(mktemp -d "${TMPDIR:-/tmp}/ez.XXXXXX")
export T
command -v python3 >/dev/null 2>&1 || {
	echo "skip: python3 is not installed"
	exit 77
}
# shellcheck source=tests/testkit/starrocks.sh
. "$EZ_SRC/tests/testkit/starrocks.sh"

_end() {
	local rc=$?
	trap - EXIT
	if [ -n "$SR_PID" ]; then kill -TERM "$SR_PID" 2>/dev/null && wait "$SR_PID" 2>/dev/null; fi
	if [ "$rc" != 0 ] && [ -s "$T/starrocks/log" ]; then tail -n 40 "$T/starrocks/log" >&2; fi
	if [ -n "${EZ_KEEP:-}" ]; then echo "kept: $T" >&2; else rm -rf "$T"; fi
	exit "$rc"
}
trap _end EXIT
trap 'printf "FAILED: line %s: %s\n" "$LINENO" "$BASH_COMMAND" >&2' ERR

# http NODE METHOD PATH [CURL OPTION]...: one request, without following; sets CODE (000 when there is no answer) and $T/answer.
# NODE is fe0, be1, ...; the password is sent.
http() {
	local node=$1 method=$2 path=$3 port
	shift 3
	case $node in
	fe*) port=${SR_FE[${node#fe}]} ;;
	be*) port=${SR_BE[${node#be}]} ;;
	*) port=$SR_STRANGER ;;
	esac
	CODE=$(curl -s --max-time 20 -u "$SR_USER:$SR_PASSWORD" -X "$method" -o "$T/answer" -D "$T/head" -w '%{http_code}' "$@" \
		"http://127.0.0.1:$port$path") || true
	[ "$CODE" != 100 ] || CODE=000
	[ -e "$T/answer" ] || : >"$T/answer"
}

# load NODE DB TABLE LABEL DATA [CURL OPTION]...: a Stream Load in strict mode.
load() {
	local node=$1 db=$2 table=$3 label=$4 data=$5
	shift 5
	rm -f "$T/answer"
	printf '%b' "$data" >"$T/data"
	http "$node" PUT "/api/$db/$table/_stream_load" -H 'Expect: 100-continue' -H "label: $label" -H "strict_mode: ${STRICT:-true}" \
		-H 'column_separator: ,' --upload-file "$T/data" "$@"
}

# txn OP NODE LABEL [CURL OPTION]...: the transaction interface, database shop.
txn() {
	local op=$1 node=$2 label=$3
	shift 3
	rm -f "$T/answer"
	http "$node" POST "/api/transaction/$op" -H 'Expect: 100-continue' -H "label: $label" -H 'db: shop' "$@"
}

# txn_load NODE LABEL TABLE DATA [CURL OPTION]...
txn_load() {
	local node=$1 label=$2 table=$3 data=$4
	shift 4
	rm -f "$T/answer"
	printf '%b' "$data" >"$T/data"
	http "$node" PUT /api/transaction/load -H 'Expect: 100-continue' -H "label: $label" -H 'db: shop' -H "table: $table" \
		-H 'strict_mode: true' -H 'column_separator: ,' --upload-file "$T/data" "$@"
}

# field NAME: of the last answer.
field() { sed -n 's/^ *"'"$1"'": "\{0,1\}\([^"]*\)"\{0,1\},\{0,1\}$/\1/p' "$T/answer" | sed 's/,$//'; }

# is NAME VALUE [NAME VALUE]...: fields of the last answer.
is() {
	while [ $# -gt 0 ]; do
		[ "$(field "$1")" = "$2" ] || fail "$1 is '$(field "$1")', not '$2': code $CODE, $(tr -d '\n' <"$T/answer")"
		shift 2
	done
}

# says NAME TEXT: the field contains the text.
says() {
	case $(field "$1") in *"$2"*) ;; *) fail "$1 does not say '$2': code $CODE, $(tr -d '\n' <"$T/answer")" ;; esac
}

code() { [ "$CODE" = "$1" ] || fail "the code is $CODE, not $1: $(tr -d '\n' <"$T/answer")"; }

# state LABEL STATE: what the leader says.
state() {
	http fe0 GET "/api/shop/get_load_state?label=$1"
	is state "$2"
}

# rows TABLE <<EXPECTED
rows() {
	sr_dump shop "$1" >"$T/have"
	cat >"$T/want"
	diff -u --label expected --label "$1" "$T/want" "$T/have" >&2 || fail "table $1 holds something else"
}

# violation KIND: exactly one kind has been noticed, and is forgiven.
violation() {
	local out
	out=$(sr_control '"do": "violations"')
	case $out in *"\"kind\":\"$1\""*) ;; *) fail "no violation $1: $out" ;; esac
	sr_control '"do": "clear_violations"'
}

table() {
	sr_control '"do": "create_table", "db": "shop", "table": "'"$1"'", "columns": [{"name": "id", "type": "int", "key": true},
		{"name": "name", "type": "varchar(10)"}, {"name": "price", "type": "decimal(6,2)"}]'
}

ok() { printf 'ok - %s\n' "$*"; }
