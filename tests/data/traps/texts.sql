-- SPDX-License-Identifier: Apache-2.0
-- E2, E8, E14, E16: texts with every separator, escape and control character there is, empty and NULL, times at the end of the day,
-- JSON scalars: from the copy, the stream and with rows that make the load JSON.
-- @setup
create table v (id int primary key, t text, c char(4), vc varchar(5), b bool, tm time, ts timestamptz, n numeric(20,5), j jsonb, r text[], by bytea);
create function fill(base int) returns void language plpgsql set search_path from current as $$
begin
	insert into v values
	(base + 1, E'\t\n\r\f\b \\ '' " , ;', 'a', 'üüüüü', true, '24:00', '2024-02-29 23:59:59.999999+00', -0.00001, 'null', '{a,NULL,"b,c","\"\\"}', '\x00'),
	(base + 2, '', '', '', false, '00:00', '0001-01-01 00:00:00+00', 123456789012345.12345, '"s"', '{}', '\x'),
	(base + 3, null, null, null, null, null, null, null, null, null, null),
	(base + 4, '\N', '\N', '\N', true, '12:00:00.5', '9999-12-31 23:59:59+00', 0, '[1, {"a": "\\ \" \n ü"}]', '{"{}"}', '\x0102ff'),
	(base + 5, 'NULL', 'null', 'Null', true, '12:00', '2000-01-01 00:00:00.1+00', 1, '{}', '{"\\N"}', decode('5c4e', 'hex')),
	(base + 6, repeat('😀', 1000), '😀😀😀😀', '😀😀😀😀😀', true, '12:00', '2000-01-01 00:00:00+14', 1, 'true', '{😀}', '\x7f80');
end $$;
select fill(0);
-- @stream
select fill(100);
-- @again
insert into v (id, t) values (200, E'\x01'), (201, E'\x02'), (202, E'a\x01b\x02c\x1f\x7f');
select fill(300);
-- @last
update v set t = t || E'\x02' where id > 300;
update v set vc = null where id < 10;
