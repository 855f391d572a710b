/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "send.h"

#include <strings.h>

#include "base/clock.h"
#include "base/jsonw.h"

static void add_head(struct exchange *x, struct buf *out, bool is_chunked)
{
	buf_addf(out, "HTTP/1.1 %d %s\r\n", x->status, http_reason(x->status));
	if (x->content_type)
		buf_addf(out, "Content-Type: %s\r\n", x->content_type);
	if (is_chunked)
		buf_add_str(out, "Transfer-Encoding: chunked\r\n");
	else
		buf_addf(out, "Content-Length: %zu\r\n", x->body.len);
	buf_add_str(out,
		    x->closes ? "Connection: close\r\n" : "Connection: keep-alive\r\n");
	buf_add_view(out, buf_view(&x->head));
	buf_add_str(out, "\r\n");
}

static void add_chunks(struct buf *out, struct ez_view body)
{
	enum {
		CHUNK = 7,
	};

	while (body.len > 0) {
		size_t n = MIN(body.len, (size_t)CHUNK);

		buf_addf(out, "%zx\r\n", n);
		buf_add(out, body.ptr, n);
		buf_add_str(out, "\r\n");
		body = view_of(body.ptr + n, body.len - n);
	}
	buf_add_str(out, "0\r\n\r\n");
}

static void mangle_body(struct exchange *x)
{
	struct fault f;

	if (exchange_fault(x, "empty_answer", &f))
		buf_reset(&x->body);
	if (exchange_fault(x, "bom_answer", &f)) {
		struct buf body = BUF_INIT((size_t)1 << 32);

		buf_add_str(&body, "\xef\xbb\xbf");
		buf_add_view(&body, buf_view(&x->body));
		buf_swap(&body, &x->body);
		buf_release(&body);
	}
}

static void add_headers(struct jsonw *w, const struct exchange *x)
{
	jsonw_key(w, "headers");
	jsonw_begin_object(w);
	for (size_t i = 0; i < x->req->n_headers; i++) {
		const struct header *h = &x->req->headers[i];
		char name[128];

		if (h->name.len >= sizeof(name))
			continue;
		for (size_t k = 0; k < h->name.len; k++)
			name[k] = (char)(h->name.ptr[k] >= 'A' && h->name.ptr[k] <= 'Z'
						 ? h->name.ptr[k] | 32
						 : h->name.ptr[k]);
		jsonw_key_view(w, view_of(name, h->name.len));
		if (strncasecmp(name, "authorization", h->name.len) == 0)
			jsonw_str(w,
				  x->is_auth_ok ? "(good)" : "(not looked at, or bad)");
		else
			jsonw_view(w, h->value);
	}
	jsonw_end_object(w);
}

void send_journal(struct exchange *x)
{
	struct buf line = BUF_INIT(1 << 22);
	struct jsonw w = JSONW_INIT(&line);

	jsonw_begin_object(&w);
	jsonw_key(&w, "node");
	jsonw_str(&w, x->node->name);
	jsonw_key(&w, "method");
	jsonw_view(&w, x->req->method);
	jsonw_key(&w, "target");
	jsonw_view(&w, x->req->target);
	add_headers(&w, x);
	jsonw_key(&w, "body_bytes");
	jsonw_i64(&w, x->req->n_read);
	jsonw_key(&w, "body_hash");
	jsonw_u64(&w, x->body_hash.value);
	jsonw_key(&w, "status");
	jsonw_i64(&w, x->is_mute ? 0 : x->status);
	jsonw_key(&w, "answer");
	jsonw_view(&w, view_of(x->body.ptr, MIN(x->body.len, (size_t)2048)));
	jsonw_key(&w, "fault");
	jsonw_str(&w, x->note);
	jsonw_key(&w, "at_ms");
	jsonw_i64(&w, x->started_us / US_PER_MS);
	jsonw_key(&w, "us");
	jsonw_i64(&w, mono_us() - x->started_us);
	jsonw_end_object(&w);
	cluster_lock(x->c);
	journal_add(x->c, buf_view(&line));
	cluster_unlock(x->c);
	buf_release(&line);
}

bool send_answer(struct exchange *x)
{
	struct buf out = BUF_INIT((size_t)1 << 33);
	struct fault f;
	bool is_chunked, is_open;

	if (exchange_fault(x, "slow_answer", &f))
		exchange_sleep(x, f.ms);
	mangle_body(x);
	is_chunked = exchange_fault(x, "chunked_answer", &f);
	add_head(x, &out, is_chunked);
	if (is_chunked)
		add_chunks(&out, buf_view(&x->body));
	else
		buf_add_view(&out, buf_view(&x->body));
	if (exchange_fault(x, "truncate_answer", &f)) {
		/* So many bytes of the body, or with a negative number so many of all. */
		size_t head = out.len - x->body.len;
		size_t n = f.bytes < 0 ? (size_t)-f.bytes : head + (size_t)f.bytes;

		buf_truncate(&out, MIN(n, out.len));
		x->closes = true;
	}
	/* Before the answer: who has it may look into the journal. */
	send_journal(x);
	is_open = conn_write(x->conn, out.ptr, out.len);
	buf_release(&out);
	return is_open;
}

void send_bad_request(struct conn *conn)
{
	static const char text[] =
		"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n"
		"Content-Length: 27\r\nConnection: close\r\n\r\n"
		"<html>400 Bad Request</html";

	(void)!conn_write(conn, text, sizeof(text) - 1);
}
