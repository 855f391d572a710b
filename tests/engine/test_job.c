/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/job.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/view.h"
#include "config_common.h"
#include "engine/loader.h"

#define OPTION(...) \
 (&(const struct ez_option){ .size = sizeof(struct ez_option), __VA_ARGS__ })

static const struct ez_option *const source_table[] = {
	OPTION(.type = EZ_OPT_STRING, .name = "conninfo", .flags = EZ_OPTF_REQUIRED),
	OPTION(.type = EZ_OPT_SECRET, .name = "password", .flags = EZ_OPTF_LIVE),
	OPTION(.type = EZ_OPT_LIST, .name = "tables"),
	NULL,
};
static const struct ez_option *const mask_table[] = {
	OPTION(.type = EZ_OPT_LIST, .name = "columns", .flags = EZ_OPTF_REQUIRED),
	NULL,
};
static const struct ez_option *const sink_table[] = {
	OPTION(.type = EZ_OPT_STRING, .name = "path", .flags = EZ_OPTF_REQUIRED),
	OPTION(.type = EZ_OPT_SIZE, .name = "rotate", .fallback = "1MiB",
	       .flags = EZ_OPTF_LIVE),
	NULL,
};
static const struct ez_option *const store_table[] = {
	OPTION(.type = EZ_OPT_STRING, .name = "conninfo", .flags = EZ_OPTF_REQUIRED),
	NULL,
};

static const struct plugin plugins[] = {
	{ .name = "pg",
	  .kind = EZ_SOURCE,
	  .caps = EZ_CAP_SNAPSHOT,
	  .options = source_table },
	{ .name = "tail", .kind = EZ_SOURCE, .options = source_table },
	{ .name = "mask", .kind = EZ_TRANSFORM, .options = mask_table },
	{ .name = "out",
	  .kind = EZ_SINK,
	  .caps = EZ_CAP_SNAPSHOT,
	  .options = sink_table },
	{ .name = "row", .kind = EZ_STORE, .options = store_table },
};

static const struct plugin *look_up(void *arg, enum ez_kind kind, struct ez_view name,
				    struct ez_error *err)
{
	ck_assert_ptr_eq(arg, plugins);
	for (size_t i = 0; i < ARRAY_LEN(plugins); i++) {
		if (plugins[i].kind == kind && view_eq_str(name, plugins[i].name))
			return &plugins[i];
	}
	(void)snprintf(err->text, sizeof(err->text), "there is no %s plugin \"%.*s\"",
		       plugin_kind_to_str(kind), VIEW_ARG(name));
	return NULL;
}

#define SOURCE "source = { plugin = \"pg\"; conninfo = \"x\"; };\n"
#define SINK   "sink = { plugin = \"out\"; path = \"/o\"; };\n"
#define JOB    "name = \"shop\";\n" SOURCE SINK

static struct problems problems;
static struct job_load how;
static struct ez_error err;

static void setup(void)
{
	enter_folder();
	problems = PROBLEMS_INIT;
	how = (struct job_load){ .lookup = look_up, .rules.fds = secret_fds_new() };
	memcpy(&how.arg, &(const void *){ plugins }, sizeof(how.arg));
	err = (struct ez_error){ .size = sizeof(err) };
}

static void teardown(void)
{
	problems_release(&problems);
	secret_fds_free(how.rules.fds);
	leave_folder();
}

static struct job *load(const char *text)
{
	struct job *job = NULL;
	int r = job_load_text(&how, "t", view_str(text), &problems, &job, &err);

	ck_assert_msg(r == 0, "%s", err.text);
	return job;
}

static void expect_error(const char *text, const char *message)
{
	struct job *job = NULL;

	ck_assert_int_eq(job_load_text(&how, "t", view_str(text), &problems, &job, &err),
			 EZ_E_CONFIG);
	ck_assert_int_eq(err.rc, EZ_E_CONFIG);
	ck_assert(job == NULL);
	ck_assert_msg(problems.n == 1, "%s: %zu problems", text, problems.n);
	ck_assert(has_problem(&problems, message));
	ck_assert_str_eq(err.text, message);
	problems_release(&problems);
}

START_TEST(a_small_job_has_the_documented_defaults)
{
	struct job *job = load(JOB);

	ck_assert_str_eq(job->name, "shop");
	ck_assert_str_eq(job->file, "t");
	ck_assert_ptr_eq(job->source.plugin, &plugins[0]);
	ck_assert_ptr_eq(job->sink.plugin, &plugins[3]);
	ck_assert_str_eq(job->sink.name, "out");
	ck_assert(view_eq(config_str(job->sink.config, "path"), VIEW("/o")));
	ck_assert_uint_eq(job->n_transforms, 0);
	ck_assert_ptr_eq(job->store.plugin, NULL);
	ck_assert_str_eq(job->store.name, "file");
	ck_assert_uint_eq(job->batch.max_bytes, 32 << 20);
	ck_assert_uint_eq(job->batch.max_rows, 500000);
	ck_assert_int_eq(job->batch.max_age_us, 1000000);
	ck_assert_uint_eq(job->batch.max_inflight, 8);
	ck_assert_uint_eq(job->memory_bytes, 64 << 20);
	ck_assert_uint_eq(job->epoch, 0);
	ck_assert_int_eq(job->errors.policy, JOB_POLICY_STOP);
	ck_assert_ptr_eq(job->errors.path, NULL);
	ck_assert_uint_eq(job->errors.limit, 1000);
	ck_assert_int_eq(job->retry.give_up_after_us, 0);
	ck_assert_int_eq(job->retry.min_us, 200000);
	ck_assert_int_eq(job->retry.max_us, 30000000);
	ck_assert_int_eq(job->shutdown_timeout_us, 30000000);
	ck_assert_int_eq(job->snapshot, JOB_SNAPSHOT_INITIAL);
	ck_assert_uint_eq(job->snapshot_workers, 2);
	ck_assert(!job->append);
	ck_assert_int_eq(job->log.level, -1);
	ck_assert_int_eq(job->log.format, -1);
	ck_assert_ptr_eq(job->metrics_listen, NULL);
	job_free(job);
}
END_TEST

#define EVERYTHING                                                              \
 "name = \"shop_2\";\n"                                                         \
 "source = { plugin = \"pg\"; conninfo = \"x\"; password = \"hunter2\";\n"      \
 "  snapshot = \"only\"; snapshot_workers = 4; tables = [ \"public.*\" ]; };\n" \
 "transforms = ( { plugin = \"mask\"; columns = [ \"a\" ]; },\n"                \
 "  { plugin = \"mask\"; columns = \"b\"; } );\n"                               \
 "sink = { plugin = \"out\"; path = \"/o\"; target = \"append\"; };\n"          \
 "batch = { max_bytes = \"1MiB\"; max_rows = 10; max_age = \"5ms\"; "           \
 "max_inflight = 2; };\n"                                                       \
 "memory = \"8MiB\"; shutdown_timeout = \"5s\";\n"                              \
 "state = { store = \"row\"; conninfo = \"y\"; epoch = 7; };\n"                 \
 "errors = { policy = \"dead-letter\"; path = \"/d\"; limit = 5; };\n"          \
 "retry = { give_up_after = \"1h\"; min = \"1s\"; max = \"2s\"; };\n"           \
 "log = { level = \"debug\"; format = \"json\"; };\n"                           \
 "metrics = { listen = \"127.0.0.1:9187\"; };\n"

static void check_everything(const struct job *job)
{
	ck_assert_str_eq(job->name, "shop_2");
	ck_assert_int_eq(job->snapshot, JOB_SNAPSHOT_ONLY);
	ck_assert_uint_eq(job->snapshot_workers, 4);
	ck_assert_uint_eq(job->n_transforms, 2);
	ck_assert_ptr_eq(job->transforms[1].plugin, &plugins[2]);
	ck_assert(
		view_eq(config_item(job->transforms[1].config, "columns", 0), VIEW("b")));
	ck_assert(job->append);
	ck_assert_uint_eq(job->batch.max_bytes, 1 << 20);
	ck_assert_uint_eq(job->batch.max_rows, 10);
	ck_assert_int_eq(job->batch.max_age_us, 5000);
	ck_assert_uint_eq(job->batch.max_inflight, 2);
	ck_assert_uint_eq(job->memory_bytes, 8 << 20);
	ck_assert_int_eq(job->shutdown_timeout_us, 5000000);
	ck_assert_ptr_eq(job->store.plugin, &plugins[4]);
	ck_assert(view_eq(config_str(job->store.config, "conninfo"), VIEW("y")));
	ck_assert_uint_eq(job->epoch, 7);
	ck_assert_int_eq(job->errors.policy, JOB_POLICY_DEAD_LETTER);
	ck_assert_str_eq(job->errors.path, "/d");
	ck_assert_uint_eq(job->errors.limit, 5);
	ck_assert_int_eq(job->retry.give_up_after_us, INT64_C(3600000000));
	ck_assert_int_eq(job->retry.max_us, 2000000);
	ck_assert_int_eq(job->log.level, EZL_DEBUG);
	ck_assert_int_eq(job->log.format, LOG_JSON);
	ck_assert_str_eq(job->metrics_listen, "127.0.0.1:9187");
}

START_TEST(every_setting_arrives)
{
	struct job *job = load(EVERYTHING);

	check_everything(job);
	job_free(job);
}
END_TEST

START_TEST(what_is_written_reads_back_the_same_without_secrets)
{
	struct buf b = BUF_INIT(1 << 16);
	struct job *job = load(EVERYTHING), *again;

	job_format(job, &b);
	ck_assert(!strstr(buf_cstr(&b), "hunter2"));
	again = load(buf_cstr(&b));
	check_everything(again);
	buf_reset(&b);
	ck_assert_int_eq(job_compare(job, again, &b), CONFIG_LIVE);
	ck_assert_str_eq(buf_cstr(&b), "source.password");
	job_free(again);
	job_free(job);
	buf_release(&b);
}
END_TEST

START_TEST(each_fault_names_file_line_and_key)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ SOURCE SINK, "t:1: option \"name\" is missing" },
		{ "name = \"Shop\";" SOURCE SINK,
		  "t:1: name: must be a lower-case letter followed by at most 39 letters, "
		  "digits or underscores" },
		{ "name = \"x\";" SOURCE, "t: section \"sink\" is missing" },
		{ "name = \"x\";" SINK, "t: section \"source\" is missing" },
		{ "name = \"x\"; source = \"pg\";" SINK,
		  "t:1: source: must be a group, { ... }" },
		{ "name = \"x\"; source = {};" SINK,
		  "t:1: source: option \"plugin\" is missing" },
		{ "name = \"x\";\nsource = { plugin = 5; };" SINK,
		  "t:2: source: plugin: must be a string" },
		{ "name = \"x\";\nsource = {\nplugin = \"pgg\"; };" SINK,
		  "t:3: source: there is no source plugin \"pgg\"" },
		{ "name = \"x\";\nsource = { plugin = \"out\"; };" SINK,
		  "t:2: source: there is no source plugin \"out\"" },
		{ "name = \"x\";\nsource = { plugin = \"pg\"; conninfo = \"\";\n tabels = []; };" SINK,
		  "t:3: source: unknown option \"tabels\"; did you mean \"tables\"?" },
		{ "name = \"x\"; source = { plugin = \"tail\"; conninfo = \"\"; snapshot = "
		  "\"only\"; };" SINK,
		  "t:1: source: unknown option \"snapshot\"" },
		{ JOB "transforms = { plugin = \"mask\"; };",
		  "t:4: transforms: must be a list of groups, ( { ... }, { ... } )" },
		{ JOB "transforms = ( { plugin = \"mask\"; columns = \"a\"; },\n"
		      "{ plugin = \"mask\"; } );",
		  "t:5: transform 2: option \"columns\" is missing" },
		{ JOB "transforms = ( 5 );",
		  "t:4: transform 1: must be a group, { ... }" },
		{ JOB "memory = \"7MiB\";", "t:4: memory: must be at least 8MiB" },
		{ JOB "memory = \"0\";", "t:4: memory: must be at least 8MiB" },
		{ JOB "memry = \"9MiB\";", "t:4: unknown option \"memry\"; did you mean "
					   "\"memory\"?" },
		{ JOB "bach = {};",
		  "t:4: unknown option \"bach\"; did you mean \"batch\"?" },
		{ JOB "batch = 5;", "t:4: batch: must be a group, { ... }" },
		{ JOB "batch = { max_row = 5; };",
		  "t:4: batch: unknown option \"max_row\"; did you mean \"max_rows\"?" },
		{ JOB "batch = { max_rows = 0; };",
		  "t:4: batch: max_rows: must be between 1 and 100000000" },
		{ JOB "errors = { policy = \"skip\"; };",
		  "t:4: errors: policy: must be one of \"stop\", \"dead-letter\"" },
		{ JOB "retry = { min = \"5s\"; max = \"1s\"; };",
		  "t:4: retry: min is more than max" },
		{ JOB "state = { store = \"gone\"; };",
		  "t:4: state: there is no store plugin \"gone\"" },
		{ JOB "state = { store = \"row\"; };",
		  "t:4: state: option \"conninfo\" is missing" },
		{ JOB "state = { store = 5; };",
		  "t:4: state: store: must be a string, not a number" },
		{ JOB "state = { stor = \"file\"; };",
		  "t:4: state: unknown option \"stor\"; did you mean \"store\"?" },
		{ JOB "state = { epoch = -1; };",
		  "t:4: state: epoch: must be at least 0" },
		{ JOB "state = [];", "t:4: state: must be a group, { ... }" },
		{ JOB "}", "t:4: this bracket closes nothing" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_error(cases[i].text, cases[i].message);
}
END_TEST

START_TEST(all_faults_of_a_file_are_reported)
{
	struct job *job = NULL;

	ck_assert_int_eq(job_load_text(&how, "t",
				       VIEW("nme = 1;\nsource = { plugin = \"pg\"; };\n"
					    "sink = { plugin = \"x\"; };\nmemory = 1;\n"
					    "retry = { min = 5; };"),
				       &problems, &job, &err),
			 EZ_E_CONFIG);
	ck_assert_uint_eq(problems.n, 6);
	ck_assert(has_problem(&problems,
			      "t:1: unknown option \"nme\"; did you mean \"name\"?"));
	ck_assert(has_problem(&problems, "t:1: option \"name\" is missing"));
	ck_assert(has_problem(&problems, "t:2: source: option \"conninfo\" is missing"));
	ck_assert(has_problem(&problems, "t:3: sink: there is no sink plugin \"x\""));
	ck_assert(has_problem(&problems, "t:4: memory: must be at least 8MiB"));
	/* In the order of the file: the name is missing from its first line. */
	ck_assert_str_eq(problems.lines[0],
			 "t:1: unknown option \"nme\"; did you mean \"name\"?");
	ck_assert_str_eq(problems.lines[2],
			 "t:2: source: option \"conninfo\" is missing");
	ck_assert_str_eq(
		problems.lines[5],
		"t:5: retry: min: must be a duration such as \"30s\" (us, ms, s, m, h, d)");
	ck_assert(strstr(err.text, "(and 5 more)"));
}
END_TEST

START_TEST(names_follow_their_rule)
{
	static const char *const good[] = { "a", "shop", "a_1",
					    "abcdefghijabcdefghijabcdefghijabcdefghij" };
	static const char *const bad[] = {
		"",    "1a",       "_a",
		"A",   "a-b",      "a.b",
		"a b", "\xc3\xa4", "abcdefghijabcdefghijabcdefghijabcdefghijk"
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(job_name_is_valid(view_str(good[i])), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!job_name_is_valid(view_str(bad[i])), "%s", bad[i]);
	ck_assert(!job_name_is_valid(view_of("a\0b", 3)));
}
END_TEST

START_TEST(a_source_without_snapshots_never_makes_one)
{
	struct job *job = load(
		"name = \"x\"; source = { plugin = \"tail\"; conninfo = \"\"; };" SINK);

	ck_assert_int_eq(job->snapshot, JOB_SNAPSHOT_NEVER);
	ck_assert_uint_eq(job->snapshot_workers, 1);
	job_free(job);
}
END_TEST

START_TEST(paths_and_descriptors_work_alike)
{
	struct job *job = NULL;
	int fd;

	write_file("sink.conf", SINK);
	write_file("job.conf", "name = \"shop\";\n" SOURCE "@include \"sink.conf\"\n");
	ck_assert_int_eq(job_load_file(&how, "job.conf", &problems, &job, &err), 0);
	ck_assert_str_eq(job->file, "job.conf");
	job_free(job);
	fd = pipe_with(JOB);
	ck_assert_int_eq(job_load_fd(&how, fd, &problems, &job, &err), 0);
	job_free(job);
	close(fd);
	fd = pipe_with("name = \"shop\";\n" SOURCE "@include \"sink.conf\"\n");
	ck_assert_int_eq(job_load_fd(&how, fd, &problems, &job, &err), EZ_E_CONFIG);
	ck_assert(strstr(err.text, "@include: not possible here"));
	close(fd);
	ck_assert_int_eq(job_load_file(&how, "gone.conf", &problems, &job, &err),
			 EZ_E_CONFIG);
}
END_TEST

START_TEST(a_reload_takes_live_values_only)
{
	struct buf b = BUF_INIT(4096);
	struct job *now = load(JOB), *next;

	next = load(JOB);
	ck_assert_int_eq(job_compare(now, next, &b), CONFIG_SAME);
	job_free(next);
	next = load("name = \"shop\";\n" SOURCE "log = { level = \"debug\"; };"
		    "sink = { plugin = \"out\"; path = \"/o\"; rotate = \"2MiB\"; };"
		    "shutdown_timeout = \"9s\";");
	ck_assert_int_eq(job_compare(now, next, &b), CONFIG_LIVE);
	ck_assert_str_eq(buf_cstr(&b), "shutdown_timeout, log.level, sink.rotate");
	job_apply_live(now, next);
	job_free(next);
	ck_assert_int_eq(now->log.level, EZL_DEBUG);
	ck_assert_int_eq(now->shutdown_timeout_us, 9000000);
	ck_assert_int_eq(config_num(now->sink.config, "rotate"), 2 << 20);
	buf_reset(&b);
	next = load(JOB "transforms = ( { plugin = \"mask\"; columns = \"a\"; } );"
			"state = { store = \"row\"; conninfo = \"y\"; };");
	ck_assert_int_eq(job_compare(now, next, &b), CONFIG_RESTART);
	ck_assert(strstr(buf_cstr(&b), "transforms"));
	ck_assert(strstr(buf_cstr(&b), "state.store"));
	job_apply_live(now, next);
	job_free(next);
	job_free(now);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("job");
	TCase *t = tcase_create("job");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_small_job_has_the_documented_defaults);
	tcase_add_test(t, every_setting_arrives);
	tcase_add_test(t, what_is_written_reads_back_the_same_without_secrets);
	tcase_add_test(t, each_fault_names_file_line_and_key);
	tcase_add_test(t, all_faults_of_a_file_are_reported);
	tcase_add_test(t, names_follow_their_rule);
	tcase_add_test(t, a_source_without_snapshots_never_makes_one);
	tcase_add_test(t, paths_and_descriptors_work_alike);
	tcase_add_test(t, a_reload_takes_live_values_only);
	suite_add_tcase(s, t);
	return run_suite(s);
}
