#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tsan: yes
#
# kill -9 at any instant, in the snapshot and in the stream, under write load: after every kill the files under their final names
# are complete and in order; in the end they are the source, every change once. Nothing is ever confirmed that the files do not
# hold. The random seed is printed; EZ_SEED repeats it.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/kill.sh
. "$TESTKIT/kill.sh"

rounds=5
if [ "$LONG" = 1 ]; then rounds=50; fi
RANDOM=${EZ_SEED:=$((SECONDS + $$))}
echo "seed $EZ_SEED, $rounds rounds"

pg_start
kill_tables 20000
sql "create publication p for table acct, hist, pair" \
	"select pg_create_logical_replication_slot('witness', 'pgoutput')" >/dev/null
job kill source='publication = "p"; snapshot_workers = 2;' sink='rotate_bytes = "256KiB";' \
	top='batch = { max_age = "20ms"; max_rows = 2000; }; memory = "16MiB";'
kill_load
python3 "$TESTKIT/ack_watch.py" "$(pg_conninfo)" ezcdc_kill "$T/kill/out/.ezcdc/kill.json" "$T/watched" witness p >"$T/watch.out" 2>&1 &
watch=$!
EZ_CHILDREN+=("$watch")

for round in $(seq "$rounds"); do
	# The first rounds die early, in the snapshot; later ones in the stream.
	if [ "$round" -le $((rounds / 3 + 1)) ]; then most=600; else most=2500; fi
	start kill
	nap=$((RANDOM % most))
	step "round $round: killed after $nap ms"
	python3 -c "import time; time.sleep($nap / 1000)"
	if gone kill; then
		reap kill
		fail "round $round: the job ended by itself with $RC: $(last_line kill)"
	fi
	kill9 kill
	if [ -d "$T/kill/out" ]; then sound kill >/dev/null; fi
	if [ $((round % 5)) = 0 ]; then
		# Some rounds go through, so that the stream moves on.
		start kill
		before=$(lsn)
		sql "update acct set v = v + 1 where id = 1"
		await_confirmed kill "$before" 60
		kill9 kill
	fi
done
kill_load_stop
run kill --until=now
touch "$T/watched"
wait "$watch" || fail "confirmed too early: $(cat "$T/watch.out")"
tail -n 1 "$T/watch.out"
verify kill
