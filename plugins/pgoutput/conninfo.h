/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_CONNINFO_H
#define PGOUTPUT_CONNINFO_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct pg;

/*
 * The parameters of a connection: the job's conninfo (key words or URI), completed.
 *
 * What the user states stands, but for the settings that pin the text of values. The
 * password of the option wins over one in the conninfo; it is read at each connect and its
 * copy here is wiped on release.
 */
enum { CONNINFO_MAX = 64 };

struct conninfo {
	const char *names[CONNINFO_MAX];
	const char *values[CONNINFO_MAX];
	unsigned n;
	PQconninfoOption *parsed;
	char *options, *app_name;
	char *password;
	int64_t timeout_us;
};

#define CONNINFO_INIT ((struct conninfo){ .n = 0 })

_must_check_ int conninfo_make(struct pg *pg, struct conninfo *c, const char *purpose,
			       bool replication, struct ez_error *err);
void conninfo_release(struct conninfo *c);

#endif
