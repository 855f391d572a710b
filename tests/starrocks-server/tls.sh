#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Front ends with TLS, and bodies compressed with LZ4.

# shellcheck source=tests/starrocks-server/lib.sh
. "$(dirname "$0")/lib.sh"

command -v openssl >/dev/null 2>&1 || skip "openssl is not installed"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext 'subjectAltName=IP:127.0.0.1' \
	-keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
[ -x "$SR_SERVER" ] || skip "tests/testkit/starrocks/server is not built"
if "$SR_SERVER" --certificate="$T/nothing" --key="$T/nothing" 2>/dev/null; then fail "it starts without its certificate"; fi
ldd "$SR_SERVER" 2>/dev/null | grep -q libssl || skip "the server is built without TLS"

sr_start --certificate="$T/cert.pem" --key="$T/key.pem"
table t
printf '1,x,1\n' >"$T/data"
CODE=$(curl -s --cacert "$T/cert.pem" -u "$SR_USER:$SR_PASSWORD" -H 'Expect: 100-continue' -H 'label: a' -T "$T/data" -D "$T/head" \
	-o "$T/answer" -w '%{http_code}' "https://127.0.0.1:${SR_FE[0]}/api/shop/t/_stream_load")
code 307
grep -qi "^Location: http://127.0.0.1:${SR_BE[0]}/" "$T/head" || fail "another Location: $(cat "$T/head")"
if curl -s --max-time 5 "http://127.0.0.1:${SR_FE[0]}/api/health"; then fail "it answers without TLS"; fi
ok "front ends speak TLS and send to back ends that do not"

if command -v lz4 >/dev/null 2>&1 && ldd "$SR_SERVER" | grep -q liblz4; then
	lz4 -q "$T/data" "$T/data.lz4"
	http be0 PUT /api/shop/t/_stream_load -H 'label: b' -H 'strict_mode: true' -H 'column_separator: ,' -H 'format: lz4' \
		--upload-file "$T/data.lz4"
	is Status Success NumberLoadedRows 1
	ok "LZ4"
else
	echo "skip - LZ4: not built"
fi
sr_violations
sr_stop
