#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What key and old row look like under each replica identity, and when it changes in the middle of the stream.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table by_key (id int primary key, a text, b text);
create table by_index (id int primary key, a text not null, b text);
create unique index by_index_a on by_index (a);
alter table by_index replica identity using index by_index_a;
create table whole (id int primary key, a text, b text);
alter table whole replica identity full;
create table bare (a text, b int);
alter table bare replica identity full;
insert into by_key values (1, 'x', 'y');
insert into by_index values (1, 'x', 'y');
insert into whole values (1, 'x', 'y');
insert into bare values ('x', 1), ('x', 1), (null, 2);
SQL
job ids source='tables = [ "public.*" ];'
run ids --until=now
verify ids

step "update of another column, of the key, delete"
sqlf <<'SQL'
update by_key set b = 'z';
update by_key set id = 2;
delete from by_key;
update by_index set b = 'z';
update by_index set a = 'w';
delete from by_index;
update whole set b = 'z';
delete from whole;
SQL
run ids --until=now
changes ids --op ud --table public.by_key >"$T/by_key"
diff -u - "$T/by_key" <<'END' || fail "replica identity default"
u public.by_key {"id":1} -> {"id":1,"a":"x","b":"z"}
u public.by_key {"id":2} {"id":1} -> {"id":2,"a":"x","b":"z"}
d public.by_key {"id":2} {"id":2}
END
changes ids --op ud --table public.by_index >"$T/by_index"
diff -u - "$T/by_index" <<'END' || fail "replica identity using index"
u public.by_index {"a":"x"} -> {"id":1,"a":"x","b":"z"}
u public.by_index {"a":"w"} {"a":"x"} -> {"id":1,"a":"w","b":"z"}
d public.by_index {"a":"w"} {"a":"w"}
END
changes ids --op ud --table public.whole | sed 's/^\(.\) public.whole \(-\|{[^}]*}\)/\1/' >"$T/whole"
diff -u - "$T/whole" <<'END' || fail "replica identity full"
u {"id":1,"a":"x","b":"y"} -> {"id":1,"a":"x","b":"z"}
d {"id":1,"a":"x","b":"z"}
END
verify ids

step "a table without a key, but with its whole old rows"
sqlf <<'SQL'
update bare set b = 3 where a is null;
delete from bare where ctid = (select min(ctid) from bare where a = 'x');
SQL
run ids --until=now
changes ids --op ud --table public.bare | sed 's/^\(.\) public.bare \(-\|{[^}]*}\)/\1/' >"$T/bare"
diff -u - "$T/bare" <<'END' || fail "full identity without a key"
u {"a":null,"b":2} -> {"a":null,"b":3}
d {"a":"x","b":1}
END
[ "$(sql 'select count(*) from bare')" = 2 ]

step "the identity changes while the stream runs"
sqlf <<'SQL'
insert into by_key values (5, 'p', 'q');
alter table by_key alter a set not null;
create unique index by_key_a on by_key (a);
alter table by_key replica identity using index by_key_a;
update by_key set a = 'pp';
alter table by_key replica identity full;
update by_key set b = 'qq';
alter table by_key replica identity default;
update by_key set id = 6;
SQL
run ids --until=now
changes ids --op cud --table public.by_key | tail -n 4 | cut -d ' ' -f 1,3- | sed 's/^u {"id":5}\( {"id":5,\)/u *\1/; s/^u {[^}]*}\( {"id":5,"a"\)/u *\1/' >"$T/changed"
diff -u - "$T/changed" <<'END' || fail "identity changed in the stream"
c {"id":5} -> {"id":5,"a":"p","b":"q"}
u {"a":"pp"} {"a":"p"} -> {"id":5,"a":"pp","b":"q"}
u * {"id":5,"a":"pp","b":"q"} -> {"id":5,"a":"pp","b":"qq"}
u {"id":6} {"id":5} -> {"id":6,"a":"pp","b":"qq"}
END

step "no identity at all: refused with the ALTER to run, unless only inserts are published"
sqlf <<'SQL'
create table none_at_all (a text);
insert into none_at_all values ('x');
create publication only_inserts for table none_at_all with (publish = 'insert');
SQL
job none source='tables = [ "public.none_at_all" ];'
try none --until=now
expect_exit none 78 'none_at_all' 'identity|primary key'
[ "$(sql "select count(*) from pg_replication_slots where slot_name = 'ezcdc_none'")" = 0 ] || fail "the refused job made a slot"
job inserts source='tables = [ "public.none_at_all" ]; publication = "only_inserts";'
run inserts --until=now
sql "insert into none_at_all values ('y')" "update none_at_all set a = 'z' where a = 'x'"
run inserts --until=now
expect_changes inserts <<'END'
r public.none_at_all - -> {"a":"x"}
c public.none_at_all - -> {"a":"y"}
END
