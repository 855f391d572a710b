#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Partitioned tables: by the root's name or the leaves', as the publication says; rows that move; a leaf with another column
# order; attach, detach and truncate.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table ev (id int, region text, n int, note text, primary key (id, region)) partition by list (region);
create table ev_eu partition of ev for values in ('eu');
create table ev_us (note text, gone int, n int, region text not null, id int not null);
alter table ev_us drop column gone;
alter table ev attach partition ev_us for values in ('us');
create table ev_rest partition of ev default partition by range (id);
create table ev_rest_low partition of ev_rest for values from (0) to (100);
create table ev_rest_high partition of ev_rest for values from (100) to (200);
insert into ev values (1, 'eu', 1, 'a'), (2, 'us', 2, 'b'), (3, 'as', 3, 'c'), (103, 'as', 4, null);
create publication by_root for table ev with (publish_via_partition_root = true);
create publication by_leaf for table ev;
SQL
job root source='publication = "by_root";'
job leaf source='publication = "by_leaf";'
run root --until=now
run leaf --until=now
changes root >"$T/rows"
diff -u - "$T/rows" <<'END' || fail "snapshot by root"
r public.ev {"id":1,"region":"eu"} -> {"id":1,"region":"eu","n":1,"note":"a"}
r public.ev {"id":103,"region":"as"} -> {"id":103,"region":"as","n":4,"note":null}
r public.ev {"id":2,"region":"us"} -> {"id":2,"region":"us","n":2,"note":"b"}
r public.ev {"id":3,"region":"as"} -> {"id":3,"region":"as","n":3,"note":"c"}
END
verify root
verify leaf

step "through the root, through a leaf, between partitions"
sqlf <<'SQL'
insert into ev values (4, 'eu', 5, 'd');
insert into ev_us (id, region, n, note) values (5, 'us', 6, 'e');
update ev set n = 7 where id = 2;
update ev set region = 'us' where id = 1;
delete from ev where id = 103;
SQL
run root --until=now
run leaf --until=now
expect_changes root --op cud <<'END'
c public.ev {"id":4,"region":"eu"} -> {"id":4,"region":"eu","n":5,"note":"d"}
c public.ev {"id":5,"region":"us"} -> {"id":5,"region":"us","n":6,"note":"e"}
u public.ev {"id":2,"region":"us"} -> {"id":2,"region":"us","n":7,"note":"b"}
d public.ev {"id":1,"region":"eu"} {"id":1,"region":"eu"}
c public.ev {"id":1,"region":"us"} -> {"id":1,"region":"us","n":1,"note":"a"}
d public.ev {"id":103,"region":"as"} {"id":103,"region":"as"}
END
[ "$(changes leaf --op cud | cut -d ' ' -f 1,2 | tr '\n' ' ')" = "c public.ev_eu c public.ev_us u public.ev_us d public.ev_eu c public.ev_us d public.ev_rest_high " ] ||
	fail "by leaf: $(changes leaf --op cud)"
verify root
verify leaf

step "truncate of the root, of a leaf; attach and detach"
sqlf <<'SQL'
truncate ev_rest_low;
create table ev_af (like ev including all);
insert into ev_af values (9, 'af', 9, 'attached');
SQL
sqlf <<'SQL'
alter table ev attach partition ev_af for values in ('af');
insert into ev values (10, 'af', 10, 'through the root');
update ev set n = 11 where id = 10;
SQL
run root --until=now
changes root --op cu | tail -n 2 >"$T/attached"
diff -u - "$T/attached" <<'END' || fail "attached partition by root"
c public.ev {"id":10,"region":"af"} -> {"id":10,"region":"af","n":10,"note":"through the root"}
u public.ev {"id":10,"region":"af"} -> {"id":10,"region":"af","n":11,"note":"through the root"}
END
sql "truncate ev"
run root --until=now
changes root --op t | tail -n 1 | grep -q '^t public.ev -' || fail "no truncate of the root"
sql "insert into ev values (20, 'eu', 0, 'after')"
run root --until=now
verify root
