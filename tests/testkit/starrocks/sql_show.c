/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "ddl.h"
#include "sql_grant.h"
#include "sql_lex.h"
#include "sql_rows.h"
#include "sql_schema.h"

/* ------------------------------------------------------------------- text */

void sql_add_name(struct buf *b, const char *name)
{
	buf_add_char(b, '`');
	for (; *name; name++) {
		if (*name == '`')
			buf_add_char(b, '`');
		buf_add_char(b, *name);
	}
	buf_add_char(b, '`');
}

void sql_add_string(struct buf *b, const char *text)
{
	buf_add_char(b, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, *text);
	}
	buf_add_char(b, '"');
}

static void add_names(struct buf *b, char **names)
{
	buf_add_char(b, '(');
	for (size_t i = 0; names && names[i]; i++) {
		if (i > 0)
			buf_add_str(b, ", ");
		sql_add_name(b, names[i]);
	}
	buf_add_char(b, ')');
}

static void add_column(struct buf *b, const struct column *c)
{
	sql_add_name(b, c->name);
	buf_add_char(b, ' ');
	column_type_format(b, &c->type);
	buf_add_str(b, c->is_nullable ? " NULL" : " NOT NULL");
	if (c->default_text) {
		buf_add_str(b, " DEFAULT ");
		sql_add_string(b, c->default_text);
	}
	buf_add_str(b, " COMMENT ");
	sql_add_string(b, c->comment ? c->comment : "");
}

static const char *key_words(enum table_model model)
{
	switch (model) {
	case TABLE_PRIMARY_KEY:
		return "PRIMARY KEY";
	case TABLE_UNIQUE_KEY:
		return "UNIQUE KEY";
	case TABLE_AGGREGATE_KEY:
		return "AGGREGATE KEY";
	default:
		return "DUPLICATE KEY";
	}
}

static void add_properties(struct buf *b, const struct table *t)
{
	bool is_first = true;

	buf_add_str(b, "PROPERTIES (\n");
	map_for_each(e, &t->properties) {
		buf_add_str(b, is_first ? "" : ",\n");
		sql_add_string(b, e->key.ptr);
		buf_add_str(b, " = ");
		sql_add_string(b, e->value);
		is_first = false;
	}
	buf_add_str(b, "\n);");
}

void sql_show_create(const struct table *t, struct buf *out)
{
	const struct schema *s = t->schema;

	buf_add_str(out, "CREATE TABLE ");
	sql_add_name(out, t->name);
	buf_add_str(out, " (\n");
	for (size_t i = 0; i < s->n_columns; i++) {
		buf_add_str(out, "  ");
		add_column(out, &s->columns[i]);
		buf_add_str(out, i + 1 < s->n_columns ? ",\n" : "\n");
	}
	buf_addf(out, ") ENGINE=OLAP \n%s(", key_words(t->model));
	for (size_t i = 0; i < s->n_keys; i++) {
		buf_add_str(out, i ? ", " : "");
		sql_add_name(out, s->columns[i].name);
	}
	buf_add_str(out, ")\n");
	if (t->comment && *t->comment) {
		buf_add_str(out, "COMMENT ");
		sql_add_string(out, t->comment);
		buf_add_char(out, '\n');
	}
	if (t->bucket_columns) {
		buf_add_str(out, "DISTRIBUTED BY HASH");
		add_names(out, t->bucket_columns);
	} else {
		buf_add_str(out, "DISTRIBUTED BY RANDOM");
	}
	if (t->n_buckets)
		buf_addf(out, " BUCKETS %u ", t->n_buckets);
	buf_add_char(out, '\n');
	if (t->sort_columns) {
		buf_add_str(out, "ORDER BY");
		add_names(out, t->sort_columns);
		buf_add_char(out, '\n');
	}
	add_properties(out, t);
}

/* ------------------------------------------------------------------- rows */

static struct ez_view number(struct sql_result *r, int64_t n)
{
	return sql_textf(r, "%lld", (long long)n);
}

static bool show_create_table(struct sql_session *s, struct sql_statement *st,
			      struct sql_result *rows)
{
	static const char *const names[] = { "Table", "Create Table", NULL };
	_cleanup_(buf_release) struct buf text = BUF_INIT(1 << 24);
	struct table *t = sql_table(s, &st->ref, rows);
	struct ez_view *cells;

	if (!t)
		return false;
	sql_result_columns(rows, names);
	cells = sql_result_row(rows);
	sql_show_create(t, &text);
	cells[0] = sql_text_str(rows, t->name);
	cells[1] = sql_text(rows, buf_view(&text));
	return true;
}

static bool show_databases(struct sql_session *s, struct sql_result *rows)
{
	static const char *const names[] = { "Database", NULL };

	sql_result_columns(rows, names);
	*sql_result_row(rows) = VIEW("information_schema");
	map_for_each(e, &s->cluster->databases)
		*sql_result_row(rows) = sql_text(rows, e->key);
	return true;
}

static bool show_tables(struct sql_session *s, struct sql_statement *st,
			struct sql_result *rows)
{
	struct database *db = sql_database(s, st->ref.name, rows);

	if (!db)
		return false;
	sql_result_column(rows, sql_textf(rows, "Tables_in_%s", db->name),
			  SQL_MYSQL_VAR_STRING);
	map_for_each(e, &db->tables)
		*sql_result_row(rows) = sql_text(rows, e->key);
	return true;
}

static bool describe(struct sql_session *s, struct sql_statement *st,
		     struct sql_result *rows)
{
	static const char *const names[] = { "Field",   "Type",  "Null", "Key",
					     "Default", "Extra", NULL };
	struct table *t = sql_table(s, &st->ref, rows);

	if (!t)
		return false;
	sql_result_columns(rows, names);
	for (size_t i = 0; i < t->schema->n_columns; i++) {
		_cleanup_(buf_release) struct buf type = BUF_INIT(1 << 16);
		const struct column *c = &t->schema->columns[i];
		struct ez_view *cells = sql_result_row(rows);

		sql_describe_type(&type, &c->type);
		cells[0] = sql_text_str(rows, c->name);
		cells[1] = sql_text(rows, buf_view(&type));
		cells[2] = c->is_nullable ? VIEW("YES") : VIEW("NO");
		cells[3] = c->is_key ? VIEW("true") : VIEW("false");
		if (c->default_text)
			cells[4] = sql_text_str(rows, c->default_text);
		cells[5] = VIEW("");
	}
	return true;
}

static void alter_row(struct sql_result *rows, const struct alter_job *job)
{
	struct ez_view *cells = sql_result_row(rows);

	cells[0] = number(rows, job->id);
	cells[1] = sql_text_str(rows, job->table_name);
	cells[2] = sql_time_text(rows, job->created_us);
	if (job->finished_us)
		cells[3] = sql_time_text(rows, job->finished_us);
	cells[4] = sql_text_str(rows, job->table_name);
	cells[5] = number(rows, job->id + 1);
	cells[6] = number(rows, job->table->id);
	cells[7] = sql_textf(rows, "%d:%d", job->table->schema->version, (int)job->id);
	cells[8] = number(rows, job->txn_id);
	cells[9] = sql_text_str(rows, alter_state_to_str(job->state));
	cells[10] = sql_text_str(rows, job->message ? job->message : "");
	if (job->state == ALTER_RUNNING)
		cells[11] = VIEW("0/1");
	cells[12] = number(rows, job->timeout_ms / 1000);
}

/* Jobs of all tables of the database, those dropped too, in the order of their numbers. */
static bool show_alter(struct sql_session *s, struct sql_statement *st,
		       struct sql_result *rows)
{
	static const char *const names[] = {
		"TableName", "CreateTime",    "FinishTime",    "IndexName",
		"IndexId",   "OriginIndexId", "SchemaVersion", "TransactionId",
		"State",     "Msg",           "Progress",      "Timeout",
		NULL
	};
	struct database *db = sql_database(s, st->ref.name, rows);

	if (!db)
		return false;
	sql_result_column(rows, VIEW("JobId"), SQL_MYSQL_LONGLONG);
	sql_result_columns(rows, names);
	for (size_t i = 0; i < s->cluster->n_all_tables; i++) {
		struct table *t = s->cluster->all_tables[i];

		if (t->db != db)
			continue;
		list_for_each(at, &t->alters) {
			const struct alter_job *job = LIST_OF(at, struct alter_job, link);

			if (!job->is_hidden)
				alter_row(rows, job);
		}
	}
	return true;
}

/* ------------------------------------------------------------------ nodes */

static bool check_operate(struct sql_session *s, struct sql_result *rows)
{
	struct fault_subject subject = { .node = "", .subject = "show" };
	struct fault fault;

	if (!fault_take(s->cluster, "show_denied", &subject, &fault))
		return true;
	return sql_fail(
		rows, SQL_NO_PRIVILEGE, "42000",
		"Access denied; you need (at least one of) the OPERATE privilege(s) "
		"on SYSTEM for this operation. Please ask the admin to grant "
		"permission(s) or try activating existing roles using <set [default] "
		"role>. Current role(s): NONE. Inactivated role(s): NONE.");
}

static bool show_backends(struct sql_session *s, struct sql_result *rows)
{
	static const char *const names[] = { "BackendId",
					     "IP",
					     "HeartbeatPort",
					     "BePort",
					     "HttpPort",
					     "BrpcPort",
					     "LastStartTime",
					     "LastHeartbeat",
					     "Alive",
					     "SystemDecommissioned",
					     "TabletNum",
					     "ErrMsg",
					     "Version",
					     "Status",
					     NULL };

	sql_result_columns(rows, names);
	for (unsigned i = 0; i < s->cluster->n_be; i++) {
		const struct be *be = &s->cluster->be[i];
		struct ez_view *cells = sql_result_row(rows);

		cells[0] = number(rows, be->id);
		cells[1] = sql_text_str(rows, be->host);
		cells[2] = VIEW("9050");
		cells[3] = VIEW("9060");
		cells[4] = number(rows, be->http_port);
		cells[5] = VIEW("8060");
		cells[7] = sql_time_text(rows, now_us());
		cells[8] = be->is_alive ? VIEW("true") : VIEW("false");
		cells[9] = VIEW("false");
		cells[10] = VIEW("0");
		cells[11] = VIEW("");
		cells[12] = sql_text_str(rows, s->cluster->profile.text);
		cells[13] = VIEW("{}");
	}
	return true;
}

static bool show_frontends(struct sql_session *s, struct sql_result *rows)
{
	static const char *const names[] = { "Id",          "Name",     "IP",
					     "EditLogPort", "HttpPort", "QueryPort",
					     "RpcPort",     "Role",     "ClusterId",
					     "Join",        "Alive",    "Version",
					     NULL };

	sql_result_columns(rows, names);
	for (unsigned i = 0; i < s->cluster->n_fe; i++) {
		const struct fe *fe = &s->cluster->fe[i];
		struct ez_view *cells = sql_result_row(rows);

		cells[0] = number(rows, i + 1);
		cells[1] = sql_textf(rows, "%s_9010_%u", fe->host, i);
		cells[2] = sql_text_str(rows, fe->host);
		cells[3] = VIEW("9010");
		cells[4] = number(rows, fe->http_port);
		cells[5] = number(rows, fe->mysql_port);
		cells[6] = VIEW("9020");
		cells[7] = i == s->cluster->leader ? VIEW("LEADER") : VIEW("FOLLOWER");
		cells[8] = VIEW("1");
		cells[9] = VIEW("true");
		cells[10] = fe->is_up ? VIEW("true") : VIEW("false");
		cells[11] = sql_text_str(rows, s->cluster->profile.text);
	}
	return true;
}

static bool show_compute_nodes(struct sql_result *rows)
{
	static const char *const names[] = { "ComputeNodeId", "IP",       "HeartbeatPort",
					     "BePort",        "HttpPort", "BrpcPort",
					     "Alive",         NULL };

	sql_result_columns(rows, names);
	return true;
}

static bool show_variables(struct sql_result *rows)
{
	static const char *const names[] = { "Variable_name", "Value", NULL };
	static const char *const known[][2] = {
		{ "autocommit", "true" },
		{ "lower_case_table_names", "0" },
		{ "version_comment", "StarRocks" },
		{ "sql_mode", "ONLY_FULL_GROUP_BY" },
		{ "character_set_client", "utf8" },
		{ "time_zone", "Asia/Shanghai" },
		{ "max_allowed_packet", "33554432" },
	};

	sql_result_columns(rows, names);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct ez_view *cells = sql_result_row(rows);

		cells[0] = sql_text_str(rows, known[i][0]);
		cells[1] = sql_text_str(rows, known[i][1]);
	}
	return true;
}

static bool show_warnings(struct sql_result *rows)
{
	static const char *const names[] = { "Level", "Code", "Message", NULL };

	sql_result_columns(rows, names);
	return true;
}

static bool make_rows(struct sql_session *s, struct sql_statement *st,
		      struct sql_result *rows)
{
	switch (st->kind) {
	case SQL_DESCRIBE:
		return describe(s, st, rows);
	case SQL_SHOW_ALTER:
		return show_alter(s, st, rows);
	case SQL_SHOW_CREATE_TABLE:
		return show_create_table(s, st, rows);
	case SQL_SHOW_DATABASES:
		return show_databases(s, rows);
	case SQL_SHOW_TABLES:
		return show_tables(s, st, rows);
	case SQL_SHOW_BACKENDS:
		return check_operate(s, rows) && show_backends(s, rows);
	case SQL_SHOW_FRONTENDS:
		return check_operate(s, rows) && show_frontends(s, rows);
	case SQL_SHOW_COMPUTE_NODES:
		return check_operate(s, rows) && show_compute_nodes(rows);
	case SQL_SHOW_GRANTS:
		return sql_grants_rows(s, st, rows);
	case SQL_SHOW_VARIABLES:
		return show_variables(rows);
	default:
		return show_warnings(rows);
	}
}

/* Keeps the rows whose first cell is LIKE the pattern. */
static void keep_like(struct sql_result *rows, struct ez_view pattern)
{
	list_for_each(at, &rows->rows) {
		struct ez_view cell = LIST_OF(at, struct sql_row, link)->cells[0];

		if (!cell.ptr || !sql_is_like(cell, pattern))
			list_remove(at);
	}
}

bool sql_run_show(struct sql_session *s, struct sql_statement *st, struct sql_result *r)
{
	struct sql_result rows;
	struct sql_source source;

	sql_result_init(&rows, r->arena);
	if (!make_rows(s, st, &rows))
		return sql_fail(r, rows.code, rows.state, "%.*s", VIEW_ARG(rows.text));
	if (st->choice.like.ptr)
		keep_like(&rows, st->choice.like);
	sql_source_of_rows(&source, r->arena, &rows);
	return sql_choose(s, &source, NULL, &st->choice, r);
}
