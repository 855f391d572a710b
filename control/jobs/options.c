/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/jobs/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/secret.h"
#include "base/str.h"
#include "control/catalog/vault.h"
#include "control/json/doc.h"

_printf_(4, 5) static bool wrong(struct field_error *e, const char *prefix,
				 const char *name, const char *fmt, ...)
{
	va_list ap;

	if (!str_format(e->field, sizeof(e->field), "%s%s", prefix, name))
		e->field[sizeof(e->field) - 1] = '\0';
	va_start(ap, fmt);
	if (!str_formatv(e->text, sizeof(e->text), fmt, ap))
		e->text[sizeof(e->text) - 1] = '\0';
	va_end(ap);
	return false;
}

enum db_result options_load(struct db *d, const char *kind, const char *plugin,
			    struct json_t **ret_options)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(doc_freep) struct json_t *document = NULL;
	struct buf why = BUF_INIT(256);
	enum db_result rc = db_run(
		d, &rows,
		"select document from worker_plugins p"
		" join workers w on w.id = p.worker_id"
		" where p.kind = $1 and p.name = $2 order by w.seen_at desc limit 1",
		kind, plugin);

	if (rc != DB_OK)
		return rc;
	*ret_options = NULL;
	if (db_rows(rows) > 0) {
		document = doc_parse(db_view(rows, 0, 0), &why);
		if (doc_get(document, "options"))
			*ret_options = doc_copy(doc_get(document, "options"));
	}
	buf_release(&why);
	return DB_OK;
}

static const struct json_t *find(const struct json_t *options, const char *name)
{
	for (size_t i = 0; options && i < doc_len(options); i++) {
		const char *have = doc_str(doc_at(options, i), "name");

		if (have && strcmp(have, name) == 0)
			return doc_at(options, i);
	}
	return NULL;
}

static bool looks_secret(const char *name)
{
	static const char *const words[] = { "password",    "secret",    "token",
					     "passphrase",  "api_key",   "apikey",
					     "private_key", "credential" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strstr(name, words[i]))
			return true;
	}
	return strcmp(name, "key") == 0;
}

static bool is_secret(const struct json_t *options, const char *name)
{
	const struct json_t *o = find(options, name);
	const char *type = doc_str(o, "type");

	/* Tables come from workers: none of them makes a password public. */
	if (strcmp(name, "password") == 0)
		return true;
	return type ? strcmp(type, "secret") == 0 : looks_secret(name);
}

/* ------------------------------------------------------------------ types */

static bool is_choice_of(const struct json_t *choices, const char *s)
{
	for (size_t i = 0; choices && s && i < doc_len(choices); i++) {
		const char *one = doc_str_value(doc_at(choices, i));

		if (one && strcmp(one, s) == 0)
			return true;
	}
	return false;
}

static bool is_list_of_strings(const struct json_t *v)
{
	if (!doc_is(v, DOC_ARRAY))
		return false;
	for (size_t i = 0; i < doc_len(v); i++) {
		if (!doc_is(doc_at(v, i), DOC_STRING))
			return false;
	}
	return true;
}

static bool is_in_range(const struct json_t *o, int64_t n)
{
	return n >= doc_int(o, "min", INT64_MIN) && n <= doc_int(o, "max", INT64_MAX);
}

/* Each takes the option and a value, and says whether the value has the type. */
static bool fits_string(const struct json_t *o, const struct json_t *v)
{
	(void)o;
	return doc_is(v, DOC_STRING);
}

static bool fits_bool(const struct json_t *o, const struct json_t *v)
{
	(void)o;
	return doc_is(v, DOC_BOOL);
}

static bool fits_enum(const struct json_t *o, const struct json_t *v)
{
	return is_choice_of(doc_get(o, "choices"), doc_str_value(v));
}

static bool fits_list(const struct json_t *o, const struct json_t *v)
{
	(void)o;
	return is_list_of_strings(v);
}

static bool fits_int(const struct json_t *o, const struct json_t *v)
{
	return doc_is(v, DOC_INT) && is_in_range(o, doc_int_value(v));
}

static bool fits_size(const struct json_t *o, const struct json_t *v)
{
	const char *s = doc_str_value(v);
	uint64_t bytes;

	(void)o;
	return doc_is(v, DOC_INT) || (s && parse_size(view_str(s), &bytes));
}

static bool fits_duration(const struct json_t *o, const struct json_t *v)
{
	const char *s = doc_str_value(v);
	int64_t us;

	(void)o;
	return s && parse_duration(view_str(s), &us);
}

static const struct {
	const char *type;
	bool (*fits)(const struct json_t *o, const struct json_t *v);
	const char *problem;
} types[] = {
	{ "string", fits_string, "must be a string" },
	{ "bool", fits_bool, "must be true or false" },
	{ "enum", fits_enum, "is not one of its choices" },
	{ "list", fits_list, "must be a list of strings" },
	{ "int", fits_int, "must be a whole number in its range" },
	{ "size", fits_size, "must be a size such as 64MiB" },
	{ "duration", fits_duration, "must be a duration such as 30s" },
};

/* NULL when the value has the type; secrets and maps are looked at elsewhere. */
static const char *type_problem(const struct json_t *o, const struct json_t *v)
{
	const char *type = doc_str(o, "type");

	for (size_t i = 0; type && i < ARRAY_LEN(types); i++) {
		if (strcmp(types[i].type, type) == 0)
			return types[i].fits(o, v) ? NULL : types[i].problem;
	}
	return NULL;
}

/* A password in a connection string would stand in the catalog in clear. */
static const char *conninfo_problem(const char *name, const struct json_t *v)
{
	bool has_password = false;

	if (strcmp(name, "conninfo") != 0 || !doc_is(v, DOC_STRING))
		return NULL;
	if (!conninfo_parse(doc_str_value(v), &has_password))
		return "is no connection string that libpq can read";
	return has_password ? "must not hold a password: put it into the option password"
			    : NULL;
}

bool options_check(const struct json_t *options, struct json_t *config,
		   const char *prefix, bool complete, struct field_error *e)
{
	void *it = NULL;
	const char *name;
	struct json_t *v;

	while (doc_next(config, &it, &name, &v)) {
		const struct json_t *o = find(options, name);
		const char *problem = conninfo_problem(name, v);

		if (options && !o)
			return wrong(e, prefix, name, "is no option of this plugin");
		if (!problem && !doc_is(v, DOC_NULL))
			problem = type_problem(o, v);
		if (problem)
			return wrong(e, prefix, name, "%s", problem);
	}
	for (size_t i = 0; complete && options && i < doc_len(options); i++) {
		const struct json_t *o = doc_at(options, i);
		const char *missing = doc_str(o, "name");

		if (missing && doc_bool(o, "required", false) &&
		    !doc_get(config, missing))
			return wrong(e, prefix, missing, "is missing");
	}
	return true;
}

/* ------------------------------------------------------------------ secrets */

void taken_release(struct taken *t)
{
	for (int i = 0; i < t->n; i++) {
		free(t->items[i].name);
		if (t->items[i].value)
			explicit_bzero(t->items[i].value, strlen(t->items[i].value));
		free(t->items[i].value);
	}
	t->n = 0;
}

static bool take_one(struct json_t *config, const char *name, const char *prefix,
		     bool may_keep, struct taken *t, struct field_error *e)
{
	struct json_t *v = doc_get(config, name), *mark;
	bool keeps = doc_is(v, DOC_OBJECT) && doc_bool(v, "set", false);

	if (doc_is(v, DOC_OBJECT) && doc_is(doc_get(v, "file"), DOC_STRING) &&
	    doc_len(v) == 1)
		return true;
	if (!doc_is(v, DOC_STRING) && !(keeps && may_keep))
		return wrong(
			e, prefix, name,
			"must be a string, or {\"file\": \"name\"} for a file of the worker");
	if (t->n == (int)ARRAY_LEN(t->items))
		return wrong(e, prefix, name, "is one secret too many");
	t->items[t->n].name = xasprintf("%s%s", prefix, name);
	t->items[t->n].value = keeps ? NULL : xstrdup(doc_str_value(v));
	t->n++;
	mark = doc_new_object();
	doc_set(mark, "set", doc_new_bool(true));
	doc_set(config, name, mark);
	return true;
}

bool options_take_secrets(const struct json_t *options, struct json_t *config,
			  const char *prefix, bool may_keep, struct taken *t,
			  struct field_error *e)
{
	const char *names[64], *name;
	size_t n = 0;
	void *it = NULL;
	struct json_t *v;

	/* First the names: a tree is not to be changed while it is walked. */
	while (doc_next(config, &it, &name, &v)) {
		if (is_secret(options, name) && !doc_is(v, DOC_NULL) &&
		    n < ARRAY_LEN(names))
			names[n++] = name;
	}
	for (size_t i = 0; i < n; i++) {
		if (!take_one(config, names[i], prefix, may_keep, t, e))
			return false;
	}
	return true;
}

static bool holds(const struct taken *t, const char *name)
{
	for (int i = 0; i < t->n; i++) {
		if (strcmp(t->items[i].name, name) == 0)
			return true;
	}
	return false;
}

enum db_result taken_store(struct db *d, struct keyring *k, const char *owner,
			   const char *prefix, const struct taken *t)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_run(
		d, &rows,
		"select name from secrets where owner = $1 and starts_with(name, $2)",
		owner, prefix);

	for (int i = 0; rc == DB_OK && i < db_rows(rows); i++) {
		if (!holds(t, db_text(rows, i, 0)))
			rc = db_run(d, NULL,
				    "delete from secrets where owner = $1 and name = $2",
				    owner, db_text(rows, i, 0));
	}
	for (int i = 0; rc == DB_OK && i < t->n; i++) {
		if (t->items[i].value)
			rc = vault_put(d, k, owner, t->items[i].name,
				       view_str(t->items[i].value));
	}
	return rc;
}

/* --------------------------------------------------------------- where secrets go */

static bool is_of_connection(const struct json_t *options, const char *name)
{
	return doc_bool(find(options, name), "connection", false);
}

static bool has_secret(const struct json_t *options)
{
	for (size_t i = 0; options && i < doc_len(options); i++) {
		const char *type = doc_str(doc_at(options, i), "type");

		if (type && strcmp(type, "secret") == 0)
			return true;
	}
	return false;
}

const char *options_of_connection(const struct json_t *options, struct json_t *config)
{
	void *it = NULL;
	const char *name;
	struct json_t *v;

	if (!has_secret(options))
		return NULL;
	while (doc_next(config, &it, &name, &v)) {
		if (!doc_is(v, DOC_NULL) && is_of_connection(options, name))
			return name;
	}
	return NULL;
}

static bool is_kept(const struct json_t *v)
{
	return doc_is(v, DOC_OBJECT) && doc_bool(v, "set", false);
}

static const char *kept_secret(const struct json_t *options, struct json_t *config)
{
	void *it = NULL;
	const char *name;
	struct json_t *v;

	while (doc_next(config, &it, &name, &v)) {
		if (is_secret(options, name) && is_kept(v))
			return name;
	}
	return NULL;
}

/* Also what was there and is no more. */
static bool differs(const struct json_t *a, const struct json_t *b, const char *name)
{
	struct json_t *x = doc_get(a, name), *y = doc_get(b, name);
	_cleanup_(freep) char *left = x ? doc_dump(x) : xstrdup("null");
	_cleanup_(freep) char *right = y ? doc_dump(y) : xstrdup("null");

	return strcmp(left, right) != 0;
}

bool options_keep_place(const struct json_t *options, struct json_t *config,
			const struct json_t *old, struct field_error *e)
{
	const char *kept = kept_secret(options, config);

	for (size_t i = 0; kept && options && i < doc_len(options); i++) {
		const char *name = doc_str(doc_at(options, i), "name");

		if (name && is_of_connection(options, name) && !is_secret(options, name) &&
		    differs(config, old, name))
			return wrong(e, "config.", kept,
				     "must be given again, because %s has changed: the stored "
				     "one would go to another place",
				     name);
	}
	return true;
}

/* "transforms/0/key": the last part is replaced in what the others lead to. */
void options_put_secret(void *arg, const char *name, const struct secret *value)
{
	struct json_t *at = arg;
	struct ez_view rest = view_str(name), part;
	uint64_t index;

	while (memchr(rest.ptr, '/', rest.len) && view_split(&rest, '/', &part)) {
		_cleanup_(freep) char *key = view_dup(part);

		if (doc_is(at, DOC_ARRAY))
			at = parse_u64(part, &index) ? doc_at(at, (size_t)index) : NULL;
		else
			at = doc_get(at, key);
	}
	if (doc_is(at, DOC_OBJECT)) {
		_cleanup_(freep) char *key = view_dup(rest);

		doc_set(at, key, doc_new_str(secret_cstr(value)));
	}
}
