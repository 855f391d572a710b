/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "accounts.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "sql_lex.h"

static const char *const names[_PRIV_MAX] = {
	[PRIV_SELECT] = "SELECT",
	[PRIV_INSERT] = "INSERT",
	[PRIV_UPDATE] = "UPDATE",
	[PRIV_DELETE] = "DELETE",
	[PRIV_ALTER] = "ALTER",
	[PRIV_DROP] = "DROP",
	[PRIV_EXPORT] = "EXPORT",
	[PRIV_CREATE_TABLE] = "CREATE TABLE",
	[PRIV_CREATE_VIEW] = "CREATE VIEW",
	[PRIV_CREATE_DATABASE] = "CREATE DATABASE",
	[PRIV_OPERATE] = "OPERATE",
};

const char *privilege_to_str(enum privilege p)
{
	return (unsigned)p < _PRIV_MAX ? names[p] : "ANY";
}

bool privilege_parse(struct ez_view v, enum privilege *ret)
{
	for (unsigned i = 0; i < _PRIV_MAX; i++)
		if (sql_same_word(v, names[i])) {
			*ret = (enum privilege)i;
			return true;
		}
	return false;
}

/* ------------------------------------------------------------------ accounts */

struct account *account_find(struct cluster *c, struct ez_view name, bool is_role)
{
	list_for_each(pos, &c->accounts) {
		struct account *a = LIST_OF(pos, struct account, link);

		if (a->is_role == is_role && view_eq_str(name, a->name))
			return a;
	}
	return NULL;
}

struct account *account_add(struct cluster *c, struct ez_view name,
			    struct ez_view password, bool is_role)
{
	struct account *a = xcalloc(1, sizeof(*a));

	a->name = view_dup(name);
	a->password = view_dup(password);
	a->is_role = is_role;
	list_init(&a->grants);
	list_add_tail(&c->accounts, &a->link);
	return a;
}

static void grant_free(struct grant *g)
{
	list_remove(&g->link);
	free(g->db);
	free(g->table);
	free(g);
}

void account_free_all(struct cluster *c)
{
	list_for_each(pos, &c->accounts) {
		struct account *a = LIST_OF(pos, struct account, link);

		list_for_each(at, &a->grants)
			grant_free(LIST_OF(at, struct grant, link));
		list_remove(pos);
		free(a->name);
		free(a->password);
		free(a->roles);
		free(a);
	}
}

static bool is_same(const char *have, struct ez_view want)
{
	return have ? want.ptr && view_eq_str(want, have) : !want.ptr;
}

static struct grant *find_grant(struct account *a, const struct object *o)
{
	list_for_each(pos, &a->grants) {
		struct grant *g = LIST_OF(pos, struct grant, link);

		if (g->kind == o->kind && is_same(g->db, o->db) &&
		    is_same(g->table, o->table))
			return g;
	}
	return NULL;
}

void account_grant(struct account *a, const struct object *o, uint32_t privileges)
{
	struct grant *g = find_grant(a, o);

	if (!g) {
		g = xcalloc(1, sizeof(*g));
		g->kind = o->kind;
		g->db = o->db.ptr ? view_dup(o->db) : NULL;
		g->table = o->table.ptr ? view_dup(o->table) : NULL;
		list_add_tail(&a->grants, &g->link);
	}
	g->privileges |= privileges;
}

void account_revoke(struct account *a, const struct object *o, uint32_t privileges)
{
	struct grant *g = find_grant(a, o);

	if (!g)
		return;
	g->privileges &= ~privileges;
	if (!g->privileges)
		grant_free(g);
}

void account_grant_role(struct account *a, struct account *role)
{
	for (size_t i = 0; i < a->n_roles; i++)
		if (a->roles[i] == role)
			return;
	a->roles = xreallocarray(a->roles, a->n_roles + 1, sizeof(struct account *));
	a->roles[a->n_roles++] = role;
}

const char *cluster_password(struct cluster *c, struct ez_view user)
{
	const struct account *a;

	if (view_eq_str(user, c->user))
		return c->password;
	a = account_find(c, user, false);
	return a ? a->password : NULL;
}

/* ------------------------------------------------------------------ rights */

static bool covers(const char *granted, struct ez_view name)
{
	return !granted || (name.ptr && view_eq_str(name, granted));
}

static bool grant_covers(const struct grant *g, const struct object *o)
{
	return g->kind == o->kind && covers(g->db, o->db) && covers(g->table, o->table);
}

/* A grant on the object, on what holds it, or on what is in it. */
static bool grant_shows(const struct grant *g, const struct object *o)
{
	if (g->kind != OBJECT_TABLE && g->kind != OBJECT_DATABASE)
		return false;
	if (!covers(g->db, o->db))
		return false;
	return o->kind == OBJECT_DATABASE ||
	       (g->kind == OBJECT_TABLE && covers(g->table, o->table));
}

/* `privileges` 0: any. Roles of roles make no circles here. */
static bool account_may(const struct account *a, uint32_t privileges,
			const struct object *o)
{
	list_for_each(pos, &a->grants) {
		const struct grant *g = LIST_OF(pos, struct grant, link);

		if (privileges ? (g->privileges & privileges) && grant_covers(g, o)
			       : grant_shows(g, o))
			return true;
	}
	for (size_t i = 0; (a->is_role || a->has_default_roles) && i < a->n_roles; i++)
		if (account_may(a->roles[i], privileges, o))
			return true;
	return false;
}

bool user_may(struct cluster *c, struct ez_view user, enum privilege p,
	      const struct object *o)
{
	const struct account *a;

	if (view_eq_str(user, c->user))
		return true;
	a = account_find(c, user, false);
	return a && account_may(a, 1u << p, o);
}

bool user_sees(struct cluster *c, struct ez_view user, const struct object *o)
{
	const struct account *a;

	if (view_eq_str(user, c->user))
		return true;
	a = account_find(c, user, false);
	return a && account_may(a, 0, o);
}

/* ------------------------------------------------------------------ words */

void account_add_roles(const struct account *a, bool active, struct buf *out)
{
	bool has = a && a->n_roles > 0 && a->has_default_roles == active;

	if (!has)
		buf_add_str(out, "NONE");
	for (size_t i = 0; has && i < a->n_roles; i++)
		buf_addf(out, "%s%s", i > 0 ? ", " : "", a->roles[i]->name);
}

void account_add_advice(const struct account *a, struct buf *out)
{
	buf_add_str(out, "Please ask the admin to grant permission(s) or try activating "
			 "existing roles using <set [default] role>. Current role(s): ");
	account_add_roles(a, true, out);
	buf_add_str(out, ". Inactivated role(s): ");
	account_add_roles(a, false, out);
	buf_add_char(out, '.');
}

void grant_add_privileges(const struct grant *g, struct buf *out)
{
	bool has_one = false;

	for (unsigned i = 0; i < _PRIV_MAX; i++) {
		if (!(g->privileges & 1u << i))
			continue;
		buf_addf(out, "%s%s", has_one ? ", " : "", names[i]);
		has_one = true;
	}
}

void grant_add_object(const struct grant *g, struct buf *out)
{
	switch (g->kind) {
	case OBJECT_SYSTEM:
		buf_add_str(out, "SYSTEM");
		break;
	case OBJECT_CATALOG:
		buf_add_str(out, "CATALOG default_catalog");
		break;
	case OBJECT_DATABASE:
		if (g->db)
			buf_addf(out, "DATABASE %s", g->db);
		else
			buf_add_str(out, "ALL DATABASES");
		break;
	case OBJECT_TABLE:
		if (g->table)
			buf_addf(out, "TABLE %s.%s", g->db, g->table);
		else if (g->db)
			buf_addf(out, "ALL TABLES IN DATABASE %s", g->db);
		else
			buf_add_str(out, "ALL TABLES IN ALL DATABASES");
		break;
	}
}
