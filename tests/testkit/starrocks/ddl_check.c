/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/utf8.h"
#include "convert.h"
#include "ddl.h"
#include "sql_lex.h"

/* ------------------------------------------------------------------ names */

static size_t characters(struct ez_view v)
{
	size_t n = 0;

	for (size_t i = 0; i < v.len; i++)
		n += !utf8_is_tail(v.ptr + i);
	return n;
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

static bool is_database_char(char c)
{
	return is_word_char(c) || (c && strchr("-~!@#$%^&<>=+", c));
}

bool ddl_check_database_name(struct ez_view name, struct sql_result *r)
{
	bool is_good = name.len > 0 && name.len <= 256;

	for (size_t i = 0; is_good && i < name.len; i++)
		is_good = is_database_char(name.ptr[i]);
	if (is_good && !((name.ptr[0] | 0x20) >= 'a' && (name.ptr[0] | 0x20) <= 'z'))
		is_good = name.ptr[0] == '_' && name.len > 1 && name.ptr[1] != '_' &&
			  is_word_char(name.ptr[1]);
	return is_good || sql_fail(r, 1102, "42000", "Incorrect database name '%.*s'",
				   VIEW_ARG(name));
}

bool ddl_check_table_name(struct ez_view name, struct sql_result *r)
{
	size_t n = characters(name);

	return (n > 0 && n <= 1024 && !memchr(name.ptr, 0, name.len)) ||
	       sql_fail(r, 1103, "42000", "Incorrect table name '%.*s'", VIEW_ARG(name));
}

bool ddl_check_column_name(struct ez_view name, struct sql_result *r)
{
	size_t n = characters(name);
	bool is_good = n > 0 && n <= 1024;

	for (size_t i = 0; is_good && i < name.len; i++)
		is_good = name.ptr[i] && !strchr("=<>!*", name.ptr[i]);
	if (!is_good || view_starts(name, VIEW("__starrocks_shadow_")))
		return sql_fail(r, 1166, "42000", "Incorrect column name '%.*s'",
				VIEW_ARG(name));
	if ((name.len >= 4 && sql_same_name(view_of(name.ptr, 4), VIEW("__op"))) ||
	    (name.len >= 5 && sql_same_name(view_of(name.ptr, 5), VIEW("__row"))))
		return sql_fail_analysis(r,
					 "Column name [%.*s] is a system reserved name. "
					 "Please choose a different one.",
					 VIEW_ARG(name));
	return true;
}

/* ------------------------------------------------------------------ types */

static bool check_decimal(const struct cluster *c, const struct column_type *t,
			  struct sql_result *r)
{
	int max = c->profile.decimal_precision_max;

	if (t->precision < 1 || t->precision > max)
		return sql_fail_analysis(
			r, "DECIMAL's precision should range from 1 to %d", max);
	if (t->scale < 0 || t->scale > t->precision)
		return sql_fail_analysis(
			r, "DECIMAL's scale should less than or equal to precision");
	return true;
}

static bool check_length(const char *what, int64_t length, int64_t max,
			 struct sql_result *r)
{
	if (length < 1)
		return sql_fail_analysis(r, "%s size must be > 0: %lld", what,
					 (long long)length);
	if (length > max)
		return sql_fail_analysis(r, "%s size must be <= %lld: %lld", what,
					 (long long)max, (long long)length);
	return true;
}

static bool check_version(const struct cluster *c, const struct column_type *t,
			  struct sql_result *r)
{
	bool is_missing = false;

	if (t->kind == TYPE_MAP || t->kind == TYPE_STRUCT)
		is_missing = !c->profile.has_map_type;
	if (t->kind == TYPE_VARBINARY)
		is_missing = c->profile.major < 3;
	return !is_missing || sql_fail_analysis(r, "Unsupported data type: %s",
						type_kind_to_str(t->kind));
}

static bool check_type(const struct cluster *c, const struct column_type *t,
		       struct sql_result *r)
{
	if (!check_version(c, t, r))
		return false;
	switch (t->kind) {
	case TYPE_DECIMAL:
		return check_decimal(c, t, r);
	case TYPE_CHAR:
		return check_length("Char", t->length, 255, r);
	case TYPE_VARCHAR:
		return check_length("Varchar", t->length, c->profile.varchar_max, r);
	case TYPE_VARBINARY:
		return t->length == 0 || check_length("Varbinary", t->length, 1048576, r);
	case TYPE_ARRAY:
		return check_type(c, t->element, r);
	case TYPE_BITMAP:
	case TYPE_HLL:
		return sql_fail_analysis(r, "No aggregate function specified for '%s'",
					 type_kind_to_str(t->kind));
	default:
		return true;
	}
}

static bool check_key_type(const struct column_type *t, struct ez_view name,
			   struct sql_result *r)
{
	switch (t->kind) {
	case TYPE_BOOLEAN:
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT:
	case TYPE_BIGINT:
	case TYPE_LARGEINT:
	case TYPE_DATE:
	case TYPE_DATETIME:
	case TYPE_VARCHAR:
		return true;
	default:
		return sql_fail_analysis(r,
					 "Invalid data type of key column '%.*s': '%s'",
					 VIEW_ARG(name), type_kind_to_str(t->kind));
	}
}

/* --------------------------------------------------------------- defaults */

static bool check_default(const struct cluster *c, const struct sql_column_def *def,
			  struct column *column, struct sql_result *r)
{
	_cleanup_(buf_release) struct buf canonical = BUF_INIT(1 << 21);

	column->has_default = true;
	if (def->default_is_null) {
		return column->is_nullable ||
		       sql_fail_analysis(r, "Invalid default value for '%.*s'",
					 VIEW_ARG(def->name));
	}
	if (def->type->kind == TYPE_ARRAY || def->type->kind == TYPE_MAP ||
	    def->type->kind == TYPE_STRUCT ||
	    (def->type->kind == TYPE_VARBINARY && def->default_text.len > 0) ||
	    !convert_literal(&c->profile, def->type, def->default_text, &canonical))
		return sql_fail_analysis(r, "Invalid default value for '%.*s': %.*s",
					 VIEW_ARG(def->name),
					 VIEW_ARG(def->default_text));
	column->default_text = view_dup(buf_view(&canonical));
	return true;
}

bool ddl_column(struct cluster *c, const struct sql_column_def *def, bool is_key,
		struct column *ret_column, struct sql_result *r)
{
	struct column column = {
		.is_key = is_key,
		.is_nullable = !is_key && !def->has_not_null,
	};

	if (!ddl_check_column_name(def->name, r) || !check_type(c, def->type, r))
		return false;
	if (is_key && def->has_null)
		return sql_fail_analysis(r, "primary key column[%.*s] cannot be nullable",
					 VIEW_ARG(def->name));
	if (is_key && !check_key_type(def->type, def->name, r))
		return false;
	if (def->has_default && !check_default(c, def, &column, r))
		return false;
	column.name = view_dup(def->name);
	column.type = column_type_dup(def->type);
	if (def->has_comment)
		column.comment = view_dup(def->comment);
	*ret_column = column;
	return true;
}

void ddl_column_release(struct column *column)
{
	free(column->name);
	free(column->default_text);
	free(column->comment);
	column_type_release(&column->type);
}

/* ------------------------------------------------------------- properties */

static bool check_replication(const struct cluster *c, struct ez_view value,
			      struct sql_result *r)
{
	unsigned alive = 0;
	uint64_t n;

	for (unsigned i = 0; i < c->n_be; i++)
		alive += c->be[i].is_alive;
	if (!parse_u64(value, &n) || n == 0)
		return sql_fail_analysis(r, "Replication num should larger than 0.");
	if (n > alive)
		return sql_fail_generic(
			r,
			"Table replication num should be less than of equal to the number of "
			"available BE nodes. You can change this default by setting the "
			"replication_num table properties. Current alive backend is [%u]. , "
			"properties.replication_num=%llu",
			alive, (unsigned long long)n);
	return true;
}

static bool is_property(struct ez_view key)
{
	static const char *const known[] = {
		"replication_num",
		"enable_persistent_index",
		"fast_schema_evolution",
		"compression",
		"write_quorum",
		"replicated_storage",
		"bucket_size",
		"storage_medium",
		"bloom_filter_columns",
		"in_memory",
		"persistent_index_type",
		"storage_volume",
		"datacache.enable",
		"timeout",
		"base_compaction_forbidden_time_ranges",
		"storage_cooldown_time",
		"labels.location",
		"light_schema_change",
		"default.replication_num",
		"enable_async_write_back",
		"datacache.partition_duration",
		"colocate_with",
		"cloud_native_fast_schema_evolution_v2",
		"file_bundling",
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (view_eq_str(key, known[i]))
			return true;
	return false;
}

static bool is_compression(struct ez_view v)
{
	static const char *const known[] = { "lz4", "zstd", "zlib", "snappy",
					     "lz4_frame" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (sql_same_word(v, known[i]))
			return true;
	return view_starts(v, VIEW("zstd("));
}

static bool check_property(struct cluster *c, const struct sql_property *p,
			   struct sql_result *r)
{
	static const char *const flags[] = { "enable_persistent_index",
					     "fast_schema_evolution",
					     "replicated_storage" };

	if (!is_property(p->key))
		return sql_fail_generic(r, "Unknown properties: {%.*s=%.*s}",
					VIEW_ARG(p->key), VIEW_ARG(p->value));
	if (view_eq_str(p->key, "replication_num"))
		return check_replication(c, p->value, r);
	if (view_eq_str(p->key, "compression") && !is_compression(p->value))
		return sql_fail_generic(r, "Unknown compression type: %.*s",
					VIEW_ARG(p->value));
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (view_eq_str(p->key, flags[i]) && !sql_same_word(p->value, "true") &&
		    !sql_same_word(p->value, "false"))
			return sql_fail_generic(r, "Invalid property %s: %.*s", flags[i],
						VIEW_ARG(p->value));
	return true;
}

bool ddl_check_properties(struct cluster *c, struct list *properties,
			  struct sql_result *r)
{
	list_for_each(at, properties)
		if (!check_property(c, LIST_OF(at, struct sql_property, link), r))
			return false;
	return true;
}

bool ddl_check_replicas(struct cluster *c, struct list *properties, struct sql_result *r)
{
	list_for_each(at, properties)
		if (view_eq_str(LIST_OF(at, struct sql_property, link)->key,
				"replication_num"))
			return true;
	return check_replication(c, VIEW("3"), r);
}

/* ---------------------------------------------------------------- changes */

bool ddl_check_normal(const struct table *t, struct sql_result *r)
{
	return !t->alter || ddl_fail_busy(t, r);
}

bool ddl_fail_busy(const struct table *t, struct sql_result *r)
{
	if (t->db->cluster->profile.major < 3)
		return sql_fail_generic(r,
					"Table[%s]'s state is not NORMAL. Do not allow "
					"doing ALTER ops",
					t->name);
	return sql_fail_generic(
		r,
		"A schema change operation is in progress on the table \"%s\". Please wait "
		"until the current operation completes.\nTo check the status of the "
		"operation, see https://docs.starrocks.io/en-us/latest/sql-reference/"
		"sql-statements/data-manipulation/SHOW%%20ALTER",
		t->name);
}

/* Digits that a decimal takes as text: a sign, the point, a zero before it. */
static int64_t decimal_text_len(const struct column_type *t)
{
	return t->precision + 1 + (t->scale > 0) + (t->scale == t->precision);
}

static bool decimal_change_is_allowed(const struct column_type *from,
				      const struct column_type *to)
{
	if (from->kind != TYPE_DECIMAL)
		return from->kind == TYPE_VARCHAR;
	if (to->kind == TYPE_VARCHAR)
		return decimal_text_len(from) <= to->length;
	return to->kind == TYPE_DECIMAL && from->scale <= to->scale &&
	       from->precision - from->scale <= to->precision - to->scale;
}

/* A row for each type: those that it can become, besides itself. */
static const uint32_t changes[_TYPE_MAX] = {
	[TYPE_TINYINT] = 1U << TYPE_SMALLINT | 1U << TYPE_INT | 1U << TYPE_BIGINT |
			 1U << TYPE_LARGEINT | 1U << TYPE_DOUBLE | 1U << TYPE_VARCHAR,
	[TYPE_SMALLINT] = 1U << TYPE_INT | 1U << TYPE_BIGINT | 1U << TYPE_LARGEINT |
			  1U << TYPE_DOUBLE | 1U << TYPE_VARCHAR,
	[TYPE_INT] = 1U << TYPE_BIGINT | 1U << TYPE_LARGEINT | 1U << TYPE_DOUBLE |
		     1U << TYPE_DATE | 1U << TYPE_VARCHAR,
	[TYPE_BIGINT] = 1U << TYPE_LARGEINT | 1U << TYPE_DOUBLE | 1U << TYPE_VARCHAR,
	[TYPE_LARGEINT] = 1U << TYPE_VARCHAR,
	[TYPE_FLOAT] = 1U << TYPE_DOUBLE | 1U << TYPE_VARCHAR,
	[TYPE_DOUBLE] = 1U << TYPE_VARCHAR,
	[TYPE_CHAR] = 1U << TYPE_VARCHAR,
	[TYPE_JSON] = 1U << TYPE_VARCHAR,
	[TYPE_VARCHAR] = 1U << TYPE_TINYINT | 1U << TYPE_SMALLINT | 1U << TYPE_INT |
			 1U << TYPE_BIGINT | 1U << TYPE_LARGEINT | 1U << TYPE_FLOAT |
			 1U << TYPE_DOUBLE | 1U << TYPE_DATE | 1U << TYPE_JSON,
	[TYPE_DATETIME] = 1U << TYPE_DATE,
	[TYPE_DATE] = 1U << TYPE_DATETIME,
};

bool ddl_type_change_is_allowed(const struct column_type *from,
				const struct column_type *to)
{
	if (from->kind == TYPE_DECIMAL || to->kind == TYPE_DECIMAL)
		return decimal_change_is_allowed(from, to);
	if (from->kind == to->kind) {
		if (from->kind == TYPE_VARCHAR || from->kind == TYPE_CHAR)
			return from->length <= to->length;
		return from->kind != TYPE_ARRAY && from->kind != TYPE_MAP &&
		       from->kind != TYPE_STRUCT;
	}
	return changes[from->kind] & 1U << to->kind;
}

bool ddl_is_widening(const struct column_type *from, const struct column_type *to)
{
	return from->kind == TYPE_VARCHAR && to->kind == TYPE_VARCHAR &&
	       from->length <= to->length;
}

bool ddl_is_fast_table(const struct table *t)
{
	const struct profile *p = &t->db->cluster->profile;
	const char *said = map_get(&t->properties, VIEW("fast_schema_evolution"));

	if (!p->has_fast_evolution)
		return false;
	if (said)
		return sql_same_word(view_str(said), "true");
	return p->major > 3 || p->minor >= 3;
}
