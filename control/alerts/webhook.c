/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/alerts/webhook.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "base/alloc.h"

void webhook_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ------------------------------------------------------------------ where it may go */

static bool is_private_v4(uint32_t a)
{
	static const struct {
		uint32_t net;
		int bits;
	} nets[] = {
		{ 0x00000000, 8 },  { 0x0a000000, 8 },  { 0x64400000, 10 },
		{ 0x7f000000, 8 },  { 0xa9fe0000, 16 }, { 0xac100000, 12 },
		{ 0xc0000000, 24 }, { 0xc0a80000, 16 }, { 0xc6120000, 15 },
		{ 0xc0000200, 24 }, { 0xc0586300, 24 }, { 0xc6336400, 24 },
		{ 0xcb007100, 24 }, { 0xe0000000, 3 },
	};

	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		if ((a ^ nets[i].net) >> (32 - nets[i].bits) == 0)
			return true;
	}
	return false;
}

/* Only the global unicast range 2000::/3 is public; 6to4, Teredo (in 2001::/23) and mapped
 * ones carry IPv4. */
static bool is_private_v6(const unsigned char *a)
{
	uint32_t inner;

	if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 2)
		return true;

	if (a[0] == 0x20 && a[1] == 0x02) {
		memcpy(&inner, a + 2, sizeof(inner));
		return is_private_v4(ntohl(inner));
	}
	return (a[0] & 0xe0) != 0x20;
}

static bool is_private(const struct curl_sockaddr *to)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (to->family == AF_INET) {
		memcpy(&v4, &to->addr, sizeof(v4));
		return is_private_v4(ntohl(v4.sin_addr.s_addr));
	}
	if (to->family != AF_INET6)
		return true;
	memcpy(&v6, &to->addr, sizeof(v6));
	return is_private_v6(v6.sin6_addr.s6_addr);
}

struct guard {
	bool to_private, refused;
};

/* Asked for each address after names were resolved, so a name cannot hide one. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose,
				 struct curl_sockaddr *to)
{
	struct guard *g = arg;

	(void)purpose;
	if (!g->to_private && is_private(to)) {
		g->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t swallow(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

/* ------------------------------------------------------------------ sending */

static struct curl_slist *headers_of(const struct webhook *w)
{
	struct curl_slist *all =
		curl_slist_append(NULL, "Content-Type: application/json");
	_cleanup_(freep) char *line = NULL;

	all = curl_slist_append(all, "Expect:");
	if (!w->signature)
		return all;
	line = xasprintf("X-Ezcdc-Signature: sha256=%s", w->signature);
	return curl_slist_append(all, line);
}

static void set_options(CURL *c, const struct webhook *w, struct guard *g,
			struct curl_slist *headers)
{
	curl_easy_setopt(c, CURLOPT_URL, w->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR,
			 w->to_private ? "https,http" : "https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 10000L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "ezcdc-control/" PACKAGE_VERSION);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, w->body);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, g);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, swallow);
}

static bool judge(CURL *c, CURLcode rc, const struct guard *g, struct buf *why)
{
	long status = 0;

	if (g->refused) {
		buf_add_str(
			why,
			"the address is private: the setting webhooks_to_private allows that");
		return false;
	}
	if (rc != CURLE_OK) {
		buf_add_str(why, curl_easy_strerror(rc));
		return false;
	}
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return true;
	buf_addf(why, "it answered %ld", status);
	return false;
}

bool webhook_send(const struct webhook *w, struct buf *why)
{
	struct guard g = { .to_private = w->to_private };
	struct curl_slist *headers = headers_of(w);
	CURL *c = curl_easy_init();
	bool ok;

	if (!c) {
		curl_slist_free_all(headers);
		buf_add_str(why, "out of memory");
		return false;
	}
	set_options(c, w, &g, headers);
	ok = judge(c, curl_easy_perform(c), &g, why);
	curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	return ok;
}
