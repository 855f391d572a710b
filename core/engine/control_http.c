/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/control_http.h"

#include <string.h>

#include "base/buf.h"
#include "base/view.h"
#include "engine/control.h"

enum { BODY_MAX = 16 * 1024 * 1024 };

static void respond(struct buf *out, const char *status, const char *type, struct ez_view body,
		    bool is_head)
{
	buf_addf(out,
		 "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		 "Allow: GET, HEAD\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
		 status, type, body.len);
	if (!is_head)
		buf_add_view(out, body);
}

static void respond_text(struct buf *out, const char *status, bool is_head)
{
	_cleanup_(buf_release) struct buf body = BUF_INIT(256);

	buf_addf(&body, "%s\n", status);
	respond(out, status, "text/plain; charset=utf-8", buf_view(&body), is_head);
}

/* An empty line ends the request; lines end with \n or \r\n. */
static bool is_complete(struct ez_view request)
{
	const char *p = request.ptr;

	for (size_t i = 1; i < request.len; i++)
		if (p[i] == '\n' &&
		    (p[i - 1] == '\n' || (i >= 2 && p[i - 1] == '\r' && p[i - 2] == '\n')))
			return true;
	return false;
}

/* "GET /metrics?x HTTP/1.1" into its first two words, the path without its query. */
static bool request_line(struct ez_view request, struct ez_view *method, struct ez_view *path)
{
	static const char version[] = "HTTP/1.";
	struct ez_view line, query;

	return view_split(&request, '\n', &line) && view_split(&line, ' ', method) &&
	       view_split(&line, ' ', &query) && view_split(&query, '?', path) &&
	       line.len > strlen(version) && memcmp(line.ptr, version, strlen(version)) == 0;
}

static void respond_metrics(const struct control_ops *ops, void *arg, struct buf *out,
			    bool is_head)
{
	_cleanup_(buf_release) struct buf body = BUF_INIT(BODY_MAX);

	ops->metrics(arg, &body);
	respond(out, "200 OK", "text/plain; version=0.0.4; charset=utf-8", buf_view(&body),
		is_head);
}

bool control_http_answer(struct ez_view request, bool fits, const struct control_ops *ops,
			 void *arg, struct buf *out)
{
	struct ez_view method, path;
	bool is_head;

	if (!fits) {
		respond_text(out, "431 Request Header Fields Too Large", false);
		return true;
	}
	if (!is_complete(request))
		return false;
	if (!request_line(request, &method, &path)) {
		respond_text(out, "400 Bad Request", false);
		return true;
	}
	is_head = view_eq_str(method, "HEAD");
	if (!is_head && !view_eq_str(method, "GET"))
		respond_text(out, "405 Method Not Allowed", false);
	else if (view_eq_str(path, "/metrics"))
		respond_metrics(ops, arg, out, is_head);
	else if (view_eq_str(path, "/healthz"))
		respond_text(out, "200 OK", is_head);
	else
		respond_text(out, "404 Not Found", is_head);
	return true;
}
