/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>

#include "csv.h"
#include "tests.h"

/* Rows as "a|b;c|d;". */
static void note(void *arg, const struct ez_view *fields, size_t n, struct ez_view row)
{
	struct buf *out = arg;

	(void)row;
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_add_char(out, '|');
		buf_add_view(out, fields[i]);
	}
	buf_add_char(out, ';');
}

static struct csv_format format(int enclose, int escape)
{
	return (struct csv_format){ .separator = ",",
				    .separator_len = 1,
				    .delimiter = "\n",
				    .delimiter_len = 1,
				    .enclose = enclose,
				    .escape = escape };
}

/* Whole, and cut at every place: the rows are the same. */
static void expect(const struct csv_format *f, size_t n_columns, const char *text,
		   const char *rows)
{
	size_t len = strlen(text);

	for (size_t cut = 0; cut <= len; cut++) {
		struct buf out = BUF_INIT(10000);
		struct csv c;

		csv_init(&c, f, note, &out);
		c.n_expected = n_columns;
		csv_feed(&c, text, cut);
		csv_feed(&c, text + cut, len - cut);
		csv_end(&c);
		ck_assert_str_eq(buf_cstr(&out), rows);
		csv_release(&c);
		buf_release(&out);
	}
}

START_TEST(without_quotes_delimiters_cut)
{
	struct csv_format f = format(-1, -1);

	expect(&f, 2, "a,b\n,\nc,\"d\n", "a|b;|;c|\"d;");
}
END_TEST

START_TEST(blank_lines_are_skipped)
{
	struct csv_format f = format(-1, -1), quoting = format('"', -1);

	expect(&f, 1, "a\n\n\nb\n", "a;b;");
	expect(&quoting, 1, "a\n\n\nb\n", "a;b;");
}
END_TEST

START_TEST(a_last_row_needs_no_delimiter)
{
	struct csv_format f = format(-1, -1);

	expect(&f, 2, "a,b\nc,d", "a|b;c|d;");
	expect(&f, 2, "a,b\nc", "a|b;c;");
}
END_TEST

START_TEST(with_quotes_a_broken_last_row_is_dropped_silently)
{
	struct csv_format f = format('"', -1);

	expect(&f, 2, "a,b\nc,d", "a|b;c|d;");
	expect(&f, 2, "a,b\nc", "a|b;");
}
END_TEST

START_TEST(delimiters_may_be_long)
{
	struct csv_format f = format(-1, -1);

	memcpy(f.separator, "||", 3);
	f.separator_len = 2;
	memcpy(f.delimiter, "\r\n", 3);
	f.delimiter_len = 2;
	expect(&f, 2, "a||b|\r\nc||d\n\r\n", "a|b|;c|d\n;");
}
END_TEST

START_TEST(quotes_hold_delimiters)
{
	struct csv_format f = format('"', -1);

	expect(&f, 2, "\"a,\nb\",\"say \"\"x\"\"\"\n", "a,\nb|say \"x\";");
	expect(&f, 2, "\"\"\"x\",b\n", "\"x|b;");
	expect(&f, 2, "\"\\N\",\\N\n", "\\N|\\N;");
}
END_TEST

START_TEST(escape_damages_the_null_marker)
{
	struct csv_format f = format('"', '\\');

	expect(&f, 2, "\\N,a\\,b\n", "N|a,b;");
}
END_TEST

START_TEST(the_old_parser_swallows_a_separator)
{
	struct csv_format f = format('"', -1);

	f.has_old_bug = true;
	expect(&f, 2, "\"\"\"x\",b\n", "\"x,b;");
	expect(&f, 2, "\"x\",b\n", "x|b;");
}
END_TEST

START_TEST(the_first_rows_may_be_skipped_and_blanks_trimmed)
{
	struct csv_format f = format(-1, -1);

	f.skip = 1;
	f.trims = true;
	expect(&f, 2, "head,er\n a , b\n", "a|b;");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("csv");
	TCase *t = tcase_create("rows");

	tcase_add_test(t, without_quotes_delimiters_cut);
	tcase_add_test(t, blank_lines_are_skipped);
	tcase_add_test(t, a_last_row_needs_no_delimiter);
	tcase_add_test(t, with_quotes_a_broken_last_row_is_dropped_silently);
	tcase_add_test(t, delimiters_may_be_long);
	tcase_add_test(t, quotes_hold_delimiters);
	tcase_add_test(t, escape_damages_the_null_marker);
	tcase_add_test(t, the_old_parser_swallows_a_separator);
	tcase_add_test(t, the_first_rows_may_be_skipped_and_blanks_trimmed);
	suite_add_tcase(s, t);
	return tests_run(s);
}
