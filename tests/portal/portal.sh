#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The portal in a browser, as a person uses it: from the set-up link to a job that streams, with a real worker. The browser's
# part is portal.mjs.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"
# shellcheck source=tests/testkit/worker.sh
. "$TESTKIT/worker.sh"
# shellcheck source=tests/control/lib.sh
. "$EZ_SRC/tests/control/lib.sh"
# shellcheck source=tests/portal/lib.sh
. "$EZ_SRC/tests/portal/lib.sh"
case " ${EZ_PLUGINS:-agent} " in *" agent "*) ;; *) skip "the agent plugin is not built" ;; esac

(cd "$EZ_SRC" && find control/portal -type f ! -name local.mk | sort) >"$T/files"
grep -o 'control/portal/[^ ]*' "$EZ_SRC/control/portal/local.mk" | sort >"$T/installed"
diff "$T/files" "$T/installed" || fail "control/portal/local.mk does not install what is there"

browser_find
browser_start "$EZ_SRC/tests/portal/portal.mjs"
control_catalog
control_start
sql "create role cdc login superuser password 'open-sesame-4711'" "create table orders (id int primary key, note text)" \
	"insert into orders select g, 'note ' || g from generate_series(1, 1000) g" "create table loose (note text)" \
	"create table customers (id int primary key, name text)" "analyze"
mkdir -p "$T/shop"

step "the browser begins"
cat >"$T/servers.new" <<-JSON
	{ "url": "$CONTROL_URL", "setup": "$(cat "$CONTROL_DIR/setup-main")", "port": $PG_PORT, "database": "$PGDATABASE" }
JSON
mv "$T/servers.new" "$T/servers.json"

# The browser asks for a worker's token and writes it down; the test is the person who runs the commands.
await 30 "the token of a worker" browser_wrote token
chmod 600 "$T/token"
worker_conf "
	allow_paths = [ \"$T/shop\" ];
	agent = { plugin = \"agent\"; control_url = \"$CONTROL_URL\"; token = { file = \"$T/token\"; }; name = \"edge\"; };"
worker_start

await 60 "the job to stream" browser_wrote job
sql "insert into orders values (2000, 'new')"
slot=ezcdc_$(tr -d - <"$T/job" | cut -c 1-12)
sql_is "select count(*) = 1 from pg_replication_slots where slot_name = '$slot'" || fail "there is no slot $slot"
browser_end
worker_stop
if grep -rq sesame "$T/browser.log" "$WORKER/log"; then fail "the password is in a log"; fi
