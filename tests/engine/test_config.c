/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/cfg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"
#include "config_common.h"

static struct problems problems;

static void setup(void)
{
	enter_folder();
	problems = PROBLEMS_INIT;
}

static void teardown(void)
{
	problems_release(&problems);
	leave_folder();
}

static struct cfg_tree *read_text(const char *text)
{
	return cfg_read_text("t", view_str(text), &problems);
}

/* The only setting of a text that must be sound. */
static struct cfg_tree *read_one(const char *text, const struct cfg_node **ret_node)
{
	struct cfg_tree *t = read_text(text);

	ck_assert_msg(t != NULL, "%s: %s", text, problems.n ? problems.lines[0] : "?");
	ck_assert_uint_eq(t->root.n_items, 1);
	*ret_node = &t->root.items[0];
	return t;
}

static void expect_error(const char *text, const char *message)
{
	struct cfg_tree *t = read_text(text);

	ck_assert_msg(t == NULL, "accepted: %s", text);
	ck_assert(has_problem(&problems, message));
	problems_release(&problems);
}

static void expect_string(const char *text, const char *value)
{
	const struct cfg_node *n;
	struct cfg_tree *t = read_one(text, &n);

	ck_assert_int_eq(n->kind, CFG_STRING);
	ck_assert_msg(view_eq_str(n->str, value), "%s: got \"%s\"", text, n->str.ptr);
	ck_assert_int_eq(n->str.ptr[n->str.len], '\0');
	cfg_free(t);
}

static void expect_int(const char *text, int64_t value)
{
	const struct cfg_node *n;
	struct cfg_tree *t = read_one(text, &n);

	ck_assert_int_eq(n->kind, CFG_INT);
	ck_assert_int_eq(n->num, value);
	cfg_free(t);
}

START_TEST(every_kind_of_value_arrives)
{
	struct cfg_tree *t = read_text("a = 1; b = true, c : \"x\" d = [ 1, 2 ];\n"
				       "e = ( 1, \"y\", { f = 2.5; } );\n"
				       "g-h* = { i = FALSE; }; j = []; k = (); l = {};");
	const struct cfg_node *root = &t->root, *e;

	ck_assert(t != NULL);
	ck_assert_uint_eq(root->n_items, 9);
	ck_assert_int_eq(cfg_find(root, "a")->num, 1);
	ck_assert_int_eq(cfg_find(root, "b")->num, 1);
	ck_assert_int_eq(cfg_find(root, "c")->str.ptr[0], 'x');
	ck_assert_int_eq(cfg_find(root, "d")->kind, CFG_ARRAY);
	ck_assert_int_eq(cfg_find(root, "d")->items[1].num, 2);
	e = cfg_find(root, "e");
	ck_assert_int_eq(e->kind, CFG_LIST);
	ck_assert_int_eq(e->line, 2);
	ck_assert(view_eq(e->items[1].str, VIEW("y")));
	ck_assert(cfg_find(&e->items[2], "f")->real == 2.5);
	ck_assert_int_eq(cfg_find(cfg_find(root, "g-h*"), "i")->kind, CFG_BOOL);
	ck_assert_uint_eq(cfg_find(root, "l")->n_items, 0);
	ck_assert(cfg_find(root, "nothing") == NULL);
	cfg_free(t);
}
END_TEST

START_TEST(strings_keep_every_byte)
{
	expect_string("a = \"\";", "");
	expect_string("a = \"q\\\"b\\\\n\\n\\t\\r\\f\";", "q\"b\\n\n\t\r\f");
	expect_string("a = \"\\x41\\xc3\\xBC\";", "A\xc3\xbc");
	expect_string("a = \"public\\.(.*)\\d\";", "public\\.(.*)\\d");
	expect_string("a = \"one\" \"two\"\n # more\n \"three\";", "onetwothree");
	expect_string("a = \"first\nsecond\";", "first\nsecond");
	expect_string("a = \"# no // comment /* here */ @include\";",
		      "# no // comment /* here */ @include");
}
END_TEST

START_TEST(integers_fit_or_are_refused)
{
	expect_int("a = 2147483647;", INT32_MAX);
	expect_int("a = -2147483648;", INT32_MIN);
	expect_int("a = +7;", 7);
	expect_int("a = 010;", 10);
	expect_int("a = 0x7fffFFFF;", INT32_MAX);
	expect_int("a = 5000000000L;", INT64_C(5000000000));
	expect_int("a = 0x12A05F200LL;", INT64_C(5000000000));
	expect_int("a = -9223372036854775808L;", INT64_MIN);
	expect_int("a = 0x7fffffffffffffffL;", INT64_MAX);
	expect_error(
		"b = 1;\na = 5000000000;",
		"t:2: a: the number needs more than 32 bits; write it with an L at its "
		"end");
	expect_error("a = 0xffffffff;",
		     "t:1: a: the number needs more than 32 bits; write it "
		     "with an L at its end");
	expect_error("a = 9223372036854775808L;",
		     "t:1: a: the number needs more than 64 bits");
	expect_error("a = 0xffffffffffffffffL;",
		     "t:1: a: the number needs more than 64 bits");
	expect_error("a = 12abc;", "t:1: a number is followed by other characters; text, "
				   "sizes and durations need double quotes");
}
END_TEST

START_TEST(all_numbers_that_do_not_fit_are_named)
{
	ck_assert(read_text("a = 5000000000;\nb = [ 1, 6000000000 ];\n") == NULL);
	ck_assert_uint_eq(problems.n, 2);
	ck_assert(has_problem(&problems,
			      "t:2: b: the number needs more than 32 bits; write it "
			      "with an L at its end"));
}
END_TEST

START_TEST(bytes_that_would_get_lost_are_refused)
{
	static const char nul[] = "a = 1;\nb = \"x\0y\";\n", raw[] = "a = \"\x01\";";

	ck_assert(cfg_read_text("t", view_of(nul, sizeof(nul) - 1), &problems) == NULL);
	ck_assert(has_problem(&problems,
			      "t:2: a NUL byte; the file must be plain text in UTF-8"));
	problems_release(&problems);
	expect_error("a = \"\\x00\";", "t:1: a string cannot hold a NUL byte");
	expect_error(raw, "t:1: control character 0x01 in a string; write \\x01");
	expect_error("a = \"\\x4\";", "t:1: \\x in a string needs two hex digits");
	expect_error(
		"\n\na = \"\\b\";",
		"t:3: \\b means different things to different versions of libconfig; write "
		"\\\\b for a backslash and the letter, or \\x..");
	expect_int("\xef\xbb\xbf"
		   "a = 3;",
		   3);
}
END_TEST

START_TEST(errors_of_syntax_say_where_and_what)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "a = ;", "t:1: a: a value is missing" },
		{ "a\n\n5", "t:3: a: \"=\" should stand behind the name" },
		{ "a = 1;;", "t:1: the name of a setting should stand here" },
		{ "a = word;", "t:1: a: the value must be in double quotes" },
		{ "a = 'x';", "t:1: text needs double quotes" },
		{ "a = \"x;\n\n", "t:1: this string is never closed" },
		{ "\n/* x", "t:2: this comment is never closed" },
		{ "a = {\nb = 1;", "t:1: the \"{\" that begins here is never closed" },
		{ "a = [ 1, 2;",
		  "t:1: a: \",\" or the closing bracket should stand here" },
		{ "a = [ 1, ];", "t:1: a: a value is missing before the bracket" },
		{ "a = { b = 1; ];", "t:1: \"]\" cannot close the \"{\" of line 1" },
		{ "a = 1; }", "t:1: a: this bracket closes nothing" },
		{ "a = [ 1, \"x\" ];",
		  "t:1: a: the items of [ ] must be of one type; use ( )" },
		{ "a = [ 1, 2L ];",
		  "t:1: a: the items of [ ] must be of one type; use ( )" },
		{ "a = [ {} ];", "t:1: a: [ ] holds plain values only; use ( )" },
		{ "a = 1;\nb = 2;\na = 3;", "t:3: a: set twice" },
		{ "a = { b = 1;\n b = 2; };", "t:2: b: set twice" },
		{ "a =", "t:1: a: the file ends before the value" },
		{ "true = 1;", "t:1: true: this cannot be a name" },
		{ "_a = 1;", "t:1: a name cannot begin with \"_\"" },
		{ "a = 1; \"x\"", "t:1: the name of a setting should stand here" },
		{ "a.b = 1;", "t:1: unexpected \".\"" },
		{ "\xff", "t:1: unexpected byte 0xff" },
		{ "a = 1; @includ \"x\"",
		  "t:1: unexpected \"@\"; only @include may follow, at "
		  "the beginning of a line" },
		{ "a = { 1 };", "t:1: the name of a setting should stand here" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_error(cases[i].text, cases[i].message);
}
END_TEST

START_TEST(names_may_repeat_in_other_groups)
{
	struct cfg_tree *t =
		read_text("a = { b = 1; }; c = { b = 1; d = { b = 2; }; e = 1; };");

	ck_assert(t != NULL);
	cfg_free(t);
}
END_TEST

START_TEST(lines_survive_comments_and_long_strings)
{
	struct cfg_tree *t = read_text("# one\n/* two\nthree */ a = \"x\ny\" \"z\";\r\n"
				       "// five\n\n\nb = (\n1,\n{ c = 2; });");

	ck_assert(t != NULL);
	ck_assert_uint_eq(cfg_find(&t->root, "a")->line, 3);
	ck_assert_uint_eq(cfg_find(&t->root, "b")->line, 8);
	ck_assert_uint_eq(cfg_find(&t->root, "b")->items[0].line, 9);
	ck_assert_uint_eq(cfg_find(&t->root, "b")->items[1].items[0].line, 10);
	cfg_free(t);
}
END_TEST

START_TEST(depth_and_number_of_values_are_bounded)
{
	struct buf b = BUF_INIT(1 << 20);

	for (int i = 0; i < CFG_NESTING_MAX; i++)
		buf_add_str(&b, "a = { ");
	for (int i = 0; i < CFG_NESTING_MAX; i++)
		buf_add_str(&b, "};");
	cfg_free(read_text(buf_cstr(&b)));
	ck_assert(problems_is_empty(&problems));
	buf_reset(&b);
	for (int i = 0; i < 100000; i++)
		buf_add_str(&b, "a = { ");
	expect_error(buf_cstr(&b), "t:1: a: nested too deeply");
	buf_reset(&b);
	buf_add_str(&b, "a = [ 1");
	for (int i = 0; i < CFG_VALUES_MAX; i++)
		buf_add_str(&b, ",1");
	expect_error(buf_cstr(&b), "t:1: a: too many values");
	buf_release(&b);
}
END_TEST

START_TEST(a_file_that_is_too_large_is_refused)
{
	const size_t n = CFG_FILE_MAX_BYTES + 1;
	char *text = malloc(n);

	ck_assert(text != NULL);
	memset(text, ' ', n);
	ck_assert(cfg_read_text("t", view_of(text, n), &problems) == NULL);
	ck_assert(has_problem(&problems, "t: the file is too large"));
	write_bytes("big", text, n);
	ck_assert(cfg_read_path("big", &problems) == NULL);
	ck_assert(has_problem(&problems, "big: cannot be read: File too large"));
	free(text);
}
END_TEST

START_TEST(an_include_is_relative_to_its_file)
{
	struct cfg_tree *t;
	const struct cfg_node *n;

	ck_assert(mkdir("sub", 0700) == 0 && mkdir("sub/deep", 0700) == 0);
	write_file("main.conf", "a = 1;\n  @include \"sub/one.conf\"\nd = {\n"
				"@include \"sub/deep/two.conf\"\n e = 5; };\nf = 6;\n");
	write_file("sub/one.conf", "\n\nb = 2\n@include \"deep/two.conf\" # comment\n");
	write_file("sub/deep/two.conf", "c = 3");
	t = cfg_read_path("main.conf", &problems);
	ck_assert_msg(t != NULL, "%s", problems.n ? problems.lines[0] : "");
	n = cfg_find(&t->root, "b");
	ck_assert_str_eq(n->file, "sub/one.conf");
	ck_assert_uint_eq(n->line, 3);
	n = cfg_find(&t->root, "c");
	ck_assert_str_eq(n->file, "sub/deep/two.conf");
	ck_assert_uint_eq(n->line, 1);
	n = cfg_find(cfg_find(&t->root, "d"), "e");
	ck_assert_str_eq(n->file, "main.conf");
	ck_assert_uint_eq(n->line, 5);
	ck_assert_int_eq(cfg_find(cfg_find(&t->root, "d"), "c")->num, 3);
	ck_assert_uint_eq(cfg_find(&t->root, "f")->line, 6);
	cfg_free(t);
}
END_TEST

static void expect_file_error(const char *text, const char *message)
{
	write_file("main.conf", text);
	ck_assert_msg(cfg_read_path("main.conf", &problems) == NULL, "accepted: %s",
		      text);
	ck_assert(has_problem(&problems, message));
	problems_release(&problems);
}

START_TEST(includes_that_cannot_work_are_refused)
{
	ck_assert(mkdir("folder", 0700) == 0);
	ck_assert(mkfifo("fifo", 0600) == 0);
	write_file("bad.conf", "x = 1;\ny = ;\n");
	write_file("open.conf", "x = {\n y = 1;\n");
	write_file("close.conf", "x = 1; }");
	write_file("half.conf", "x = ");
	write_file("self.conf", "@include \"main.conf\"");
	ck_assert(symlink("main.conf", "link.conf") == 0);
	expect_file_error(
		"\n@include \"gone.conf\"\n",
		"main.conf:2: @include: cannot read \"gone.conf\": No such file or "
		"directory");
	expect_file_error("@include \"folder\"",
			  "main.conf:1: @include: not a regular file");
	expect_file_error("@include \"fifo\"",
			  "main.conf:1: @include: not a regular file");
	expect_file_error("@include \"\"", "main.conf:1: @include: the path is empty");
	expect_file_error("@include x",
			  "main.conf:1: @include needs a path in double quotes");
	expect_file_error("@include \"bad.conf\"", "bad.conf:2: y: a value is missing");
	expect_file_error("@include \"open.conf\"",
			  "open.conf:1: the \"{\" that begins here is never closed");
	expect_file_error(
		"a = {\n@include \"close.conf\"\n",
		"close.conf:1: x: this bracket closes one of the including file");
	expect_file_error("@include \"half.conf\"\n5;",
			  "half.conf:1: x: the file ends before the value");
	expect_file_error("@include \"self.conf\"",
			  "self.conf:1: @include: the file includes itself");
	expect_file_error("@include \"link.conf\"",
			  "main.conf:1: @include: the file includes itself");
	expect_file_error(
		"a =\n@include \"bad.conf\"",
		"main.conf:2: @include: allowed only where a setting may begin");
	expect_file_error(
		"a = (\n@include \"bad.conf\"",
		"main.conf:2: @include: allowed only where a setting may begin");
}
END_TEST

START_TEST(a_chain_of_includes_ends_somewhere)
{
	char name[32], text[64];

	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "c%d.conf", i);
		(void)snprintf(text, sizeof(text), "@include \"c%d.conf\"", i + 1);
		write_file(name, text);
	}
	expect_file_error("@include \"c0.conf\"", "c7.conf:1: @include: too many files");
}
END_TEST

START_TEST(text_without_a_folder_includes_nothing)
{
	int fd = pipe_with("a = 1;\n@include \"x.conf\"\n");

	write_file("x.conf", "b = 1;");
	expect_error("@include \"x.conf\"",
		     "t:1: @include: not possible here, this text has no folder");
	ck_assert(cfg_read_fd(fd, "job", &problems) == NULL);
	ck_assert(has_problem(&problems,
			      "job:2: @include: not possible here, this text has "
			      "no folder"));
	close(fd);
}
END_TEST

START_TEST(a_descriptor_is_read_to_its_end)
{
	int fd = pipe_with("a = \"x\";\n");
	struct cfg_tree *t = cfg_read_fd(fd, "job", &problems);

	ck_assert(t != NULL);
	ck_assert_str_eq(t->root.items[0].file, "job");
	cfg_free(t);
	close(fd);
	ck_assert(cfg_read_fd(fd, "job", &problems) == NULL);
	ck_assert(has_problem(&problems, "job: cannot be read: Bad file descriptor"));
}
END_TEST

START_TEST(a_file_that_cannot_be_read_says_why)
{
	ck_assert(cfg_read_path("gone.conf", &problems) == NULL);
	ck_assert(has_problem(&problems,
			      "gone.conf: cannot be read: No such file or directory"));
	ck_assert(cfg_read_path(".", &problems) == NULL);
	ck_assert(has_problem(&problems, ".: cannot be read: Is a directory"));
}
END_TEST

START_TEST(no_value_is_ever_shown)
{
	static const char *const texts[] = {
		"a = \"hunter2\" x;",    "a = hunter2;",   "a = \"hunter2",
		"hunter2 = \"x\"",       "a = 'hunter2';", "a = [ 1, \"hunter2\" ];",
		"a = \"hunter2\\x00\";",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		cfg_free(read_text(texts[i]));
	ck_assert_uint_ge(problems.n, 6);
	for (size_t i = 0; i < problems.n_lines; i++)
		ck_assert_msg(!strstr(problems.lines[i], "hunter2"), "%s",
			      problems.lines[i]);
}
END_TEST

START_TEST(the_nearest_word_is_a_misprint_away)
{
	struct nearest n = nearest_init("tabels", 6);

	nearest_offer(&n, "slot");
	ck_assert(n.best == NULL);
	nearest_offer(&n, "table");
	ck_assert_str_eq(n.best, "table");
	nearest_offer(&n, "tables");
	ck_assert_str_eq(n.best, "tables");
	n = nearest_init("ab", 2);
	nearest_offer(&n, "cd");
	ck_assert(n.best == NULL);
	nearest_offer(&n, "ba");
	ck_assert_str_eq(n.best, "ba");
	n = nearest_init("", 0);
	nearest_offer(&n, "name");
	ck_assert(n.best == NULL);
}
END_TEST

START_TEST(many_problems_are_counted_and_some_are_kept)
{
	struct ez_error err = { .size = sizeof(err) };

	for (int i = 0; i < 3 * PROBLEMS_MAX; i++)
		problem_add(&problems, "f", 1, "number %d", i);
	ck_assert_uint_eq(problems.n, 3 * PROBLEMS_MAX);
	ck_assert_uint_eq(problems.n_lines, PROBLEMS_MAX);
	ck_assert_int_eq(problems_fail(&problems, &err), EZ_E_CONFIG);
	ck_assert_str_eq(err.text, "f:1: number 0 (and 299 more)");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_kind_of_value_arrives);
	tcase_add_test(t, strings_keep_every_byte);
	tcase_add_test(t, integers_fit_or_are_refused);
	tcase_add_test(t, all_numbers_that_do_not_fit_are_named);
	tcase_add_test(t, bytes_that_would_get_lost_are_refused);
	tcase_add_test(t, errors_of_syntax_say_where_and_what);
	tcase_add_test(t, names_may_repeat_in_other_groups);
	tcase_add_test(t, lines_survive_comments_and_long_strings);
	tcase_add_test(t, depth_and_number_of_values_are_bounded);
	tcase_add_test(t, a_file_that_is_too_large_is_refused);
	tcase_add_test(t, an_include_is_relative_to_its_file);
	tcase_add_test(t, includes_that_cannot_work_are_refused);
	tcase_add_test(t, a_chain_of_includes_ends_somewhere);
	tcase_add_test(t, text_without_a_folder_includes_nothing);
	tcase_add_test(t, a_descriptor_is_read_to_its_end);
	tcase_add_test(t, a_file_that_cannot_be_read_says_why);
	tcase_add_test(t, no_value_is_ever_shown);
	tcase_add_test(t, the_nearest_word_is_a_misprint_away);
	tcase_add_test(t, many_problems_are_counted_and_some_are_kept);
	suite_add_tcase(s, t);
	return run_suite(s);
}
