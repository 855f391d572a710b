#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Keys that change, are swapped, deleted and used again, within one transaction and over many.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table k (a int, b text, v int, big text, primary key (a, b));
alter table k alter big set storage external;
insert into k values (1, 'x', 10, repeat('1', 5000)), (2, 'x', 20, repeat('2', 5000)), (3, 'y', 30, 'small');
SQL
job keys source='tables = [ "public.k" ];'
run keys --until=now

sqlf <<'SQL'
begin;
update k set a = 100 where a = 1;
update k set a = 1 where a = 2;
update k set a = 2 where a = 100;
commit;
update k set b = 'z', v = v + 1 where a = 3;
begin;
delete from k where a = 3;
insert into k values (3, 'z', 31, null);
update k set v = 32 where a = 3;
commit;
delete from k where a = 3;
insert into k values (3, 'z', 33, 'again');
SQL
run keys --until=now
expect_changes keys --op cud --column a --column b --column v <<'END'
u public.k {"a":100,"b":"x"} {"a":1,"b":"x"} -> {"a":100,"b":"x","v":10} unchanged ["big"]
u public.k {"a":1,"b":"x"} {"a":2,"b":"x"} -> {"a":1,"b":"x","v":20} unchanged ["big"]
u public.k {"a":2,"b":"x"} {"a":100,"b":"x"} -> {"a":2,"b":"x","v":10} unchanged ["big"]
u public.k {"a":3,"b":"z"} {"a":3,"b":"y"} -> {"a":3,"b":"z","v":31}
d public.k {"a":3,"b":"z"} {"a":3,"b":"z"}
c public.k {"a":3,"b":"z"} -> {"a":3,"b":"z","v":31}
u public.k {"a":3,"b":"z"} -> {"a":3,"b":"z","v":32}
d public.k {"a":3,"b":"z"} {"a":3,"b":"z"}
c public.k {"a":3,"b":"z"} -> {"a":3,"b":"z","v":33}
END
verify keys
