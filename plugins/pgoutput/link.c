/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "link.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/view.h"
#include "lsn.h"
#include "pgoutput.h"
#include "quote.h"
#include "slot.h"

enum { COMMAND_MAX_BYTES = 4096, ERROR_WAIT_MS = 1000, TAKEOVERS_MAX = 3 };
static const int64_t SETUP_US = INT64_C(60) * US_PER_SEC;

static const char TIMEOUT_SQL[] =
	"SELECT setting%s FROM pg_catalog.pg_settings "
	"WHERE name OPERATOR(pg_catalog.=) 'wal_sender_timeout'";
static const char NO_FAILOVER_SQL[] =
	", (SELECT NOT failover FROM pg_catalog.pg_replication_slots "
	"WHERE slot_name OPERATOR(pg_catalog.=) '%s')";

void link_init(struct link *l, struct pg *pg)
{
	*l = (struct link){ .pg = pg };
}

void link_close(struct link *l)
{
	pg_dial_close(&l->dial);
	pg_clear(&l->answer);
	pg_disconnect(&l->conn);
	l->state = LINK_CLOSED;
	l->needs_flush = false;
	l->must_fill = true;
	l->dry = 0;
}

static int give_up(struct link *l, int rc)
{
	link_close(l);
	return rc;
}

int link_open(struct link *l, uint64_t from_lsn, struct ez_error *err)
{
	int rc;

	link_close(l);
	l->from_lsn = from_lsn;
	l->takeovers = 0;
	rc = pg_dial_start(l->pg, &l->dial, "stream", true, err);
	if (rc < 0)
		return give_up(l, rc);
	l->state = LINK_DIALING;
	return EZ_AGAIN;
}

static int lost(struct link *l, const char *what, struct ez_error *err)
{
	return give_up(l, pg_fail_conn(l->pg, l->conn, what, err));
}

int link_flush(struct link *l, struct ez_error *err)
{
	int left = PQflush(l->conn);

	if (left < 0)
		return lost(l, "send to the source", err);
	l->needs_flush = left > 0;
	return EZ_OK;
}

static int fill(struct link *l, struct ez_error *err)
{
	return PQconsumeInput(l->conn) ? EZ_OK : lost(l, "read from the source", err);
}

/*
 * With TLS, bytes that were taken off the socket may wait in the library, up to one record
 * of 16 KiB, unseen by poll(2). A fill takes at least 8 KiB if they are there, so three in
 * a row without a message leave none behind.
 */
int link_more(struct link *l, struct ez_error *err)
{
	uint8_t enough = PQsslInUse(l->conn) ? 3 : 0;
	int waiting = 0;

	if (!l->must_fill && l->dry >= enough &&
	    (ioctl(PQsocket(l->conn), FIONREAD, &waiting) < 0 || waiting == 0))
		return EZ_AGAIN;
	l->must_fill = false;
	if (l->dry < enough)
		l->dry++;
	return fill(l, err);
}

static int ask(struct link *l, enum link_state state, const char *sql,
	       struct ez_error *err)
{
	if (!PQsendQuery(l->conn, sql))
		return lost(l, "send a command to the source", err);
	l->state = state;
	return link_flush(l, err);
}

/* The versions of the protocol are those of the servers that brought them. */
static int protocol_version(int server)
{
	if (server >= 160000)
		return 4;
	if (server >= 150000)
		return 3;
	return server >= 140000 ? 2 : 1;
}

static void add_option(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, ", %s '%s'", name, value);
}

static void format_start(const struct link *l, struct buf *b)
{
	const struct pg_options *opt = &l->pg->opt;
	int version = l->server.version;
	struct buf name = BUF_INIT(COMMAND_MAX_BYTES);

	quote_ident(&name, view_str(opt->publication));
	buf_add_str(b, "START_REPLICATION SLOT ");
	quote_ident(b, view_str(opt->slot));
	buf_addf(b, " LOGICAL %s (proto_version '%d', publication_names ",
		 lsn_format(l->from_lsn).text, protocol_version(version));
	quote_literal(b, buf_view(&name));
	if (opt->streaming && version >= 140000)
		add_option(b, "streaming", "on");
	if (opt->messages && version >= 140000)
		add_option(b, "messages", "true");
	if (opt->origin_none && version >= 160000)
		add_option(b, "origin", "none");
	buf_add_char(b, ')');
	buf_release(&name);
}

static int start_replication(struct link *l, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(COMMAND_MAX_BYTES);

	format_start(l, &b);
	if (!buf_ok(&b))
		return give_up(l,
			       l->pg->host->fail(err, EZ_E_CONFIG, "",
						 "the names of slot and publication are "
						 "too long"));
	return ask(l, LINK_STARTING, buf_cstr(&b), err);
}

static bool is_state(const PGresult *res, const char *sqlstate)
{
	const char *s = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	return s && strcmp(s, sqlstate) == 0;
}

static int hint_lost_slot(const struct pg *pg, struct ez_error *err)
{
	return pg->host->hint(err,
			      "changes since the last position cannot be had any more: "
			      "`ezcdc drop` removes what is left, then a new start "
			      "copies the tables again");
}

/*
 * 55000 at the start has several reasons (the slot was invalidated, it belongs to another
 * database, wal_level is too low), and the wording differs between versions. What the slot
 * itself says decides.
 */
static int fail_prerequisite(struct link *l, struct ez_error *err)
{
	struct ez_source_info info = { .size = sizeof(info) };
	struct ez_error asked = { .size = sizeof(asked) };
	struct pg *pg = l->pg;

	if (pg_info(pg, &info, &asked) != EZ_OK || info.slot != EZ_SLOT_LOST)
		return EZ_E_CONFIG;
	pg->host->fail(err, EZ_E_GONE, "55000", "replication slot %s is lost: %.*s",
		       pg->opt.slot, VIEW_ARG(info.slot_reason));
	return hint_lost_slot(pg, err);
}

/* Our epoch has been saved before anything was read: whoever streams is of an earlier one,
 * and would notice only at its next checkpoint; if it hangs, never. Once we have streamed it
 * may as well be of a later one. */
static bool is_taken_over(struct link *l)
{
	struct ez_error why = { .size = sizeof(why) };

	if (l->pg->epoch == 0 || l->was_up || l->takeovers >= TAKEOVERS_MAX || !is_state(l->answer, "55006"))
		return false;
	l->takeovers++;
	if (pg_slot_take(l->pg, &why) == EZ_OK)
		return true;
	l->pg->host->log(4, "the slot cannot be taken over: %s", why.text);
	return false;
}

static int fail_start(struct link *l, struct ez_error *err)
{
	struct pg *pg = l->pg;
	int rc = pg_fail_result(pg, l->conn, l->answer, "start replication", err);

	if (is_state(l->answer, "42704")) {
		pg->host->fail(err, EZ_E_GONE, "42704",
			       "replication slot %s does not exist", pg->opt.slot);
		rc = hint_lost_slot(pg, err);
	} else if (is_state(l->answer, "55006")) {
		rc = pg->host->hint(err,
				    "it is free as soon as the server notices that the "
				    "other connection is gone, at the latest after "
				    "wal_sender_timeout; or end that process");
	} else if (is_state(l->answer, "55000")) {
		rc = fail_prerequisite(l, err);
	}
	return give_up(l, rc);
}

static bool wants_failover(const struct link *l)
{
	return l->pg->opt.failover && l->server.version >= PG_FAILOVER_SINCE;
}

static int ask_settings(struct link *l, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf slot = BUF_INIT(COMMAND_MAX_BYTES);
	_cleanup_(buf_release) struct buf b = BUF_INIT(COMMAND_MAX_BYTES);

	if (wants_failover(l))
		buf_addf(&slot, NO_FAILOVER_SQL, l->pg->opt.slot);
	buf_addf(&b, TIMEOUT_SQL, buf_cstr(&slot));
	return ask(l, LINK_ASKING, buf_cstr(&b), err);
}

/* What IDENTIFY_SYSTEM says; the next question. */
static int on_identified(struct link *l, struct ez_error *err)
{
	struct link_server *s = &l->server;
	bool ok;

	if (PQresultStatus(l->answer) != PGRES_TUPLES_OK || PQntuples(l->answer) != 1)
		return give_up(l, pg_fail_result(l->pg, l->conn, l->answer,
						 "identify the source", err));
	ok = str_copy(s->system_id, sizeof(s->system_id), pg_field(l->answer, 0, 0)) &&
	     str_copy(s->timeline, sizeof(s->timeline), pg_field(l->answer, 0, 1)) &&
	     lsn_parse(pg_field(l->answer, 0, 2), &s->end_lsn);
	if (!ok)
		return give_up(l,
			       l->pg->host->fail(err, EZ_E_FATAL, "08P01",
						 "the source's identity is malformed"));
	s->version = PQserverVersion(l->conn);
	return ask_settings(l, err);
}

static int alter_slot(struct link *l, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(COMMAND_MAX_BYTES);

	buf_add_str(&b, "ALTER_REPLICATION_SLOT ");
	quote_ident(&b, view_str(l->pg->opt.slot));
	buf_add_str(&b, " (FAILOVER true)");
	return ask(l, LINK_ALTERING, buf_cstr(&b), err);
}

static int on_timeout_known(struct link *l, struct ez_error *err)
{
	uint64_t ms = 0;

	if (PQresultStatus(l->answer) != PGRES_TUPLES_OK || PQntuples(l->answer) != 1 ||
	    !parse_u64(pg_field(l->answer, 0, 0), &ms) || ms > INT32_MAX)
		return give_up(l, pg_fail_result(l->pg, l->conn, l->answer,
						 "read wal_sender_timeout", err));
	l->sender_timeout_us = (int64_t)ms * US_PER_MS;
	if (wants_failover(l) && pg_field_bool(l->answer, 0, 1))
		return alter_slot(l, err);
	return start_replication(l, err);
}

/* That it cannot be altered now (it is in use) is no reason not to try to stream. */
static int on_altered(struct link *l, struct ez_error *err)
{
	const struct pg *pg = l->pg;
	struct ez_error why = { .size = sizeof(why) };

	if (PQresultStatus(l->answer) == PGRES_COMMAND_OK) {
		pg->host->log(5, "slot %s is a failover slot now", pg->opt.slot);
	} else {
		(void)pg_fail_result(l->pg, l->conn, l->answer, "alter the slot", &why);
		pg->host->log(4, "slot %s is not a failover slot yet: %s", pg->opt.slot,
			      why.text);
	}
	return start_replication(l, err);
}

static int on_answer(struct link *l, struct ez_error *err)
{
	int rc;

	switch (l->state) {
	case LINK_IDENTIFYING:
		rc = on_identified(l, err);
		break;
	case LINK_ASKING:
		rc = on_timeout_known(l, err);
		break;
	case LINK_ALTERING:
		rc = on_altered(l, err);
		break;
	default:
		if (PQresultStatus(l->answer) != PGRES_COPY_BOTH && is_taken_over(l)) {
			rc = start_replication(l, err);
			break;
		}
		if (PQresultStatus(l->answer) != PGRES_COPY_BOTH)
			return fail_start(l, err);
		l->state = LINK_UP;
		l->was_up = true;
		rc = EZ_OK;
		break;
	}
	pg_clear(&l->answer);
	return rc;
}

/* Collects the results of one command. EZ_OK when the last of them is there. */
static int collect(struct link *l, struct ez_error *err)
{
	int rc = link_flush(l, err);

	if (rc == EZ_OK)
		rc = fill(l, err);
	while (rc == EZ_OK && !PQisBusy(l->conn)) {
		PGresult *res = PQgetResult(l->conn);

		if (!res)
			return l->answer ? EZ_OK : lost(l, "read from the source", err);
		if (l->answer)
			PQclear(res);
		else
			l->answer = res;
		if (PQresultStatus(l->answer) == PGRES_COPY_BOTH)
			return EZ_OK;
	}
	return rc < 0 ? rc : EZ_AGAIN;
}

int link_step(struct link *l, struct ez_error *err)
{
	int rc;

	if (l->state == LINK_DIALING) {
		rc = pg_dial_step(l->pg, &l->dial, err);
		if (rc != EZ_OK)
			return rc < 0 ? give_up(l, rc) : rc;
		l->conn = pg_dial_take(&l->dial);
		l->deadline_us = mono_us() + SETUP_US;
		rc = ask(l, LINK_IDENTIFYING, "IDENTIFY_SYSTEM", err);
		if (rc < 0)
			return rc;
	}
	while (l->state != LINK_UP) {
		rc = collect(l, err);
		if (rc == EZ_AGAIN && mono_us() >= l->deadline_us)
			return give_up(l,
				       l->pg->host->fail(err, EZ_E_TRANSIENT, "",
							 "the source does not answer"));
		if (rc != EZ_OK)
			return rc;
		rc = on_answer(l, err);
		if (rc < 0)
			return rc;
	}
	return EZ_OK;
}

int link_fd(const struct link *l)
{
	if (l->conn)
		return PQsocket(l->conn);
	return l->dial.conn ? PQsocket(l->dial.conn) : -1;
}

short link_events(const struct link *l)
{
	if (l->state == LINK_DIALING)
		return l->dial.events;
	return l->needs_flush ? POLLIN | POLLOUT : POLLIN;
}

int64_t link_due_us(const struct link *l)
{
	if (l->state == LINK_DIALING)
		return l->dial.deadline_us;
	return l->state == LINK_UP || l->state == LINK_CLOSED ? INT64_MAX
							      : l->deadline_us;
}

/* Why the server left COPY mode. The message that says so is at most cut in two. */
static int fail_ended(struct link *l, struct ez_error *err)
{
	int64_t deadline_us = mono_us() + (int64_t)ERROR_WAIT_MS * US_PER_MS;
	int rc = pg_next_result(l->pg, l->conn, deadline_us, &l->answer, err);

	if (rc < 0)
		return give_up(l, rc);
	if (rc == EZ_AGAIN || PQresultStatus(l->answer) != PGRES_FATAL_ERROR)
		return give_up(l, l->pg->host->fail(err, EZ_E_TRANSIENT, "",
						    "the source has ended the stream"));
	rc = pg_fail_result(l->pg, l->conn, l->answer, "stream from the source", err);
	if (is_state(l->answer, "42704"))
		rc = l->pg->host->hint(err,
				       "make it again: CREATE PUBLICATION \"%s\" FOR "
				       "TABLE ...; the job then goes on where it was",
				       l->pg->opt.publication);
	return give_up(l, rc);
}

int link_read(struct link *l, char **ret_message, size_t *ret_len, struct ez_error *err)
{
	int n = PQgetCopyData(l->conn, ret_message, 1);

	if (LIKELY(n > 0)) {
		l->dry = 0;
		*ret_len = (size_t)n;
		return EZ_OK;
	}
	if (LIKELY(n == 0))
		return EZ_AGAIN;
	if (n == -1)
		return fail_ended(l, err);
	return lost(l, "read from the source", err);
}

int link_send(struct link *l, const char *bytes, size_t n, struct ez_error *err)
{
	int rc = PQputCopyData(l->conn, bytes, (int)n);

	if (rc < 0)
		return lost(l, "send to the source", err);
	if (rc == 0) { /* no memory for the buffer, or it cannot grow: later */
		l->needs_flush = true;
		return EZ_OK;
	}
	return link_flush(l, err);
}

/* Reads on to the end of the stream and throws it away. False: it did not end. */
static bool read_to_end(struct link *l)
{
	struct ez_error err = { .size = sizeof(err) };
	char *message;
	int n;

	if (PQflush(l->conn) < 0 || fill(l, &err) != EZ_OK)
		return true;
	while ((n = PQgetCopyData(l->conn, &message, 1)) > 0)
		PQfreemem(message);
	return n < 0;
}

void link_finish(struct link *l, int wait_ms)
{
	int64_t deadline_us = mono_us() + (int64_t)wait_ms * US_PER_MS;

	if (link_is_up(l) && PQputCopyEnd(l->conn, NULL) == 1) {
		while (!read_to_end(l)) {
			struct pollfd p = { .fd = link_fd(l), .events = POLLIN };
			int64_t left_us = deadline_us - mono_us();

			if (left_us <= 0)
				break;
			(void)poll(&p, 1, (int)(left_us / US_PER_MS) + 1);
		}
	}
	link_close(l);
}
