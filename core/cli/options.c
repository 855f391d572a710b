/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/parse.h"
#include "cli/cli.h"
#include "engine/exit_code.h"
#include "engine/host.h"
#include "engine/job.h"
#include "engine/loader.h"
#include "load.h"

static const char default_root[] = "/var/lib/ezcdc";

enum {
	OPT_JSON = 256,
	OPT_STATE_DIR,
	OPT_STATE_ROOT,
	OPT_ONLY,
	OPT_PLUGIN_DIR,
	OPT_CONFIG_FD,
	OPT_SECRETS_DIR,
	OPT_ID,
	OPT_EPOCH,
};

/* Every shared option, with the bit that lets a command have it. */
static const struct {
	struct option option;
	unsigned bit;
	const char *help;
} shared[] = {
	{ { "json", no_argument, NULL, OPT_JSON }, CLI_JSON, "      --json             for machines" },
	{ { "state-dir", required_argument, NULL, OPT_STATE_DIR }, CLI_STATE_DIR,
	  "      --state-dir=DIR    the job's state folder (default /var/lib/ezcdc/JOB)" },
	{ { "state-root", required_argument, NULL, OPT_STATE_ROOT }, CLI_STATE_ROOT,
	  "      --state-root=DIR   where state folders are (default /var/lib/ezcdc)" },
	{ { "yes", no_argument, NULL, 'y' }, CLI_YES, "  -y, --yes              do not ask" },
	{ { "only", required_argument, NULL, OPT_ONLY }, CLI_ONLY,
	  "      --only=WHAT        source or sink; config: the job file alone" },
	{ { "plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR }, CLI_PLUGIN_DIR,
	  "      --plugin-dir=DIR   look for plugins here first; may be repeated" },
	{ { "config-fd", required_argument, NULL, OPT_CONFIG_FD }, CLI_WORKER,
	  "      --config-fd=N      read the job file from an inherited descriptor" },
	{ { "secrets-dir", required_argument, NULL, OPT_SECRETS_DIR }, CLI_WORKER,
	  "      --secrets-dir=DIR  secrets are text or names of files in DIR, nothing else" },
	{ { "id", required_argument, NULL, OPT_ID }, CLI_WORKER,
	  "      --id=ID            base of slot and publication (default ezcdc_JOB)" },
	{ { "epoch", required_argument, NULL, OPT_EPOCH }, CLI_WORKER,
	  "      --epoch=N          number of the job's lease" },
};

static void print_help(const struct command *command, unsigned accepts)
{
	printf("Usage: ezcdc %s [OPTION]... %s\n%s.\n\n", command->name, command->arguments,
	       command->summary);
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		if (shared[i].bit & accepts)
			puts(shared[i].help);
	puts("  -h, --help             show this and exit");
	if (command->options)
		printf("\n%s", command->options);
}

static size_t options_of(unsigned accepts, struct option *to)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		if (shared[i].bit & accepts)
			to[n++] = shared[i].option;
	to[n++] = (struct option){ "help", no_argument, NULL, 'h' };
	to[n++] = (struct option){ NULL, 0, NULL, 0 };
	return n;
}

static int refuse(const struct cli *c, const char *what)
{
	fprintf(stderr, "ezcdc %s: %s\n", c->command->name, what);
	return EXIT_USAGE;
}

/* -1: go on; else the exit code. */
static int take_worker_option(struct cli *c, int option)
{
	uint64_t n;

	if (option == OPT_SECRETS_DIR) {
		c->secrets_dir = optarg;
		return -1;
	}
	if (option == OPT_ID) {
		if (strlen(optarg) >= JOB_ID_MAX)
			return refuse(c, "--id is too long");
		c->id = optarg;
		return -1;
	}
	if (!parse_u64(view_str(optarg), &n) || n > (option == OPT_EPOCH ? INT64_MAX : INT16_MAX))
		return refuse(c, "--epoch and --config-fd need a number");
	if (option == OPT_EPOCH)
		c->epoch = n;
	else
		c->config_fd = (int)n;
	return -1;
}

static int take(struct cli *c, int option, unsigned accepts)
{
	switch (option) {
	case OPT_JSON:
		c->json = true;
		return -1;
	case OPT_STATE_DIR:
		c->state_dir = optarg;
		return -1;
	case OPT_STATE_ROOT:
		c->state_root = optarg;
		return -1;
	case OPT_ONLY:
		c->only = optarg;
		return -1;
	case OPT_PLUGIN_DIR:
		loader_add_dir(c->loader, optarg);
		return -1;
	case OPT_CONFIG_FD:
	case OPT_SECRETS_DIR:
	case OPT_ID:
	case OPT_EPOCH:
		return take_worker_option(c, option);
	case 'y':
		c->yes = true;
		return -1;
	case 'h':
		print_help(c->command, accepts);
		return EXIT_DONE;
	default:
		fprintf(stderr, "Try \"ezcdc %s --help\".\n", c->command->name);
		return EXIT_USAGE;
	}
}

static int check_rest(const struct cli *c, int min_rest, int max_rest)
{
	if (c->config_fd >= 0 && c->n_rest == 0)
		return -1;
	if (c->n_rest >= min_rest && c->n_rest <= max_rest)
		return -1;
	fprintf(stderr, "ezcdc %s: %s\nUsage: ezcdc %s [OPTION]... %s\n", c->command->name,
		c->n_rest < min_rest ? "an argument is missing" : "too many arguments",
		c->command->name, c->command->arguments);
	return EXIT_USAGE;
}

int cli_options(struct cli *c, const struct command *command, unsigned accepts, int min_rest,
		int max_rest, int argc, char **argv)
{
	struct option options[ARRAY_LEN(shared) + 2];
	int option, code = -1;

	*c = (struct cli){ .command = command, .state_root = default_root, .config_fd = -1 };
	if (accepts & CLI_PLUGIN_DIR)
		c->loader = loader_new(&host_table);
	options_of(accepts, options);
	optind = 1;
	while (code < 0 && (option = getopt_long(argc, argv, accepts & CLI_YES ? "hy" : "h",
						 options, NULL)) != -1)
		code = take(c, option, accepts);
	c->rest = argv + optind;
	c->n_rest = argc - optind;
	if (code < 0)
		code = check_rest(c, min_rest, max_rest);
	if (code < 0 && c->loader)
		loader_add_default_dirs(c->loader);
	if (code >= 0)
		cli_release(c);
	return code;
}

void cli_release(struct cli *c)
{
	if (c->loader)
		loader_free(c->loader);
	c->loader = NULL;
}

int cli_load(struct cli *c, struct job **ret)
{
	const struct load_args args = {
		.loader = c->loader,
		.path = c->rest[0],
		.fd = c->config_fd,
		.secrets_dir = c->secrets_dir,
		.flags = c->load_flags,
	};
	struct ez_error err = ERROR_INIT;

	if (load_job(&args, ret, &err) < 0)
		return conclude_error(&err);
	if (c->id)
		(*ret)->id = xstrdup(c->id);
	if (c->epoch > 0)
		(*ret)->epoch = c->epoch;
	return -1;
}

void cli_print(struct buf *text)
{
	fwrite(buf_cstr(text), 1, text->len, stdout);
	fflush(stdout);
	buf_release(text);
}

char *cli_state_path(const struct cli *c, const char *job)
{
	return strchr(job, '/') ? xstrdup(job) : xasprintf("%s/%s", c->state_root, job);
}
