/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/log.h"
#include "engine/exit_code.h"
#include "engine/host.h"
#include "engine/loader.h"
#include "engine/problems.h"
#include "load.h"
#include "scheduler/agent.h"
#include "scheduler/scheduler.h"
#include "scheduler/settings.h"

/*
 * ezcdc-worker: keeps one dbmazz per job running. Arguments and wiring; everything else is
 * scheduler/.
 */
enum long_option {
	OPT_CONFIG = 256,
	OPT_CHECK,
	OPT_PLUGIN_DIR,
	OPT_LOG_LEVEL,
	OPT_LOG_FORMAT,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "log-format", required_argument, NULL, OPT_LOG_FORMAT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"Usage: ezcdc-worker [OPTION]...\n"
	"Keep one daemon running for every job: job files in a folder, and jobs that a control\n"
	"plane assigns.\n"
	"\n"
	"      --config=FILE       the worker's settings (default /etc/ezcdc/worker.conf)\n"
	"      --check             read the settings, say what is wrong with them, and exit\n"
	"      --plugin-dir=DIR    look for the agent plugin here first; may be repeated\n"
	"      --log-level=LEVEL   error, warning, notice, info (default) or debug\n"
	"      --log-format=FORMAT text (default) or json\n"
	"  -h, --help              show this and exit\n"
	"  -V, --version           show the versions of program and plugin ABI, and exit\n"
	"\n"
	"SIGTERM drains all daemons and ends; SIGHUP looks at the job files again; SIGUSR2\n"
	"executes the worker anew while its daemons go on. See ezcdc-worker(8).\n";

struct arguments {
	struct loader *loader;
	const char *config;
	bool check;
};

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "ezcdc-worker: %s%s%s\nTry \"ezcdc-worker --help\".\n", what,
		value ? ": " : "", value ? value : "");
	return EXIT_USAGE;
}

static int take_log_option(int option, const char *value)
{
	enum log_format format;
	int level;

	if (option == OPT_LOG_LEVEL) {
		if (!log_level_parse(view_str(value), &level))
			return usage("--log-level is error, warning, notice, info or debug, not",
				     value);
		log_set_level(level);
		return -1;
	}
	if (!log_format_parse(view_str(value), &format))
		return usage("--log-format is text or json, not", value);
	log_set_format(format);
	return -1;
}

/* -1: go on; else the exit code. */
static int take_option(struct arguments *a, int option, const char *value)
{
	switch (option) {
	case OPT_CONFIG:
		a->config = value;
		return -1;
	case OPT_CHECK:
		a->check = true;
		return -1;
	case OPT_PLUGIN_DIR:
		loader_add_dir(a->loader, value);
		return -1;
	case OPT_LOG_LEVEL:
	case OPT_LOG_FORMAT:
		return take_log_option(option, value);
	case 'h':
		fputs(help, stdout);
		return EXIT_DONE;
	case 'V':
		printf("ezcdc-worker %s (plugin ABI %d.%d)\n", PACKAGE_VERSION, EZ_ABI_MAJOR,
		       EZ_ABI_MINOR);
		return EXIT_DONE;
	default:
		fputs("Try \"ezcdc-worker --help\".\n", stderr);
		return EXIT_USAGE;
	}
}

static int take_arguments(struct arguments *a, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
		int code = take_option(a, option, optarg);

		if (code >= 0)
			return code;
	}
	return optind == argc ? -1 : usage("unexpected argument", argv[optind]);
}

/* --------------------------------------------------------------------------- programs */

/* The folder that this program is in, where its siblings are too; NULL: not known. */
static char *own_path(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *deleted;

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	/* After an update the old file is gone, and its name is the new one's. */
	deleted = strstr(path, " (deleted)");
	if (deleted)
		*deleted = '\0';
	return xstrdup(path);
}

static char *sibling(const char *own, const char *name)
{
	const char *slash = own ? strrchr(own, '/') : NULL;
	char *path;

	if (!slash)
		return xstrdup(name);
	path = xasprintf("%.*s/%s", (int)(slash - own), own, name);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return xstrdup(name);
}

/* ------------------------------------------------------------------------------- run */

/* One worker per state root. The lock goes with the process, and is taken anew after
 * SIGUSR2. */
static int take_lock(const char *root, int *ret_fd, struct ez_error *err)
{
	_cleanup_(freep) char *path = xasprintf("%s/worker.lock", root);
	int r = fs_mkdirs(root, 0755);
	int fd = r < 0 ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (r < 0)
		errno = -r;
	if (fd < 0)
		return host_table.fail(err, EZ_E_IO, "CANTCREAT", "state_root %s: %m", root);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return host_table.fail(err, EZ_E_BUSY, "",
				       "another worker looks after the jobs in %s", root);
	}
	*ret_fd = fd;
	return EZ_OK;
}

/* Jobs of the control plane come with their secrets. */
static void forbid_cores(void)
{
	const struct rlimit one = { 1, 1 };

	(void)setrlimit(RLIMIT_CORE, &one);
}

static int run(const struct settings *settings, const char *own, enum scheduler_end *ret)
{
	_cleanup_(freep) char *dbmazz = sibling(own, "dbmazz"), *ezcdc = sibling(own, "ezcdc");
	const struct scheduler_args args = { settings, dbmazz, ezcdc };
	struct ez_error err = ERROR_INIT;
	int fd = -1, rc = take_lock(settings->state_root, &fd, &err);

	if (rc >= 0) {
		forbid_cores();
		rc = scheduler_run(&args, ret, &err);
	}
	fs_closep(&fd);
	return rc < 0 ? conclude_error(&err) : EXIT_DONE;
}

static int load_and_run(struct arguments *a, const char *own, enum scheduler_end *ret)
{
	struct problems problems = PROBLEMS_INIT;
	struct ez_error err = ERROR_INIT;
	struct settings settings;
	int code, rc = settings_load(a->config, a->loader, &problems, &settings, &err);

	for (size_t i = 1; rc < 0 && i < problems.n_lines; i++)
		log_msg(EZL_ERROR, "%s", problems.lines[i]);
	problems_release(&problems);
	if (rc < 0)
		return conclude_error(&err);
	code = a->check ? EXIT_DONE : run(&settings, own, ret);
	settings_release(&settings);
	return code;
}

int main(int argc, char **argv)
{
	static struct ez_host host;
	struct arguments a = { .config = NULL };
	enum scheduler_end end = SCHEDULER_DRAINED;
	_cleanup_(freep) char *own = own_path();
	int code;

	host = agent_host();
	a.loader = loader_new(&host);
	code = take_arguments(&a, argc, argv);
	if (code < 0)
		code = load_and_run(&a, own, &end);
	loader_free(a.loader);
	if (code == EXIT_DONE && end == SCHEDULER_REPLACE && own) {
		log_msg(EZL_NOTICE, "executing %s anew", own);
		execv(own, argv);
		log_msg(EZL_ERROR, "cannot execute %s: %m; the daemons go on", own);
		code = EXIT_UNAVAILABLE;
	}
	return code;
}
