# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # what demo/run sets
#
# What demo/run does differently with --sink starrocks: the target is a cluster of two FEs and two BEs that the project's own StarRocks
# test server plays, over real HTTP and the MySQL protocol.

# shellcheck disable=SC2034 # for platform.sh
sink_name="StarRocks" sink_plugin=starrocks

target_build() { make -s -C "$EZ_BUILD" tests/testkit/starrocks/server >>"$EZ_BUILD/build.log" 2>&1; }

target_start() {
	# shellcheck source=tests/testkit/starrocks.sh
	. tests/testkit/starrocks.sh
	sr_start --profile=4.0 --fe=2 --be=2 --history=latest --publish-ms=20
	say "StarRocks 4.0 as the test server plays it: FEs on ports ${SR_FE[*]}, MySQL on ${SR_MYSQL[*]}"
	printf '%s\n' "$SR_PASSWORD" >"$T/sr-password"
	chmod 600 "$T/sr-password"
}

target_stop() { [ -z "${SR_PID:-}" ] || kill -TERM "$SR_PID" 2>/dev/null; }

target_section() {
	printf 'sink = {\n    plugin = "starrocks";\n'
	printf '    fe = [ "http://127.0.0.1:%s", "http://127.0.0.1:%s" ];\n' "${SR_FE[@]}"
	printf '    mysql = [ "127.0.0.1:%s", "127.0.0.1:%s" ];\n' "${SR_MYSQL[@]}"
	printf '    user = "%s"; password = { file = "%s/sr-password"; };\n' "$SR_USER" "$T"
	printf '    database = "shop"; replication_num = 1;\n};\n'
}

target_prove() {
	local table total=0 rows
	say "every row of every table, read from StarRocks and compared with PostgreSQL:"
	for table in customers products orders order_items; do
		# Not sr_dump: a shell variable is no place for a table.
		curl -sS -d "{\"do\": \"dump\", \"db\": \"shop\", \"table\": \"$table\"}" "http://127.0.0.1:$SR_CONTROL/" >"$T/have.$table"
		psql -XqAt -d shop -c "select row_to_json(t) from $table t" >"$T/want.$table"
		python3 tests/testkit/starrocks_equal.py "$T/want.$table" "$T/have.$table" || return 1
		rows=$(wc -l <"$T/have.$table")
		total=$((total + rows))
		say "  $green$(printf 'equal%s: %9d rows in shop.%s' "$plain" "$rows" "$table")"
	done
	[ "$total" -ge 200000 ] || return 1
	sr_violations
	say "  and nothing that a real cluster would have refused or warned of"
}

target_summary() {
	say "tables:  as StarRocks has them"
	for table in orders order_items; do
		say "         $dim$(head -n 1 "$T/have.$table" | cut -c 1-150)$plain"
	done
}

target_config() {
	printf '{"fe": ["http://127.0.0.1:%s", "http://127.0.0.1:%s"], ' "${SR_FE[@]}"
	printf '"mysql": ["127.0.0.1:%s", "127.0.0.1:%s"], ' "${SR_MYSQL[@]}"
	printf '"user": "%s", "password": "%s", "database": "live", "replication_num": 1}' "$SR_USER" "$SR_PASSWORD"
}

target_look() { say "the tables:   mysql -h 127.0.0.1 -P ${SR_MYSQL[0]} -u $SR_USER -p$SR_PASSWORD shop"; }
