#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Everything at once, for minutes: the network is cut, stalled and reset, the disk fills up, the job is paused, drained and killed,
# walsenders are ended, tables change their columns and are emptied, large transactions are streamed and rolled back in part, all
# under load and in any combination. Whenever it is quiet the files are complete and in order; in the end they are the source.
# Nothing is ever confirmed that the files do not hold. EZ_SEED repeats a run, EZ_CHAOS_SECONDS says how long (300).

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/kill.sh
. "$TESTKIT/kill.sh"
long_only

seconds=${EZ_CHAOS_SECONDS:-300}
RANDOM=${EZ_SEED:=$((SECONDS + $$))}
echo "seed $EZ_SEED, $seconds seconds"

pg_start -n main wal_sender_timeout=3s logical_decoding_work_mem=64kB
proxy_start
kill_tables 5000
sql "create table shape (id int primary key, a text)" "create table filled (id int generated always as identity primary key, v text)" \
	"create publication p for table acct, hist, pair, shape, filled" "select pg_create_logical_replication_slot('witness', 'pgoutput')" >/dev/null
job chaos conninfo="host=127.0.0.1 port=$PROXY_PORT dbname=postgres user=postgres" source='publication = "p"; snapshot_workers = 2;' \
	sink='rotate_bytes = "256KiB";' top='batch = { max_age = "20ms"; max_rows = 2000; }; memory = "16MiB";'
mkdir -p "$T/chaos/out"
disk=0
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=2g none "$T/chaos/out" 2>/dev/null; then
	disk=1
	AT_EXIT+=("umount -l $T/chaos/out 2>/dev/null")
fi
kill_load 60
python3 "$TESTKIT/ack_watch.py" "$(pg_conninfo)" ezcdc_chaos "$T/chaos/out/.ezcdc/chaos.json" "$T/watched" witness p >"$T/watch.out" 2>&1 &
watch=$!
EZ_CHILDREN+=("$watch")

n=0      # number of the next column, and of the next row of the table that changes
said=''  # what was done in this round

nap() { python3 -c "import sys, time; time.sleep(int(sys.argv[1]) / 1000)" "$((RANDOM % $1))"; }

# pick VARIABLE WORD...: one of them. Not in a subshell, which would leave the seed as it was.
pick() {
	local var=$1
	shift
	printf -v "$var" %s "${@:$((RANDOM % $# + 1)):1}"
}

# Statements that may fail: a lock of the copy is in the way, there is no such column.
try_sql() { sql "set lock_timeout = '1s'; $1" >/dev/null 2>&1 || said+=" (not)"; }

column() { sql "select coalesce((select attname from pg_attribute where attrelid = 'shape'::regclass and attnum > 2 and not attisdropped order by random() limit 1), 'none')"; }

alter_shape() {
	n=$((n + 1))
	case $((RANDOM % 5)) in
	0) try_sql "alter table shape add column c$n int default $n" ;;
	1) try_sql "alter table shape drop column $(column)" ;;
	2) try_sql "alter table shape rename column $(column) to c$n" ;;
	3) try_sql "alter table shape alter column $(column) type text" ;;
	4) try_sql "insert into shape values ($((n + 100000)), 'before'); alter table shape add column c$n text default 'x'; update shape set c$n = 'y' where id % 2 = 0" ;;
	esac
	try_sql "insert into shape (id, a) values ($n, 'row $n')"
	try_sql "update shape set a = a || '.' where id % 3 = $n % 3"
}

large() {
	try_sql "begin; insert into filled (v) select repeat('f', 200) from generate_series(1, 3000);
		savepoint one; insert into filled (v) select repeat('g', 200) from generate_series(1, 2000); rollback to one;
		delete from filled where id % 7 = 0; insert into filled (v) values ('last'); $([ $((RANDOM % 4)) = 0 ] && echo rollback || echo commit)"
}

# Whatever else happens, the daemon does not end by itself.
expect_alive() {
	[ -n "${JOB_PID[chaos]:-}" ] || return 0
	alive chaos && return 0
	reap chaos
	fail "after$said: the job ended by itself with $RC: $(last_line chaos)"
}

revive() { [ -n "${JOB_PID[chaos]:-}" ] || start chaos; }

act() {
	local what
	pick what kill kill term pause resume walsender alter alter alter large truncate nap
	said+=" $what"
	expect_alive
	case $what in
	kill)
		[ -z "${JOB_PID[chaos]:-}" ] || kill9 chaos
		[ "$disk" = 0 ] || [ ! -d "$T/chaos/out/.ezcdc" ] || sound chaos >/dev/null
		revive
		;;
	term)
		# The end of a drain is not waited for: another daemon may come while it lasts, and finds the lock held.
		if [ -n "${JOB_PID[chaos]:-}" ]; then
			kill -TERM "${JOB_PID[chaos]}"
			nap 500
			kill -TERM "${JOB_PID[chaos]}" 2>/dev/null || true
			reap chaos 40
			# One that has not even begun dies of it.
			[ "$RC" = 0 ] || { [ "$RC" = 143 ] && [ ! -s "$T/chaos/log" ]; } || fail "after$said: SIGTERM ended it with $RC: $(last_line chaos)"
		fi
		revive
		;;
	pause | resume) "$EZ_BUILD/ezcdc" "$what" "$T/chaos/state" >/dev/null 2>&1 || said+=" (not)" ;;
	walsender) try_sql "select pg_terminate_backend(pid) from pg_stat_replication" ;;
	alter) alter_shape ;;
	large) large ;;
	truncate) try_sql "truncate filled" ;;
	nap) nap 1500 ;;
	esac
}

begin_fault() {
	pick fault none none cut stall reset full
	said=" [$fault"
	case $fault in
	cut | stall | reset) touch "$PROXY/$fault" ;;
	full)
		if [ "$disk" = 1 ]; then
			mount -o remount,size="$(($(df --output=used "$T/chaos/out" | tail -n 1) + 16))k" "$T/chaos/out" 2>/dev/null || said+=" (not)"
		fi
		;;
	esac
}

end_fault() {
	case $fault in
	cut | stall) rm -f "$PROXY/$fault" ;;
	full) [ "$disk" = 0 ] || mount -o remount,size=2g "$T/chaos/out" ;;
	esac
	said+=" ]"
}

calm() {
	local before
	expect_alive
	revive
	await 30 "the daemon to answer" status chaos "s['state']" >/dev/null
	"$EZ_BUILD/ezcdc" resume "$T/chaos/state" >/dev/null 2>&1 || true
	before=$(lsn)
	sql "update acct set v = v + 1 where id = 1"
	await 90 "the job to come up to date after$said" caught_up "$before"
	sound chaos >/dev/null
}
caught_up() {
	expect_alive
	slot_is chaos "confirmed_flush_lsn > '$1'" || { sleep 0.2; false; }
}

round=0
end=$((SECONDS + seconds))
start chaos
while [ "$SECONDS" -lt "$end" ]; do
	round=$((round + 1))
	begin_fault
	for _ in $(seq $((RANDOM % 4))); do act; done
	nap 1500
	end_fault
	step "round $round:$said"
	[ $((round % 6)) != 0 ] || calm
done
said=' the end'
kill_load_stop
calm
sql "update shape set id = id"
stop chaos
run chaos --until=now
touch "$T/watched"
wait "$watch" || fail "confirmed too early: $(cat "$T/watch.out")"
tail -n 1 "$T/watch.out"
verify chaos --absent-ok
