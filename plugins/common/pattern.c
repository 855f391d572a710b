/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "common/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

enum { ANY_NUMBER = 256, ANY_ONE = 257 };

/* ------------------------------------------------------------------ parsing */

static void add_item(struct glob *g, char c, bool is_quoted)
{
	uint16_t item = (unsigned char)c;

	if (!is_quoted && (c == '*' || c == '?')) {
		item = c == '*' ? ANY_NUMBER : ANY_ONE;
		g->has_wildcard = true;
	}
	g->items[g->n++] = item;
}

/* Takes one part off `rest`, up to a dot outside quotes. */
static bool read_part(struct ez_view *rest, struct glob *g, const char **ret_why)
{
	bool is_quoted = false;
	size_t i = 0;

	g->items = xcalloc(rest->len + 1, sizeof(*g->items));
	for (; i < rest->len && (is_quoted || rest->ptr[i] != '.'); i++) {
		bool is_quote = rest->ptr[i] == '"';

		if (is_quote && is_quoted && i + 1 < rest->len &&
		    rest->ptr[i + 1] == '"') {
			add_item(g, rest->ptr[i++], true);
			continue;
		}
		if (is_quote)
			is_quoted = !is_quoted;
		else
			add_item(g, rest->ptr[i], is_quoted);
	}
	*rest = view_of(rest->ptr + i, rest->len - i);
	*ret_why = is_quoted ? "a quote is not closed" : "a part is empty";
	return !is_quoted && g->n > 0;
}

static bool has_dot(struct ez_view v)
{
	bool is_quoted = false;

	for (size_t i = 0; i < v.len; i++) {
		if (v.ptr[i] == '.' && !is_quoted)
			return true;
		is_quoted ^= v.ptr[i] == '"';
	}
	return false;
}

static bool read_parts(struct ez_view rest, struct pattern *p, const char **ret_why)
{
	struct ez_view schema = VIEW("public");
	unsigned first = p->n_parts == 2 && !has_dot(rest);

	if (first == 1 && !read_part(&schema, &p->parts[0], ret_why))
		return false;
	for (unsigned i = first; i < p->n_parts; i++) {
		if (i > first && rest.len == 0) {
			*ret_why = "schema.table.column is wanted";
			return false;
		}
		if (i > first)
			rest = view_of(rest.ptr + 1, rest.len - 1);
		if (!read_part(&rest, &p->parts[i], ret_why))
			return false;
	}
	*ret_why = "too many parts: quote a name that holds a dot";
	return rest.len == 0;
}

bool pattern_parse(struct ez_view text, unsigned n_parts, struct pattern *ret_pattern,
		   const char **ret_why)
{
	struct ez_view v = view_trim(text.ptr ? text : VIEW(""));
	struct pattern p = { .n_parts = n_parts };

	ASSERT(n_parts >= 2 && n_parts <= PATTERN_PARTS_MAX);
	if (view_starts(v, VIEW("!"))) {
		p.is_exclusion = true;
		v = view_trim(view_of(v.ptr + 1, v.len - 1));
	}
	p.text = view_dup(v);
	if (!read_parts(v, &p, ret_why)) {
		pattern_release(&p);
		return false;
	}
	*ret_pattern = p;
	return true;
}

void pattern_release(struct pattern *p)
{
	for (unsigned i = 0; i < PATTERN_PARTS_MAX; i++)
		free(p->parts[i].items);
	free(p->text);
	*p = (struct pattern){ .n_parts = p->n_parts };
}

/* ------------------------------------------------------------------ matching */

/* What is no UTF-8 counts as one character a byte. */
static size_t character_len(struct ez_view v, size_t at)
{
	return MAX(utf8_char_len(v.ptr + at, v.len - at), (size_t)1);
}

bool glob_matches(const struct glob *g, struct ez_view name)
{
	size_t i = 0, at = 0, star = SIZE_MAX, star_at = 0;

	while (at < name.len) {
		uint16_t item = i < g->n ? g->items[i] : UINT16_MAX;

		if (item == ANY_NUMBER) {
			star = i++;
			star_at = at;
		} else if (item == ANY_ONE) {
			at += character_len(name, at);
			i++;
		} else if (item == (unsigned char)name.ptr[at]) {
			at++;
			i++;
		} else if (star != SIZE_MAX) {
			/* Only the last star needs another try: an earlier one cannot do better. */
			i = star + 1;
			star_at += character_len(name, star_at);
			at = star_at;
		} else {
			return false;
		}
	}
	while (i < g->n && g->items[i] == ANY_NUMBER)
		i++;
	return i == g->n;
}

bool pattern_matches(const struct pattern *p, const struct ez_view *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!glob_matches(&p->parts[i], names[i]))
			return false;
	}
	return true;
}

int pattern_list_load(struct pattern_list *ret_list, const struct ez_host *host,
		      const struct ez_config *config, const char *option,
		      unsigned n_parts, struct ez_error *err)
{
	struct pattern_list l = { .n = 0 };
	size_t n = host->count(config, option);

	l.items = xcalloc(n + 1, sizeof(*l.items));
	for (size_t i = 0; i < n; i++) {
		struct ez_view text = host->item(config, option, i);
		const char *why = "";

		if (!pattern_parse(text, n_parts, &l.items[l.n], &why)) {
			pattern_list_release(&l);
			return host->fail(err, EZ_E_CONFIG, "", "%s: \"%.*s\": %s",
					  option, VIEW_ARG(text), why);
		}
		l.n_exclusions += l.items[l.n++].is_exclusion;
	}
	*ret_list = l;
	return EZ_OK;
}

void pattern_list_release(struct pattern_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		pattern_release(&l->items[i]);
	free(l->items);
	*l = (struct pattern_list){ .n = 0 };
}

bool pattern_list_has(const struct pattern_list *l, const struct ez_view *names)
{
	for (size_t i = l->n; i-- > 0;) {
		const struct pattern *p = &l->items[i];

		if (pattern_matches(p, names, p->n_parts))
			return !p->is_exclusion;
	}
	return l->n == l->n_exclusions;
}

bool pattern_list_has_table(const struct pattern_list *l, const struct ez_table *t)
{
	const struct ez_view names[] = { t->schema, t->name };

	return pattern_list_has(l, names);
}

bool pattern_list_has_column(const struct pattern_list *l, const struct ez_table *t,
			     const struct ez_column *c)
{
	const struct ez_view names[] = { t->schema, t->name, c->name };

	return pattern_list_has(l, names);
}

static bool has_column(const struct ez_table *t, const struct glob *g)
{
	for (uint32_t i = 0; i < t->n_columns; i++) {
		if (glob_matches(g, t->columns[i]->name))
			return true;
	}
	return false;
}

const struct pattern *pattern_list_find_missing(const struct pattern_list *l,
						const struct ez_table *t)
{
	const struct ez_view names[] = { t->schema, t->name };

	for (size_t i = 0; i < l->n; i++) {
		const struct pattern *p = &l->items[i];
		bool is_literal = glob_is_literal(&p->parts[0]) &&
				  glob_is_literal(&p->parts[1]) &&
				  glob_is_literal(&p->parts[2]);

		if (is_literal && !p->is_exclusion && pattern_matches(p, names, 2) &&
		    !has_column(t, &p->parts[2]))
			return p;
	}
	return NULL;
}
