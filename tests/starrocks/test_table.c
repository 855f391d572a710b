/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "ddl.h"
#include "table_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

#include "sqlc.h"
#include "tabletest.h"

/* The statements that make and change tables, without a server to run them. */

static struct tabletest t;
static struct described table_there;
static struct plan plan;
static struct target *made;

static void open_test(void)
{
	tabletest_open(&t);
}

static void close_test(void)
{
	plan_release(&plan);
	described_release(&table_there);
	target_unref(made);
	made = NULL;
	tabletest_close(&t);
}

/* "id bigint key; a varchar(10) null; b int not null default 7" */
static void there_is(const char *columns)
{
	struct ez_view rest = view_str(columns), part, word;
	struct described *d = &table_there;

	described_release(d);
	d->has_primary_key = true;
	d->columns = xcalloc(32, sizeof(*d->columns));
	while (view_split(&rest, ';', &part)) {
		struct described_column *c = &d->columns[d->n++];

		part = view_trim(part);
		ck_assert(view_split(&part, ' ', &c->name));
		ck_assert(view_split(&part, ' ', &word));
		c->type = type_parse(word);
		c->is_key = view_eq(part, VIEW("key"));
		c->is_nullable = view_starts(part, VIEW("null"));
		if (memmem(part.ptr, part.len, "default ", 8))
			c->fallback = VIEW("7");
	}
}

static struct ez_table *shape(const char *columns)
{
	struct ez_table *table = fake_table(t.fake, "public", "orders", columns);

	for (uint32_t i = 0; i < table->n_columns; i++)
		column_of(table, i)->id = i + 1;
	return table;
}

static enum plan_step next(const struct ez_table *before, const struct ez_table *now)
{
	struct type_rules rules = { .settings = &t.settings,
				    .version = SQLC_VERSION(3, 3, 2) };

	plan_release(&plan);
	target_unref(made);
	made = NULL;
	ck_assert_int_eq(target_make(&rules, now, &made, &t.fake->err), EZ_OK);
	plan_init(&plan, &t.settings, rules.version, before, now, made);
	return plan_next(&plan, &table_there);
}

static void alters(enum plan_step step, const char *sql)
{
	ck_assert_msg(step == PLAN_ALTER, "step %d: %s", (int)step,
		      buf_cstr(&plan.trouble));
	ck_assert_str_eq(buf_cstr(&plan.sql), sql);
}

static void says(enum plan_step step, const char *trouble)
{
	ck_assert_int_eq(step, PLAN_WRONG);
	ck_assert_str_eq(buf_cstr(&plan.trouble), trouble);
}

START_TEST(a_new_table_is_a_primary_key_table)
{
	static const struct setting_pair properties[] = {
		{ { "compression", 11 }, { "ZSTD", 4 } },
		{ { "it's", 4 }, { "a\\b", 3 } },
	};
	struct type_rules rules = { .settings = &t.settings,
				    .version = SQLC_VERSION(3, 3, 0) };
	struct buf b = BUF_INIT(65536);
	const struct ez_table *table =
		shape("note:text, id:int8:key, lang:text:key, at:timestamptz");

	t.settings.properties = (struct setting_pair *)(uintptr_t)properties;
	t.settings.n_properties = 2;
	t.settings.buckets = 4;
	t.settings.audit = AUDIT_OP;
	ck_assert_int_eq(target_make(&rules, table, &made, &t.fake->err), EZ_OK);
	ddl_add_create(&b, made, rules.version);
	ck_assert_str_eq(
		buf_cstr(&b),
		"CREATE TABLE IF NOT EXISTS `shop`.`orders` (\n"
		"  `id` BIGINT NOT NULL,\n"
		"  `lang` VARCHAR(1024) NOT NULL,\n"
		"  `note` VARCHAR(1048576) NULL,\n"
		"  `at` DATETIME NULL,\n"
		"  `_ez_op` VARCHAR(1) NULL\n"
		")\n"
		"PRIMARY KEY (`id`, `lang`)\n"
		"DISTRIBUTED BY HASH (`id`, `lang`) BUCKETS 4\n"
		"PROPERTIES ('replication_num' = '3', 'fast_schema_evolution' = 'true', "
		"'compression' = 'ZSTD', 'it\\'s' = 'a\\\\b')");
	buf_release(&b);
}
END_TEST

START_TEST(rows_without_a_key_have_their_place_as_key)
{
	struct type_rules rules = { .settings = &t.settings,
				    .version = SQLC_VERSION(3, 1, 0) };
	struct buf b = BUF_INIT(65536);
	struct ez_table *table = shape("note:int4");

	table->flags = EZ_TABLE_NO_IDENTITY;
	ck_assert_int_eq(target_make(&rules, table, &made, &t.fake->err), EZ_OK);
	ddl_add_create(&b, made, rules.version);
	ck_assert_str_eq(
		buf_cstr(&b),
		"CREATE TABLE IF NOT EXISTS `shop`.`orders` (\n"
		"  `_ez_row_lsn` BIGINT NOT NULL,\n"
		"  `_ez_row_part` BIGINT NOT NULL,\n"
		"  `_ez_row_seq` BIGINT NOT NULL,\n"
		"  `note` INT NULL\n"
		")\n"
		"PRIMARY KEY (`_ez_row_lsn`, `_ez_row_part`, `_ez_row_seq`)\n"
		"DISTRIBUTED BY HASH (`_ez_row_lsn`, `_ez_row_part`, `_ez_row_seq`)\n"
		"PROPERTIES ('replication_num' = '3')");
	buf_release(&b);
}
END_TEST

START_TEST(a_table_that_fits_is_left_alone)
{
	const struct ez_table *now = shape("id:int4:key, a:text, n:int4");

	there_is("id bigint key; N bigint null; a varchar(1048576) null; own int null; "
		 "other int not null default 7");
	ck_assert_int_eq(next(NULL, now), PLAN_DONE);
	/* What it has is what is written. */
	ck_assert_int_eq(made->fields[2].type.kind, TYPE_BIGINT);
}
END_TEST

START_TEST(new_columns_come_with_the_defaults_of_old_rows)
{
	const struct ez_table *now =
		shape("id:int4:key, a:text, b:bool, c:json, d:float8, "
		      "e:timestamptz");

	column_of(now, 1)->fallback = view_str("it's");
	column_of(now, 2)->fallback = view_str("true");
	column_of(now, 3)->fallback = view_str("{}");
	column_of(now, 4)->fallback = view_str("1.5");
	column_of(now, 5)->fallback = view_str("2024-01-01 00:00:00+00");
	there_is("id int key");
	alters(next(NULL, now),
	       "ALTER TABLE `shop`.`orders` "
	       "ADD COLUMN `a` VARCHAR(1048576) NULL DEFAULT 'it\\'s', "
	       "ADD COLUMN `b` BOOLEAN NULL DEFAULT '1', ADD COLUMN `c` JSON NULL, "
	       "ADD COLUMN `d` DOUBLE NULL DEFAULT '1.5', "
	       "ADD COLUMN `e` DATETIME NULL DEFAULT '2024-01-01 00:00:00'");
}
END_TEST

START_TEST(types_widen_one_after_the_other)
{
	const struct ez_table *now = shape("id:int4:key, a:text, n:int8");

	there_is("id int key; a varchar(40) null; n int null default 7");
	alters(next(NULL, now),
	       "ALTER TABLE `shop`.`orders` MODIFY COLUMN `a` VARCHAR(1048576) NULL");
	there_is("id int key; a varchar(1048576) null; n int null default 7");
	alters(next(NULL, now),
	       "ALTER TABLE `shop`.`orders` MODIFY COLUMN `n` BIGINT NULL DEFAULT '7'");
	there_is("id int key; a varchar(1048576) not null; n bigint null");
	alters(next(NULL, now),
	       "ALTER TABLE `shop`.`orders` MODIFY COLUMN `a` VARCHAR(1048576) NULL");
}
END_TEST

START_TEST(columns_are_renamed_by_their_number)
{
	const struct ez_table *before = shape("id:int4:key, a:int4, b:int4");
	const struct ez_table *now = shape("id:int4:key, x:int4, b:int4");

	there_is("id int key; a int null; b int null");
	alters(next(before, now), "ALTER TABLE `shop`.`orders` RENAME COLUMN `a` TO `x`");
	there_is("id int key; x int null; b int null");
	ck_assert_int_eq(next(before, now), PLAN_DONE);
}
END_TEST

START_TEST(columns_that_change_names_are_not_guessed)
{
	const struct ez_table *before = shape("id:int4:key, a:int4, b:int4");
	const struct ez_table *now = shape("id:int4:key, b:int4, a:int4");

	there_is("id int key; a int null; b int null");
	says(next(before, now),
	     "column a took the name of another column, b, in one step; "
	     "column b took the name of another column, a, in one step");
}
END_TEST

START_TEST(dropped_columns_are_dropped)
{
	const struct ez_table *before = shape("id:int4:key, a:int4, b:int4");
	struct ez_table *now = shape("id:int4:key, b:int4");

	column_of(now, 1)->id = 3;
	there_is("id int key; a int null; b int null; own int null");
	alters(next(before, now), "ALTER TABLE `shop`.`orders` DROP COLUMN `a`");
	there_is("id int key; b int null; own int null");
	ck_assert_int_eq(next(before, now), PLAN_DONE);
}
END_TEST

START_TEST(a_column_made_anew_is_dropped_once)
{
	const struct ez_table *before = shape("id:int4:key, a:int4");
	struct ez_table *now = shape("id:int4:key, a:text");

	column_of(now, 1)->id = 7;
	there_is("id int key; a int null");
	alters(next(before, now), "ALTER TABLE `shop`.`orders` DROP COLUMN `a`");
	/* Refused as busy, it is still to be done. */
	ck_assert_int_eq(plan_next(&plan, &table_there), PLAN_ALTER);
	plan_did(&plan);
	there_is("id int key");
	ck_assert_int_eq(plan_next(&plan, &table_there), PLAN_ALTER);
	ck_assert_str_eq(
		buf_cstr(&plan.sql),
		"ALTER TABLE `shop`.`orders` ADD COLUMN `a` VARCHAR(1048576) NULL");
	plan_did(&plan);
	there_is("id int key; a varchar(1048576) null");
	ck_assert_int_eq(plan_next(&plan, &table_there), PLAN_DONE);
}
END_TEST

START_TEST(a_name_that_passes_on_is_dropped_before_it_is_given)
{
	const struct ez_table *before = shape("id:int4:key, a:int4, b:int4");
	struct ez_table *now = shape("id:int4:key, b:int4");

	column_of(now, 1)->id = 2; /* a is called b now, the old b is gone */
	there_is("id int key; a int null; b int null");
	alters(next(before, now), "ALTER TABLE `shop`.`orders` DROP COLUMN `b`");
	there_is("id int key; a int null");
	alters(next(before, now), "ALTER TABLE `shop`.`orders` RENAME COLUMN `a` TO `b`");
	/* After a crash behind the last step: nothing is dropped again. */
	there_is("id int key; b int null");
	ck_assert_int_eq(next(before, now), PLAN_DONE);
}
END_TEST

START_TEST(an_unknown_number_beside_a_dropped_column_is_a_question)
{
	const struct ez_table *before = shape("id:int4:key, a:int4");
	struct ez_table *now = shape("id:int4:key, x:int4");

	column_of(now, 1)->id = 0;
	there_is("id int key");
	says(next(before, now),
	     "column x is new or was renamed, which the source cannot tell");
}
END_TEST

START_TEST(a_number_that_is_not_known_any_more_drops_nothing)
{
	const struct ez_table *before = shape("id:int4:key, a:int4, b:int4");
	struct ez_table *now = shape("id:int4:key, a:int4, b:int4");

	column_of(now, 1)->id = 0;
	column_of(now, 2)->id = 0;
	there_is("id int key; a int null; b int null");
	ck_assert_int_eq(next(before, now), PLAN_DONE);
	/* Once unknown on both sides, b is gone: nothing else has come. */
	before = now;
	now = shape("id:int4:key, a:int4");
	column_of(now, 1)->id = 0;
	alters(next(before, now), "ALTER TABLE `shop`.`orders` DROP COLUMN `b`");
	/* And known again. */
	there_is("id int key; a int null");
	before = now;
	now = shape("id:int4:key, a:int4");
	ck_assert_int_eq(next(before, now), PLAN_DONE);
}
END_TEST

START_TEST(a_column_that_may_have_been_renamed_is_not_dropped)
{
	struct ez_table *before = shape("id:int4:key, a:int4");
	struct ez_table *now = shape("id:int4:key, x:int4");

	there_is("id int key; a int null");
	column_of(now, 1)->id = 0;
	says(next(before, now),
	     "column a was dropped or is called x now, which the source cannot tell; "
	     "column x is new or was renamed, which the source cannot tell");
	column_of(before, 1)->id = 0;
	column_of(now, 1)->id = 2;
	says(next(before, now),
	     "column a was dropped or is called x now, which the source cannot tell");
}
END_TEST

START_TEST(all_that_is_wrong_is_said_at_once)
{
	const struct ez_table *now = shape("id:int4:key, a:int4, b:int4, c:text, d:text");

	t.settings.evolve = false;
	there_is(
		"id bigint key; more int key; a date null; b int not null; d varchar(5) null; "
		"e int not null");
	table_there.has_primary_key = false;
	says(next(NULL, now),
	     "it is not a primary key table; its key has the column more; column e needs a value "
	     "and the source has none; column c is missing; column a is DATE, needed is INT; "
	     "column b is NOT NULL: deletes carry the key alone");
}
END_TEST

START_TEST(keys_cannot_be_changed)
{
	const struct ez_table *now = shape("id:int8:key, lang:text:key, a:int4");

	there_is("id int key; lang varchar(10) null; a int key");
	says(next(NULL, now), "column lang is not in its key; column a is in its key; "
			      "column id is INT, needed is BIGINT");
	there_is("id bigint key; a int null");
	says(next(NULL, now), "key column lang is missing");
	/* A key of text may be short: what is longer is out of range. */
	there_is("id bigint key; lang varchar(10) key; a int null");
	ck_assert_int_eq(next(NULL, now), PLAN_DONE);
	ck_assert_int_eq(made->fields[1].type.length, 10);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("starrocks tables");
	TCase *c = tcase_create("tables");

	tcase_add_checked_fixture(c, open_test, close_test);
	tcase_add_test(c, a_new_table_is_a_primary_key_table);
	tcase_add_test(c, rows_without_a_key_have_their_place_as_key);
	tcase_add_test(c, a_table_that_fits_is_left_alone);
	tcase_add_test(c, new_columns_come_with_the_defaults_of_old_rows);
	tcase_add_test(c, types_widen_one_after_the_other);
	tcase_add_test(c, columns_are_renamed_by_their_number);
	tcase_add_test(c, columns_that_change_names_are_not_guessed);
	tcase_add_test(c, dropped_columns_are_dropped);
	tcase_add_test(c, a_column_made_anew_is_dropped_once);
	tcase_add_test(c, a_name_that_passes_on_is_dropped_before_it_is_given);
	tcase_add_test(c, an_unknown_number_beside_a_dropped_column_is_a_question);
	tcase_add_test(c, a_number_that_is_not_known_any_more_drops_nothing);
	tcase_add_test(c, a_column_that_may_have_been_renamed_is_not_dropped);
	tcase_add_test(c, all_that_is_wrong_is_said_at_once);
	tcase_add_test(c, keys_cannot_be_changed);
	suite_add_tcase(s, c);
	return run_suite(s);
}
