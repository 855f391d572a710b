/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "transforms/transform_host.h"

#define COLUMNS(c)                \
 {                                \
  .name = "columns", .value = (c) \
 }
#define WITH(w)                \
 {                             \
  .name = "with", .value = (w) \
 }
#define USERS "id:int8:key, email:text:notnull, born:date, note:text"

/* Output of: printf %s TEXT | openssl dgst -sha256 -hmac KEY */
static const char KEY[] = "key";
static const char TEXT[] = "The quick brown fox jumps over the lazy dog";
static const char HASH[] = "f7bc83f430538424b13298e6aa6fb143"
			   "ef4d59a14946175997479dbc2d1a3cd8";
static const char HASH_OF_EMPTY[] = "5d5d139563c95b5967b9bd9a8c9b233a"
				    "9dedb45072794cd232dc1b74832607d0";

static struct bench *open_or_fail(const struct fake_setting *set)
{
	struct bench *b = bench_open(&ez_plugin, set);

	ck_assert_msg(b->rc == EZ_OK, "%s", bench_text(b));
	return b;
}

static void assert_refused(const struct fake_setting *set, const char *part)
{
	struct bench *b = bench_open(&ez_plugin, set);

	ck_assert_int_eq(b->rc, EZ_E_CONFIG);
	ck_assert_ptr_null(b->inst);
	ck_assert_has(bench_text(b), part);
	bench_close(b);
}

/* ------------------------------------------------------------------ sha256 */

START_TEST(sha256_is_the_keyed_hash_in_hex)
{
	const struct fake_setting set[] = {
		COLUMNS("public.users.email"), WITH("sha256"), { "key", KEY, NULL }, {}
	};
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_OK);
	ck_assert_int_eq(bench_event(b, 'c', NULL, FAKE_ROW("1", TEXT, NULL, "n")),
			 EZ_OK);
	ck_assert_uint_eq(b->ev.after[1].len, 64);
	ck_assert_mem_eq(b->ev.after[1].ptr, HASH, 64);
	/* The context is used again: a second value must not see the first. */
	ck_assert_int_eq(bench_event(b, 'c', NULL, FAKE_ROW("2", "", NULL, "n")), EZ_OK);
	ck_assert_mem_eq(b->ev.after[1].ptr, HASH_OF_EMPTY, 64);
	ck_assert_int_eq(bench_event(b, 'c', NULL, FAKE_ROW("3", TEXT, NULL, "n")),
			 EZ_OK);
	ck_assert_mem_eq(b->ev.after[1].ptr, HASH, 64);
	bench_close(b);
}
END_TEST

START_TEST(sha256_turns_any_column_into_text)
{
	const struct fake_setting set[] = { COLUMNS("public.users.id"),
					    COLUMNS("public.users.born"),
					    WITH("sha256"),
					    { "key", KEY, NULL },
					    {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_OK);
	ck_assert_str_eq(bench_shape(b), "id:text(64) key notnull, email:text notnull, "
					 "born:text(64), note:text");
	ck_assert_uint_eq(b->out->columns[2]->native_type, 0);
	ck_assert_uint_eq(b->out->columns[2]->id, 3);
	ck_assert_uint_eq(b->out->id, b->in->id);
	bench_close(b);
}
END_TEST

START_TEST(sha256_masks_the_old_key_like_the_new_one)
{
	const struct fake_setting set[] = {
		COLUMNS("*.*.id"), WITH("sha256"), { "key", KEY, NULL }, {}
	};
	struct bench *b = open_or_fail(set);
	struct ez_cell old;

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_OK);
	ck_assert_int_eq(
		bench_event_flags(b, 'u', EZ_EV_KEY_CHANGED,
				  FAKE_ROW("7", FAKE_ABSENT, FAKE_ABSENT, FAKE_ABSENT),
				  FAKE_ROW("8", "e", NULL, FAKE_UNCHANGED)),
		EZ_OK);
	old = b->ev.before[0];
	ck_assert_uint_eq(old.len, 64);
	ck_assert_mem_ne(old.ptr, b->ev.after[0].ptr, 64);
	ck_assert_int_eq(
		bench_event(b, 'd', FAKE_ROW("8", FAKE_ABSENT, FAKE_ABSENT, NULL), NULL),
		EZ_OK);
	ck_assert_ptr_null(b->ev.after);
	ck_assert_uint_eq(b->ev.before[0].len, 64);
	bench_close(b);
}
END_TEST

START_TEST(sha256_without_a_key_is_refused_with_the_reason)
{
	const struct fake_setting set[] = { COLUMNS("a.b.c"), WITH("sha256"), {} };
	struct bench *b = bench_open(&ez_plugin, set);

	ck_assert_int_eq(b->rc, EZ_E_CONFIG);
	ck_assert_has(bench_text(b), "key");
	ck_assert_has(bench_hint(b), "plain hash");
	bench_close(b);
}
END_TEST

/* ------------------------------------------------------------------ null, constant */

START_TEST(null_takes_not_null_away)
{
	const struct fake_setting set[] = { COLUMNS("public.users.email"),
					    WITH("null"),
					    {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_OK);
	ck_assert_str_eq(bench_shape(b),
			 "id:int8 key notnull, email:text, born:date, note:text");
	ck_assert_int_eq(bench_event(b, 'c', NULL, FAKE_ROW("1", "x", "2024-01-01", "n")),
			 EZ_OK);
	ck_assert_row(b, after, "1, NULL, 2024-01-01, n");
	bench_close(b);
}
END_TEST

START_TEST(null_and_unchanged_stay_as_they_are)
{
	static const char *const kinds[] = { "null", "constant", "sha256", "partial" };
	const struct fake_setting set[] = { COLUMNS("*.*.note"),
					    WITH(kinds[_i]),
					    { "value", "x", NULL },
					    { "key", KEY, NULL },
					    {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_OK);
	bench_event(b, 'u', NULL, FAKE_ROW("1", "e", NULL, FAKE_UNCHANGED));
	ck_assert_row(b, after, "1, e, NULL, unchanged");
	bench_event(b, 'c', NULL, FAKE_ROW("1", "e", NULL, NULL));
	ck_assert_row(b, after, "1, e, NULL, NULL");
	bench_event(b, 'd', FAKE_ROW("1", FAKE_ABSENT, FAKE_ABSENT, FAKE_ABSENT), NULL);
	ck_assert_row(b, before, "1, absent, absent, absent");
	ck_assert_int_eq(bench_event(b, 't', NULL, NULL), EZ_OK);
	bench_close(b);
}
END_TEST

START_TEST(constant_lives_in_the_batch)
{
	const struct fake_setting set[] = { COLUMNS("public.users.note"),
					    WITH("constant"),
					    { "value", "hidden", NULL },
					    {} };
	struct bench *b = open_or_fail(set);
	size_t before;

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_OK);
	before = b->host->out.allocated;
	bench_event(b, 'c', NULL, FAKE_ROW("1", "e", NULL, "n"));
	ck_assert_row(b, after, "1, e, NULL, hidden");
	ck_assert_uint_ge(b->host->out.allocated, before + 6);
	bench_close(b);
}
END_TEST

/* Type, constant, and whether the type stays. */
static const struct {
	const char *type, *value;
	bool stays;
} constants[] = {
	{ "int4", "0", true },
	{ "int4", "2147483648", false },
	{ "int4", "007", false },
	{ "int2", "-32768", true },
	{ "int8", "-9223372036854775808", true },
	{ "bool", "f", true },
	{ "bool", "false", false },
	{ "numeric", "-1.50", true },
	{ "numeric", "1.", false },
	{ "numeric", "x", false },
	{ "float8", "1.5", true },
	{ "date", "1970-01-01", true },
	{ "date", "2023-02-29", false },
	{ "date", "2024-02-29", true },
	{ "date", "n/a", false },
	{ "time", "00:00:00", true },
	{ "time", "24:60:00", false },
	{ "timestamp", "1970-01-01 00:00:00", true },
	{ "timestamp", "1970-01-01T00:00:00", false },
	{ "timestamptz", "1970-01-01 00:00:00+00", true },
	{ "timestamptz", "1970-01-01 00:00:00", false },
	{ "uuid", "00000000-0000-0000-0000-000000000000", true },
	{ "uuid", "hidden", false },
	{ "json", "{}", false },
	{ "enum", "red", false },
	{ "array", "{}", false },
	{ "text", "hidden", true },
};

START_TEST(constant_keeps_the_type_it_is_a_value_of)
{
	const struct fake_setting set[] = { COLUMNS("s.t.c"),
					    WITH("constant"),
					    { "value", constants[_i].value, NULL },
					    {} };
	struct bench *b = open_or_fail(set);
	char columns[64];

	snprintf(columns, sizeof(columns), "c:%s", constants[_i].type);
	ck_assert_int_eq(bench_table(b, "s", "t", columns), EZ_OK);
	snprintf(columns, sizeof(columns), "c:%s",
		 constants[_i].stays ? constants[_i].type : "text");
	ck_assert_str_eq(bench_shape(b), columns);
	bench_close(b);
}
END_TEST

START_TEST(constant_that_is_too_long_lifts_the_limit)
{
	const struct fake_setting set[] = {
		COLUMNS("s.t.*"), WITH("constant"), { "value", "ééé", NULL }, {}
	};
	struct bench *b = open_or_fail(set);
	struct ez_table *t = fake_table(b->host, "s", "t", "a:text, b:text, n:numeric");
	struct ez_column *columns[3];

	for (size_t i = 0; i < 3; i++) {
		columns[i] = arena_alloc(&b->host->arena, sizeof(*columns[i]));
		*columns[i] = *t->columns[i];
	}
	columns[0]->length = 3; /* characters, not bytes */
	columns[1]->length = 2;
	columns[2]->fallback = (struct ez_view){ "42", 2 };
	t->columns = (const struct ez_column *const *)columns;
	ck_assert_int_eq(bench_table_of(b, t), EZ_OK);
	ck_assert_str_eq(bench_shape(b), "a:text(3), b:text, n:text");
	ck_assert_uint_eq(b->out->columns[2]->fallback.len, 0);
	bench_close(b);
}
END_TEST

START_TEST(constant_respects_precision_and_scale)
{
	static const struct {
		const char *value;
		bool stays;
	} cases[] = { { "999.99", true }, { "1000", false }, { "1.234", false } };
	const struct fake_setting set[] = {
		COLUMNS("s.t.c"), WITH("constant"), { "value", cases[_i].value, NULL }, {}
	};
	struct bench *b = open_or_fail(set);
	struct ez_table *t = fake_table(b->host, "s", "t", "c:numeric");
	struct ez_column column = *t->columns[0];
	const struct ez_column *columns[] = { &column };

	column.precision = 5;
	column.scale = 2;
	t->columns = columns;
	ck_assert_int_eq(bench_table_of(b, t), EZ_OK);
	ck_assert_str_eq(bench_shape(b), cases[_i].stays ? "c:numeric" : "c:text");
	bench_close(b);
}
END_TEST

/* ------------------------------------------------------------------ partial */

static const struct {
	const char *first, *last, *fill, *value, *masked;
} partials[] = {
	{ "0", "4", "*", "4111111111111111", "************1111" },
	{ "2", "1", "#", "abcdef", "ab###f" },
	{ "2", "2", "*", "abcd", "****" }, /* would be shown whole */
	{ "2", "2", "*", "abcde", "ab*de" },
	{ "0", "0", "*", "", "" },
	{ "3", "0", "*", "ab", "**" },
	{ "1", "1", "•", "äöü", "ä•ü" },
	{ "1", "0", "*", "\xff\xfe\x80", "\xff**" }, /* not UTF-8 */
	{ "1000000", "1000000", "*", "abc", "***" },
};

START_TEST(partial_keeps_both_ends)
{
	const struct fake_setting set[] = { COLUMNS("*.*.note"),
					    WITH("partial"),
					    { "keep_first", partials[_i].first, NULL },
					    { "keep_last", partials[_i].last, NULL },
					    { "fill", partials[_i].fill, NULL },
					    {} };
	struct bench *b = open_or_fail(set);
	const struct ez_cell *cell;

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_OK);
	bench_event(b, 'c', NULL, FAKE_ROW("1", "e", NULL, partials[_i].value));
	cell = &b->ev.after[3];
	ck_assert_uint_eq(cell->len, strlen(partials[_i].masked));
	ck_assert_mem_eq(cell->ptr, partials[_i].masked, cell->len);
	bench_close(b);
}
END_TEST

START_TEST(partial_keeps_text_and_turns_the_rest_into_text)
{
	const struct fake_setting set[] = {
		COLUMNS("*.*.note"), COLUMNS("*.*.born"), WITH("partial"), {}
	};
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_OK);
	ck_assert_str_eq(bench_shape(b),
			 "id:int8 key notnull, email:text notnull, born:text, note:text");
	bench_close(b);
}
END_TEST

START_TEST(fill_is_one_character)
{
	static const char *const fills[] = { "", "**", "\xff", "éé" };
	const struct fake_setting set[] = {
		COLUMNS("a.b.c"), WITH("partial"), { "fill", fills[_i], NULL }, {}
	};

	assert_refused(set, "fill");
}
END_TEST

/* ------------------------------------------------------------------ tables */

START_TEST(other_tables_pass)
{
	const struct fake_setting set[] = { COLUMNS("public.users.email"),
					    WITH("null"),
					    {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "orders", "id:int4:key, email:text"),
			 EZ_SKIP);
	ck_assert_int_eq(bench_table(b, "Public", "users", USERS), EZ_SKIP);
	ck_assert_int_eq(bench_table(b, "public", "users2", USERS), EZ_SKIP);
	ck_assert_ptr_null(b->host->shape.table);
	bench_close(b);
}
END_TEST

START_TEST(exceptions_are_not_masked)
{
	const struct fake_setting set[] = { COLUMNS("public.*.*"),
					    COLUMNS("!*.*.id"),
					    COLUMNS("!public.users.note"),
					    WITH("null"),
					    {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_OK);
	bench_event(b, 'c', NULL, FAKE_ROW("1", "e", "2024-01-01", "n"));
	ck_assert_row(b, after, "1, NULL, NULL, n");
	bench_close(b);
}
END_TEST

START_TEST(a_key_is_only_hashed)
{
	static const char *const kinds[] = { "null", "constant", "partial" };
	const struct fake_setting set[] = {
		COLUMNS("public.users.id"), WITH(kinds[_i]), { "value", "1", NULL }, {}
	};
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_E_CONFIG);
	ck_assert_has(bench_text(b), "public.users.id");
	ck_assert_has(bench_text(b), "key");
	ck_assert_has(bench_hint(b), "sha256");
	bench_close(b);
}
END_TEST

START_TEST(a_name_that_is_not_there_is_refused)
{
	const struct fake_setting set[] = { COLUMNS("public.users.emial"),
					    WITH("null"),
					    {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", USERS), EZ_E_CONFIG);
	ck_assert_has(bench_text(b), "public.users.emial");
	ck_assert_int_eq(bench_table(b, "public", "orders", USERS), EZ_SKIP);
	bench_close(b);
}
END_TEST

START_TEST(a_new_shape_is_masked_anew)
{
	const struct fake_setting set[] = { COLUMNS("public.users.email"),
					    WITH("null"),
					    {} };
	struct bench *b = open_or_fail(set);

	ck_assert_int_eq(bench_table(b, "public", "users", "id:int4:key, email:text"),
			 EZ_OK);
	bench_event(b, 'c', NULL, FAKE_ROW("1", "e"));
	ck_assert_row(b, after, "1, NULL");
	ck_assert_int_eq(
		bench_table(b, "public", "users", "id:int4:key, x:text, email:text"),
		EZ_OK);
	bench_event(b, 'c', NULL, FAKE_ROW("1", "x", "e"));
	ck_assert_row(b, after, "1, x, NULL");
	bench_close(b);
}
END_TEST

START_TEST(options_that_do_not_fit_are_refused)
{
	const struct fake_setting bad_pattern[] = { COLUMNS("users.email"),
						    WITH("null"),
						    {} };
	const struct fake_setting only_not[] = { COLUMNS("!a.b.c"), WITH("null"), {} };
	const struct fake_setting no_value[] = { COLUMNS("a.b.c"), WITH("constant"), {} };

	assert_refused(bad_pattern, "schema.table.column");
	assert_refused(only_not, "columns");
	assert_refused(no_value, "value");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mask");
	TCase *t = tcase_create("sha256");
	SRunner *r;
	int failed;

	tcase_add_test(t, sha256_is_the_keyed_hash_in_hex);
	tcase_add_test(t, sha256_turns_any_column_into_text);
	tcase_add_test(t, sha256_masks_the_old_key_like_the_new_one);
	tcase_add_test(t, sha256_without_a_key_is_refused_with_the_reason);
	suite_add_tcase(s, t);
	t = tcase_create("constant");
	tcase_add_test(t, null_takes_not_null_away);
	tcase_add_loop_test(t, null_and_unchanged_stay_as_they_are, 0, 4);
	tcase_add_test(t, constant_lives_in_the_batch);
	tcase_add_loop_test(t, constant_keeps_the_type_it_is_a_value_of, 0,
			    (int)(sizeof(constants) / sizeof(constants[0])));
	tcase_add_test(t, constant_that_is_too_long_lifts_the_limit);
	tcase_add_loop_test(t, constant_respects_precision_and_scale, 0, 3);
	suite_add_tcase(s, t);
	t = tcase_create("partial");
	tcase_add_loop_test(t, partial_keeps_both_ends, 0,
			    (int)(sizeof(partials) / sizeof(partials[0])));
	tcase_add_test(t, partial_keeps_text_and_turns_the_rest_into_text);
	tcase_add_loop_test(t, fill_is_one_character, 0, 4);
	suite_add_tcase(s, t);
	t = tcase_create("tables");
	tcase_add_test(t, other_tables_pass);
	tcase_add_test(t, exceptions_are_not_masked);
	tcase_add_loop_test(t, a_key_is_only_hashed, 0, 3);
	tcase_add_test(t, a_name_that_is_not_there_is_refused);
	tcase_add_test(t, a_new_shape_is_masked_anew);
	tcase_add_test(t, options_that_do_not_fit_are_refused);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
