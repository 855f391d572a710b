#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
#
# Mask, route, columns and filter, one after the other, for the copy as for the stream; a filter that drops everything still lets
# the position move.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table users (id int primary key, email text, phone text, pin int, country text, note text);
create table other (id int primary key);
insert into users values (1, 'ann@example.com', '+49123456789', 1234, 'de', 'x'), (2, 'bob@example.com', null, 0, 'us', 'y');
SQL
transforms=$(cat <<'END'
transforms = (
    { plugin = "filter"; tables = [ "public.users" ]; where = "country = 'de'"; leaving = "delete"; },
    { plugin = "mask"; columns = [ "public.users.email" ]; with = "sha256"; key = "salt"; },
    { plugin = "mask"; columns = [ "public.users.phone" ]; with = "partial"; keep_last = 3; },
    { plugin = "mask"; columns = [ "public.users.pin" ]; with = "null"; },
    { plugin = "columns"; drop = [ "public.users.note" ]; rename = [ "public.users.phone=telephone" ]; },
    { plugin = "route"; from = "public\\.(.*)"; to = "shop.$1_copy"; }
);
END
)
job tr source='tables = [ "public.*" ];' top="$transforms"
run tr --until=now
hash=$(printf 'ann@example.com' | openssl dgst -sha256 -hmac salt | sed 's/.*= //')
expect_changes tr <<END
r shop.users_copy {"id":1} -> {"id":1,"email":"$hash","telephone":"*********789","pin":null,"country":"de"}
END
sqlf <<'SQL'
insert into users values (3, 'eve@example.com', '123', 1, 'de', 'z'), (4, 'out@example.com', '1', 1, 'fr', 'z');
update users set country = 'fr' where id = 3;
update users set country = 'de' where id = 4;
delete from users where id = 2;
delete from users where id = 4;
insert into other values (1);
SQL
run tr --until=now
changes tr --op cud --column id --column country --column telephone >"$T/have"
diff -u - "$T/have" <<'END' || fail "the stream"
c shop.users_copy {"id":3} -> {"id":3,"telephone":"***","country":"de"}
d shop.users_copy {"id":3} {"id":3}
u shop.users_copy {"id":4} -> {"id":4,"telephone":"*","country":"de"}
d shop.users_copy {"id":2} {"id":2}
d shop.users_copy {"id":4} {"id":4}
c shop.other_copy {"id":1} -> {"id":1}
END
if grep -rqE 'ann@|eve@|123456' "$T/tr/out" "$T/tr/log" "$T/tr/state"; then fail "what was masked was written down"; fi

step "a table of which nothing is kept: the slot moves all the same"
job none source='tables = [ "public.other" ];' top='transforms = ( { plugin = "filter"; operations = [ "delete" ]; } );'
start none
await_streaming none
before=$(lsn)
sql "insert into other select generate_series(2, 1000)"
await_confirmed none "$before" 30
stop none
[ -z "$(changes none)" ] || fail "$(changes none | head -n 3)"
