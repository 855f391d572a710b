/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ENGINE_OPTION_COMMON_H
#define TESTS_ENGINE_OPTION_COMMON_H

#include <stdbool.h>
#include <string.h>

#include "base/view.h"
#include "config_common.h"
#include "engine/options.h"

/*
 * A section with every type of option, and what is needed to validate texts against it.
 */

#define OPTION(...) \
 (&(const struct ez_option){ .size = sizeof(struct ez_option), __VA_ARGS__ })
#define SECOND INT64_C(1000000)

extern const struct ez_option *const option_table[];

extern struct problems problems;
extern struct options_rules rules;
extern struct ez_error err;

/* Check fixtures: an empty folder, no problems, rules with descriptors. */
void option_setup(void);
void option_teardown(void);

/* The tree is freed at once: a configuration must not point into it. */
struct ez_config *validate(const char *text);
struct ez_config *validate_well(const char *text);

/* That and nothing else is wrong with the text. */
void expect_error(const char *text, const char *message);

static inline bool is_str(struct ez_view v, const char *text)
{
	return view_eq_str(v, text) && v.ptr[v.len] == '\0';
}

#endif
