/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sql_schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sql_grant.h"
#include "sql_lex.h"
#include "txn.h"

struct ez_view sql_time_text(struct sql_result *r, int64_t us)
{
	struct rfc3339 text = format_rfc3339_us(us);

	return sql_textf(r, "%.10s %.8s", text.text, text.text + 11);
}

static struct ez_view number(struct sql_result *r, int64_t n)
{
	return sql_textf(r, "%lld", (long long)n);
}

/* When something of the cluster's own clock happened, on the calendar. */
static int64_t calendar_us(const struct cluster *c, int64_t at_ms)
{
	return now_us() - (cluster_now_ms(c) - at_ms) * US_PER_MS;
}

void sql_describe_type(struct buf *b, const struct column_type *t)
{
	switch (t->kind) {
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT:
	case TYPE_BIGINT:
	case TYPE_LARGEINT:
		buf_add_str(b, type_kind_to_str(t->kind));
		break;
	case TYPE_DECIMAL:
		buf_addf(b, "decimal(%d,%d)", t->precision, t->scale);
		break;
	case TYPE_ARRAY:
		buf_add_str(b, "array<");
		sql_describe_type(b, t->element);
		buf_add_char(b, '>');
		break;
	default:
		column_type_format(b, t);
		break;
	}
}

static struct ez_view type_text(struct sql_result *r, const struct column_type *t)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(1 << 16);

	sql_describe_type(&b, t);
	return sql_text(r, buf_view(&b));
}

/* ---------------------------------------------------------------- schemata */

static void schemata_rows(struct sql_session *s, struct sql_result *rows)
{
	static const char *const names[] = {
		"CATALOG_NAME",           "SCHEMA_NAME", "DEFAULT_CHARACTER_SET_NAME",
		"DEFAULT_COLLATION_NAME", "SQL_PATH",    NULL
	};

	sql_result_columns(rows, names);
	map_for_each(e, &s->cluster->databases) {
		struct ez_view *cells;

		if (!sql_is_seen(s, e->value, NULL))
			continue;
		cells = sql_result_row(rows);
		cells[0] = VIEW("def");
		cells[1] = sql_text(rows, e->key);
		cells[2] = VIEW("utf8");
		cells[3] = VIEW("utf8_general_ci");
	}
}

/* ------------------------------------------------------------------ tables */

static void table_row(struct sql_result *rows, const struct table *t)
{
	struct ez_view *cells = sql_result_row(rows);

	cells[0] = VIEW("def");
	cells[1] = sql_text_str(rows, t->db->name);
	cells[2] = sql_text_str(rows, t->name);
	cells[3] = VIEW("BASE TABLE");
	cells[4] = VIEW("StarRocks");
	cells[7] = number(rows, (int64_t)map_len(&t->rows));
	cells[14] = sql_time_text(rows, calendar_us(t->db->cluster, t->created_ms));
	cells[17] = VIEW("utf8_general_ci");
	cells[20] = sql_text_str(rows, t->comment ? t->comment : "");
}

static void tables_rows(struct sql_session *s, struct sql_result *rows)
{
	static const char *const names[] = { "TABLE_CATALOG",   "TABLE_SCHEMA",
					     "TABLE_NAME",      "TABLE_TYPE",
					     "ENGINE",          "VERSION",
					     "ROW_FORMAT",      "TABLE_ROWS",
					     "AVG_ROW_LENGTH",  "DATA_LENGTH",
					     "MAX_DATA_LENGTH", "INDEX_LENGTH",
					     "DATA_FREE",       "AUTO_INCREMENT",
					     "CREATE_TIME",     "UPDATE_TIME",
					     "CHECK_TIME",      "TABLE_COLLATION",
					     "CHECKSUM",        "CREATE_OPTIONS",
					     "TABLE_COMMENT",   NULL };

	sql_result_columns(rows, names);
	map_for_each(d, &s->cluster->databases) {
		const struct database *db = d->value;

		map_for_each(e, &db->tables)
			if (sql_is_seen(s, db, e->value))
				table_row(rows, e->value);
	}
}

/* ----------------------------------------------------------------- columns */

enum {
	COLUMN_SCHEMA = 1,
	COLUMN_TABLE,
	COLUMN_NAME,
	COLUMN_POSITION,
	COLUMN_DEFAULT,
	COLUMN_NULLABLE,
	COLUMN_DATA_TYPE,
	COLUMN_LENGTH,
	COLUMN_OCTETS,
	COLUMN_PRECISION,
	COLUMN_SCALE,
	COLUMN_TYPE = 15,
	COLUMN_KEY,
	COLUMN_EXTRA,
	COLUMN_COMMENT = 19,
	COLUMN_SIZE,
	COLUMN_DIGITS,
};

static const char *data_type(const struct column_type *t)
{
	switch (t->kind) {
	case TYPE_BOOLEAN:
		return "tinyint";
	case TYPE_LARGEINT:
		return "bigint unsigned";
	default:
		return type_kind_to_str(t->kind);
	}
}

static int64_t number_size(const struct column_type *t)
{
	switch (t->kind) {
	case TYPE_TINYINT:
		return 3;
	case TYPE_SMALLINT:
		return 5;
	case TYPE_INT:
		return 10;
	case TYPE_BIGINT:
		return 19;
	case TYPE_LARGEINT:
		return 40;
	case TYPE_DECIMAL:
		return t->precision;
	default:
		return 0;
	}
}

static void type_cells(struct sql_result *rows, const struct column_type *t,
		       struct ez_view *cells)
{
	int64_t size = number_size(t);

	cells[COLUMN_DATA_TYPE] = sql_text_str(rows, data_type(t));
	cells[COLUMN_TYPE] =
		t->kind == TYPE_BOOLEAN ? VIEW("tinyint(1)") : type_text(rows, t);
	if (t->kind == TYPE_CHAR || t->kind == TYPE_VARCHAR ||
	    t->kind == TYPE_VARBINARY) {
		cells[COLUMN_LENGTH] = number(rows, t->length);
		cells[COLUMN_OCTETS] = number(rows, t->length);
		cells[COLUMN_SIZE] = number(rows, t->length);
	}
	if (size > 0) {
		cells[COLUMN_PRECISION] = number(rows, size);
		cells[COLUMN_SCALE] = number(rows, t->scale);
		cells[COLUMN_SIZE] = number(rows, size);
		cells[COLUMN_DIGITS] = number(rows, t->scale);
	}
}

static struct ez_view key_text(const struct table *t, const struct column *c)
{
	if (!c->is_key)
		return VIEW("");
	switch (t->model) {
	case TABLE_PRIMARY_KEY:
		return VIEW("PRI");
	case TABLE_UNIQUE_KEY:
		return VIEW("UNI");
	case TABLE_AGGREGATE_KEY:
		return VIEW("AGG");
	default:
		return VIEW("DUP");
	}
}

static void column_rows(struct sql_result *rows, const struct table *t)
{
	for (size_t i = 0; i < t->schema->n_columns; i++) {
		const struct column *c = &t->schema->columns[i];
		struct ez_view *cells = sql_result_row(rows);

		cells[0] = VIEW("def");
		cells[COLUMN_SCHEMA] = sql_text_str(rows, t->db->name);
		cells[COLUMN_TABLE] = sql_text_str(rows, t->name);
		cells[COLUMN_NAME] = sql_text_str(rows, c->name);
		cells[COLUMN_POSITION] = number(rows, (int64_t)i + 1);
		if (c->default_text)
			cells[COLUMN_DEFAULT] = sql_text_str(rows, c->default_text);
		cells[COLUMN_NULLABLE] = c->is_nullable ? VIEW("YES") : VIEW("NO");
		type_cells(rows, &c->type, cells);
		cells[COLUMN_KEY] = key_text(t, c);
		cells[COLUMN_EXTRA] = VIEW("");
		cells[COLUMN_COMMENT] = sql_text_str(rows, c->comment ? c->comment : "");
	}
}

static void columns_rows(struct sql_session *s, struct sql_result *rows)
{
	static const char *const before[] = { "TABLE_CATALOG", "TABLE_SCHEMA",
					      "TABLE_NAME", "COLUMN_NAME", NULL };
	static const char *const after[] = { "COLUMN_DEFAULT",
					     "IS_NULLABLE",
					     "DATA_TYPE",
					     "CHARACTER_MAXIMUM_LENGTH",
					     "CHARACTER_OCTET_LENGTH",
					     "NUMERIC_PRECISION",
					     "NUMERIC_SCALE",
					     "DATETIME_PRECISION",
					     "CHARACTER_SET_NAME",
					     "COLLATION_NAME",
					     "COLUMN_TYPE",
					     "COLUMN_KEY",
					     "EXTRA",
					     "PRIVILEGES",
					     "COLUMN_COMMENT",
					     "COLUMN_SIZE",
					     "DECIMAL_DIGITS",
					     "GENERATION_EXPRESSION",
					     "SRS_ID",
					     NULL };

	sql_result_columns(rows, before);
	sql_result_column(rows, VIEW("ORDINAL_POSITION"), SQL_MYSQL_LONGLONG);
	sql_result_columns(rows, after);
	map_for_each(d, &s->cluster->databases) {
		const struct database *db = d->value;

		map_for_each(e, &db->tables)
			if (sql_is_seen(s, db, e->value))
				column_rows(rows, e->value);
	}
}

/* ----------------------------------------------------------- tables_config */

static const char *model_text(enum table_model model)
{
	switch (model) {
	case TABLE_PRIMARY_KEY:
		return "PRIMARY_KEYS";
	case TABLE_UNIQUE_KEY:
		return "UNIQUE_KEYS";
	case TABLE_AGGREGATE_KEY:
		return "AGG_KEYS";
	default:
		return "DUP_KEYS";
	}
}

static struct ez_view names_text(struct sql_result *rows, char **names)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(1 << 20);

	for (; names && *names; names++) {
		if (b.len > 0)
			buf_add_str(&b, ", ");
		sql_add_name(&b, *names);
	}
	return sql_text(rows, buf_view(&b));
}

static struct ez_view key_names(struct sql_result *rows, const struct table *t)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(1 << 20);

	for (size_t i = 0; i < t->schema->n_keys; i++) {
		if (i > 0)
			buf_add_str(&b, ", ");
		sql_add_name(&b, t->schema->columns[i].name);
	}
	return sql_text(rows, buf_view(&b));
}

static struct ez_view properties_text(struct sql_result *rows, const struct table *t)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(1 << 20);

	buf_add_char(&b, '{');
	map_for_each(e, &t->properties) {
		if (b.len > 1)
			buf_add_char(&b, ',');
		sql_add_string(&b, e->key.ptr);
		buf_add_char(&b, ':');
		sql_add_string(&b, e->value);
	}
	buf_add_char(&b, '}');
	return sql_text(rows, buf_view(&b));
}

static void config_row(struct sql_result *rows, const struct table *t)
{
	struct ez_view *cells = sql_result_row(rows);

	cells[0] = sql_text_str(rows, t->db->name);
	cells[1] = sql_text_str(rows, t->name);
	cells[2] = VIEW("OLAP");
	cells[3] = sql_text_str(rows, model_text(t->model));
	cells[4] = t->model == TABLE_PRIMARY_KEY ? key_names(rows, t) : VIEW("");
	cells[5] = VIEW("");
	cells[6] = names_text(rows, t->bucket_columns);
	cells[7] = t->bucket_columns ? VIEW("HASH") : VIEW("RANDOM");
	cells[8] = number(rows, t->n_buckets);
	cells[9] =
		t->sort_columns ? names_text(rows, t->sort_columns) : key_names(rows, t);
	cells[10] = properties_text(rows, t);
	cells[11] = number(rows, t->id);
}

static void config_rows(struct sql_session *s, struct sql_result *rows)
{
	static const char *const names[] = { "TABLE_SCHEMA",
					     "TABLE_NAME",
					     "TABLE_ENGINE",
					     "TABLE_MODEL",
					     "PRIMARY_KEY",
					     "PARTITION_KEY",
					     "DISTRIBUTE_KEY",
					     "DISTRIBUTE_TYPE",
					     "DISTRIBUTE_BUCKET",
					     "SORT_KEY",
					     "PROPERTIES",
					     "TABLE_ID",
					     NULL };

	sql_result_columns(rows, names);
	map_for_each(d, &s->cluster->databases) {
		const struct database *db = d->value;

		map_for_each(e, &db->tables)
			if (sql_is_seen(s, db, e->value))
				config_row(rows, e->value);
	}
}

/* ------------------------------------------------------------------- loads */

static const char *load_state(enum txn_state state)
{
	switch (state) {
	case TXN_VISIBLE:
		return "FINISHED";
	case TXN_ABORTED:
		return "CANCELLED";
	case TXN_COMMITTED:
		return "COMMITTED";
	case TXN_PREPARED:
		return "PREPARED";
	default:
		return "LOADING";
	}
}

static void load_rows(struct sql_session *s, struct sql_result *rows)
{
	static const char *const names[] = {
		"JOB_ID",       "LABEL",       "DATABASE_NAME",    "STATE",
		"TYPE",         "CREATE_TIME", "LOAD_FINISH_TIME", "ERROR_MSG",
		"TRACKING_URL", NULL
	};

	sql_result_columns(rows, names);
	map_for_each(e, &s->cluster->txns) {
		const struct txn *x = e->value;
		struct ez_view *cells = sql_result_row(rows);

		cells[0] = number(rows, x->id);
		cells[1] = sql_text_str(rows, x->label);
		cells[2] = sql_text_str(rows, x->db->name);
		cells[3] = sql_text_str(rows, load_state(x->state));
		cells[4] = x->kind == TXN_STREAM_LOAD ? VIEW("STREAM_LOAD")
						      : VIEW("TRANSACTION_STREAM_LOAD");
		cells[5] = sql_time_text(rows, calendar_us(s->cluster, x->begun_ms));
		if (x->finished_ms > 0)
			cells[6] = sql_time_text(rows,
						 calendar_us(s->cluster, x->finished_ms));
		if (*x->reason)
			cells[7] = sql_text_str(rows, x->reason);
	}
}

/* The reasons of refused rows, as the file behind ErrorURL has them. */
static void tracking_rows(struct sql_session *s, struct sql_result *rows)
{
	static const char *const names[] = { "JOB_ID",       "LABEL", "DATABASE_NAME",
					     "TRACKING_LOG", "TYPE",  NULL };

	sql_result_columns(rows, names);
	map_for_each(e, &s->cluster->error_logs) {
		struct ez_view *cells = sql_result_row(rows);

		cells[1] = sql_text(rows, e->key);
		cells[3] = sql_text_str(rows, e->value);
		cells[4] = VIEW("STREAM_LOAD");
	}
}

bool sql_schema_rows(struct sql_session *s, struct ez_view table, struct sql_result *rows)
{
	static const struct {
		const char *name;
		void (*make)(struct sql_session *s, struct sql_result *rows);
	} tables[] = {
		{ "schemata", schemata_rows }, { "tables", tables_rows },
		{ "columns", columns_rows },   { "tables_config", config_rows },
		{ "loads", load_rows },        { "load_tracking_logs", tracking_rows },
	};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (sql_same_word(table, tables[i].name)) {
			tables[i].make(s, rows);
			return true;
		}
	}
	return false;
}
