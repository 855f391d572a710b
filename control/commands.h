/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_COMMANDS_H
#define CONTROL_COMMANDS_H

#include <stdbool.h>

#include "base/attr.h"
#include "control/catalog/db.h"

struct settings;

/*
 * The commands of ezcdc-control beside serving: each opens the catalog, does one thing and
 * prints what its user needs. They return an exit code of sysexits.h.
 */
struct command_options {
	const char *role, *user, *name, *expires;
	bool add, activate, finish;
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

/* For those that are made elsewhere: say what failed; the result is the exit code. */
int command_failed(int code, const char *text);
int command_db_failed(struct db *d, enum db_result rc);

/* The catalog, with its schema up to date. NULL after a message. */
_must_check_ struct db *command_open_catalog(const struct settings *s, int *ret_applied,
					     int *ret_code);

#endif
