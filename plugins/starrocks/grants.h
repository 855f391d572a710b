/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_GRANTS_H
#define STARROCKS_GRANTS_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

/*
 * What a user may do with one database, as SHOW GRANTS says it, and the GRANT for what is
 * missing.
 *
 * StarRocks 3.0 and newer says it in statements: "GRANT INSERT ON ALL TABLES IN DATABASE
 * `shop` TO USER 'cdc'@'%'", "GRANT `loader` TO ...". Older spellings of theirs are known as
 * well. What is no such statement, and rights that the sink has no use for, are passed over.
 *
 * A value of one thread.
 */
enum right {
	RIGHT_SELECT,
	RIGHT_INSERT,
	RIGHT_DELETE, /* TRUNCATE TABLE */
	RIGHT_ALTER,
	RIGHT_CREATE_TABLE,
	RIGHT_CREATE_DATABASE,
	_RIGHT_MAX
};

enum extent {
	EXTENT_NONE,
	EXTENT_SOME, /* of the database's tables */
	EXTENT_ALL,
};

const char *right_to_str(enum right r);

struct grants {
	struct ez_view database;
	enum extent has[_RIGHT_MAX];
	struct buf roles; /* names, each once, with \n behind each */
};

/* The name is borrowed. */
void grants_init(struct grants *g, struct ez_view database);
void grants_release(struct grants *g);

/* A cell of SHOW GRANTS; a role in it counts only `with_roles`. */
void grants_add(struct grants *g, struct ez_view statement, bool with_roles);

/* A role: root and db_admin have all rights, others are noted to be asked for. */
void grants_add_role(struct grants *g, struct ez_view name);

/* Adds the statement that grants the right; `user` is an identity: 'cdc'@'%'. */
void grants_statement(struct buf *b, enum right r, struct ez_view database,
		      struct ez_view user);

/* Adds the statement that ends a refusal, of whose text the object has no database. False:
 * it is about something else, such as the password. */
_must_check_ bool grants_remedy(struct buf *b, struct ez_view refusal,
				struct ez_view database, struct ez_view user);

/* The remedy of any refusal as the error's hint. `user` is a name alone. */
void grants_hint(struct ez_error *err, struct ez_view database, struct ez_view user);

#endif
