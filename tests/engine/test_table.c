/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/view.h"
#include "engine/table.h"

static struct ez_column id, note;
static const struct ez_column *columns[2];
static struct ez_table shape;

static void setup(void)
{
	id = (struct ez_column){ .size = sizeof(id), .name = VIEW("id"), .native = VIEW("integer"),
				 .type = EZ_TYPE_INT4, .flags = EZ_COL_KEY };
	note = (struct ez_column){ .size = sizeof(note), .name = VIEW("note"),
				   .native = VIEW("text"), .type = EZ_TYPE_TEXT };
	columns[0] = &id;
	columns[1] = &note;
	shape = (struct ez_table){ .size = sizeof(shape), .id = 42, .schema = VIEW("public"),
				   .name = VIEW("orders"), .n_columns = 2, .columns = columns };
}

START_TEST(a_copy_owns_all_its_text)
{
	char name[] = "orders";
	struct table *t;

	shape.name = view_str(name);
	t = table_new(&shape, 1, 3);
	memset(name, '?', sizeof(name) - 1);
	ck_assert(view_eq_str(t->desc.name, "orders"));
	ck_assert(view_eq_str(t->desc.columns[1]->native, "text"));
	ck_assert_uint_eq(t->desc.n_keys, 1);
	ck_assert_uint_eq(t->desc.version, 3);
	table_unref(t);
}
END_TEST

START_TEST(a_shorter_struct_of_an_older_plugin_is_filled_up_with_zeroes)
{
	struct table *t;

	id.size = offsetof(struct ez_column, precision);
	id.precision = 77;
	t = table_new(&shape, 1, 1);
	ck_assert_int_eq(t->desc.columns[0]->precision, 0);
	ck_assert_uint_eq(t->desc.columns[0]->size, sizeof(struct ez_column));
	table_unref(t);
}
END_TEST

START_TEST(every_member_of_a_column_makes_a_difference)
{
	static const size_t at[] = { offsetof(struct ez_column, type),
				     offsetof(struct ez_column, flags),
				     offsetof(struct ez_column, id),
				     offsetof(struct ez_column, native_type),
				     offsetof(struct ez_column, type_mod),
				     offsetof(struct ez_column, element),
				     offsetof(struct ez_column, precision),
				     offsetof(struct ez_column, scale),
				     offsetof(struct ez_column, length) };
	struct table *t = table_new(&shape, 1, 1);
	uint32_t *member = (uint32_t *)(void *)((char *)&note + at[_i]);

	ck_assert(table_is_same(&t->desc, &shape));
	*member += 1;
	ck_assert(!table_is_same(&t->desc, &shape));
	table_unref(t);
}
END_TEST

START_TEST(an_equal_shape_is_the_same_descriptor)
{
	struct registry r;
	struct table *a, *b, *before;
	bool news;

	registry_init(&r);
	a = registry_intern(&r, &shape, &news, &before);
	ck_assert(news);
	ck_assert_ptr_null(before);
	b = registry_intern(&r, &shape, &news, &before);
	ck_assert(!news);
	ck_assert_ptr_eq(a, b);
	table_unref(a);
	table_unref(b);
	registry_release(&r);
}
END_TEST

START_TEST(versions_go_on_from_the_checkpoint)
{
	struct registry r;
	struct table *t, *before;
	bool news;

	registry_init(&r);
	shape.version = 7;
	registry_seed(&r, &shape, NULL);
	t = registry_intern(&r, &shape, &news, &before);
	ck_assert(news); /* of this run, though the shape is known */
	ck_assert_ptr_eq(before, t);
	ck_assert_uint_eq(t->desc.version, 7);
	table_unref(before);
	table_unref(t);
	note.type = EZ_TYPE_JSON;
	t = registry_intern(&r, &shape, &news, &before);
	ck_assert(news);
	ck_assert_uint_eq(before->desc.version, 7);
	ck_assert_uint_eq(t->desc.version, 8);
	table_unref(before);
	table_unref(t);
	registry_release(&r);
}
END_TEST

/* The table of before, with all numbers, as the checkpoint has it. */
static struct table *intern_after_seed(struct registry *r, struct table **ret_before)
{
	bool news;

	registry_init(r);
	id.id = 1;
	note.id = 3;
	note.native_type = 25;
	registry_seed(r, &shape, NULL);
	return registry_intern(r, &shape, &news, ret_before);
}

START_TEST(a_column_of_unknown_number_inherits_that_of_its_name)
{
	struct registry r;
	struct table *before, *known = intern_after_seed(&r, &before), *t;
	bool news;

	table_unref(before);
	note.id = 0;
	t = registry_intern(&r, &shape, &news, &before);
	ck_assert(!news);
	ck_assert_ptr_eq(t, known);
	table_unref(t);
	/* So its new name is a rename, and nothing else. */
	note.name = VIEW("remark");
	note.id = 3;
	t = registry_intern(&r, &shape, &news, &before);
	ck_assert(news);
	ck_assert_uint_eq(before->desc.columns[1]->id, 3);
	table_unref(before);
	table_unref(t);
	table_unref(known);
	registry_release(&r);
}
END_TEST

enum { OTHER_NAME, OTHER_TYPE, NUMBER_TAKEN, HEIRS };

START_TEST(what_may_be_another_column_inherits_nothing)
{
	struct registry r;
	struct table *before, *known = intern_after_seed(&r, &before), *t;
	bool news;

	table_unref(before);
	note.id = 0;
	if (_i == OTHER_NAME)
		note.name = VIEW("remark");
	if (_i == OTHER_TYPE)
		note.native_type = 114;
	if (_i == NUMBER_TAKEN)
		id.id = 3;
	t = registry_intern(&r, &shape, &news, &before);
	ck_assert(news);
	ck_assert_uint_eq(t->desc.columns[1]->id, 0);
	table_unref(before);
	table_unref(t);
	table_unref(known);
	registry_release(&r);
}
END_TEST

/* A registry whose checkpoint has `note` as of lsn 100; what it had before it is `memo`. */
static void seed_changed(struct registry *r, bool is_done)
{
	struct ez_column memo = note;
	const struct ez_column *old[] = { &id, &memo };
	struct ez_table before = shape;

	memo.name = VIEW("memo");
	before.columns = old;
	shape.lsn = 100;
	registry_init(r);
	registry_seed(r, &shape, is_done ? NULL : &before);
}

/* The news of declaring the table with its second column by this name; is it past? */
static bool declare(struct registry *r, const char *name, uint64_t lsn, bool *ret_news,
			char ret_before[8])
{
	struct table *t, *before;
	bool is_past;

	note.name = view_str(name);
	shape.lsn = lsn;
	t = registry_intern(r, &shape, ret_news, &before);
	is_past = t->is_past;
	ret_before[0] = '\0';
	if (before)
		ck_assert(str_copy(ret_before, 8, before->desc.columns[1]->name));
	table_unref(before);
	table_unref(t);
	return is_past;
}

START_TEST(what_is_older_than_the_checkpoints_shape_is_past)
{
	struct registry r;
	char before[8];
	bool news;

	seed_changed(&r, true);
	ck_assert(declare(&r, "memo", 90, &news, before));
	ck_assert(!news);
	ck_assert_str_eq(before, "");
	ck_assert(declare(&r, "none", 100, &news, before));
	ck_assert_uint_eq(registry_past(&r, 42), 100);
	/* It has come: from here on a change is a change. */
	ck_assert(!declare(&r, "note", 100, &news, before));
	ck_assert(news);
	ck_assert_str_eq(before, "note");
	ck_assert(!declare(&r, "memo", 100, &news, before));
	ck_assert(news);
	ck_assert_str_eq(before, "note");
	ck_assert_uint_eq(registry_past(&r, 42), 0);
	registry_release(&r);
}
END_TEST

START_TEST(nothing_is_past_after_the_checkpoints_shape)
{
	struct registry r;
	char before[8];
	bool news;

	seed_changed(&r, true);
	ck_assert(!declare(&r, "memo", _i ? 101 : 0, &news, before));
	ck_assert(news);
	ck_assert_str_eq(before, "note");
	registry_release(&r);
}
END_TEST

START_TEST(a_change_that_was_cut_off_goes_on_from_what_the_sink_had)
{
	struct registry r;
	char before[8];
	bool news;

	seed_changed(&r, false);
	ck_assert(declare(&r, "memo", 100, &news, before));
	ck_assert(!declare(&r, "note", 100, &news, before));
	ck_assert(news);
	ck_assert_str_eq(before, "memo");
	registry_release(&r);
}
END_TEST

struct stored {
	char text[64];
};

static void store(void *arg, struct table *newest, struct table *before)
{
	struct stored *s = arg;
	struct ez_view was = before ? before->desc.columns[1]->name : VIEW("-");

	ck_assert(str_format(s->text, sizeof(s->text), "%.*s<%.*s",
			     VIEW_ARG(newest->desc.columns[1]->name), VIEW_ARG(was)));
}

static void check_stored(struct registry *r, const char *expected)
{
	struct stored s = { .text = "" };

	registry_each(r, store, &s);
	ck_assert_str_eq(s.text, expected);
}

START_TEST(what_the_sink_has_is_not_what_was_declared)
{
	struct registry r;
	struct table *one, *two, *three, *before;
	bool news;

	registry_init(&r);
	one = registry_intern(&r, &shape, &news, &before);
	note.name = VIEW("two");
	two = registry_intern(&r, &shape, &news, &before);
	table_unref(before);
	note.name = VIEW("three");
	three = registry_intern(&r, &shape, &news, &before);
	table_unref(before);
	check_stored(&r, "");
	registry_did(&r, one);
	check_stored(&r, "note<-");
	registry_intend(&r, two);
	check_stored(&r, "two<note");
	registry_did(&r, two);
	registry_intend(&r, three);
	check_stored(&r, "three<two");
	registry_did(&r, three);
	check_stored(&r, "three<-");
	table_unref(one);
	table_unref(two);
	table_unref(three);
	registry_release(&r);
}
END_TEST

START_TEST(a_million_alters_keep_one_shape)
{
	struct registry r;
	struct table *before;
	bool news;

	registry_init(&r);
	for (uint32_t i = 0; i < 10000; i++) {
		note.length = (int32_t)i;
		table_unref(registry_intern(&r, &shape, &news, &before));
		ck_assert(news);
		table_unref(before);
	}
	ck_assert_uint_eq(map_len(&r.tables), 1);
	registry_release(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("table");
	TCase *t = tcase_create("table");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_copy_owns_all_its_text);
	tcase_add_test(t, a_shorter_struct_of_an_older_plugin_is_filled_up_with_zeroes);
	tcase_add_loop_test(t, every_member_of_a_column_makes_a_difference, 0, 9);
	tcase_add_test(t, an_equal_shape_is_the_same_descriptor);
	tcase_add_test(t, versions_go_on_from_the_checkpoint);
	tcase_add_test(t, a_column_of_unknown_number_inherits_that_of_its_name);
	tcase_add_test(t, what_is_older_than_the_checkpoints_shape_is_past);
	tcase_add_loop_test(t, nothing_is_past_after_the_checkpoints_shape, 0, 2);
	tcase_add_test(t, a_change_that_was_cut_off_goes_on_from_what_the_sink_had);
	tcase_add_test(t, what_the_sink_has_is_not_what_was_declared);
	tcase_add_loop_test(t, what_may_be_another_column_inherits_nothing, 0, HEIRS);
	tcase_add_test(t, a_million_alters_keep_one_shape);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
