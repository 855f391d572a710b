#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Databases that are not UTF-8: LATIN1 and EUC_JP arrive converted; SQL_ASCII arrives as it is where it is UTF-8, and bytes that
# are not stop the job or go where the policy says, but never into the file.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sql "create database latin encoding 'LATIN1' locale 'C' template template0" \
	"create database japan encoding 'EUC_JP' locale 'C' template template0" \
	"create database ascii encoding 'SQL_ASCII' locale 'C' template template0"
for db in latin japan ascii; do
	PGCLIENTENCODING=$([ $db = ascii ] && echo SQL_ASCII || echo UTF8) sqlf $db <<-'SQL'
		create table t (id int primary key, v text);
		insert into t values (1, 'plain');
	SQL
done
PGCLIENTENCODING=UTF8 sql -d latin "insert into t values (2, 'Grüße, ñandú')" "create table \"größe\" (id int primary key, \"ä\" text)" "insert into \"größe\" values (1, 'ß')"
PGCLIENTENCODING=UTF8 sql -d japan "insert into t values (2, '日本語')"
PGCLIENTENCODING=SQL_ASCII sql -d ascii "insert into t values (2, 'Grüße')"

for db in latin japan ascii; do
	job $db conninfo="$(pg_conninfo $db)" source='tables = [ "public.*" ];'
	run $db --until=now
done
PGCLIENTENCODING=UTF8 sql -d latin "insert into t values (3, 'Ärger ÿ')" "update \"größe\" set \"ä\" = 'ü'"
PGCLIENTENCODING=UTF8 sql -d japan "insert into t values (3, '漢字')"
PGCLIENTENCODING=SQL_ASCII sql -d ascii "insert into t values (3, '€')"
for db in latin japan ascii; do run $db --until=now; done
expect_changes latin <<'END'
r public.größe {"id":1} -> {"id":1,"ä":"ß"}
r public.t {"id":1} -> {"id":1,"v":"plain"}
r public.t {"id":2} -> {"id":2,"v":"Grüße, ñandú"}
c public.t {"id":3} -> {"id":3,"v":"Ärger ÿ"}
u public.größe {"id":1} -> {"id":1,"ä":"ü"}
END
expect_changes japan <<'END'
r public.t {"id":1} -> {"id":1,"v":"plain"}
r public.t {"id":2} -> {"id":2,"v":"日本語"}
c public.t {"id":3} -> {"id":3,"v":"漢字"}
END
expect_changes ascii <<'END'
r public.t {"id":1} -> {"id":1,"v":"plain"}
r public.t {"id":2} -> {"id":2,"v":"Grüße"}
c public.t {"id":3} -> {"id":3,"v":"€"}
END

step "bytes that are no UTF-8"
PGCLIENTENCODING=SQL_ASCII sql -d ascii "insert into t values (4, E'bad \\xff byte')"
try ascii --until=now
expect_exit ascii 65 'public\.t' 'UTF-8|encoding'
if changes ascii --op c | grep -q '"id":4'; then fail "the bad row is in the files"; fi
PGCLIENTENCODING=SQL_ASCII sql -d ascii "insert into t values (5, 'good')"
job ascii conninfo="$(pg_conninfo ascii)" source='tables = [ "public.*" ];' top='errors = { policy = "dead-letter"; };'
run ascii --until=now
changes ascii --op c | tail -n 1 | grep -q '"id":5' || fail "the row after the bad one did not arrive"
[ "$(grep -c . "$T/ascii/state/dead-letter.jsonl")" = 1 ] || fail "the dead letter file does not hold one row"
