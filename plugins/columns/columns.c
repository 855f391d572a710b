/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/map.h"
#include "base/view.h"
#include "columns/metadata.h"
#include "columns/rules.h"
#include "common/pattern.h"
#include "common/shape.h"

/*
 * The transform `columns`: drops, renames and adds columns.
 *
 * A shape is worked out once: which of the incoming cells stay, and which rules add one.
 * Events then have their cells moved up in place (drop), or copied into a longer row
 * (add); a rename touches no event. Added columns come last, in the order of the rules.
 *
 * In `before`, an added column can only hold what is known of the old row: a constant or
 * the table's name where the old row is whole, and everything for a delete, whose `before`
 * is the only row it has. Elsewhere the cell is absent.
 */
struct columns {
	struct pattern_list tables, drop;
	struct rename_rule *renames;
	struct add_rule *adds;
	size_t n_renames, n_adds;
};

struct columns_table {
	uint32_t n_in, n_kept;
	uint32_t kept[]; /* numbers of the incoming columns, rising */
};

static const struct ez_host *host;

static int columns_load(const struct ez_host *h)
{
	host = h;
	return EZ_OK;
}

/* ------------------------------------------------------------------ open */

static int fail_item(const char *option, struct ez_view item, const char *why,
		     struct ez_error *err)
{
	return host->fail(err, EZ_E_CONFIG, "", "%s: \"%.*s\": %s", option,
			  VIEW_ARG(item), why);
}

static int read_renames(struct columns *c, const struct ez_config *config,
			struct ez_error *err)
{
	size_t n = host->count(config, "rename");

	c->renames = xcalloc(n + 1, sizeof(*c->renames));
	for (size_t i = 0; i < n; i++) {
		struct ez_view item = host->item(config, "rename", i);
		const char *why = "";

		if (!rename_rule_parse(item, &c->renames[c->n_renames], &why))
			return fail_item("rename", item, why, err);
		c->n_renames++;
	}
	return EZ_OK;
}

static int read_adds(struct columns *c, const struct ez_config *config,
		     struct ez_error *err)
{
	size_t n = host->count(config, "add");

	c->adds = xcalloc(n + 1, sizeof(*c->adds));
	for (size_t i = 0; i < n; i++) {
		struct ez_view item = host->item(config, "add", i);
		const char *why = "";

		if (!add_rule_parse(item, &c->adds[c->n_adds], &why))
			return fail_item("add", item, why, err);
		c->n_adds++;
	}
	return EZ_OK;
}

static int read_options(struct columns *c, const struct ez_config *config,
			struct ez_error *err)
{
	int rc = pattern_list_load(&c->tables, host, config, "tables", 2, err);

	if (rc == EZ_OK)
		rc = pattern_list_load(&c->drop, host, config, "drop", 3, err);
	if (rc == EZ_OK && c->drop.n > 0 && c->drop.n == c->drop.n_exclusions)
		rc = host->fail(err, EZ_E_CONFIG, "",
				"drop: there are exclusions only, and nothing to drop");
	if (rc == EZ_OK)
		rc = read_renames(c, config, err);
	return rc == EZ_OK ? read_adds(c, config, err) : rc;
}

static void columns_close(void *inst)
{
	struct columns *c = inst;

	pattern_list_release(&c->tables);
	pattern_list_release(&c->drop);
	for (size_t i = 0; i < c->n_renames; i++)
		rename_rule_release(&c->renames[i]);
	for (size_t i = 0; i < c->n_adds; i++)
		add_rule_release(&c->adds[i]);
	free(c->renames);
	free(c->adds);
	free(c);
}

static int columns_open(const struct ez_open *open, void **ret_inst, struct ez_error *err)
{
	struct columns *c = xcalloc(1, sizeof(*c));
	int rc = read_options(c, open->config, err);

	if (rc != EZ_OK) {
		columns_close(c);
		return rc;
	}
	*ret_inst = c;
	return EZ_OK;
}

/* ------------------------------------------------------------------ tables */

static int fail_missing(const char *option, const struct ez_table *t, const char *text,
			struct ez_error *err)
{
	host->fail(err, EZ_E_CONFIG, "", "%s: table %.*s.%.*s has no column for \"%s\"",
		   option, VIEW_ARG(t->schema), VIEW_ARG(t->name), text);
	return host->hint(err,
			  "correct the name, or take it out of %s if that column is gone",
			  option);
}

/* Drops columns from `s` and notes in `ct` which of the incoming ones stay. */
static int drop_columns(const struct columns *c, const struct ez_table *in,
			struct shape *s, struct columns_table *ct, struct ez_error *err)
{
	const struct pattern *missing = pattern_list_find_missing(&c->drop, in);

	if (missing)
		return fail_missing("drop", in, missing->text, err);
	for (uint32_t i = 0; i < in->n_columns; i++) {
		const struct ez_column *col = in->columns[i];

		if (c->drop.n == 0 || !pattern_list_has_column(&c->drop, in, col)) {
			ct->kept[ct->n_kept++] = i;
			continue;
		}
		if (col->flags & EZ_COL_KEY)
			return host->fail(err, EZ_E_CONFIG, "",
					  "drop: %.*s.%.*s.%.*s is part of the key",
					  VIEW_ARG(in->schema), VIEW_ARG(in->name),
					  VIEW_ARG(col->name));
		shape_drop(s, ct->n_kept);
	}
	return EZ_OK;
}

static int rename_columns(const struct columns *c, const struct ez_table *in,
			  struct shape *s, struct ez_error *err)
{
	const struct ez_view names[] = { in->schema, in->name };

	for (size_t i = 0; i < c->n_renames; i++) {
		const struct rename_rule *r = &c->renames[i];
		bool is_literal = glob_is_literal(&r->from.parts[0]) &&
				  glob_is_literal(&r->from.parts[1]);
		bool found = false;

		if (!pattern_matches(&r->from, names, 2))
			continue;
		for (uint32_t k = 0; k < in->n_columns && !found; k++)
			found = glob_matches(&r->from.parts[2], in->columns[k]->name);
		if (!found && is_literal)
			return fail_missing("rename", in, r->from.text, err);
	}
	for (uint32_t k = 0; k < s->n_columns; k++) {
		const struct ez_view name[] = { in->schema, in->name,
						s->columns[k]->name };
		size_t i = 0;

		while (i < c->n_renames && !pattern_matches(&c->renames[i].from, name, 3))
			i++;
		if (i < c->n_renames)
			s->columns[k]->name = view_str(c->renames[i].to);
	}
	return EZ_OK;
}

static void add_columns(const struct columns *c, struct shape *s)
{
	for (size_t i = 0; i < c->n_adds; i++) {
		enum metadata m = c->adds[i].metadata;

		shape_add(s, view_str(c->adds[i].name), metadata_type(m),
			  metadata_native(m));
	}
}

static int check_names(const struct shape *s, struct ez_error *err)
{
	struct map seen = MAP_INIT;
	int rc = EZ_OK;

	for (uint32_t i = 0; rc == EZ_OK && i < s->n_columns; i++) {
		struct ez_view name = s->columns[i]->name;

		if (map_find(&seen, name))
			rc = host->fail(err, EZ_E_CONFIG, "",
					"table %.*s.%.*s would have two columns %.*s",
					VIEW_ARG(s->table->schema),
					VIEW_ARG(s->table->name), VIEW_ARG(name));
		else
			map_put(&seen, name, NULL);
	}
	map_release(&seen, NULL);
	return rc;
}

static int reshape(const struct columns *c, const struct ez_table *in, struct shape *s,
		   struct columns_table *ct, struct ez_error *err)
{
	int rc = drop_columns(c, in, s, ct, err);

	if (rc == EZ_OK)
		rc = rename_columns(c, in, s, err);
	if (rc != EZ_OK)
		return rc;
	add_columns(c, s);
	if (s->n_columns == 0)
		return host->fail(err, EZ_E_CONFIG, "",
				  "drop: nothing would be left of table %.*s.%.*s",
				  VIEW_ARG(in->schema), VIEW_ARG(in->name));
	return check_names(s, err);
}

static bool is_altered(const struct columns *c, const struct columns_table *ct,
		       const struct shape *s, const struct ez_table *in)
{
	bool altered = c->n_adds > 0 || ct->n_kept < ct->n_in;

	for (uint32_t i = 0; !altered && i < in->n_columns; i++)
		altered = !view_eq(s->columns[i]->name, in->columns[i]->name);
	return altered;
}

static int columns_table(void *inst, const struct ez_table *in, struct ez_shape *out,
			 void **ret_state, struct ez_error *err)
{
	const struct columns *c = inst;
	_cleanup_(freep) struct columns_table *ct = NULL;
	struct shape s;
	int rc;

	if (in->n_columns == 0 || !pattern_list_has_table(&c->tables, in))
		return EZ_SKIP;
	ct = xcalloc(1, sizeof(*ct) + in->n_columns * sizeof(ct->kept[0]));
	ct->n_in = in->n_columns;
	shape_init(&s, in, (uint32_t)c->n_adds);
	rc = reshape(c, in, &s, ct, err);
	if (rc == EZ_OK && !is_altered(c, ct, &s, in))
		rc = EZ_SKIP;
	if (rc == EZ_OK) {
		shape_put(&s, host, out);
		*ret_state = TAKE_PTR(ct);
	}
	shape_release(&s);
	return rc;
}

static void columns_table_free(void *inst, void *state)
{
	(void)inst;
	free(state);
}

/* ------------------------------------------------------------------ events */

/* The text of an added column, in the batch's memory. */
static struct ez_cell make_cell(const struct add_rule *rule, const struct ez_event *ev,
				struct ez_out *out)
{
	struct ez_view text = view_of(rule->constant, rule->constant_len);
	struct metadata_buf buf;
	char *to;

	if (rule->metadata != METADATA_NONE &&
	    !metadata_text(rule->metadata, ev, &buf, &text))
		return (struct ez_cell){ .kind = EZ_CELL_NULL };
	to = host->alloc(out, text.len);
	if (text.len > 0)
		memcpy(to, text.ptr, text.len);
	return (struct ez_cell){ .ptr = to,
				 .len = (uint32_t)text.len,
				 .kind = EZ_CELL_TEXT };
}

static bool is_known_before(const struct add_rule *rule, const struct ez_event *ev)
{
	if (ev->op == EZ_OP_DELETE)
		return true;
	return metadata_is_fixed(rule->metadata) && (ev->flags & EZ_EV_BEFORE_FULL);
}

/* The cells of a row in their new places. */
static struct ez_cell *move_cells(const struct columns *c, const struct columns_table *ct,
				  struct ez_cell *cells, struct ez_out *out)
{
	struct ez_cell *to = cells;

	if (c->n_adds > 0)
		to = host->alloc(out, (ct->n_kept + c->n_adds) * sizeof(*to));
	if (to != cells && ct->n_kept == ct->n_in)
		memcpy(to, cells, ct->n_kept * sizeof(*to));
	else if (ct->n_kept < ct->n_in)
		for (uint32_t i = 0; i < ct->n_kept; i++)
			to[i] = cells[ct->kept[i]];
	return to;
}

static int columns_apply(void *inst, void *state, struct ez_event *ev, struct ez_out *out,
			 struct ez_error *err)
{
	const struct columns *c = inst;
	const struct columns_table *ct = state;

	(void)err;
	if (!ev->table)
		return EZ_OK;
	if (ev->before)
		ev->before = move_cells(c, ct, ev->before, out);
	if (ev->after)
		ev->after = move_cells(c, ct, ev->after, out);
	for (size_t i = 0; i < c->n_adds; i++) {
		const struct add_rule *rule = &c->adds[i];

		if (ev->after)
			ev->after[ct->n_kept + i] = make_cell(rule, ev, out);
		if (ev->before && is_known_before(rule, ev))
			ev->before[ct->n_kept + i] = make_cell(rule, ev, out);
		else if (ev->before)
			ev->before[ct->n_kept + i] =
				(struct ez_cell){ .kind = EZ_CELL_ABSENT };
	}
	return EZ_OK;
}

/* ------------------------------------------------------------------ the plugin */

static const struct ez_option opt_tables = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_LIST,
	.name = "tables",
	.label = "Tables",
	.help = "Tables that this concerns, as \"schema.table\"; * and ? are wildcards, a "
		"leading ! excludes, the last pattern that matches decides. All, if it is not "
		"given.",
};
static const struct ez_option opt_drop = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_LIST,
	.name = "drop",
	.label = "Drop",
	.help = "Columns to leave out, as \"schema.table.column\", with *, ? and !. A column of "
		"the key cannot be dropped.",
};
static const struct ez_option opt_rename = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_LIST,
	.name = "rename",
	.label = "Rename",
	.help = "\"schema.table.old=new\"; * and ? may stand in schema and table.",
};
static const struct ez_option opt_add = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_LIST,
	.name = "add",
	.label = "Add",
	.help = "\"name=text\" adds a column with a constant text, \"name=$op\" one with what "
		"is known of the change: " METADATA_NAMES ".",
};
static const struct ez_option *const options[] = {
	&opt_tables, &opt_drop, &opt_rename, &opt_add, NULL,
};

static const struct ez_transform ops = {
	.size = sizeof(ops),
	.open = columns_open,
	.close = columns_close,
	.table = columns_table,
	.apply = columns_apply,
	.table_free = columns_table_free,
};

const struct ez_plugin ez_plugin = {
	EZ_PLUGIN_HEAD,
	.kind = EZ_TRANSFORM,
	.name = "columns",
	.version = PACKAGE_VERSION,
	.summary = "Drops, renames and adds columns.",
	.options = options,
	.load = columns_load,
	.ops = { .transform = &ops },
};
