/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/parse.h"
#include "engine/engine.h"
#include "engine/exit_code.h"
#include "engine/host.h"
#include "engine/job.h"
#include "engine/loader.h"
#include "engine/report.h"
#include "engine/run.h"
#include "load.h"

/*
 * dbmazz: runs one job in the foreground. Arguments and wiring; everything else is engine/.
 */
enum { REPORT_MAX_BYTES = 16 * 1024 * 1024 };

enum long_option {
	OPT_UNTIL = 256,
	OPT_STATE_DIR,
	OPT_PLUGIN_DIR,
	OPT_CONFIG_FD,
	OPT_LOG_LEVEL,
	OPT_LOG_FORMAT,
	OPT_METRICS,
	OPT_JSON,
	OPT_AGAIN,
	OPT_EPOCH,
	OPT_ID,
	OPT_SECRETS_DIR,
	OPT_MANAGED,
};

static const struct option long_options[] = {
	{ "check", no_argument, NULL, 't' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "until", required_argument, NULL, OPT_UNTIL },
	{ "again", no_argument, NULL, OPT_AGAIN },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR },
	{ "config-fd", required_argument, NULL, OPT_CONFIG_FD },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "log-format", required_argument, NULL, OPT_LOG_FORMAT },
	{ "metrics", required_argument, NULL, OPT_METRICS },
	{ "epoch", required_argument, NULL, OPT_EPOCH },
	{ "id", required_argument, NULL, OPT_ID },
	{ "secrets-dir", required_argument, NULL, OPT_SECRETS_DIR },
	{ "managed-by", required_argument, NULL, OPT_MANAGED },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"Usage: dbmazz [OPTION]... JOBFILE\n"
	"Replicate a database as JOBFILE says, in the foreground, until stopped.\n"
	"\n"
	"  -t, --check             connect, run the preflight, print a report and exit\n"
	"      --json              the report as JSON\n"
	"      --until=now         replicate all that is committed by now, then exit 0\n"
	"      --until=LSN         the same up to a given position\n"
	"      --again             make a snapshot = \"only\" copy once more\n"
	"      --state-dir=DIR     where checkpoint, lock and control socket live\n"
	"                          (default $STATE_DIRECTORY, else /var/lib/ezcdc/JOB)\n"
	"      --plugin-dir=DIR    look for plugins here first; may be repeated\n"
	"      --config-fd=N       read the job file from an inherited descriptor\n"
	"      --log-level=LEVEL   error, warning, notice, info (default) or debug\n"
	"      --log-format=FORMAT text (default) or json\n"
	"      --metrics=HOST:PORT serve Prometheus metrics there\n"
	"\n"
	"For workers, on behalf of a control plane:\n"
	"      --epoch=N           number of the job's lease, in place of state.epoch\n"
	"      --id=ID             base of slot, publication and labels (default ezcdc_JOB)\n"
	"      --secrets-dir=DIR   secrets are text or names of files in DIR, nothing else\n"
	"      --managed-by=TEXT   refuse pause, resume and stop by others, naming TEXT\n"
	"\n"
	"  -h, --help              show this and exit\n"
	"  -V, --version           show the versions of program and plugin ABI, and exit\n"
	"\n"
	"SIGTERM and SIGINT finish what is in flight and stop, a second one stops at once;\n"
	"SIGHUP reads the job file again. Exit codes and the job file: dbmazz(1),\n"
	"ezcdc-job(5).\n";

struct arguments {
	struct engine_options engine;
	struct loader *loader;
	const char *job_file;
	const char *id, *secrets_dir;
	uint64_t epoch; /* 0: as the job file says */
	int config_fd;
	int log_level, log_format; /* -1: not given */
	bool check, json;
};

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "dbmazz: %s%s%s\nTry \"dbmazz --help\".\n", what, value ? ": " : "",
		value ? value : "");
	return EXIT_USAGE;
}

static int take_log_level(struct arguments *a, const char *value)
{
	return log_level_parse(view_str(value), &a->log_level) ?
		       -1 :
		       usage("--log-level is error, warning, notice, info or debug, not", value);
}

static int take_log_format(struct arguments *a, const char *value)
{
	enum log_format format;

	if (!log_format_parse(view_str(value), &format))
		return usage("--log-format is text or json, not", value);
	a->log_format = (int)format;
	return -1;
}

static int take_config_fd(struct arguments *a, const char *value)
{
	int64_t fd;

	if (!parse_i64(view_str(value), &fd) || fd < 0 || fd > 1024 * 1024)
		return usage("--config-fd needs the number of a descriptor, not", value);
	a->config_fd = (int)fd;
	return -1;
}

static int take_epoch(struct arguments *a, const char *value)
{
	uint64_t epoch;

	if (!parse_u64(view_str(value), &epoch) || epoch == 0 || epoch > INT64_MAX)
		return usage("--epoch is a whole number from 1, not", value);
	a->epoch = epoch;
	return -1;
}

/* It becomes part of the names of slots, publications and labels. */
static int take_id(struct arguments *a, const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len >= JOB_ID_MAX ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_") != len)
		return usage("--id is of lower-case letters, digits and underscores, not", value);
	a->id = value;
	return -1;
}

/* What a worker says. -1: go on; else the exit code. */
static int take_worker_option(struct arguments *a, int option, const char *value)
{
	switch (option) {
	case OPT_EPOCH:
		return take_epoch(a, value);
	case OPT_ID:
		return take_id(a, value);
	case OPT_SECRETS_DIR:
		a->secrets_dir = value;
		return -1;
	default:
		a->engine.managed = value;
		return -1;
	}
}

/* -1: go on; else the exit code. */
static int take_option(struct arguments *a, int option, const char *value)
{
	switch (option) {
	case 't':
		a->check = true;
		return -1;
	case OPT_JSON:
		a->json = true;
		return -1;
	case OPT_UNTIL:
		a->engine.until = value;
		return -1;
	case OPT_AGAIN:
		a->engine.again = true;
		return -1;
	case OPT_STATE_DIR:
		a->engine.state_dir = value;
		return -1;
	case OPT_PLUGIN_DIR:
		loader_add_dir(a->loader, value);
		return -1;
	case OPT_CONFIG_FD:
		return take_config_fd(a, value);
	case OPT_LOG_LEVEL:
		return take_log_level(a, value);
	case OPT_LOG_FORMAT:
		return take_log_format(a, value);
	case OPT_METRICS:
		a->engine.metrics = value;
		return -1;
	case OPT_EPOCH:
	case OPT_ID:
	case OPT_SECRETS_DIR:
	case OPT_MANAGED:
		return take_worker_option(a, option, value);
	case 'h':
		fputs(help, stdout);
		return EXIT_DONE;
	case 'V':
		printf("dbmazz %s (plugin ABI %d.%d)\n", PACKAGE_VERSION, EZ_ABI_MAJOR,
		       EZ_ABI_MINOR);
		return EXIT_DONE;
	default:
		fputs("Try \"dbmazz --help\".\n", stderr);
		return EXIT_USAGE;
	}
}

static int take_arguments(struct arguments *a, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "thV", long_options, NULL)) != -1) {
		int code = take_option(a, option, optarg);

		if (code >= 0)
			return code;
	}
	if (a->config_fd >= 0 && optind == argc)
		return -1;
	if (optind + 1 != argc)
		return usage(optind == argc ? "a job file is needed" :
					      "only one job file is run at a time",
			     NULL);
	if (a->config_fd >= 0)
		return usage("--config-fd takes the place of a job file", NULL);
	a->job_file = argv[optind];
	return -1;
}

/* ------------------------------------------------------------------------- the job file */

static int load(const struct arguments *a, struct secret_fds *fds, int config_fd,
		struct job **ret, struct ez_error *err)
{
	const struct load_args args = {
		.loader = a->loader,
		.fds = fds,
		.path = a->job_file,
		.fd = config_fd,
		.secrets_dir = a->secrets_dir,
	};
	int rc = load_job(&args, ret, err);

	if (rc < 0)
		return rc;
	if (a->id)
		(*ret)->id = xstrdup(a->id);
	if (a->epoch > 0)
		(*ret)->epoch = a->epoch;
	return rc;
}

struct reload {
	const struct arguments *arguments;
	struct secret_fds *fds;
};

static void say_change(const struct engine_reload *how)
{
	static const char *const words[] = {
		[CONFIG_SAME] = "nothing has changed",
		[CONFIG_LIVE] = "now in effect: ",
		[CONFIG_RESTART] = "needs a restart to take effect: ",
	};

	log_msg(how->change == CONFIG_RESTART ? EZL_WARNING : EZL_NOTICE,
		"job file read again: %s%s", words[how->change],
		how->change == CONFIG_SAME ? "" : buf_cstr(how->changed));
}

static int reload(void *arg, struct job *now, struct engine_reload *how, struct ez_error *err)
{
	const struct reload *r = arg;
	struct job *next = NULL;

	if (how->fd < 0 && r->arguments->config_fd >= 0) {
		log_msg(EZL_NOTICE, "secrets are read again at the next connection");
		return EZ_OK;
	}
	if (load(r->arguments, r->fds, how->fd, &next, err) < 0) {
		log_msg(EZL_ERROR, "%s", err->text);
		return err->rc;
	}
	how->change = job_compare(now, next, how->changed);
	if (how->change == CONFIG_LIVE) {
		job_apply_live(now, next);
		if (now->log.level >= 0)
			log_set_level(now->log.level);
	}
	say_change(how);
	job_free(next);
	return EZ_OK;
}

/* ------------------------------------------------------------------------------ actions */

static int check(const struct arguments *a, const struct job *job)
{
	struct ez_report report = { .section = NULL };
	struct buf text = BUF_INIT(REPORT_MAX_BYTES);
	struct ez_error err = ERROR_INIT;
	int rc = engine_check(job, &a->engine, ENGINE_CHECK_ALL, &report, &err);

	if (a->json)
		report_json(&report, &text);
	else
		report_print(&report, isatty(STDOUT_FILENO), &text);
	fwrite(text.ptr, 1, text.len, stdout);
	fflush(stdout);
	buf_release(&text);
	report_release(&report);
	return rc < 0 ? conclude_error(&err) : EXIT_DONE;
}

static void set_up_log(const struct arguments *a, const struct job *job)
{
	log_set_name(view_str(job->name));
	if (a->log_level < 0 && job->log.level >= 0)
		log_set_level(job->log.level);
	if (a->log_format < 0 && job->log.format >= 0)
		log_set_format((enum log_format)job->log.format);
}

static int run(struct arguments *a)
{
	struct secret_fds *fds = secret_fds_new();
	struct reload how = { a, fds };
	struct ez_error err = ERROR_INIT;
	struct job *job = NULL;
	int code;

	if (!a->check)
		engine_block_signals();
	if (a->log_level >= 0)
		log_set_level(a->log_level);
	if (a->log_format >= 0)
		log_set_format((enum log_format)a->log_format);
	if (load(a, fds, a->config_fd, &job, &err) < 0) {
		secret_fds_free(fds);
		return conclude_error(&err);
	}
	set_up_log(a, job);
	code = a->check ? check(a, job) : engine_run(job, &a->engine, reload, &how);
	job_free(job);
	secret_fds_free(fds);
	return code;
}

int main(int argc, char **argv)
{
	struct arguments a = { .config_fd = -1, .log_level = -1, .log_format = -1 };
	int code;

	a.loader = loader_new(&host_table);
	code = take_arguments(&a, argc, argv);
	if (code < 0) {
		loader_add_default_dirs(a.loader);
		a.engine.impatient = a.engine.until || a.check;
		code = run(&a);
	}
	loader_free(a.loader);
	return code;
}
