/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_COLUMNS_H
#define STARROCKS_COLUMNS_H

#include "plan.h"

/* The `columns` header, read as SQL reads it: names, and name = expression. */
struct column_item {
	char *name;
	bool is_mapping;
	enum slot_kind kind;
	char *argument; /* of a mapping: the field's name, or the constant; NULL is null */
};

struct column_list {
	struct column_item *items;
	size_t n;
};

_must_check_ bool column_list_parse(struct column_list *l, struct ez_view header,
				    char *text, size_t size);
void column_list_release(struct column_list *l);

/* Words that SQL wants quoted when they are names. */
bool is_reserved_word(struct ez_view word);

#endif
