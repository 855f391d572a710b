/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_OPTION_VALUE_H
#define ENGINE_OPTION_VALUE_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "engine/options.h"

struct cfg_node;
struct problems;
struct secret_ref;

/*
 * The value of one option: made from a setting of a file or from the text of a default,
 * never changed afterwards. Strings are NUL-terminated copies, wiped when freed.
 */
struct option_item {
	struct ez_view key; /* EZ_OPT_MAP; else empty */
	struct ez_view value;
};

struct option_value {
	int64_t num;        /* INT, BOOL, SIZE, DURATION; ENUM: place in the choices */
	struct ez_view str; /* STRING, ENUM */
	struct option_item *items; /* LIST, MAP */
	size_t n_items;
	struct secret_ref *secret;
	struct option_value *next; /* of those that config_apply_live() replaced */
};

/* NULL after adding a problem. `label` names the option in messages. */
_must_check_ struct option_value *option_value_new(const struct ez_option *o,
						   const struct cfg_node *n,
						   const char *label,
						   const struct options_rules *rules,
						   struct problems *p);

/* The same from the text of a default. */
_must_check_ struct option_value *option_value_parse(const struct ez_option *o,
						     const char *text, const char *label,
						     struct problems *p);
void option_value_free(struct option_value *v);

/* Either may be NULL. */
bool option_value_eq(const struct option_value *a, const struct option_value *b);

/* As in a file. */
void option_value_format(const struct ez_option *o, const struct option_value *v,
			 struct buf *out);

/* A number of that type of option: "64MiB", "500ms", "7". */
struct option_text {
	char text[32];
};
struct option_text option_number_to_text(uint32_t type, int64_t num);

#endif
