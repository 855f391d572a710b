#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The whole cluster goes away for a while, a disk fills up, the password changes: the job waits and says why, ends in time when
# told to, and stops where only a person can help or another daemon has taken over. Compressed bodies arrive whole.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

has_row() { sr_sql "select id from shop.t where id = $1" | grep -q '"data"'; }
has_error() { status out "s['last_error']" | grep -qi "$1"; }
all_fe() { for fe in 0 1; do sr_control '"do": "fe", "fe": '"$fe"', "action": "'"$1"'"' >/dev/null; done; }

pg_start
sr_start --profile=4.0 --fe=2 --be=2
sql "create table t (id int primary key, body text)" "insert into t select i, repeat(md5(i::text), 30) from generate_series(1, 500) i"
sr_job out source='tables = [ "public.t" ];' top='batch = { max_age = "20ms"; }; shutdown_timeout = "1s";' \
	sink='connect_timeout = "1s"; compression = "zstd";'
start out
await_streaming out

step "all front ends are away"
all_fe stop
sql "insert into t values (1001, 'while away')"
await 10 "the status to say so" has_error 127.0.0.1
all_fe start
await 20 "the row" has_row 1001

step "another front end leads, then another"
for leader in 1 0; do
	sr_control '"do": "leader", "fe": '"$leader" >/dev/null
	sql "insert into t values (110$leader, 'led by $leader')"
	await 10 "the row" has_row "110$leader"
done

step "a disk is full"
sr_fault '"kind": "fail_early", "node": "be*", "subject": "/api/transaction/load", "text": "disk 123 on backend 10001 exceed limit usage", "count": 2'
sql "insert into t values (1002, 'while full')"
await 10 "the status to say so" has_error "exceed limit usage"
sr_clear_faults >/dev/null
await 30 "the row" has_row 1002

step "told to stop while the cluster is away"
all_fe stop
sql "insert into t values (1003, 'not yet')"
await 10 "the status to say so" has_error 127.0.0.1
kill -TERM "${JOB_PID[out]}"
reap out 10
all_fe start
sr_job out source='tables = [ "public.t" ];' sink='compression = "gzip";'
run out --until=now
sr_equal t

step "the password is wrong"
sr_control '"do": "password", "password": "another"' >/dev/null
sql "insert into t values (1004, 'refused')"
try out --until=now
expect_exit out 77 'denied|password|credential|refuse'
SR_PASSWORD=another
sr_job out source='tables = [ "public.t" ];'
run out --until=now
sr_equal t
sr_violations

step "an older epoch"
sr_job out source='tables = [ "public.t" ];' top='state = { epoch = 5; };'
run out --until=now
rm -rf "$T/out/state"
sr_job out source='tables = [ "public.t" ];' top='state = { epoch = 3; };'
try out --until=now
expect_exit out 75 'taken this job over'
