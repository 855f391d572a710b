-- SPDX-License-Identifier: Apache-2.0
-- D12: names with quotes, dots, spaces, percent signs, backslashes, slashes, keywords, emoji, mixed case and of full length.
-- @setup
create table "MiXed ""q"" .tab%le\-'😀" ("select" int primary key, "Co""l.um n" text, "ü%s\n" text, "😀" int, "a`b" text, "__op" text, "a,b" text);
create table "select" ("from" int primary key, "where" text);
create table "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc" (
    "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc" int primary key);
create table "../../../up" (id int primary key);
create table "Case" (id int primary key);
create table "case" (id int primary key);
create table "a?b#c&d=e+f" (id int primary key, v bytea, j jsonb, "it's" text);
insert into "MiXed ""q"" .tab%le\-'😀" values (1, 'a', 'b', 2, 'c', 'd', 'e');
insert into "select" values (1, 'x');
insert into "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc" values (1);
insert into "../../../up" values (1);
insert into "Case" values (1);
insert into "case" values (2);
insert into "a?b#c&d=e+f" values (1, '\x0001ff', '{"a": 1}', 'x');
-- @stream
update "MiXed ""q"" .tab%le\-'😀" set "Co""l.um n" = 'changed';
insert into "MiXed ""q"" .tab%le\-'😀" values (2, E'\x01', 'json now', 2, 'c', '', null);
update "select" set "from" = 2;
insert into "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc" values (2);
delete from "../../../up";
insert into "Case" values (3);
insert into "case" values (3);
insert into "a?b#c&d=e+f" values (2, '\x', 'null', '');
-- @again
alter table "MiXed ""q"" .tab%le\-'😀" rename column "ü%s\n" to "ß 'x' ""y""";
alter table "MiXed ""q"" .tab%le\-'😀" add column "new ""col\umn""" text default 'it''s \ a "default"';
insert into "MiXed ""q"" .tab%le\-'😀" values (3, 'a', 'b', 2, 'c', 'd', 'e', 'f');
truncate "../../../up";
insert into "../../../up" values (7);
-- @last
alter table "select" drop column "where", add column "table" int;
insert into "select" values (3, 3);
-- Column names that begin like the server's own get _src in front.
-- @rows names_MiXed "q" .tab%le\-'😀 select "select", "Co""l.um n", "😀", "a`b", "__op" as "_src__op", "a,b", "ß 'x' ""y""", "new ""col\umn""" from names."MiXed ""q"" .tab%le\-'😀"
