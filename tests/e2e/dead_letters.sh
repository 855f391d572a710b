#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
#
# A row that the sink can never take stops the job, or goes to the dead letter file with reason and place and is counted: the one
# row only, also when the sink does not say which, and once only, also after a crash.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sql "create table t (id int primary key, v text)"
EZCDC_PLUGIN_PATH="$EZCDC_PLUGIN_PATH:$EZ_BUILD/.libs"
probe() { echo "sink = { plugin = \"probe\"; log = \"$T/calls\"; rows = true; poison = \"13\"; $1 };"; }
letters() { if [ -e "$T/bad/state/dead-letter.jsonl" ]; then wc -l <"$T/bad/state/dead-letter.jsonl"; else echo 0; fi; }

job bad source='tables = [ "public.t" ]; snapshot = "never";' sink_section="$(probe '')"
run bad --until=now
sql "insert into t select i, 'v' || i from generate_series(1, 20) i"

step "policy stop"
try bad --until=now
expect_exit bad 65 't'
[ "$(letters)" = 0 ] || fail "policy stop wrote dead letters"

step "policy dead-letter, the row is named"
: >"$T/calls"
job bad source='tables = [ "public.t" ]; snapshot = "never";' top='errors = { policy = "dead-letter"; };' sink_section="$(probe '')"
run bad --until=now
[ "$(letters)" = 1 ] || fail "$(letters) dead letters"
[ "$(stat -c %a "$T/bad/state/dead-letter.jsonl")" = 600 ] || fail "the dead letters are open to others"
python3 - "$T/bad/state/dead-letter.jsonl" <<'PY' || fail "$(cat "$T/bad/state/dead-letter.jsonl")"
import json
import sys

text = open(sys.argv[1], encoding="utf-8").read()
letter = json.loads(text)
assert "13" in text and "v13" in text, "the row itself"
assert "POISON" in text or "refuses" in text, "the reason"
assert '"commit_lsn"' in text and '"seq"' in text, "the place"
assert isinstance(letter, dict)
PY
sort -k 3n "$T/calls" | grep -c ' row .* c public.t ' | grep -qx 19 || fail "the other rows: $(grep -c ' row ' "$T/calls")"

step "the row is not named: found by bisection"
: >"$T/calls"
sql "delete from t" "insert into t select i, 'w' || i from generate_series(1, 100) i"
job bad source='tables = [ "public.t" ]; snapshot = "never";' top='errors = { policy = "dead-letter"; };' \
	sink_section="$(probe 'blind = true;')"
run bad --until=now
[ "$(letters)" = 2 ] || fail "$(letters) dead letters instead of 2"
[ "$(grep ' row .* c public.t ' "$T/calls" | awk '{ print $6 }' | sort -n | uniq | wc -l)" = 99 ] || fail "rows got lost in the bisection"

step "over the limit the job stops"
job bad source='tables = [ "public.t" ]; snapshot = "never";' top='errors = { policy = "dead-letter"; limit = 3; };' sink_section="$(probe '')"
for i in 1 2; do
	sql "delete from t" "insert into t values (13, 'again $i')"
	try bad --until=now
done
expect_exit bad 65 'limit|dead'
[ "$(letters)" = 3 ] || fail "$(letters) dead letters instead of 3"

step "in the snapshot"
sql "truncate t" "insert into t select i, 's' || i from generate_series(1, 50) i"
job copied source='tables = [ "public.t" ];' top='errors = { policy = "dead-letter"; };' sink_section="$(probe '')"
: >"$T/calls"
run copied --until=now
[ "$(wc -l <"$T/copied/state/dead-letter.jsonl")" = 1 ] || fail "dead letters of the snapshot"
[ "$(grep -c 'r[0-9] row .* r public.t ' "$T/calls")" = 49 ] || fail "$(grep -c ' row .* r ' "$T/calls") rows copied"
