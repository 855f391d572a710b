/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sql_grant.h"

#include <string.h>

#include "accounts.h"
#include "sql_lex.h"

enum {
	TEXT_CAP = 1 << 16,
};

/* ------------------------------------------------------------------ refusals */

/* 3.1 and newer have a number of their own and name the object. */
static bool refuse(struct sql_session *s, enum privilege p, const char *object,
		   struct sql_result *r)
{
	_cleanup_(buf_release) struct buf advice = BUF_INIT(TEXT_CAP);
	const struct cluster *c = s->cluster;

	if (c->profile.major < 3 || (c->profile.major == 3 && c->profile.minor < 1))
		return sql_fail(r, 1227, "42000",
				"Access denied; you need (at least one of) the %s "
				"privilege(s) for this operation",
				privilege_to_str(p));
	account_add_advice(account_find(s->cluster, s->user, false), &advice);
	return sql_fail(r, SQL_NO_PRIVILEGE, "42000",
			"Access denied; you need (at least one of) the %s privilege(s) on "
			"%s for this operation. %s",
			privilege_to_str(p), object, buf_cstr(&advice));
}

static bool need(struct sql_session *s, enum privilege p, const struct object *o,
		 struct sql_result *r)
{
	_cleanup_(buf_release) struct buf name = BUF_INIT(TEXT_CAP);
	bool may = p == _PRIV_MAX ? user_sees(s->cluster, s->user, o)
				  : user_may(s->cluster, s->user, p, o);

	if (may)
		return true;
	if (o->kind == OBJECT_TABLE)
		buf_addf(&name, "TABLE %.*s", VIEW_ARG(o->table));
	else if (o->kind == OBJECT_DATABASE)
		buf_addf(&name, "DATABASE %.*s", VIEW_ARG(o->db));
	else
		buf_add_str(&name, o->kind == OBJECT_CATALOG ? "CATALOG default_catalog"
							     : "SYSTEM");
	return refuse(s, p, buf_cstr(&name), r);
}

static struct ez_view database_of(const struct sql_session *s,
				  const struct sql_statement *st)
{
	return st->ref.db.ptr ? st->ref.db : view_str(s->database);
}

static bool need_table(struct sql_session *s, const struct sql_statement *st,
		       enum privilege p, struct sql_result *r)
{
	struct object o = { OBJECT_TABLE, database_of(s, st), st->ref.name };
	struct database *db = database_find(s->cluster, o.db);

	/* What is not there is found out first, and told to anybody. */
	return !db || !table_find(db, o.table) || need(s, p, &o, r);
}

static bool need_database(struct sql_session *s, struct ez_view name, enum privilege p,
			  struct sql_result *r)
{
	struct object o = { .kind = OBJECT_DATABASE, .db = name };

	return sql_same_word(name, "information_schema") || need(s, p, &o, r);
}

bool sql_is_allowed(struct sql_session *s, const struct sql_statement *st,
		    struct sql_result *r)
{
	static const struct object catalog = { .kind = OBJECT_CATALOG },
				   cluster = { .kind = OBJECT_SYSTEM };

	switch (st->kind) {
	case SQL_SELECT:
		return !st->has_ref || need_table(s, st, PRIV_SELECT, r);
	case SQL_CREATE_DATABASE:
		return need(s, PRIV_CREATE_DATABASE, &catalog, r);
	case SQL_DROP_DATABASE:
		return need_database(s, st->ref.name, PRIV_DROP, r);
	case SQL_CREATE_TABLE:
		return need_database(s, database_of(s, st), PRIV_CREATE_TABLE, r);
	case SQL_DROP_TABLE:
		return need_table(s, st, PRIV_DROP, r);
	case SQL_ALTER_TABLE:
	case SQL_CANCEL_ALTER:
		return need_table(s, st, PRIV_ALTER, r);
	case SQL_TRUNCATE:
		return need_table(s, st, PRIV_DELETE, r);
	case SQL_DESCRIBE:
	case SQL_SHOW_CREATE_TABLE:
		return need_table(s, st, _PRIV_MAX, r);
	case SQL_USE:
	case SQL_SHOW_ALTER:
		return !st->ref.name.ptr ||
		       need_database(s, st->ref.name, _PRIV_MAX, r);
	case SQL_SHOW_BACKENDS:
	case SQL_SHOW_FRONTENDS:
	case SQL_SHOW_COMPUTE_NODES:
		return need(s, PRIV_OPERATE, &cluster, r);
	case SQL_GRANT:
	case SQL_CREATE_USER:
	case SQL_CREATE_ROLE:
	case SQL_SET_DEFAULT_ROLE:
		return view_eq_str(s->user, s->cluster->user) ||
		       refuse(s, PRIV_OPERATE, "SYSTEM", r);
	default:
		return true;
	}
}

bool sql_is_seen(const struct sql_session *s, const struct database *db,
		 const struct table *table)
{
	struct object o = { .kind = table ? OBJECT_TABLE : OBJECT_DATABASE,
			    .db = view_str(db->name) };

	if (table)
		o.table = view_str(table->name);
	return user_sees(s->cluster, s->user, &o);
}

/* ------------------------------------------------------------------ statements */

static struct account *find(struct sql_session *s, struct ez_view name, bool is_role,
			    struct sql_result *r)
{
	struct account *a = account_find(s->cluster, name, is_role);

	if (!a)
		sql_fail_analysis(r, "cannot find %s %.*s", is_role ? "role" : "user",
				  VIEW_ARG(name));
	return a;
}

static bool create(struct sql_session *s, const struct sql_grant *g, bool is_role,
		   struct sql_result *r)
{
	if (account_find(s->cluster, g->grantee, is_role) ||
	    view_eq_str(g->grantee, s->cluster->user))
		return sql_fail_analysis(r, "Operation CREATE %s failed for %.*s : "
					 "already exists",
					 is_role ? "ROLE" : "USER", VIEW_ARG(g->grantee));
	account_add(s->cluster, g->grantee, g->password, is_role);
	return true;
}

/* A right is one on the kind of object that it is granted on. */
static bool privileges_of(const struct sql_grant *g, uint32_t *ret, struct sql_result *r)
{
	static const uint32_t of_kind[] = {
		[OBJECT_TABLE] = 1u << PRIV_SELECT | 1u << PRIV_INSERT |
				 1u << PRIV_UPDATE | 1u << PRIV_DELETE |
				 1u << PRIV_ALTER | 1u << PRIV_DROP | 1u << PRIV_EXPORT,
		[OBJECT_DATABASE] = 1u << PRIV_CREATE_TABLE | 1u << PRIV_CREATE_VIEW |
				    1u << PRIV_ALTER | 1u << PRIV_DROP,
		[OBJECT_CATALOG] = 1u << PRIV_CREATE_DATABASE,
		[OBJECT_SYSTEM] = 1u << PRIV_OPERATE,
	};

	*ret = 0;
	list_for_each(at, &g->privileges) {
		struct ez_view name = LIST_OF(at, struct sql_name, link)->name;
		enum privilege p;

		if (sql_same_word(name, "ALL")) {
			*ret |= of_kind[g->object_kind];
			continue;
		}
		if (!privilege_parse(name, &p) || !(of_kind[g->object_kind] & 1u << p))
			return sql_fail_analysis(r, "Cannot find privilege type %.*s on "
						 "this object type",
						 VIEW_ARG(name));
		*ret |= 1u << p;
	}
	return true;
}

static bool grant(struct sql_session *s, const struct sql_grant *g, struct sql_result *r)
{
	struct account *a = find(s, g->grantee, g->to_role, r);
	struct object o = { (enum object_kind)g->object_kind, g->db, g->table };
	uint32_t privileges;

	if (!a)
		return false;
	list_for_each(at, &g->roles) {
		struct account *role =
			find(s, LIST_OF(at, struct sql_name, link)->name, true, r);

		if (!role)
			return false;
		account_grant_role(a, role);
	}
	if (!list_is_empty(&g->roles))
		return true;
	if (o.db.ptr && !database_find(s->cluster, o.db))
		return sql_fail_analysis(r, "cannot find db: %.*s", VIEW_ARG(o.db));
	if (!privileges_of(g, &privileges, r))
		return false;
	if (g->is_revoke)
		account_revoke(a, &o, privileges);
	else
		account_grant(a, &o, privileges);
	return true;
}

bool sql_run_grant(struct sql_session *s, struct sql_statement *st, struct sql_result *r)
{
	const struct sql_grant *g = st->grant;
	struct account *a;

	switch (st->kind) {
	case SQL_CREATE_USER:
		return create(s, g, false, r);
	case SQL_CREATE_ROLE:
		return create(s, g, true, r);
	case SQL_GRANT:
		return grant(s, g, r);
	default:
		a = find(s, g->grantee, false, r);
		if (a)
			a->has_default_roles = g->is_all;
		return a != NULL;
	}
}

/* ------------------------------------------------------------------ SHOW GRANTS */

static struct ez_view grantee_text(struct sql_result *rows, const struct account *a)
{
	return a->is_role ? sql_textf(rows, "ROLE '%s'", a->name)
			  : sql_textf(rows, "USER '%s'@'%%'", a->name);
}

static void roles_row(struct sql_result *rows, const struct account *a,
		      struct ez_view title)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(TEXT_CAP);
	struct ez_view *cells = sql_result_row(rows);

	for (size_t i = 0; i < a->n_roles; i++)
		buf_addf(&b, "%s'%s'", i > 0 ? ", " : "", a->roles[i]->name);
	cells[0] = title;
	cells[2] = sql_textf(rows, "GRANT %s TO %.*s", buf_cstr(&b),
			     VIEW_ARG(a->is_role ? grantee_text(rows, a) : title));
}

static void account_rows(struct sql_result *rows, const struct account *a)
{
	struct ez_view title = a->is_role ? sql_text_str(rows, a->name)
					  : sql_textf(rows, "'%s'@'%%'", a->name);

	if (a->n_roles > 0)
		roles_row(rows, a, title);
	list_for_each(pos, &a->grants) {
		const struct grant *g = LIST_OF(pos, struct grant, link);
		_cleanup_(buf_release) struct buf b = BUF_INIT(TEXT_CAP);
		struct ez_view *cells = sql_result_row(rows);

		buf_add_str(&b, "GRANT ");
		grant_add_privileges(g, &b);
		buf_add_str(&b, " ON ");
		grant_add_object(g, &b);
		buf_add_str(&b, " TO ");
		buf_add_view(&b, grantee_text(rows, a));
		cells[0] = title;
		cells[1] = VIEW("default");
		cells[2] = sql_text(rows, buf_view(&b));
	}
}

static bool has_role(const struct account *a, const struct account *role)
{
	for (size_t i = 0; a && i < a->n_roles; i++)
		if (a->roles[i] == role || has_role(a->roles[i], role))
			return true;
	return false;
}

bool sql_grants_rows(struct sql_session *s, const struct sql_statement *st,
		     struct sql_result *rows)
{
	static const char *const of_user[] = { "UserIdentity", "Catalog", "Grants", NULL };
	static const char *const of_role[] = { "RoleName", "Catalog", "Grants", NULL };
	bool is_root = view_eq_str(s->user, s->cluster->user);
	const struct account *a = account_find(s->cluster, s->user, false), *role = NULL;
	struct ez_view *cells;

	if (st->has_ref) {
		role = find(s, st->ref.name, true, rows);
		if (!role)
			return false;
		if (!is_root && !has_role(a, role))
			return refuse(s, PRIV_OPERATE, "SYSTEM", rows);
		a = role;
	}
	sql_result_columns(rows, role ? of_role : of_user);
	if (a) {
		account_rows(rows, a);
		return true;
	}
	cells = sql_result_row(rows);
	cells[0] = sql_textf(rows, "'%.*s'@'%%'", VIEW_ARG(s->user));
	cells[2] = sql_textf(rows, "GRANT 'root' TO '%.*s'@'%%'", VIEW_ARG(s->user));
	return true;
}
