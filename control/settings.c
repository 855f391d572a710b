/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/settings.h"

#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/str.h"
#include "base/view.h"

enum setting_type { TEXT, FLAG, NUMBER };

struct setting {
	const char *path;
	enum setting_type type;
	size_t offset;
	int min, max;
};

static const struct setting all[] = {
	{ "catalog", TEXT, offsetof(struct settings, catalog), 0, 0 },
	{ "listen", TEXT, offsetof(struct settings, address), 0, 0 },
	{ "keyring", TEXT, offsetof(struct settings, keyring), 0, 0 },
	{ "public_url", TEXT, offsetof(struct settings, public_url), 0, 0 },
	{ "portal_dir", TEXT, offsetof(struct settings, portal_dir), 0, 0 },
	{ "setup_file", TEXT, offsetof(struct settings, setup_file), 0, 0 },
	{ "trust_proxy", FLAG, offsetof(struct settings, trust_proxy), 0, 0 },
	{ "webhooks_to_private", FLAG, offsetof(struct settings, webhooks_to_private), 0,
	  0 },
	{ "threads", NUMBER, offsetof(struct settings, threads), 1, 64 },
	{ "headroom", NUMBER, offsetof(struct settings, headroom), 0, 1000 },
	{ "aws.credentials_file", TEXT, offsetof(struct settings, aws_credentials), 0,
	  0 },
	{ "aws.metadata", TEXT, offsetof(struct settings, aws_metadata), 0, 0 },
	{ "tls.certificate", TEXT, offsetof(struct settings, certificate), 0, 0 },
	{ "tls.key", TEXT, offsetof(struct settings, key), 0, 0 },
};

static const struct setting *find(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (strcmp(all[i].path, path) == 0)
			return &all[i];
	}
	return NULL;
}

struct reader {
	struct settings *s;
	const char *path;
	struct buf *why;
};

static bool wrong(const struct reader *r, const config_setting_t *v, const char *text)
{
	buf_addf(r->why, "%s:%u: %s: %s", r->path,
		 (unsigned)config_setting_source_line(v), config_setting_name(v), text);
	return false;
}

static bool take_value(const struct reader *r, const struct setting *d,
		       const config_setting_t *v)
{
	char *to = (char *)r->s + d->offset;
	int type = config_setting_type(v), n;
	char *text;

	switch (d->type) {
	case TEXT:
		if (type != CONFIG_TYPE_STRING)
			return wrong(r, v, "must be a string");
		text = xstrdup(config_setting_get_string(v));
		memcpy(to, &text, sizeof(text));
		return true;
	case FLAG:
		if (type != CONFIG_TYPE_BOOL)
			return wrong(r, v, "must be true or false");
		*(bool *)to = config_setting_get_bool(v);
		return true;
	case NUMBER:
		n = config_setting_get_int(v);
		if (type != CONFIG_TYPE_INT || n < d->min || n > d->max)
			return wrong(r, v, "must be a number in its range");
		memcpy(to, &n, sizeof(n));
		return true;
	}
	return true;
}

/* ------------------------------------------------------------------ scaling */

static bool take_text(const struct reader *r, const config_setting_t *v, char **to)
{
	if (config_setting_type(v) != CONFIG_TYPE_STRING)
		return wrong(r, v, "must be a string");
	free(*to);
	*to = xstrdup(config_setting_get_string(v));
	return true;
}

static bool take_count(const struct reader *r, const config_setting_t *v, int max,
		       int *to)
{
	int n = config_setting_get_int(v);

	if (config_setting_type(v) != CONFIG_TYPE_INT || n < 0 || n > max)
		return wrong(r, v, "must be a number in its range");
	*to = n;
	return true;
}

static bool take_member(const struct reader *r, const config_setting_t *v,
			struct scaling_group *g)
{
	const char *name = config_setting_name(v);

	if (strcmp(name, "deployment") == 0)
		return take_text(r, v, &g->deployment);
	if (strcmp(name, "group") == 0)
		return take_text(r, v, &g->group);
	if (strcmp(name, "region") == 0)
		return take_text(r, v, &g->region);
	if (strcmp(name, "endpoint") == 0)
		return take_text(r, v, &g->endpoint);
	if (strcmp(name, "min") == 0)
		return take_count(r, v, 10000, &g->min);
	if (strcmp(name, "max") == 0)
		return take_count(r, v, 10000, &g->max);
	if (strcmp(name, "cooldown") == 0)
		return take_count(r, v, 86400, &g->cooldown_seconds);
	return wrong(r, v, "is not known here");
}

/* A session's token travels with the signature: never in clear, but for tests. */
static bool is_endpoint(const char *url)
{
	return strncmp(url, "https://", 8) == 0 ||
	       strncmp(url, "http://127.0.0.1:", 17) == 0;
}

static bool check_scaling(const struct reader *r, const config_setting_t *v,
			  struct scaling_group *g)
{
	if (!g->deployment || !g->group || !g->region)
		return wrong(r, config_setting_parent(v),
			     "each needs deployment, group and region");
	/* The region becomes part of a host's name. */
	if (!g->region[0] || g->region[strspn(g->region, "abcdefghijklmnopqrstuvwxyz"
							 "0123456789-")])
		return wrong(r, config_setting_parent(v),
			     "region is not a region's name");
	if (g->max < g->min)
		return wrong(r, config_setting_parent(v), "max is below min");
	if (!g->endpoint || !g->endpoint[0]) {
		free(g->endpoint);
		g->endpoint =
			xasprintf("https://autoscaling.%s.amazonaws.com", g->region);
	}
	if (!is_endpoint(g->endpoint))
		return wrong(r, config_setting_parent(v),
			     "endpoint must be an https URL");
	return true;
}

static bool take_scaling(const struct reader *r, const config_setting_t *list)
{
	unsigned n = (unsigned)config_setting_length(list);

	if (config_setting_type(list) != CONFIG_TYPE_LIST)
		return wrong(r, list, "must be a list of groups");
	r->s->scaling = xcalloc(n + 1, sizeof(*r->s->scaling));
	for (unsigned i = 0; i < n; i++) {
		const config_setting_t *v = config_setting_get_elem(list, i);
		struct scaling_group *g = &r->s->scaling[r->s->n_scaling++];

		g->max = 10;
		g->cooldown_seconds = 300;
		if (config_setting_type(v) != CONFIG_TYPE_GROUP)
			return wrong(r, list, "must be a list of groups");
		for (unsigned k = 0; k < (unsigned)config_setting_length(v); k++) {
			if (!take_member(r, config_setting_get_elem(v, k), g))
				return false;
		}
		if (!check_scaling(r, v, g))
			return false;
	}
	return true;
}

static bool is_group(const char *path)
{
	return strcmp(path, "tls") == 0 || strcmp(path, "aws") == 0;
}

static bool take_group(const struct reader *r, const config_setting_t *group,
		       const char *prefix)
{
	for (unsigned i = 0; i < (unsigned)config_setting_length(group); i++) {
		const config_setting_t *v = config_setting_get_elem(group, i);
		_cleanup_(freep) char *path =
			xasprintf("%s%s", prefix, config_setting_name(v));
		const struct setting *d = find(path);

		if (is_group(path) && config_setting_type(v) == CONFIG_TYPE_GROUP) {
			_cleanup_(freep) char *inner = xasprintf("%s.", path);

			if (!take_group(r, v, inner))
				return false;
		} else if (strcmp(path, "scaling") == 0) {
			if (!take_scaling(r, v))
				return false;
		} else if (!d) {
			return wrong(r, v, "is not known here");
		} else if (!take_value(r, d, v)) {
			return false;
		}
	}
	return true;
}

/* "127.0.0.1:8080" or "[::1]:8080" */
static bool split_listen(struct settings *s, struct buf *why)
{
	char *at = s->address, *colon = strrchr(at, ':');
	size_t n = colon ? (size_t)(colon - at) : 0;

	if (!colon || n == 0 || colon[1] == '\0') {
		buf_addf(why, "listen = \"%s\" is not HOST:PORT", at);
		return false;
	}
	s->port = xstrdup(colon + 1);
	s->address = at[0] == '[' && at[n - 1] == ']' ? xstrndup(at + 1, n - 2)
						      : xstrndup(at, n);
	free(at);
	return true;
}

static void set_default(char **to, const char *value)
{
	if (!*to)
		*to = xstrdup(value);
}

static bool finish(struct settings *s, const char *path, struct buf *why)
{
	size_t n = s->public_url ? strlen(s->public_url) : 0;

	if (!s->catalog) {
		buf_addf(why, "%s: catalog is missing", path);
		return false;
	}
	if (!s->certificate != !s->key) {
		buf_addf(why, "%s: tls needs both certificate and key", path);
		return false;
	}
	if (n > 0 && s->public_url[n - 1] == '/')
		s->public_url[n - 1] = '\0';
	set_default(&s->address, "127.0.0.1:8080");
	set_default(&s->keyring, "/etc/ezcdc/keyring");
	set_default(&s->portal_dir, EZ_PORTALDIR);
	set_default(&s->aws_metadata, "http://169.254.169.254");
	set_default(&s->setup_file, "/var/lib/ezcdc-control/setup-link");
	return split_listen(s, why);
}

bool settings_read(struct settings *s, const char *path, struct buf *why)
{
	struct reader r = { .s = s, .path = path, .why = why };
	config_t c;
	bool ok;

	*s = (struct settings){ .threads = 4 };
	config_init(&c);
	ok = config_read_file(&c, path);
	if (!ok && config_error_type(&c) == CONFIG_ERR_FILE_IO)
		buf_addf(why, "cannot read %s", path);
	else if (!ok)
		buf_addf(why, "%s:%d: %s", path, config_error_line(&c),
			 config_error_text(&c));
	ok = ok && take_group(&r, config_root_setting(&c), "") && finish(s, path, why);
	config_destroy(&c);
	return ok;
}

void settings_release(struct settings *s)
{
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		char *text;

		if (all[i].type != TEXT)
			continue;
		memcpy(&text, (char *)s + all[i].offset, sizeof(text));
		free(text);
	}
	for (int i = 0; i < s->n_scaling; i++) {
		free(s->scaling[i].deployment);
		free(s->scaling[i].group);
		free(s->scaling[i].region);
		free(s->scaling[i].endpoint);
	}
	free(s->scaling);
	free(s->port);
	*s = (struct settings){ .threads = 0 };
}

bool settings_is_https(const struct settings *s)
{
	return s->certificate ||
	       (s->public_url && strncmp(s->public_url, "https://", 8) == 0);
}
