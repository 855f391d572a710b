/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMON_PATTERN_H
#define COMMON_PATTERN_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * Names as operators write them in lists: "public.orders", "public.*", "!public.audit_*".
 *
 * The language is that of the option `tables` of pgoutput. A pattern has a fixed number of
 * parts (schema and table; or schema, table and column) with dots between them; "orders"
 * alone is a table of the schema public. `*` stands for any number of characters, `?` for
 * one. What is in double quotes is taken as it stands, dots and stars included; "" inside is
 * one quote. Comparison is by bytes: case matters. A leading "!" excludes.
 *
 * The last pattern of a list that matches a name decides. A list of exclusions alone, or of
 * nothing, begins with everything.
 *
 * Lists and patterns own their memory until _release. They are read-only after loading.
 */
enum { PATTERN_PARTS_MAX = 3 };

/* One part: bytes, and above them the signs that match others. */
struct glob {
	uint16_t *items;
	size_t n;
	bool has_wildcard;
};

struct pattern {
	struct glob parts[PATTERN_PARTS_MAX];
	char *text;  /* as written, without "!", for messages */
	char *bytes; /* what the pieces point into */
	unsigned n_parts;
	bool is_exclusion;
};

struct pattern_list {
	struct pattern *items;
	size_t n, n_exclusions;
};

/* False with a reason (static text) when `text` is not a pattern of `n_parts` parts. */
_must_check_ bool pattern_parse(struct ez_view text, unsigned n_parts,
				struct pattern *ret_pattern, const char **ret_why);
void pattern_release(struct pattern *p);

bool glob_matches(const struct glob *g, struct ez_view name);

static inline bool glob_is_literal(const struct glob *g)
{
	return !g->has_wildcard;
}

/* Whether the first `n` parts match the names, the sign aside. */
bool pattern_matches(const struct pattern *p, const struct ez_view *names, unsigned n);

/* Reads a LIST option. EZ_E_CONFIG when an item is not a pattern. */
_must_check_ int pattern_list_load(struct pattern_list *ret_list,
				   const struct ez_host *host,
				   const struct ez_config *config, const char *option,
				   unsigned n_parts, struct ez_error *err);
void pattern_list_release(struct pattern_list *l);

/* `names` has as many parts as the patterns. */
bool pattern_list_has(const struct pattern_list *l, const struct ez_view *names);

/* For lists of schema and table. */
bool pattern_list_has_table(const struct pattern_list *l, const struct ez_table *t);

/* For lists of schema, table and column. */
bool pattern_list_has_column(const struct pattern_list *l, const struct ez_table *t,
			     const struct ez_column *c);

/*
 * A pattern without wildcards that names this table but no column of it: either a misspelt
 * name or a column that has gone or been renamed. NULL: none.
 */
const struct pattern *pattern_list_find_missing(const struct pattern_list *l,
						const struct ez_table *t);

#endif
