/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "grants.h"

#include <string.h>
#include <strings.h>

#include "host.h"
#include "names.h"

enum {
	STATEMENT_CAP = 64 * 1024,
	ROLES_CAP = 64 * 1024,
	HINT_CAP = 400,
};

static const char *const names[_RIGHT_MAX] = {
	[RIGHT_SELECT] = "SELECT",
	[RIGHT_INSERT] = "INSERT",
	[RIGHT_DELETE] = "DELETE",
	[RIGHT_ALTER] = "ALTER",
	[RIGHT_CREATE_TABLE] = "CREATE TABLE",
	[RIGHT_CREATE_DATABASE] = "CREATE DATABASE",
};

const char *right_to_str(enum right r)
{
	return (unsigned)r < _RIGHT_MAX ? names[r] : "unknown";
}

void grants_init(struct grants *g, struct ez_view database)
{
	*g = (struct grants){ .database = database, .roles = BUF_INIT(ROLES_CAP) };
}

void grants_release(struct grants *g)
{
	buf_release(&g->roles);
}

/* ------------------------------------------------------------------------- reading */

static bool is_word(struct ez_view v, const char *word)
{
	return v.len == strlen(word) && strncasecmp(v.ptr, word, v.len) == 0;
}

/* Takes the words off the beginning. */
static bool take_words(struct ez_view *v, const char *words)
{
	size_t n = strlen(words);

	if (v->len < n || strncasecmp(v->ptr, words, n) != 0 ||
	    (v->len > n && v->ptr[n] != ' '))
		return false;
	*v = view_trim(view_of(v->ptr + n, v->len - n));
	return true;
}

/* Cuts at the first `word`, which stands between spaces. */
static bool cut_at(struct ez_view v, const char *word, struct ez_view *ret_before,
		   struct ez_view *ret_after)
{
	size_t n = strlen(word);

	for (size_t i = 0; v.len >= n && i <= v.len - n; i++) {
		if (strncasecmp(v.ptr + i, word, n) != 0)
			continue;
		*ret_before = view_trim(view_of(v.ptr, i));
		*ret_after = view_trim(view_of(v.ptr + i + n, v.len - i - n));
		return true;
	}
	return false;
}

static void raise_to(struct grants *g, enum right r, enum extent e)
{
	if (g->has[r] < e)
		g->has[r] = e;
}

static bool names_database(const struct grants *g, struct ez_view list)
{
	struct ez_view one;

	while (view_split(&list, ',', &one))
		if (view_eq(view_trim(one), g->database))
			return true;
	return false;
}

/* "db.table, db.other" */
static enum extent tables_of(const struct grants *g, struct ez_view list)
{
	enum extent e = EXTENT_NONE;
	struct ez_view one, db;

	while (view_split(&list, ',', &one)) {
		one = view_trim(one);
		if (!view_split(&one, '.', &db))
			continue;
		if (!view_eq_str(db, "*") && !view_eq(db, g->database))
			continue;
		if (view_eq_str(one, "*"))
			return EXTENT_ALL;
		e = EXTENT_SOME;
	}
	return e;
}

/* On which of our tables, on our database, on the catalog: three kinds of object. */
struct scope {
	enum extent tables;
	bool database, catalog;
};

static struct scope scope_of(const struct grants *g, struct ez_view object)
{
	struct scope s = { .tables = EXTENT_NONE };

	if (take_words(&object, "ALL TABLES IN ALL DATABASES"))
		s.tables = EXTENT_ALL;
	else if (take_words(&object, "ALL TABLES IN DATABASE"))
		s.tables = names_database(g, object) ? EXTENT_ALL : EXTENT_NONE;
	else if (take_words(&object, "ALL DATABASES"))
		s.database = true;
	else if (take_words(&object, "DATABASE"))
		s.database = names_database(g, object);
	else if (take_words(&object, "ALL CATALOGS"))
		s.catalog = true;
	else if (take_words(&object, "CATALOG"))
		s.catalog = view_eq_str(object, "default_catalog");
	else if (take_words(&object, "TABLE") || memchr(object.ptr, '.', object.len))
		s.tables = tables_of(g, object);
	return s;
}

static void add_right(struct grants *g, struct ez_view name, const struct scope *s)
{
	bool is_all = is_word(name, "ALL") || is_word(name, "ALL PRIVILEGES");

	for (unsigned r = 0; r < _RIGHT_MAX; r++) {
		if (!is_all && !is_word(name, names[r]))
			continue;
		if (r == RIGHT_CREATE_TABLE)
			raise_to(g, r, s->database ? EXTENT_ALL : EXTENT_NONE);
		else if (r == RIGHT_CREATE_DATABASE)
			raise_to(g, r, s->catalog ? EXTENT_ALL : EXTENT_NONE);
		else
			raise_to(g, r, s->tables);
	}
}

/* Without quotes; rights have spaces where older versions have underscores. */
static void normalize(struct ez_view v, struct buf *ret)
{
	for (size_t i = 0; i < v.len; i++)
		if (!strchr("`'\";\r\n", v.ptr[i]))
			buf_add_char(ret, v.ptr[i]);
}

static void add_rights(struct grants *g, struct ez_view list, struct ez_view object)
{
	struct scope s = scope_of(g, object);
	struct ez_view one;

	while (view_split(&list, ',', &one)) {
		_cleanup_(buf_release) struct buf name = BUF_INIT(STATEMENT_CAP);

		one = view_trim(one);
		for (size_t i = 0; i < one.len; i++)
			buf_add_char(&name, one.ptr[i] == '_' ? ' ' : one.ptr[i]);
		add_right(g, buf_view(&name), &s);
	}
}

void grants_add(struct grants *g, struct ez_view statement, bool with_roles)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(STATEMENT_CAP);
	struct ez_view v, list, object, rest, one;

	normalize(statement, &text);
	v = view_trim(buf_view(&text));
	if (!buf_ok(&text) || !take_words(&v, "GRANT") ||
	    !cut_at(v, " TO ", &list, &rest))
		return;
	if (cut_at(list, " ON ", &list, &object)) {
		add_rights(g, list, object);
		return;
	}
	while (with_roles && view_split(&list, ',', &one))
		grants_add_role(g, view_trim(one));
}

void grants_add_role(struct grants *g, struct ez_view name)
{
	struct ez_view rest = buf_view(&g->roles), one;

	if (is_word(name, "root") || is_word(name, "db_admin"))
		for (unsigned r = 0; r < _RIGHT_MAX; r++)
			g->has[r] = EXTENT_ALL;
	while (view_split(&rest, '\n', &one))
		if (view_eq(one, name))
			return;
	if (name.len == 0)
		return;
	buf_add_view(&g->roles, name);
	buf_add_char(&g->roles, '\n');
}

/* ------------------------------------------------------------------------- remedies */

static void add_end(struct buf *b, struct ez_view user)
{
	buf_add_str(b, " TO USER ");
	buf_add_view(b, user);
}

void grants_statement(struct buf *b, enum right r, struct ez_view database,
		      struct ez_view user)
{
	buf_addf(b, "GRANT %s ON ", right_to_str(r));
	if (r == RIGHT_CREATE_DATABASE) {
		buf_add_str(b, "CATALOG default_catalog");
	} else {
		buf_add_str(b, r == RIGHT_CREATE_TABLE ? "DATABASE " :
							 "ALL TABLES IN DATABASE ");
		names_quote(b, database);
	}
	add_end(b, user);
}

static void add_object(struct buf *b, struct ez_view object, struct ez_view database)
{
	if (take_words(&object, "TABLE")) {
		buf_add_str(b, "TABLE ");
		names_quote(b, database);
		buf_add_char(b, '.');
		names_quote(b, object);
	} else if (take_words(&object, "DATABASE")) {
		buf_add_str(b, "DATABASE ");
		names_quote(b, object);
	} else {
		buf_add_view(b, object);
	}
}

bool grants_remedy(struct buf *b, struct ez_view refusal, struct ez_view database,
		   struct ez_view user)
{
	struct ez_view before, right, object, rest;

	if (cut_at(refusal, "(at least one of) the ", &before, &rest) &&
	    cut_at(rest, " privilege(s)", &right, &rest)) {
		buf_add_str(b, "GRANT ");
		buf_add_view(b, is_word(right, "ANY") ? VIEW("SELECT") : right);
		buf_add_str(b, " ON ");
		if (take_words(&rest, "on") &&
		    cut_at(rest, " for this operation", &object, &rest)) {
			add_object(b, object, database);
		} else {
			buf_add_str(b, "ALL TABLES IN DATABASE ");
			names_quote(b, database);
		}
		add_end(b, user);
		return true;
	}
	/* A front end that refuses a load does not say which right it misses. */
	if (!cut_at(refusal, "grant permission", &before, &rest))
		return false;
	grants_statement(b, RIGHT_INSERT, database, user);
	return true;
}

void grants_hint(struct ez_error *err, struct ez_view database, struct ez_view user)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(HINT_CAP);
	_cleanup_(buf_release) struct buf identity = BUF_INIT(HINT_CAP);

	buf_addf(&identity, "'%.*s'@'%%'", VIEW_ARG(user));
	if (grants_remedy(&b, view_str(err->text), database, buf_view(&identity)) &&
	    buf_ok(&b))
		host->hint(err, "%s", buf_cstr(&b));
	else
		host->hint(err, "check user and password of the sink");
}
