/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "accounts.h"
#include "sql_parser.h"

static struct sql_grant *grant_new(struct parser *p, struct sql_statement *s,
				   enum sql_kind kind)
{
	struct sql_grant *g = arena_calloc(p->arena, 1, sizeof(*g));

	list_init(&g->privileges);
	list_init(&g->roles);
	s->kind = kind;
	s->grant = g;
	return g;
}

/* A name that may be quoted as text; of a user also where it logs in from. */
static bool expect_account(struct parser *p, bool is_user, struct ez_view *ret_name)
{
	struct ez_view from;

	if (p->at->kind == SQL_STRING ? !expect_string(p, ret_name)
				      : !expect_name(p, ret_name))
		return false;
	if (!is_user || !accept_symbol(p, "@"))
		return p->verdict == SQL_PARSED;
	if (!expect_string(p, &from))
		return false;
	return view_eq_str(from, "%") || parser_not_emulated(p, "a host of a user");
}

bool parse_create_account(struct parser *p, struct sql_statement *s, bool is_role)
{
	struct sql_grant *g =
		grant_new(p, s, is_role ? SQL_CREATE_ROLE : SQL_CREATE_USER);

	if (!expect_account(p, !is_role, &g->grantee))
		return false;
	if (is_role || !accept_word(p, "identified"))
		return p->verdict == SQL_PARSED;
	return expect_word(p, "by") && expect_string(p, &g->password);
}

/* One word or two: "SELECT", "CREATE TABLE", "ALL PRIVILEGES". */
static bool parse_privilege(struct parser *p, struct list *to)
{
	struct sql_name *n = arena_calloc(p->arena, 1, sizeof(*n));
	const struct sql_token *first = p->at;

	if (p->at->kind != SQL_WORD && p->at->kind != SQL_STRING &&
	    p->at->kind != SQL_QUOTED)
		return parser_syntax(p, "a privilege");
	n->name = p->at++->text;
	if (sql_same_word(n->name, "create") && p->at->kind == SQL_WORD) {
		p->at++;
		n->name = view_of(p->sql.ptr + first->at, p->at[-1].end - first->at);
	} else if (sql_same_word(n->name, "all") && accept_word(p, "privileges")) {
		n->name = VIEW("ALL");
	}
	list_add_tail(to, &n->link);
	return true;
}

static bool parse_all(struct parser *p, struct sql_grant *g)
{
	if (accept_word(p, "databases")) {
		g->object_kind = OBJECT_DATABASE;
		return true;
	}
	if (accept_word(p, "catalogs")) {
		g->object_kind = OBJECT_CATALOG;
		return true;
	}
	g->object_kind = OBJECT_TABLE;
	if (!expect_word(p, "tables") || !expect_word(p, "in"))
		return false;
	if (accept_words(p, "all", "databases"))
		return true;
	return expect_word(p, "database") && expect_name(p, &g->db);
}

static bool parse_object(struct parser *p, struct sql_grant *g)
{
	struct sql_ref ref = { .db = { NULL, 0 } };

	if (accept_word(p, "all"))
		return parse_all(p, g);
	if (accept_word(p, "system")) {
		g->object_kind = OBJECT_SYSTEM;
		return true;
	}
	if (accept_word(p, "catalog")) {
		g->object_kind = OBJECT_CATALOG;
		return expect_word(p, "default_catalog");
	}
	if (accept_word(p, "database")) {
		g->object_kind = OBJECT_DATABASE;
		return expect_name(p, &g->db);
	}
	g->object_kind = OBJECT_TABLE;
	if (accept_word(p, "table") && parser_is_symbol(p, "."))
		return parser_syntax(p, "a table");
	if (!expect_ref(p, &ref))
		return false;
	if (!ref.db.ptr)
		return parser_not_emulated(p, "a table without its database");
	g->db = ref.db;
	g->table = ref.name;
	return true;
}

bool parse_grant(struct parser *p, struct sql_statement *s)
{
	struct sql_grant *g = grant_new(p, s, SQL_GRANT);
	bool is_revoke = parser_is_word(p, "revoke");
	struct list words;

	list_init(&words);
	g->is_revoke = is_revoke;
	p->at++;
	do {
		if (!parse_privilege(p, &words))
			return false;
	} while (accept_symbol(p, ","));
	if (accept_word(p, "on")) {
		if (!parse_object(p, g))
			return false;
		list_for_each(at, &words) {
			list_remove(at);
			list_add_tail(&g->privileges, at);
		}
	} else if (is_revoke) {
		return parser_not_emulated(p, "REVOKE of a role");
	} else {
		list_for_each(at, &words) {
			list_remove(at);
			list_add_tail(&g->roles, at);
		}
	}
	if (!expect_word(p, is_revoke ? "from" : "to"))
		return false;
	g->to_role = accept_word(p, "role");
	if (!g->to_role && !accept_word(p, "user") && p->verdict != SQL_PARSED)
		return false;
	return expect_account(p, !g->to_role, &g->grantee);
}

bool parse_default_role(struct parser *p, struct sql_statement *s)
{
	struct sql_grant *g = grant_new(p, s, SQL_SET_DEFAULT_ROLE);

	g->is_all = accept_word(p, "all");
	if (!g->is_all && !expect_word(p, "none"))
		return false;
	return expect_word(p, "to") && expect_account(p, true, &g->grantee);
}
