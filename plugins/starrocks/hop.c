/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "hop.h"

#include <curl/curl.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/view.h"

#include "host.h"
#include "settings.h"

struct parts {
	char *scheme, *host, *port;
};

static void curl_freep(char **p)
{
	curl_free(*p);
}

static void url_cleanup(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void parts_release(struct parts *p)
{
	curl_free(p->scheme);
	curl_free(p->host);
	curl_free(p->port);
}

static bool parts_get(CURLU *u, struct parts *p)
{
	return curl_url_get(u, CURLUPART_SCHEME, &p->scheme, 0) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_HOST, &p->host, 0) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_PORT, &p->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
}

static bool is_loopback(const char *name)
{
	return view_starts(view_str(name), VIEW("127.")) ||
	       strcmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0;
}

/* "host:port" of the setting, with the scheme if it has one. */
static bool set_address(CURLU *u, struct ez_view to)
{
	_cleanup_(url_cleanup) CURLU *other = curl_url();
	_cleanup_(freep) char *text = NULL;
	_cleanup_(parts_release) struct parts p = { .host = NULL };
	bool has_scheme =
		view_starts(to, VIEW("http://")) || view_starts(to, VIEW("https://"));

	text = xasprintf("%s%.*s", has_scheme ? "" : "http://", VIEW_ARG(to));
	if (curl_url_set(other, CURLUPART_URL, text, 0) != CURLUE_OK ||
	    !parts_get(other, &p))
		return false;
	return (!has_scheme ||
		curl_url_set(u, CURLUPART_SCHEME, p.scheme, 0) == CURLUE_OK) &&
	       curl_url_set(u, CURLUPART_HOST, p.host, 0) == CURLUE_OK &&
	       curl_url_set(u, CURLUPART_PORT, p.port, 0) == CURLUE_OK;
}

/* Calls the back end what it is called here. False: the map is wrong. */
static bool translate(const struct settings *s, CURLU *u, const struct parts *to,
		      const struct parts *from)
{
	_cleanup_(freep) char *name = xasprintf("%s:%s", to->host, to->port);

	for (size_t i = 0; i < s->n_address_map; i++)
		if (view_eq_str(s->address_map[i].key, name))
			return set_address(u, s->address_map[i].value);
	if (is_loopback(to->host) && !is_loopback(from->host))
		return curl_url_set(u, CURLUPART_HOST, from->host, 0) == CURLUE_OK;
	return true;
}

static int refuse(struct ez_error *err, int rc, const char *from, const char *what)
{
	return host->fail(err, rc, "", "%s: %s", from, what);
}

/* StarRocks sends a request on as it came; another path is somebody else's, and what is
 * asked there with a password as well. */
static bool is_same_path(CURLU *u, const char *from)
{
	_cleanup_(url_cleanup) CURLU *old = curl_url();
	_cleanup_(curl_freep) char *a = NULL;
	_cleanup_(curl_freep) char *b = NULL;

	return curl_url_set(old, CURLUPART_URL, from, 0) == CURLUE_OK &&
	       curl_url_get(old, CURLUPART_PATH, &a, CURLU_URLDECODE) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_PATH, &b, CURLU_URLDECODE) == CURLUE_OK &&
	       strcmp(a, b) == 0;
}

static int finish(CURLU *u, const struct parts *from, const char *from_url,
		  char ret_url[HOP_URL_MAX], struct ez_error *err)
{
	_cleanup_(curl_freep) char *scheme = NULL;
	_cleanup_(curl_freep) char *url = NULL;

	curl_url_set(u, CURLUPART_USER, NULL, 0);
	curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
	curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_URL, &url, 0) != CURLUE_OK ||
	    !str_copy(ret_url, HOP_URL_MAX, view_str(url)))
		return refuse(err, EZ_E_CONFIG, from_url,
			      "redirects to an address that is too long");
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return refuse(err, EZ_E_CONFIG, from_url,
			      "redirects to something that is not HTTP");
	if (strcmp(from->scheme, "https") == 0 && strcmp(scheme, "https") != 0) {
		refuse(err, EZ_E_CONFIG, from_url,
		       "redirects from https to http, where the password "
		       "would be readable");
		return host->hint(err,
				  "name the back end's https address in address_map, or "
				  "use http for fe as well");
	}
	return EZ_OK;
}

int hop_resolve(const struct settings *s, const char *from, int status,
		const char *location, char ret_url[HOP_URL_MAX], struct ez_error *err)
{
	_cleanup_(url_cleanup) CURLU *u = curl_url();
	_cleanup_(parts_release) struct parts old = { .host = NULL },
					      new = { .host = NULL };

	if (status != 307)
		return host->fail(err, EZ_E_TRANSIENT, "",
				  "%s: answers with status %d, which is no "
				  "redirect of StarRocks; is it a front end?",
				  from, status);
	if (!location || !*location)
		return refuse(err, EZ_E_TRANSIENT, from,
			      "redirects without saying where to");
	if (curl_url_set(u, CURLUPART_URL, from, 0) != CURLUE_OK || !parts_get(u, &old) ||
	    curl_url_set(u, CURLUPART_URL, location, 0) != CURLUE_OK ||
	    !parts_get(u, &new))
		return refuse(err, EZ_E_TRANSIENT, from,
			      "redirects to something that is no address");
	if (!is_same_path(u, from))
		return refuse(err, EZ_E_TRANSIENT, from,
			      "redirects to another path, which StarRocks does not");
	if (!translate(s, u, &new, &old))
		return refuse(err, EZ_E_CONFIG, from,
			      "address_map leads to something that is no address");
	return finish(u, &old, from, ret_url, err);
}
