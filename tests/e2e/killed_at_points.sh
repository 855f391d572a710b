#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
#
# kill -9 at every labelled instant of the snapshot and of the stream. Needs a build with --enable-test-hooks.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/kill.sh
. "$TESTKIT/kill.sh"

"$EZ_BUILD/dbmazz" -V | grep -q 'test hooks' || grep -qa EZCDC_TEST_KILL "$EZ_BUILD/dbmazz" "$EZ_BUILD/.libs/dbmazz" 2>/dev/null ||
	skip "built without --enable-test-hooks"

pg_start
kill_tables 4000
sql "create publication p for table acct, hist, pair"
hit=0 missed=

# die NAME LABEL N: run until the n-th passage of the label; the kill must happen.
die() {
	start_killed "$1" "$2:$3"
	local end=$((SECONDS + 20 * SLOW))
	while alive "$1"; do
		sql "update acct set v = v + 1 where id <= 5" "insert into hist (acct, what) values (1, '$2')" >/dev/null
		if [ "$SECONDS" -ge "$end" ]; then
			missed="$missed $2:$3"
			kill9 "$1"
			return 0
		fi
		sleep 0.1
	done
	RC=0
	wait "${JOB_PID[$1]}" || RC=$?
	unset "JOB_PID[$1]"
	[ "$RC" = 137 ] || fail "$2:$3: ended with $RC: $(last_line "$1")"
	hit=$((hit + 1))
}
start_killed() {
	export EZCDC_TEST_KILL=$2
	start "$1"
	unset EZCDC_TEST_KILL
}

kill_load 100
for point in after-slot:1 snapshot-part-written:1 snapshot-part-written:2 snapshot-durable:1 snapshot-published:1 \
	batch-written:1 batch-durable:1 checkpoint-saved:1 checkpoint-saved:2 checkpoint-saved:3 acked:1; do
	step "$point, from the beginning"
	name=k_$(tr ':-' '__' <<<"$point")
	job "$name" source='publication = "p"; snapshot_workers = 2;' sink='rotate_bytes = "64KiB";' \
		top='batch = { max_age = "20ms"; max_rows = 500; };'
	die "$name" "${point%:*}" "${point#*:}"
	if [ -d "$T/$name/out" ]; then sound "$name" >/dev/null; fi
	run "$name" --until=now
	sound "$name" >/dev/null
	echo "$name" >>"$T/jobs"
done
step "in the stream, one after the other"
job stream source='publication = "p";' sink='rotate_bytes = "64KiB";' top='batch = { max_age = "20ms"; max_rows = 500; };'
run stream --until=now
for point in batch-written:1 batch-written:3 batch-durable:1 batch-durable:4 checkpoint-saved:1 checkpoint-saved:2 acked:1 acked:3; do
	step "$point"
	die stream "${point%:*}" "${point#*:}"
	sound stream >/dev/null
done
echo stream >>"$T/jobs"
kill_load_stop
while read -r name; do
	run "$name" --until=now
	verify "$name"
	sql "select pg_drop_replication_slot('ezcdc_$name')" >/dev/null
done <"$T/jobs"
[ -z "$missed" ] || fail "never passed:$missed"
echo "$hit kills"
