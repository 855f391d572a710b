#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ezcdc verify against StarRocks: equal after a run, for every type and through transforms; a row that was changed, removed or
# added behind the job's back is found with its key; no false alarm while the job runs under load; nothing is left at the source.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"

# compare CODE JOB [ARGUMENT]...: the exit code must be CODE; what it says is in $T/said and $T/said.err.
compare() {
	local want=$1 name=$2 rc=0
	shift 2
	ez verify --state-dir="$T/$name/state" "$T/$name/job.conf" "$@" >"$T/said" 2>"$T/said.err" || rc=$?
	[ "$rc" = "$want" ] || fail "verify $name $* ended with $rc instead of $want: $(cat "$T/said" "$T/said.err")"
}

# says TEXT...: each was said, however many blanks are in it.
says() {
	local text
	for text in "$@"; do
		tr -s ' ' <"$T/said" | grep -qF -- "$text" || fail "verify does not say \"$text\": $(cat "$T/said")"
	done
}

# load TABLE ROWS: straight into StarRocks, by somebody else.
load() {
	curl -sS --max-time 20 -u "$SR_USER:$SR_PASSWORD" -H "Expect: 100-continue" -H "format: json" -H "strip_outer_array: true" \
		-H "strict_mode: true" -H "max_filter_ratio: 0" -H "partial_update: ${3:-false}" -H "label: other_$RANDOM$RANDOM" \
		${4:+-H "columns: $4"} -X PUT --data-binary "$2" "http://127.0.0.1:${SR_BE[0]}/api/shop/$1/_stream_load" >"$T/loaded"
	grep -q '"Success"' "$T/loaded" || fail "the load of $2 into $1 failed: $(cat "$T/loaded")"
}

# Rows that change all the time, more slowly than they are compared and as fast as they can.
traffic() {
	local n=100
	until [ -e "$T/enough" ]; do
		n=$((n + 1))
		sql "insert into item select $n, 'it', $n, now(), 'x' from generate_series(1, 1)" \
			"update item set price = price + 1, note = note || 'y' where id % 50 = $n % 50" \
			"delete from item where lang = 'it' and id = $n - 5" "update person set email = '$n@' || id where id < 20"
		sleep 0.02
	done
}

types=$EZ_SRC/tests/e2e/types.tsv
pg_start
grep -v -E '^(hstore|citext|ltree)	' "$types" >"$T/types.tsv"
sqlf <<'SQL'
create type mood as enum ('sad', 'it''s "ok"');
create domain small as int check (value < 10);
create domain smaller as small check (value < 5);
create domain label as varchar(10);
create type pair as (a int, b text);
create type nested as (p pair, l int[]);
create type floatrange as range (subtype = float8);
SQL

for profile in 4.0 3.3; do
	step "version $profile: a copy and some changes"
	sr_start --profile="$profile"
	python3 "$EZ_SRC/tests/e2e/types_check.py" table "$T/types.tsv" | sqlf
	sqlf <<-'SQL'
	create table item (id int, lang text, price numeric(10,2), at timestamptz, note text, primary key (lang, id));
	create table person (id int primary key, email text, secret text);
	create table line (text text, n int);
	insert into item select i, case i % 2 when 0 then 'de' else 'fr' end, i * 1.5, now(), 'note ' || i from generate_series(1, 3000) i;
	insert into person select i, 'p' || i || '@example.com', 'x' from generate_series(1, 300) i;
	insert into line select 'line ' || i % 3, i % 2 from generate_series(1, 30) i;
	create publication lines for table line with (publish = 'insert');
	SQL
	python3 "$EZ_SRC/tests/e2e/starrocks_types.py" sql "$T/types.tsv" 0 | sqlf
	sr_job types source='tables = [ "public.v" ];' sink='table = "types"; out_of_range = [ "date=null", "timestamp=clamp" ];'
	sr_job main source='tables = [ "public.item", "public.person" ];' sink='delete = "soft"; audit = [ "op", "loaded_at" ];' \
		top='transforms = ( { plugin = "mask"; columns = [ "public.person.email" ]; with = "sha256"; key = "0123456789abcdef0123"; },
			{ plugin = "columns"; drop = [ "public.person.secret" ]; },
			{ plugin = "filter"; tables = [ "public.item" ]; where = "id <= 2990"; } );'
	sr_job lines source='publication = "lines";' sink='table = "{table}_of";'
	for name in types main lines; do run "$name" --until=now; done
	python3 "$EZ_SRC/tests/e2e/starrocks_types.py" sql "$T/types.tsv" 1000 | sqlf
	sql "update item set price = price + 1 where id < 100" "delete from item where id between 200 and 210" \
		"insert into person values (301, null, '')"
	run types --until=now
	run main --until=now

	step "all is equal"
	compare 0 types
	says "public.v shop.types" " equal" "compared for NULL alone: "
	compare 0 main
	says "public.item shop.item 2979 2979 equal" "public.person shop.person 301 301 equal"
	compare 0 lines
	says "public.line shop.line_of 30 30 equal"
	[ "$(sql "select count(*) from pg_replication_slots")" = 3 ] || fail "a slot was left behind"
	[ ! -e "$T/main/state/control.sock" ] || fail "something was left in the state folder"

	step "what was done behind the job's back is found"
	load person '[{"id": 7, "email": "wrong"}, {"id": 4711, "email": null}]'
	load person '[{"id": 9, "_ez_deleted": true}]' true 'id,_ez_deleted,__op=0'
	if [ "$profile" = 4.0 ]; then
		# And what a job that does not run has not brought yet.
		sql "insert into item values (1, 'it', 1, now(), 'new')"
		compare 1 main
		says "different: 1 missing, 1 extra, 1 changed" "changed 7" "missing 9" "extra 4711"
		says "missing 1, it" "the job is stopped at" "counts as a difference"
	else
		compare 1 main --json person
		python3 - "$T/said" <<-'PY' || fail "the JSON is wrong: $(cat "$T/said")"
		import json, sys
		v = json.load(open(sys.argv[1]))
		person, = v["tables"]
		assert v["result"] == "different" and person["source"] == "public.person", v
		assert sorted((d["kind"], d["key"]) for d in person["differences"]) == [("changed", "7"), ("extra", "4711"), ("missing", "9")]
		assert (person["missing"], person["extra"], person["changed"], person["source_rows"]) == (1, 1, 1, 301)
		PY
	fi

	step "no false alarm under load"
	load person '[{"id": 4711, "__op": 1}]' false 'id,__op'
	sql "update person set email = email || id where id in (7, 9)"
	rm -f "$T/enough"
	start main
	await_streaming main
	traffic &
	traffic=$!
	EZ_CHILDREN+=("$traffic")
	(sleep 3 && touch "$T/enough") &
	compare 0 main
	says "public.item shop.item"
	wait "$traffic"
	compare 0 main
	says "public.person shop.person 301 301 equal" " equal"
	stop main

	if [ "$profile" = 4.0 ]; then
		step "names, and sinks that cannot be read"
		compare 78 main persons
		grep -q 'no table persons; did you mean person' "$T/said.err" || fail "a wrong name is not explained: $(cat "$T/said.err")"
		job plain source='tables = [ "public.item" ];'
		compare 69 plain
		[ "$(wc -l <"$T/said.err")" = 1 ] || fail "more than a sentence: $(cat "$T/said.err")"
	fi
	sr_violations
	sr_stop
	for name in types main lines; do rm -rf "$T/$name/state"; sql "select pg_drop_replication_slot('ezcdc_$name')" >"$T/dropped"; done
	sql "drop publication lines" "drop publication ezcdc_types" "drop publication ezcdc_main" "drop table item, person, line, v"
done
