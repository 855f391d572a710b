/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/alloc.h"
#include "base/list.h"

enum {
	CONNECT_MS = 10 * 1000,
	KEPT_CONNECTIONS = 4,
	RETRY_AFTER_MAX_S = 300,
};

struct http {
	CURLM *multi;
	struct http_options o; /* strings of its own */
	struct list requests;
	size_t n;
};

struct request {
	struct list link;
	CURL *easy;
	struct curl_slist *headers;
	char *url, *authorization;
	struct buf body, answer;
	char error[CURL_ERROR_SIZE];
	void (*done)(void *arg, const struct http_answer *a);
	void *arg;
};

/* ------------------------------------------------------------------------- address */

static bool is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	       strncmp(host, "127.", 4) == 0;
}

static int check_address(const struct ez_host *host, const char *base, struct ez_error *err)
{
	CURLU *url = curl_url();
	char *scheme = NULL, *name = NULL, *user = NULL;
	int rc = EZ_OK;

	if (!url || curl_url_set(url, CURLUPART_URL, base, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &name, 0) != CURLUE_OK)
		rc = host->fail(err, EZ_E_CONFIG, "", "control_url: not an address");
	else if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK)
		rc = host->fail(err, EZ_E_CONFIG, "", "control_url: must not hold a user name");
	else if (strcmp(scheme, "https") != 0 &&
		 (strcmp(scheme, "http") != 0 || !is_loopback(name)))
		rc = host->fail(err, EZ_E_CONFIG, "",
				"control_url: must begin with https:// (http:// only for an "
				"address of this machine)");
	curl_free(scheme);
	curl_free(name);
	curl_free(user);
	curl_url_cleanup(url);
	return rc;
}

/* -------------------------------------------------------------------------- request */

static void wipe(struct buf *b)
{
	if (b->ptr)
		explicit_bzero(b->ptr, b->alloc);
	buf_release(b);
}

static void request_free(struct request *r)
{
	list_remove(&r->link);
	curl_easy_cleanup(r->easy);
	for (struct curl_slist *h = r->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(r->headers);
	if (r->authorization)
		explicit_bzero(r->authorization, strlen(r->authorization));
	free(r->authorization);
	free(r->url);
	wipe(&r->body);
	wipe(&r->answer);
	free(r);
}

/* Less than n ends the transfer. */
static size_t take_answer(char *data, size_t size, size_t n, void *arg)
{
	struct request *r = arg;

	buf_add(&r->answer, data, size * n);
	return buf_ok(&r->answer) ? size * n : 0;
}

static bool set_headers(struct request *r, const char *token)
{
	static const char *const fixed[] = { "Content-Type: application/json",
					     "Accept: application/json", "Expect:" };
	struct curl_slist *more;

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		more = curl_slist_append(r->headers, fixed[i]);
		if (!more)
			return false;
		r->headers = more;
	}
	r->authorization = xasprintf("Authorization: Bearer %s", token);
	more = curl_slist_append(r->headers, r->authorization);
	if (more)
		r->headers = more;
	return more != NULL;
}

static void set_security(CURL *c, const struct http_options *o)
{
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	(void)curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	if (o->ca_file)
		(void)curl_easy_setopt(c, CURLOPT_CAINFO, o->ca_file);
	if (o->cert_file)
		(void)curl_easy_setopt(c, CURLOPT_SSLCERT, o->cert_file);
	if (o->key_file)
		(void)curl_easy_setopt(c, CURLOPT_SSLKEY, o->key_file);
	if (o->proxy)
		(void)curl_easy_setopt(c, CURLOPT_PROXY, o->proxy);
}

static void set_options(struct request *r, const struct http *h, const struct http_post *p)
{
	CURL *c = r->easy;

	set_security(c, &h->o);
	(void)curl_easy_setopt(c, CURLOPT_URL, r->url);
	(void)curl_easy_setopt(c, CURLOPT_USERAGENT, h->o.user_agent);
	(void)curl_easy_setopt(c, CURLOPT_POST, 1L);
	(void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
	(void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body.ptr ? r->body.ptr : "");
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, r->headers);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_answer);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
	(void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, r->error);
	(void)curl_easy_setopt(c, CURLOPT_PRIVATE, r);
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms);
	(void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static void conclude(struct http *h, struct request *r, CURLcode code)
{
	struct http_answer a = { .error = "" };
	curl_off_t retry_after = 0;

	if (code == CURLE_OK) {
		(void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &a.status);
		(void)curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &retry_after);
		a.retry_after_ms = MIN((int64_t)retry_after, (int64_t)RETRY_AFTER_MAX_S) * 1000;
		a.body = buf_view(&r->answer);
	} else {
		a.error = !buf_ok(&r->answer) ? "the answer is too long" :
			  r->error[0]         ? r->error :
						curl_easy_strerror(code);
	}
	(void)curl_multi_remove_handle(h->multi, r->easy);
	h->n--;
	/* The callback may post again. */
	r->done(r->arg, &a);
	request_free(r);
}

void http_post(struct http *h, const struct http_post *p)
{
	struct request *r = xcalloc(1, sizeof(*r));

	r->done = p->done;
	r->arg = p->arg;
	r->url = xasprintf("%s%s", h->o.base, p->path);
	r->body = *p->body;
	*p->body = BUF_INIT(p->body->cap);
	r->answer = BUF_INIT(p->answer_max);
	r->easy = curl_easy_init();
	list_init(&r->link);
	if (!r->easy || !set_headers(r, p->token))
		alloc_failed(sizeof(*r));
	set_options(r, h, p);
	list_add_tail(&h->requests, &r->link);
	h->n++;
	(void)curl_multi_add_handle(h->multi, r->easy);
}

size_t http_in_flight(const struct http *h)
{
	return h->n;
}

/* ---------------------------------------------------------------------------- server */

static void take_ended(struct http *h)
{
	int left;
	CURLMsg *m;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		CURLcode code = m->data.result;
		char *private = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
		conclude(h, (struct request *)(void *)private, code);
	}
}

void http_wait(struct http *h, unsigned ms)
{
	int running = 0;

	(void)curl_multi_perform(h->multi, &running);
	if ((size_t)running == h->n) {
		(void)curl_multi_poll(h->multi, NULL, 0, (int)MIN(ms, (unsigned)INT32_MAX), NULL);
		(void)curl_multi_perform(h->multi, &running);
	}
	take_ended(h);
}

void http_wake(struct http *h)
{
	(void)curl_multi_wakeup(h->multi);
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

int http_new(const struct ez_host *host, const struct http_options *o, struct http **ret,
	     struct ez_error *err)
{
	struct http *h;
	int rc;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return host->fail(err, EZ_E_FATAL, "", "libcurl cannot be used");
	rc = check_address(host, o->base, err);
	if (rc < 0)
		return rc;
	h = xcalloc(1, sizeof(*h));
	list_init(&h->requests);
	h->o = (struct http_options){ copy(o->base),     copy(o->ca_file), copy(o->cert_file),
				      copy(o->key_file), copy(o->proxy),   copy(o->user_agent) };
	h->multi = curl_multi_init();
	if (!h->multi)
		alloc_failed(sizeof(*h));
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
	*ret = h;
	return EZ_OK;
}

static void release(const char *s)
{
	free((char *)(uintptr_t)s);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	list_for_each (at, &h->requests) {
		struct request *r = LIST_OF(at, struct request, link);

		conclude(h, r, CURLE_ABORTED_BY_CALLBACK);
	}
	(void)curl_multi_cleanup(h->multi);
	release(h->o.base);
	release(h->o.ca_file);
	release(h->o.cert_file);
	release(h->o.key_file);
	release(h->o.proxy);
	release(h->o.user_agent);
	free(h);
}
