/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/view.h"
#include "lsn.h"
#include "monitor.h"
#include "options.h"
#include "pgoutput.h"
#include "sql.h"
#include "stream.h"
#include "tables.h"

/* Set once by load(), before any instance. */
static const struct ez_host *the_host;

void pg_drain_wake(const struct pg *pg)
{
	uint64_t tokens;

	(void)!read(pg->wake_fd, &tokens, sizeof(tokens));
}

bool pg_selects(const struct pg *pg, struct ez_view schema, struct ez_view name)
{
	return pg_tables_match(pg->sql->tables, schema, name);
}

static void ring(const struct pg *pg)
{
	const uint64_t token = 1;

	(void)!write(pg->wake_fd, &token, sizeof(token));
}

static void source_close(void *inst)
{
	struct pg *pg = inst;

	if (!pg)
		return;
	stream_free(pg->stream);
	pg_monitor_free(pg->monitor);
	pg_sql_close(pg);
	fs_closep(&pg->wake_fd);
	free(pg->slot_name);
	free(pg->publication_name);
	free(pg->job);
	free(pg->id);
	free(pg->scratch);
	free(pg);
}

static struct pg *pg_new(const struct ez_open *open)
{
	struct pg *pg = xcalloc(1, sizeof(*pg));

	pg->host = the_host;
	pg->ctx = open->ctx;
	pg->config = open->config;
	pg->job = view_dup(open->job);
	pg->id = view_dup(open->id);
	pg->scratch = view_dup(open->scratch);
	pg->memory = open->memory;
	pg->epoch = open->epoch;
	pg->role = open->role;
	pg->alone = open->size > offsetof(struct ez_open, alone) && open->alone;
	pg->worker = open->worker;
	pg->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return pg;
}

static int source_open(const struct ez_open *open, void **ret_inst, struct ez_error *err)
{
	struct pg *pg = pg_new(open);
	int rc;

	if (pg->wake_fd < 0)
		rc = the_host->fail(err, EZ_E_FATAL, "", "eventfd: %m");
	else
		rc = pg_options_read(pg, err);
	if (rc == EZ_OK)
		rc = pg_sql_open(pg, err);
	if (rc < 0) {
		source_close(pg);
		return rc;
	}
	if (pg->role == EZ_ROLE_MAIN) {
		pg->monitor = pg_monitor_new(pg);
		pg->stream = stream_new(pg);
	}
	*ret_inst = pg;
	return EZ_OK;
}

static int source_info(void *inst, struct ez_source_info *ret_info, struct ez_error *err)
{
	return pg_info(inst, ret_info, err);
}

static int source_start(void *inst, struct ez_position from, uint64_t until,
			struct ez_error *err)
{
	struct pg *pg = inst;

	return stream_start(pg->stream, from, until, err);
}

static int source_poll(void *inst, struct ez_out *out, uint32_t wait_ms,
		       struct ez_error *err)
{
	struct pg *pg = inst;

	if (pg->role == EZ_ROLE_READER)
		return pg_part_poll(pg, out, wait_ms, err);
	return stream_poll(pg->stream, out, wait_ms, err);
}

static int source_ack(void *inst, struct ez_position position, struct ez_error *err)
{
	struct pg *pg = inst;

	return stream_ack(pg->stream, position, err);
}

/* A reader of a snapshot has nothing to keep alive: its COPY waits as long as we do. */
static int wait_for_wake(struct pg *pg, uint32_t wait_ms, struct ez_error *err)
{
	struct pollfd p = { .fd = pg->wake_fd, .events = POLLIN };

	if (!atomic_load(&pg->woken) && !pg_is_interrupted(pg) &&
	    poll(&p, 1, (int)MIN(wait_ms, (uint32_t)INT32_MAX)) > 0)
		pg_drain_wake(pg);
	atomic_store(&pg->woken, false);
	if (pg_is_interrupted(pg))
		return pg->host->fail(err, EZ_E_CANCELLED, "", "interrupted");
	return EZ_OK;
}

static int source_idle(void *inst, uint32_t wait_ms, struct ez_error *err)
{
	struct pg *pg = inst;

	if (!pg->stream) {
		pg_sql_idle(pg); /* the session of a snapshot for reading alone */
		return wait_for_wake(pg, wait_ms, err);
	}
	return stream_idle(pg->stream, wait_ms, err);
}

static void source_wake(void *inst)
{
	struct pg *pg = inst;

	atomic_store(&pg->woken, true);
	ring(pg);
}

static void source_interrupt(void *inst)
{
	struct pg *pg = inst;

	atomic_store(&pg->interrupted, true);
	ring(pg);
}

static int source_same(void *inst, struct ez_view identity, struct ez_position from,
		       struct ez_error *err)
{
	return pg_same(inst, identity, from, err);
}

static int source_prepare(void *inst, uint32_t flags, struct ez_prepared *ret,
			  struct ez_error *err)
{
	return pg_prepare(inst, flags, ret, err);
}

static int source_plan(void *inst, struct ez_plan *plan, struct ez_out *out,
		       struct ez_error *err)
{
	return pg_plan(inst, plan, out, err);
}

static int source_part_open(void *inst, struct ez_view snapshot,
			    const struct ez_part *part, struct ez_error *err)
{
	return pg_part_open(inst, snapshot, part, err);
}

static void source_part_close(void *inst)
{
	pg_part_close(inst);
}

static void source_table_done(void *inst, uint64_t table_id)
{
	pg_table_done(inst, table_id);
}

static void source_snapshot_done(void *inst)
{
	pg_snapshot_done(inst);
}

static int source_status(void *inst, struct ez_source_status *ret)
{
	struct pg *pg = inst;

	if (pg->stream)
		stream_status(pg->stream, ret);
	return EZ_OK;
}

static int source_position(void *inst, struct ez_view text, struct ez_position *ret,
			   struct ez_error *err)
{
	struct pg *pg = inst;
	uint64_t lsn;

	if (!lsn_parse(text, &lsn))
		return pg->host->fail(err, EZ_E_CONFIG, "", "not a position: %.*s",
				      VIEW_ARG(text));
	ret->bytes = text;
	ret->order = lsn;
	return EZ_OK;
}

static int source_check(void *inst, struct ez_report *report, struct ez_error *err)
{
	return pg_check(inst, report, err);
}

static int source_discover(void *inst, struct ez_report *report, struct ez_error *err)
{
	return pg_discover(inst, report, err);
}

static int source_drop(void *inst, struct ez_error *err)
{
	return pg_drop(inst, err);
}

static int load(const struct ez_host *host)
{
	the_host = host;
	return EZ_OK;
}

static const struct ez_source ops = {
	.size = sizeof(ops),
	.open = source_open,
	.close = source_close,
	.info = source_info,
	.start = source_start,
	.poll = source_poll,
	.ack = source_ack,
	.idle = source_idle,
	.wake = source_wake,
	.interrupt = source_interrupt,
	.same = source_same,
	.prepare = source_prepare,
	.plan = source_plan,
	.part_open = source_part_open,
	.part_close = source_part_close,
	.table_done = source_table_done,
	.snapshot_done = source_snapshot_done,
	.status = source_status,
	.position = source_position,
	.check = source_check,
	.discover = source_discover,
	.drop = source_drop,
};

const struct ez_plugin ez_plugin = {
	EZ_PLUGIN_HEAD,
	.caps = EZ_CAP_SNAPSHOT | EZ_CAP_VIEW,
	.kind = EZ_SOURCE,
	.name = "pgoutput",
	.version = PACKAGE_VERSION,
	.summary = "Changes of a PostgreSQL database by logical replication (pgoutput).",
	.options = pg_option_table,
	.load = load,
	.ops = { .source = &ops },
};
