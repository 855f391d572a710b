/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/options.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/view.h"
#include "config_common.h"
#include "engine/cfg.h"

#define OPTION(...) \
 (&(const struct ez_option){ .size = sizeof(struct ez_option), __VA_ARGS__ })
#define SECOND INT64_C(1000000)

static const struct ez_option *const table[] = {
	OPTION(.type = EZ_OPT_STRING, .name = "path", .flags = EZ_OPTF_REQUIRED),
	OPTION(.type = EZ_OPT_STRING, .name = "note"),
	OPTION(.type = EZ_OPT_INT, .name = "level", .fallback = "3", .min = 1, .max = 9),
	OPTION(.type = EZ_OPT_INT, .name = "any", .fallback = "-5000000000L"),
	OPTION(.type = EZ_OPT_BOOL, .name = "sync", .fallback = "true"),
	OPTION(.type = EZ_OPT_SIZE, .name = "size", .fallback = "4MiB", .min = 1024,
	       .max = INT64_MAX),
	OPTION(.type = EZ_OPT_DURATION, .name = "age", .fallback = "1s", .min = 1000,
	       .max = 60 * SECOND, .flags = EZ_OPTF_LIVE),
	OPTION(.type = EZ_OPT_ENUM, .name = "mode", .fallback = "fast",
	       .choices = "slow|fast|none", .flags = EZ_OPTF_LIVE),
	OPTION(.type = EZ_OPT_LIST, .name = "tables", .fallback = "[ \"a\", \"b\" ]",
	       .flags = EZ_OPTF_LIVE),
	OPTION(.type = EZ_OPT_MAP, .name = "map", .fallback = "{ k = \"v\"; }"),
	OPTION(.type = EZ_OPT_SECRET, .name = "password"),
	OPTION(.type = EZ_OPT_SECRET, .name = "key"),
	NULL,
};
static const char *const other[] = { "plugin", NULL };

static struct problems problems;
static struct options_rules rules;
static struct ez_error err;

static void setup(void)
{
	enter_folder();
	problems = PROBLEMS_INIT;
	rules = (struct options_rules){ .fds = secret_fds_new() };
	err = (struct ez_error){ .size = sizeof(err) };
}

static void teardown(void)
{
	problems_release(&problems);
	secret_fds_free(rules.fds);
	leave_folder();
}

/* The tree is freed at once: a configuration must not point into it. */
static struct ez_config *validate(const char *text)
{
	struct cfg_tree *t = cfg_read_text("t", view_str(text), &problems);
	struct options_section s = {
		.title = "sink",
		.table = table,
		.other = other,
		.file = "t",
	};
	struct ez_config *c;

	ck_assert_msg(t != NULL, "%s", problems.n ? problems.lines[0] : "?");
	s.node = &t->root;
	c = options_validate(&s, &rules, &problems);
	cfg_free(t);
	return c;
}

static struct ez_config *validate_well(const char *text)
{
	struct ez_config *c = validate(text);

	ck_assert_msg(problems_is_empty(&problems), "%s: %s", text,
		      problems.n ? problems.lines[0] : "?");
	return c;
}

static void expect_error(const char *text, const char *message)
{
	config_free(validate(text));
	ck_assert_msg(problems.n == 1, "%s: %zu problems", text, problems.n);
	ck_assert(has_problem(&problems, message));
	problems_release(&problems);
}

static bool is_str(struct ez_view v, const char *text)
{
	return view_eq_str(v, text) && v.ptr[v.len] == '\0';
}

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
		.table = table,
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
				     .table = table,
				     .file = "job.conf" };

	config_free(options_validate(&s, &rules, &problems));
	ck_assert_uint_eq(problems.n, 1);
	ck_assert(has_problem(&problems, "job.conf: sink: option \"path\" is missing"));
}
END_TEST

/* ------------------------------------------------------------------------- secrets */

static const char *read_secret(const struct ez_config *c, const char *name)
{
	static char buf[64];
	size_t len = 99;

	memset(buf, 'x', sizeof(buf));
	ck_assert_int_eq(config_secret(c, name, buf, sizeof(buf), &len, &err), EZ_OK);
	ck_assert_uint_eq(strlen(buf), len);
	return buf;
}

START_TEST(a_secret_file_is_read_anew_each_time)
{
	char buf[8];
	size_t len = 99;
	struct ez_config *c;

	write_file("pw", "first\n");
	ck_assert(chmod("pw", 0600) == 0);
	c = validate_well("path = \"p\"; password = { file = \"pw\"; };");
	ck_assert_str_eq(read_secret(c, "password"), "first");
	write_file("pw", "second");
	ck_assert_str_eq(read_secret(c, "password"), "second");
	ck_assert(config_is_set(c, "password"));
	ck_assert(unlink("pw") == 0);
	ck_assert_int_eq(config_secret(c, "password", buf, sizeof(buf), &len, &err),
			 EZ_E_TRANSIENT);
	ck_assert_str_eq(err.text,
			 "sink: password: cannot read the secret from pw: No such "
			 "file or directory");
	ck_assert_uint_eq(len, 99);
	write_file("pw", "12345678");
	ck_assert_int_eq(config_secret(c, "password", buf, sizeof(buf), &len, &err),
			 EZ_E_CONFIG);
	ck_assert_str_eq(err.text,
			 "sink: password: the secret is too long, at most 7 bytes fit");
	config_free(c);
}
END_TEST

START_TEST(a_secret_file_is_relative_to_the_job_file)
{
	struct options_section s = { .title = "sink", .table = table };
	struct cfg_tree *t;
	struct ez_config *c;

	ck_assert(mkdir("etc", 0700) == 0);
	write_file("etc/pw", "deep");
	ck_assert(chmod("etc/pw", 0600) == 0);
	write_file("etc/job", "path = \"p\"; password = { file = \"pw\"; };");
	t = cfg_read_path("etc/job", &problems);
	ck_assert(t != NULL);
	s.node = &t->root;
	c = options_validate(&s, &rules, &problems);
	cfg_free(t);
	ck_assert(problems_is_empty(&problems));
	ck_assert_str_eq(read_secret(c, "password"), "deep");
	config_free(c);
}
END_TEST

START_TEST(text_and_environment_give_secrets_too)
{
	struct ez_config *c;

	ck_assert(setenv("EZ_TEST_SECRET", "from env", 1) == 0);
	c = validate_well("path = \"p\"; password = \"lit\"; "
			  "key = { env = \"EZ_TEST_SECRET\"; };");
	ck_assert_str_eq(read_secret(c, "password"), "lit");
	ck_assert_str_eq(read_secret(c, "key"), "from env");
	config_free(c);
	c = validate_well("path = \"p\"; password = \"\";");
	ck_assert_str_eq(read_secret(c, "password"), "");
	ck_assert_str_eq(read_secret(c, "key"), "");
	ck_assert(config_is_set(c, "password") && !config_is_set(c, "key"));
	config_free(c);
}
END_TEST

START_TEST(a_descriptor_is_read_once_and_shared)
{
	int fd = pipe_with("s3cret\n");
	char text[128];
	struct ez_config *c, *again;

	(void)snprintf(text, sizeof(text),
		       "path = \"p\"; password = { fd = %d; }; key = { fd = %d; };", fd,
		       fd);
	c = validate_well(text);
	ck_assert_str_eq(read_secret(c, "password"), "s3cret");
	ck_assert_str_eq(read_secret(c, "key"), "s3cret");
	ck_assert_int_eq(close(fd), -1); /* it is closed, so that no child inherits it */
	again = validate_well(text);
	ck_assert_str_eq(read_secret(again, "password"), "s3cret");
	ck_assert(secret_fds_replace(rules.fds, fd, VIEW("newer")));
	ck_assert(!secret_fds_replace(rules.fds, fd + 1, VIEW("x")));
	ck_assert_str_eq(read_secret(c, "key"), "newer");
	ck_assert_int_eq(config_secret_replace(c, "password", VIEW("newest"), &err),
			 EZ_OK);
	ck_assert_str_eq(read_secret(again, "key"), "newest");
	config_free(c);
	config_free(again);
}
END_TEST

START_TEST(a_descriptor_of_our_own_is_no_secret)
{
	int fd = dup3(0, 77, O_CLOEXEC);

	ck_assert_int_eq(fd, 77);
	expect_error(
		"path = \"p\"; password = { fd = 77; };",
		"t:1: sink: password: cannot read descriptor 77: Bad file descriptor");
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(literal_secrets_can_be_replaced_and_others_not)
{
	struct ez_config *c;

	write_file("pw", "x");
	c = validate_well("path = \"p\"; password = \"old\"; key = { file = \"pw\"; };");
	ck_assert_int_eq(config_secret_replace(c, "password", VIEW("new"), &err), EZ_OK);
	ck_assert_str_eq(read_secret(c, "password"), "new");
	ck_assert_int_eq(config_secret_replace(c, "key", VIEW("n"), &err), EZ_E_CONFIG);
	ck_assert_int_eq(config_secret_replace(c, "path", VIEW("n"), &err), EZ_E_CONFIG);
	ck_assert_int_eq(config_secret_replace(c, "gone", VIEW("n"), &err), EZ_E_CONFIG);
	config_free(c);
}
END_TEST

START_TEST(remote_jobs_may_not_name_places)
{
	rules.flags = OPTIONS_REMOTE;
	expect_error("path = \"p\"; password = { env = \"HOME\"; };",
		     "t:1: sink: password: a job from the control plane cannot use env");
	expect_error("path = \"p\"; password = { fd = 0; };",
		     "t:1: sink: password: descriptors cannot be used here");
	rules.secrets_dir = ".";
	expect_error(
		"path = \"p\"; password = { file = \"../pw\"; };",
		"t:1: sink: password: a job from the control plane may name a secret of "
		"this worker's secrets_dir, not a path");
	expect_error(
		"path = \"p\"; password = { file = \"..\"; };",
		"t:1: sink: password: a job from the control plane may name a secret of "
		"this worker's secrets_dir, not a path");
	write_file("pw", "named");
	config_free(validate_well("path = \"p\"; password = { file = \"pw\"; };"));
}
END_TEST

START_TEST(form_can_be_checked_without_reading_secrets)
{
	rules.flags = OPTIONS_NO_SECRETS;
	config_free(validate_well("path = \"p\"; password = { file = \"gone\"; };"));
	config_free(validate_well("path = \"p\"; password = { env = \"EZ_GONE\"; };"));
	config_free(validate_well("path = \"p\"; password = { fd = 987; };"));
}
END_TEST

START_TEST(secrets_are_never_written)
{
	struct buf b = BUF_INIT(4096);
	struct ez_config *c = validate_well(
		"path = \"p\\\"q\\n\"; password = \"hunter2\"; tables = [ \"a\\\\b\" ];");

	config_format(c, &b, "  ");
	ck_assert(!strstr(buf_cstr(&b), "hunter2"));
	ck_assert(strstr(buf_cstr(&b), "  password = \"***\";\n"));
	ck_assert(strstr(buf_cstr(&b), "  path = \"p\\\"q\\n\";\n"));
	config_free(c);
	buf_truncate(&b, b.len);
	c = validate_well(buf_cstr(&b)); /* what is written can be read */
	ck_assert(is_str(config_item(c, "tables", 0), "a\\b"));
	ck_assert(is_str(config_str(c, "path"), "p\"q\n"));
	ck_assert_int_eq(config_num(c, "any"), INT64_C(-5000000000));
	config_free(c);
	buf_release(&b);
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
	const struct ez_option *const twice[] = { table[0], table[1], table[0], NULL };

	options_check_table(table, &problems);
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

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, defaults_fill_what_is_not_given);
	tcase_add_test(t, given_values_win);
	tcase_add_test(t, a_lone_string_is_a_list_and_pairs_are_a_map);
	tcase_add_test(t, each_fault_names_file_line_and_key);
	tcase_add_test(t, all_faults_are_reported_at_once);
	tcase_add_test(t, a_shorter_option_of_an_older_plugin_is_read_as_far_as_it_goes);
	tcase_add_test(t, the_table_of_the_plugin_hides_that_of_the_engine);
	tcase_add_test(t, an_absent_section_is_all_defaults_or_faults);
	tcase_add_test(t, a_secret_file_is_read_anew_each_time);
	tcase_add_test(t, a_secret_file_is_relative_to_the_job_file);
	tcase_add_test(t, text_and_environment_give_secrets_too);
	tcase_add_test(t, a_descriptor_is_read_once_and_shared);
	tcase_add_test(t, a_descriptor_of_our_own_is_no_secret);
	tcase_add_test(t, literal_secrets_can_be_replaced_and_others_not);
	tcase_add_test(t, remote_jobs_may_not_name_places);
	tcase_add_test(t, form_can_be_checked_without_reading_secrets);
	tcase_add_test(t, secrets_are_never_written);
	tcase_add_test(t, only_live_options_change_without_a_restart);
	tcase_add_test(t, values_change_under_readers);
	tcase_add_test(t, tables_with_mistakes_are_found);
	tcase_add_test_raise_signal(t, an_option_of_no_table_ends_the_program, SIGABRT);
	tcase_add_test_raise_signal(t, an_option_read_as_another_type_ends_the_program,
				    SIGABRT);
	suite_add_tcase(s, t);
	return run_suite(s);
}
