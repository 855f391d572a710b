/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_ACCOUNTS_H
#define STARROCKS_ACCOUNTS_H

#include "model.h"

/*
 * Who may log in, and who may do what: users and roles besides the one of the command line,
 * which is root and may do everything.
 *
 * They are made by SQL (CREATE USER, CREATE ROLE, GRANT), as in StarRocks 3: a user has
 * nothing but what it was granted, itself or by its active roles and theirs. The lock is held
 * in all of this.
 */
enum privilege {
	PRIV_SELECT,
	PRIV_INSERT,
	PRIV_UPDATE,
	PRIV_DELETE,
	PRIV_ALTER,
	PRIV_DROP,
	PRIV_EXPORT,
	PRIV_CREATE_TABLE,
	PRIV_CREATE_VIEW,
	PRIV_CREATE_DATABASE,
	PRIV_OPERATE,
	_PRIV_MAX
};

const char *privilege_to_str(enum privilege p);
/* "SELECT", "CREATE TABLE", in any case. */
_must_check_ bool privilege_parse(struct ez_view v, enum privilege *ret);

enum object_kind {
	OBJECT_TABLE,
	OBJECT_DATABASE,
	OBJECT_CATALOG,
	OBJECT_SYSTEM,
};

/* A NULL pointer stands for all of them. */
struct object {
	enum object_kind kind;
	struct ez_view db, table;
};

struct grant {
	struct list link;
	enum object_kind kind;
	uint32_t privileges; /* 1u << enum privilege */
	char *db, *table;    /* NULL: all */
};

struct account {
	struct list link;
	char *name, *password;
	bool is_role;
	bool has_default_roles; /* they are active when the user logs in */
	struct list grants;
	struct account **roles;
	size_t n_roles;
};

struct account *account_find(struct cluster *c, struct ez_view name, bool is_role);
/* The name must be free. */
struct account *account_add(struct cluster *c, struct ez_view name,
			    struct ez_view password, bool is_role);
void account_free_all(struct cluster *c);

void account_grant(struct account *a, const struct object *o, uint32_t privileges);
void account_revoke(struct account *a, const struct object *o, uint32_t privileges);
void account_grant_role(struct account *a, struct account *role);

/* NULL: there is no such user. */
const char *cluster_password(struct cluster *c, struct ez_view user);

bool user_may(struct cluster *c, struct ez_view user, enum privilege p,
	      const struct object *o);
/* Anything at all on the object, or in it. */
bool user_sees(struct cluster *c, struct ez_view user, const struct object *o);

/* Roles that are active or not, for messages: "NONE", or names; without brackets. */
void account_add_roles(const struct account *a, bool active, struct buf *out);
/* "Please ask the admin to grant permission(s) ... Current role(s): ..." */
void account_add_advice(const struct account *a, struct buf *out);
/* "SELECT, INSERT"; what it is granted on: "ALL TABLES IN DATABASE shop". */
void grant_add_privileges(const struct grant *g, struct buf *out);
void grant_add_object(const struct grant *g, struct buf *out);

#endif
