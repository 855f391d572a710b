#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Misbehaviour on order: each fault does to a client what it says.

# shellcheck source=tests/starrocks-server/lib.sh
. "$(dirname "$0")/lib.sh"

sr_start --fe=1 --be=2
table t
N=0

# one [CURL OPTION]...: a load of one row with a new label LABEL.
one() {
	N=$((N + 1))
	LABEL=l$N
	load be0 shop t "$LABEL" "$N,x,1\n" "$@"
}
has() { sr_dump shop t | grep -q "\"id\":$N,"; }
lacks() { ! has; }

sr_fault '"kind": "reset", "node": "be0"'
one
code 000
state $LABEL UNKNOWN
one
is Status Success
ok "reset, once"

sr_fault '"kind": "reset_body", "bytes": 3, "label": "l*"'
one
code 000
state $LABEL ABORTED
lacks
sr_fault '"kind": "reset_before_answer", "committed": false'
one
code 000
state $LABEL ABORTED
sr_fault '"kind": "reset_before_answer", "committed": true'
one
code 000
state $LABEL VISIBLE
has
sr_fault '"kind": "truncate_answer", "bytes": 20, "node": "be0"'
one
[ "$(wc -c <"$T/answer")" = 20 ] || fail "the answer is not cut: $(cat "$T/answer")"
state $LABEL VISIBLE
ok "connections cut in the body, before and within the answer"

sr_fault '"kind": "late_finish", "ms": 100000, "committed": true'
one
code 000
state $LABEL PREPARE
load be0 shop t $LABEL "$N,x,1\n"
is Status 'Label Already Exists' ExistingJobStatus RUNNING
sr_control '"do": "advance", "ms": 100000'
state $LABEL VISIBLE
has
sr_fault '"kind": "late_finish", "ms": 100000, "committed": false'
one
sr_control '"do": "advance", "ms": 100000'
state $LABEL ABORTED
load be0 shop t $LABEL "$N,x,1\n"
is Status Success
ok "labels that are decided later"

sr_fault '"kind": "fail_early", "text": "Memory of process exceed limit. try", "count": 2'
one
is Status Fail Message 'Memory of process exceed limit. try'
if grep -q '100 Continue' "$T/head"; then fail "100 was sent"; fi
one
is Status Fail
one
is Status Success
sr_fault '"kind": "fail", "text": "cancelled", "skip": 1'
one
is Status Success
one
is Status Fail Message cancelled
state $LABEL ABORTED
ok "answers on order, counted"

sr_fault '"kind": "publish_timeout", "ms": 100000'
one
is Status 'Publish Timeout'
state $LABEL COMMITTED
sr_control '"do": "advance", "ms": 100000'
state $LABEL VISIBLE
ok "publish timeout"

sr_fault '"kind": "answer", "status": 503, "body": "<html>no</html>", "method": "PUT"'
one
code 503
[ "$(cat "$T/answer")" = '<html>no</html>' ] || fail "another body"
sr_fault '"kind": "empty_answer", "method": "PUT"'
one
code 200
[ ! -s "$T/answer" ] || fail "the answer is not empty"
sr_fault '"kind": "bom_answer", "method": "PUT"'
one
[ "$(head -c 3 "$T/answer" | od -An -tx1)" = ' ef bb bf' ] || fail "no byte order mark"
sr_fault '"kind": "chunked_answer", "method": "PUT"'
one
is Status Success
grep -qi '^Transfer-Encoding: chunked' "$T/head" || fail "the answer is not chunked"
ok "strange answers"

sr_fault '"kind": "no_continue"'
one --expect100-timeout 0.2
is Status Success
sr_fault '"kind": "slow", "ms": 100'
one
is Status Success
sr_fault '"kind": "slow_body", "bytes": 2, "ms": 20'
one
is Status Success
sr_fault '"kind": "blackhole", "ms": 100'
one
code 000
sr_fault '"kind": "slow_answer", "ms": 100'
one
is Status Success
sr_fault '"kind": "auth"'
one
says Message 'Access denied'
ok "slow and silent nodes"

front() { load fe0 shop t front '1,x,1\n' "$@"; }
sr_fault '"kind": "redirect", "text": "none"'
front
code 307
if grep -qi '^Location:' "$T/head"; then fail "there is a Location"; fi
sr_fault '"kind": "redirect", "status": 301, "text": "http://'"127.0.0.1:$SR_STRANGER"'"'
front
code 301
grep -qi "^Location: http://127.0.0.1:$SR_STRANGER/api/shop/t/_stream_load" "$T/head" || fail "another Location"
sr_control '"do": "be", "be": 0, "host": "be.invalid"'
sr_control '"do": "be", "be": 1, "host": "be.invalid"'
front
grep -qi "^Location: http://be.invalid:" "$T/head" || fail "another host"
sr_fault '"kind": "proxy"'
front
code 200
is Status Success
ok "redirects"

sr_control '"do": "be", "be": 0, "host": "127.0.0.1"'
sr_fault '"kind": "close_idle", "node": "be0"'
N=$((N + 1))
printf '%s,x,1\n' "$N" >"$T/data"
curl -sv -u "$SR_USER:$SR_PASSWORD" -H 'strict_mode: true' -H 'column_separator: ,' -T "$T/data" \
	"http://127.0.0.1:${SR_BE[0]}/api/shop/t/_stream_load" -T "$T/data" "http://127.0.0.1:${SR_BE[0]}/api/shop/t/_stream_load" \
	>"$T/out" 2>"$T/trace" || true
[ "$(grep -c '"Status": "Success"' "$T/out")" -ge 1 ] || fail "the first load failed: $(cat "$T/out")"
grep -q 'Recv failure\|Send failure\|Connection died\|was closed\|Empty reply' "$T/trace" || fail "the connection is still there: $(cat "$T/trace")"
ok "a kept connection that ends when it is used again"

port=${SR_BE[0]}
sr_control '"do": "be", "be": 0, "action": "stop"'
one
code 000
sr_control '"do": "be", "be": 0, "action": "start"'
one
is Status Success
sr_fault '"kind": "slow_body", "bytes": 1, "ms": 60000'
one &
pid=$!
until sr_control '"do": "faults"' | grep -q '"slow_body","hits":1,"left":0' && sr_txns | grep -q '"PREPARE"'; do :; done
sr_control '"do": "be", "be": 0, "action": "restart"'
wait "$pid"
if sr_txns | grep -q '"PREPARE"'; then fail "the transaction outlived its back end"; fi
[ "$port" = "${SR_BE[0]}" ]
one
is Status Success
ok "back ends stop, start and restart on their port"

sr_control '"do": "be", "be": 0, "action": "hide"'
rc=0
curl -s --connect-timeout 0.5 "http://127.0.0.1:${SR_BE[0]}/api/health" || rc=$?
[ "$rc" = 28 ] || fail "curl ended with $rc instead of running out of time"
sr_control '"do": "be", "be": 0, "action": "start"'
one
is Status Success
ok "a back end that cannot be reached"

sr_control '"do": "fault", "kind": "reset", "count": -1' >/dev/null
one
code 000
one
code 000
sr_clear_faults
one
is Status Success
out=$(curl -s -d '{"do": "fault", "kind": "nonsense"}' "http://127.0.0.1:$SR_CONTROL/")
[ "$out" = '{"error":"no such fault: nonsense"}' ] || fail "a fault that is not known: $out"
out=$(curl -s -d '{"do": "set", "nonsense": 1}' "http://127.0.0.1:$SR_CONTROL/")
[ "$out" = '{"error":"no such setting: nonsense"}' ] || fail "a setting that is not known: $out"
sr_violations
sr_stop
ok "faults for ever, and an end to them"
