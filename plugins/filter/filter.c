/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/view.h"
#include "common/pattern.h"
#include "filter/bind.h"
#include "filter/eval.h"
#include "filter/where.h"

/*
 * The transform `filter`: drops events by operation, and rows by what they hold.
 *
 * A row that leaves the selection by an update is a matter of choice: with leaving = "drop"
 * that update does not arrive and the target keeps the last version that fitted; with
 * leaving = "delete" it becomes a delete, as PostgreSQL's own row filters do it. Whether
 * the old row was selected is mostly not known, so a delete may come for a row that the
 * target never had.
 *
 * A delete is held against the old row, of which usually only the key was sent: what
 * cannot be decided is kept.
 */
enum filter_op {
	OP_INSERT = 1u << 0,
	OP_UPDATE = 1u << 1,
	OP_DELETE = 1u << 2,
	OP_TRUNCATE = 1u << 3,
	OP_SNAPSHOT = 1u << 4,
	OP_MESSAGE = 1u << 5,
	OP_ALL = (1u << 6) - 1,
};

static const struct {
	const char *name;
	uint32_t op; /* enum ez_op */
	unsigned bit;
} op_names[] = {
	{ "insert", EZ_OP_INSERT, OP_INSERT },
	{ "update", EZ_OP_UPDATE, OP_UPDATE },
	{ "delete", EZ_OP_DELETE, OP_DELETE },
	{ "truncate", EZ_OP_TRUNCATE, OP_TRUNCATE },
	{ "snapshot", EZ_OP_SNAPSHOT, OP_SNAPSHOT },
	{ "message", EZ_OP_MESSAGE, OP_MESSAGE },
};

struct filter {
	struct pattern_list tables;
	struct where where;
	unsigned operations; /* those that are kept */
	bool has_where, deletes_leaving;
};

static const struct ez_host *host;

static int filter_load(const struct ez_host *h)
{
	host = h;
	return EZ_OK;
}

/* ------------------------------------------------------------------ open */

static int read_operations(struct filter *f, const struct ez_config *config,
			   struct ez_error *err)
{
	size_t n = host->count(config, "operations");

	f->operations = n > 0 ? 0 : OP_ALL;
	for (size_t i = 0; i < n; i++) {
		struct ez_view item = host->item(config, "operations", i);
		size_t k = 0;

		while (k < ARRAY_LEN(op_names) && !view_eq_str(item, op_names[k].name))
			k++;
		if (k == ARRAY_LEN(op_names))
			return host->fail(err, EZ_E_CONFIG, "",
					  "operations: \"%.*s\": insert, update, delete, "
					  "truncate, snapshot or message is wanted",
					  VIEW_ARG(item));
		f->operations |= op_names[k].bit;
	}
	return EZ_OK;
}

static int fail_where(const struct where_error *e, const struct ez_table *t,
		      struct ez_error *err)
{
	if (!t)
		return host->fail(err, EZ_E_CONFIG, "", "where: at character %zu: %s",
				  e->at + 1, e->why);
	host->fail(err, EZ_E_CONFIG, "", "where: at character %zu: %s (table %.*s.%.*s)",
		   e->at + 1, e->why, VIEW_ARG(t->schema), VIEW_ARG(t->name));
	return host->hint(err, "name the tables that the filter is for in tables");
}

static int read_where(struct filter *f, const struct ez_config *config,
		      struct ez_error *err)
{
	struct where_error error;

	if (!host->is_set(config, "where"))
		return EZ_OK;
	if (!where_parse(host->str(config, "where"), &f->where, &error))
		return fail_where(&error, NULL, err);
	f->has_where = true;
	return EZ_OK;
}

static int read_options(struct filter *f, const struct ez_config *config,
			struct ez_error *err)
{
	int rc = pattern_list_load(&f->tables, host, config, "tables", 2, err);

	if (rc == EZ_OK)
		rc = read_operations(f, config, err);
	if (rc == EZ_OK)
		rc = read_where(f, config, err);
	if (rc != EZ_OK)
		return rc;
	f->deletes_leaving = view_eq_str(host->str(config, "leaving"), "delete");
	if (f->operations == OP_ALL && !f->has_where)
		return host->fail(err, EZ_E_CONFIG, "",
				  "the filter drops nothing: give operations or where "
				  "(tables only says for which tables these hold)");
	return EZ_OK;
}

static void filter_close(void *inst)
{
	struct filter *f = inst;

	pattern_list_release(&f->tables);
	where_release(&f->where);
	free(f);
}

static int filter_open(const struct ez_open *open, void **ret_inst, struct ez_error *err)
{
	struct filter *f = xcalloc(1, sizeof(*f));
	int rc = read_options(f, open->config, err);

	if (rc != EZ_OK) {
		filter_close(f);
		return rc;
	}
	*ret_inst = f;
	return EZ_OK;
}

/* ------------------------------------------------------------------ tables */

static int filter_table(void *inst, const struct ez_table *in, struct ez_shape *out,
			void **ret_state, struct ez_error *err)
{
	const struct filter *f = inst;
	struct where_bound *b;
	struct where_error error;

	(void)out;
	if (!pattern_list_has_table(&f->tables, in))
		return EZ_SKIP;
	*ret_state = NULL;
	if (!f->has_where)
		return EZ_OK;
	b = xcalloc(1, sizeof(*b));
	if (!where_bind(&f->where, in, b, &error)) {
		free(b);
		return fail_where(&error, in, err);
	}
	*ret_state = b;
	return EZ_OK;
}

static void filter_table_free(void *inst, void *state)
{
	(void)inst;
	if (state)
		where_bound_release(state);
	free(state);
}

/* ------------------------------------------------------------------ events */

static unsigned bit_of(uint32_t op)
{
	for (size_t i = 0; i < ARRAY_LEN(op_names); i++) {
		if (op_names[i].op == op)
			return op_names[i].bit;
	}
	return 0;
}

static bool may_fit(const struct where_bound *b, const struct ez_event *ev)
{
	struct row row = { .cells = ev->op == EZ_OP_DELETE ? ev->before : ev->after };

	if (ev->op == EZ_OP_UPDATE && (ev->flags & EZ_EV_BEFORE_FULL))
		row.old = ev->before;
	return (where_eval(b, &row) & TRUTH_TRUE) != 0;
}

/* An old row of which only the key is known, as a delete has it. */
static struct ez_cell *make_key_row(const struct ez_event *ev, struct ez_out *out)
{
	uint32_t n = ev->table->n_columns;
	struct ez_cell *cells = host->alloc(out, n * sizeof(*cells));

	for (uint32_t i = 0; i < n; i++) {
		if (ev->table->columns[i]->flags & EZ_COL_KEY)
			cells[i] = ev->after[i];
		else
			cells[i] = (struct ez_cell){ .kind = EZ_CELL_ABSENT };
	}
	return cells;
}

/* The new row of an update does not fit: it may have taken its row out of the selection. */
static int leave(const struct filter *f, const struct where_bound *b, struct ez_event *ev,
		 struct ez_out *out)
{
	struct row old = { .cells = ev->flags & EZ_EV_BEFORE_FULL ? ev->before : NULL };

	if (!f->deletes_leaving || !(f->operations & OP_DELETE) ||
	    !(where_eval(b, &old) & TRUTH_TRUE))
		return EZ_SKIP;
	if (!ev->before && ev->table->n_keys == 0)
		return EZ_OK;
	if (!ev->before)
		ev->before = make_key_row(ev, out);
	ev->op = EZ_OP_DELETE;
	ev->flags &= ~(uint32_t)EZ_EV_KEY_CHANGED;
	ev->after = NULL;
	return EZ_OK;
}

static int filter_apply(void *inst, void *state, struct ez_event *ev, struct ez_out *out,
			struct ez_error *err)
{
	const struct filter *f = inst;
	unsigned bit = bit_of(ev->op);

	(void)err;
	/* A message belongs to no table: a filter for some tables leaves it alone. */
	if (!ev->table && f->tables.n > 0)
		return EZ_OK;
	if (bit && !(f->operations & bit))
		return EZ_SKIP;
	if (!state || ev->op == EZ_OP_TRUNCATE || ev->op == EZ_OP_MESSAGE ||
	    may_fit(state, ev))
		return EZ_OK;
	return ev->op == EZ_OP_UPDATE ? leave(f, state, ev, out) : EZ_SKIP;
}

/* ------------------------------------------------------------------ the plugin */

static const struct ez_option opt_tables = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_LIST,
	.name = "tables",
	.label = "Tables",
	.help = "Tables that the filter is for, as \"schema.table\"; * and ? are wildcards, a "
		"leading ! excludes, the last pattern that matches decides. All, if it is not "
		"given. Other tables pass.",
};
static const struct ez_option opt_operations = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_LIST,
	.name = "operations",
	.label = "Operations to keep",
	.help = "Any of insert, update, delete, truncate, snapshot, message; the rest is "
		"dropped. All, if it is not given.",
};
static const struct ez_option opt_where = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.name = "where",
	.label = "Rows to keep",
	.help = "Comparisons of columns with literals, joined by and, or, not: "
		"country = 'de' and total >= 100.",
};
static const struct ez_option opt_leaving = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_ENUM,
	.name = "leaving",
	.label = "Rows that stop to fit",
	.fallback = "drop",
	.choices = "drop|delete",
	.help = "An update whose new row does not fit is dropped, and the target keeps the "
		"old version, or becomes a delete.",
};
static const struct ez_option *const options[] = {
	&opt_tables, &opt_operations, &opt_where, &opt_leaving, NULL,
};

static const struct ez_transform ops = {
	.size = sizeof(ops),
	.open = filter_open,
	.close = filter_close,
	.table = filter_table,
	.apply = filter_apply,
	.table_free = filter_table_free,
};

const struct ez_plugin ez_plugin = {
	EZ_PLUGIN_HEAD,
	.kind = EZ_TRANSFORM,
	.name = "filter",
	.version = PACKAGE_VERSION,
	.summary = "Drops events by operation and rows by their values.",
	.options = options,
	.load = filter_load,
	.ops = { .transform = &ops },
};
