#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The command line around a job: check, plugins, discover, drop; what --json promises to machines.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

json() { python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"; }
[ -x "$EZ_BUILD/ezcdc" ] || skip "ezcdc is not built"
pg_start
sqlf <<'SQL'
create table t (id int primary key, v text);
create table no_key (v text);
insert into t values (1, 'x');
SQL
job tool source='tables = [ "public.t" ]; password = "s3cret-word";'

step "check"
ez check "$T/tool/job.conf" >"$T/report" || fail "check: $(cat "$T/report")"
"$EZ_BUILD/dbmazz" --check --json --state-dir="$T/tool/state" "$T/tool/job.conf" >"$T/report.json" 2>/dev/null || fail "dbmazz --check --json"
json 'len(d) > 0' <"$T/report.json" >/dev/null || fail "not JSON: $(head -c 300 "$T/report.json")"
job bad source='tables = [ "public.no_key" ];'
if ez check "$T/bad/job.conf" >"$T/report" 2>&1; then fail "a table without identity passed the check"; fi
grep -q no_key "$T/report" || fail "the table is not named: $(cat "$T/report")"

step "plugins"
ez plugins >"$T/plugins"
for plugin in pgoutput file; do grep -q "$plugin" "$T/plugins" || fail "$plugin is not listed: $(cat "$T/plugins")"; done
ez plugins file >"$T/options"
for option in path layout format compression rotate_bytes; do grep -q "$option" "$T/options" || fail "$option is missing: $(cat "$T/options")"; done
ez plugins --json | json 'len(d) > 1' >/dev/null || fail "plugins --json"

step "discover"
ez discover "$T/tool/job.conf" >"$T/found" || fail "discover"
grep -q 'public.t\b' "$T/found" || fail "public.t is not found: $(cat "$T/found")"

step "status of a running job; secrets are not shown"
start tool
await_streaming tool
ez status --json "$T/tool/state" | json "sorted(d)" >"$T/members"
for member in name state tables positions lag; do grep -q "'$member'" "$T/members" || fail "status has no $member: $(cat "$T/members")"; done
[ "$(status tool "len(s['tables'])")" = 1 ] || fail "status shows $(status tool "s['tables']")"
ez status "$T/tool/state" >"$T/shown"
if grep -rqs 's3cret-word' "$T/shown" "$T/report" "$T/found" "$T/tool/log" "$T/tool/state"; then fail "the password was shown"; fi
tr '\0' ' ' <"/proc/${JOB_PID[tool]}/cmdline" | grep -q 's3cret' && fail "the password is in the process list"
stop tool

step "drop"
if ez drop "$T/tool/job.conf" </dev/null >/dev/null 2>&1; then fail "drop did not ask"; fi
sql_is "select exists (select 1 from pg_replication_slots where slot_name = 'ezcdc_tool')" || fail "the slot went without a yes"
EZCDC_STATE_ROOT="$T" ez drop --yes --state-dir="$T/tool/state" "$T/tool/job.conf" >"$T/dropped" 2>&1 || fail "drop: $(cat "$T/dropped")"
[ "$(sql "select count(*) from pg_replication_slots")" = 0 ] || fail "the slot is still there"
[ "$(sql "select count(*) from pg_publication")" = 0 ] || fail "the publication is still there"
