#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Front ends over https: certificates are checked, and a redirect to a back end without https is not taken, for the password would
# be readable. With https in front of the back ends, named in address_map, everything arrives.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/starrocks.sh
. "$TESTKIT/starrocks.sh"
# shellcheck source=tests/testkit/starrocks_job.sh
. "$TESTKIT/starrocks_job.sh"
need_tool openssl

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key.pem" -out "$T/cert.pem" -days 2 -subj /CN=127.0.0.1 \
	-addext subjectAltName=IP:127.0.0.1 >/dev/null 2>&1 || skip "openssl makes no certificate"

# https_proxy_start PORT: https in front of it; sets PROXY_PORT.
https_proxy_start() {
	python3 - "$1" "$T" >"$T/proxy.$1" 2>&1 <<-'END' &
	import socket, ssl, sys, threading

	def pump(a, b):
	    try:
	        while data := a.recv(65536):
	            b.sendall(data)
	    except OSError:
	        pass
	    for s in (a, b):
	        try:
	            s.shutdown(socket.SHUT_RDWR)
	        except OSError:
	            pass

	def serve(raw):
	    try:
	        client = context.wrap_socket(raw, server_side=True)
	        server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
	    except OSError:
	        return
	    threading.Thread(target=pump, args=(client, server), daemon=True).start()
	    pump(server, client)

	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(sys.argv[2] + "/cert.pem", sys.argv[2] + "/key.pem")
	listener = socket.create_server(("127.0.0.1", 0))
	print(listener.getsockname()[1], flush=True)
	while True:
	    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
	END
	EZ_CHILDREN+=("$!")
	await 10 "the proxy" test -s "$T/proxy.$1"
	PROXY_PORT=$(cat "$T/proxy.$1")
}

pg_start
sql "create table t (id int primary key, body text)" "insert into t select i, 'row ' || i from generate_series(1, 1000) i"
sr_start --profile=4.0 --fe=2 --be=2 --certificate="$T/cert.pem" --key="$T/key.pem"
SR_SCHEME=https

sr_job tls source='tables = [ "public.t" ];'
try tls --until=now
expect_exit tls 78 'TLS' 'front end'

sr_job tls source='tables = [ "public.t" ];' sink='mysql_tls = "off";'
try tls --until=now
expect_exit tls 78 certificate

sr_job tls source='tables = [ "public.t" ];' sink="mysql_tls = \"off\"; ca_file = \"$T/cert.pem\";"
try tls --until=now
expect_exit tls 78 'from https to http'

map=
for port in "${SR_BE[@]}"; do
	https_proxy_start "$port"
	map+="${map:+, }\"127.0.0.1:$port=https://127.0.0.1:$PROXY_PORT\""
done
sr_job tls source='tables = [ "public.t" ];' sink="mysql_tls = \"off\"; ca_file = \"$T/cert.pem\"; address_map = [ $map ];"
run tls --until=now
sql "update t set body = 'changed' where id % 10 = 0"
run tls --until=now
sr_equal t
sr_violations
