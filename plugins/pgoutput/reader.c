/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "reader.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/view.h"
#include "conn.h"
#include "copy.h"
#include "locks.h"
#include "lsn.h"
#include "part_spec.h"
#include "pgoutput.h"
#include "quote.h"
#include "shape.h"
#include "sql.h"

enum {
	SQL_CAP_BYTES = 2 * 1024 * 1024,
	LARGE_BYTES = 16 << 20,  /* a row that leaves a buffer behind worth giving back */
	ADOPT_BYTES = 16 * 1024, /* longer rows are handed over instead of copied */
	ROWS_PER_POLL = 4096     /* then the engine gets to look around */
};

struct pg_reader {
	PGconn *conn;
	const struct ez_table *declared; /* the engine's, of this part; NULL: not yet */
	struct pg_shape *shape;          /* our copy of the part's table */
	uint64_t lsn, seq;
	int64_t time_us;
	bool has_begun, is_copying;
	bool is_swollen; /* libpq's buffer is, and it never shrinks (decision R10) */
};

void pg_reader_free(struct pg_reader *r)
{
	if (!r)
		return;
	pg_disconnect(&r->conn);
	pg_shape_free(r->shape);
	free(r);
}

static struct pg_reader *need_reader(struct pg *pg)
{
	if (!pg->sql->reader)
		pg->sql->reader = xcalloc(1, sizeof(struct pg_reader));
	return pg->sql->reader;
}

/* Errors that mean: what the snapshot shows cannot be had any more. */
static bool is_lost(const char *code)
{
	static const char *const codes[] = {
		"22023", /* invalid snapshot identifier (up to 16) */
		"42704", /* snapshot does not exist (17 on) */
		"55000", /* its process has ended */
		"42P01", /* the table is gone */
		"3F000", /* or its schema */
		"42703", /* or a column */
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (strcmp(codes[i], code) == 0)
			return true;
	}
	return false;
}

static int fail_lost(struct pg *pg, struct ez_error *err)
{
	return pg->host->fail(err, EZ_E_GONE, "",
			      "the snapshot is lost: the session that held it "
			      "has ended");
}

/* One transaction for all parts of this reader: its snapshot and its locks stay. */
static int begin(struct pg *pg, struct pg_reader *r, const struct snapshot_token *token,
		 struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	int rc;

	if (PQtransactionStatus(r->conn) == PQTRANS_INTRANS)
		return EZ_OK;
	buf_add_str(&sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
			  " SET TRANSACTION SNAPSHOT ");
	quote_literal(&sql, token->name);
	rc = pg_query(pg, r->conn, "begin to copy", buf_cstr(&sql), NULL, err);
	if (rc == EZ_OK)
		rc = pg_lock_like(pg, r->conn, token->pid, err);
	return rc < 0 && is_lost(err->code) ? fail_lost(pg, err) : rc;
}

static void add_columns(struct buf *sql, const struct ez_table *t)
{
	for (uint32_t i = 0; i < t->n_columns; i++) {
		if (i > 0)
			buf_add_char(sql, ',');
		quote_ident(sql, t->columns[i]->name);
	}
}

static bool has_generated(const struct ez_table *t)
{
	for (uint32_t i = 0; i < t->n_columns; i++) {
		if (t->columns[i]->flags & EZ_COL_GENERATED)
			return true;
	}
	return false;
}

static void add_conditions(struct buf *sql, const struct part_spec *spec)
{
	const char *join = " WHERE ";

	if (spec->from > 0) {
		buf_addf(sql, "%sctid >= '(%u,0)'::tid", join, spec->from);
		join = " AND ";
	}
	if (spec->to > 0) {
		buf_addf(sql, "%sctid < '(%u,0)'::tid", join, spec->to);
		join = " AND ";
	}
	if (spec->filter.len > 0) {
		buf_addf(sql, "%s(", join);
		buf_add_view(sql, spec->filter);
		buf_add_char(sql, ')');
	}
}

/* COPY of a table is cheaper than COPY of a query, but takes neither conditions nor
 * generated columns nor an empty list. */
static void build_copy(struct buf *sql, const struct ez_table *t,
		       const struct part_spec *spec)
{
	bool is_whole = spec->from == 0 && spec->to == 0 && spec->filter.len == 0;

	buf_add_str(sql, "COPY ");
	if (is_whole && t->n_columns > 0 && !has_generated(t)) {
		quote_table(sql, spec->schema, spec->name);
		buf_add_str(sql, " (");
		add_columns(sql, t);
	} else {
		buf_add_str(sql, "(SELECT ");
		add_columns(sql, t);
		buf_add_str(sql, " FROM ONLY ");
		quote_table(sql, spec->schema, spec->name);
		add_conditions(sql, spec);
	}
	buf_add_str(sql, ") TO STDOUT");
}

static int start_copy(struct pg *pg, struct pg_reader *r, const struct part_spec *spec,
		      struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	_cleanup_(pg_clear) PGresult *res = NULL;
	int rc;

	build_copy(&sql, &r->shape->table, spec);
	if (!buf_ok(&sql))
		return pg->host->fail(err, EZ_E_CONFIG, "", "the row filter is too long");
	rc = pg_query(pg, r->conn, "copy", buf_cstr(&sql), &res, err);
	if (rc < 0)
		return is_lost(err->code) ? fail_lost(pg, err) : rc;
	if (PQresultStatus(res) != PGRES_COPY_OUT)
		return pg->host->fail(err, EZ_E_FATAL, "", "COPY did not begin");
	r->is_copying = true;
	return EZ_OK;
}

int pg_part_open(struct pg *pg, struct ez_view snapshot, const struct ez_part *part,
		 struct ez_error *err)
{
	struct pg_reader *r = need_reader(pg);
	struct snapshot_token token;
	struct part_spec spec;
	int rc = EZ_OK;

	pg_part_close(pg);
	if (!snapshot_token_parse(snapshot, &token) ||
	    !part_spec_parse(part->spec, &spec))
		return pg->host->fail(err, EZ_E_FATAL, "",
				      "the part \"%.*s\" cannot be read",
				      VIEW_ARG(part->spec));
	if (!r->conn)
		rc = pg_connect(pg, "copy", false, &r->conn, err);
	if (rc < 0)
		return rc;
	r->shape = pg_shape_dup(part->table);
	r->lsn = token.lsn;
	r->time_us = token.time_us;
	rc = begin(pg, r, &token, err);
	if (rc == EZ_OK)
		rc = start_copy(pg, r, &spec, err);
	if (rc < 0)
		pg_part_close(pg);
	return rc;
}

void pg_part_close(struct pg *pg)
{
	struct pg_reader *r = pg->sql->reader;

	if (!r)
		return;
	/* A copy that was cut short can only be ended with its session. */
	if (r->conn && (r->is_copying || r->is_swollen ||
			PQtransactionStatus(r->conn) != PQTRANS_INTRANS))
		pg_disconnect(&r->conn);
	pg_shape_free(r->shape);
	*r = (struct pg_reader){ .conn = r->conn };
}

/* All that a row needs: its memory, its event, its cells. */
static int emit_row(struct pg *pg, struct pg_reader *r, struct ez_out *out, char *row,
		    size_t len, struct ez_error *err)
{
	const struct ez_host *h = pg->host;
	uint32_t n = r->shape->table.n_columns;
	struct ez_event *ev = h->event(out, r->declared, EZ_OP_SNAPSHOT, 0, n);
	char *mem = row;

	if (len >= LARGE_BYTES)
		r->is_swollen = true;
	if (len >= ADOPT_BYTES) {
		h->adopt(out, row, len + 1, PQfreemem);
	} else {
		mem = h->alloc(out, len);
		memcpy(mem, row, len);
		PQfreemem(row);
	}
	if (len > 0 && mem[len - 1] == '\n')
		len--;
	if (!copy_split(mem, len, ev->after, n))
		return h->fail(err, EZ_E_FATAL, "",
			       "%.*s.%.*s: a row of the copy does not have %u columns",
			       VIEW_ARG(r->shape->table.schema),
			       VIEW_ARG(r->shape->table.name), n);
	ev->lsn = r->lsn;
	ev->flags |= pg->event_flags;
	ev->seq = r->seq++;
	return h->emit(out, ev, err);
}

static int declare(struct pg *pg, struct pg_reader *r, struct ez_out *out,
		   struct ez_error *err)
{
	struct ez_commit tx = { .size = sizeof(tx),
				.lsn = r->lsn,
				.time_us = r->time_us };

	r->declared = pg->host->table(out, &r->shape->table, err);
	if (!r->declared)
		return err->rc < 0 ? err->rc : EZ_E_CONFIG;
	pg->host->begin(out, &tx);
	r->has_begun = true;
	return EZ_OK;
}

/* Reads the result of the COPY, and the end of the query behind it. */
static int end_copy(struct pg *pg, struct pg_reader *r, struct ez_error *err)
{
	PGresult *res = NULL;
	int rc, failed = EZ_OK;

	while ((rc = pg_next_result(pg, r->conn, INT64_MAX, &res, err)) == EZ_OK && res) {
		if (failed == EZ_OK && PQresultStatus(res) != PGRES_COMMAND_OK)
			failed = pg_fail_result(pg, r->conn, res, "copy", err);
		PQclear(res);
	}
	return failed < 0 ? failed : rc;
}

/* The COPY has ended: with its whole content, or with an error of the server. */
static int finish(struct pg *pg, struct pg_reader *r, struct ez_out *out,
		  struct ez_error *err)
{
	struct lsn_text text;
	int rc = end_copy(pg, r, err);

	if (rc < 0)
		return rc;
	r->is_copying = false;
	if (!r->has_begun)
		return EZ_EOF;
	r->has_begun = false;
	rc = pg->host->commit(out, lsn_position(r->lsn, &text), err);
	return rc < 0 ? rc : EZ_EOF;
}

/* Takes rows that libpq already has. EZ_AGAIN: there is none. */
static int take_rows(struct pg *pg, struct pg_reader *r, struct ez_out *out,
		     struct ez_error *err)
{
	for (int i = 0; i < ROWS_PER_POLL; i++) {
		char *row = NULL;
		int n, rc;

		if (pg->host->room(out) == 0)
			return EZ_OK;
		n = PQgetCopyData(r->conn, &row, 1);
		if (n == 0)
			return i > 0 ? EZ_OK : EZ_AGAIN;
		if (n == -1)
			return finish(pg, r, out, err);
		if (n < 0)
			return pg_fail_conn(pg, r->conn, "copy", err);
		rc = r->declared ? EZ_OK : declare(pg, r, out, err);
		if (rc < 0) {
			PQfreemem(row);
			return rc;
		}
		rc = emit_row(pg, r, out, row, (size_t)n, err);
		if (rc != EZ_OK)
			return rc == EZ_AGAIN ? EZ_OK : rc;
	}
	return EZ_OK;
}

int pg_part_poll(struct pg *pg, struct ez_out *out, uint32_t wait_ms,
		 struct ez_error *err)
{
	struct pg_reader *r = pg->sql->reader;
	int64_t until = mono_us() + (int64_t)wait_ms * US_PER_MS;
	int rc;

	if (!r || !r->is_copying)
		return pg->host->fail(err, EZ_E_FATAL, "", "poll without a part");
	rc = take_rows(pg, r, out, err);
	if (rc != EZ_AGAIN)
		return rc;
	rc = pg_wait(pg, r->conn, POLLIN, until, err);
	if (rc != EZ_OK)
		return rc;
	if (PQconsumeInput(r->conn) != 1)
		return pg_fail_conn(pg, r->conn, "copy", err);
	return take_rows(pg, r, out, err);
}
