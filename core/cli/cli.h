/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

struct job;
struct loader;

/*
 * The subcommands of `ezcdc`. Each gets its own argument vector, argv[0] being its name,
 * has parsed nothing before, and returns the exit code. Options that several commands share
 * are parsed by cli_options().
 */
struct command {
	const char *name, *arguments, *summary;
	int (*run)(const struct command *self, int argc, char **argv);
	const char *options; /* for --help, lines ready to print; may be NULL */
};

extern const struct command commands[]; /* ends with a NULL name */

/* What the shared options said. */
struct cli {
	const struct command *command;
	struct loader *loader;
	const char *state_dir, *state_root;
	const char *only;      /* check */
	const char *secrets_dir, *id; /* on behalf of a control plane */
	int config_fd;                /* -1: none */
	unsigned load_flags;          /* enum job_load_flag */
	uint64_t epoch;
	bool json, yes;
	char **rest;           /* arguments that are not options */
	int n_rest;
};

enum cli_accepts {
	CLI_JSON = 1 << 0,
	CLI_STATE_DIR = 1 << 1,
	CLI_STATE_ROOT = 1 << 2,
	CLI_YES = 1 << 3,
	CLI_ONLY = 1 << 4,
	CLI_PLUGIN_DIR = 1 << 5,
	CLI_WORKER = 1 << 6, /* what a worker adds; --config-fd takes the place of JOBFILE */
};

/* -1: go on; else the exit code (after --help or a mistake). The loader is made if plugin
 * folders are accepted. Pair with cli_release. */
_must_check_ int cli_options(struct cli *c, const struct command *command, unsigned accepts,
			     int min_rest, int max_rest, int argc, char **argv);
void cli_release(struct cli *c);

/* Loads the job file c->rest[0]. -1: *ret is set; else the exit code, said why. */
_must_check_ int cli_load(struct cli *c, struct job **ret);

/* Prints to standard output, releases. */
void cli_print(struct buf *text);

/* "JOB" to the path of its state folder: a path if it holds a slash, else below the root.
 * Heap string. */
char *cli_state_path(const struct cli *c, const char *job);

/* The commands. */
int cmd_check(const struct command *self, int argc, char **argv);
int cmd_run(const struct command *self, int argc, char **argv);
int cmd_plugins(const struct command *self, int argc, char **argv);
int cmd_discover(const struct command *self, int argc, char **argv);
int cmd_status(const struct command *self, int argc, char **argv);
int cmd_tell(const struct command *self, int argc, char **argv); /* pause resume stop */
int cmd_start(const struct command *self, int argc, char **argv);
int cmd_top(const struct command *self, int argc, char **argv);
int cmd_verify(const struct command *self, int argc, char **argv);
int cmd_drop(const struct command *self, int argc, char **argv);
int cmd_not_offered(const struct command *self, int argc, char **argv);

#endif
