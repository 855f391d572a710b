/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "filter/where.h"

#include <ezcdc/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/view.h"
#include "filter/bind.h"
#include "filter/decimal.h"
#include "filter/eval.h"
#include "testkit/fake_host.h"

static struct fake_host *host;

static void setup(void)
{
	host = fake_host_new(NULL, NULL);
}

static void teardown(void)
{
	fake_host_free(host);
}

/* ------------------------------------------------------------------ parser */

static const struct {
	const char *text;
	size_t at;
	const char *why;
} errors[] = {
	{ "", 0, "column" },
	{ "   ", 3, "column" },
	{ "a", 1, "comparison" },
	{ "a =", 3, "a number, 'text'" },
	{ "a = b", 4, "a number, 'text'" },
	{ "a = null", 4, "is null" },
	{ "a == 1", 3, "a number, 'text'" },
	{ "a = 1 b = 2", 6, "and, or or the end" },
	{ "a = 1 and", 9, "column" },
	{ "a = 1 and and b = 2", 10, "column" },
	{ "a = 1 or", 8, "column" },
	{ "not", 3, "column" },
	{ "(a = 1", 6, "and, or or )" },
	{ "a = 1)", 5, "and, or or the end" },
	{ "()", 1, "column" },
	{ "a is", 4, "null" },
	{ "a is not 1", 9, "null" },
	{ "a like 5", 7, "single quotes" },
	{ "a like 'x\\'", 7, "backslash" },
	{ "a not = 1", 6, "like or in" },
	{ "a in 1", 5, "parentheses" },
	{ "a in ()", 6, "a number, 'text'" },
	{ "a in (1", 7, "comma" },
	{ "a in (1,)", 8, "a number, 'text'" },
	{ "a in (1 2)", 8, "comma" },
	{ "a = 'x", 4, "not closed" },
	{ "\"a = 1", 0, "not closed" },
	{ "\"\" = 1", 0, "empty" },
	{ "a = 1x", 4, "no number" },
	{ "a = 1.", 4, "no number" },
	{ "a = 1e", 4, "no number" },
	{ "a = -", 4, "no number" },
	{ "a = --1", 4, "no number" },
	{ "a ! 1", 2, "no meaning" },
	{ "a = 1; drop table x", 5, "no meaning" },
	{ "like = 1", 0, "column" },
	{ "'a' = 1", 0, "column" },
	{ "1 = a", 0, "column" },
};

START_TEST(faults_are_shown_where_they_are)
{
	struct where w;
	struct where_error e;

	ck_assert(!where_parse(view_str(errors[_i].text), &w, &e));
	ck_assert_msg(strstr(e.why, errors[_i].why) != NULL, "%s: %s", errors[_i].text,
		      e.why);
	ck_assert_msg(e.at == errors[_i].at, "%s: at %zu", errors[_i].text, e.at);
}
END_TEST

START_TEST(depth_is_limited_and_length_is_not)
{
	static const struct {
		const char *head, *part;
		size_t n;
		const char *tail;
		bool ok;
	} cases[] = {
		{ "", "(", 63, "a = 1", false }, /* not closed, but not too deep */
		{ "", "not ", 63, "a = 1", true },
		{ "", "not ", 64, "a = 1", false },
		{ "", "not ", 15000, "a = 1", false },
		{ "", "(", 60000, "", false },
		{ "a = 1", " and a = 1", 6000, "", true },
		{ "a = 1", " or a = 1", 6000, "", true },
		{ "a in (1", ",1", 30000, ")", true },
		{ "a = 1", " and a = 1", 7000, "", false }, /* over 64 KiB */
	};
	struct buf text = BUF_INIT(1 << 20);
	struct where w;
	struct where_error e;
	bool ok;

	buf_add_str(&text, cases[_i].head);
	for (size_t i = 0; i < cases[_i].n; i++)
		buf_add_str(&text, cases[_i].part);
	buf_add_str(&text, cases[_i].tail);
	ok = where_parse(buf_view(&text), &w, &e);
	ck_assert_int_eq(ok, cases[_i].ok);
	if (ok)
		where_release(&w);
	buf_release(&text);
}
END_TEST

START_TEST(garbage_never_breaks_the_parser)
{
	static const char *const parts[] = {
		"a",    "\"b c\"", "and ", "or ", "not ", "is ", "null", "like ",
		"in ",  "(",       ")",    ",",   "=",    "!=",  "<",    ">=",
		"1",    "-1.5e3",  "'x'",  "'",   "\"",   " ",   "\\",   "true",
		"\xc3", "\n",      "e",    ".",   "$",    "''",
	};
	struct prng r = PRNG_INIT((uint64_t)_i);
	struct ez_table *t = fake_table(host, "s", "t", "a:int4, b c:text");
	struct buf text = BUF_INIT(4096);

	for (int round = 0; round < 300; round++) {
		size_t n = prng_below(&r, 40);
		struct where w;
		struct where_error e = { .at = 0 };
		struct where_bound b;

		buf_reset(&text);
		for (size_t i = 0; i < n; i++) {
			if (prng_below(&r, 20) == 0)
				buf_add_char(&text, (char)prng_below(&r, 256));
			buf_add_str(&text, parts[prng_below(&r, ARRAY_LEN(parts))]);
		}
		if (!where_parse(buf_view(&text), &w, &e)) {
			ck_assert_uint_le(e.at, text.len);
			ck_assert_ptr_nonnull(e.why);
			continue;
		}
		if (where_bind(&w, t, &b, &e)) {
			struct row row = { .cells = fake_cells(host, t,
							       FAKE_ROW("1", "x")) };

			ck_assert_uint_ne(where_eval(&b, &row), 0);
			where_bound_release(&b);
		}
		where_release(&w);
	}
	buf_release(&text);
}
END_TEST

/* ------------------------------------------------------------------ evaluation */

/* "t", "f", "n" (NULL) or any of them together for what cannot be known. */
static const char *truth(unsigned v)
{
	static const char *const names[] = { "", "t", "f", "tf", "n", "tn", "fn", "tfn" };

	return names[v & TRUTH_ANY];
}

static const char *eval_on(const struct ez_table *t, const char *text,
			   const char *const *values, const char *const *old)
{
	struct row row = { .cells = fake_cells(host, t, values),
			   .old = fake_cells(host, t, old) };
	struct where_error e = { .why = "" };
	struct where_bound b;
	struct where w;
	const char *result;

	ck_assert_msg(where_parse(view_str(text), &w, &e), "%s: at %zu: %s", text, e.at,
		      e.why);
	ck_assert_msg(where_bind(&w, t, &b, &e), "%s: at %zu: %s", text, e.at, e.why);
	result = truth(where_eval(&b, &row));
	where_bound_release(&b);
	where_release(&w);
	return result;
}

static const struct {
	const char *type, *value, *where, *result;
} comparisons[] = {
	/* numbers, which doubles would get wrong */
	{ "int8", "9007199254740993", "c = 9007199254740993", "t" },
	{ "int8", "9007199254740993", "c = 9007199254740992", "f" },
	{ "int8", "9007199254740993", "c > 9007199254740992", "t" },
	{ "numeric", "0.1", "c = 0.10", "t" },
	{ "numeric", "0.1000000000000000000000000001", "c > 0.1", "t" },
	{ "numeric", "-0.1", "c < 0", "t" },
	{ "numeric", "0.00", "c = -0", "t" },
	{ "numeric", "-2", "c < -1.5", "t" },
	{ "numeric", "-10", "c > -9", "f" },
	{ "numeric", "10", "c > 9", "t" },
	{ "numeric", "100", "c = 1e2", "t" },
	{ "numeric", "0.001", "c = 1e-3", "t" },
	{ "numeric", "0.001", "c = 1E-3", "t" },
	{ "numeric", "1000.5", "c <= 1.0005e+3", "t" },
	{ "numeric", "NaN", "c > 1e1000", "t" },
	{ "numeric", "NaN", "c = 'NaN'", "t" },
	{ "numeric", "Infinity", "c > 5", "t" },
	{ "numeric", "-Infinity", "c < -5", "t" },
	{ "numeric", "-Infinity", "c < 'NaN'", "t" },
	{ "float8", "1e+20", "c = 100000000000000000000", "t" },
	{ "float8", "1.5e-07", "c > 0", "t" },
	{ "int4", "7", "c in (1, 7, 9)", "t" },
	{ "int4", "8", "c in (1, 7, 9)", "f" },
	{ "int4", "8", "c not in (1, 7, 9)", "t" },
	{ "int4", "8", "c <> 8", "f" },
	{ "int4", "8", "c != '9'", "t" },
	{ "int4", "8", "c >= 8 AND c <= 8", "t" },
	/* text */
	{ "text", "it's", "c = 'it''s'", "t" },
	{ "text", "b", "c > 'a'", "t" },
	{ "text", "B", "c > 'a'", "f" },
	{ "text", "a ", "c = 'a'", "f" },
	{ "text", "", "c = ''", "t" },
	{ "text", "10", "c < '9'", "t" },
	{ "text", "abc", "c like 'a%'", "t" },
	{ "text", "abc", "c like '%c'", "t" },
	{ "text", "abc", "c like 'a_c'", "t" },
	{ "text", "abc", "c like '_'", "f" },
	{ "text", "abc", "c like ''", "f" },
	{ "text", "", "c like '%'", "t" },
	{ "text", "", "c like ''", "t" },
	{ "text", "aXbXc", "c like '%X%X%'", "t" },
	{ "text", "aXbc", "c like '%X%X%'", "f" },
	{ "text", "aab", "c like '%ab'", "t" },
	{ "text", "é", "c like '_'", "t" },
	{ "text", "50%", "c like '50\\%'", "t" },
	{ "text", "500", "c like '50\\%'", "f" },
	{ "text", "a\\b", "c like 'a\\\\b'", "t" },
	{ "text", "abc", "c not like 'a%'", "f" },
	{ "text", "abc", "c LIKE 'A%'", "f" },
	{ "enum", "red", "c = 'red'", "t" },
	{ "enum", "red", "c like 'r%'", "t" },
	{ "json", "{}", "c = '{}'", "t" },
	/* bool, uuid, bytes */
	{ "bool", "t", "c = true", "t" },
	{ "bool", "t", "c = 'f'", "f" },
	{ "bool", "f", "c != true", "t" },
	{ "uuid", "0a000000-0000-0000-0000-000000000000",
	  "c = '0A000000-0000-0000-0000-000000000000'", "t" },
	{ "bytes", "\\x0aff", "c > '\\x0A00'", "t" },
	/* time */
	{ "date", "2024-02-29", "c = '2024-02-29'", "t" },
	{ "date", "10000-01-01", "c > '9999-12-31'", "t" },
	{ "date", "0044-03-15 BC", "c < '0001-01-01'", "t" },
	{ "date", "0044-03-15 BC", "c > '0045-01-01 BC'", "t" },
	{ "date", "0044-03-15 BC", "c < '0044-03-16 BC'", "t" },
	{ "date", "infinity", "c > '294276-01-01'", "t" },
	{ "date", "-infinity", "c < '4713-01-01 BC'", "t" },
	{ "timestamp", "2024-01-01 00:00:00", "c = '2024-01-01'", "t" },
	{ "timestamp", "2024-01-01 00:00:00.5", "c > '2024-01-01T00:00'", "t" },
	{ "timestamp", "2024-01-01 00:00:00.5", "c = '2024-01-01 00:00:00.500'", "t" },
	{ "timestamp", "2024-01-01 09:00:00", "c < '2024-01-01 10:00:00'", "t" },
	{ "timestamptz", "2024-01-01 00:00:00+00", "c = '2024-01-01T00:00:00Z'", "t" },
	{ "timestamptz", "2024-01-01 00:00:00.25+00", "c > '2024-01-01 00:00:00+00:00'",
	  "t" },
	{ "timestamptz", "2024-01-01 00:00:00.5+00", "c < '2024-01-01 00:00:00.55'",
	  "t" },
	{ "time", "12:00:00.5", "c > '12:00'", "t" },
	/* NULL and precedence */
	{ "int4", NULL, "c = 1", "n" },
	{ "int4", NULL, "c != 1", "n" },
	{ "int4", NULL, "not c = 1", "n" },
	{ "int4", NULL, "c is null", "t" },
	{ "int4", NULL, "c is not null", "f" },
	{ "int4", "1", "c is null", "f" },
	{ "int4", NULL, "c = 1 or c is null", "t" },
	{ "int4", NULL, "c = 1 and c is null", "n" },
	{ "int4", NULL, "c in (1) and c is not null", "f" },
	{ "int4", "1", "c = 1 or c = 2 and c = 3", "t" },
	{ "int4", "1", "(c = 1 or c = 2) and c = 3", "f" },
	{ "int4", "1", "not c = 2 and c = 1", "t" },
	{ "int4", "1", "not (c = 2 or c = 1)", "f" },
	{ "int4", "1", "\"c\"=1", "t" },
};

START_TEST(values_are_compared_by_their_type)
{
	char columns[32];
	struct ez_table *t;

	snprintf(columns, sizeof(columns), "c:%s", comparisons[_i].type);
	t = fake_table(host, "s", "t", columns);
	ck_assert_msg(strcmp(eval_on(t, comparisons[_i].where,
				     FAKE_ROW(comparisons[_i].value), NULL),
			     comparisons[_i].result) == 0,
		      "%s with %s", comparisons[_i].where, comparisons[_i].value);
}
END_TEST

START_TEST(padded_text_is_compared_without_its_padding)
{
	struct ez_table *t = fake_table(host, "s", "t", "c:text");
	struct ez_column column = *t->columns[0];
	const struct ez_column *columns[] = { &column };

	t->columns = columns;
	column.native = VIEW("character(5)");
	ck_assert_str_eq(eval_on(t, "c = 'ab'", FAKE_ROW("ab   "), NULL), "t");
	column.native = VIEW("character varying(5)");
	ck_assert_str_eq(eval_on(t, "c = 'ab'", FAKE_ROW("ab   "), NULL), "f");
}
END_TEST

/* a is there and 1; u was not sent. */
static const struct {
	const char *where, *result;
} unknowns[] = {
	{ "u = 1", "tfn" },
	{ "u is null", "tf" },
	{ "u like 'x'", "tfn" },
	{ "not u = 1", "tfn" },
	{ "a = 1 and u = 1", "tfn" },
	{ "a = 2 and u = 1", "f" },
	{ "u = 1 and a = 2", "f" },
	{ "a = 1 or u = 1", "t" },
	{ "a = 2 or u = 1", "tfn" },
	{ "not (a = 2 and u = 1)", "t" },
	{ "not (a = 1 or u = 1)", "f" },
	{ "n = 1 and u = 1", "fn" },
	{ "n = 1 or u = 1", "tn" },
	{ "not (n = 1 and u = 1)", "tn" },
	{ "u is null and a = 2", "f" },
	{ "(u is null or a = 2) and a = 1", "tf" },
};

START_TEST(what_was_not_sent_leaves_the_answer_open)
{
	const char *where = unknowns[_i].where;
	const char *const missing[] = { FAKE_UNCHANGED, FAKE_ABSENT };
	struct ez_table *t = fake_table(host, "s", "t",
					strstr(where, "like") ? "a:int4, u:text, n:int4"
							      : "a:int4, u:int4, n:int4");

	for (size_t i = 0; i < ARRAY_LEN(missing); i++)
		ck_assert_str_eq(eval_on(t, where, FAKE_ROW("1", missing[i], NULL), NULL),
				 unknowns[_i].result);
}
END_TEST

START_TEST(a_whole_old_row_answers_for_what_did_not_change)
{
	struct ez_table *t = fake_table(host, "s", "t", "a:int4, u:text");

	ck_assert_str_eq(
		eval_on(t, "u = 'x'", FAKE_ROW("1", FAKE_UNCHANGED), FAKE_ROW("0", "x")),
		"t");
	ck_assert_str_eq(
		eval_on(t, "u = 'y'", FAKE_ROW("1", FAKE_UNCHANGED), FAKE_ROW("0", "x")),
		"f");
	ck_assert_str_eq(
		eval_on(t, "a = 1", FAKE_ROW("1", FAKE_UNCHANGED), FAKE_ROW("0", "x")),
		"t");
	ck_assert_str_eq(eval_on(t, "u = 'y'", FAKE_ROW("1", FAKE_UNCHANGED),
				 FAKE_ROW("0", FAKE_ABSENT)),
			 "tfn");
	ck_assert_str_eq(eval_on(t, "a = 1", NULL, NULL), "tfn");
}
END_TEST

/* A value that its type does not allow must not decide anything. */
START_TEST(a_number_that_is_none_leaves_the_answer_open)
{
	struct ez_table *t = fake_table(host, "s", "t", "a:int4");

	ck_assert_str_eq(eval_on(t, "a = 1", FAKE_ROW("x"), NULL), "tfn");
}
END_TEST

static const struct {
	const char *type, *where;
	size_t at;
	const char *why;
} misfits[] = {
	{ "int4", "c = 1 and x = 1", 10, "no such column" },
	{ "int4", "C = 1", 0, "no such column" },
	{ "int4", "c = 'x'", 4, "number" },
	{ "int4", "c = true", 4, "number" },
	{ "int4", "c in (1, 'x')", 9, "number" },
	{ "int4", "c like '1%'", 0, "like" },
	{ "text", "c = 1", 4, "quotes" },
	{ "text", "c = true", 4, "quotes" },
	{ "bool", "c = 1", 4, "true or false" },
	{ "bool", "c < true", 0, "no order" },
	{ "bool", "c like 't'", 0, "like" },
	{ "enum", "c < 'red'", 0, "no order" },
	{ "json", "c > '{}'", 0, "no order" },
	{ "array", "c >= '{}'", 0, "no order" },
	{ "timetz", "c > '12:00:00+02'", 0, "no order" },
	{ "interval", "c > '1 day'", 0, "no order" },
	{ "uuid", "c = 'x'", 4, "uuid" },
	{ "bytes", "c = 'x'", 4, "hex" },
	{ "bytes", "c = '\\x0'", 4, "hex" },
	{ "bytes", "c = '\\xgg'", 4, "hex" },
	{ "date", "c = '2024'", 4, "date" },
	{ "date", "c = '2024-13-01'", 4, "date" },
	{ "date", "c = '2024-1-1'", 4, "date" },
	{ "date", "c = '2024-01-01 00:00:00'", 4, "date" },
	{ "date", "c = 20240101", 4, "date" },
	{ "date", "c like '2024%'", 0, "like" },
	{ "time", "c = '12'", 4, "time" },
	{ "time", "c = '12:00:00.1234567'", 4, "time" },
	{ "time", "c like '12%'", 0, "like" },
	{ "timestamp", "c = '2024-01-01 25:00'", 4, "timestamp" },
	{ "timestamp", "c = '2024-01-01T00:00:00Z'", 4, "timestamp" },
	{ "timestamptz", "c = '2024-01-01 00:00:00+02'", 4, "UTC" },
};

START_TEST(literals_must_fit_the_column)
{
	struct where_error e = { .why = "" };
	struct where_bound b;
	struct ez_table *t;
	struct where w;
	char columns[32];

	snprintf(columns, sizeof(columns), "c:%s", misfits[_i].type);
	t = fake_table(host, "s", "t", columns);
	ck_assert(where_parse(view_str(misfits[_i].where), &w, &e));
	ck_assert_msg(!where_bind(&w, t, &b, &e), "%s", misfits[_i].where);
	ck_assert_msg(strstr(e.why, misfits[_i].why) != NULL, "%s: %s", misfits[_i].where,
		      e.why);
	ck_assert_msg(e.at == misfits[_i].at, "%s: at %zu", misfits[_i].where, e.at);
	where_release(&w);
}
END_TEST

/* ------------------------------------------------------------------ decimal */

START_TEST(decimals_are_ordered_like_integers)
{
	struct prng r = PRNG_INIT((uint64_t)_i + 1);

	for (int round = 0; round < 500; round++) {
		int64_t a = (int64_t)prng_below(&r, 2000001) - 1000000;
		int64_t b = (int64_t)prng_below(&r, 2000001) - 1000000;
		int scale = (int)prng_below(&r, 5);
		struct decimal x, y;
		char s[64], t[64];

		/* The same power of ten, written in two ways. */
		snprintf(s, sizeof(s), "%llde%d", (long long)a, scale);
		snprintf(t, sizeof(t), "%lld%0*d", (long long)b, scale + 1, 0);
		t[strlen(t) - 1] = '\0';
		ck_assert(decimal_parse(view_str(s), &x));
		ck_assert(decimal_parse(view_str(t), &y));
		ck_assert_msg((decimal_cmp(&x, &y) > 0) - (decimal_cmp(&x, &y) < 0) ==
				      (a > b) - (a < b),
			      "%s and %s", s, t);
	}
}
END_TEST

START_TEST(what_is_no_decimal_is_refused)
{
	static const char *const texts[] = {
		"",   "-",  ".",    ".5",    "1e",  "1e+", "1e99999999999", "nan", "inf",
		"1 ", " 1", "1..2", "1.2.3", "0x1", "+"
	};
	struct decimal d;

	ck_assert_msg(!decimal_parse(view_str(texts[_i]), &d), "%s", texts[_i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("where");
	TCase *t = tcase_create("parser");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, faults_are_shown_where_they_are, 0,
			    (int)ARRAY_LEN(errors));
	tcase_add_loop_test(t, depth_is_limited_and_length_is_not, 0, 9);
	tcase_add_loop_test(t, garbage_never_breaks_the_parser, 0, 20);
	suite_add_tcase(s, t);
	t = tcase_create("evaluation");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, values_are_compared_by_their_type, 0,
			    (int)ARRAY_LEN(comparisons));
	tcase_add_test(t, padded_text_is_compared_without_its_padding);
	tcase_add_loop_test(t, what_was_not_sent_leaves_the_answer_open, 0,
			    (int)ARRAY_LEN(unknowns));
	tcase_add_test(t, a_whole_old_row_answers_for_what_did_not_change);
	tcase_add_test(t, a_number_that_is_none_leaves_the_answer_open);
	tcase_add_loop_test(t, literals_must_fit_the_column, 0, (int)ARRAY_LEN(misfits));
	suite_add_tcase(s, t);
	t = tcase_create("decimal");
	tcase_add_loop_test(t, decimals_are_ordered_like_integers, 0, 10);
	tcase_add_loop_test(t, what_is_no_decimal_is_refused, 0, 15);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
