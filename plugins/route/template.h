/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTE_TEMPLATE_H
#define ROUTE_TEMPLATE_H

#include <ezcdc/plugin.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * A name with references to the groups of a regular expression: "shop_$1".
 *
 * $1 to $9 stand for what the group matched, nothing if it took no part; $$ is a dollar.
 * A template borrows its text, which is the configuration's.
 */
struct template
{
	struct ez_view text;
};

/* False with a reason (static text) when a reference is malformed or over `n_groups`. */
_must_check_ bool template_init(struct template *t, struct ez_view text, size_t n_groups,
				const char **ret_why);

/* Appends the name; `subject` is what was matched. */
void template_expand(const struct template *t, const char *subject,
		     const regmatch_t *groups, struct buf *to);

#endif
