/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "renames.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/buf.h"

#include "tabletest.h"

static struct renames notes;
static struct described_column shown[8];
static struct described table_there = { .columns = shown };

static void close_test(void)
{
	renames_release(&notes);
	table_there.n = 0;
}

static void there_is(const char *names)
{
	struct ez_view rest = view_str(names), part;

	table_there.n = 0;
	while (view_split(&rest, ' ', &part))
		shown[table_there.n++].name = part;
}

static void note(uint64_t table, uint32_t column, const char *from, const char *to)
{
	renames_add(&notes, table, column, view_str(from), view_str(to));
}

/* What the next run of the job knows. */
static void restart(void)
{
	struct buf text = BUF_INIT(65536);

	renames_format(&notes, &text);
	renames_release(&notes);
	renames_parse(&notes, buf_view(&text));
	buf_release(&text);
}

static void is_called(uint64_t table, uint32_t column, const char *name, const char *now)
{
	struct ez_view v =
		renames_now(&notes, table, column, view_str(name), &table_there);

	ck_assert_msg(view_eq_str(v, now), "%s is %.*s, not %s", name, VIEW_ARG(v), now);
}

START_TEST(a_column_is_found_by_its_newest_name_that_the_table_has)
{
	note(7, 2, "a", "b");
	note(7, 2, "b", "ü:> c");
	restart();
	there_is("id ü:>");
	is_called(7, 2, "a", "a");
	shown[table_there.n++].name = VIEW("ü:> c");
	is_called(7, 2, "a", "ü:> c");
	is_called(7, 2, "b", "ü:> c");
	is_called(7, 2, "new", "new");
	is_called(7, 3, "a", "a");
	is_called(8, 2, "a", "a");
	there_is("id b");
	is_called(7, 2, "a", "b");
	is_called(7, 2, "b", "b");
}
END_TEST

START_TEST(names_that_pass_from_one_column_to_another_are_told_apart)
{
	note(7, 1, "x", "w");
	note(7, 3, "z", "x");
	restart();
	there_is("w x");
	is_called(7, 1, "x", "w");
	is_called(7, 3, "z", "x");
	is_called(7, 3, "x", "x");
	/* Without a number only what is not there can be meant. */
	is_called(7, 0, "x", "x");
	is_called(7, 0, "z", "x");
}
END_TEST

START_TEST(notes_count_for_the_next_run_and_until_the_stream_is_past_them)
{
	note(7, 1, "a", "b");
	there_is("b");
	is_called(7, 1, "a", "a");
	restart();
	is_called(7, 1, "a", "b");
	renames_settle(&notes, 8);
	is_called(7, 1, "a", "b");
	renames_settle(&notes, 7);
	is_called(7, 1, "a", "a");
	restart();
	is_called(7, 1, "a", "b");
	renames_forget(&notes, 7);
	restart();
	ck_assert(!renames_has(&notes, 7));
}
END_TEST

START_TEST(a_name_that_the_checkpoint_has_needs_no_note)
{
	note(7, 2, "a", "b");
	note(7, 2, "b", "c");
	note(7, 3, "x", "y");
	there_is("c y");
	renames_reached(&notes, 7, 2, VIEW("c"));
	is_called(7, 2, "a", "a"); /* a note of this run is not yet to be followed ... */
	restart();
	renames_reached(&notes, 7, 2, VIEW("b"));
	is_called(7, 2, "a", "c"); /* ... and has not gone */
	renames_reached(&notes, 7, 2, VIEW("c"));
	is_called(7, 2, "a", "a");
	is_called(7, 2, "b", "b");
	is_called(7, 3, "x", "y");
}
END_TEST

START_TEST(tables_have_notes_of_their_own)
{
	note(7, RENAMED_TABLE, "t", "u");
	note(7, 1, "t", "v");
	note(7, RENAMED_TABLE, "u", "w");
	restart();
	there_is("id u");
	is_called(7, 0, "t", "t");
	ck_assert(view_eq_str(renames_table(&notes, 7, VIEW("t")), "w"));
	ck_assert(view_eq_str(renames_table(&notes, 7, VIEW("u")), "w"));
	ck_assert_uint_eq(renames_table(&notes, 7, VIEW("w")).len, 0);
	ck_assert_uint_eq(renames_table(&notes, 8, VIEW("t")).len, 0);
}
END_TEST

START_TEST(what_is_no_note_is_passed_over_and_few_are_kept)
{
	char name[16];

	renames_parse(&notes,
		      VIEW("x>1:2:61>1:2:6:62>a:b:c:d>7:1:61:62:63>9:1:61:6g>7:2:61:62"));
	ck_assert_uint_eq(notes.n, 2);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		note(1, 1, name, "x");
		note(1, 1, name, "x");
	}
	ck_assert_uint_eq(notes.n, 500);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("renames");
	TCase *tc = tcase_create("renames");

	tcase_add_checked_fixture(tc, NULL, close_test);
	tcase_add_test(tc, a_column_is_found_by_its_newest_name_that_the_table_has);
	tcase_add_test(tc, names_that_pass_from_one_column_to_another_are_told_apart);
	tcase_add_test(tc,
		       notes_count_for_the_next_run_and_until_the_stream_is_past_them);
	tcase_add_test(tc, a_name_that_the_checkpoint_has_needs_no_note);
	tcase_add_test(tc, tables_have_notes_of_their_own);
	tcase_add_test(tc, what_is_no_note_is_passed_over_and_few_are_kept);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
