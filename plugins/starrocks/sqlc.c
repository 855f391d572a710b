/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sqlc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/parse.h"
#include "base/str.h"

#include "grants.h"
#include "host.h"
#include "sqlc_wire.h"

enum {
	HOST_MAX = 256,
	SQL_PORT = 9030,
	READ_TIMEOUT_S = 300, /* what makes a table answers when it is made */
	PATIENT_TIMEOUT_S = 2 * 3600,
	RESULT_MAX = 256 * 1024 * 1024,
};

struct sqlc {
	const struct settings *settings;
	struct wire_session *wire; /* NULL: not connected */
	size_t server;             /* index of the front end in use or tried last */
	uint32_t version;          /* 0: not asked yet */
	char version_text[64];
	unsigned read_timeout_s;
	pthread_mutex_t lock; /* of `wire` against sqlc_interrupt() */
	_Atomic bool interrupted;
	int bell; /* eventfd: rings for ever once interrupted */
};

struct sqlc *sqlc_new(const struct settings *settings)
{
	struct sqlc *c = xcalloc(1, sizeof(*c));

	c->settings = settings;
	c->read_timeout_s = READ_TIMEOUT_S;
	pthread_mutex_init(&c->lock, NULL);
	c->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return c;
}

void sqlc_be_patient(struct sqlc *c)
{
	c->read_timeout_s = PATIENT_TIMEOUT_S;
}

static void disconnect(struct sqlc *c)
{
	struct wire_session *wire;

	pthread_mutex_lock(&c->lock);
	wire = TAKE_PTR(c->wire);
	pthread_mutex_unlock(&c->lock);
	wire_close(wire);
}

struct sqlc *sqlc_free(struct sqlc *c)
{
	if (!c)
		return NULL;
	disconnect(c);
	if (c->bell >= 0)
		close(c->bell);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}

void sqlc_interrupt(struct sqlc *c)
{
	uint64_t one = 1;
	ssize_t written;

	atomic_store(&c->interrupted, true);
	written = write(c->bell, &one, sizeof(one));
	(void)written; /* full: it rings already */
	pthread_mutex_lock(&c->lock);
	if (c->wire)
		shutdown(wire_fd(c->wire), SHUT_RDWR);
	pthread_mutex_unlock(&c->lock);
}

bool sqlc_is_interrupted(const struct sqlc *c)
{
	return atomic_load(&c->interrupted);
}

static int fail_interrupted(struct ez_error *err)
{
	return host->fail(err, EZ_E_CANCELLED, "", "interrupted");
}

int sqlc_sleep(struct sqlc *c, uint32_t ms, struct ez_error *err)
{
	struct pollfd p = { .fd = c->bell, .events = POLLIN };

	if (!sqlc_is_interrupted(c))
		(void)poll(&p, 1, (int)MIN(ms, (uint32_t)INT32_MAX));
	return sqlc_is_interrupted(c) ? fail_interrupted(err) : EZ_OK;
}

/* ------------------------------------------------------------------ connecting */

/* "fe1:9030", "fe1", "[::1]:9030". */
static bool parse_server(struct ez_view v, char name[HOST_MAX], unsigned *ret_port)
{
	const char *colon = v.len ? memrchr(v.ptr, ':', v.len) : NULL;
	const char *bracket = v.len ? memrchr(v.ptr, ']', v.len) : NULL;
	uint64_t port = SQL_PORT;

	if (colon && (!bracket || colon > bracket)) {
		size_t at = (size_t)(colon - v.ptr);

		if (!parse_u64(view_of(colon + 1, v.len - at - 1), &port) || port == 0 ||
		    port > 65535)
			return false;
		v.len = at;
	}
	if (bracket && v.ptr[0] == '[')
		v = view_of(v.ptr + 1, (size_t)(bracket - v.ptr) - 1);
	*ret_port = (unsigned)port;
	return v.len > 0 && str_copy(name, HOST_MAX, v);
}

struct ez_view sqlc_server(const struct sqlc *c)
{
	return c->settings->n_mysql ? c->settings->mysql[c->server] : VIEW("");
}

static int connect_to(struct sqlc *c, const char *password, struct ez_error *err)
{
	struct wire_options o = { .user = c->settings->user.ptr,
				  .password = password,
				  .ca_file = c->settings->ca_file.ptr,
				  .connect_timeout_us = c->settings->connect_timeout_us,
				  .read_timeout_s = c->read_timeout_s };
	struct ez_view server = sqlc_server(c);
	struct wire_session *wire;
	char name[HOST_MAX];
	int rc;

	if (!parse_server(server, name, &o.port))
		return host->fail(err, EZ_E_CONFIG, "",
				  "%.*s is not an address of a front end",
				  VIEW_ARG(server));
	o.host = name;
	o.uses_tls = c->settings->mysql_tls;
	rc = wire_open(&o, &wire, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&c->lock);
	c->wire = wire;
	pthread_mutex_unlock(&c->lock);
	if (!sqlc_is_interrupted(c))
		return EZ_OK;
	disconnect(c);
	return fail_interrupted(err);
}

/* The first front end that answers, beginning with the one that did last. */
static int connect_any(struct sqlc *c, struct ez_error *err)
{
	char password[PASSWORD_MAX];
	size_t n = c->settings->n_mysql, len;
	int rc;

	if (c->wire)
		return EZ_OK;
	if (n == 0)
		return host->fail(err, EZ_E_CONFIG, "",
				  "the option mysql names no front end");
	rc = settings_password(c->settings, password, sizeof(password), &len, err);
	for (size_t i = 0; i < n && rc >= 0; i++) {
		rc = connect_to(c, password, err);
		if (rc >= 0)
			break;
		if (rc == EZ_E_TRANSIENT && i + 1 < n)
			rc = EZ_OK; /* the next one */
		if (rc != EZ_E_CANCELLED)
			c->server = (c->server + 1) % n;
		if (sqlc_is_interrupted(c))
			rc = fail_interrupted(err);
	}
	explicit_bzero(password, sizeof(password));
	return rc;
}

/* ------------------------------------------------------------------ asking */

void sqlc_rows_release(struct sqlc_rows *rows)
{
	free(rows->cells);
	free(rows->text);
	*rows = (struct sqlc_rows){ .cells = NULL };
}

/* The cells' offsets stand in their pointers until the text has stopped moving. */
static int read_rows(struct wire_session *wire, struct sqlc_rows *ret,
		     struct ez_error *err)
{
	struct buf text = BUF_INIT(RESULT_MAX), cells = BUF_INIT(RESULT_MAX);
	struct sqlc_rows rows = { .n_columns = wire_n_columns(wire) };
	const struct ez_view *row;
	int rc;

	while ((rc = wire_row(wire, &row, err)) == EZ_OK) {
		for (size_t i = 0; i < rows.n_columns; i++) {
			struct ez_view v = { .ptr = NULL, .len = 0 };

			if (row[i].ptr) {
				/* One more than the offset: 0 is NULL's. */
				v = view_of((const char *)(uintptr_t)(text.len + 1),
					    row[i].len);
				buf_add_view(&text, row[i]);
				buf_add_char(&text, '\0');
			}
			buf_add(&cells, &v, sizeof(v));
		}
		rows.n_rows++;
	}
	if (rc == EZ_EOF && (!buf_ok(&text) || !buf_ok(&cells)))
		rc = host->fail(err, EZ_E_TRANSIENT, "ENOMEM", "no memory for a result");
	if (rc != EZ_EOF) {
		buf_release(&text);
		buf_release(&cells);
		return rc;
	}
	rows.cells = (void *)buf_take(&cells);
	rows.text = buf_take(&text);
	for (size_t i = 0; i < rows.n_rows * rows.n_columns; i++)
		if (rows.cells[i].ptr)
			rows.cells[i].ptr =
				rows.text + ((uintptr_t)rows.cells[i].ptr - 1);
	*ret = rows;
	return EZ_OK;
}

int sqlc_query(struct sqlc *c, struct ez_view sql, unsigned flags,
	       struct sqlc_rows *ret_rows, struct ez_error *err)
{
	int rc = sqlc_is_interrupted(c) ? fail_interrupted(err) : connect_any(c, err);

	if (rc < 0)
		return rc;
	rc = wire_query(c->wire, sql, (flags & SQLC_QUIET) != 0, err);
	if (rc >= 0)
		rc = read_rows(c->wire, ret_rows, err);
	if (rc >= 0)
		return EZ_OK;
	if (rc == EZ_E_PERMISSION)
		grants_hint(err, c->settings->database, c->settings->user);
	if (sqlc_is_interrupted(c))
		rc = fail_interrupted(err);
	if (wire_is_broken(c->wire)) {
		disconnect(c);
		if (c->settings->n_mysql > 1)
			c->server = (c->server + 1) % c->settings->n_mysql;
	}
	return rc;
}

int sqlc_exec(struct sqlc *c, struct ez_view sql, struct ez_error *err)
{
	struct sqlc_rows rows = { .cells = NULL };
	int rc = sqlc_query(c, sql, 0, &rows, err);

	sqlc_rows_release(&rows);
	return rc;
}

/* ------------------------------------------------------------------ version */

/* "3.3.2-abc", "4.0.14"; a build without a number counts as the newest. */
static uint32_t parse_version(struct ez_view text)
{
	uint64_t n[3] = { 0, 0, 0 };
	struct ez_view part;
	size_t len = 0;

	while (len < text.len &&
	       (text.ptr[len] == '.' || (text.ptr[len] >= '0' && text.ptr[len] <= '9')))
		len++;
	if (len == 0)
		return SQLC_VERSION(4, 1, 0);
	text.len = len;
	for (size_t i = 0; i < ARRAY_LEN(n) && view_split(&text, '.', &part); i++)
		if (!parse_u64(part, &n[i]) || n[i] > 99)
			break;
	return SQLC_VERSION((uint32_t)n[0], (uint32_t)MIN(n[1], (uint64_t)99),
			    (uint32_t)MIN(n[2], (uint64_t)99));
}

int sqlc_version(struct sqlc *c, uint32_t *ret_version, struct ez_error *err)
{
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	struct ez_view text;
	bool whole;
	int rc;

	if (c->version == 0) {
		rc = sqlc_query(c, VIEW("SELECT current_version()"), 0, &rows, err);
		if (rc < 0)
			return rc;
		if (rows.n_rows < 1 || rows.n_columns < 1)
			return host->fail(
				err, EZ_E_CONFIG, "",
				"%.*s does not say which version of StarRocks it is",
				VIEW_ARG(sqlc_server(c)));
		text = sqlc_cell(&rows, 0, 0);
		whole = str_copy(c->version_text, sizeof(c->version_text), text);
		(void)whole;
		/* "4.0.14 abcdef" */
		c->version = parse_version(text);
	}
	*ret_version = c->version;
	return EZ_OK;
}

struct ez_view sqlc_version_text(const struct sqlc *c)
{
	return view_str(c->version_text);
}
