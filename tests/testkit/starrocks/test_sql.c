/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sql_lex.h"
#include "sqltest.h"

/* ------------------------------------------------------------------ lexer */

static void lex_is(const char *sql, const char *want)
{
	struct buf got = BUF_INIT(1 << 16);
	struct sql_tokens tokens;
	struct arena_pool pool;
	struct arena arena;

	arena_pool_init(&pool);
	arena_init(&arena, &pool, 0);
	if (!sql_lex(&arena, view_str(sql), &tokens))
		buf_addf(&got, "bad at %zu", tokens.bad_at);
	for (size_t i = 0; !tokens.complaint && i < tokens.n; i++) {
		buf_addf(&got, "%c", "EwqsidS"[tokens.list[i].kind]);
		buf_addf(&got, "%.*s ", VIEW_ARG(tokens.list[i].text));
	}
	ck_assert_str_eq(buf_cstr(&got), want);
	buf_release(&got);
	arena_release(&arena);
	arena_pool_release(&pool);
}

START_TEST(words_names_texts_and_numbers_are_told_apart)
{
	lex_is("SELECT `a b` FROM t1", "wSELECT qa b wFROM wt1 ");
	lex_is("12 1.5 .5 1e3 2E-4 7up _x $y", "i12 d1.5 d.5 d1e3 d2E-4 w7up w_x w$y ");
	lex_is("a<=b<>c!=d<=>e@@f", "wa S<= wb S<> wc S!= wd S<=> we S@@ wf ");
	lex_is("gr\xc3\xbc\xc3\x9f", "wgr\xc3\xbc\xc3\x9f ");
}
END_TEST

START_TEST(quotes_are_undone)
{
	lex_is("`a``b`", "qa`b ");
	lex_is("``", "q ");
	lex_is("'it''s' \"say \"\"x\"\"\"", "sit's ssay \"x\" ");
	lex_is("'a\\n\\t\\'\\\\\\q\\%'", "sa\n\t'\\q\\% ");
	lex_is("`a\\`", "qa\\ ");
}
END_TEST

START_TEST(comments_vanish)
{
	lex_is("a -- b\nc /* d\n'e */ f--g", "wa wc wf ");
	lex_is("/**/", "");
}
END_TEST

START_TEST(what_does_not_end_is_no_token)
{
	lex_is("x `a``", "bad at 2");
	lex_is("'a\\'", "bad at 0");
	lex_is("\"a", "bad at 0");
	lex_is("/* a", "bad at 0");
	lex_is("a \x01", "bad at 2");
}
END_TEST

START_TEST(reserved_words_are_known_in_any_case)
{
	ck_assert(sql_is_reserved(VIEW("Select")));
	ck_assert(sql_is_reserved(VIEW("add")) && sql_is_reserved(VIEW("WITH")));
	ck_assert(sql_is_reserved(VIEW("text")) && sql_is_reserved(VIEW("rows")));
	ck_assert(!sql_is_reserved(VIEW("date")) && !sql_is_reserved(VIEW("user")));
	ck_assert(!sql_is_reserved(VIEW("sel")) && !sql_is_reserved(VIEW("selects")));
	ck_assert(!sql_is_reserved(VIEW("")));
}
END_TEST

/* ----------------------------------------------------------------- select */

static struct cluster *people(void)
{
	struct cluster *c = sqltest_begin("4.0", 1);

	sql_ok("CREATE DATABASE d");
	sql_ok("USE d");
	sql_ok("CREATE TABLE p (id BIGINT NOT NULL, name VARCHAR(40), born DATETIME, "
	       "tall DECIMAL(5,2), ok BOOLEAN) PRIMARY KEY (id) DISTRIBUTED BY HASH (id) "
	       "PROPERTIES ('replication_num' = '1')");
	sqltest_row("d", "p", "9", "ada", "1815-12-10 00:00:00", "1.60", "1");
	sqltest_row("d", "p", "10", "bob", NULL, "-2.00", "0");
	sqltest_row("d", "p", "2", NULL, "1990-01-02 03:04:05.500000", "0.00", NULL);
	return c;
}

START_TEST(rows_are_chosen_ordered_and_cut)
{
	people();
	sql_gives("SELECT id, name FROM p ORDER BY id", "2|NULL\n9|ada\n10|bob\n");
	sql_gives("SELECT * FROM d.p WHERE id = 10", "10|bob|NULL|-2.00|0\n");
	sql_gives("SELECT id FROM p ORDER BY tall DESC", "9\n2\n10\n");
	sql_gives("SELECT id FROM p ORDER BY name, id", "2\n9\n10\n");
	sql_gives("SELECT id FROM p ORDER BY id LIMIT 1", "2\n");
	sql_gives("SELECT id FROM p ORDER BY id LIMIT 1, 1", "9\n");
	sql_gives("SELECT id FROM p ORDER BY id LIMIT 5 OFFSET 2", "10\n");
	sql_gives("SELECT 1 FROM p LIMIT 1", "1\n");
	sql_gives("SELECT 1 FROM p LIMIT 0", "");
	sqltest_end();
}
END_TEST

START_TEST(conditions_follow_the_types)
{
	people();
	sql_gives("SELECT id FROM p WHERE id = '09'", "9\n");
	sql_gives("SELECT id FROM p WHERE tall = 0", "2\n");
	sql_gives("SELECT id FROM p WHERE tall < -1.5", "10\n");
	sql_gives("SELECT id FROM p WHERE born = '1990-01-02 03:04:05.5'", "2\n");
	sql_gives("SELECT id FROM p WHERE born = '1815-12-10'", "9\n");
	sql_gives("SELECT id FROM p WHERE ok = true", "9\n");
	sql_gives("SELECT id FROM p WHERE name IN ('bob', 'eve')", "10\n");
	sql_gives("SELECT id FROM p WHERE name LIKE 'a%'", "9\n");
	sql_gives("SELECT id FROM p WHERE NAME = 'ADA'", "");
	sqltest_end();
}
END_TEST

START_TEST(null_is_neither_equal_nor_different)
{
	people();
	sql_gives("SELECT id FROM p WHERE name = 'ada' OR name <> 'ada' ORDER BY id",
		  "9\n10\n");
	sql_gives("SELECT id FROM p WHERE name IS NULL", "2\n");
	sql_gives("SELECT id FROM p WHERE name IS NOT NULL ORDER BY id", "9\n10\n");
	sql_gives("SELECT id FROM p WHERE name NOT IN ('ada', NULL)", "");
	sql_gives("SELECT id FROM p WHERE NOT (name = 'ada' AND ok = 1)", "10\n");
	sql_gives("SELECT id FROM p WHERE name <=> NULL", "2\n");
	sqltest_end();
}
END_TEST

START_TEST(keys_are_found_by_disjunctions)
{
	people();
	sql_gives("SELECT id, hex(name) FROM d.p WHERE (`id` = '9' AND name = 'ada') OR "
		  "(`id` = '10' AND name = 'bob') ORDER BY id",
		  "9|616461\n10|626F62\n");
	sqltest_end();
}
END_TEST

START_TEST(rows_are_counted)
{
	people();
	sql_gives("SELECT count(*), count(name), min(id), max(id), sum(id) FROM p",
		  "3|2|2|10|21\n");
	sql_gives("SELECT count(*), min(id), sum(id) FROM p WHERE id > 100",
		  "0|NULL|NULL\n");
	sql_refused(1064, "GROUP BY", "SELECT id, count(*) FROM p");
	sqltest_end();
}
END_TEST

START_TEST(rows_are_grouped)
{
	people();
	sql_gives("SELECT if(name IS NULL, '-', '+'), count(*), sum(id) FROM p "
		  "GROUP BY if(name IS NULL, '-', '+')",
		  "+|2|19\n-|1|2\n");
	sql_gives("SELECT count(*) FROM p WHERE id > 100 GROUP BY name", "");
	sql_refused(1064, "GROUP BY", "SELECT id, count(*) FROM p GROUP BY name");
	sql_refused(1064, "not emulated", "SELECT count(*) FROM p GROUP BY 1");
	sqltest_end();
}
END_TEST

START_TEST(values_are_computed)
{
	people();
	sql_gives("SELECT md5('abc')", "900150983cd24fb0d6963f7d28e17f72\n");
	sql_gives("SELECT concat('a', 'b', 1), concat('a', NULL)", "ab1|NULL\n");
	sql_gives("SELECT substr('abcdef', 2, 3), substr('abc', 7, 2), substr('abc', 2)",
		  "bcd||bc\n");
	sql_gives("SELECT conv('00ff', 16, 10), conv(substr(md5('a'), 1, 8), 16, 10)",
		  "255|214005177\n");
	sql_gives("SELECT ifnull(NULL, 'x'), if(1 = 2, 'y', 'n')", "x|n\n");
	sql_gives("SELECT cast(tall as varchar), cast(ok as int) FROM p WHERE id = 9",
		  "1.60|1\n");
	sql_gives("SELECT cast(1.5e0 * 1e15 as bigint), cast('7' as bigint) + 1 - 2 * 3",
		  "1500000000000000|2\n");
	sql_gives("SELECT cast(1e30 as bigint)", "NULL\n");
	sqltest_end();
}
END_TEST

START_TEST(what_servers_differ_in_is_not_computed)
{
	people();
	sql_refused(1064, "not emulated", "SELECT cast(1.5e0 as varchar)");
	sql_refused(1064, "not emulated", "SELECT cast(ok as varchar) FROM p WHERE id = 9");
	sql_refused(1064, "not emulated", "SELECT cast(name as date) FROM p");
	sql_refused(1064, "not emulated", "SELECT conv('ffffffffffffffff', 16, 10)");
	sql_refused(1064, "No matching function", "SELECT md5(1, 2)");
	sql_ok("CREATE TABLE b (id INT NOT NULL, v VARBINARY) PRIMARY KEY (id) "
	       "DISTRIBUTED BY HASH (id) PROPERTIES ('replication_num' = '1')");
	sqltest_row("d", "b", "1", "x");
	sql_refused(1064, "No matching function", "SELECT md5(v) FROM b");
	sql_gives("SELECT md5(hex(v)) FROM b", "35f4a8d465e6e1edc05f3d8ab658c551\n");
	sqltest_end();
}
END_TEST

START_TEST(old_rows_read_through_a_new_schema)
{
	people();
	sql_ok("ALTER TABLE p ADD COLUMN x INT DEFAULT '7', DROP COLUMN born");
	sql_gives("SELECT * FROM p WHERE id = 9", "9|ada|1.60|1|7\n");
	sql_gives("SELECT * FROM p WHERE x = 7 AND id = 2", "2|NULL|0.00|NULL|7\n");
	sqltest_end();
}
END_TEST

START_TEST(functions_and_variables_answer)
{
	people();
	sql_gives("SELECT current_version()", "4.0.14 e5c0de7\n");
	sql_gives("SELECT database(), 1, 'a', NULL, -3", "d|1|a|NULL|-3\n");
	sql_gives("SELECT @@version_comment", "StarRocks version\n");
	sql_refused(1193, "Unknown system variable 'socket'", "SELECT @@socket");
	sql_ok("SET autocommit = 1, sql_mode = ''");
	sql_ok("SET NAMES utf8mb4");
	sql_refused(1064, "only support constant expr", "SET sql_mode=(SELECT 1)");
	sqltest_end();
}
END_TEST

START_TEST(what_is_unknown_says_so)
{
	struct cluster *c = people();

	sql_refused(5502, "Unknown table 'd.q'", "SELECT 1 FROM q");
	sql_refused(5501, "Unknown database 'x'", "SELECT 1 FROM x.q");
	sql_refused(1064, "Column 'z' cannot be resolved", "SELECT z FROM p");
	sql_refused(1064, "Column 'z' cannot be resolved", "SELECT 1 FROM p WHERE z = 1");
	ck_assert_uint_eq(c->n_violations, 0);
	sqltest_end();
}
END_TEST

START_TEST(what_is_not_emulated_is_a_violation)
{
	static const char *const statements[] = {
		"SELECT id FROM p GROUP BY id HAVING id > 1",
		"SELECT p.id FROM p JOIN q",
		"SELECT id / 2 FROM p",
		"SELECT cast(1.5e0 as varchar)",
		"SELECT lower(name) FROM p",
		"SELECT id FROM p WHERE id IN (SELECT 1)",
		"SELECT * FROM information_schema.views",
		"SHOW PROCESSLIST",
		"INSERT INTO p VALUES (1)",
		"GRANT ALL ON p TO x",
		"SELECT 1; SELECT 2",
		"CREATE VIEW v AS SELECT 1",
	};
	struct cluster *c = people();

	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		sql_refused(1064, "not emulated", statements[i]);
		ck_assert_uint_eq(c->n_violations, i + 1);
	}
	sqltest_end();
}
END_TEST

START_TEST(bad_syntax_is_a_violation)
{
	struct cluster *c = people();

	sql_refused(1064, "Getting syntax error at line 1, column 7", "SELECT FROM p");
	sql_refused(1064, "Getting syntax error at line 2, column 0", "SELECT 1\n)");
	sql_refused(1064, "Getting syntax error", "SELECT `id FROM p");
	sql_refused(1064, "Getting syntax error", "SELECT rows FROM p");
	ck_assert_uint_eq(c->n_violations, 4);
	sqltest_end();
}
END_TEST

/* ------------------------------------------------------------------- show */

START_TEST(the_schema_tells_about_tables)
{
	people();
	sql_gives("SELECT schema_name FROM information_schema.schemata", "d\n");
	sql_gives("SELECT table_name, table_rows FROM information_schema.tables "
		  "WHERE table_schema = 'd'",
		  "p|3\n");
	sql_gives("SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COLUMN_KEY, IS_NULLABLE, "
		  "COLUMN_SIZE, DECIMAL_DIGITS FROM information_schema.columns WHERE "
		  "TABLE_SCHEMA = 'd' AND TABLE_NAME = 'p' ORDER BY ORDINAL_POSITION",
		  "id|bigint|bigint|PRI|NO|19|0\n"
		  "name|varchar|varchar(40)||YES|40|NULL\n"
		  "born|datetime|datetime||YES|NULL|NULL\n"
		  "tall|decimal|decimal(5,2)||YES|5|2\n"
		  "ok|tinyint|tinyint(1)||YES|NULL|NULL\n");
	sql_gives("SELECT TABLE_MODEL, PRIMARY_KEY, DISTRIBUTE_KEY, PROPERTIES FROM "
		  "information_schema.tables_config WHERE TABLE_NAME = 'p'",
		  "PRIMARY_KEYS|`id`|`id`|{\"replication_num\":\"1\"}\n");
	sqltest_end();
}
END_TEST

START_TEST(show_and_desc_answer)
{
	people();
	sql_gives("DESC d.p",
		  "id|bigint|NO|true|NULL|\nname|varchar(40)|YES|false|NULL|\n"
		  "born|datetime|YES|false|NULL|\n"
		  "tall|decimal(5,2)|YES|false|NULL|\n"
		  "ok|boolean|YES|false|NULL|\n");
	sql_gives("SHOW CREATE TABLE p",
		  "p|CREATE TABLE `p` (\n"
		  "  `id` bigint(20) NOT NULL COMMENT \"\",\n"
		  "  `name` varchar(40) NULL COMMENT \"\",\n"
		  "  `born` datetime NULL COMMENT \"\",\n"
		  "  `tall` decimal(5, 2) NULL COMMENT \"\",\n"
		  "  `ok` boolean NULL COMMENT \"\"\n"
		  ") ENGINE=OLAP \nPRIMARY KEY(`id`)\nDISTRIBUTED BY HASH(`id`)\n"
		  "PROPERTIES (\n\"replication_num\" = \"1\"\n);\n");
	sql_gives("SHOW TABLES LIKE 'p%'", "p\n");
	sql_gives("SHOW TABLES FROM d LIKE 'q'", "");
	sql_gives("SHOW DATABASES", "information_schema\nd\n");
	ck_assert(sql_try(VIEW("SHOW BACKENDS")));
	ck_assert_ptr_nonnull(strstr(sqltest_text(), "10001|127.0.0.1"));
	ck_assert(sql_try(VIEW("SHOW FRONTENDS")) && sql_try(VIEW("SHOW COMPUTE NODES")));
	sqltest_end();
}
END_TEST

START_TEST(a_table_can_be_made_again_from_what_show_says)
{
	char again[4096];

	people();
	sql_ok("CREATE TABLE `we``ird \\\"` (`a``b` INT COMMENT 'x\"y', `c d` VARCHAR(9) "
	       "DEFAULT 'q\\'\\\\') PRIMARY KEY (`a``b`) DISTRIBUTED BY HASH (`a``b`) "
	       "BUCKETS 3 ORDER BY (`c d`) PROPERTIES ('replication_num' = '1')");
	ck_assert(sql_try(VIEW("SHOW CREATE TABLE `we``ird \\\"`")));
	snprintf(again, sizeof(again), "%s", strchr(sqltest_text(), '|') + 1);
	sql_ok("DROP TABLE `we``ird \\\"` FORCE");
	sql_ok("%s", again);
	ck_assert(sql_try(VIEW("SHOW CREATE TABLE `we``ird \\\"`")));
	ck_assert_str_eq(strchr(sqltest_text(), '|') + 1, again);
	sqltest_end();
}
END_TEST

/* ---------------------------------------------------------------- garbage */

static const char *const pieces[] = {
	"SELECT",
	"*",
	"FROM",
	"t",
	"`a`",
	"WHERE",
	"=",
	"'x'",
	"(",
	")",
	",",
	"CREATE",
	"TABLE",
	"DATABASE",
	"INT",
	"VARCHAR(10)",
	"DECIMAL(9,2)",
	"ARRAY<INT>",
	"PRIMARY",
	"KEY",
	"DISTRIBUTED BY HASH",
	"BUCKETS 1",
	"PROPERTIES",
	"NOT NULL",
	"NULL",
	"DEFAULT",
	"COMMENT",
	"ALTER TABLE",
	"ADD COLUMN",
	"DROP COLUMN",
	"MODIFY COLUMN",
	"RENAME COLUMN",
	"TO",
	"RENAME",
	"SWAP WITH",
	"TRUNCATE TABLE",
	"DROP",
	"IF",
	"EXISTS",
	"SHOW",
	"ALTER TABLE COLUMN",
	"ORDER BY",
	"LIMIT 1",
	"count(*)",
	"d",
	".",
	"information_schema.columns",
	"@@x",
	"SET",
	"-",
	"1",
	"1e9",
	"AND",
	"OR",
	"IN",
	"LIKE",
	"IS",
	"'replication_num' = '1'",
	";",
	"--",
	"/*",
	"*/",
	"\"",
	"`",
	"'",
	"\\",
	"array<array<",
	"struct<a int>",
	"DESC",
	"USE d",
	"CANCEL ALTER TABLE COLUMN",
	"hex(a)",
	"<=>",
	"\xff",
	"FORCE",
	"MIN(a)",
	"AS",
};

/* Statements of random pieces, and good ones with a byte changed: an answer, nothing else. */
START_TEST(garbage_is_answered)
{
	struct prng p = PRNG_INIT((uint64_t)_i + 1);
	struct buf sql = BUF_INIT(1 << 16);

	people();
	sql_ok("CREATE TABLE t (a INT, b VARCHAR(9)) PRIMARY KEY (a) DISTRIBUTED BY HASH(a) "
	       "PROPERTIES ('replication_num' = '1')");
	for (int i = 0; i < 200; i++) {
		size_t n = prng_below(&p, 16);

		buf_reset(&sql);
		for (size_t k = 0; k <= n; k++) {
			buf_add_str(&sql, pieces[prng_below(&p, ARRAY_LEN(pieces))]);
			buf_add_char(&sql, ' ');
		}
		if (prng_below(&p, 3) == 0)
			sql.ptr[prng_below(&p, sql.len)] = (char)prng_next(&p);
		sql_try(buf_view(&sql));
	}
	buf_release(&sql);
	sqltest_end();
}
END_TEST

START_TEST(a_changed_byte_is_survived)
{
	static const char *const good[] = {
		("CREATE TABLE IF NOT EXISTS d.u (`a` INT NOT NULL COMMENT 'c', b ARRAY<INT>) "
		 "ENGINE=OLAP PRIMARY KEY (a) COMMENT 'x' DISTRIBUTED BY HASH (a) BUCKETS 2 "
		 "ORDER BY (a) PROPERTIES ('replication_num' = '1')"),
		("ALTER TABLE p ADD COLUMN (x INT DEFAULT '1', y DATE) PROPERTIES ('timeout'='9')"),
		("SHOW ALTER TABLE COLUMN FROM d WHERE TableName = 'p' ORDER BY JobId DESC LIMIT 1"),
		("SELECT id, hex(name), count(*) FROM d.p WHERE (id = '1' AND ok IN (1, 2)) OR "
		 "name LIKE '%a\\_' ORDER BY id LIMIT 3, 4"),
	};
	struct prng p = PRNG_INIT((uint64_t)_i + 1);

	people();
	for (int i = 0; i < 300; i++) {
		struct ez_view from = view_str(good[prng_below(&p, ARRAY_LEN(good))]);
		char *copy = malloc(from.len);
		size_t n = 1 + prng_below(&p, from.len);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, from.ptr, n);
		copy[prng_below(&p, n)] = (char)prng_next(&p);
		sql_try(view_of(copy, n));
		free(copy);
	}
	sqltest_end();
}
END_TEST

START_TEST(depth_has_an_end)
{
	struct buf sql = BUF_INIT(1 << 22);

	people();
	buf_add_str(&sql, "SELECT ");
	for (int i = 0; i < 500000; i++)
		buf_add_char(&sql, '(');
	ck_assert(!sql_try(buf_view(&sql)));
	buf_reset(&sql);
	buf_add_str(&sql, "SELECT ");
	for (int i = 0; i < 100000; i++)
		buf_add_str(&sql, "- ");
	ck_assert(!sql_try(buf_view(&sql)));
	buf_reset(&sql);
	buf_add_str(&sql, "CREATE TABLE x (a ");
	for (int i = 0; i < 100000; i++)
		buf_add_str(&sql, "array<");
	ck_assert(!sql_try(buf_view(&sql)));
	buf_release(&sql);
	sqltest_end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sql");

	SQLTEST_CASE(s, "lexer", words_names_texts_and_numbers_are_told_apart,
		     quotes_are_undone, comments_vanish, what_does_not_end_is_no_token,
		     reserved_words_are_known_in_any_case);
	SQLTEST_CASE(s, "select", rows_are_chosen_ordered_and_cut,
		     conditions_follow_the_types, null_is_neither_equal_nor_different,
		     keys_are_found_by_disjunctions, rows_are_counted, rows_are_grouped,
		     values_are_computed, what_servers_differ_in_is_not_computed,
		     old_rows_read_through_a_new_schema, functions_and_variables_answer,
		     what_is_unknown_says_so, what_is_not_emulated_is_a_violation,
		     bad_syntax_is_a_violation);
	SQLTEST_CASE(s, "show", the_schema_tells_about_tables, show_and_desc_answer,
		     a_table_can_be_made_again_from_what_show_says);
	SQLTEST_CASE(s, "depth", depth_has_an_end);
	SQLTEST_LOOP(s, "garbage", 20, garbage_is_answered, a_changed_byte_is_survived);
	return sqltest_run(s);
}
