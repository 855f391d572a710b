/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/refuse.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/view.h"
#include "engine/cfg.h"
#include "engine/options.h"
#include "engine/problems.h"

enum { PAIR_MAX = 8192 };

/* --------------------------------------------------------------------------- paths */

static bool has_dots(struct ez_view path)
{
	struct ez_view part;

	while (view_split(&path, '/', &part))
		if (view_eq(part, VIEW(".")) || view_eq(part, VIEW("..")))
			return true;
	return false;
}

/* What the daemons and the worker keep in state folders is not for options to name. */
static bool is_ours(struct ez_view path)
{
	static const char *const names[] = { "agent.json",   "worker.json", "worker.sock",
					     "checkpoint",   "exit.json",   "control.sock",
					     "worker.lock",  "lock",        "log",
					     "log.1" };
	const char *slash = memrchr(path.ptr, '/', path.len);
	struct ez_view last = slash ? view_of(slash + 1, path.len - (size_t)(slash + 1 - path.ptr))
				    : path;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (view_eq_str(last, names[i]))
			return true;
	return false;
}

static bool is_below(struct ez_view path, struct ez_view folder)
{
	while (folder.len > 1 && folder.ptr[folder.len - 1] == '/')
		folder.len--;
	if (folder.len == 0 || !view_starts(path, folder))
		return false;
	return path.len == folder.len || folder.len == 1 || path.ptr[folder.len] == '/';
}

bool refuse_path_is_allowed(const struct refuse_rules *rules, struct ez_view path)
{
	size_t n = config_count(rules->top, "allow_paths");

	if (path.len == 0 || path.ptr[0] != '/' || has_dots(path) || is_ours(path))
		return false;
	if (n == 0)
		return is_below(path, view_str(rules->state_root));
	for (size_t i = 0; i < n; i++)
		if (is_below(path, config_item(rules->top, "allow_paths", i)))
			return true;
	return false;
}

/* ------------------------------------------------------------- connection strings */

static bool names_a_file(const char *key)
{
	static const char *const words[] = { "service",  "servicefile", "passfile",
					     "sslcert",  "sslkey",      "sslcrl",
					     "sslcrldir" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(key, words[i]) == 0)
			return true;
	return view_ends(view_str(key), VIEW("file"));
}

static char *refuse_pair(const struct refuse_rules *rules, const char *key, const char *value)
{
	if (names_a_file(key))
		return xasprintf("the connection option \"%.40s\" names a file of this machine", key);
	if (strcmp(key, "sslrootcert") == 0)
		return strcmp(value, "system") == 0 ||
				       refuse_path_is_allowed(rules, view_str(value)) ?
			       NULL :
			       xasprintf("sslrootcert is neither \"system\" nor a file in an "
					 "allowed folder");
	if (strcmp(key, "dbname") == 0 && (strchr(value, '=') || strstr(value, "://")))
		return xasprintf("dbname is a connection string of its own");
	if (value[0] == '@' || (value[0] == '/' && !refuse_path_is_allowed(rules, view_str(value))))
		return xasprintf("the connection option \"%.40s\" names a place on this machine",
				 key);
	return NULL;
}

static char *not_understood(void)
{
	return xasprintf("a connection string cannot be understood");
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* One value as libpq reads it, quotes and backslashes included; NULL: it has no end. */
static const char *read_value(const char *at, struct buf *value)
{
	char quote = *at == '\'' ? *at++ : '\0';

	for (; *at && (quote ? *at != quote : !is_space(*at)); at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		buf_add_char(value, *at);
	}
	if (quote && *at != quote)
		return NULL;
	return quote ? at + 1 : at;
}

static char *refuse_pairs(const struct refuse_rules *rules, const char *at)
{
	_cleanup_(buf_release) struct buf key = BUF_INIT(PAIR_MAX), value = BUF_INIT(PAIR_MAX);
	char *why = NULL;

	while (!why) {
		buf_reset(&key);
		buf_reset(&value);
		while (is_space(*at))
			at++;
		if (*at == '\0')
			return NULL;
		while (*at && *at != '=' && !is_space(*at))
			buf_add_char(&key, *at++);
		while (is_space(*at))
			at++;
		if (key.len == 0 || *at++ != '=')
			return not_understood();
		while (is_space(*at))
			at++;
		at = read_value(at, &value);
		if (!at || !buf_ok(&key) || !buf_ok(&value))
			return not_understood();
		why = refuse_pair(rules, buf_cstr(&key), buf_cstr(&value));
	}
	return why;
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *at;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static void decode(struct ez_view text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%' && i + 2 < text.len && hex(text.ptr[i + 1]) >= 0 &&
		    hex(text.ptr[i + 2]) >= 0) {
			c = (char)(hex(text.ptr[i + 1]) * 16 + hex(text.ptr[i + 2]));
			i += 2;
		}
		buf_add_char(out, c);
	}
}

static char *refuse_query(const struct refuse_rules *rules, struct ez_view query)
{
	struct ez_view pair;
	char *why = NULL;

	while (!why && view_split(&query, '&', &pair)) {
		_cleanup_(buf_release) struct buf key = BUF_INIT(PAIR_MAX);
		_cleanup_(buf_release) struct buf value = BUF_INIT(PAIR_MAX);
		const char *is = memchr(pair.ptr, '=', pair.len);
		size_t len = is ? (size_t)(is - pair.ptr) : pair.len;

		decode(view_of(pair.ptr, len), &key);
		if (is)
			decode(view_of(is + 1, pair.len - len - 1), &value);
		if (!buf_ok(&key) || !buf_ok(&value))
			return not_understood();
		why = refuse_pair(rules, buf_cstr(&key), buf_cstr(&value));
	}
	return why;
}

static char *refuse_uri(const struct refuse_rules *rules, struct ez_view uri)
{
	_cleanup_(buf_release) struct buf hosts = BUF_INIT(PAIR_MAX);
	const char *start = memmem(uri.ptr, uri.len, "://", 3), *end, *at, *query;

	if (!start)
		return not_understood();
	start += 3;
	end = uri.ptr + uri.len;
	query = memchr(start, '?', (size_t)(end - start));
	at = memrchr(start, '@', (size_t)((query ? query : end) - start));
	if (at)
		start = at + 1;
	/* The hosts go up to the slash of the database; an encoded slash makes a path of one. */
	decode(view_of(start, strcspn(start, "/?")), &hosts);
	if (!buf_ok(&hosts) || strpbrk(buf_cstr(&hosts), "/@"))
		return xasprintf("a host is a place on this machine");
	return query ? refuse_query(rules, view_of(query + 1, (size_t)(end - query - 1))) : NULL;
}

static bool is_uri(struct ez_view v)
{
	return view_starts(v, VIEW("postgres://")) || view_starts(v, VIEW("postgresql://"));
}

char *refuse_conninfo(const struct refuse_rules *rules, struct ez_view text)
{
	_cleanup_(freep) char *copy = view_dup(text);
	char *why = is_uri(text) ? refuse_uri(rules, view_str(copy)) : refuse_pairs(rules, copy);

	explicit_bzero(copy, text.len);
	return why;
}

/* -------------------------------------------------------------------------- options */

static bool is_plain_name(struct ez_view v)
{
	const char *const letters = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	return v.len > 0 && v.len <= 64 && strspn(v.ptr, letters) == v.len;
}

/* Options that hold a path by their name, even if the path does not look like one. */
static bool is_path_option(const char *name)
{
	static const char *const ends[] = { "path", "_file", "_dir", "_folder", "_socket" };
	struct ez_view v = view_str(name);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (view_ends(v, view_str(ends[i])))
			return true;
	return strcmp(name, "file") == 0 || strcmp(name, "dir") == 0;
}

static bool looks_like_path(struct ez_view v)
{
	return view_starts(v, VIEW("/")) || view_starts(v, VIEW("./")) ||
	       view_starts(v, VIEW("../")) || view_starts(v, VIEW("~")) ||
	       view_starts(v, VIEW("file:"));
}

/* { file = "name"; }: a secret that the daemon looks for in the folder of secrets. */
static bool is_secret_name(const struct cfg_node *n, const struct cfg_node *parent)
{
	return parent->kind == CFG_GROUP && parent->n_items == 1 && n->name &&
	       strcmp(n->name, "file") == 0 && !memchr(n->str.ptr, '/', n->str.len);
}

static char *refuse_string(const struct refuse_rules *rules, const struct cfg_node *n,
			   const struct cfg_node *parent, const char *name)
{
	if ((strcmp(name, "plugin") == 0 || strcmp(name, "store") == 0) && !is_plain_name(n->str))
		return xasprintf("%s: not the name of a plugin", name);
	if (view_ends(view_str(name), VIEW("conninfo")) || is_uri(n->str))
		return refuse_conninfo(rules, n->str);
	if (is_secret_name(n, parent) || n->str.len == 0)
		return NULL;
	if ((is_path_option(name) || looks_like_path(n->str)) &&
	    !refuse_path_is_allowed(rules, n->str))
		return xasprintf("%.60s: the path is not in a folder that this worker allows "
				 "(allow_paths)", name);
	return NULL;
}

/* The tree is at most CFG_NESTING_MAX deep. */
static char *refuse_node(const struct refuse_rules *rules, const struct cfg_node *n,
			 const struct cfg_node *parent, const char *name)
{
	char *why = NULL;

	if (n->kind == CFG_STRING)
		return refuse_string(rules, n, parent, name);
	if (n->kind != CFG_GROUP && n->kind != CFG_LIST && n->kind != CFG_ARRAY)
		return NULL;
	for (size_t i = 0; i < n->n_items && !why; i++)
		why = refuse_node(rules, &n->items[i], n, n->items[i].name ? n->items[i].name : name);
	return why;
}

char *refuse_config(const struct refuse_rules *rules, struct ez_view config)
{
	struct problems p = PROBLEMS_INIT;
	struct cfg_tree *tree = cfg_read_text("configuration", config, &p);
	char *why;

	if (tree)
		why = refuse_node(rules, &tree->root, &tree->root, "");
	else
		why = xstrdup(p.n_lines > 0 ? p.lines[0] : "the configuration cannot be read");
	cfg_free(tree);
	problems_release(&p);
	return why;
}
