/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/aws.h"

#include <errno.h>
#include <string.h>

#include <curl/curl.h>

#include "base/alloc.h"
#include "base/view.h"
#include "control/json/doc.h"

enum {
	ANSWER_MAX_BYTES = 64 * 1024,
	METADATA_TIMEOUT_MS = 2000,
	CALL_TIMEOUT_MS = 5000,
	WORDS_MAX_BYTES = 300,
};

/* ------------------------------------------------------------------ one request */

struct exchange {
	const char *method, *url, *header, *body;
	const struct aws_call *call; /* what it is signed for, or NULL */
	const struct aws_keys *keys;
	struct buf *answer;
};

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	struct buf *answer = arg;

	buf_add(answer, data, size * n);
	return buf_ok(answer) ? size * n : 0;
}

static void sign(CURL *c, const struct exchange *x)
{
	_cleanup_(freep) char *scope =
		xasprintf("aws:amz:%s:%s", x->call->region, x->call->service);

	curl_easy_setopt(c, CURLOPT_AWS_SIGV4, scope);
	curl_easy_setopt(c, CURLOPT_USERNAME, secret_cstr(&x->keys->id));
	curl_easy_setopt(c, CURLOPT_PASSWORD, secret_cstr(&x->keys->key));
}

static void set_options(CURL *c, const struct exchange *x, struct curl_slist *headers)
{
	curl_easy_setopt(c, CURLOPT_URL, x->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS,
			 x->call ? (long)CALL_TIMEOUT_MS : (long)METADATA_TIMEOUT_MS);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "ezcdc-control/" PACKAGE_VERSION);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	if (x->body)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, x->body);
	else if (x->method)
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, x->method);
	if (x->call)
		sign(c, x);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, x->answer);
}

/* They may hold a token. */
static void wipe_headers(struct curl_slist *all)
{
	for (struct curl_slist *h = all; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(all);
}

/* The status, or 0 with a sentence in `why`. */
static long send_it(const struct exchange *x, struct buf *why)
{
	struct curl_slist *headers =
		x->header ? curl_slist_append(NULL, x->header) : NULL;
	CURL *c = curl_easy_init();
	CURLcode rc = CURLE_OUT_OF_MEMORY;
	long status = 0;

	if (c) {
		set_options(c, x, headers);
		rc = curl_easy_perform(c);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_cleanup(c);
	}
	wipe_headers(headers);
	if (rc == CURLE_OK)
		return status;
	buf_add_str(why, curl_easy_strerror(rc));
	return 0;
}

/* ------------------------------------------------------------------ a call */

/* The text between <name> and the next tag. */
static struct ez_view words_of(struct buf *answer, const char *tag)
{
	const char *from = strstr(buf_cstr(answer), tag);
	size_t n;

	if (!from)
		return view_str(NULL);
	from += strlen(tag);
	n = strcspn(from, "<");
	return view_of(from, MIN(n, (size_t)WORDS_MAX_BYTES));
}

void aws_add_field(struct buf *to, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-_.~";

	for (; *text; text++) {
		if (strchr(plain, *text))
			buf_add_char(to, *text);
		else
			buf_addf(to, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

bool aws_call(const struct aws_call *call, const struct aws_keys *k, struct buf *why)
{
	struct buf answer = BUF_INIT(ANSWER_MAX_BYTES);
	_cleanup_(freep) char *token =
		xasprintf("X-Amz-Security-Token: %s", secret_cstr(&k->token));
	long status = send_it(
		&(struct exchange){ .url = call->endpoint,
				    .header = secret_is_set(&k->token) ? token : NULL,
				    .body = call->body,
				    .call = call,
				    .keys = k,
				    .answer = &answer },
		why);
	struct ez_view code = words_of(&answer, "<Code>");
	struct ez_view message = words_of(&answer, "<Message>");

	explicit_bzero(token, strlen(token));
	if (status != 0 && (status < 200 || status > 299))
		buf_addf(why, "it answered %ld %.*s: %.*s", status, VIEW_ARG(code),
			 VIEW_ARG(message));
	buf_release(&answer);
	return status >= 200 && status <= 299;
}

/* ------------------------------------------------------------------ credentials */

void aws_keys_release(struct aws_keys *k)
{
	secret_release(&k->id);
	secret_release(&k->key);
	secret_release(&k->token);
}

static bool keep(struct secret *s, struct ez_view v)
{
	return v.len > 0 && secret_set(s, v) == 0;
}

static void take_line(struct aws_keys *k, struct ez_view line)
{
	struct ez_view rest = line, name;
	struct secret *to = NULL;

	if (!view_split(&rest, '=', &name))
		return;
	name = view_trim(name);
	if (view_eq_str(name, "aws_access_key_id"))
		to = &k->id;
	else if (view_eq_str(name, "aws_secret_access_key"))
		to = &k->key;
	else if (view_eq_str(name, "aws_session_token"))
		to = &k->token;
	if (to && !keep(to, view_trim(rest)))
		secret_release(to);
}

static bool read_file(struct aws_keys *k, const char *path, struct buf *why)
{
	struct secret text = SECRET_INIT;
	int rc = secret_read_file(&text, path);
	struct ez_view rest, line;
	bool counts = true;

	if (rc == SECRET_EXPOSED) {
		buf_addf(why, "others may read %s: its mode must be 0600", path);
	} else if (rc < 0) {
		errno = -rc;
		buf_addf(why, "cannot read %s: %m", path);
	} else {
		rest = secret_view(&text);
		while (view_split(&rest, '\n', &line)) {
			line = view_trim(line);
			if (view_starts(line, VIEW("[")))
				counts = view_eq_str(line, "[default]");
			else if (counts)
				take_line(k, line);
		}
		if (!secret_is_set(&k->id) || !secret_is_set(&k->key))
			buf_addf(why, "%s holds no default credentials", path);
	}
	secret_release(&text);
	return why->len == 0;
}

struct metadata {
	const char *base;
	char *header; /* with the token, wiped by who made it */
	struct buf *why;
};

static bool ask(const struct metadata *m, const char *method, const char *path,
		const char *header, struct buf *answer)
{
	_cleanup_(freep) char *url = xasprintf("%s%s", m->base, path);
	long status;

	buf_reset(answer);
	status = send_it(&(struct exchange){ .method = method,
					     .url = url,
					     .header = header,
					     .answer = answer },
			 m->why);
	if (status != 0 && status != 200)
		buf_addf(m->why, "it answered %ld to %s", status, path);
	return status == 200;
}

#define ROLES "/latest/meta-data/iam/security-credentials/"

static bool take_role(struct aws_keys *k, const struct metadata *m, struct buf *answer)
{
	_cleanup_(doc_freep) struct json_t *doc = NULL;
	_cleanup_(freep) char *path = NULL;
	struct ez_view rest, role;

	if (!ask(m, NULL, ROLES, m->header, answer))
		return false;
	rest = buf_view(answer);
	if (!view_split(&rest, '\n', &role) || view_trim(role).len == 0) {
		buf_add_str(m->why, "the instance has no role");
		return false;
	}
	role = view_trim(role);
	path = xasprintf(ROLES "%.*s", VIEW_ARG(role));
	if (!ask(m, NULL, path, m->header, answer))
		return false;
	doc = doc_parse(buf_view(answer), m->why);
	if (!doc)
		return false;
	if (keep(&k->id, view_str(doc_str(doc, "AccessKeyId"))) &&
	    keep(&k->key, view_str(doc_str(doc, "SecretAccessKey"))) &&
	    keep(&k->token, view_str(doc_str(doc, "Token"))))
		return true;
	buf_add_str(m->why, "the role gives no credentials");
	return false;
}

static bool read_metadata(struct aws_keys *k, const char *base, struct buf *why)
{
	struct metadata m = { .base = base, .why = why };
	struct buf answer = BUF_INIT(ANSWER_MAX_BYTES);
	bool ok = ask(&m, "PUT", "/latest/api/token",
		      "X-aws-ec2-metadata-token-ttl-seconds: 60", &answer);

	if (ok) {
		m.header = xasprintf("X-aws-ec2-metadata-token: %s", buf_cstr(&answer));
		ok = take_role(k, &m, &answer);
		explicit_bzero(m.header, strlen(m.header));
		freep(&m.header);
	}
	if (answer.ptr)
		explicit_bzero(answer.ptr, answer.len);
	buf_release(&answer);
	return ok;
}

bool aws_keys_read(struct aws_keys *k, const char *file, const char *metadata,
		   struct buf *why)
{
	struct buf reason = BUF_INIT(1024);
	bool ok =
		file ? read_file(k, file, &reason) : read_metadata(k, metadata, &reason);

	if (!ok)
		buf_addf(why, "%s%s",
			 file ? "" : "the instance's metadata: ", buf_cstr(&reason));
	buf_release(&reason);
	return ok;
}
