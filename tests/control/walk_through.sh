#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every command of docs/control-plane.md, in order, as they stand there.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
[ -x "$EZ_BUILD/ezcdc-control" ] || skip "ezcdc-control is not built"
[ -x "$EZ_BUILD/ezcdc-worker" ] || skip "ezcdc-worker is not built"
case " ${EZ_PLUGINS:-agent} " in *" agent "*) ;; *) skip "the agent plugin is not built" ;; esac
need_tool curl jq

pg_start
psql -Xqc 'create database catalog'
sql "create role cdc login superuser password 'secret'" "create table orders (id int primary key, note text)" \
	"insert into orders select g, 'note ' || g from generate_series(1, 100) g"

awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$EZ_SRC/docs/control-plane.md" >"$T/commands"
[ "$(grep -c . "$T/commands")" -gt 60 ] || fail "where are the commands?"
mkdir "$T/here"
cleanup() {
	local file pid
	for file in "$T/here/worker.pid" "$T/here/control.pid"; do
		[ -e "$file" ] && kill -KILL "$(cat "$file")" 2>/dev/null
	done
	for file in "$T"/here/state/*/worker.json; do
		[ -e "$file" ] || continue
		pid=$(jq -r '.pid // 0' "$file")
		if [ "$pid" -gt 1 ] && [[ $(readlink "/proc/$pid/exe") == */dbmazz ]]; then kill -KILL "$pid"; fi
	done
}
AT_EXIT+=(cleanup)

rc=0
(
	cd "$T/here"
	PORT=$(pg_free_port) CATALOG=$(pg_conninfo catalog) SOURCE=$(pg_conninfo postgres cdc) \
		PATH=$EZ_BUILD:$PATH timeout "$((60 * SLOW))" bash -eu "$T/commands"
) >"$T/said" 2>&1 || rc=$?
[ "$rc" = 0 ] || {
	tail -n 30 "$T/said" >&2
	tail -n 5 "$T/here/"*.log >&2
	fail "the commands of the document ended with $rc"
}
for file in online tested streaming paused stopped dropped; do
	[ "$(cat "$T/here/$file")" = true ] || fail "it never was $file: $(tail -n 20 "$T/said")"
done
grep -q 'plugin = "pgoutput"' "$T/said" || fail "no job file was shown"
grep -q 'all secrets are under key' "$T/said" || fail "no rotation"
if grep -q 'password = "secret"' "$T/said"; then fail "the password was shown"; fi
[ "$(sql "select count(*) from pg_replication_slots")" = 0 ] || fail "the slot stayed"
