#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# asan: yes
# tsan: yes
#
# The first run copies what is there, the next goes on exactly where the first ended, whatever was done in between.

# shellcheck source=tests/testkit/lib.sh
. "$(dirname "$0")/../testkit/lib.sh"

pg_start
sqlf <<'SQL'
create table orders (id int primary key, customer text not null, total numeric(10,2), paid bool);
create table lines (order_id int, n smallint, what text, primary key (order_id, n));
create table other (id int primary key);
insert into orders values (1, 'ann', 19.90, true), (2, 'bob', null, false);
insert into lines values (1, 1, 'tea'), (1, 2, '');
insert into other values (1);
SQL

job shop source='tables = [ "public.orders", "public.lines" ];'
run shop --until=now
expect_changes shop <<'END'
r public.lines {"order_id":1,"n":1} -> {"order_id":1,"n":1,"what":"tea"}
r public.lines {"order_id":1,"n":2} -> {"order_id":1,"n":2,"what":""}
r public.orders {"id":1} -> {"id":1,"customer":"ann","total":"19.90","paid":true}
r public.orders {"id":2} -> {"id":2,"customer":"bob","total":null,"paid":false}
END
verify shop

step "inserts, updates, deletes, truncate; one transaction and several"
sqlf <<'SQL'
insert into orders values (3, 'eve', 5, null);
update orders set total = 20 where id = 1;
update orders set id = 22 where id = 2;
begin;
insert into lines values (3, 1, 'a "quoted" \ back' || chr(9) || 'slash'), (3, 2, null);
delete from orders where id = 3;
delete from lines where order_id = 1 and n = 1;
commit;
insert into other values (2);
truncate lines;
insert into lines values (9, 9, 'last');
SQL
run shop --until=now
expect_changes shop --op cudt <<'END'
c public.orders {"id":3} -> {"id":3,"customer":"eve","total":"5.00","paid":null}
u public.orders {"id":1} -> {"id":1,"customer":"ann","total":"20.00","paid":true}
u public.orders {"id":22} {"id":2} -> {"id":22,"customer":"bob","total":null,"paid":false}
c public.lines {"order_id":3,"n":1} -> {"order_id":3,"n":1,"what":"a \"quoted\" \\ back\tslash"}
c public.lines {"order_id":3,"n":2} -> {"order_id":3,"n":2,"what":null}
d public.orders {"id":3} {"id":3}
d public.lines {"order_id":1,"n":1} {"order_id":1,"n":1}
t public.lines -
c public.lines {"order_id":9,"n":9} -> {"order_id":9,"n":9,"what":"last"}
END
verify shop

step "nothing new: nothing written"
find "$T/shop/out" -name '*.jsonl' -printf '%p %s\n' | sort >"$T/before"
run shop --until=now
find "$T/shop/out" -name '*.jsonl' -printf '%p %s\n' | sort >"$T/after"
diff "$T/before" "$T/after" || fail "a run without changes wrote files"
[ -z "$(find "$T/shop/out" -name '*.part')" ] || fail "a finished run left a .part file"

step "a rolled back transaction leaves nothing, a savepoint rolled back neither"
sqlf <<'SQL'
begin;
insert into orders values (50, 'nobody', 1, true);
rollback;
begin;
insert into orders values (51, 'kept', 1, true);
savepoint a;
insert into orders values (52, 'dropped', 1, true);
rollback to a;
insert into orders values (53, 'kept too', 1, true);
commit;
SQL
run shop --until=now
[ "$(changes shop --op c --column customer | tail -n 2 | cut -d ' ' -f 5- | tr '\n' ' ')" = '{"customer":"kept"} {"customer":"kept too"} ' ] ||
	fail "$(changes shop --op c | tail -n 3)"
verify shop
