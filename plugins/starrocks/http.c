/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

#include "hop.h"
#include "host.h"
#include "settings.h"

/*
 * How an exchange goes.
 *
 * libcurl performs one hop; what lies between hops is done here, because its own way of
 * following redirects would drop the credentials or send them anywhere.
 *
 * The body waits for "100 Continue". libcurl waits as well, but sends the body when its
 * patience ends; then read_body() refuses, and nothing was sent. A server that answers
 * before it has seen the body (an error, or a redirect of a front end) may still count on
 * it: that connection is not used again.
 *
 * A hop that cannot be connected to leads back to the front ends: the next one, which may
 * name another back end. Once the body has begun that is no longer done, since the load may
 * be under way; the caller then asks for the label.
 */
enum {
	HEADERS_CAP = 256 * 1024,
	POLL_MS = 1000,
};

struct flight {
	struct http *http;
	struct exchange *x;
	CURL *easy;
	struct curl_slist *headers;
	char url[HOP_URL_MAX];
	unsigned hops, tries;
	uint64_t sent; /* bytes of the body at this hop */
	bool may_send; /* 100 Continue came, or the exchange does not wait for it */
	bool was_denied_body; /* it did not come in time */
	bool was_refused;     /* 401 once: the password is read again */
	bool is_done;
};

struct http {
	const struct settings *s;
	CURLM *multi;
	CURL **idle; /* easy handles, for the next exchange */
	size_t n_idle;
	size_t fe; /* where exchanges begin */
	bool has_worked; /* StarRocks has answered: what is strange now will pass */
	_Atomic bool interrupted;
};

/* ------------------------------------------------------------------------ exchanges */

void exchange_init(struct exchange *x, const char *method)
{
	*x = (struct exchange){
		.method = method,
		.headers = BUF_INIT(HEADERS_CAP),
		.answer = BUF_INIT(HTTP_ANSWER_CAP),
		.error = { .size = sizeof(struct ez_error) },
	};
}

void exchange_release(struct exchange *x)
{
	buf_release(&x->headers);
	buf_release(&x->answer);
}

void exchange_header(struct exchange *x, const char *name, const char *fmt, ...)
{
	va_list ap;

	buf_add_str(&x->headers, name);
	buf_add_str(&x->headers, ": ");
	va_start(ap, fmt);
	buf_addv(&x->headers, fmt, ap);
	va_end(ap);
	buf_add_char(&x->headers, '\n');
}

/* ------------------------------------------------------------------------ callbacks */

/* The end of the interim answer that lets the body through; or of the real one, early. */
static size_t see_header(char *line, size_t size, size_t n, void *arg)
{
	struct flight *f = arg;
	struct ez_view v = view_of(line, size * n), word;

	if (!view_starts(v, VIEW("HTTP/")))
		return size * n;
	if (!view_split(&v, ' ', &word))
		return size * n;
	if (view_starts(v, VIEW("100")))
		f->may_send = true;
	else if (!view_starts(v, VIEW("1")) && f->sent < f->x->body.len)
		curl_easy_setopt(f->easy, CURLOPT_FORBID_REUSE, 1L);
	return size * n;
}

static size_t take_answer(char *data, size_t size, size_t n, void *arg)
{
	struct flight *f = arg;

	buf_add(&f->x->answer, data, size * n);
	return buf_ok(&f->x->answer) ? size * n : 0;
}

static size_t read_body(char *to, size_t size, size_t n, void *arg)
{
	struct flight *f = arg;
	size_t len;

	if (!f->may_send) {
		f->was_denied_body = true;
		return CURL_READFUNC_ABORT;
	}
	len = f->x->body.read(f->x->body.arg, f->sent, to, size * n);
	f->sent += len;
	if (len > 0)
		f->x->body_begun = true;
	return len;
}

/* libcurl sends a request again when a kept connection turns out to be dead. */
static int rewind_body(void *arg, curl_off_t offset, int origin)
{
	struct flight *f = arg;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_FAIL;
	f->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* ------------------------------------------------------------------------- one hop */

static int set_headers(struct flight *f)
{
	struct ez_view rest = buf_view(&f->x->headers), line;

	f->headers = curl_slist_append(NULL, f->x->expects ? "Expect: 100-continue"
							   : "Expect:");
	while (f->headers && view_split(&rest, '\n', &line)) {
		_cleanup_(freep) char *text = view_dup(line);
		struct curl_slist *more =
			line.len ? curl_slist_append(f->headers, text) : f->headers;

		if (!more)
			return -1;
		f->headers = more;
	}
	curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers);
	return f->headers && buf_ok(&f->x->headers) ? 0 : -1;
}

static int set_credentials(struct flight *f)
{
	char password[PASSWORD_MAX];
	size_t len = 0;
	const struct settings *s = f->http->s;
	int rc = settings_password(s, password, sizeof(password), &len, &f->x->error);

	if (rc < 0)
		return rc;
	curl_easy_setopt(f->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	curl_easy_setopt(f->easy, CURLOPT_USERNAME, s->user.ptr);
	curl_easy_setopt(f->easy, CURLOPT_PASSWORD, len ? password : "");
	explicit_bzero(password, sizeof(password));
	return EZ_OK;
}

static void set_limits(struct flight *f)
{
	const struct settings *s = f->http->s;
	CURL *c = f->easy;

	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(s->connect_timeout_us / US_PER_MS));
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(f->x->timeout_us / US_PER_MS));
	curl_easy_setopt(c, CURLOPT_EXPECT_100_TIMEOUT_MS,
			 (long)(s->continue_timeout_us / US_PER_MS));
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	if (s->ca_file.len > 0)
		curl_easy_setopt(c, CURLOPT_CAINFO, s->ca_file.ptr);
}

static void set_body(struct flight *f)
{
	CURL *c = f->easy;

	if (f->x->body.len > 0) {
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)f->x->body.len);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, read_body);
		curl_easy_setopt(c, CURLOPT_READDATA, f);
		curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, rewind_body);
		curl_easy_setopt(c, CURLOPT_SEEKDATA, f);
		curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
	} else if (strcmp(f->x->method, "GET") != 0) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, 0L);
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, f->x->method);
}

/* Begins the hop to f->url. */
static int begin_hop(struct flight *f)
{
	struct http *h = f->http;
	int rc;

	if (!f->easy)
		f->easy = h->n_idle ? h->idle[--h->n_idle] : curl_easy_init();
	if (!f->easy)
		return host->fail(&f->x->error, EZ_E_FATAL, "",
				  "no memory for a request");
	curl_easy_reset(f->easy);
	f->sent = 0;
	f->may_send = !f->x->expects;
	f->was_denied_body = false;
	buf_reset(&f->x->answer);
	rc = f->x->is_anonymous ? EZ_OK : set_credentials(f);
	if (rc < 0)
		return rc;
	if (set_headers(f) < 0)
		return host->fail(&f->x->error, EZ_E_FATAL, "",
				  "the headers are too long");
	set_limits(f);
	set_body(f);
	curl_easy_setopt(f->easy, CURLOPT_URL, f->url);
	curl_easy_setopt(f->easy, CURLOPT_HEADERFUNCTION, see_header);
	curl_easy_setopt(f->easy, CURLOPT_HEADERDATA, f);
	curl_easy_setopt(f->easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(f->easy, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(f->easy, CURLOPT_PRIVATE, f);
	if (curl_multi_add_handle(h->multi, f->easy) != CURLM_OK)
		return host->fail(&f->x->error, EZ_E_FATAL, "",
				  "a request cannot be started");
	return EZ_OK;
}

static void end_hop(struct flight *f)
{
	curl_multi_remove_handle(f->http->multi, f->easy);
	curl_slist_free_all(f->headers);
	f->headers = NULL;
}

static void finish(struct flight *f, enum http_fault fault)
{
	f->x->fault = fault;
	f->is_done = true;
	if (f->easy) {
		curl_easy_reset(f->easy); /* forgets the password */
		f->http->idle =
			xreallocarray(f->http->idle, f->http->n_idle + 1, sizeof(CURL *));
		f->http->idle[f->http->n_idle++] = f->easy;
		f->easy = NULL;
	}
}

/* "http://fe1:8030" of the URL at hand, for messages. */
static void note_node(struct flight *f)
{
	struct ez_view v = view_str(f->url);
	const char *end = strstr(f->url, "//");

	end = end ? strchr(end + 2, '/') : NULL;
	if (end)
		v.len = (size_t)(end - f->url);
	if (!str_copy(f->x->node, sizeof(f->x->node), v))
		f->x->node[sizeof(f->x->node) - 1] = '\0';
}

static void begin(struct flight *f)
{
	const struct settings *s = f->http->s;
	struct ez_view fe = s->fe[(f->http->fe + f->tries) % s->n_fe];
	int rc;

	f->hops = 0;
	if (f->x->url)
		rc = hop_resolve(f->http->s, f->x->url, 307, f->x->url, f->url,
				 &f->x->error);
	else
		rc = str_format(f->url, sizeof(f->url), "%.*s%s", VIEW_ARG(fe),
				f->x->path)
			     ? EZ_OK
			     : host->fail(&f->x->error, EZ_E_CONFIG, "",
					  "the path is too long");
	if (rc < 0) {
		finish(f, HTTP_REFUSED);
		return;
	}
	note_node(f);
	rc = begin_hop(f);
	if (rc < 0) {
		curl_slist_free_all(f->headers);
		f->headers = NULL;
		finish(f, HTTP_REFUSED);
	}
}

/* ---------------------------------------------------------------- what came of a hop */

/* Nothing was reached or let in: the next front end, or the end. */
static void try_next(struct flight *f)
{
	f->tries++;
	if (f->tries >= f->http->s->n_fe + 1 || http_is_interrupted(f->http))
		finish(f, HTTP_UNREACHED);
	else
		begin(f);
}

static bool is_tls_trouble(CURLcode code)
{
	return code == CURLE_PEER_FAILED_VERIFICATION ||
	       code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR ||
	       code == CURLE_SSL_CERTPROBLEM;
}

static void fail_hop(struct flight *f, CURLcode code)
{
	struct exchange *x = f->x;
	long connected = 0;
	curl_off_t connect_us = 0;

	curl_easy_getinfo(f->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
	curl_easy_getinfo(f->easy, CURLINFO_REQUEST_SIZE, &connected);
	host->fail(&x->error, is_tls_trouble(code) ? EZ_E_CONFIG : EZ_E_TRANSIENT, "",
		   "%s: %s", x->node,
		   f->was_denied_body ? "does not say that it is ready for the rows"
				      : curl_easy_strerror(code));
	if (is_tls_trouble(code)) {
		host->hint(&x->error,
			   "name the file with its authority's certificate in ca_file");
		finish(f, HTTP_REFUSED);
	} else if (f->was_denied_body ||
		   (!x->body_begun && (connected == 0 || x->body.len > 0))) {
		try_next(f);
	} else {
		finish(f, x->body_begun || connected > 0 ? HTTP_LOST : HTTP_UNREACHED);
	}
}

/* At first an operator must act; later it is a proxy that has its day, and passes. */
static void follow_not(struct flight *f, int rc)
{
	if (rc != EZ_E_TRANSIENT || !f->http->has_worked) {
		f->x->error.rc = EZ_E_CONFIG;
		finish(f, HTTP_REFUSED);
	} else if (f->x->body_begun) {
		finish(f, HTTP_LOST);
	} else {
		try_next(f);
	}
}

static void follow(struct flight *f, int status)
{
	struct exchange *x = f->x;
	char *location = NULL, next[HOP_URL_MAX];
	struct curl_header *header;
	int rc;

	if (curl_easy_header(f->easy, "Location", 0, CURLH_HEADER, -1, &header) ==
	    CURLHE_OK)
		location = header->value;
	rc = hop_resolve(f->http->s, f->url, status, location, next, &x->error);
	if (rc < 0) {
		follow_not(f, rc);
		return;
	}
	if (x->body_begun) {
		host->fail(&x->error, EZ_E_TRANSIENT, "",
			   "%s: redirects when it has the rows", x->node);
		finish(f, HTTP_LOST);
		return;
	}
	if (++f->hops > HOP_MAX) {
		host->fail(&x->error, EZ_E_TRANSIENT, "", "%s: redirects in a circle",
			   x->node);
		finish(f, HTTP_UNREACHED);
		return;
	}
	if (!str_copy(f->url, sizeof(f->url), view_str(next)))
		f->url[0] = '\0';
	note_node(f);
	if (begin_hop(f) < 0) {
		curl_slist_free_all(f->headers);
		f->headers = NULL;
		finish(f, HTTP_REFUSED);
	}
}

static void end_of_hop(struct flight *f, CURLcode code)
{
	long status = 0;

	end_hop(f);
	if (code != CURLE_OK) {
		fail_hop(f, code);
		return;
	}
	curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	f->x->status = (int)status;
	if (status == 401 && !f->was_refused && !f->x->is_anonymous) {
		f->was_refused = true;
		begin(f);
	} else if (status >= 300 && status < 400) {
		follow(f, (int)status);
	} else {
		f->http->has_worked |= status == 200 && f->x->answer.len > 0 &&
				       *f->x->answer.ptr == '{';
		finish(f, HTTP_ANSWERED);
	}
}

/* ---------------------------------------------------------------------------- runs */

static void collect(struct http *h, size_t *busy)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct flight *f = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &f);
		end_of_hop(f, code);
		if (f->is_done)
			(*busy)--;
	}
}

static void cancel(struct flight *f)
{
	if (f->easy)
		end_hop(f);
	host->fail(&f->x->error, EZ_E_CANCELLED, "", "the job was stopped");
	finish(f, HTTP_CANCELLED);
}

void http_run(struct http *h, struct exchange *const *xs, size_t n, unsigned parallel)
{
	_cleanup_(freep) struct flight *flights = xcalloc(n + 1, sizeof(*flights));
	size_t begun = 0, busy = 0;
	int running;

	while ((begun < n || busy > 0) && !http_is_interrupted(h)) {
		while (begun < n && busy < parallel) {
			struct flight *f = &flights[begun];

			*f = (struct flight){ .http = h, .x = xs[begun] };
			xs[begun]->body_begun = false;
			xs[begun]->status = 0;
			begin(f);
			busy += !f->is_done;
			begun++;
		}
		curl_multi_perform(h->multi, &running);
		collect(h, &busy);
		if (busy > 0 && running > 0)
			curl_multi_poll(h->multi, NULL, 0, POLL_MS, NULL);
	}
	for (size_t i = 0; i < n; i++) {
		if (i >= begun)
			flights[i] = (struct flight){ .http = h, .x = xs[i] };
		if (!flights[i].is_done)
			cancel(&flights[i]);
	}
}

void http_next_front_end(struct http *h)
{
	h->fe = (h->fe + 1) % h->s->n_fe;
}

void http_sleep(struct http *h, uint32_t ms)
{
	int64_t until = mono_us() + (int64_t)ms * US_PER_MS, left;

	while ((left = until - mono_us()) > 0 && !http_is_interrupted(h))
		curl_multi_poll(h->multi, NULL, 0,
				(int)MIN(left / US_PER_MS + 1, (int64_t)60000), NULL);
}

bool http_has_worked(const struct http *h)
{
	return h->has_worked;
}

void http_interrupt(struct http *h)
{
	atomic_store(&h->interrupted, true);
	curl_multi_wakeup(h->multi);
}

bool http_is_interrupted(const struct http *h)
{
	return atomic_load(&h->interrupted);
}

struct http *http_new(const struct settings *s)
{
	struct http *h = xcalloc(1, sizeof(*h));

	h->s = s;
	h->multi = curl_multi_init();
	if (h->multi)
		return h;
	free(h);
	return NULL;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_idle; i++)
		curl_easy_cleanup(h->idle[i]);
	free(h->idle);
	curl_multi_cleanup(h->multi);
	free(h);
}
