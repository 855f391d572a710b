#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A user with no rights at all: the check names each GRANT that is missing, run as it stands until the check has nothing to say;
# then the job does all that it can do. A right that is taken away stops the job with the GRANT that brings it back. Roles count
# when they are active. Wrong passwords are told as such, by the check and by the job.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

# check CODE: the check of the job ends so; its report is in $T/report.
check() {
	local rc=0
	ez check --only=sink --state-dir="$T/rights/state" "$T/rights/job.conf" >"$T/report" 2>&1 || rc=$?
	[ "$rc" = "$1" ] || fail "the check ended with $rc instead of $1: $(cat "$T/report")"
}

# named: the first statement that the report or the job's last line names.
named() { grep -ohE "GRANT [A-Z ,]+ ON [^;]* TO USER 'cdc'@'%'" "$@" | head -n 1; }

as_cdc() {
	SR_USER=cdc SR_PASSWORD=$1 sr_job rights source='tables = [ "public.t" ];'
}

pg_start
sr_start --profile=4.0 --fe=2 --be=2
sql "create table t (id int primary key, body text)" "insert into t select i, 'row ' || i from generate_series(1, 100) i"
sr_sql "create database shop" "create user 'cdc'@'%' identified by 'pw'" >/dev/null

step "a wrong password"
as_cdc wrong
check 77
grep -q 'check user and password' "$T/report" || fail "the check does not say so: $(cat "$T/report")"
try rights --until=now
expect_exit rights 77 'Access denied'

step "no rights, then one after the other"
as_cdc pw
said=
for _ in 1 2 3 4 5 6; do
	rc=0
	ez check --only=sink --state-dir="$T/rights/state" "$T/rights/job.conf" >"$T/report" 2>&1 || rc=$?
	[ "$rc" != 0 ] || break
	[ "$rc" = 77 ] || fail "the check ended with $rc: $(cat "$T/report")"
	grant=$(named "$T/report")
	[ -n "$grant" ] || fail "no GRANT is named: $(cat "$T/report")"
	said+="$grant;"
	sr_sql "$grant" >/dev/null
done
[ "$rc" = 0 ] || fail "the check never passes: $(cat "$T/report")"
for right in 'CREATE TABLE ON DATABASE' 'SELECT ON ALL TABLES IN DATABASE' 'INSERT ON ALL TABLES IN DATABASE' \
	'ALTER ON ALL TABLES IN DATABASE' 'DELETE ON ALL TABLES IN DATABASE'; do
	case $said in *"GRANT $right \`shop\`"*) ;; *) fail "the check did not name $right: $said" ;; esac
done
run rights --until=now
sr_equal t

step "a TRUNCATE without the right to"
sr_sql "revoke delete on all tables in database shop from user 'cdc'@'%'" >/dev/null
check 0
grep -q 'GRANT DELETE' "$T/report" || fail "the right to empty tables is not warned about: $(cat "$T/report")"
sql "truncate t" "insert into t values (1, 'after')"
try rights --until=now
expect_exit rights 77 'DELETE privilege'
sr_sql "$(named "$T/rights/log")" >/dev/null
run rights --until=now
sr_equal t

step "no right to INSERT any more"
sr_sql "revoke insert on all tables in database shop from user 'cdc'@'%'" >/dev/null
sql "insert into t values (2, 'refused')"
try rights --until=now
expect_exit rights 77 'Access denied.*; GRANT INSERT ON ALL TABLES IN DATABASE'
check 77
grep -q "GRANT INSERT ON ALL TABLES IN DATABASE \`shop\` TO USER 'cdc'@'%'" "$T/report" || fail "the check says: $(cat "$T/report")"

step "by a role"
sr_sql "create role reader" "create role loader" "grant insert on all tables in database shop to role reader" \
	"grant reader to role loader" "grant loader to user 'cdc'@'%'" >/dev/null
check 77
sr_sql "set default role all to 'cdc'@'%'" >/dev/null
check 0
run rights --until=now
sr_equal t
sr_violations
