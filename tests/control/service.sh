#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The server as a service, its commands and its configuration.

. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"

# ends CODE TEXT COMMAND...: the command ends with the code and says the text.
ends() {
	local code=$1 text=$2 rc=0
	shift 2
	"$@" >"$T/out" 2>&1 || rc=$?
	[ "$rc" = "$code" ] || fail "$* ended with $rc instead of $code: $(cat "$T/out")"
	grep -qF -- "$text" "$T/out" || fail "$* did not say '$text': $(cat "$T/out")"
}

control_catalog

step "commands"
ends 0 "applied 2 migrations" control migrate
ends 0 "applied 0 migrations" control migrate
ends 0 "ezcdc-control " control --version
ends 64 "Try" control --nonsense
ends 64 "there is no command: nonsense" control nonsense
ends 64 "NAME is needed" control create-deployment
ends 64 "--role" control create-user someone </dev/null
ends 65 "at least 10" control create-user --role=admin someone <<<"short"
ends 64 "--user" control create-token
ends 67 "no user" control create-token --user=nobody
ends 0 "token ezd_" control create-deployment first
ends 73 "exists" control create-deployment first
ends 0 "under key" control rotate-key
ends 0 "under key" control rotate-key --finish
ends 64 "no new one" control rotate-key --activate
ends 64 "steps of their own" control rotate-key --add --activate
ends 78 "cannot read" "$EZ_BUILD/ezcdc-control" --config="$T/nothing.conf"
sed 's/port=[0-9]*/port=1/' "$CONTROL_DIR/main.conf" >"$T/away.conf"
ends 69 "cannot connect to the catalog" "$EZ_BUILD/ezcdc-control" --config="$T/away.conf"
catalog "insert into migrations (version, name) values (9999, 'of the future')"
ends 78 "older than the one that made the catalog" control migrate
catalog "delete from migrations where version = 9999"

step "serving"
control_start
python3 "$EZ_SRC/tests/control/service.py"
rc=0
wait "${CONTROL_PID[main]}" || rc=$?
[ "$rc" = 0 ] || fail "SIGTERM: it ended with $rc"

step "behind a proxy"
control_config proxied "trust_proxy = true;"
control_start proxied
# shellcheck disable=SC2154
CONTROL_URL=$CONTROL_URL_proxied python3 - <<-'PY' || fail "addresses are not as the proxy says"
	import http.client, json
	from api import Api, catalog
	api = Api()

	def guess(name, *forwarded):
	    c = http.client.HTTPConnection(api.host, api.port, timeout=20)
	    body = json.dumps({"name": name, "password": "x"}).encode()
	    c.putrequest("POST", "/api/session")
	    for value in forwarded:
	        c.putheader("X-Forwarded-For", value)
	    c.putheader("Content-Type", "application/json")
	    c.putheader("Content-Length", str(len(body)))
	    c.endheaders(body)
	    return c.getresponse().status

	# What the client says of itself stands first, in the same header or in one above.
	assert guess("liar", "192.0.2.1, 198.51.100.7") == 401
	assert guess("liar2", "192.0.2.1", "198.51.100.8") == 401
	seen = catalog("select string_agg(address, ' ' order by id) from audit where object_name like 'liar%'")
	assert seen == "198.51.100.7 198.51.100.8", seen
	# Whoever has one IPv6 address has the whole /64 of it.
	codes = [guess(f"six{i}", f"2001:db8:1:2::{i:x}") for i in range(1, 20)]
	assert codes[0] == 401 and codes[-1] == 429, codes
	assert guess("other", "2001:db8:1:3::1") == 401
PY
control_stop proxied

step "over TLS"
need_tool openssl
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$T/key.pem" -out "$T/cert.pem" 2>"$T/openssl.log"
control_config tls "tls = { certificate = \"$T/cert.pem\"; key = \"$T/key.pem\"; };"
# shellcheck disable=SC2154
url=${CONTROL_URL_tls/http:/https:}
mkdir -p "$T/control-tls"
"$EZ_BUILD/ezcdc-control" --config="$CONTROL_DIR/tls.conf" 2>"$T/control-tls/log" &
EZ_CHILDREN+=($!)
pid=$!
await 20 "the TLS server" curl -sf --cacert "$T/cert.pem" -o "$T/ready" "$url/readyz"
curl -sf --cacert "$T/cert.pem" -D "$T/headers" -o "$T/out" "$url/healthz"
grep -qi '^strict-transport-security' "$T/headers" || fail "no strict transport security"
curl -s --cacert "$T/cert.pem" --tls-max 1.1 -o "$T/out" "$url/healthz" && fail "it speaks TLS 1.1"
kill -TERM "$pid"
wait "$pid" || fail "the TLS server ended with $?"
