/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_COMMANDS_H
#define CONTROL_COMMANDS_H

#include <stdbool.h>

struct settings;

/*
 * The commands of ezcdc-control beside serving: each opens the catalog, does one thing and
 * prints what its user needs. They return an exit code of sysexits.h.
 */
struct command_options {
	const char *role, *user, *name, *expires;
	bool add, activate;
};

int command_migrate(const struct settings *s, const struct command_options *o,
		    const char *arg);
int command_create_user(const struct settings *s, const struct command_options *o,
			const char *arg);
int command_create_token(const struct settings *s, const struct command_options *o,
			 const char *arg);
int command_create_deployment(const struct settings *s, const struct command_options *o,
			      const char *arg);
int command_rotate_key(const struct settings *s, const struct command_options *o,
		       const char *arg);

#endif
