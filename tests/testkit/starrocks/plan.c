/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "columns.h"

void plan_release(struct plan *p)
{
	for (size_t i = 0; i < p->n_fields; i++)
		free(p->fields[i]);
	for (size_t i = 0; i < p->n_slots; i++)
		free(p->slots[i].text);
	free(p->op.text);
	free(p->fields);
	free(p->slots);
	*p = (struct plan){ .n_fields = 0 };
}

static bool is_op(const char *name)
{
	return strcasecmp(name, "__op") == 0;
}

static void add_field(struct plan *p, const char *name)
{
	p->fields = xreallocarray(p->fields, p->n_fields + 1, sizeof(char *));
	p->fields[p->n_fields++] = xstrdup(name);
}

static size_t find_field(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_fields; i++)
		if (strcasecmp(p->fields[i], name) == 0)
			return i;
	return SIZE_MAX;
}

static struct slot *find_slot(struct plan *p, const struct column *col)
{
	for (size_t i = 0; i < p->n_slots; i++)
		if (p->slots[i].column == col)
			return &p->slots[i];
	return NULL;
}

/* All columns, not loaded yet. */
static void add_slots(struct plan *p, const struct schema *s)
{
	p->slots = xcalloc(MAX(s->n_columns, (size_t)1), sizeof(*p->slots));
	for (size_t i = 0; i < s->n_columns; i++)
		p->slots[p->n_slots++] =
			(struct slot){ .column = &s->columns[i], .kind = SLOT_DEFAULT };
}

static void plan_all(struct plan *p, const struct load_options *o, bool is_primary)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		add_field(p, p->slots[i].column->name);
		p->slots[i].kind = SLOT_FIELD;
		p->slots[i].field = i;
	}
	if (o->is_json && is_primary) {
		p->has_op = p->op_is_optional = true;
		p->op = (struct slot){ .kind = SLOT_FIELD, .field = p->n_fields };
		add_field(p, "__op");
	}
}

static bool is_used(const struct column_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].is_mapping && l->items[i].argument &&
		    l->items[i].kind != SLOT_CONST &&
		    strcasecmp(l->items[i].argument, name) == 0)
			return true;
	return false;
}

/* The slot that an item of `columns` fills, or NULL when it is a temporary field. */
static bool target_of(struct plan *p, const struct column_list *l,
		      const struct column_item *item, bool is_primary, struct slot **ret,
		      char *text, size_t size)
{
	const struct column *col = schema_find(p->schema, view_str(item->name));

	*ret = NULL;
	if (!col && is_primary && is_op(item->name)) {
		p->has_op = true;
		*ret = &p->op;
		return true;
	}
	if (col) {
		*ret = find_slot(p, col);
		return true;
	}
	if (!item->is_mapping && is_used(l, item->name))
		return true;
	snprintf(text, size, "unknown column '%s' in the columns header", item->name);
	return false;
}

static bool plan_item(struct plan *p, const struct column_item *item, struct slot *slot,
		      char *text, size_t size)
{
	if (!slot)
		return true;
	if (slot->kind != SLOT_DEFAULT) {
		snprintf(text, size, "Duplicate column '%s' in the columns header",
			 item->name);
		return false;
	}
	slot->kind = item->is_mapping ? item->kind : SLOT_FIELD;
	if (slot->kind == SLOT_CONST) {
		slot->text = item->argument ? xstrdup(item->argument) : NULL;
		return true;
	}
	slot->field = find_field(p, item->is_mapping ? item->argument : item->name);
	if (slot->field == SIZE_MAX) {
		snprintf(text, size, "Column '%s' cannot be resolved", item->argument);
		return false;
	}
	return true;
}

static bool plan_columns(struct plan *p, const struct load_options *o, bool is_primary,
			 char *text, size_t size)
{
	struct column_list l;
	bool is_good = true;

	if (!column_list_parse(&l, o->columns, text, size))
		return false;
	p->op.kind = SLOT_DEFAULT;
	for (size_t i = 0; i < l.n; i++)
		if (!l.items[i].is_mapping)
			add_field(p, l.items[i].name);
	for (size_t i = 0; is_good && i < l.n; i++) {
		struct slot *slot;

		is_good = target_of(p, &l, &l.items[i], is_primary, &slot, text, size) &&
			  plan_item(p, &l.items[i], slot, text, size);
	}
	column_list_release(&l);
	return is_good;
}

/* Takes out what a partial update does not touch. */
static bool keep_loaded(struct plan *p, char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_slots; i++) {
		const struct column *col = p->slots[i].column;
		bool is_loaded = p->slots[i].kind != SLOT_DEFAULT;

		if (!is_loaded && col->is_key) {
			snprintf(text, size,
				 "key column %s not in partial update columns",
				 col->name);
			return false;
		}
		if (!is_loaded && !col->is_nullable && !col->has_default) {
			snprintf(text, size, "Column has no default value, column: %s",
				 col->name);
			return false;
		}
		if (is_loaded)
			p->slots[n++] = p->slots[i];
	}
	p->n_slots = n;
	return true;
}

static bool check_defaults(const struct plan *p, char *text, size_t size)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		const struct column *col = p->slots[i].column;

		if (p->slots[i].kind == SLOT_DEFAULT && !col->is_nullable &&
		    !col->has_default) {
			snprintf(text, size, "Column has no default value, column: %s",
				 col->name);
			return false;
		}
	}
	return true;
}

static bool check_merge(struct plan *p, struct ez_view name, char *text, size_t size)
{
	const struct column *col = schema_find(p->schema, name);

	p->merge_at = SIZE_MAX;
	if (name.len == 0)
		return true;
	if (!col || col->is_key || col->type.kind >= TYPE_CHAR) {
		snprintf(text, size, "merge condition column %.*s cannot be used",
			 VIEW_ARG(name));
		return false;
	}
	p->merge_at = (size_t)(col - p->schema->columns);
	return true;
}

bool plan_make(struct plan *p, const struct table *t, const struct load_options *o,
	       char *text, size_t size)
{
	bool is_primary = t->model == TABLE_PRIMARY_KEY, is_good;

	*p = (struct plan){ .schema = t->schema, .is_partial = o->is_partial };
	if (o->is_partial && !is_primary) {
		snprintf(text, size, "Only primary key table support partial update");
		return false;
	}
	if (o->is_partial && !o->has_columns) {
		snprintf(text, size, "partial update must set the columns header");
		return false;
	}
	add_slots(p, t->schema);
	if (o->has_columns)
		is_good = plan_columns(p, o, is_primary, text, size);
	else
		plan_all(p, o, is_primary), is_good = true;
	if (is_good)
		is_good = o->is_partial ? keep_loaded(p, text, size)
					: check_defaults(p, text, size);
	if (is_good)
		is_good = check_merge(p, o->merge_condition, text, size);
	if (!is_good)
		plan_release(p);
	return is_good;
}
