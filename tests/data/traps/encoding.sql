-- SPDX-License-Identifier: Apache-2.0
-- E13: a database that is not UTF-8: texts and names arrive converted.
-- @encoding LATIN1
-- @setup
create table "größe" (id int primary key, "ä" text, v varchar(4));
insert into "größe" values (1, 'ß', 'üüüü'), (2, 'ÿ', null);
-- @stream
update "größe" set "ä" = 'ü' where id = 1;
insert into "größe" values (3, repeat('é', 5000), 'éééé');
-- @again
alter table "größe" add column "ñ" text default 'ñ';
insert into "größe" values (4, 'a', 'b', 'ö');
