#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Rows that StarRocks refuses. With the policy dead-letter they are found among many, written to the dead-letter file without a
# value in any message, and everything else is loaded, also earlier states of the same rows. With the policy stop the job ends.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

has_row() { sr_sql "select id from shop.t where id = $1" | grep -q '"data"'; }

pg_start
profiles=4.0
if [ "$LONG" = 1 ]; then profiles='4.0 3.3'; fi
for profile in $profiles; do
	step "version $profile"
	sr_start --profile="$profile" --fe=2 --be=2
	sqlf <<-'SQL'
	create table t (id int primary key, v int, body text);
	insert into t select i, 0, 'row ' || i from generate_series(1, 10) i;
	SQL
	# Narrower than the source, made by somebody else: the sink cannot know which rows will not fit.
	sr_sql "create database shop" "create table shop.t (id int not null, v int, body varchar(20)) primary key (id)
		distributed by hash (id) buckets 1 properties ('replication_num' = '1')" >/dev/null
	sr_job bad source='tables = [ "public.t" ];' sink='create = true; evolve = false;' \
		top='errors = { policy = "dead-letter"; };'
	run bad --until=now
	sr_equal t
	sqlf <<-'SQL'
	insert into t select i, 1, 'row ' || i from generate_series(11, 2000) i;
	begin;
	update t set body = 'a first state' where id = 5;
	update t set body = 'secret value that is much too long' where id = 5;
	update t set body = 'another secret value, too long as well' where id = 1500;
	insert into t values (3000, 1, 'fits');
	commit;
	SQL
	run bad --until=now
	[ "$(wc -l <"$T/bad/state/dead-letter.jsonl")" = 2 ] || fail "the dead-letter file has $(wc -l <"$T/bad/state/dead-letter.jsonl") lines"
	grep -q 'secret' "$T/bad/log" "$T/bad/log.old" && fail "a value stands in the log"
	sql "alter table t disable trigger all" "update t set body = 'a first state' where id = 5" "update t set body = 'row 1500' where id = 1500"
	sr_equal t
	sr_violations

	step "version $profile, a table that changes behind the back of the job"
	start bad
	await_streaming bad
	sql "insert into t values (3001, 0, 'makes the job look')"
	await 10 "the job to have the table" has_row 3001
	sr_sql "drop table shop.t" "create table shop.t (id int not null, v int, body varchar(9)) primary key (id)
		distributed by hash (id) buckets 1 properties ('replication_num' = '1')" >/dev/null
	sqlf <<-'SQL'
	truncate t;
	begin;
	insert into t select i, 1, 'row ' || i from generate_series(1, 300) i;
	insert into t values (301, 1, 'a secret'), (302, 1, 'short'), (303, 1, 'a secret too');
	update t set body = 'secret and long' where id = 302;
	update t set body = 'row 9, a secret' where id = 9;
	commit;
	insert into t values (5000, 0, 'last');
	SQL
	await 20 "the rest of the rows" has_row 5000
	stop bad
	[ "$(wc -l <"$T/bad/state/dead-letter.jsonl")" = 5 ] || fail "the dead-letter file has $(wc -l <"$T/bad/state/dead-letter.jsonl") lines"
	grep -q 'secret' "$T/bad/log" "$T/bad/log.old" && fail "a value stands in the log"
	sql "delete from t where id = 303" "update t set body = 'short' where id = 302" "update t set body = 'row 9' where id = 9"
	sr_equal t
	sr_violations

	sr_job bad source='tables = [ "public.t" ];' sink='create = true; evolve = false;'
	sql "update t set body = 'a third secret value, also too long' where id = 7"
	try bad --until=now
	expect_exit bad 65 't'
	grep -q 'secret' "$T/bad/log" && fail "a value stands in the log"
	ez drop --yes --state-dir="$T/bad/state" "$T/bad/job.conf" >"$T/drop" 2>&1 || fail "drop: $(cat "$T/drop")"
	sr_stop
	rm -rf "$T/bad"
	sql "drop table t"
done
