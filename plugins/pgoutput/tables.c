/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tables.h"

#include <stdlib.h>

#include "base/alloc.h"

/* A compiled glob: bytes, and above them the two signs that match others. */
enum { GLOB_STAR = 256, GLOB_ANY = 257 };

struct glob {
	uint16_t *items;
	size_t n;
};

struct pattern {
	char *text;
	struct glob schema, name;
	bool is_exclusion;
};

struct pg_tables {
	struct pattern *patterns;
	size_t n;
	bool has_inclusion;
};

/* The server's characters are UTF-8, or single bytes that look like none. */
static size_t character_len(struct ez_view v, size_t at)
{
	size_t n = 1;

	while (at + n < v.len && ((unsigned char)v.ptr[at + n] & 0xc0) == 0x80)
		n++;
	return n;
}

static bool glob_matches(const struct glob *g, struct ez_view v)
{
	size_t i = 0, at = 0, star = SIZE_MAX, star_at = 0;

	while (at < v.len) {
		if (i < g->n && g->items[i] == GLOB_STAR) {
			star = i++;
			star_at = at;
		} else if (i < g->n && g->items[i] == GLOB_ANY) {
			at += character_len(v, at);
			i++;
		} else if (i < g->n && g->items[i] == (unsigned char)v.ptr[at]) {
			at++;
			i++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			at = ++star_at;
		} else {
			return false;
		}
	}
	while (i < g->n && g->items[i] == GLOB_STAR)
		i++;
	return i == g->n;
}

/* Takes one quoted or plain part off `rest`, up to an unquoted `stop`. */
static bool glob_parse(struct glob *g, struct ez_view *rest, char stop)
{
	bool is_quoted = false;
	size_t i = 0;

	g->items = xcalloc(rest->len + 1, sizeof(*g->items));
	for (; i < rest->len && (is_quoted || rest->ptr[i] != stop); i++) {
		char c = rest->ptr[i];

		if (c == '"' && is_quoted && i + 1 < rest->len && rest->ptr[i + 1] == '"')
			i++;
		else if (c == '"') {
			is_quoted = !is_quoted;
			continue;
		}
		if (c == '*' && !is_quoted)
			g->items[g->n++] = GLOB_STAR;
		else if (c == '?' && !is_quoted)
			g->items[g->n++] = GLOB_ANY;
		else
			g->items[g->n++] = (unsigned char)c;
	}
	*rest = view_of(rest->ptr + i, rest->len - i);
	return !is_quoted && g->n > 0;
}

static bool has_plain_dot(struct ez_view v)
{
	bool is_quoted = false;

	for (size_t i = 0; i < v.len; i++) {
		if (v.ptr[i] == '"')
			is_quoted = !is_quoted;
		else if (v.ptr[i] == '.' && !is_quoted)
			return true;
	}
	return false;
}

static bool pattern_parse(struct pattern *p, struct ez_view text)
{
	struct ez_view rest = view_trim(text), schema = VIEW("public");

	p->text = view_dup(text);
	if (view_starts(rest, VIEW("!"))) {
		p->is_exclusion = true;
		rest = view_trim(view_of(rest.ptr + 1, rest.len - 1));
	}
	if (!has_plain_dot(rest))
		return glob_parse(&p->schema, &schema, '.') &&
		       glob_parse(&p->name, &rest, '\0') && rest.len == 0;
	if (!glob_parse(&p->schema, &rest, '.') || rest.len == 0)
		return false;
	rest = view_of(rest.ptr + 1, rest.len - 1);
	return glob_parse(&p->name, &rest, '\0') && rest.len == 0;
}

struct pg_tables *pg_tables_new(const struct ez_host *host, const struct ez_view *items,
				size_t n, struct ez_error *err)
{
	struct pg_tables *t = xcalloc(1, sizeof(*t));

	t->patterns = xcalloc(n ? n : 1, sizeof(*t->patterns));
	for (size_t i = 0; i < n; i++) {
		struct pattern *p = &t->patterns[t->n++];

		if (!pattern_parse(p, items[i])) {
			(void)host->fail(err, EZ_E_CONFIG, "",
					 "tables: \"%.*s\" is not a pattern",
					 VIEW_ARG(items[i]));
			(void)host->hint(err,
					 "write schema.table, with * and ? as wildcards, "
					 "and ! in front to exclude");
			pg_tables_free(t);
			return NULL;
		}
		if (!p->is_exclusion)
			t->has_inclusion = true;
	}
	return t;
}

void pg_tables_free(struct pg_tables *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		free(t->patterns[i].text);
		free(t->patterns[i].schema.items);
		free(t->patterns[i].name.items);
	}
	free(t->patterns);
	free(t);
}

/* Our own bookkeeping (decision R23) and the server's schemas. */
static bool is_reserved(struct ez_view schema)
{
	return view_eq(schema, VIEW("ezcdc")) || view_starts(schema, VIEW("pg_")) ||
	       view_eq(schema, VIEW("information_schema"));
}

bool pg_tables_match_one(const struct pg_tables *t, size_t i, struct ez_view schema,
			 struct ez_view name)
{
	return glob_matches(&t->patterns[i].schema, schema) &&
	       glob_matches(&t->patterns[i].name, name);
}

bool pg_tables_match(const struct pg_tables *t, struct ez_view schema,
		     struct ez_view name)
{
	if (is_reserved(schema))
		return false;
	for (size_t i = t->n; i-- > 0;) {
		if (pg_tables_match_one(t, i, schema, name))
			return !t->patterns[i].is_exclusion;
	}
	return !t->has_inclusion;
}

bool pg_tables_is_all(const struct pg_tables *t)
{
	return t->n == 0;
}

size_t pg_tables_count(const struct pg_tables *t)
{
	return t->n;
}

struct ez_view pg_tables_text(const struct pg_tables *t, size_t i)
{
	return view_str(t->patterns[i].text);
}

bool pg_tables_is_exclusion(const struct pg_tables *t, size_t i)
{
	return t->patterns[i].is_exclusion;
}
