/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/http/request.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/str.h"
#include "control/http/stream.h"
#include "control/json/doc.h"

enum { RAW_MAX_BYTES = 16 * 1024 * 1024 };

struct request *request_new(struct app *app, const char *method, const char *path)
{
	struct request *r = xcalloc(1, sizeof(*r));

	list_init(&r->link);
	list_init(&r->of_owner);
	list_init(&r->of_topic);
	list_init(&r->of_due);
	r->app = app;
	r->method = xstrdup(method);
	r->path = xstrdup(path);
	buf_init(&r->raw, RAW_MAX_BYTES);
	buf_init(&r->out, ANSWER_MAX_BYTES);
	r->content_type = "application/json";
	r->started_us = mono_us();
	return r;
}

/* Headers and bodies may hold secrets: none of them stays in freed memory. */
static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void request_free(struct request *r)
{
	if (!r)
		return;
	for (int i = 0; i < _HEADER_MAX; i++)
		wipe(r->headers[i]);
	for (int i = 0; i < r->n_reply_headers; i++)
		wipe(r->reply_headers[i].value);
	if (r->raw.ptr)
		explicit_bzero(r->raw.ptr, r->raw.len);
	buf_release(&r->raw);
	if (r->out.ptr)
		explicit_bzero(r->out.ptr, r->out.len);
	buf_release(&r->out);
	doc_free(r->body);
	doc_free(r->query);
	stream_unref(r->stream);
	wipe(r->cookie);
	free(r->method);
	free(r->path);
	free(r);
}

void request_wait(struct request *r, const char *topic, int64_t until_us)
{
	r->wait_until_us = until_us;
	r->alone = false;
	if (!str_copy(r->topic, sizeof(r->topic), view_str(topic)))
		r->topic[0] = '\0';
}

/* ------------------------------------------------------------------ answers */

void reply(struct request *r, int status, const char *json)
{
	r->status = status;
	buf_reset(&r->out);
	buf_add_str(&r->out, json);
	if (!buf_ok(&r->out))
		reply_error(r, 500, "too_large", NULL, "the answer is too large");
}

void reply_row(struct request *r, int status, enum db_result rc, struct pg_result *rows)
{
	if (rc != DB_OK)
		reply_db(r, rc);
	else if (db_rows(rows) == 0 || db_is_null(rows, 0, 0))
		reply_not_found(r);
	else
		reply(r, status, db_text(rows, 0, 0));
	db_rows_free(rows);
}

void reply_error(struct request *r, int status, const char *code, const char *field,
		 const char *fmt, ...)
{
	struct jsonw w = JSONW_INIT(&r->out);
	struct buf text = BUF_INIT(4096);
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	buf_reset(&r->out);
	r->status = status;
	r->content_type = "application/json";
	jsonw_begin_object(&w);
	jsonw_key(&w, "error");
	jsonw_begin_object(&w);
	jsonw_key(&w, "code");
	jsonw_str(&w, code);
	jsonw_key(&w, "message");
	jsonw_view(&w, buf_view(&text));
	jsonw_key(&w, "field");
	jsonw_str(&w, field && field[0] ? field : NULL);
	jsonw_end_object(&w);
	jsonw_end_object(&w);
	buf_release(&text);
}

void reply_db(struct request *r, enum db_result rc)
{
	switch (rc) {
	case DB_OK:
		break;
	case DB_DOWN:
		reply_header(r, "Retry-After", "2");
		reply_error(r, 503, "unavailable", NULL, "the catalog does not answer");
		break;
	case DB_EXISTS:
		reply_error(r, 409, "exists", "name", "the name is taken");
		break;
	case DB_IN_USE:
		reply_error(r, 409, "in_use", NULL,
			    "something else still refers to it, or it does not exist");
		break;
	case DB_REFUSED:
		reply_error(r, 500, "internal", NULL,
			    "the catalog refused a statement; the log says why");
		break;
	}
}

void reply_not_found(struct request *r)
{
	reply_error(r, 404, "not_found", NULL, "there is nothing here");
}

void reply_header(struct request *r, const char *name, const char *value)
{
	ENSURE(r->n_reply_headers < REPLY_HEADERS_MAX, "an answer would lose a header");
	r->reply_headers[r->n_reply_headers++] =
		(struct reply_header){ .name = name, .value = xstrdup(value) };
}

/* ------------------------------------------------------------------ what it says */

const char *body_str(const struct request *r, const char *name)
{
	return doc_str(r->body, name);
}

const char *query_str(const struct request *r, const char *name)
{
	return doc_str(r->query, name);
}

bool body_has(const struct request *r, const char *name)
{
	return doc_get(r->body, name) != NULL;
}
