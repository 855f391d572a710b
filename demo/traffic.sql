-- SPDX-License-Identifier: Apache-2.0
--
-- One visit to the shop, for pgbench: an order of three lines, stock going down, an older order shipped, now and then a
-- parcel lost, a customer who moves, a price that changes, an order that is rolled back.
\set customer random(1, 20000)
\set one random(1, 5000)
\set two random(1, 5000)
\set old random(1, 60000)
\set dice random(1, 100)
begin;
insert into orders (customer_id, status, total) values (:customer, 'new', :dice + 0.99) returning id \gset
insert into order_items values (:id, 1, :one, 1, 9.99, null), (:id, 2, :two, 2, 19.99, 0.05), (:id, 3, :one, 1, 0.50, null);
update products set stock = stock - 1 where id = :one;
update orders set status = 'shipped', shipped = now() where id = :old;
\if :dice <= 2
rollback;
\else
commit;
\endif
\if :dice > 90
begin;
delete from orders where id = :old;
commit;
\endif
\if :dice > 80
update customers set address = jsonb_build_object('street', :dice || ' New St', 'zip', '00000'), vip = not vip where id = :customer;
\endif
\if :dice = 50
update products set price = price * 1.01 where id between :two and :two + 20;
\endif
