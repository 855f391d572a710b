/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "stream_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/view.h"
#include "plugins/pgoutput/lsn.h"
#include "plugins/pgoutput/options.h"
#include "plugins/pgoutput/slot.h"
#include "plugins/pgoutput/sql.h"
#include "run.h"

struct kit kit;

static struct pg_sql sql;
static char slot_name[] = "my_slot", publication_name[] = "my \"pub\"",
	    scratch[] = "/tmp";

/* ---------------------------------------------------------------- the SQL half */

void pg_drain_wake(const struct pg *pg)
{
	uint64_t tokens;

	(void)!read(pg->wake_fd, &tokens, sizeof(tokens));
}

int pg_info(struct pg *pg, struct ez_source_info *ret, struct ez_error *err)
{
	(void)pg;
	(void)err;
	kit.n_info++;
	ret->slot = kit.slot;
	ret->slot_reason = VIEW("it fell too far behind");
	return EZ_OK;
}

int pg_same(struct pg *pg, struct ez_view identity, struct ez_position from,
	    struct ez_error *err)
{
	(void)from;
	kit.n_same++;
	ck_assert(view_eq(identity, VIEW("who we are")));
	if (kit.same_rc < 0)
		return pg->host->fail(err, kit.same_rc, "", "another server");
	return EZ_OK;
}

int pg_slot_take(struct pg *pg, struct ez_error *err)
{
	kit.n_takes++;
	if (kit.take_rc < 0)
		return pg->host->fail(err, kit.take_rc, "", "somebody else's session");
	return EZ_OK;
}

void pg_sql_idle(struct pg *pg)
{
	(void)pg;
}

int64_t pg_sql_due_us(const struct pg *pg)
{
	(void)pg;
	return INT64_MAX;
}

int pg_monitor_fd(const struct pg_monitor *m, short *ret_events)
{
	(void)m;
	*ret_events = 0;
	return -1;
}

int64_t pg_monitor_due_us(const struct pg_monitor *m)
{
	(void)m;
	return INT64_MAX;
}

void pg_monitor_step(struct pg_monitor *m)
{
	(void)m;
	kit.n_steps++;
}

struct pg_measure pg_monitor_measure(const struct pg_monitor *m)
{
	(void)m;
	return (struct pg_measure){ .retained_bytes = 7,
				    .safe_bytes = -1,
				    .server = 0x9000 };
}

void pg_monitor_probe(struct pg_monitor *m)
{
	(void)m;
	kit.n_probes++;
}

enum pg_probe pg_monitor_probe_take(struct pg_monitor *m)
{
	(void)m;
	return kit.probe;
}

/* ---------------------------------------------------------------- the instance */

void kit_setup(void)
{
	static const struct fake_setting settings[] = {
		{ .name = "conninfo", .value = "" },
		{ .name = "password", .value = "hush" },
		{ .name = NULL }
	};

	memset(&kit, 0, sizeof(kit));
	scripted_reset();
	kit.r = recording_new(pg_option_table, settings);
	kit.err.size = sizeof(kit.err);
	kit.b = BUF_INIT(64 << 20);
	sql.identity = BUF_INIT(64);
	buf_add_str(&sql.identity, "who we are");
	kit.pg = (struct pg){ .host = &kit.r->host,
			      .ctx = &kit.r->fake->ctx,
			      .config = &kit.r->fake->config,
			      .scratch = scratch,
			      .memory = 8 << 20,
			      .sql = &sql };
	kit.pg.opt = (struct pg_options){ .conninfo = "",
					  .slot = slot_name,
					  .publication = publication_name,
					  .streaming = true };
	kit.pg.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	kit.s = stream_new(&kit.pg);
}

void kit_teardown(void)
{
	stream_free(kit.s);
	recording_free(kit.r);
	close(kit.pg.wake_fd);
	buf_release(&kit.b);
	buf_release(&sql.identity);
}

void kit_connects_to(const char *system_id, const char *timeline, const char *end_lsn)
{
	scripted_dial();
	scripted_row("IDENTIFY_SYSTEM",
		     SCRIPTED_ROW(system_id, timeline, end_lsn, "shop"));
	scripted_row("SELECT setting FROM pg_catalog.pg_settings", SCRIPTED_ROW("60000"));
	scripted_streams("START_REPLICATION");
}

void kit_connects(void)
{
	kit_connects_to("7001", "1", "0/9000");
}

static int start(void)
{
	return stream_start(
		kit.s, (struct ez_position){ .bytes = VIEW("0/100"), .order = KIT_FROM },
		0, &kit.err);
}

void kit_starts(void)
{
	kit_connects();
	ck_assert_int_eq(start(), EZ_OK);
}

void kit_sends(uint64_t lsn)
{
	struct buf whole = BUF_INIT(64 << 20);

	msg_xlogdata(&whole, lsn);
	buf_add_view(&whole, buf_view(&kit.b));
	scripted_data(whole.ptr, whole.len);
	buf_release(&whole);
	buf_reset(&kit.b);
}

void kit_keepalive(uint64_t end_lsn, bool wants_reply)
{
	msg_keepalive(&kit.b, end_lsn, wants_reply);
	scripted_data(kit.b.ptr, kit.b.len);
	buf_reset(&kit.b);
}

void kit_describes(uint32_t xid)
{
	msg_relation(&kit.b, xid, T, "t", 'd', "id:23:k v:25");
	kit_sends(0);
}

void kit_inserts(uint32_t xid, uint64_t lsn, const char *id)
{
	msg_insert(&kit.b, xid, T, MSG_ROW(id, "x"));
	kit_sends(lsn);
}

void kit_transaction(uint64_t final_lsn, uint32_t xid, unsigned first, unsigned n)
{
	char id[16];

	msg_begin(&kit.b, final_lsn, 0, xid);
	kit_sends(final_lsn - n);
	for (unsigned i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%u", first + i);
		kit_inserts(0, final_lsn - n + i, id);
	}
	msg_commit(&kit.b, final_lsn, final_lsn + 0x30, 0);
	kit_sends(final_lsn);
}

int kit_poll(uint32_t wait_ms)
{
	return stream_poll(kit.s, &kit.r->out, wait_ms, &kit.err);
}

int kit_poll_until(bool (*done)(void))
{
	int64_t end_us = mono_us() + INT64_C(5) * US_PER_SEC;
	int rc = EZ_AGAIN;

	while (rc >= 0 && !done() && mono_us() < end_us)
		rc = kit_poll(20);
	return rc;
}

void kit_drain(void)
{
	int rc = kit_poll_until(scripted_is_done);

	ck_assert_msg(rc >= 0, "%d: %s", rc, kit.err.text);
	ck_assert(scripted_is_done());
	while ((rc = kit_poll(0)) == EZ_OK)
		;
	ck_assert_msg(rc == EZ_AGAIN, "%d: %s", rc, kit.err.text);
}

void kit_says(const char *want)
{
	struct ez_view rest = view_str(recording_take(kit.r)), line;
	struct buf got = BUF_INIT(64 << 20);

	while (view_split(&rest, '\n', &line))
		if (line.len && !view_starts(line, VIEW("table ")))
			buf_addf(&got, "%.*s\n", VIEW_ARG(line));
	ck_assert_msg(strcmp(buf_cstr(&got), want) == 0, "\n--- want\n%s--- got\n%s",
		      want, buf_cstr(&got));
	buf_release(&got);
}

int kit_ack(uint64_t lsn)
{
	struct lsn_text text;

	return stream_ack(kit.s, lsn_position(lsn, &text), &kit.err);
}
