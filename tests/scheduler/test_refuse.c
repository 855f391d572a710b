/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/refuse.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/common.h"
#include "engine/cfg.h"
#include "engine/options.h"
#include "engine/problems.h"
#include "scheduler/settings.h"

static struct cfg_tree *tree;
static struct ez_config *top;
static struct refuse_rules rules;
static struct problems problems;

static void set_up_with(const char *settings)
{
	static const struct options_rules plain = { .fds = NULL };
	struct options_section s = { .title = "", .table = settings_options };

	tree = cfg_read_text("settings", view_str(settings), &problems);
	ck_assert_ptr_nonnull(tree);
	s.node = &tree->root;
	top = options_validate(&s, &plain, &problems);
	ck_assert(problems_is_empty(&problems));
	rules = (struct refuse_rules){ top, "/var/lib/ezcdc" };
}

static void set_up(void)
{
	set_up_with("allow_paths = [ \"/srv/out\", \"/var/lib/ezcdc/\" ];");
}

static void tear_down(void)
{
	config_free(top);
	cfg_free(tree);
	problems_release(&problems);
}

static bool runs(const char *config)
{
	char *why = refuse_config(&rules, view_str(config));
	bool ok = why == NULL;

	free(why);
	return ok;
}

static bool connects(const char *conninfo)
{
	char *why = refuse_conninfo(&rules, view_str(conninfo));
	bool ok = why == NULL;

	/* What is refused may hold a password. */
	if (why)
		ck_assert_ptr_null(strstr(why, "hunter2"));
	free(why);
	return ok;
}

START_TEST(paths_must_lie_in_an_allowed_folder)
{
	const char *const good[] = { "/srv/out", "/srv/out/a/b", "/var/lib/ezcdc/x/out" };
	const char *const bad[] = { "/srv/outside", "/srv", "/", "", "out", "./out", "/etc/passwd",
				    "/srv/out/../../etc", "/srv/out/./x", "/var/lib/ezcdc/agent.json",
				    "/srv/out/worker.json", "/var/lib/ezcdc/a/checkpoint" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(refuse_path_is_allowed(&rules, view_str(good[i])), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!refuse_path_is_allowed(&rules, view_str(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(without_a_list_the_state_root_is_allowed)
{
	tear_down();
	set_up_with("");
	ck_assert(refuse_path_is_allowed(&rules, VIEW("/var/lib/ezcdc/out")));
	ck_assert(!refuse_path_is_allowed(&rules, VIEW("/srv/out")));
}
END_TEST

START_TEST(connection_strings_name_no_files)
{
	const char *const good[] = {
		"host=db.example.com port=5432 dbname=shop user=cdc password=hunter2",
		"host = db  password = 'with space \\' and /slash'",
		"postgresql://cdc:hunter2@db.example.com:5432/shop?sslmode=verify-full",
		"postgres://db/shop?sslrootcert=system", "host=db sslrootcert=/srv/out/ca.pem",
		"host=db sslrootcert=system", "",
	};
	const char *const bad[] = {
		"service=prod", "host=db password=hunter2 service=prod", "host=db passfile=/srv/out/x",
		"host=db sslcert=client.pem", "host=db sslkey=/srv/out/key", "host=db sslcrldir=x",
		"host=db servicefile=x", "host=db oauth_secret_file=x", "host=/var/run/postgresql",
		"host='/tmp'", "host=\\/tmp", "host=@abstract", "hostaddr=/tmp",
		"host=db sslrootcert=/etc/ssl/ca.pem", "dbname='service=prod'",
		"dbname=postgres://other/x", "host=db password='hunter2", "host", "= db",
		"postgresql://db/shop?service=prod", "postgresql://db/shop?ser%76ice=prod",
		"postgresql://db/shop?sslkey=%2Fsrv", "postgresql://%2Fvar%2Frun/shop",
		"postgresql://u:hunter2@%2Ftmp:5432/shop", "postgresql://db/shop?host=/tmp",
		"postgresql:broken", "host=db oauth_token_file = x",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(connects(good[i]), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!connects(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(whole_configurations_are_looked_through)
{
	ck_assert(runs("name = \"shop\"; source = { plugin = \"pgoutput\"; conninfo = \"host=db\"; "
		       "password = { file = \"shop\"; }; tables = [ \"public.*\" ]; }; "
		       "sink = { plugin = \"file\"; path = \"/srv/out/shop\"; };"));
	ck_assert(!runs("source = { plugin = \"../../evil\"; };"));
	ck_assert(!runs("source = { plugin = \"/srv/out/evil\"; };"));
	ck_assert(!runs("state = { store = \"../evil\"; };"));
	ck_assert(!runs("state = { store = \"postgres\"; conninfo = \"service=x\"; };"));
	ck_assert(!runs("sink = { plugin = \"file\"; path = \"out\"; };"));
	ck_assert(!runs("sink = { plugin = \"file\"; path = \"/etc\"; };"));
	ck_assert(!runs("sink = { plugin = \"starrocks\"; ca_file = \"/etc/shadow\"; };"));
	ck_assert(runs("sink = { plugin = \"starrocks\"; ca_file = \"\"; };"));
	ck_assert(!runs("errors = { policy = \"dead-letter\"; path = \"/etc/cron.d/x\"; };"));
	ck_assert(!runs("source = { password = { file = \"/etc/shadow\"; }; };"));
	ck_assert(!runs("transforms = ( { plugin = \"x\"; map = { a = \"/etc/x\"; }; } );"));
	ck_assert(!runs("transforms = ( { list = [ \"ok\", \"../../x\" ]; } );"));
	ck_assert(!runs("source = { url = \"postgresql://db/x?service=prod\"; };"));
}
END_TEST

START_TEST(what_cannot_be_read_is_refused)
{
	ck_assert(!runs("name = \"shop"));
	ck_assert(!runs("@include \"/etc/passwd\"\n"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("refuse");
	TCase *c = tcase_create("refuse");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, paths_must_lie_in_an_allowed_folder);
	tcase_add_test(c, without_a_list_the_state_root_is_allowed);
	tcase_add_test(c, connection_strings_name_no_files);
	tcase_add_test(c, whole_configurations_are_looked_through);
	tcase_add_test(c, what_cannot_be_read_is_refused);
	suite_add_tcase(s, c);
	return run_suite(s);
}
