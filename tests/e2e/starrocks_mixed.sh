#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
#
# A mixed load into StarRocks, with and without transactions over tables: afterwards target and source are equal, the cluster has
# nothing to complain about, and from 4.0 on no state of the target is one that the source never had.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

# Every transaction moves money between accounts and notes it: the sum stays, and the note agrees with the accounts.
traffic() {
	sql "do \$\$
	declare m int;
	begin
		for m in $1..$2 loop
			update account set balance = balance - m, at = now() where id = 1 + m % 20;
			update account set balance = balance + m, at = now() where id = 1 + (m * 7 + 3) % 20;
			insert into moved values (m, 1 + m % 20, 1 + (m * 7 + 3) % 20, m, 'note ' || m || E'\\x01\\x02\\n');
			if m % 5 = 0 then delete from moved where id = m - 3; end if;
			if m % 7 = 0 then update moved set id = -id where id = m; end if;
			if m % 11 = 0 then update big set n = n + 1 where id = m % 5; end if;
			commit;
		end loop;
	end \$\$"
}

check_sums() {
	local bad
	bad=$(sr_history shop account | python3 -c '
import json, sys
rows, versions = {}, 0
for line in sys.stdin:
	v = json.loads(line)
	for row in v.get("rows", []):
		key = row["row"]["id"] if "row" in row else row["id"]
		rows[key] = row.get("row", row)
	total = sum(int(float(r["balance"])) for r in rows.values())
	versions += 1
	if len(rows) == 20 and total != 20000:
		print("version", v["version"], "has a sum of", total)
')
	[ -z "$bad" ] || fail "a transaction was visible in part: $bad"
}

pg_start
for profile in 4.0 3.3; do
	step "version $profile"
	sr_start --profile="$profile" --fe=2 --be=2 --history=full
	sqlf <<-'SQL'
	create table account (id int primary key, balance numeric(12,2), at timestamptz);
	create table moved (id int primary key, source int, target int, amount int, note text);
	create table big (id int primary key, n int, body text);
	alter table big alter body set storage external;
	insert into account select i, 1000, now() from generate_series(1, 20) i;
	insert into big select i, 0, repeat(i::text, 5000) from generate_series(0, 4) i;
	SQL
	sr_job mixed source='tables = [ "public.*" ];' top='batch = { max_age = "100ms"; };'
	start mixed
	await_streaming mixed
	traffic 1 300
	traffic 301 400
	stop mixed
	traffic 401 500
	run mixed --until=now
	sr_equal account moved big
	sr_violations
	if [ "$profile" = 4.0 ]; then check_sums; fi
	sqlf <<-'SQL'
	truncate moved;
	insert into moved values (1, 2, 3, 4, 'after');
	SQL
	run mixed --until=now
	sr_equal account moved big
	sr_violations
	ez drop --yes --state-dir="$T/mixed/state" "$T/mixed/job.conf" >"$T/drop" 2>&1 || fail "drop: $(cat "$T/drop")"
	[ -z "$(sr_dump shop _ez_progress)" ] || fail "drop left the row of the job"
	sr_stop
	rm -rf "$T/mixed"
	sql "drop table account, moved, big"
done
