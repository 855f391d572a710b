#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The sample sink of the plugin author's guide, built out of tree with nothing but pkg-config, runs a job.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

for tool in pkg-config make; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done
case ${EZ_SANITIZE:-no} in no | '') ;; *) skip "the sample is built without sanitizers" ;; esac

step "built through pkg-config"
env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES make -s -C "$EZ_BUILD" DESTDIR="$T/root" install-dist_ezincludeHEADERS install-pkgconfigDATA >"$T/make.log" 2>&1 ||
	fail "$(tail -n 3 "$T/make.log")"
pc=$(find "$T/root" -name ezcdc-plugin.pc)
sed -i -E "s#^([a-z_]+)=/#\1=$T/root/#" "$pc"
cp -r "$EZ_SRC/examples/null-sink" "$T/sample"
chmod -R u+w "$T/sample"
env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u CFLAGS -u LDFLAGS PKG_CONFIG_PATH="$(dirname "$pc")" \
	make -s -C "$T/sample" CC="${CC:-cc}" >"$T/make.log" 2>&1 || fail "$(tail -n 3 "$T/make.log")"

step "and run"
pg_start
sql "create table t (id int primary key)" "insert into t select generate_series(1, 100)"
job sample source='tables = [ "public.t" ];' sink_section='sink = { plugin = "null"; verbose = true; };'
run sample --plugin-dir="$T/sample" --until=now
sql "insert into t values (101), (102), (103)"
run sample --plugin-dir="$T/sample" --until=now
grep -q 'threw away a batch rows=3' "$T/sample/log" || fail "the sink did not see the three inserts: $(cat "$T/sample/log")"
