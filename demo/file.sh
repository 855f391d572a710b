# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # what demo/run sets
#
# What demo/run does with --sink file: a folder of JSON lines.

# shellcheck disable=SC2034 # for platform.sh
sink_name="files" sink_plugin=file

target_build() { :; }
target_start() { :; }
target_stop() { :; }

target_section() { printf 'sink = { plugin = "file"; path = "%s/out"; };\n' "$T"; }

target_prove() {
	local result
	say "every file read back, every change replayed by key, every row compared with PostgreSQL:"
	result=$(python3 tests/testkit/verify.py --job shop --json --table public.customers --table public.products \
		--table public.orders --table public.order_items "$T/out" "$(pg_conninfo shop)") || return 1
	python3 - "$result" "$green" "$plain" <<'PY'
import json
import sys

r = json.loads(sys.argv[1])
ops = r["ops"]
changes = r["events"] - ops.get("r", 0)
print(f"  {sys.argv[2]}equal{sys.argv[3]}: {r['rows']:,} rows in {r['tables']} tables, from {ops.get('r', 0):,} snapshot rows and {changes:,} changes "
      f"({ops.get('c', 0):,} inserts, {ops.get('u', 0):,} updates, {ops.get('d', 0):,} deletes)")
least = 200_000 <= ops.get("r", 0) and 100_000 <= changes
sys.exit(0 if least else 1)
PY
}

target_summary() {
	say "files:   $(find "$T/out" -name '*.jsonl' | wc -l), $(du -sh --apparent-size "$T/out" | cut -f 1)iB; a line reads"
	say "         $dim$(cat "$T"/out/shop-t*.jsonl | head -n 1 | cut -c 1-200)...$plain"
}

target_config() { _json "path=$T/live"; }

target_look() { say "the changes:  tail -f $T/live/*-t*.part"; }
