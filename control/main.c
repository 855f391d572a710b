/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/log.h"
#include "control/commands.h"
#include "control/serve.h"
#include "control/settings.h"

/*
 * ezcdc-control: the control plane. Arguments and wiring; without a command it serves.
 */
enum long_option {
	OPT_CONFIG = 256,
	OPT_ROLE,
	OPT_USER,
	OPT_NAME,
	OPT_EXPIRES,
	OPT_ADD,
	OPT_ACTIVATE,
	OPT_FINISH,
	OPT_LOG_LEVEL,
	OPT_LOG_FORMAT,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "role", required_argument, NULL, OPT_ROLE },
	{ "user", required_argument, NULL, OPT_USER },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "expires", required_argument, NULL, OPT_EXPIRES },
	{ "add", no_argument, NULL, OPT_ADD },
	{ "activate", no_argument, NULL, OPT_ACTIVATE },
	{ "finish", no_argument, NULL, OPT_FINISH },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "log-format", required_argument, NULL, OPT_LOG_FORMAT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"Usage: ezcdc-control [OPTION]... [COMMAND]\n"
	"Serve the control plane of EZ-CDC, or run one command.\n"
	"\n"
	"Commands:\n"
	"  migrate                 bring the catalog's schema up to date\n"
	"  create-user --role=admin|operator|viewer NAME\n"
	"                          add a person; password from standard input\n"
	"  create-token --user=NAME [--name=TEXT] [--expires=90d]\n"
	"                          print an API token, once\n"
	"  create-deployment NAME  add a group of workers; print a registration token\n"
	"  rotate-key              seal all secrets under a new key\n"
	"  rotate-key --add        add a key that only decrypts, then --activate it\n"
	"  rotate-key --finish     seal what is left under older keys, once all use the first\n"
	"\n"
	"Options:\n"
	"      --config=FILE       default /etc/ezcdc/control.conf\n"
	"      --log-level=LEVEL   error, warning, notice, info (default) or debug\n"
	"      --log-format=FORMAT text (default) or json\n"
	"  -h, --help              show this and exit\n"
	"  -V, --version           show the version and exit\n"
	"\n"
	"The manual: ezcdc-control(8).\n";

struct arguments {
	const char *config;
	struct command_options command;
};

static const struct command {
	const char *name;
	int (*run)(const struct settings *s, const struct command_options *o,
		   const char *arg);
	bool takes_name;
} commands[] = {
	{ "migrate", command_migrate, false },
	{ "create-user", command_create_user, true },
	{ "create-token", command_create_token, false },
	{ "create-deployment", command_create_deployment, true },
	{ "rotate-key", command_rotate_key, false },
};

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "ezcdc-control: %s%s%s\nTry \"ezcdc-control --help\".\n", what,
		value ? ": " : "", value ? value : "");
	return EX_USAGE;
}

static int take_log(int option, const char *value)
{
	enum log_format format;
	int level;

	if (option == OPT_LOG_LEVEL) {
		if (!log_level_parse(view_str(value), &level))
			return usage(
				"--log-level is error, warning, notice, info or debug, not",
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
	case OPT_ROLE:
		a->command.role = value;
		return -1;
	case OPT_USER:
		a->command.user = value;
		return -1;
	case OPT_NAME:
		a->command.name = value;
		return -1;
	case OPT_EXPIRES:
		a->command.expires = value;
		return -1;
	case OPT_ADD:
		a->command.add = true;
		return -1;
	case OPT_ACTIVATE:
		a->command.activate = true;
		return -1;
	case OPT_FINISH:
		a->command.finish = true;
		return -1;
	case OPT_LOG_LEVEL:
	case OPT_LOG_FORMAT:
		return take_log(option, value);
	case 'h':
		fputs(help, stdout);
		return 0;
	case 'V':
		puts("ezcdc-control " PACKAGE_VERSION);
		return 0;
	default:
		fputs("Try \"ezcdc-control --help\".\n", stderr);
		return EX_USAGE;
	}
}

static int run_command(const struct settings *s, const struct arguments *a, int n,
		       char **args)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (strcmp(args[0], c->name) != 0)
			continue;
		if (n != 1 + c->takes_name)
			return usage(c->takes_name ? "one NAME is needed by"
						   : "no argument is taken by",
				     c->name);
		return c->run(s, &a->command, c->takes_name ? args[1] : NULL);
	}
	return usage("there is no command", args[0]);
}

int main(int argc, char **argv)
{
	struct arguments a = { .config = "/etc/ezcdc/control.conf" };
	struct buf why = BUF_INIT(1024);
	struct settings s;
	int option, code;

	while ((option = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
		code = take_option(&a, option, optarg);
		if (code >= 0)
			return code;
	}
	if (!settings_read(&s, a.config, &why)) {
		fprintf(stderr, "ezcdc-control: %s\n", buf_cstr(&why));
		buf_release(&why);
		settings_release(&s);
		return EX_CONFIG;
	}
	code = optind < argc ? run_command(&s, &a, argc - optind, argv + optind)
			     : serve(&s);
	settings_release(&s);
	return code;
}
