/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "ddl.h"
#include "sql_lex.h"

enum {
	ALTER_TIMEOUT_S = 86400,
};

/* A schema being changed clause by clause. */
struct change {
	struct table *table;
	struct schema *schema; /* the copy */
	struct sql_result *result;
	bool is_fast;
	bool is_changed;
	int64_t timeout_s;
};

static struct column *find_column(struct schema *s, struct ez_view name)
{
	for (size_t i = 0; i < s->n_columns; i++)
		if (sql_same_name(view_str(s->columns[i].name), name))
			return &s->columns[i];
	return NULL;
}

/* The name that a column was created with: RENAME COLUMN does not free it for others. */
static const char *first_name(const struct schema *s, const struct column *c)
{
	const char *name = c->name;

	for (; s; s = s->older)
		for (size_t i = 0; i < s->n_columns; i++)
			if (c->id && s->columns[i].id == c->id)
				name = s->columns[i].name;
	return name;
}

static bool check_free_name(const struct change *ch, struct ez_view name)
{
	const struct schema *now = ch->table->schema;

	if (find_column(ch->schema, name))
		return sql_fail_generic(
			ch->result,
			schema_find(now, name)
				? "Can not add column which already exists in base table: %.*s"
				: "Repeatedly add same column with different definition: %.*s",
			VIEW_ARG(name));
	for (size_t i = 0; i < ch->schema->n_columns; i++) {
		const struct column *c = &ch->schema->columns[i];

		if (sql_same_name(view_str(first_name(now, c)), name))
			return sql_fail_generic(
				ch->result,
				"Can not add column which already exists in column id: "
				"%.*s, you can remove %s and try again.",
				VIEW_ARG(name), c->name);
	}
	return true;
}

/* Index behind which a new column goes; columns never go before the key. */
static bool place_of(const struct change *ch, const struct sql_column_def *def,
		     size_t *ret_at)
{
	const struct column *after;

	*ret_at = ch->schema->n_columns;
	if (def->place == SQL_AT_END)
		return true;
	if (def->place == SQL_FIRST)
		return sql_fail_generic(
			ch->result,
			"Invalid column order. value should be after key. "
			"index[%s]",
			ch->table->name);
	after = find_column(ch->schema, def->after);
	if (!after)
		return sql_fail_generic(ch->result, "Column[%.*s] does not found",
					VIEW_ARG(def->after));
	*ret_at = (size_t)(after - ch->schema->columns) + 1;
	if (*ret_at < ch->schema->n_keys)
		return sql_fail_generic(
			ch->result,
			"Invalid column order. value should be after key. "
			"index[%s]",
			ch->table->name);
	return true;
}

static bool add_column(struct change *ch, const struct sql_column_def *def)
{
	struct schema *s = ch->schema;
	struct column column;
	size_t at;

	if (def->is_key)
		return sql_fail_generic(
			ch->result, "Can not add key column: %.*s for primary key table",
			VIEW_ARG(def->name));
	if (!check_free_name(ch, def->name) || !place_of(ch, def, &at))
		return false;
	if (!ddl_column(ch->table->db->cluster, def, false, &column, ch->result))
		return false;
	if (def->has_not_null && (!def->has_default || def->default_is_null)) {
		ddl_column_release(&column);
		return sql_fail_generic(
			ch->result,
			"Column[%.*s] has no default value and is not nullable",
			VIEW_ARG(def->name));
	}
	s->columns = xreallocarray(s->columns, s->n_columns + 1, sizeof(*s->columns));
	memmove(&s->columns[at + 1], &s->columns[at],
		(s->n_columns - at) * sizeof(*s->columns));
	s->columns[at] = column;
	s->n_columns++;
	ch->is_changed = true;
	return true;
}

static bool is_sort_column(const struct table *t, struct ez_view name)
{
	for (char **c = t->sort_columns; c && *c; c++)
		if (sql_same_name(view_str(*c), name))
			return true;
	return false;
}

static bool drop_column(struct change *ch, struct ez_view name)
{
	struct schema *s = ch->schema;
	struct column *c = find_column(s, name);
	size_t at;

	if (!c)
		return sql_fail_generic(ch->result, "Column does not exists: %.*s",
					VIEW_ARG(name));
	if (c->is_key)
		return sql_fail_generic(
			ch->result,
			"Can not drop key column in primary data model table");
	if (is_sort_column(ch->table, name))
		return sql_fail_generic(
			ch->result,
			"Can not drop sort column in primary data model table");
	at = (size_t)(c - s->columns);
	ddl_column_release(c);
	s->n_columns--;
	memmove(&s->columns[at], &s->columns[at + 1],
		(s->n_columns - at) * sizeof(*s->columns));
	ch->is_changed = true;
	return true;
}

static bool same_default(const struct column *a, const struct column *b)
{
	const char *x = a->default_text ? a->default_text : "";
	const char *y = b->default_text ? b->default_text : "";

	/* No default, and DEFAULT NULL, are the same to a column that may be NULL. */
	return (a->default_text != NULL) == (b->default_text != NULL) &&
	       strcmp(x, y) == 0;
}

static bool check_modify_key(const struct change *ch, const struct column *old,
			     const struct column *fresh)
{
	const struct profile *p = &ch->table->db->cluster->profile;
	bool may_widen = p->major >= 4;

	if (!old->is_key && !is_sort_column(ch->table, view_str(old->name)))
		return true;
	if (may_widen && ddl_is_widening(&old->type, &fresh->type))
		return true;
	if (!old->is_key)
		return sql_fail_generic(
			ch->result, "Can not modify sort column in primary data model "
				    "table except for increasing varchar length");
	return sql_fail_generic(
		ch->result, "Can not modify key column: %s for primary key table%s",
		old->name, may_widen ? " except for increasing varchar length" : "");
}

static bool check_modify(struct change *ch, const struct column *old,
			 const struct column *fresh)
{
	_cleanup_(buf_release) struct buf from = BUF_INIT(1 << 16);
	_cleanup_(buf_release) struct buf to = BUF_INIT(1 << 16);

	if (!check_modify_key(ch, old, fresh))
		return false;
	if (!ddl_type_change_is_allowed(&old->type, &fresh->type)) {
		if (old->type.kind == fresh->type.kind && old->type.kind == TYPE_VARCHAR)
			return sql_fail_generic(ch->result,
						"Cannot shorten string length");
		column_type_format(&from, &old->type);
		column_type_format(&to, &fresh->type);
		return sql_fail_generic(ch->result, "Can not change %s to %s",
					buf_cstr(&from), buf_cstr(&to));
	}
	if (old->is_nullable && !fresh->is_nullable)
		return sql_fail_generic(ch->result,
					"Can not change from nullable to non-nullable");
	return same_default(old, fresh) ||
	       sql_fail_generic(ch->result, "Can not change default value");
}

static void take_modified(struct change *ch, struct column *old, struct column *fresh)
{
	const char *before = old->comment ? old->comment : "";
	const char *after = fresh->comment ? fresh->comment : "";
	bool same_type = column_type_eq(&old->type, &fresh->type);

	if (!same_type && !ddl_is_widening(&old->type, &fresh->type))
		ch->is_fast = false;
	if (old->is_nullable != fresh->is_nullable)
		ch->is_fast = false;
	if (!same_type || old->is_nullable != fresh->is_nullable ||
	    strcmp(before, after) != 0)
		ch->is_changed = true;
	fresh->id = old->id;
	free(fresh->name);
	fresh->name = TAKE_PTR(old->name);
	ddl_column_release(old);
	*old = *fresh;
}

static bool modify_column(struct change *ch, const struct sql_column_def *def)
{
	struct column *old = find_column(ch->schema, def->name);
	struct column fresh;

	if (!old)
		return sql_fail_generic(ch->result, "Column[%.*s] does not exists",
					VIEW_ARG(def->name));
	if (def->place != SQL_AT_END)
		return sql_fail_generic(ch->result,
					"Primary key table do not support reorder table "
					"schema. Table: %s",
					ch->table->name);
	if (!ddl_column(ch->table->db->cluster, def, old->is_key, &fresh, ch->result))
		return false;
	if (!check_modify(ch, old, &fresh)) {
		ddl_column_release(&fresh);
		return false;
	}
	take_modified(ch, old, &fresh);
	return true;
}

static bool apply_properties(struct change *ch, struct sql_alter *a)
{
	list_for_each(at, &a->properties) {
		const struct sql_property *p = LIST_OF(at, struct sql_property, link);
		int64_t timeout_s;

		if (!view_eq_str(p->key, "timeout"))
			return sql_fail_generic(ch->result, "Unknown properties: {%.*s}",
						VIEW_ARG(p->key));
		if (!parse_i64(p->value, &timeout_s) || timeout_s <= 0)
			return sql_fail_generic(ch->result, "Invalid timeout: %.*s",
						VIEW_ARG(p->value));
		ch->timeout_s = timeout_s;
	}
	return true;
}

static bool apply_clause(struct change *ch, struct sql_alter *a)
{
	if (!apply_properties(ch, a))
		return false;
	switch (a->kind) {
	case SQL_ADD_COLUMN:
		return add_column(ch, a->column);
	case SQL_DROP_COLUMN:
		return drop_column(ch, a->name);
	case SQL_MODIFY_COLUMN:
		return modify_column(ch, a->column);
	default:
		return sql_fail_generic(ch->result,
					"Alter operation SCHEMA_CHANGE conflicts "
					"with operation of another kind");
	}
}

static bool change_schema(struct table *t, struct sql_statement *st, struct sql_result *r)
{
	struct change ch = {
		.table = t,
		.result = r,
		.is_fast = ddl_is_fast_table(t),
		.timeout_s = ALTER_TIMEOUT_S,
	};
	bool is_good = true;

	ch.schema = schema_dup(t->schema);
	list_for_each(at, &st->alters) {
		is_good = apply_clause(&ch, LIST_OF(at, struct sql_alter, link));
		if (!is_good)
			break;
	}
	if (is_good && !ch.is_changed)
		is_good = sql_fail_generic(
			r, "Nothing is changed. please check your alter stmt.");
	if (!is_good) {
		schema_free(ch.schema);
		return false;
	}
	alter_job_begin(t, ch.schema, ch.is_fast, ch.timeout_s * 1000);
	return true;
}

/* --------------------------------------------- what is done where it stands */

static void rename_in(char **names, struct ez_view from, struct ez_view to)
{
	for (; names && *names; names++) {
		if (!sql_same_name(view_str(*names), from))
			continue;
		free(*names);
		*names = view_dup(to);
	}
}

static bool rename_column(struct sql_session *s, struct table *t, struct sql_alter *a,
			  struct sql_result *r)
{
	struct column *c;
	struct schema *copy;

	if (!s->cluster->profile.has_rename_column)
		return sql_fail(r, SQL_GENERIC, "42000",
				"Getting syntax error. Detail message: Unexpected input "
				"'COLUMN', the most similar input is {<EOF>, ';'}.");
	if (!schema_find(t->schema, a->name))
		return sql_fail_generic(r, "Column[%.*s] does not exists",
					VIEW_ARG(a->name));
	if (schema_find(t->schema, a->new_name))
		return sql_fail_generic(r, "Column name[%.*s] is already used",
					VIEW_ARG(a->new_name));
	if (!ddl_check_column_name(a->new_name, r))
		return false;
	copy = schema_dup(t->schema);
	copy->version = t->schema->version;
	c = find_column(copy, a->name);
	free(c->name);
	c->name = view_dup(a->new_name);
	table_set_schema(t, copy);
	rename_in(t->bucket_columns, a->name, a->new_name);
	rename_in(t->sort_columns, a->name, a->new_name);
	return true;
}

static bool rename_table(struct table *t, struct sql_alter *a, struct sql_result *r)
{
	if (!ddl_check_table_name(a->new_name, r))
		return false;
	if (view_eq_str(a->new_name, t->name))
		return sql_fail_generic(r, "Same table name");
	if (table_find(t->db, a->new_name))
		return sql_fail_generic(r, "Table name[%.*s] is already used",
					VIEW_ARG(a->new_name));
	table_rename(t, a->new_name);
	return true;
}

static bool swap_tables(struct sql_session *s, struct table *t, struct sql_alter *a,
			struct sql_result *r)
{
	struct sql_ref ref = { .db = view_str(t->db->name), .name = a->new_name };
	struct table *other = sql_table(s, &ref, r);

	if (!other || !ddl_check_normal(other, r))
		return false;
	if (other == t)
		return sql_fail_generic(r, "Same table name");
	table_swap(t, other);
	return true;
}

static bool set_properties(struct sql_session *s, struct table *t, struct sql_alter *a,
			   struct sql_result *r)
{
	list_for_each(at, &a->properties) {
		const struct sql_property *p = LIST_OF(at, struct sql_property, link);

		if (view_eq_str(p->key, "fast_schema_evolution"))
			return sql_fail_generic(r,
						"Property fast_schema_evolution can only "
						"be set at creation");
	}
	if (!ddl_check_properties(s->cluster, &a->properties, r))
		return false;
	list_for_each(at, &a->properties) {
		const struct sql_property *p = LIST_OF(at, struct sql_property, link);

		free(map_put(&t->properties, p->key, view_dup(p->value)));
	}
	return true;
}

static bool alter_in_place(struct sql_session *s, struct table *t, struct sql_alter *a,
			   struct sql_result *r)
{
	switch (a->kind) {
	case SQL_RENAME_COLUMN:
		return rename_column(s, t, a, r);
	case SQL_RENAME_TABLE:
		return rename_table(t, a, r);
	case SQL_SWAP_TABLE:
		return swap_tables(s, t, a, r);
	case SQL_SET_PROPERTIES:
		return set_properties(s, t, a, r);
	case SQL_SET_COMMENT:
		free(t->comment);
		t->comment = view_dup(a->new_name);
		return true;
	default:
		return false;
	}
}

static bool is_schema_change(struct sql_alter *a)
{
	return a->kind == SQL_ADD_COLUMN || a->kind == SQL_DROP_COLUMN ||
	       a->kind == SQL_MODIFY_COLUMN;
}

bool ddl_alter_table(struct sql_session *s, struct sql_statement *st,
		     struct sql_result *r)
{
	struct table *t = sql_table(s, &st->ref, r);
	struct fault_subject subject = { .node = "" };
	struct sql_alter *first;
	struct fault fault;

	if (!t || !ddl_check_normal(t, r))
		return false;
	subject.subject = t->name;
	if (fault_take(s->cluster, "alter_busy", &subject, &fault))
		return ddl_fail_busy(t, r);
	first = LIST_OF(st->alters.next, struct sql_alter, link);
	if (is_schema_change(first))
		return change_schema(t, st, r);
	if (list_count(&st->alters) > 1)
		return sql_fail_generic(r, "Alter operation conflicts with operation of "
					   "another kind");
	return alter_in_place(s, t, first, r);
}

bool ddl_cancel_alter(struct sql_session *s, struct sql_statement *st,
		      struct sql_result *r)
{
	struct table *t = sql_table(s, &st->ref, r);

	if (!t)
		return false;
	if (!t->alter)
		return sql_fail_generic(r, "Table[%s] is not under SCHEMA_CHANGE.",
					t->name);
	alter_job_cancel(t->alter, "user cancelled");
	return true;
}
