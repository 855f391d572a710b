/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "option_common.h"

#include "engine/cfg.h"

const struct ez_option *const option_table[] = {
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

struct problems problems;
struct options_rules rules;
struct ez_error err;

void option_setup(void)
{
	enter_folder();
	problems = PROBLEMS_INIT;
	rules = (struct options_rules){ .fds = secret_fds_new() };
	err = (struct ez_error){ .size = sizeof(err) };
}

void option_teardown(void)
{
	problems_release(&problems);
	secret_fds_free(rules.fds);
	leave_folder();
}

struct ez_config *validate(const char *text)
{
	struct cfg_tree *t = cfg_read_text("t", view_str(text), &problems);
	struct options_section s = {
		.title = "sink",
		.table = option_table,
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

struct ez_config *validate_well(const char *text)
{
	struct ez_config *c = validate(text);

	ck_assert_msg(problems_is_empty(&problems), "%s: %s", text,
		      problems.n ? problems.lines[0] : "?");
	return c;
}

void expect_error(const char *text, const char *message)
{
	config_free(validate(text));
	ck_assert_msg(problems.n == 1, "%s: %zu problems", text, problems.n);
	ck_assert(has_problem(&problems, message));
	problems_release(&problems);
}
