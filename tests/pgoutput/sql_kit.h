/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PGOUTPUT_SQL_KIT_H
#define TESTS_PGOUTPUT_SQL_KIT_H

#include <ezcdc/plugin.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "recording_host.h"

/*
 * What tests of the SQL half need: a database of their own on the server that PGHOST and
 * PGPORT name, an instance of the plugin on it, and what it says, as text.
 *
 * The server is started by sql.sh. Without one every test is skipped (exit 77).
 */
struct kit {
	struct recording *rec;
	void *inst;
	const struct ez_source *ops;
	struct ez_error err;
	PGconn *admin; /* superuser on the test's database */
	int version;   /* of the server */
	char conninfo[256];
	char database[64];
	struct fake_setting settings[32];
};

/* Exits with 77 when no server is named. */
void kit_need_server(void);

/* Makes the database `name` anew and connects to it as superuser. */
struct kit *kit_new(const char *name);
struct kit *kit_new_with(const char *name, const char *create_options);

/* Drops slots and database. */
void kit_free(struct kit *k);

/* One setting of the plugin; before kit_open. The strings are borrowed. */
void kit_set(struct kit *k, const char *name, const char *value);

/* Opens an instance in the given role, with the settings. Closes the one before. */
void kit_open(struct kit *k, uint32_t role);
void kit_close(struct kit *k);

/* Runs statements as superuser; ends the test when one fails. */
void kit_sql(struct kit *k, const char *sql);
/* The first field of the first row; "" without a row. Valid until the next call. */
const char *kit_ask(struct kit *k, const char *sql);

/* prepare with EZ_PREPARE_SNAPSHOT and plan; ends the test on an error. */
struct kit_part {
	struct ez_part part; /* with copies of everything */
	char *spec;
};
enum { KIT_PARTS = 256 };
extern struct kit_part kit_parts[KIT_PARTS];
extern unsigned kit_n_parts;
extern char kit_snapshot[128];
extern struct ez_position kit_position;
extern char kit_position_text[64];

int kit_prepare(struct kit *k, uint32_t flags);
int kit_plan(struct kit *k);

/* Copies all planned parts with a reader instance; the text is what the recorder wrote. */
const char *kit_copy(struct kit *k);

/* What check() or discover() reported since the last call: "FAILED table: ... [remedy]". */
extern char kit_report[65536];
int kit_check(struct kit *k);
int kit_discover(struct kit *k);

#endif
