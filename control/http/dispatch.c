/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/http/dispatch.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "control/app.h"
#include "control/auth/authenticate.h"
#include "control/auth/limiter.h"
#include "control/crypto/digest.h"
#include "control/http/queue.h"
#include "control/http/request.h"
#include "control/json/doc.h"
#include "control/json/fields.h"
#include "control/settings.h"

/* ------------------------------------------------------------------ other sites */

static bool is_reading(const struct request *r)
{
	return strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
}

/* "https://host:port" against the Host header, or against what the settings say. */
static bool is_own_origin(const struct request *r, const char *origin)
{
	const char *public_url = r->app->settings->public_url;
	const char *host = strstr(origin, "://");

	if (public_url && strcasecmp(origin, public_url) == 0)
		return true;
	return host && r->headers[HEADER_HOST] &&
	       strcasecmp(host + 3, r->headers[HEADER_HOST]) == 0;
}

/*
 * A browser says where a request comes from; a page of another site must not act with the
 * cookie of ours. Beside the token and the cookie's own SameSite.
 */
static bool is_cross_site(const struct request *r)
{
	const char *site = r->headers[HEADER_FETCH_SITE],
		   *origin = r->headers[HEADER_ORIGIN];

	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return true;
	return origin && !is_own_origin(r, origin);
}

static bool check_site(struct request *r)
{
	const char *token = r->headers[HEADER_CSRF];

	if (is_reading(r) || (!r->who.by_cookie && !r->route->same_site))
		return true;
	if (is_cross_site(r)) {
		reply_error(r, 403, "cross_site", NULL,
			    "the request comes from another site");
		return false;
	}
	if (r->who.by_cookie &&
	    (!token || !crypto_equal(view_str(token), view_str(r->who.csrf)))) {
		reply_error(
			r, 403, "csrf", NULL,
			"the header X-CSRF-Token is missing or wrong: see GET /api/me");
		return false;
	}
	return true;
}

/* ------------------------------------------------------------------ who */

static bool refuse_rate(struct request *r)
{
	reply_header(r, "Retry-After", "1");
	reply_error(r, 429, "too_many_requests", NULL, "slow down");
	return false;
}

/*
 * Strangers have a bucket for each address. It is asked only after the token was looked up:
 * behind a proxy all have one address, and a flood must not lock out those who are known.
 */
static bool refuse_sender(struct request *r)
{
	int64_t wait_ms;

	if (!limiter_take(r->app->calls, r->network, &wait_ms))
		return refuse_rate(r);
	if (r->route->access <= ACCESS_ADMIN)
		reply_header(r, "WWW-Authenticate", "Bearer realm=\"ezcdc\"");
	reply_error(r, 401, "unauthenticated", NULL, "log in, or send a valid token");
	return false;
}

static bool check_role(struct request *r)
{
	enum access need = r->route->access;
	enum principal_kind kind = r->who.kind;

	if (need == ACCESS_WORKER || need == ACCESS_REGISTER) {
		if (kind == WORKER || (kind == DEPLOYMENT && need == ACCESS_REGISTER))
			return true;
		return refuse_sender(r);
	}
	if (kind == NOBODY)
		return refuse_sender(r);
	if (kind == PERSON && r->who.role >= need)
		return true;
	reply_error(r, 403, "forbidden", NULL, "this needs the role %s",
		    access_to_str(need));
	return false;
}

static bool check_sender(struct request *r)
{
	enum db_result rc;

	if (r->route->access == ACCESS_PUBLIC)
		return true;
	if (r->who.kind == NOBODY) {
		rc = authenticate(r);
		if (rc != DB_OK) {
			reply_db(r, rc);
			return false;
		}
		/* It has said already that this token or worker was revoked. */
		if (r->status != 0)
			return false;
	}
	return check_role(r);
}

/* A worker says as much as it has jobs. */
static bool check_rate(struct request *r)
{
	const char *key = r->who.kind == NOBODY ? r->network : r->who.id;
	int64_t wait_ms;

	return r->who.kind == WORKER || limiter_take(r->app->calls, key, &wait_ms) ||
	       refuse_rate(r);
}

/* ------------------------------------------------------------------ what */

static bool is_json(const char *content_type)
{
	static const char json[] = "application/json";

	return content_type && strncasecmp(content_type, json, sizeof(json) - 1) == 0 &&
	       (content_type[sizeof(json) - 1] == '\0' ||
		content_type[sizeof(json) - 1] == ';' ||
		content_type[sizeof(json) - 1] == ' ');
}

static bool check_body(struct request *r)
{
	struct buf why = BUF_INIT(256);
	struct field_error e = { .field = "" };
	bool ok;

	if (!r->route->body || r->body)
		return true;
	if (r->raw.len > 0 && !is_json(r->headers[HEADER_CONTENT_TYPE])) {
		reply_error(r, 415, "not_json", NULL, "send application/json");
		return false;
	}
	/* No body is an empty object: what is required is missing then. */
	r->body = r->raw.len > 0 ? doc_parse(buf_view(&r->raw), &why) : doc_new_object();
	ok = r->body &&
	     fields_check(r->route->body, r->body, r->route->access < ACCESS_WORKER, &e);
	if (!r->body)
		reply_error(r, 400, "bad_json", NULL, "%s", buf_cstr(&why));
	else if (!ok)
		reply_error(r, 400, "bad_request", e.field, "%s%s%s", e.field,
			    e.field[0] ? ": " : "", e.text);
	buf_release(&why);
	return ok;
}

/* The senders, all in one statement; who is no worker is left to the handler. */
static bool check_lot(struct request **all, int n)
{
	enum db_result rc = authenticate_workers(all, n);

	for (int i = 0; i < n; i++) {
		if (rc != DB_OK && all[i]->status == 0)
			reply_db(all[i], rc);
		else if (all[i]->who.kind == WORKER)
			(void)check_body(all[i]);
	}
	return rc == DB_OK;
}

void request_dispatch_lot(struct request **all, int n, bool is_last)
{
	struct request *fit[LOT_MAX];
	int n_fit = 0;

	for (int i = 0; i < n; i++)
		all[i]->alone = true;
	if (!check_lot(all, n))
		return;
	for (int i = 0; i < n; i++) {
		if (is_last)
			all[i]->wait_until_us = 1;
		if (all[i]->status == 0 && all[i]->who.kind == WORKER)
			fit[n_fit++] = all[i];
	}
	if (n_fit > 0)
		fit[0]->route->together(fit, n_fit);
}

void request_dispatch(struct request *r, bool is_last)
{
	bool is_first = r->wait_until_us == 0;

	if (!check_sender(r) || !check_site(r) || (is_first && !check_rate(r)) ||
	    !check_body(r))
		return;
	if (is_last)
		r->wait_until_us = 1;
	r->route->handler(r);
	if (r->status == 0 && (is_last || r->wait_until_us == 0))
		reply_error(r, 500, "internal", NULL, "nobody has answered");
}
