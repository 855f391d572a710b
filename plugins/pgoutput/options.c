/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "options.h"

#include <string.h>

#include "base/alloc.h"
#include "base/view.h"
#include "pgoutput.h"

enum { NAME_MAX_BYTES = 63 }; /* of anything in the catalog */

static const struct ez_option opt_conninfo = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.flags = EZ_OPTF_REQUIRED | EZ_OPTF_CONNECTION,
	.name = "conninfo",
	.label = "Connection string",
	.group = "Connection",
	.help = "How to reach the database, as libpq has it: \"host=db.example.com port=5432 "
		"dbname=shop user=ezcdc sslmode=verify-full\". The server itself, not a pooler. "
		"TCP keepalives are on unless this says otherwise.",
};
static const struct ez_option opt_password = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_SECRET,
	.flags = EZ_OPTF_CONNECTION | EZ_OPTF_LIVE,
	.name = "password",
	.label = "Password",
	.group = "Connection",
	.help = "Of the user in conninfo. Read again for every new connection.",
};
static const struct ez_option opt_tables = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_LIST,
	.name = "tables",
	.label = "Tables",
	.help = "Patterns \"schema.table\" with * and ?; ! in front excludes, and the last that "
		"matches decides. Omitted: every table of the publication.",
};
static const struct ez_option opt_slot = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.name = "slot",
	.label = "Replication slot",
	.group = "Replication",
	.help = "Name of the slot; omitted: ezcdc_ and the name of the job.",
};
static const struct ez_option opt_publication = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.name = "publication",
	.label = "Publication",
	.group = "Replication",
	.help = "Name of the publication; omitted: ezcdc_ and the name of the job.",
};
static const struct ez_option opt_create = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_BOOL,
	.name = "create",
	.label = "Create slot and publication",
	.group = "Replication",
	.fallback = "true",
	.help = "Make slot and publication if they are not there. They are removed only by "
		"`ezcdc drop`.",
};
static const struct ez_option opt_snapshot = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_ENUM,
	.name = "snapshot",
	.label = "Initial copy",
	.group = "Snapshot",
	.fallback = "initial",
	.choices = "initial|never|only",
	.help = "initial: copy the tables first, then stream from exactly there. never: stream "
		"only. only: copy and end.",
};
static const struct ez_option opt_snapshot_workers = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_INT,
	.name = "snapshot_workers",
	.label = "Parallel readers",
	.group = "Snapshot",
	.fallback = "2",
	.help = "Connections that copy at the same time.",
	.min = 1,
	.max = 64,
};
static const struct ez_option opt_part_bytes = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_SIZE,
	.name = "part_bytes",
	.label = "Size of a part",
	.group = "Snapshot",
	.fallback = "128MiB",
	.help = "A larger table is copied in parts of about this size.",
	.min = INT64_C(1) << 20,
	.max = INT64_C(1) << 40,
};
static const struct ez_option opt_streaming = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_BOOL,
	.name = "streaming",
	.label = "Stream large transactions",
	.group = "Replication",
	.fallback = "true",
	.help = "Take large transactions while they still run, from PostgreSQL 14 on: sooner "
		"there, and no spill files on the server. They are kept here until they commit.",
};
static const struct ez_option opt_messages = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_BOOL,
	.name = "messages",
	.label = "Logical messages",
	.group = "Replication",
	.fallback = "false",
	.help = "Replicate what pg_logical_emit_message() writes, from PostgreSQL 14 on.",
};
static const struct ez_option opt_origin = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_ENUM,
	.name = "origin",
	.label = "Origin of changes",
	.group = "Replication",
	.fallback = "any",
	.choices = "any|none",
	.help = "none: only changes that were not replicated to the source from elsewhere, "
		"which ends loops. From PostgreSQL 16 on.",
};
static const struct ez_option opt_failover = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_BOOL,
	.name = "failover",
	.label = "Failover slot",
	.group = "Replication",
	.fallback = "false",
	.help = "Let standbys keep a copy of the slot, so that the job goes on from the one that "
		"takes over. From PostgreSQL 17 on.",
};
static const struct ez_option opt_heartbeat = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_DURATION,
	.name = "heartbeat",
	.label = "Heartbeat",
	.group = "Replication",
	.fallback = "0",
	.help = "Write a small message into the source's log this often, so that the slot moves "
		"although nothing in this database changes. 0: never.",
	.max = INT64_C(24) * 3600 * 1000000,
};

const struct ez_option *const pg_option_table[] = {
	&opt_conninfo,    &opt_password,  &opt_tables,   &opt_slot,
	&opt_publication, &opt_create,    &opt_snapshot, &opt_snapshot_workers,
	&opt_part_bytes,  &opt_streaming, &opt_messages, &opt_origin,
	&opt_failover,    &opt_heartbeat, NULL,
};

static bool is_slot_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && n <= NAME_MAX_BYTES && s[n] == '\0';
}

static char *name_or_id(const struct pg *pg, const char *option)
{
	struct ez_view v = pg->host->str(pg->config, option);

	return v.len ? view_dup(v) : xstrdup(pg->id);
}

static int check_names(const struct pg *pg, struct ez_error *err)
{
	size_t n = strlen(pg->opt.publication);

	if (!is_slot_name(pg->opt.slot))
		return pg->host->fail(
			err, EZ_E_CONFIG, "",
			"slot: \"%s\" is no name of a replication slot: 1 to 63 "
			"of a-z, 0-9 and _",
			pg->opt.slot);
	if (n == 0 || n > NAME_MAX_BYTES)
		return pg->host->fail(err, EZ_E_CONFIG, "",
				      "publication: a name has 1 to %d bytes",
				      NAME_MAX_BYTES);
	return EZ_OK;
}

int pg_options_read(struct pg *pg, struct ez_error *err)
{
	const struct ez_host *host = pg->host;
	const struct ez_config *config = pg->config;
	struct ez_view mode = host->str(config, "snapshot");

	pg->slot_name = name_or_id(pg, "slot");
	pg->publication_name = name_or_id(pg, "publication");
	pg->opt = (struct pg_options){
		.conninfo = host->str(config, "conninfo").ptr,
		.slot = pg->slot_name,
		.publication = pg->publication_name,
		.snapshot = view_eq_str(mode, "never")  ? PG_SNAPSHOT_NEVER
			    : view_eq_str(mode, "only") ? PG_SNAPSHOT_ONLY
							: PG_SNAPSHOT_INITIAL,
		.snapshot_workers = (uint32_t)host->num(config, "snapshot_workers"),
		.part_bytes = (uint64_t)host->num(config, "part_bytes"),
		.heartbeat_us = host->num(config, "heartbeat"),
		.create = host->num(config, "create") != 0,
		.streaming = host->num(config, "streaming") != 0,
		.messages = host->num(config, "messages") != 0,
		.failover = host->num(config, "failover") != 0,
		.origin_none = view_eq_str(host->str(config, "origin"), "none"),
	};
	return check_names(pg, err);
}
