/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "common/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Where the parser stands. Unescaped bytes are collected in `to`, never more than read. */
struct reader {
	const char *pos, *end;
	char *to;
	const char *why;
};

static void add_piece(struct glob *g, struct ez_view piece)
{
	g->pieces = xreallocarray(g->pieces, g->n_pieces + 1, sizeof(*g->pieces));
	g->pieces[g->n_pieces++] = piece;
}

static bool read_quoted(struct reader *r, struct glob *g)
{
	char *start = r->to;

	for (r->pos++; r->pos < r->end; r->pos++) {
		if (*r->pos == '"' && !(r->pos + 1 < r->end && r->pos[1] == '"')) {
			r->pos++;
			add_piece(g, view_of(start, (size_t)(r->to - start)));
			return true;
		}
		if (*r->pos == '"')
			r->pos++;
		*r->to++ = *r->pos;
	}
	r->why = "a quote is not closed";
	return false;
}

static bool read_plain(struct reader *r, struct glob *g)
{
	char *start = r->to;

	for (; r->pos < r->end && *r->pos != '.'; r->pos++) {
		if (*r->pos == '"') {
			r->why = "quotes go around a whole part";
			return false;
		}
		if (*r->pos == '*') {
			add_piece(g, view_of(start, (size_t)(r->to - start)));
			start = r->to;
		} else {
			*r->to++ = *r->pos;
		}
	}
	add_piece(g, view_of(start, (size_t)(r->to - start)));
	return true;
}

static bool read_part(struct reader *r, struct glob *g)
{
	bool ok =
		r->pos < r->end && *r->pos == '"' ? read_quoted(r, g) : read_plain(r, g);

	if (ok && glob_is_literal(g) && g->pieces[0].len == 0) {
		r->why = "a part is empty";
		return false;
	}
	return ok;
}

static bool read_parts(struct reader *r, struct pattern *p)
{
	for (unsigned i = 0; i < p->n_parts; i++) {
		if (i > 0 && (r->pos == r->end || *r->pos != '.')) {
			r->why = p->n_parts == 2 ? "schema.table is wanted"
						 : "schema.table.column is wanted";
			return false;
		}
		if (i > 0)
			r->pos++;
		if (!read_part(r, &p->parts[i]))
			return false;
	}
	if (r->pos < r->end) {
		r->why = "too many parts: quote a name that holds a dot";
		return false;
	}
	return true;
}

bool pattern_parse(struct ez_view text, unsigned n_parts, struct pattern *ret_pattern,
		   const char **ret_why)
{
	struct ez_view v = view_trim(text);
	struct pattern p = { .n_parts = n_parts };
	struct reader r;

	ASSERT(n_parts >= 2 && n_parts <= PATTERN_PARTS_MAX);
	if (v.len > 0 && *v.ptr == '!') {
		p.is_exception = true;
		v = view_trim(view_of(v.ptr + 1, v.len - 1));
	}
	p.text = view_dup(v);
	p.bytes = xmalloc(v.len + 1);
	r = (struct reader){ .pos = v.ptr,
			     .end = v.ptr ? v.ptr + v.len : NULL,
			     .to = p.bytes };
	if (!read_parts(&r, &p)) {
		pattern_release(&p);
		*ret_why = r.why;
		return false;
	}
	*ret_pattern = p;
	return true;
}

void pattern_release(struct pattern *p)
{
	for (unsigned i = 0; i < PATTERN_PARTS_MAX; i++)
		free(p->parts[i].pieces);
	free(p->text);
	free(p->bytes);
	*p = (struct pattern){ .n_parts = p->n_parts };
}

bool glob_matches(const struct glob *g, struct ez_view name)
{
	struct ez_view last = g->pieces[g->n_pieces - 1];
	struct ez_view rest = name.ptr ? name : VIEW("");

	if (g->n_pieces == 1)
		return view_eq(name, last);
	if (!view_starts(rest, g->pieces[0]))
		return false;
	rest = view_of(rest.ptr + g->pieces[0].len, rest.len - g->pieces[0].len);
	for (size_t i = 1; i + 1 < g->n_pieces; i++) {
		struct ez_view piece = g->pieces[i];
		const char *at = memmem(rest.ptr, rest.len, piece.ptr, piece.len);

		if (!at)
			return false;
		at += piece.len;
		rest = view_of(at, (size_t)(rest.ptr + rest.len - at));
	}
	return view_ends(rest, last);
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
		l.n_exceptions += l.items[l.n++].is_exception;
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
	bool found = l->n == l->n_exceptions;

	for (size_t i = 0; i < l->n; i++) {
		const struct pattern *p = &l->items[i];

		if (found && !p->is_exception)
			continue;
		if (!pattern_matches(p, names, p->n_parts))
			continue;
		if (p->is_exception)
			return false;
		found = true;
	}
	return found;
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

		if (is_literal && !p->is_exception && pattern_matches(p, names, 2) &&
		    !has_column(t, &p->parts[2]))
			return p;
	}
	return NULL;
}
