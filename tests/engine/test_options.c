/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/options.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/view.h"
#include "engine/cfg.h"
#include "option_common.h"

START_TEST(defaults_fill_what_is_not_given)
{
	struct ez_config *c = validate_well("plugin = \"x\"; path = \"/p\";");

	ck_assert(is_str(config_str(c, "path"), "/p"));
	ck_assert(is_str(config_str(c, "note"), ""));
	ck_assert(!config_is_set(c, "note"));
	ck_assert_int_eq(config_num(c, "level"), 3);
	ck_assert(config_is_set(c, "level") && !config_is_given(c, "level"));
	ck_assert(config_is_given(c, "path"));
	ck_assert_int_eq(config_num(c, "any"), INT64_C(-5000000000));
	ck_assert_int_eq(config_num(c, "sync"), 1);
	ck_assert_int_eq(config_num(c, "size"), 4 << 20);
	ck_assert_int_eq(config_num(c, "age"), SECOND);
	ck_assert(is_str(config_str(c, "mode"), "fast"));
	ck_assert_int_eq(config_choice(c, "mode"), 1);
	ck_assert_uint_eq(config_count(c, "tables"), 2);
	ck_assert(is_str(config_item(c, "tables", 1), "b"));
	ck_assert(is_str(config_item_key(c, "map", 0), "k"));
	ck_assert(is_str(config_item(c, "map", 0), "v"));
	ck_assert(config_has(c, "map") && !config_has(c, "plugin"));
	config_free(c);
}
END_TEST

START_TEST(given_values_win)
{
	struct ez_config *c = validate_well(
		"path = \"\"; level = 9; any = 5000000000L; sync = false; size = \"2KiB\";"
		"age = \"500ms\"; mode = \"none\"; tables = ( \"x\" ); note = \"n\";"
		"map = { a = \"1\"; b = \"2\"; };");

	ck_assert(config_is_set(c, "path") && config_str(c, "path").len == 0);
	ck_assert_int_eq(config_num(c, "level"), 9);
	ck_assert_int_eq(config_num(c, "any"), INT64_C(5000000000));
	ck_assert_int_eq(config_num(c, "sync"), 0);
	ck_assert_int_eq(config_num(c, "size"), 2048);
	ck_assert_int_eq(config_num(c, "age"), 500000);
	ck_assert_int_eq(config_choice(c, "mode"), 2);
	ck_assert_uint_eq(config_count(c, "tables"), 1);
	ck_assert_uint_eq(config_count(c, "map"), 2);
	ck_assert(is_str(config_item_key(c, "map", 1), "b"));
	ck_assert(is_str(config_item(c, "map", 1), "2"));
	ck_assert(is_str(config_item(c, "map", 2), ""));
	config_free(c);
}
END_TEST

START_TEST(a_lone_string_is_a_list_and_pairs_are_a_map)
{
	struct ez_config *c = validate_well("path = \"p\"; tables = \"one\"; size = 4096;"
					    "map = [ \"public.a = b=c\", \"d=\" ];");

	ck_assert_uint_eq(config_count(c, "tables"), 1);
	ck_assert(is_str(config_item(c, "tables", 0), "one"));
	ck_assert_int_eq(config_num(c, "size"), 4096);
	ck_assert(is_str(config_item_key(c, "map", 0), "public.a"));
	ck_assert(is_str(config_item(c, "map", 0), "b=c"));
	ck_assert(is_str(config_item(c, "map", 1), ""));
	config_free(c);
	c = validate_well("path = \"p\"; tables = []; map = {};");
	ck_assert_uint_eq(config_count(c, "tables"), 0);
	ck_assert_uint_eq(config_count(c, "map"), 0);
	config_free(c);
}
END_TEST

START_TEST(each_fault_names_file_line_and_key)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "t:1: sink: option \"path\" is missing" },
		{ "path = \"p\";\npth = 1;",
		  "t:2: sink: unknown option \"pth\"; did you mean \"path\"?" },
		{ "path = \"p\";\npluing = \"x\";",
		  "t:2: sink: unknown option \"pluing\"; did you mean \"plugin\"?" },
		{ "path = \"p\"; zzzzzz = 1;", "t:1: sink: unknown option \"zzzzzz\"" },
		{ "path = 5;", "t:1: sink: path: must be a string, not a number" },
		{ "path = [ \"p\" ];",
		  "t:1: sink: path: must be a string, not an array [ ]" },
		{ "path = \"p\"; level = \"3\";",
		  "t:1: sink: level: must be a number without quotes" },
		{ "path = \"p\"; level = 3.5;",
		  "t:1: sink: level: must be a number without quotes" },
		{ "path = \"p\"; level = 10;",
		  "t:1: sink: level: must be between 1 and 9" },
		{ "path = \"p\"; sync = 1;",
		  "t:1: sink: sync: must be true or false, without quotes" },
		{ "path = \"p\"; size = \"512B\";",
		  "t:1: sink: size: must be at least 1KiB" },
		{ "path = \"p\"; size = \"1 MB\";",
		  "t:1: sink: size: must be a size such as \"64MiB\" (B, KiB, MiB, GiB, TiB)" },
		{ "path = \"p\"; size = -1;",
		  "t:1: sink: size: must be a size such as \"64MiB\" (B, KiB, MiB, GiB, TiB)" },
		{ "path = \"p\"; size = \"9000000TiB\";",
		  "t:1: sink: size: must be a size such as \"64MiB\" (B, KiB, MiB, GiB, TiB)" },
		{ "path = \"p\"; age = 5;",
		  "t:1: sink: age: must be a duration such as \"30s\" (us, ms, s, m, h, d)" },
		{ "path = \"p\"; age = \"2h\";",
		  "t:1: sink: age: must be between 1ms and 1m" },
		{ "path = \"p\"; mode = \"quick\";",
		  "t:1: sink: mode: must be one of \"slow\", \"fast\", \"none\"" },
		{ "path = \"p\"; mode = \"\";",
		  "t:1: sink: mode: must be one of \"slow\", \"fast\", \"none\"" },
		{ "path = \"p\"; tables = [ 1 ];",
		  "t:1: sink: tables: must be a list of strings, [ \"one\", \"two\" ]" },
		{ "path = \"p\"; tables = {};",
		  "t:1: sink: tables: must be a list of strings, [ \"one\", \"two\" ]" },
		{ "path = \"p\"; map = \"x\";",
		  "t:1: sink: map: must map names to strings, { name = \"text\"; }" },
		{ "path = \"p\"; map = { a = 1; };",
		  "t:1: sink: map: must map names to strings, { name = \"text\"; }" },
		{ "path = \"p\"; map = [ \"a=1\", \"a=2\" ];",
		  "t:1: sink: map: a name stands there twice" },
		{ "path = \"p\"; map = [ \"=1\" ];",
		  "t:1: sink: map: every item must be \"name=text\"" },
		{ "path = \"p\"; password = 5;",
		  "t:1: sink: password: must be \"text\", { file = \"path\"; }, { env = "
		  "\"NAME\"; } or { fd = number; }" },
		{ "path = \"p\"; password = { file = \"a\"; env = \"b\"; };",
		  "t:1: sink: password: must be \"text\", { file = \"path\"; }, { env = "
		  "\"NAME\"; } or { fd = number; }" },
		{ "path = \"p\"; password = { file = \"gone\"; };",
		  "t:1: sink: password: cannot read the file \"gone\": No such file or "
		  "directory" },
		{ "path = \"p\"; password = { env = \"EZ_NOT_THERE\"; };",
		  "t:1: sink: password: the environment has no variable \"EZ_NOT_THERE\"" },
		{ "path = \"p\"; password = { fd = 2; };",
		  "t:1: sink: password: not the number of an inherited descriptor" },
		{ "path = \"p\"; password = { fd = 987; };",
		  "t:1: sink: password: cannot read descriptor 987: Bad file descriptor" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_error(cases[i].text, cases[i].message);
}
END_TEST

START_TEST(all_faults_are_reported_at_once)
{
	config_free(validate("level = 0;\nmode = 1;\nfoo = 2;\n"));
	ck_assert_uint_eq(problems.n, 4);
	ck_assert(has_problem(&problems, "t:1: sink: level: must be between 1 and 9"));
	ck_assert(has_problem(&problems,
			      "t:2: sink: mode: must be a string, not a number"));
	ck_assert(has_problem(&problems, "t:3: sink: unknown option \"foo\""));
	ck_assert(has_problem(&problems, "t:1: sink: option \"path\" is missing"));
}
END_TEST

START_TEST(a_shorter_option_of_an_older_plugin_is_read_as_far_as_it_goes)
{
	struct {
		struct ez_option known;
		int64_t newer[4];
	} longer = { .known = { .size = sizeof(longer),
				.type = EZ_OPT_INT,
				.name = "n",
				.fallback = "7" },
		     .newer = { 1, 2, 3, 4 } };
	struct ez_option shorter = { .size = offsetof(struct ez_option, min),
				     .type = EZ_OPT_INT,
				     .name = "n",
				     .min = 100,
				     .max = 200 };
	struct ez_option o = option_copy(&shorter);

	ck_assert_int_eq(o.min, 0);
	ck_assert_int_eq(o.max, 0);
	o = option_copy(&longer.known);
	ck_assert_str_eq(o.fallback, "7");
	ck_assert_uint_eq(o.size, sizeof(o));
}
END_TEST

static const struct ez_option *const more[] = {
	OPTION(.type = EZ_OPT_INT, .name = "level", .fallback = "77"),
	OPTION(.type = EZ_OPT_INT, .name = "extra", .fallback = "88"),
	NULL,
};

START_TEST(the_table_of_the_plugin_hides_that_of_the_engine)
{
	struct cfg_tree *t = cfg_read_text("t", VIEW("path = \"p\";"), &problems);
	struct options_section s = {
		.title = "sink",
		.node = &t->root,
		.table = option_table,
		.more = more,
	};
	struct ez_config *c = options_validate(&s, &rules, &problems);

	ck_assert(problems_is_empty(&problems));
	ck_assert_int_eq(config_num(c, "level"), 3);
	ck_assert_int_eq(config_num(c, "extra"), 88);
	config_free(c);
	cfg_free(t);
}
END_TEST

START_TEST(an_absent_section_is_all_defaults_or_faults)
{
	struct options_section s = { .title = "sink",
				     .table = option_table,
				     .file = "job.conf" };

	config_free(options_validate(&s, &rules, &problems));
	ck_assert_uint_eq(problems.n, 1);
	ck_assert(has_problem(&problems, "job.conf: sink: option \"path\" is missing"));
}
END_TEST

/* -------------------------------------------------------------------------- reload */

START_TEST(only_live_options_change_without_a_restart)
{
	struct buf b = BUF_INIT(4096);
	struct ez_config *now = validate_well("path = \"p\"; password = \"a\";");
	struct ez_config *same =
		validate_well("password = \"a\"; path = \"p\"; level = 3;");
	struct ez_config *live =
		validate_well("path = \"p\"; password = \"a\"; age = \"2s\"; "
			      "tables = [ \"c\" ]; mode = \"slow\";");
	struct ez_config *not =
		validate_well("path = \"q\"; password = \"b\"; age = \"2s\";");
	struct ez_view before = config_item(now, "tables", 0);

	ck_assert_int_eq(config_compare(now, same, &b), CONFIG_SAME);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_int_eq(config_compare(now, live, &b), CONFIG_LIVE);
	ck_assert_str_eq(buf_cstr(&b), "sink.age, sink.mode, sink.tables");
	buf_reset(&b);
	ck_assert_int_eq(config_compare(now, not, &b), CONFIG_RESTART);
	ck_assert_str_eq(buf_cstr(&b), "sink.path, sink.age, sink.password");
	config_apply_live(now, not );
	ck_assert(is_str(config_str(now, "path"), "p"));
	ck_assert_int_eq(config_num(now, "age"), 2 * SECOND);
	config_apply_live(now, live);
	ck_assert(is_str(config_str(now, "mode"), "slow"));
	ck_assert(is_str(config_item(now, "tables", 0), "c"));
	ck_assert(is_str(before, "a")); /* an old view is still good */
	ck_assert(is_str(config_item(now, "tables", 1), ""));
	config_free(live);
	config_free(not );
	config_free(same);
	ck_assert(is_str(config_item(now, "tables", 0), "c"));
	config_free(now);
	buf_release(&b);
}
END_TEST

struct race {
	struct ez_config *c;
	atomic_bool stop;
	unsigned long reads;
};

static void *read_all_the_time(void *arg)
{
	struct race *r = arg;
	char buf[64];
	size_t len;
	struct ez_error e = { .size = sizeof(e) };

	while (!atomic_load(&r->stop)) {
		int64_t age = config_num(r->c, "age");
		struct ez_view mode = config_str(r->c, "mode");

		ck_assert(age == SECOND || age == 2 * SECOND);
		ck_assert(is_str(mode, "slow") || is_str(mode, "fast"));
		ck_assert_int_eq(
			config_secret(r->c, "password", buf, sizeof(buf), &len, &e),
			EZ_OK);
		r->reads++;
	}
	return NULL;
}

START_TEST(values_change_under_readers)
{
	struct race r = { .c = validate_well("path = \"p\"; password = \"a\";") };
	pthread_t thread;

	ck_assert(pthread_create(&thread, NULL, read_all_the_time, &r) == 0);
	for (int i = 0; i < 200; i++) {
		struct ez_config *next = validate_well(
			i % 2 ? "path = \"p\"; password = \"a\"; age = \"1s\"; mode = \"fast\";"
			      : "path = \"p\"; password = \"a\"; age = \"2s\"; mode = \"slow\";");

		config_apply_live(r.c, next);
		config_free(next);
		ck_assert_int_eq(config_secret_replace(r.c, "password",
						       i % 2 ? VIEW("aaaa") : VIEW("b"),
						       &err),
				 EZ_OK);
	}
	atomic_store(&r.stop, true);
	ck_assert(pthread_join(thread, NULL) == 0);
	config_free(r.c);
}
END_TEST

/* -------------------------------------------------------------------------- tables */

static void expect_bad_option(const struct ez_option *o, const char *message)
{
	const struct ez_option *const bad[] = { o, NULL };

	options_check_table(bad, &problems);
	ck_assert_msg(problems.n == 1, "%s: %zu problems", message, problems.n);
	ck_assert(has_problem(&problems, message));
	problems_release(&problems);
}

START_TEST(tables_with_mistakes_are_found)
{
	const struct ez_option *const twice[] = { option_table[0], option_table[1],
						  option_table[0], NULL };

	options_check_table(option_table, &problems);
	ck_assert_uint_eq(problems.n, 0);
	options_check_table(NULL, &problems);
	ck_assert_uint_eq(problems.n, 0);
	options_check_table(twice, &problems);
	ck_assert(has_problem(&problems, "option \"path\" is there twice"));
	problems_release(&problems);
	expect_bad_option(OPTION(.type = EZ_OPT_INT), "option 0 has no proper name");
	expect_bad_option(OPTION(.type = EZ_OPT_INT, .name = "a.b"),
			  "option 0 has no proper name");
	expect_bad_option(OPTION(.type = 99, .name = "a"),
			  "option \"a\" has the unknown type 99");
	expect_bad_option(OPTION(.type = EZ_OPT_ENUM, .name = "a"),
			  "option \"a\" has no choices");
	expect_bad_option(OPTION(.type = EZ_OPT_INT, .name = "plugin"),
			  "option \"plugin\" is there twice");
	expect_bad_option(OPTION(.type = EZ_OPT_INT, .name = "a", .fallback = "x"),
			  "default:1: x: the value must be in double quotes");
	expect_bad_option(OPTION(.type = EZ_OPT_ENUM, .name = "a", .choices = "b|c",
				 .fallback = "d"),
			  "default: a: must be one of \"b\", \"c\"");
	expect_bad_option(OPTION(.type = EZ_OPT_INT, .name = "a", .fallback = "5",
				 .min = 6, .max = 7),
			  "default:1: a: must be between 6 and 7");
	expect_bad_option(&(const struct ez_option){ .size = 8 },
			  "option 0 is too small for ABI 1.0");
}
END_TEST

START_TEST(an_option_of_no_table_ends_the_program)
{
	struct ez_config *c = validate_well("path = \"p\";");

	(void)config_str(c, "gone");
}
END_TEST

START_TEST(an_option_read_as_another_type_ends_the_program)
{
	struct ez_config *c = validate_well("path = \"p\";");

	(void)config_num(c, "path");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("options");
	TCase *t = tcase_create("options");

	tcase_add_checked_fixture(t, option_setup, option_teardown);
	tcase_add_test(t, defaults_fill_what_is_not_given);
	tcase_add_test(t, given_values_win);
	tcase_add_test(t, a_lone_string_is_a_list_and_pairs_are_a_map);
	tcase_add_test(t, each_fault_names_file_line_and_key);
	tcase_add_test(t, all_faults_are_reported_at_once);
	tcase_add_test(t, a_shorter_option_of_an_older_plugin_is_read_as_far_as_it_goes);
	tcase_add_test(t, the_table_of_the_plugin_hides_that_of_the_engine);
	tcase_add_test(t, an_absent_section_is_all_defaults_or_faults);
	tcase_add_test(t, only_live_options_change_without_a_restart);
	tcase_add_test(t, values_change_under_readers);
	tcase_add_test(t, tables_with_mistakes_are_found);
	tcase_add_test_raise_signal(t, an_option_of_no_table_ends_the_program, SIGABRT);
	tcase_add_test_raise_signal(t, an_option_read_as_another_type_ends_the_program,
				    SIGABRT);
	suite_add_tcase(s, t);
	return run_suite(s);
}
