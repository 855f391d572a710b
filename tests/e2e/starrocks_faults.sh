#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every way in which StarRocks' HTTP side can fail, one after the other, while changes come in: the job outlives each of them, and
# afterwards the target equals the source and the cluster has nothing to complain about. This one is about transactions over tables
# (4.0 and later); starrocks_faults_labels.sh is the same for the label protocol. The short run tries each common fault in one of them.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

# One fault a line: name, then members of the command. LOAD is the path of loads, TXN that of transactions.
faults() {
	cat <<'END'
front end resets            "kind": "reset", "node": "fe0", "count": 3
front end is silent         "kind": "blackhole", "node": "fe0", "ms": 3000, "count": 1
nobody says go ahead       "kind": "no_continue", "node": "be*", "subject": "LOAD", "count": 2
front end is a proxy        "kind": "proxy", "node": "fe*", "count": 4
redirect without target     "kind": "redirect", "node": "fe*", "subject": "LOAD", "text": "none", "count": 2
redirect to nowhere         "kind": "redirect", "node": "fe*", "subject": "LOAD", "text": "http://127.0.0.1:1", "count": 2
back end resets             "kind": "reset", "node": "be*", "count": 2
back end resets in a body   "kind": "reset_body", "node": "be*", "bytes": 100, "count": 2
answer lost, not committed  "kind": "reset_before_answer", "node": "be*", "subject": "LOAD", "committed": false, "count": 2
answer lost, committed      "kind": "reset_before_answer", "node": "be*", "subject": "LOAD", "committed": true, "count": 2
answer cut                  "kind": "truncate_answer", "node": "be*", "bytes": 20, "count": 2
slow body                   "kind": "slow_body", "node": "be*", "bytes": 4096, "ms": 20, "count": 2
slow answer                 "kind": "slow_answer", "node": "be*", "ms": 700, "count": 2
html with 200               "kind": "answer", "node": "be*", "status": 200, "body": "<html>welcome</html>", "count": 2
html with 503               "kind": "answer", "node": "fe*", "status": 503, "body": "<html>busy</html>", "count": 2
empty answer                "kind": "empty_answer", "node": "be*", "count": 2
byte order mark             "kind": "bom_answer", "node": "be*", "count": 2
chunked answer              "kind": "chunked_answer", "node": "be*", "count": 2
idle connection closed      "kind": "close_idle", "node": "be*", "count": 3
publish timeout             "kind": "publish_timeout", "ms": 200, "count": 2
late finish, committed      "kind": "late_finish", "ms": 500, "committed": true, "subject": "LOAD", "count": 1
late finish, aborted        "kind": "late_finish", "ms": 500, "committed": false, "subject": "LOAD", "count": 1
memory limit                "kind": "fail_early", "node": "be*", "subject": "LOAD", "text": "memory limit exceeded, please reduce load frequency", "count": 2
running transactions        "kind": "fail_early", "node": "be*", "subject": "LOAD", "text": "current running txns on db 1 is 1000, larger than limit 1000", "count": 1
shutting down               "kind": "fail_early", "node": "be*", "subject": "LOAD", "text": "Service is shutting down, please retry later!", "count": 2
commit lost, committed      "kind": "reset_before_answer", "node": "fe*", "subject": "/api/transaction/commit", "committed": true, "count": 1
commit lost, not committed  "kind": "reset_before_answer", "node": "fe*", "subject": "/api/transaction/commit", "committed": false, "count": 1
begin lost                  "kind": "reset_before_answer", "node": "fe*", "subject": "/api/transaction/begin", "committed": true, "count": 1
in processing               "kind": "answer", "node": "fe*", "subject": "/api/transaction/commit", "status": 200, "body": "{\"Status\": \"TXN_IN_PROCESSING\", \"Message\": \"Transaction in processing, please retry later\"}", "count": 2
transaction gone            "kind": "answer", "node": "fe*", "subject": "/api/transaction/commit", "status": 200, "body": "{\"Status\": \"TXN_NOT_EXISTS\", \"Message\": \"transaction with label x not exists\"}", "count": 1
too many versions           "kind": "fail", "node": "be*", "subject": "LOAD", "text": "Failed to load data into tablet 10, because of too many versions, current/limit: 1002/1000.", "count": 1
END
}

load_path() { if [ "$1" = 4.0 ]; then echo /api/transaction/load; else echo '/api/shop/*/_stream_load'; fi; }

change() {
	sql "do \$\$ begin
		insert into t select $1 * 100 + i, $1, repeat(md5(i::text), 50) from generate_series(1, 20) i;
		update t set v = v + 1 where id % 7 = 0;
		delete from t where id % 100 = 13;
		update u set v = $1;
	end \$\$"
}

has_row() {
	if gone faults; then fail "job faults ended by itself: $(last_line faults)"; fi
	sr_sql "select id from shop.u where id = $1" | grep -q '"data"'
}

try_fault() {
	local profile=$1 name=$2 fault=$3 n=$4
	fault=${fault//LOAD/$(load_path "$profile")}
	sr_fault "$fault"
	change "$n"
	sql "insert into u values (1000 + $n, 0)"
	await 15 "job faults to get over: $name" has_row "$((1000 + n))"
	sr_control '"do": "faults"' | grep -q '"hits":0' && fail "nothing met the fault: $name"
	sr_clear_faults >/dev/null
}

pg_start
for profile in ${EZ_PROFILES:-4.0}; do
	step "version $profile"
	sr_start --profile="$profile" --fe=2 --be=2
	sqlf <<-'SQL'
	create table t (id int primary key, v int, body text);
	create table u (id int primary key, v int);
	insert into u select i, 0 from generate_series(1, 5) i;
	SQL
	sr_job faults source='tables = [ "public.*" ];' top='batch = { max_age = "20ms"; }; retry = { min = "50ms"; max = "500ms"; };' \
		sink='connect_timeout = "1s"; continue_timeout = "1s"; load_timeout = "20s";'
	start faults
	await_streaming faults
	n=0
	while IFS= read -r line; do
		n=$((n + 1))
		case $line in
		commit* | begin* | in\ processing* | transaction*) only=4.0 ;;
		front\ end\ is\ a\ proxy* | late*) only=3.3 ;;
		*) if [ "$LONG" = 1 ]; then only=; elif [ $((n % 2)) = 0 ]; then only=4.0; else only=3.3; fi ;;
		esac
		[ -z "$only" ] || [ "$only" = "$profile" ] || continue
		from=$SECONDS
		try_fault "$profile" "${line%%  *}" "${line#*  }" "$n"
		[ -z "${EZ_VERBOSE:-}" ] || echo "   ${line%%  *}: $((SECONDS - from)) s"
	done < <(faults)
	stop faults
	sr_equal t u
	sr_violations
	ez drop --yes --state-dir="$T/faults/state" "$T/faults/job.conf" >"$T/drop" 2>&1 || fail "drop: $(cat "$T/drop")"
	sr_stop
	rm -rf "$T/faults"
	sql "drop table t, u"
done
