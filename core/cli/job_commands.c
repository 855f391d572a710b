/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "engine/engine.h"
#include "engine/exit_code.h"
#include "engine/job.h"
#include "engine/loader.h"
#include "engine/plugin_list.h"
#include "engine/report.h"
#include "engine/run.h"
#include "load.h"

/* The commands that need a job file or plugins, but no running daemon. */
enum { OUTPUT_MAX = 64 * 1024 * 1024 };

enum { CHECK_CONFIG = 1 << 8 }; /* connect to nothing */

static unsigned what_to_check(const struct cli *c)
{
	if (!c->only)
		return ENGINE_CHECK_ALL;
	if (strcmp(c->only, "source") == 0)
		return ENGINE_CHECK_SOURCE;
	if (strcmp(c->only, "config") == 0)
		return CHECK_CONFIG;
	return strcmp(c->only, "sink") == 0 ? ENGINE_CHECK_SINK : 0;
}

static int check_job(const struct cli *c, const struct job *job, unsigned what)
{
	const struct engine_options opt = { .state_dir = c->state_dir, .impatient = true };
	struct ez_report report = { .section = NULL };
	struct buf text = BUF_INIT(OUTPUT_MAX);
	struct ez_error err = ERROR_INIT;
	int rc = engine_check(job, &opt, what, &report, &err);

	if (c->json)
		report_json(&report, &text);
	else
		report_print(&report, isatty(STDOUT_FILENO), &text);
	cli_print(&text);
	report_release(&report);
	return rc < 0 ? conclude_error(&err) : EXIT_DONE;
}

int cmd_check(const struct command *self, int argc, char **argv)
{
	struct job *job = NULL;
	struct cli c;
	int code = cli_options(&c, self,
			       CLI_JSON | CLI_STATE_DIR | CLI_ONLY | CLI_PLUGIN_DIR | CLI_WORKER,
			       1, 1, argc, argv);
	unsigned what;

	if (code >= 0)
		return code;
	what = what_to_check(&c);
	if (what == 0) {
		fputs("ezcdc check: --only is source, sink or config\n", stderr);
		code = EXIT_USAGE;
	} else {
		c.load_flags = what == ENGINE_CHECK_SOURCE ? JOB_LOAD_NO_SINK :
			       what == ENGINE_CHECK_SINK   ? JOB_LOAD_NO_SOURCE :
							     0;
		code = cli_load(&c, &job);
	}
	if (code < 0)
		code = what == CHECK_CONFIG ? EXIT_DONE : check_job(&c, job, what);
	job_free(job);
	cli_release(&c);
	return code;
}

int cmd_discover(const struct command *self, int argc, char **argv)
{
	struct ez_report report = { .section = NULL };
	struct buf text = BUF_INIT(OUTPUT_MAX);
	struct ez_error err = ERROR_INIT;
	struct job *job = NULL;
	struct cli c;
	int code = cli_options(&c, self, CLI_JSON | CLI_PLUGIN_DIR | CLI_WORKER, 1, 1, argc, argv);

	if (code >= 0)
		return code;
	c.load_flags = JOB_LOAD_NO_SINK;
	code = cli_load(&c, &job);
	if (code < 0) {
		code = engine_discover(job, &report, &err) < 0 ? conclude_error(&err) : EXIT_DONE;
		if (c.json)
			report_tables_json(&report, &text);
		else
			report_tables_print(&report, &text);
		if (code == EXIT_DONE)
			cli_print(&text);
	}
	buf_release(&text);
	report_release(&report);
	job_free(job);
	cli_release(&c);
	return code;
}

int cmd_plugins(const struct command *self, int argc, char **argv)
{
	struct buf text = BUF_INIT(OUTPUT_MAX);
	struct ez_error err = ERROR_INIT;
	struct cli c;
	int rc = EZ_OK, code = cli_options(&c, self, CLI_JSON | CLI_PLUGIN_DIR, 0, 1, argc, argv);

	if (code >= 0)
		return code;
	if (c.n_rest == 1)
		rc = plugin_list_one(c.loader, view_str(c.rest[0]), c.json, &text, &err);
	else
		plugin_list_all(c.loader, c.json, &text);
	code = rc < 0 ? conclude_error(&err) : EXIT_DONE;
	if (rc >= 0)
		cli_print(&text);
	buf_release(&text);
	cli_release(&c);
	return code;
}

/* ------------------------------------------------------------------------------- drop */

static bool is_sure(const struct cli *c, const struct job *job)
{
	char answer[16] = "";

	if (c->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		fputs("ezcdc drop: nobody to ask; add --yes\n", stderr);
		return false;
	}
	printf("This removes the replication slot, the publication if the job made it, and the\n"
	       "state of job \"%s\". Rows already written stay. Type the job's name to go on: ",
	       job->name);
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	answer[strcspn(answer, "\n")] = '\0';
	return strcmp(answer, job->name) == 0;
}

int cmd_drop(const struct command *self, int argc, char **argv)
{
	struct ez_error err = ERROR_INIT;
	struct engine_options opt = { .impatient = true };
	struct job *job = NULL;
	struct cli c;
	int code = cli_options(&c, self,
			       CLI_YES | CLI_STATE_DIR | CLI_PLUGIN_DIR | CLI_WORKER, 1, 1,
			       argc, argv);

	if (code >= 0)
		return code;
	opt.state_dir = c.state_dir;
	code = cli_load(&c, &job);
	if (code < 0 && !is_sure(&c, job)) {
		fputs("nothing was removed\n", stderr);
		code = EXIT_USAGE;
	}
	if (code < 0)
		code = engine_drop(job, &opt, &err) < 0 ? conclude_error(&err) : EXIT_DONE;
	if (code == EXIT_DONE)
		printf("job \"%s\" removed\n", job->name);
	job_free(job);
	cli_release(&c);
	return code;
}

/* -------------------------------------------------------------------------------- run */

int cmd_run(const struct command *self, int argc, char **argv)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("dbmazz"));
	char *slash;

	(void)self;
	(void)argc;
	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		memcpy(slash + 1, "dbmazz", sizeof("dbmazz"));
		argv[0] = path;
		execv(path, argv);
	}
	execvp("dbmazz", argv);
	fprintf(stderr, "ezcdc run: cannot start dbmazz: %m\n");
	return EXIT_UNAVAILABLE;
}

int cmd_not_offered(const struct command *self, int argc, char **argv)
{
	struct cli c;
	int code = cli_options(&c, self, CLI_STATE_ROOT, 0, 1000, argc, argv);

	if (code >= 0)
		return code;
	fputs("ezcdc snapshot: copying tables again is not offered by this version; drop the job, "
	      "empty the target and start it\n", stderr);
	cli_release(&c);
	return EXIT_UNAVAILABLE;
}
