/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLUMNS_RULES_H
#define COLUMNS_RULES_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "columns/metadata.h"
#include "common/pattern.h"

/*
 * The items of the options rename and add: "schema.table.old=new" and "name=value".
 *
 * Names and values may stand in double quotes ("" inside is one quote); blanks around
 * unquoted ones do not count. Rules own their memory.
 */
struct rename_rule {
	struct pattern from; /* three parts, the column without a star */
	char *to;
};

struct add_rule {
	char *name;
	char *constant; /* METADATA_NONE */
	size_t constant_len;
	enum metadata metadata;
};

/* Both: false with a reason, and nothing to release. */
_must_check_ bool rename_rule_parse(struct ez_view item, struct rename_rule *ret_rule,
				    const char **ret_why);
_must_check_ bool add_rule_parse(struct ez_view item, struct add_rule *ret_rule,
				 const char **ret_why);
void rename_rule_release(struct rename_rule *r);
void add_rule_release(struct add_rule *r);

#endif
