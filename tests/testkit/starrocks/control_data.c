/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/jsonw.h"
#include "control.h"
#include "convert.h"
#include "dump.h"
#include "journal.h"
#include "rowset.h"
#include "txn.h"

enum {
	LOOKING_MS = 5000,
};

bool control_create_database(struct control *k)
{
	cluster_lock(k->c);
	if (!database_find(k->c, view_str(control_str(k, "db"))))
		database_add(k->c, view_str(control_str(k, "db")));
	cluster_unlock(k->c);
	return true;
}

static bool read_column(struct control *k, const json_t *in, struct column *col)
{
	const char *name = json_string_value(json_object_get(in, "name"));
	const char *type = json_string_value(json_object_get(in, "type"));
	const json_t *preset = json_object_get(in, "default");
	struct ez_view rest = view_str(type ? type : "");
	struct buf text = BUF_INIT(1 << 20);

	if (!name || !column_type_parse(&rest, &col->type) || view_trim(rest).len > 0)
		return control_fail(k, "a column needs a name and a known type");
	col->name = xstrdup(name);
	col->is_key = json_is_true(json_object_get(in, "key"));
	col->is_nullable =
		!col->is_key && !json_is_false(json_object_get(in, "nullable"));
	if (!preset)
		return true;
	col->has_default = true;
	if (!json_is_string(preset))
		return true;
	if (!convert_literal(&k->c->profile, &col->type,
			     view_str(json_string_value(preset)), &text)) {
		buf_release(&text);
		return control_fail(k, "the default of %s does not fit", name);
	}
	col->default_text = buf_take(&text);
	return true;
}

static struct schema *read_schema(struct control *k)
{
	const json_t *columns = json_object_get(k->in, "columns");
	struct schema *s = schema_new(json_array_size(columns));
	bool was_key = true;

	for (size_t i = 0; i < s->n_columns; i++) {
		struct column *col = &s->columns[i];

		if (!read_column(k, json_array_get(columns, i), col)) {
			schema_free(s);
			return NULL;
		}
		if (col->is_key && !was_key) {
			schema_free(s);
			(void)control_fail(k, "key columns come first");
			return NULL;
		}
		was_key = col->is_key;
		s->n_keys += col->is_key;
	}
	return s;
}

/* For tests that want a table without SQL; what SQL would check is not checked. */
bool control_create_table(struct control *k)
{
	struct schema *s = read_schema(k);
	struct database *db;
	struct table *t;
	bool is_new;

	if (!s)
		return false;
	cluster_lock(k->c);
	db = database_find(k->c, view_str(control_str(k, "db")));
	if (!db)
		db = database_add(k->c, view_str(control_str(k, "db")));
	is_new = !table_find(db, view_str(control_str(k, "table")));
	if (is_new) {
		t = table_new(k->c, view_str(control_str(k, "table")));
		t->model = s->n_keys > 0 ? TABLE_PRIMARY_KEY : TABLE_DUPLICATE_KEY;
		table_set_schema(t, s);
		table_add(db, t);
	}
	cluster_unlock(k->c);
	if (!is_new)
		schema_free(s);
	return is_new || control_fail(k, "the table exists");
}

bool control_sql(struct control *k)
{
	struct buf text = BUF_INIT((size_t)1 << 32);

	if (!k->c->sql_control)
		return control_fail(k, "SQL is not built in");
	if (k->c->sql_control(k->c, view_str(control_str(k, "db")),
			      view_str(control_str(k, "sql")), &text)) {
		buf_swap(&text, &k->out);
		buf_release(&text);
		return true;
	}
	(void)control_fail(k, "%.*s", VIEW_ARG(buf_view(&text)));
	buf_release(&text);
	return false;
}

/* The lock is held. NULL with the error. */
static struct table *find_table(struct control *k)
{
	struct database *db = database_find(k->c, view_str(control_str(k, "db")));
	struct table *t = db ? table_find(db, view_str(control_str(k, "table"))) : NULL;

	if (!t)
		(void)control_fail(k, "no table %s.%s", control_str(k, "db"),
				   control_str(k, "table"));
	return t;
}

bool control_dump(struct control *k)
{
	struct table *t;

	cluster_lock(k->c);
	t = find_table(k);
	if (t)
		dump_table(t, &k->out);
	cluster_unlock(k->c);
	return t != NULL;
}

bool control_history(struct control *k)
{
	struct table *t;

	cluster_lock(k->c);
	t = find_table(k);
	if (t)
		dump_history(t, control_bool(k, "rows", true), &k->out);
	cluster_unlock(k->c);
	return t != NULL;
}

static void dump_txn(struct buf *out, const struct txn *x)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	jsonw_key(&w, "txn");
	jsonw_i64(&w, x->id);
	jsonw_key(&w, "db");
	jsonw_str(&w, x->db->name);
	jsonw_key(&w, "label");
	jsonw_str(&w, x->label);
	jsonw_key(&w, "state");
	jsonw_str(&w, txn_state_to_str(x->state));
	jsonw_key(&w, "reason");
	jsonw_str(&w, x->reason);
	jsonw_key(&w, "tables");
	jsonw_begin_array(&w);
	for (size_t i = 0; i < x->n_subs; i++)
		jsonw_str(&w, x->subs[i]->table->name);
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}

bool control_txns(struct control *k)
{
	cluster_lock(k->c);
	map_for_each(e, &k->c->txns)
		dump_txn(&k->out, e->value);
	cluster_unlock(k->c);
	return true;
}

bool control_violations(struct control *k)
{
	int64_t end;

	cluster_lock(k->c);
	end = cluster_now_ms(k->c) + LOOKING_MS;
	while (k->c->n_looking > 0 && cluster_now_ms(k->c) < end)
		cluster_wait(k->c, end);
	buf_add_view(&k->out, buf_view(&k->c->violations));
	cluster_unlock(k->c);
	return true;
}

bool control_clear_violations(struct control *k)
{
	cluster_lock(k->c);
	buf_reset(&k->c->violations);
	k->c->n_violations = 0;
	cluster_unlock(k->c);
	return true;
}

bool control_journal(struct control *k)
{
	cluster_lock(k->c);
	journal_dump(k->c, &k->out);
	cluster_unlock(k->c);
	return true;
}

bool control_clear_journal(struct control *k)
{
	cluster_lock(k->c);
	journal_clear(k->c);
	cluster_unlock(k->c);
	return true;
}

/* Tables with their counts: what a benchmark asks for. */
bool control_summary(struct control *k)
{
	cluster_lock(k->c);
	for (size_t i = 0; i < k->c->n_all_tables; i++) {
		const struct table *t = k->c->all_tables[i];

		if (t->db && !t->dropped)
			dump_summary(t, &k->out);
	}
	cluster_unlock(k->c);
	return true;
}
