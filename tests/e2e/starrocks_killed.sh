#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# kill -9 at any instant while transactions over three tables stream into StarRocks 4.0: the history of the target has every source
# transaction once and whole, whatever was killed when; those too large for that are counted, and complete in the end. On 3.3 (starrocks_killed_labels.sh), which cannot promise that, target and
# source end up equal. Then the same during the copy: what an unfinished copy left is emptied before the next one. EZ_SEED repeats
# the random seed.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

rounds=5
large=200 # one transaction in so many is large
if [ "$LONG" = 1 ]; then rounds=30 large=1500; fi
RANDOM=${EZ_SEED:=$((SECONDS + $$))}
echo "seed $EZ_SEED, $rounds rounds"

# Each transaction moves an amount and writes down which; now and then with a hundred rows more, and now and then there is one that is
# larger than a third of the job's memory.
traffic() {
	sql "do \$\$
	declare a int; b int; m int; n int; t int := 0;
	begin
		loop
			t := t + 1;
			a := 1 + random() * 18; b := a + 1; m := random() * 100;
			update account set balance = balance - m where id = a;
			update account set balance = balance + m where id = b;
			insert into moved (source, target, amount) values (a, b, m) returning id into n;
			if t % 20 = 0 then insert into bulk select n, i, 'small' from generate_series(1, 100) i; end if;
			commit;
			if t % $large = 0 then
				insert into bulk select -n, i, repeat('large', 30) from generate_series(1, 20000) i;
				commit;
			end if;
			perform pg_sleep(0.002);
			exit when exists (select from stop);
		end loop;
	end \$\$" >/dev/null 2>&1 &
	EZ_CHILDREN+=("$!")
	traffic=$!
}

# In every state that was ever visible the accounts are what the moves say, and no move came twice.
check_history() {
	sr_history shop account >"$T/account.history"
	sr_history shop moved >"$T/moved.history"
	sr_history shop bulk >"$T/bulk.history"
	python3 - "$T/account.history" "$T/moved.history" "$T/bulk.history" <<-'END' || fail "the history of the target has what the source never had"
	import json, sys

	changes = {}
	for name, path in zip(("account", "moved", "bulk"), sys.argv[1:]):
	    for line in open(path, encoding="utf-8"):
	        v = json.loads(line)
	        changes.setdefault(v["txn"], {"label": v["label"]})[name] = v["rows"]
	accounts, moves, expected, states = {}, {}, {}, 0
	for txn in sorted(changes):
	    change = changes[txn]
	    for row in change.get("account", []):
	        accounts[row["row"]["id"]] = float(row["row"]["balance"])
	    for row in change.get("moved", []):
	        row = row["row"]
	        if row["id"] in moves:
	            sys.exit("move %d came twice: %s and %s" % (row["id"], moves[row["id"]], change["label"]))
	        moves[row["id"]] = change["label"]
	        for who, amount in ((row["source"], -row["amount"]), (row["target"], row["amount"])):
	            expected[who] = expected.get(who, 1000) + amount
	    if "_w" in change["label"]:
	        continue
	    states += 1
	    for who in expected:
	        if accounts[who] != expected[who]:
	            sys.exit("%s: account %d has %s, the moves say %s" % (change["label"], who, accounts[who], expected[who]))
	# Rows of one source transaction have one number: which transactions of the target brought them?
	bulks = {}
	for txn in sorted(changes):
	    if "_w" not in changes[txn]["label"]:
	        for row in changes[txn].get("bulk", []):
	            bulks.setdefault(row["row"]["tx"], {}).setdefault(txn, set()).add(row["row"]["i"])
	whole = split = 0
	for tx, parts in bulks.items():
	    size = 100 if tx > 0 else 20000
	    if len(parts) > 1 and tx < 0:
	        split += 1
	        if len(set.union(*parts.values())) != size:
	            sys.exit("transaction %d came in %d parts and is not complete" % (tx, len(parts)))
	        continue
	    whole += 1
	    if len(parts) > 1 or len(*parts.values()) != size:
	        sys.exit("transaction %d came as %s rows" % (tx, [len(p) for p in parts.values()]))
	    if tx > 0 and moves[tx] != changes[list(parts)[0]]["label"]:
	        sys.exit("transaction %d is in %s, but its move in %s" % (tx, changes[list(parts)[0]]["label"], moves[tx]))
	print("%d states, %d moves, all as the source had them; %d larger transactions came whole, %d in parts" % (states, len(moves), whole, split))
	END
}

pg_start
for profile in ${EZ_PROFILES:-4.0}; do
	step "version $profile"
	sr_start --profile="$profile" --fe=2 --be=2 --publish-ms=20 --history=full
	sqlf <<-'SQL'
	create table account (id int primary key, balance numeric(12,2));
	create table moved (id int generated always as identity primary key, source int, target int, amount int);
	create table bulk (tx int, i int, pad text, primary key (tx, i));
	create table stop ();
	create publication p for table account, moved, bulk;
	insert into account select i, 1000 from generate_series(1, 20) i;
	SQL
	sql "drop table stop" "create table stop (x int)"
	sr_job kill source='publication = "p";' top='memory = "8MiB"; batch = { max_age = "20ms"; };' sink='load_timeout = "10s";'
	start kill
	await_streaming kill
	traffic
	for round in $(seq "$rounds"); do
		nap=$((RANDOM % 900 + 50))
		python3 -c "import time; time.sleep($nap / 1000)"
		if gone kill; then
			reap kill
			fail "round $round: the job ended by itself with $RC: $(last_line kill)"
		fi
		kill9 kill
		start kill
	done
	sql "insert into stop values (1)"
	wait "$traffic"
	kill9 kill
	run kill --until=now
	sr_equal account moved bulk
	sr_violations
	if [ "$profile" = 4.0 ]; then check_history; fi

	step "version $profile, killed in the copy"
	ez drop --yes --state-dir="$T/kill/state" "$T/kill/job.conf" >"$T/drop" 2>&1 || fail "drop: $(cat "$T/drop")"
	rm -rf "$T/kill/state"
	sql "insert into account select i, 5 from generate_series(100, 20000) i" "create publication p2 for table account, moved"
	sr_sql "truncate table shop.account" "truncate table shop.moved" >/dev/null
	sr_job kill source='publication = "p2"; snapshot_workers = 2;' top='memory = "8MiB"; batch = { max_bytes = "64KiB"; };'
	for round in 1 2; do
		start kill
		nap=$((RANDOM % 400 + 200))
		python3 -c "import time; time.sleep($nap / 1000)"
		if gone kill; then break; fi
		kill9 kill
		sql "delete from account where id between $((round * 1000)) and $((round * 1000 + 500))"
	done
	run kill --until=now
	sr_equal account moved
	sr_violations
	ez drop --yes --state-dir="$T/kill/state" "$T/kill/job.conf" >"$T/drop" 2>&1 || fail "drop: $(cat "$T/drop")"
	sr_stop
	rm -rf "$T/kill"
	sql "drop publication if exists p, p2" "drop table account, moved, bulk, stop"
done
