/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "engine/exit_code.h"
#include "engine/problems.h"

/*
 * ezcdc: the command line for people. The table of subcommands; each is in cli/.
 */
const struct command commands[] = {
	{ "check", "JOBFILE", "Test whether a job could start, and say what to mend", cmd_check,
	  NULL },
	{ "run", "JOBFILE", "Run a job in the foreground (the same as dbmazz)", cmd_run, NULL },
	{ "plugins", "[NAME]", "List the plugins, or the options of one", cmd_plugins, NULL },
	{ "discover", "JOBFILE", "List the source's tables: size, key, readiness", cmd_discover,
	  NULL },
	{ "status", "JOB", "Show what a job is doing", cmd_status, NULL },
	{ "top", "[JOB]", "Watch jobs on a live screen", cmd_top, "Press q to leave.\n" },
	{ "pause", "JOB", "Stop reading; the connection stays alive", cmd_tell, NULL },
	{ "resume", "JOB", "Go on after a pause", cmd_tell, NULL },
	{ "stop", "JOB", "Finish what is in flight and end the daemon", cmd_tell, NULL },
	{ "start", "JOB", "Have the worker run a job again that was stopped", cmd_start, NULL },
	{ "snapshot", "JOB TABLE...", "Copy tables again", cmd_not_offered, NULL },
	{ "verify", "JOBFILE [TABLE...]", "Compare source and target", cmd_verify,
	  "Ends with 0 when they are equal, with 1 when they differ.\n" },
	{ "drop", "JOBFILE", "Remove a job's slot, publication and state", cmd_drop, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static void help(FILE *to)
{
	fputs("Usage: ezcdc COMMAND [OPTION]... [ARGUMENT]...\n"
	      "Look after change-data-capture jobs.\n\n", to);
	for (const struct command *c = commands; c->name; c++)
		fprintf(to, "  %-9s %-19s %s\n", c->name, c->arguments, c->summary);
	fputs("\nJOBFILE is a job file, see ezcdc-job(5). JOB is the name of a job, or the path of\n"
	      "its state folder. \"ezcdc COMMAND --help\" tells more.\n", to);
}

static int unknown(const char *word)
{
	struct nearest near = nearest_init(word, strlen(word));

	for (const struct command *c = commands; c->name; c++)
		nearest_offer(&near, c->name);
	fprintf(stderr, "ezcdc: there is no command \"%s\"", word);
	if (near.best)
		fprintf(stderr, "; did you mean \"%s\"?", near.best);
	fputs("\nTry \"ezcdc --help\".\n", stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("ezcdc %s (plugin ABI %d.%d)\n", PACKAGE_VERSION, EZ_ABI_MAJOR,
		       EZ_ABI_MINOR);
		return EXIT_DONE;
	}
	for (const struct command *c = commands; c->name; c++)
		if (strcmp(argv[1], c->name) == 0)
			return c->run(c, argc - 1, argv + 1);
	return unknown(argv[1]);
}
