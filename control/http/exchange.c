/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/http/exchange.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "control/app.h"
#include "control/http/guests.h"
#include "control/http/portal.h"
#include "control/http/queue.h"
#include "control/http/request.h"
#include "control/http/stream.h"
#include "control/hub.h"
#include "control/json/doc.h"
#include "control/json/fields.h"
#include "control/settings.h"

enum {
	STREAM_BLOCK_BYTES = 4096,
	QUERY_MAX = 20,
	BODIES_MAX_BYTES = 64 * 1024 * 1024,
	BODY_MAX_US = 120 * US_PER_SEC, /* drop by drop it would take for ever */
};

/* Of all requests that are being received: many large ones must not fill the memory. */
static atomic_size_t bodies_bytes;

/* ------------------------------------------------------------------ reading */

static void read_headers(struct request *r, struct MHD_Connection *c)
{
	static const char *const names[_HEADER_MAX] = {
		[HEADER_AUTHORIZATION] = "Authorization",
		[HEADER_CONTENT_TYPE] = "Content-Type",
		[HEADER_CSRF] = "X-CSRF-Token",
		[HEADER_HOST] = "Host",
		[HEADER_IF_NONE_MATCH] = "If-None-Match",
		[HEADER_LAST_EVENT_ID] = "Last-Event-ID",
		[HEADER_ORIGIN] = "Origin",
		[HEADER_FETCH_SITE] = "Sec-Fetch-Site",
	};
	const char *v;

	for (int i = 0; i < _HEADER_MAX; i++) {
		v = MHD_lookup_connection_value(c, MHD_HEADER_KIND, names[i]);
		if (v)
			r->headers[i] = xstrdup(v);
	}
	v = MHD_lookup_connection_value(c, MHD_COOKIE_KIND, SESSION_COOKIE);
	if (v)
		r->cookie = xstrdup(v);
}

struct last_header {
	const char *name, *value;
};

static enum MHD_Result take_last(void *cls, enum MHD_ValueKind kind, const char *name,
				 const char *value)
{
	struct last_header *h = cls;

	(void)kind;
	if (value && strcasecmp(name, h->name) == 0)
		h->value = value;
	return MHD_YES;
}

/*
 * Only the entry that our own proxy has added can be believed: the last one of the last
 * header, since some proxies add a header of their own below the client's.
 */
static struct ez_view forwarded_for(struct MHD_Connection *c)
{
	struct last_header h = { .name = "X-Forwarded-For" };
	const char *comma;

	MHD_get_connection_values(c, MHD_HEADER_KIND, take_last, &h);
	comma = h.value ? strrchr(h.value, ',') : NULL;
	return view_trim(view_str(comma ? comma + 1 : h.value));
}

/* Whoever has one IPv6 address has all of its /64. */
static void name_network(struct request *r)
{
	struct in6_addr a;

	if (!str_copy(r->network, sizeof(r->network), view_str(r->address)))
		r->network[0] = '\0';
	if (inet_pton(AF_INET6, r->address, &a) != 1 || IN6_IS_ADDR_V4MAPPED(&a))
		return;
	memset(a.s6_addr + 8, 0, 8);
	if (!inet_ntop(AF_INET6, &a, r->network, sizeof(r->network)))
		r->network[0] = '\0';
}

static void read_address(struct request *r, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct ez_view forwarded = forwarded_for(c);
	struct sockaddr_storage a;
	const char *ok = NULL;

	if (info && info->client_addr) {
		memcpy(&a, info->client_addr,
		       info->client_addr->sa_family == AF_INET6
			       ? sizeof(struct sockaddr_in6)
			       : sizeof(struct sockaddr_in));
		if (a.ss_family == AF_INET)
			ok = inet_ntop(AF_INET, &((struct sockaddr_in *)&a)->sin_addr,
				       r->address, sizeof(r->address));
		else if (a.ss_family == AF_INET6)
			ok = inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&a)->sin6_addr,
				       r->address, sizeof(r->address));
	}
	if (!ok)
		r->address[0] = '\0';
	if (forwarded.len > 0 && r->app->settings->trust_proxy &&
	    !str_copy(r->address, sizeof(r->address), forwarded))
		r->address[0] = '\0';
	name_network(r);
}

struct query_reader {
	struct request *r;
	int n;
	struct field_error error;
	bool bad;
};

static enum MHD_Result take_argument(void *cls, enum MHD_ValueKind kind, const char *name,
				     const char *value)
{
	struct query_reader *q = cls;

	(void)kind;
	if (++q->n > QUERY_MAX || q->bad)
		return MHD_NO;
	q->bad = !fields_from_text(q->r->route->query, name, value ? value : "",
				   q->r->query, &q->error);
	return q->bad ? MHD_NO : MHD_YES;
}

static void read_query(struct request *r, struct MHD_Connection *c)
{
	struct query_reader q = { .r = r };

	r->query = doc_new_object();
	MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, take_argument, &q);
	if (!q.bad)
		q.bad = !fields_check(r->route->query, r->query, true, &q.error);
	if (q.bad)
		reply_error(r, 400, "bad_query", q.error.field, "%s: %s", q.error.field,
			    q.error.text);
	else if (q.n > QUERY_MAX)
		reply_error(r, 400, "bad_query", NULL, "too many parameters");
}

static size_t body_limit(const struct request *r)
{
	if (!r->route || !r->route->body)
		return 0;
	return r->route->body_max_bytes ? r->route->body_max_bytes
					: (size_t)BODY_MAX_BYTES;
}

static void refuse_size(struct request *r)
{
	r->must_close = true;
	reply_error(r, 413, "too_large", NULL, "the body is larger than %zu bytes",
		    body_limit(r));
}

static void check_announced_size(struct request *r, struct MHD_Connection *c)
{
	const char *text =
		MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");
	uint64_t n = 0;

	if (!text)
		return;
	if (!parse_u64(view_str(text), &n) || n > body_limit(r))
		refuse_size(r);
}

static void find_route(struct request *r)
{
	struct route_match m = route_find(routes, r->method, r->path);
	char allowed[80];

	r->route = m.route;
	memcpy(r->ids, m.ids, sizeof(r->ids));
	if (m.route)
		return;
	if (!m.path_exists) {
		reply_not_found(r);
		return;
	}
	route_methods(routes, r->path, allowed, sizeof(allowed));
	reply_header(r, "Allow", allowed);
	reply_error(r, 405, "method_not_allowed", NULL, "this path takes %s", allowed);
}

static bool is_api(const char *path)
{
	return strncmp(path, "/api/", 5) == 0 || strcmp(path, "/api") == 0 ||
	       strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 ||
	       strcmp(path, "/metrics") == 0;
}

static struct guest *guest_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static struct request *begin(struct app *app, struct MHD_Connection *c, const char *url,
			     const char *method)
{
	struct request *r = request_new(app, method, url);

	guest_asks(guest_of(c));
	r->connection = c;
	read_headers(r, c);
	read_address(r, c);
	if (!is_api(url))
		return r;
	find_route(r);
	if (r->route) {
		read_query(r, c);
		if (r->status == 0)
			check_announced_size(r, c);
	}
	if (r->status == 0 && r->route->access >= ACCESS_WORKER &&
	    !r->headers[HEADER_AUTHORIZATION]) {
		r->must_close = true;
		reply_error(r, 401, "unauthenticated", NULL,
			    "a worker's token is missing");
	}
	return r;
}

static void take_body(struct request *r, const char *data, size_t n)
{
	if (r->status != 0)
		return;
	if (n > body_limit(r) - r->raw.len) {
		refuse_size(r);
		return;
	}
	if (atomic_fetch_add(&bodies_bytes, n) + n > BODIES_MAX_BYTES) {
		atomic_fetch_sub(&bodies_bytes, n);
		r->must_close = true;
		reply_header(r, "Retry-After", "5");
		reply_error(r, 503, "busy", NULL, "too many large requests at once");
		return;
	}
	r->charged_bytes += n;
	buf_add(&r->raw, data, n);
}

/* ------------------------------------------------------------------ answering */

static void add_headers(struct request *r, struct MHD_Response *m)
{
	if (is_api(r->path)) {
		if (r->status != MHD_HTTP_NO_CONTENT)
			MHD_add_response_header(m, "Content-Type", r->content_type);
		MHD_add_response_header(m, "Cache-Control", "no-store");
	}
	portal_add_headers(r->app->portal, m);
	for (int i = 0; i < r->n_reply_headers; i++)
		MHD_add_response_header(m, r->reply_headers[i].name,
					r->reply_headers[i].value);
	if (r->must_close)
		MHD_add_response_header(m, "Connection", "close");
}

static void stream_wait(void *arg)
{
	MHD_suspend_connection(arg);
}

static void stream_resume(void *arg)
{
	MHD_resume_connection(arg);
}

static ssize_t next_bytes(void *cls, uint64_t pos, char *to, size_t max)
{
	ssize_t n = stream_take(cls, to, max);

	(void)pos;
	return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static struct MHD_Response *make_response(struct request *r)
{
	size_t n = r->out.len;

	if (r->stream) {
		stream_connect(r->stream, stream_wait, stream_resume, r->connection);
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
							 STREAM_BLOCK_BYTES, next_bytes,
							 r->stream, NULL);
	}
	if (n == 0)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	return MHD_create_response_from_buffer(n, buf_take(&r->out),
					       MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result answer(struct request *r, struct MHD_Connection *c)
{
	struct MHD_Response *m = make_response(r);
	enum MHD_Result rc;

	if (!m)
		return MHD_NO;
	add_headers(r, m);
	rc = MHD_queue_response(c, (unsigned)r->status, m);
	MHD_destroy_response(m);
	return rc;
}

/* ------------------------------------------------------------------ callbacks */

enum MHD_Result exchange_handle(void *cls, struct MHD_Connection *c, const char *url,
				const char *method, const char *version, const char *data,
				size_t *n, void **state)
{
	struct app *app = cls;
	struct request *r = *state;

	(void)version;
	if (!r) {
		*state = r = begin(app, c, url, method);
		/* An announced body that is too large is not even read. */
		return r->status == 413 ? answer(r, c) : MHD_YES;
	}
	if (*n > 0) {
		if (mono_us() - r->started_us > BODY_MAX_US)
			return MHD_NO;
		take_body(r, data, *n);
		*n = 0;
		return MHD_YES;
	}
	if (r->status == 0 && !is_api(r->path))
		return portal_answer(app->portal, r, c);
	if (r->status == 0) {
		MHD_suspend_connection(c);
		if (queue_push(hub_queue(app->hub), r))
			return MHD_YES;
		MHD_resume_connection(c);
		reply_error(r, 503, "unavailable", NULL, "the server is stopping");
		return MHD_YES;
	}
	return answer(r, c);
}

void exchange_connected(void *cls, struct MHD_Connection *c, void **state,
			enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	(void)cls;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		guest_free(*state);
		*state = NULL;
	} else if (info) {
		*state = guest_new(info->connect_fd);
	}
}

void exchange_completed(void *cls, struct MHD_Connection *c, void **state,
			enum MHD_RequestTerminationCode why)
{
	struct request *r = *state;

	(void)cls;
	(void)why;
	if (!r)
		return;
	guest_waits(guest_of(c));
	if (r->stream)
		stream_disconnect(r->stream);
	atomic_fetch_sub(&bodies_bytes, r->charged_bytes);
	request_free(r);
	*state = NULL;
}
