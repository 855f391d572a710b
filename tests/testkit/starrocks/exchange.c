/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "exchange.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "base/str.h"
#include "accounts.h"
#include "convert.h"
#include "send.h"

enum {
	BODY_PIECE = 256 << 10,
	DRAIN_MS = 3000,
	STRANGER_HEAD_MAX = 65536,
};

static unsigned node_epoch(const struct exchange *x)
{
	return x->node->kind == NODE_FE   ? x->c->fe[x->node->index].epoch
	       : x->node->kind == NODE_BE ? x->c->be[x->node->index].epoch
					  : 0;
}

bool exchange_is_stale(const struct exchange *x)
{
	return node_epoch(x) != x->epoch || x->c->is_stopping;
}

void exchange_sleep(struct exchange *x, int64_t ms)
{
	int64_t end = mono_us() / US_PER_MS + ms;

	cluster_lock(x->c);
	while (mono_us() / US_PER_MS < end && !exchange_is_stale(x)) {
		int64_t left = end - mono_us() / US_PER_MS;

		cluster_wait(x->c, cluster_now_ms(x->c) + MIN(left, INT64_C(100)));
	}
	cluster_unlock(x->c);
}

bool exchange_fault_locked(struct exchange *x, const char *kind, struct fault *ret_fault)
{
	char *method = view_dup(x->req->method);
	struct fault_subject s = { .node = x->node->name,
				   .subject = x->path,
				   .label = x->label,
				   .method = method };
	bool hits = fault_take(x->c, kind, &s, ret_fault);

	free(method);
	if (hits)
		snprintf(x->note, sizeof(x->note), "%s", kind);
	return hits;
}

bool exchange_fault(struct exchange *x, const char *kind, struct fault *ret_fault)
{
	bool hits;

	cluster_lock(x->c);
	hits = exchange_fault_locked(x, kind, ret_fault);
	cluster_unlock(x->c);
	return hits;
}

/* ------------------------------------------------------------------ answers */

void answer_header(struct exchange *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&x->head, fmt, ap);
	va_end(ap);
	buf_add_str(&x->head, "\r\n");
}

static void answer_name(struct exchange *x, const char *name)
{
	buf_add_str(&x->body, x->body.len > 1 ? ",\n    " : "\n    ");
	json_add_string(&x->body, view_str(name));
	buf_add_str(&x->body, ": ");
}

void answer_begin(struct exchange *x)
{
	x->status = 200;
	x->content_type = "application/json; charset=utf-8";
	buf_reset(&x->body);
	buf_add_char(&x->body, '{');
}

void answer_str(struct exchange *x, const char *name, const char *value)
{
	answer_name(x, name);
	json_add_string(&x->body, view_str(value));
}

void answer_i64(struct exchange *x, const char *name, int64_t value)
{
	answer_name(x, name);
	buf_add_i64(&x->body, value);
}

void answer_end(struct exchange *x)
{
	buf_add_str(&x->body, "\n}");
}

void answer_failed(struct exchange *x, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	answer_begin(x);
	answer_str(x, "Status", "FAILED");
	answer_str(x, "Message", text);
	answer_end(x);
	x->closes = true;
}

static void answer_401(struct exchange *x, const char *text)
{
	answer_header(x, "WWW-Authenticate: Basic realm=\"\"");
	answer_begin(x);
	answer_str(x, "status", "FAILED");
	answer_str(x, "code", "1");
	answer_str(x, "msg", text);
	answer_str(x, "message", text);
	answer_end(x);
	x->status = 401;
	x->closes = true;
}

void answer_unauthorized(struct exchange *x)
{
	answer_401(x, "Access denied for user@127.0.0.1");
}

/* The lock is held. */
void answer_denied(struct exchange *x)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(65536);

	buf_addf(&b, "Access denied for user '%s'@'%%'. ", x->user);
	account_add_advice(account_find(x->c, view_str(x->user), false), &b);
	answer_401(x, buf_cstr(&b));
}

bool exchange_may_insert_locked(struct exchange *x, struct ez_view db,
				struct ez_view table)
{
	struct object o = { OBJECT_TABLE, db, table };

	return user_may(x->c, view_str(x->user), PRIV_INSERT, &o);
}

bool exchange_may_insert(struct exchange *x, struct ez_view db, struct ez_view table)
{
	bool may;

	cluster_lock(x->c);
	may = exchange_may_insert_locked(x, db, table);
	cluster_unlock(x->c);
	return may;
}

void answer_not_found(struct exchange *x)
{
	buf_reset(&x->body);
	buf_add_str(&x->body, "Not Found");
	x->content_type = "text/html";
	x->status = 404;
	x->closes = true;
}

void answer_redirect(struct exchange *x, const char *host, int port)
{
	answer_header(x, "Location: http://%s:%d%.*s", host, port,
		      VIEW_ARG(x->req->target));
	x->content_type = NULL;
	buf_reset(&x->body);
	x->status = 307;
	x->closes = x->c->profile.closes_307;
}

bool exchange_is_authorized(struct exchange *x)
{
	struct ez_view v = request_header(x->req, "authorization"), user, password;
	struct buf text = BUF_INIT(4096);
	struct fault f;
	const char *at, *right;

	if (v.len > 6 && strncasecmp(v.ptr, "Basic ", 6) == 0 &&
	    convert_from_base64(view_trim(view_of(v.ptr + 6, v.len - 6)), &text)) {
		password = buf_view(&text);
		if (view_split(&password, ':', &user)) {
			at = memchr(user.ptr, '@', user.len);
			if (at)
				user.len = (size_t)(at - user.ptr);
			cluster_lock(x->c);
			right = cluster_password(x->c, user);
			x->is_auth_ok = right && view_eq_str(password, right) &&
					str_copy(x->user, sizeof(x->user), user);
			if (exchange_fault_locked(x, "auth", &f))
				x->is_auth_ok = false;
			cluster_unlock(x->c);
		}
	}
	buf_release(&text);
	return x->is_auth_ok;
}

/* ------------------------------------------------------------------ bodies */

/* False when the client must be left without an answer. */
static bool send_continue(struct exchange *x)
{
	struct fault f;

	if (!x->req->expects_continue || x->has_continued || x->req->minor == 0)
		return true;
	x->has_continued = true;
	if (exchange_fault(x, "no_continue", &f))
		return true;
	return conn_write(x->conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

/* FNV-1a, which does not see how the body came in pieces. */
static void hash_word(struct body_hash *h)
{
	h->value = (h->value ^ h->word) * 0x9e3779b97f4a7c15ULL;
	h->value ^= h->value >> 32;
	h->word = 0;
	h->n_bytes = 0;
}

/* Eight bytes at a time, with the same result however the pieces were cut. */
static void hash_more(struct body_hash *h, const char *p, size_t n)
{
	while (n > 0) {
		size_t step = h->n_bytes == 0 && n >= sizeof(h->word) ? sizeof(h->word)
								      : 1;

		memcpy((char *)&h->word + h->n_bytes, p, step);
		h->n_bytes += (unsigned)step;
		p += step;
		n -= step;
		if (h->n_bytes == sizeof(h->word))
			hash_word(h);
	}
}

enum body_result exchange_read_body(struct exchange *x,
				    bool (*take)(void *arg, const char *data, size_t n),
				    void *arg)
{
	struct fault slow = { .bytes = 0 }, reset = { .bytes = 0 };
	bool is_slow, is_cut;
	char *piece;
	enum body_result result = BODY_OK;
	ssize_t rc = 0;

	if (!send_continue(x))
		return BODY_BROKEN;
	is_slow = exchange_fault(x, "slow_body", &slow);
	is_cut = exchange_fault(x, "reset_body", &reset);
	piece = xmalloc(BODY_PIECE);
	while (result == BODY_OK) {
		size_t n = BODY_PIECE;

		if (is_slow && slow.bytes > 0)
			n = MIN(n, (size_t)slow.bytes);
		if (is_cut && x->req->n_read >= reset.bytes) {
			x->conn->resets = true;
			result = BODY_BROKEN;
			break;
		}
		if (is_cut)
			n = MIN(n, (size_t)(reset.bytes - x->req->n_read));
		if (is_slow)
			exchange_sleep(x, slow.ms);
		rc = http_read_body(x->conn, x->req, piece, n);
		if (rc < 0)
			result = BODY_BROKEN;
		if (rc <= 0)
			break;
		hash_more(&x->body_hash, piece, (size_t)rc);
		if (!take(arg, piece, (size_t)rc))
			result = BODY_STOPPED;
	}
	hash_word(&x->body_hash);
	free(piece);
	return result;
}

/* ------------------------------------------------------------------ serving */

static char *dup_part(struct ez_view *rest)
{
	struct ez_view part;
	struct buf text = BUF_INIT(65536);

	if (!view_split(rest, '/', &part))
		return xstrdup("");
	percent_decode(part, &text);
	return buf_take(&text);
}

static char *find_label(const struct request *r)
{
	struct ez_view v = request_header(r, "label");
	struct buf text = BUF_INIT(65536);

	if (v.len == 0 && request_parameter(r, "label", &text))
		return buf_take(&text);
	buf_release(&text);
	return view_dup(v);
}

static void begin(struct exchange *x)
{
	struct ez_view rest = x->req->path;

	x->started_us = mono_us();
	x->status = 404;
	x->closes = x->req->closes;
	x->path = view_dup(x->req->path);
	x->label = find_label(x->req);
	buf_init(&x->head, 1 << 20);
	buf_init(&x->body, (size_t)1 << 32);
	if (view_starts(rest, VIEW("/api/")))
		rest = view_of(rest.ptr + 5, rest.len - 5);
	x->db = dup_part(&rest);
	x->table = dup_part(&rest);
	cluster_lock(x->c);
	x->epoch = node_epoch(x);
	cluster_unlock(x->c);
}

static void end(struct exchange *x)
{
	free(x->path);
	free(x->label);
	free(x->db);
	free(x->table);
	buf_release(&x->head);
	buf_release(&x->body);
}

static void blackhole(struct exchange *x, int64_t ms)
{
	int64_t until = ms > 0 ? ms : INT64_C(3600000);

	/* Until the client gives up, or the time is over. */
	for (int64_t waited = 0; waited < until; waited += 50) {
		struct pollfd p = { .fd = x->conn->fd, .events = POLLRDHUP };

		if (poll(&p, 1, 50) > 0)
			break;
		cluster_lock(x->c);
		if (exchange_is_stale(x))
			waited = until;
		cluster_unlock(x->c);
	}
}

/* What strikes before the request is looked at. True when it is dealt with. */
static bool strike(struct exchange *x)
{
	struct fault f;

	if (exchange_fault(x, "slow", &f))
		exchange_sleep(x, f.ms);
	if (exchange_fault(x, "reset", &f)) {
		x->is_mute = x->conn->resets = true;
		return true;
	}
	if (exchange_fault(x, "blackhole", &f)) {
		blackhole(x, f.ms);
		x->is_mute = true;
		return true;
	}
	if (exchange_fault(x, "answer", &f)) {
		x->status = f.status > 0 ? (int)f.status : 502;
		x->content_type = "text/html";
		buf_add_str(&x->body, f.body[0] ? f.body : "<html>bad gateway</html>");
		x->closes = true;
		return true;
	}
	return false;
}

static void handle_stranger(struct exchange *x)
{
	if (request_header(x->req, "authorization").len == 0) {
		answer_not_found(x);
		return;
	}
	cluster_lock(x->c);
	violation_add(x->c, "credentials_leaked",
		      "a password was sent to a host that is no part of the cluster: %s",
		      x->path);
	cluster_unlock(x->c);
	answer_not_found(x);
}

static void dispatch(struct exchange *x)
{
	struct fault f;
	bool is_load = view_ends(x->req->path, VIEW("_stream_load")) ||
		       view_ends(x->req->path, VIEW("/transaction/load"));
	bool cuts;

	if (strike(x))
		return;
	/* Loads look at this one themselves, behind their body. */
	cuts = !is_load && exchange_fault(x, "reset_before_answer", &f);
	if (cuts)
		x->is_mute = x->conn->resets = true;
	if (cuts && !f.committed)
		return;
	if (x->node->kind == NODE_FE)
		fe_handle(x);
	else if (x->node->kind == NODE_BE)
		be_handle(x);
	else
		handle_stranger(x);
}

/* A front end has no use for a body: what comes is a mistake of the client. */
static void look_for_body(struct exchange *x)
{
	int64_t n = conn_drain(x->conn, DRAIN_MS);

	cluster_lock(x->c);
	if (n > 0 && x->node->kind == NODE_FE && !x->has_continued)
		violation_add(x->c, "body_sent_to_fe",
			      "%lld bytes came without a 100: %s", (long long)n, x->path);
	cluster_unlock(x->c);
}

/* Whoever asks for violations waits for those who look. */
static void count_looking(struct exchange *x, int by)
{
	cluster_lock(x->c);
	x->c->n_looking += (unsigned)by;
	cluster_changed(x->c);
	cluster_unlock(x->c);
}

static bool resets_bodies(struct exchange *x)
{
	bool resets;

	cluster_lock(x->c);
	resets = x->c->settings.resets_fe_body;
	cluster_unlock(x->c);
	return resets;
}

/* True when the connection can serve another request. */
static bool finish(struct exchange *x)
{
	bool is_fe = x->node->kind == NODE_FE, has_rest = !x->req->is_whole;
	bool is_open, stays;

	if (x->is_mute) {
		send_journal(x);
		return false;
	}
	if (has_rest)
		count_looking(x, 1);
	is_open = send_answer(x);
	stays = is_open && !x->closes && !x->conn->resets && (!has_rest || is_fe);
	if (has_rest && !stays && !x->conn->resets) {
		shutdown(x->conn->fd, SHUT_WR);
		if (is_fe && resets_bodies(x))
			x->conn->resets = true;
		else
			look_for_body(x);
	}
	if (has_rest)
		count_looking(x, -1);
	return stays;
}

static bool serve_one(struct node *node, struct conn *conn)
{
	struct request req;
	struct exchange x = {
		.c = node->cluster, .node = node, .conn = conn, .req = &req
	};
	int64_t max = STRANGER_HEAD_MAX;
	enum head_result rc;
	bool stays = false;

	cluster_lock(node->cluster);
	if (node->kind == NODE_FE)
		max = node->cluster->settings.fe_header_max_bytes;
	cluster_unlock(node->cluster);
	rc = http_read_head(conn, &req, max);
	if (rc == HEAD_OK) {
		begin(&x);
		dispatch(&x);
		stays = finish(&x);
		end(&x);
	} else if (rc != HEAD_CLOSED) {
		send_bad_request(conn);
	}
	http_release(&req);
	return stays;
}

void exchange_serve(struct node *node, struct conn *conn)
{
	struct fault f;
	struct fault_subject s = { .node = node->name };

	while (serve_one(node, conn)) {
		bool closes;

		cluster_lock(node->cluster);
		closes = fault_take(node->cluster, "close_idle", &s, &f);
		cluster_unlock(node->cluster);
		if (closes) {
			/* Exactly when it is used again. */
			struct pollfd p = { .fd = conn->fd, .events = POLLIN };

			if (f.ms > 0 || poll(&p, 1, 60000) > 0)
				conn->resets = f.ms == 0;
			break;
		}
	}
}
