/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "ddl.h"
#include "sql_lex.h"

#define NAME_OF(at)     LIST_OF(at, struct sql_name, link)
#define PROPERTY_OF(at) LIST_OF(at, struct sql_property, link)

/* -------------------------------------------------------------- databases */

bool ddl_create_database(struct sql_session *s, struct sql_statement *st,
			 struct sql_result *r)
{
	if (!ddl_check_database_name(st->ref.name, r))
		return false;
	if (database_find(s->cluster, st->ref.name) ||
	    sql_same_word(st->ref.name, "information_schema"))
		return st->if_exists ||
		       sql_fail(r, 1007, "HY000",
				"Can't create database '%.*s'; database exists",
				VIEW_ARG(st->ref.name));
	database_add(s->cluster, st->ref.name);
	return true;
}

bool ddl_drop_database(struct sql_session *s, struct sql_statement *st,
		       struct sql_result *r)
{
	struct database *db = database_find(s->cluster, st->ref.name);

	if (!db)
		return st->if_exists ||
		       sql_fail(r, 1008, "HY000",
				"Can't drop database '%.*s'; database doesn't exist",
				VIEW_ARG(st->ref.name));
	database_drop(db);
	return true;
}

/* ----------------------------------------------------------------- schema */

static bool is_key_column(struct sql_create_table *ct, struct ez_view name)
{
	list_for_each(at, &ct->keys)
		if (sql_same_name(NAME_OF(at)->name, name))
			return true;
	return false;
}

/* The names of the key clause must be the first columns, in their order. */
static bool check_key_order(struct sql_create_table *ct, const struct schema *schema,
			    struct sql_result *r)
{
	size_t i = 0;

	list_for_each(at, &ct->keys) {
		if (!schema_find(schema, NAME_OF(at)->name))
			return sql_fail_analysis(r, "Key column(%.*s) doesn't exist.",
						 VIEW_ARG(NAME_OF(at)->name));
		if (i >= schema->n_columns ||
		    !sql_same_name(NAME_OF(at)->name, view_str(schema->columns[i].name)))
			return sql_fail_analysis(
				r,
				"Key columns must be the first few columns of the schema "
				"and the order  of the key columns must be consistent with "
				"the order of the schema");
		i++;
	}
	return true;
}

static bool fill_schema(struct cluster *c, struct sql_create_table *ct,
			struct schema *schema, struct sql_result *r)
{
	size_t n = schema->n_columns;

	schema->n_columns = 0;
	list_for_each(at, &ct->columns) {
		const struct sql_column_def *def =
			LIST_OF(at, struct sql_column_def, link);
		bool is_key = is_key_column(ct, def->name);

		if (schema_find(schema, def->name))
			return sql_fail(r, 1060, "42S21", "Duplicate column name '%.*s'",
					VIEW_ARG(def->name));
		ASSERT(schema->n_columns < n);
		if (!ddl_column(c, def, is_key, &schema->columns[schema->n_columns], r))
			return false;
		schema->n_columns++;
		schema->n_keys += is_key;
	}
	return check_key_order(ct, schema, r);
}

static struct schema *make_schema(struct cluster *c, struct sql_create_table *ct,
				  struct sql_result *r)
{
	struct schema *schema = schema_new(list_count(&ct->columns));

	schema->version = 0;
	if (fill_schema(c, ct, schema, r))
		return schema;
	schema_free(schema);
	return NULL;
}

/* ----------------------------------------------------------------- layout */

static bool check_distribution(struct sql_create_table *ct, const struct schema *schema,
			       struct sql_result *r)
{
	uint64_t n;

	if (ct->has_distribution && list_is_empty(&ct->buckets_by) &&
	    ct->key_kind != SQL_KEY_DUPLICATE)
		return sql_fail_analysis(r, "PRIMARY KEY must use hash distribution");
	list_for_each(at, &ct->buckets_by) {
		const struct column *c = schema_find(schema, NAME_OF(at)->name);

		if (!c)
			return sql_fail_analysis(
				r, "Distribution column(%.*s) doesn't exist.",
				VIEW_ARG(NAME_OF(at)->name));
		if (!c->is_key)
			return sql_fail_analysis(
				r, "Distribution column[%.*s] is not key column",
				VIEW_ARG(NAME_OF(at)->name));
	}
	if (ct->n_buckets.ptr && (!parse_u64(ct->n_buckets, &n) || n == 0 || n > 10000))
		return sql_fail_analysis(r, "Number of hash distribution is zero.");
	return true;
}

static bool check_order_by(struct sql_create_table *ct, const struct schema *schema,
			   struct sql_result *r)
{
	list_for_each(at, &ct->order_by) {
		const struct column *c = schema_find(schema, NAME_OF(at)->name);

		if (!c)
			return sql_fail_analysis(r, "Sort column(%.*s) doesn't exist.",
						 VIEW_ARG(NAME_OF(at)->name));
		if (c->type.kind == TYPE_JSON || c->type.kind == TYPE_ARRAY ||
		    c->type.kind == TYPE_MAP || c->type.kind == TYPE_STRUCT ||
		    c->type.kind == TYPE_FLOAT || c->type.kind == TYPE_DOUBLE)
			return sql_fail_analysis(
				r, "sort key column[%s] type not supported", c->name);
	}
	return true;
}

static bool check_layout(struct cluster *c, struct sql_create_table *ct,
			 const struct schema *schema, struct sql_result *r)
{
	if (ct->has_engine && !sql_same_word(ct->engine, "olap")) {
		violation_add(c, "not_emulated", "engine %.*s", VIEW_ARG(ct->engine));
		return sql_fail_generic(r, "not emulated: engine %.*s",
					VIEW_ARG(ct->engine));
	}
	if (schema->n_keys == 0)
		return sql_fail_analysis(r, "Should contain at least one key column");
	if (schema->n_keys == schema->n_columns && ct->key_kind == SQL_KEY_AGGREGATE)
		return sql_fail_analysis(r,
					 "AGG_KEYS table should specify aggregate type");
	if (!ct->has_distribution && c->profile.major < 3)
		return sql_fail_analysis(r, "missing key desc or distribution desc");
	return check_distribution(ct, schema, r) && check_order_by(ct, schema, r) &&
	       ddl_check_properties(c, &ct->properties, r) &&
	       ddl_check_replicas(c, &ct->properties, r);
}

/* ------------------------------------------------------------------ table */

/* NULL for an empty list. */
static char **names_dup(struct list *names)
{
	size_t n = list_count(names), i = 0;
	char **copy;

	if (n == 0)
		return NULL;
	copy = xcalloc(n + 1, sizeof(*copy));
	list_for_each(at, names)
		copy[i++] = view_dup(NAME_OF(at)->name);
	return copy;
}

static char **key_names(const struct schema *schema)
{
	char **names = xcalloc(schema->n_keys + 1, sizeof(*names));

	for (size_t i = 0; i < schema->n_keys; i++)
		names[i] = xstrdup(schema->columns[i].name);
	return names;
}

static enum table_model model_of(enum sql_key_kind kind)
{
	switch (kind) {
	case SQL_KEY_PRIMARY:
		return TABLE_PRIMARY_KEY;
	case SQL_KEY_UNIQUE:
		return TABLE_UNIQUE_KEY;
	case SQL_KEY_AGGREGATE:
		return TABLE_AGGREGATE_KEY;
	default:
		return TABLE_DUPLICATE_KEY;
	}
}

static void add_table(struct database *db, struct sql_statement *st,
		      struct schema *schema)
{
	struct sql_create_table *ct = st->create;
	struct table *t = table_new(db->cluster, st->ref.name);
	uint64_t n_buckets = 0;

	t->model = model_of(ct->key_kind);
	t->bucket_columns = names_dup(&ct->buckets_by);
	if (!t->bucket_columns && !ct->has_distribution)
		t->bucket_columns = key_names(schema);
	if (ct->n_buckets.ptr && parse_u64(ct->n_buckets, &n_buckets))
		t->n_buckets = (unsigned)n_buckets;
	t->sort_columns = names_dup(&ct->order_by);
	t->comment = ct->has_comment ? view_dup(ct->comment) : xstrdup("");
	list_for_each(at, &ct->properties) {
		char *value = view_dup(PROPERTY_OF(at)->value);

		free(map_put(&t->properties, PROPERTY_OF(at)->key, value));
	}
	table_set_schema(t, schema);
	table_add(db, t);
	cluster_changed(db->cluster);
}

/* The first columns, when a table has no key clause: those that sort fastest. */
static void default_keys(struct sql_create_table *ct, struct arena *arena)
{
	size_t n = 0;

	ct->key_kind = SQL_KEY_DUPLICATE;
	list_for_each(at, &ct->columns) {
		const struct sql_column_def *def =
			LIST_OF(at, struct sql_column_def, link);
		enum type_kind kind = def->type->kind;
		struct sql_name *name = arena_calloc(arena, 1, sizeof(*name));

		if (n == 3 || kind == TYPE_FLOAT || kind == TYPE_DOUBLE ||
		    kind >= TYPE_VARBINARY)
			break;
		name->name = def->name;
		list_add_tail(&ct->keys, &name->link);
		n++;
	}
}

bool ddl_create_table(struct sql_session *s, struct sql_statement *st,
		      struct sql_result *r)
{
	struct database *db = sql_database(s, st->ref.db, r);
	struct schema *schema;

	if (!db || !ddl_check_table_name(st->ref.name, r))
		return false;
	if (table_find(db, st->ref.name))
		return st->if_exists ||
		       sql_fail(r, SQL_TABLE_EXISTS, "42S01",
				"Table '%.*s' already exists", VIEW_ARG(st->ref.name));
	if (st->create->key_kind == SQL_KEY_NONE)
		default_keys(st->create, r->arena);
	schema = make_schema(s->cluster, st->create, r);
	if (!schema)
		return false;
	if (!check_layout(s->cluster, st->create, schema, r)) {
		schema_free(schema);
		return false;
	}
	add_table(db, st, schema);
	return true;
}

bool ddl_drop_table(struct sql_session *s, struct sql_statement *st, struct sql_result *r)
{
	struct database *db = sql_database(s, st->ref.db, r);
	struct table *t = db ? table_find(db, st->ref.name) : NULL;

	if (!db)
		return false;
	if (!t && st->if_exists)
		return true;
	t = sql_table(s, &st->ref, r);
	if (!t)
		return false;
	table_drop(t);
	return true;
}

bool ddl_truncate(struct sql_session *s, struct sql_statement *st, struct sql_result *r)
{
	struct table *t = sql_table(s, &st->ref, r);

	if (!t || !ddl_check_normal(t, r))
		return false;
	table_truncate(t);
	return true;
}
