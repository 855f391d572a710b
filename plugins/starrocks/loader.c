/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "loader.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"

#include "dialect.h"
#include "grants.h"
#include "host.h"
#include "settings.h"
#include "table.h"

enum {
	PAUSE_MIN_MS = 5000, /* a full disk */
	SLOW_MIN_MS = 1000,  /* compaction that is behind */
	RETRY_HINT_MS = 500, /* how soon the engine may ask again */
	ASK_TIMEOUT_US = 30 * US_PER_SEC,
};

int error_copy(struct ez_error *to, const struct ez_error *from)
{
	host->fail(to, from->rc, from->code, "%s", from->text);
	if (from->hint[0])
		host->hint(to, "%s", from->hint);
	to->retry_after_ms = from->retry_after_ms;
	to->batch = from->batch;
	to->row = from->row;
	return from->rc;
}

/* ------------------------------------------------------------------------ requests */

static void add_encoded(struct buf *b, struct ez_view v)
{
	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.ptr[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.')
			buf_add_char(b, (char)c);
		else
			buf_addf(b, "%%%02X", c);
	}
}

char *loader_path(const struct loader *l, const char *table, const char *rest)
{
	struct buf b = BUF_INIT(HOP_PATH_MAX);

	buf_add_str(&b, "/api/");
	add_encoded(&b, l->s->database);
	if (table) {
		buf_add_char(&b, '/');
		add_encoded(&b, view_str(table));
	}
	buf_add_str(&b, rest);
	return buf_take(&b);
}

void loader_add_headers(const struct loader *l, struct exchange *x,
			const struct load *load, const struct parcel *parcel)
{
	const struct dialect *d = &dialect_starrocks;
	const char *codec = parcel_codec(parcel);

	exchange_header(x, "format", "%s", parcel_format(parcel));
	if (codec)
		exchange_header(x, d->compression, "%s", codec);
	exchange_header(x, "strict_mode", "true");
	exchange_header(x, "max_filter_ratio", "0");
	exchange_header(x, "timezone", "UTC");
	exchange_header(x, "timeout", "%lld",
			(long long)(l->s->load_timeout_us / US_PER_SEC));
	if (load->columns)
		exchange_header(x, "columns", "%s", load->columns);
	if (load->format == LOAD_CSV) {
		exchange_header(x, "column_separator", "%s", LOAD_COLUMN_SEPARATOR);
		exchange_header(x, d->row_delimiter, "%s", LOAD_ROW_DELIMITER);
	} else {
		exchange_header(x, "strip_outer_array", "true");
		exchange_header(x, "ignore_json_size", "true");
	}
	if (load->is_partial)
		exchange_header(x, d->partial_update, "true");
}

/* ------------------------------------------------------------------------- results */

/* Messages of bad rows quote values: they stay out of errors (R27). */
static const char *message_of(const struct answer *a, enum reaction r)
{
	if (r == REACT_DATA)
		return "rows were refused";
	if (a->message[0])
		return a->message;
	return a->status[0] ? a->status : "an answer that is not StarRocks'";
}

static int class_of(enum reaction r)
{
	switch (r) {
	case REACT_DATA:
		return EZ_E_DATA;
	case REACT_CONFIG:
		return EZ_E_CONFIG;
	case REACT_PERMISSION:
		return EZ_E_PERMISSION;
	default:
		return EZ_E_TRANSIENT;
	}
}

static void add_hint(const struct loader *l, struct ez_error *err, enum reaction r)
{
	static const char *const hints[_REACT_MAX] = {
		[REACT_SLOW] =
			"compaction is behind: the sink waits and sends more at a time",
		[REACT_SHRINK] =
			"memory is short: the sink waits and sends less at a time",
		[REACT_PAUSE] =
			"a disk of the cluster is full: the sink waits until there is "
			"room; nothing is lost meanwhile",
		[REACT_CONFIG] =
			"if a table or column was changed behind the job's back, change it "
			"back and start the job again",
	};
	char *end;

	if (r == REACT_PERMISSION) {
		grants_hint(err, l->s->database, l->s->user);
		end = strstr(err->text, ". Please ask the admin");
		if (end) /* goes on about roles; the hint says it shorter */
			*end = '\0';
	} else if (hints[r]) {
		host->hint(err, "%s", hints[r]);
	}
}

static enum reaction without_answer(const struct exchange *x)
{
	if (x->fault == HTTP_LOST)
		return REACT_ASK;
	if (x->fault == HTTP_REFUSED)
		return x->error.rc == EZ_E_TRANSIENT ? REACT_RETRY : REACT_CONFIG;
	return REACT_RETRY;
}

/* Nothing of StarRocks', where StarRocks has answered before: a proxy's page for the time
 * that the cluster is away. */
static bool is_foreign(const struct loader *l, const struct answer *a)
{
	return !a->is_json && http_has_worked(l->http);
}

enum reaction loader_judge(struct loader *l, struct exchange *x, const char *what,
			   struct answer *ret_answer)
{
	struct answer own, *a = ret_answer ? ret_answer : &own;
	enum reaction r;
	char code[16];

	answer_parse(x->fault == HTTP_ANSWERED ? buf_view(&x->answer) : VIEW(""), a);
	if (x->fault != HTTP_ANSWERED) {
		if (x->error.rc == EZ_E_TRANSIENT)
			http_next_front_end(l->http);
		return without_answer(x);
	}
	r = answer_to_load(x->status, a);
	if (r == REACT_DONE)
		return r;
	if (is_foreign(l, a) && reaction_is_final(r))
		r = REACT_RETRY;
	if (!str_format(code, sizeof(code), "%d", x->status))
		code[0] = '\0';
	host->fail(&x->error, class_of(r), code, "%s: %s: %s", what, x->node,
		   message_of(a, r));
	add_hint(l, &x->error, r);
	l->saw_slow |= r == REACT_SLOW;
	l->saw_shrink |= r == REACT_SHRINK;
	if (x->status >= 500 || !a->is_json)
		http_next_front_end(l->http);
	return r;
}

int loader_ask(struct loader *l, const char *label, enum label_state *ret,
	       struct ez_error *err)
{
	_cleanup_(exchange_release) struct exchange x;
	_cleanup_(freep) char *rest = xasprintf("/get_load_state?label=%s", label);
	_cleanup_(freep) char *path = loader_path(l, NULL, rest);
	struct exchange *xs[] = { &x };
	struct answer a;
	bool is_open;
	enum reaction r;

	exchange_init(&x, "GET");
	x.path = path;
	x.timeout_us = ASK_TIMEOUT_US;
	http_run(l->http, xs, 1, 1);
	if (x.fault != HTTP_ANSWERED) {
		http_next_front_end(l->http);
		return error_copy(err, &x.error);
	}
	answer_parse(buf_view(&x.answer), &a);
	r = answer_to_label(x.status, &a, &is_open);
	if (r == REACT_PERMISSION && !is_foreign(l, &a)) {
		host->fail(err, EZ_E_PERMISSION, "", "%s: %s", x.node,
			   message_of(&a, r));
		add_hint(l, err, r);
		return err->rc;
	}
	if (r == REACT_ASK || r == REACT_PERMISSION) {
		http_next_front_end(l->http);
		return host->fail(err, EZ_E_TRANSIENT, "",
				  "%s does not say what became of a "
				  "load: %s",
				  x.node, a.message);
	}
	if (r == REACT_DONE)
		*ret = a.is_unseen ? LABEL_COMMITTED : LABEL_DONE;
	else if (is_open)
		*ret = LABEL_OPEN;
	else
		*ret = strcasecmp(a.state, "UNKNOWN") == 0 ? LABEL_UNKNOWN : LABEL_FREE;
	return EZ_OK;
}

int loader_is_done(struct loader *l, const char *label, bool *ret, struct ez_error *err)
{
	struct ez_error why = { .size = sizeof(why) };
	enum label_state state = LABEL_UNKNOWN;
	int rc;

	while ((rc = loader_ask(l, label, &state, &why)) == EZ_E_TRANSIENT) {
		rc = loader_put_off(l, REACT_ASK, &why, err);
		if (rc < 0)
			return rc;
	}
	*ret = state == LABEL_DONE || state == LABEL_COMMITTED;
	return rc < 0 ? error_copy(err, &why) : EZ_OK;
}

int loader_await_visible(struct loader *l, const char *label, struct ez_error *err)
{
	struct ez_error why = { .size = sizeof(why) };

	for (;;) {
		enum label_state state = LABEL_COMMITTED;
		int rc = loader_ask(l, label, &state, &why);

		if (rc == EZ_OK && state != LABEL_COMMITTED)
			return EZ_OK; /* or forgotten, after all this time */
		if (rc == EZ_OK)
			host->fail(&why, EZ_E_TRANSIENT, "",
				   "what was committed is not visible "
				   "yet");
		rc = loader_put_off(l, REACT_WAIT, &why, err);
		if (rc < 0)
			return rc;
	}
}

/* ------------------------------------------------------------------------- waiting */

int loader_sleep(struct loader *l, uint32_t ms, struct ez_error *err)
{
	http_sleep(l->http, ms);
	if (http_is_interrupted(l->http))
		return host->fail(err, EZ_E_CANCELLED, "", "the job was stopped");
	return EZ_OK;
}

int loader_put_off(struct loader *l, enum reaction r, const struct ez_error *why,
		   struct ez_error *err)
{
	uint64_t ms = backoff_next_ms(&l->backoff);

	ASSERT(why->rc < 0);
	if (why->rc == EZ_E_CANCELLED || http_is_interrupted(l->http))
		return host->fail(err, EZ_E_CANCELLED, "", "the job was stopped");
	if (why->rc != EZ_E_TRANSIENT || l->gives_up)
		return error_copy(err, why);
	error_copy(&l->last, why);
	l->last.rc = EZ_E_TRANSIENT;
	l->last.retry_after_ms = RETRY_HINT_MS;
	if (l->trouble)
		l->trouble(l->arg, &l->last);
	if (r == REACT_PAUSE)
		ms = MAX(ms, (uint64_t)PAUSE_MIN_MS);
	else if (r == REACT_SLOW)
		ms = MAX(ms, (uint64_t)SLOW_MIN_MS);
	return loader_sleep(l, (uint32_t)ms, err);
}

int loader_guard(struct loader *l, struct ez_error *err)
{
	struct ez_error why = { .size = sizeof(why) };
	int rc = l->guard ? l->guard(l->arg, &why) : EZ_OK;

	while (rc == EZ_E_TRANSIENT) {
		rc = loader_put_off(l, REACT_ASK, &why, err);
		if (rc < 0)
			return rc;
		rc = l->guard(l->arg, &why);
	}
	return rc < 0 ? error_copy(err, &why) : EZ_OK;
}
