#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every type's ordinary and extreme values (types.tsv) from PostgreSQL into StarRocks: the same from the snapshot and from the
# stream, in CSV and in JSON, and what docs/starrocks-types.md promises; values out of range by policy.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

types=$EZ_SRC/tests/e2e/types.tsv
check=$EZ_SRC/tests/e2e/starrocks_types.py

pg_start
grep -v -E '^(hstore|citext|ltree)	' "$types" >"$T/types.tsv"
for ext in hstore citext ltree; do
	if sql "create extension $ext" 2>/dev/null; then grep "^$ext	" "$types" >>"$T/types.tsv"; fi
done
sqlf <<'SQL'
create type mood as enum ('sad', 'it''s "ok"');
create domain small as int check (value < 10);
create domain smaller as small check (value < 5);
create domain label as varchar(10);
create type pair as (a int, b text);
create type nested as (p pair, l int[]);
create type floatrange as range (subtype = float8);
SQL

sr_start --profile=4.0
python3 "$EZ_SRC/tests/e2e/types_check.py" table "$T/types.tsv" | sqlf
# No number is near NaN: floats are loaded as they are instead.
declare -A floats=([text]=text [null]=null [clamp]=error)
for policy in text null clamp; do
	sr_job "$policy" source='tables = [ "public.v" ];' sink="table = \"{table}_$policy\";
		out_of_range = [ \"date=$policy\", \"timestamp=$policy\", \"float=${floats[$policy]}\" ];"
done
# The first rows come from the snapshot; the last ones are such that no load has to be JSON.
for rows in "0" "1000" "2000 plain"; do
	step "rows from $rows on"
	# shellcheck disable=SC2086
	python3 "$check" sql "$T/types.tsv" $rows | sqlf
	for policy in text null clamp; do run "$policy" --until=now; done
done
for policy in text null clamp; do
	sr_dump shop "v_$policy" >"$T/dump"
	python3 "$check" check "$T/types.tsv" "$T/dump" "$policy" 0 1000 2000:plain || fail "values out of range as $policy"
done
sr_violations
for format in csv json; do
	sr_journal | grep -q "\"format\": *\"$format\"" || fail "no load was $format: $(sr_journal | tail -n 3 | cut -c 1-800)"
done
sr_stop
