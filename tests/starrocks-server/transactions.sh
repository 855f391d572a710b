#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The transaction interface: one table with and without prepare, several tables, restarts.

# shellcheck source=tests/starrocks-server/lib.sh
. "$(dirname "$0")/lib.sh"

sr_start --fe=2 --be=2
table t
table u

# be_of: the back end that the last answer names, as be0, be1.
be_of() {
	local port i
	port=$(sed -n 's|^[Ll]ocation: http://127.0.0.1:\([0-9]*\)/.*|\1|p' "$T/head")
	for i in "${!SR_BE[@]}"; do
		if [ "${SR_BE[$i]}" = "$port" ]; then echo "be$i"; fi
	done
}
other() { [ "$1" = be0 ] && echo be1 || echo be0; }

# begin LABEL: with its coordinator in BE.
begin() {
	txn begin fe0 "$1" -H 'table: t'
	code 307
	BE=$(be_of)
	txn begin "$BE" "$1" -H 'table: t'
	is Status OK Label "$1"
}

begin a
txn_load fe0 a t '1,a,1\n'
code 307
[ "$(be_of)" = "$BE" ] || fail "a load goes to another back end than begin"
txn_load "$(other "$BE")" a t '1,a,1\n'
is Status TXN_NOT_EXISTS Message 'transaction with label a not exists'
txn_load "$BE" a t '1,a,1\n'
is Status OK
txn_load "$BE" a t '2,b,2\n'
is Status OK
txn_load "$BE" a t '2;b;2\n' -H 'columns: id'
is Status INVALID_ARGUMENT Message 'load request not equal last.'
txn_load "$BE" a u '2,b,2\n'
is Status INVALID_ARGUMENT Message 'Request table u not equal transaction table t'
state a PREPARE
[ -z "$(sr_dump shop t)" ] || fail "rows are visible before commit"
txn commit "$BE" a -H 'timeout: 10'
is Status OK NumberTotalRows 2 NumberLoadedRows 2
state a VISIBLE
rows t <<'R'
{"id":1,"name":"a","price":"1.00"}
{"id":2,"name":"b","price":"2.00"}
R
txn commit fe0 a
is Status OK
says Message 'has already committed, label is a'
txn rollback fe0 a
is Status FAILED
txn begin "$BE" a -H 'table: t'
is Status LABEL_ALREADY_EXISTS ExistingJobStatus FINISHED
ok "begin, load, load, commit"

begin glue
txn_load "$BE" glue t '3,c,3'
txn_load "$BE" glue t '4,d,4\n'
txn commit "$BE" glue
is Status INTERNAL_ERROR Message 'too many filtered rows' NumberTotalRows 1 NumberFilteredRows 1
state glue ABORTED
ok "bodies are glued: a missing delimiter breaks a row"

begin none
txn commit "$BE" none
is Status INTERNAL_ERROR
says Message "hasn't send any data yet"
ok "a commit without data fails"

begin p
txn_load "$BE" p t '5,e,5\n'
txn prepare fe0 p
code 307
txn prepare "$BE" p
is Status OK NumberLoadedRows 1
state p PREPARED
sr_control '"do": "be", "be": 0, "action": "restart"'
sr_control '"do": "be", "be": 1, "action": "restart"'
sr_control '"do": "fe", "fe": 0, "action": "restart"'
state p PREPARED
txn commit "$BE" p
is Status TXN_NOT_EXISTS
txn commit fe0 p -H 'timeout: 10'
code 200
is Status OK
state p VISIBLE
begin q
txn_load "$BE" q t '6,f,6\n'
txn prepare "$BE" q
sr_control '"do": "advance", "ms": 86500000'
state q ABORTED
ok "what is prepared survives restarts, and is aborted after a day"

begin lost
txn_load "$BE" lost t '6,f,6\n'
sr_control '"do": "be", "be": '"${BE#be}"', "action": "restart"'
txn commit "$BE" lost
is Status TXN_NOT_EXISTS
txn commit fe0 lost
is Status FAILED
txn rollback fe0 lost
is Status OK
state lost ABORTED
ok "what is not prepared is lost with its back end"

txn begin "$BE" idle -H 'table: t' -H 'idle_transaction_timeout: 5' -H 'timeout: 60'
txn_load "$BE" idle t '6,f,6\n'
sr_control '"do": "advance", "ms": 6000'
state idle ABORTED
is reason 'transaction is aborted by timeout 60 seconds'
txn_load "$BE" idle t '6,f,6\n'
is Status TXN_NOT_EXISTS
ok "idle transactions are aborted"

begin busy
sr_fault '"kind": "slow_body", "bytes": 4, "ms": 300, "label": "busy"'
txn_load "$BE" busy t '6,f,6\n' &
pid=$!
until sr_control '"do": "faults"' | grep -q '"slow_body","hits":1'; do :; done
(txn commit "$BE" busy && is Status TXN_IN_PROCESSING)
wait "$pid"
txn rollback "$BE" busy
is Status OK
ok "one operation at a time"

multi() {
	local op=$1 label=$2
	shift 2
	txn "$op" fe0 "$label" -H 'transaction_type: multi' "$@"
}
multi begin m -H 'timeout: 60'
code 200
is Status OK
multi prepare m
is Status FAILED Message 'Unsupported operation'
txn_load fe0 m t '10,m,1\n' -H 'transaction_type: multi'
code 307
txn_load be0 m t '10,m,1\n' -H 'transaction_type: multi'
is Status OK
txn_load be1 m u '11,m,1\n' -H 'transaction_type: multi'
is Status OK
txn_load be1 m t '12,m,1\n' -H 'transaction_type: multi'
is Status TXN_NOT_EXISTS
for _ in 1 2; do
	txn_load fe0 m t '12,m,1\n' -H 'transaction_type: multi'
	[ "$(be_of)" = be0 ] || fail "the rows of a table go to two back ends"
done
[ -z "$(sr_dump shop u)" ] || fail "rows are visible before commit"
multi commit m -H 'timeout: 10'
is Status OK
sr_dump shop t | grep -q '"id":10' && sr_dump shop u | grep -q '"id":11' || fail "rows are missing"
[ "$(sr_history shop u false | sed 's/.*"txn":\([0-9]*\).*/\1/')" = "$(field TxnId)" ] || fail "two transactions instead of one"
ok "several tables commit together"

multi begin bad
txn_load be0 bad t '12,m,1\n' -H 'transaction_type: multi'
txn_load be0 bad u 'x,m,1\n' -H 'transaction_type: multi'
multi commit bad
is Status FAILED
says Message 'too many filtered rows'
state bad ABORTED
if sr_dump shop t | grep -q '"id":12'; then fail "half a transaction is visible"; fi
multi begin moved
txn_load be0 moved t '12,m,1\n' -H 'transaction_type: multi'
sr_control '"do": "leader", "fe": 1'
txn commit fe0 moved -H 'transaction_type: multi'
code 307
txn commit fe1 moved -H 'transaction_type: multi'
is Status FAILED
sr_control '"do": "leader", "fe": 0'
state moved ABORTED
ok "one bad row or a new leader, and nothing is committed"

sr_violations
sr_stop
sr_start --profile=3.5
table t
multi begin m
is Status FAILED
ok "before 4.0 there is one table"
sr_stop
