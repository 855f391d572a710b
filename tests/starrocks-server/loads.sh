#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Plain Stream Loads over HTTP: redirects, checks, rows, labels.

# shellcheck source=tests/starrocks-server/lib.sh
. "$(dirname "$0")/lib.sh"

sr_start --fe=2 --be=2
table t

load fe0 shop t a '1,x,1.5\n'
code 307
grep -qi "^Location: http://127.0.0.1:${SR_BE[0]}/api/shop/t/_stream_load" "$T/head" || fail "the front end names another place"
grep -qi '^Connection: close' "$T/head" && grep -qi '^Content-Length: 0' "$T/head" || fail "the redirect keeps the connection"
load fe1 shop t a '1,x,1.5\n'
grep -qi "^Location: http://127.0.0.1:${SR_BE[1]}/" "$T/head" || fail "back ends do not take turns"
sr_violations
ok "front ends send loads to back ends in turn, without a body or a password"

http fe0 PUT /api/shop/t/_stream_load -H 'Expect:' -H 'label: a' --upload-file "$T/data"
code 200
is Status FAILED Message 'class com.starrocks.common.DdlException: There is no 100-continue header'
violation body_sent_to_fe
ok "a body that is sent to a front end is noticed"

load be0 shop t a '1,x,1.5\n2,\\N,-0.125\n'
code 200
is Status Success Label a Message OK NumberTotalRows 2 NumberLoadedRows 2 NumberFilteredRows 0
rows t <<'R'
{"id":1,"name":"x","price":"1.50"}
{"id":2,"name":null,"price":"-0.13"}
R
state a VISIBLE
state unknown UNKNOWN
ok "rows are stored"

load be1 shop t a '3,z,1\n'
is Status 'Label Already Exists' ExistingJobStatus FINISHED
ok "a label is used once"

load be0 shop t b '3,abcdefghijk,1\n4,d,x\n5\n6,f,6\n'
is Status Fail Message 'too many filtered rows' NumberFilteredRows 3 NumberLoadedRows 1
curl -s "$(field ErrorURL)" >"$T/errors"
grep -q 'The field (name = name, pos = 1) is out of range' "$T/errors" && grep -q "Target column count: 3 doesn't match source value column count: 1" "$T/errors" ||
	fail "the error log: $(cat "$T/errors")"
state b ABORTED
load be0 shop t b '6,f,6\n'
is Status Success
ok "bad rows fail the load, and its label can be used again"

STRICT=false load be0 shop t c '7,abcdefghijk,7\n'
is Status Success NumberLoadedRows 1
violation no_strict_mode
rows t <<'R'
{"id":1,"name":"x","price":"1.50"}
{"id":2,"name":null,"price":"-0.13"}
{"id":6,"name":"f","price":"6.00"}
{"id":7,"name":null,"price":"7.00"}
R
ok "without strict mode bad values become NULL, and that is a violation"

load be0 shop t d '1,,0\n2,,1\n7,n,0\n' -H 'columns: id,name,__op'
is Status Success
rows t <<'R'
{"id":1,"name":"","price":null}
{"id":6,"name":"f","price":"6.00"}
{"id":7,"name":"n","price":null}
R
load be0 shop t e '6,8.5\n9,9\n' -H 'columns: id,price' -H 'partial_update: true'
is Status Success
rows t <<'R'
{"id":1,"name":"","price":null}
{"id":6,"name":"f","price":"8.50"}
{"id":7,"name":"n","price":null}
{"id":9,"name":null,"price":"9.00"}
R
sr_violations
load be0 shop t f 'x,8.5\n' -H 'columns: name,price' -H 'partial_update: true'
is Status Fail Message 'key column id not in partial update columns'
ok "deletes and partial updates"

load be0 shop t g '[{"id":1,"name":"j\\u0031","extra":1},{"id":7,"__op":1}]' -H 'format: json' -H 'strip_outer_array: true'
is Status Success NumberLoadedRows 2
rows t <<'R'
{"id":1,"name":"j1","price":null}
{"id":6,"name":"f","price":"8.50"}
{"id":9,"name":null,"price":"9.00"}
R
load be0 shop t h '[{"id":1}' -H 'format: json' -H 'strip_outer_array: true'
is Status Fail
says Message 'Failed to parse json'
ok "JSON"

printf '20,zip,1\n' | gzip >"$T/zipped"
http be0 PUT /api/shop/t/_stream_load -H 'label: z1' -H 'strict_mode: true' -H 'column_separator: ,' -H 'format: gzip' \
	--upload-file "$T/zipped"
is Status Success NumberLoadedRows 1
if command -v zstd >/dev/null; then
	printf '21,zip,1\n' | zstd -q >"$T/zipped"
	http be0 PUT /api/shop/t/_stream_load -H 'label: z2' -H 'strict_mode: true' -H 'column_separator: ,' -H 'format: zstd' \
		--upload-file "$T/zipped"
	is Status Success NumberLoadedRows 1
fi
head -c 20 "$T/zipped" >"$T/cut"
http be0 PUT /api/shop/t/_stream_load -H 'label: z3' -H 'strict_mode: true' -H 'format: gzip' --upload-file "$T/cut"
is Status Fail
printf '22,zip,1\n' | gzip >"$T/zipped"
http be0 PUT /api/shop/t/_stream_load -H 'label: z4' -H 'strict_mode: true' -H 'column_separator: ,' -H 'compression: gzip' \
	--upload-file "$T/zipped"
is Status Fail Message 'too many filtered rows'
violation compression_header
printf '[{"id":23,"name":"zip"}]' | gzip >"$T/zipped"
http be0 PUT /api/shop/t/_stream_load -H 'label: z5' -H 'strict_mode: true' -H 'format: json' -H 'strip_outer_array: true' \
	-H 'compression: gzip' --upload-file "$T/zipped"
is Status Success NumberLoadedRows 1
ok "compressed bodies"

load be0 shop t dup '30,a,1\n30,b,2\n'
is Status Success
violation repeated_key
ok "a key twice in a load is a violation"

load be0 shop nowhere n '1\n'
is Status Fail Message 'unknown table, table=nowhere'
load be0 nowhere t n '1\n'
is Status Fail Message 'unknown database, database=nowhere'
load be0 shop t 'a b' '1\n'
says Message 'Label format error'
load be0 shop t n '1\n' -H 'format: parquet'
is Message 'unknown data format, format=parquet'
load be0 shop t n '1\n' -H 'timeout: 0'
is Message 'Invalid timeout format: 0'
load be0 shop t n '1\n' -H 'where: id > 1'
is Message 'not emulated: where'
load be0 shop t n '1\n' -H 'columns: id,nothing'
says Message "unknown column 'nothing'"
load be0 shop t n '1\n' -H 'columns: id,order'
says Message 'syntax error'
load be0 shop t n ''
is Message 'all partitions have no load data'
load be0 shop t n '1\n' -H 'compression: gzip' -H 'Content-Encoding: gzip'
is Status Fail
sr_set '"json_max_bytes": 10'
load be0 shop t n '{"id":1, "name":"long"}' -H 'format: json'
says Message 'The size of this batch exceed the max size [10] of json type data'
sr_set '"json_max_bytes": 104857600, "is_disk_full": true'
load be0 shop t n '1,a,1\n'
says Message 'exceed limit usage'
sr_set '"is_disk_full": false, "key_max_bytes": 3'
load be0 shop t n '1,a,1\n'
is Message 'primary key size exceed the limit.'
sr_set '"key_max_bytes": 128'
ok "what a back end refuses"

http be0 PUT /api/shop/t/_stream_load -u root:wrong -H 'label: p' --upload-file "$T/data"
code 200
says Message 'Access denied'
http fe0 GET '/api/shop/get_load_state?label=a' -u root:wrong
code 401
grep -qi '^WWW-Authenticate: Basic realm=""' "$T/head" || fail "401 without a challenge"
http stranger GET /
violation credentials_leaked
http be0 GET /nothing
code 404
ok "passwords"

sr_set '"tablet_max_versions": 2, "compaction_per_min": 1'
load be0 shop t v1 '40,a,1\n'
load be0 shop t v2 '41,a,1\n'
load be0 shop t v3 '42,a,1\n'
is Status Fail
says Message 'because of too many versions, current/limit: 2/2'
sr_control '"do": "advance", "ms": 61000'
load be0 shop t v3 '42,a,1\n'
is Status Success
sr_set '"tablet_max_versions": 1000, "compaction_per_min": 0'
ok "versions are limited until they are compacted"

sr_set '"publish_ms": 100000, "publish_timeout_ms": 30'
load be0 shop t late '50,a,1\n'
is Status 'Publish Timeout'
state late COMMITTED
load be0 shop t late '50,a,1\n'
is Status 'Label Already Exists' ExistingJobStatus FINISHED
if sr_dump shop t | grep -q '"id":50'; then fail "it is visible already"; fi
sr_control '"do": "advance", "ms": 100000'
state late VISIBLE
sr_dump shop t | grep -q '"id":50' || fail "it is not visible"
sr_set '"publish_ms": 0, "publish_timeout_ms": 0'
ok "committed is not visible"

sr_set '"label_keep_max_num": 1'
state a UNKNOWN
load be0 shop t a '51,again,1\n'
is Status Success
sr_set '"label_keep_max_num": 1000'
sr_control '"do": "advance", "ms": 259201000'
state a UNKNOWN
ok "labels are forgotten, by number and by age"

sr_control '"do": "leader", "fe": 1'
http fe0 GET '/api/shop/get_load_state?label=a'
code 307
grep -qi "^Location: http://127.0.0.1:${SR_FE[1]}/api/shop/get_load_state?label=a" "$T/head" || fail "a follower names another place"
sr_control '"do": "leader", "fe": 0'
sr_control '"do": "be", "be": 0, "alive": false'
sr_control '"do": "be", "be": 1, "alive": false'
load fe0 shop t x '1\n'
is Status FAILED Message 'No backend alive.'
sr_control '"do": "be", "be": 0, "alive": true'
http fe0 GET '/api/shop/t/_stream_load_meta?type=nodes&node_service=http'
[ "$(cat "$T/answer")" = "127.0.0.1:${SR_BE[0]}" ] || fail "nodes: $(cat "$T/answer")"
http fe0 POST /api/v1/catalogs/default_catalog/databases/shop/sql -H 'Content-Type: application/json' \
	-d '{"query": "select id from t where id = 51"}'
code 200
grep -q '"data":\[51\]' "$T/answer" || fail "SQL over HTTP: $(cat "$T/answer")"
ok "followers, dead back ends, SQL over HTTP"

sr_history shop t false >"$T/history"
grep -q '"label":"a".*"upserts":2,"deletes":0' "$T/history" || fail "history: $(cat "$T/history")"
sr_journal | grep -q '"node":"be0","method":"PUT","target":"/api/shop/t/_stream_load".*"label":"v3"' || fail "the journal lacks a load"
if sr_journal | grep -q "$SR_PASSWORD"; then fail "the journal holds the password"; fi
sr_violations
sr_stop
ok "history and journal"
