/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "plugins/pgoutput/copy.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/random.h"
#include "base/view.h"
#include "plugins/pgoutput/part_spec.h"

enum { MOST = 16 };

static struct ez_cell cells[MOST];
static char row[65536];

static bool split(const char *text, size_t len, uint32_t n)
{
	memcpy(row, text, len);
	return copy_split(row, len, cells, n);
}

#define SPLIT(literal, n) split(literal, sizeof(literal) - 1, n)

static bool is(uint32_t i, const char *text)
{
	return cells[i].kind == EZ_CELL_TEXT && cells[i].len == strlen(text) &&
	       memcmp(cells[i].ptr, text, cells[i].len) == 0;
}

START_TEST(plain_rows_are_cut_at_tabs)
{
	ck_assert(SPLIT("1\tabc\t", 3));
	ck_assert(is(0, "1") && is(1, "abc") && is(2, ""));
	ck_assert(SPLIT("alone", 1));
	ck_assert(is(0, "alone"));
	ck_assert(SPLIT("", 1));
	ck_assert(is(0, ""));
	ck_assert(SPLIT("", 0));
}
END_TEST

START_TEST(null_is_not_text)
{
	ck_assert(SPLIT("\\N\t\\\\N\t", 3));
	ck_assert_uint_eq(cells[0].kind, EZ_CELL_NULL);
	ck_assert(is(1, "\\N") && is(2, ""));
}
END_TEST

START_TEST(escapes_are_undone)
{
	ck_assert(SPLIT("\\b\\f\\n\\r\\t\\v\\\\\ta\\tb\tplain\\\\", 3));
	ck_assert(is(0, "\b\f\n\r\t\v\\") && is(1, "a\tb") && is(2, "plain\\"));
	ck_assert(SPLIT("\\\\\\\\\\\\", 1));
	ck_assert(is(0, "\\\\\\"));
	/* What the server never sends must still not run over the end. */
	ck_assert(SPLIT("a\\", 1));
	ck_assert(is(0, "a\\"));
	ck_assert(SPLIT("\\q", 1));
	ck_assert(is(0, "q"));
}
END_TEST

START_TEST(a_wrong_number_of_columns_is_refused)
{
	ck_assert(!SPLIT("1\t2", 1));
	ck_assert(!SPLIT("1\t2", 3));
	ck_assert(!SPLIT("1", 0));
}
END_TEST

/* As the server escapes. */
static void add_escaped(struct buf *b, struct ez_view v)
{
	static const char from[] = "\b\f\n\r\t\v\\", to[] = "bfnrtv\\";

	for (size_t i = 0; i < v.len; i++) {
		const char *at = v.ptr[i] ? strchr(from, v.ptr[i]) : NULL;

		if (at) {
			buf_add_char(b, '\\');
			buf_add_char(b, to[at - from]);
		} else {
			buf_add_char(b, v.ptr[i]);
		}
	}
}

/* Any row, escaped and split again, is itself. */
START_TEST(splitting_is_the_inverse_of_escaping)
{
	static const char alphabet[] = "ab\b\f\n\r\t\v\\N\\\\xyz";
	struct prng prng;
	struct buf b = BUF_INIT(sizeof(row));
	char values[MOST][24];
	size_t lens[MOST];
	uint32_t n;

	prng = PRNG_INIT((uint64_t)_i + 1);
	n = 1 + (uint32_t)(prng_next(&prng) % MOST);
	for (uint32_t i = 0; i < n; i++) {
		lens[i] = prng_next(&prng) % (sizeof(values[0]) + 1);
		if (i > 0)
			buf_add_char(&b, '\t');
		if (lens[i] == sizeof(values[0])) {
			buf_add_str(&b, "\\N");
			continue;
		}
		for (size_t k = 0; k < lens[i]; k++)
			values[i][k] =
				alphabet[prng_next(&prng) % (sizeof(alphabet) - 1)];
		add_escaped(&b, view_of(values[i], lens[i]));
	}
	ck_assert_msg(split(b.ptr ? b.ptr : "", b.len, n), "seed %d", _i + 1);
	for (uint32_t i = 0; i < n; i++) {
		if (lens[i] == sizeof(values[0]))
			ck_assert_msg(cells[i].kind == EZ_CELL_NULL, "seed %d", _i + 1);
		else
			ck_assert_msg(view_eq(view_of(cells[i].ptr, cells[i].len),
					      view_of(values[i], lens[i])),
				      "seed %d", _i + 1);
	}
	buf_release(&b);
}
END_TEST

START_TEST(a_parts_spec_survives_as_text)
{
	struct part_spec spec = { .oid = 16385,
				  .from = 7,
				  .to = 9,
				  .schema = VIEW("a b"),
				  .name = VIEW("3:x"),
				  .filter = VIEW("(id > 3) AND n <> 'x y'") };
	struct part_spec back;
	struct buf b = BUF_INIT(1024);

	part_spec_add(&b, &spec);
	ck_assert(part_spec_parse(buf_view(&b), &back));
	ck_assert(back.oid == 16385 && back.from == 7 && back.to == 9);
	ck_assert(view_eq(back.schema, spec.schema) && view_eq(back.name, spec.name) &&
		  view_eq(back.filter, spec.filter));
	for (size_t n = 0; n < b.len; n++)
		ck_assert(!part_spec_parse(view_of(b.ptr, n), &back));
	ck_assert(!part_spec_parse(VIEW("1 2 3 99999999999999999999:x 1:y 0:"), &back));
	buf_release(&b);
}
END_TEST

START_TEST(a_snapshots_token_survives_as_text)
{
	struct snapshot_token token = { .name = VIEW("00000003-0000001B-1"),
					.lsn = 0x123456789,
					.time_us = -5 };
	struct snapshot_token back;
	struct buf b = BUF_INIT(256);

	snapshot_token_add(&b, &token);
	ck_assert(snapshot_token_parse(buf_view(&b), &back));
	ck_assert(view_eq(back.name, token.name) && back.lsn == token.lsn &&
		  back.time_us == -5);
	ck_assert(!snapshot_token_parse(VIEW(""), &back));
	ck_assert(!snapshot_token_parse(VIEW("x 0/1"), &back));
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("copy");
	TCase *c = tcase_create("copy");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(c, plain_rows_are_cut_at_tabs);
	tcase_add_test(c, null_is_not_text);
	tcase_add_test(c, escapes_are_undone);
	tcase_add_test(c, a_wrong_number_of_columns_is_refused);
	tcase_add_loop_test(c, splitting_is_the_inverse_of_escaping, 0, 200);
	tcase_add_test(c, a_parts_spec_survives_as_text);
	tcase_add_test(c, a_snapshots_token_survives_as_text);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
