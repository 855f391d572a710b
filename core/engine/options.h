/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_OPTIONS_H
#define ENGINE_OPTIONS_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct buf;
struct cfg_node;
struct problems;
struct secret;

/*
 * Sections of a file, validated against option tables.
 *
 * An option table (struct ez_option in the public header) is the only description of what
 * may stand in a section. options_validate() holds a section against one or two of them
 * and makes a struct ez_config: every option of the tables with its value, its default or
 * nothing. After that reading cannot fail; asking for an option that no table has, or with
 * the wrong accessor, is a programming error and aborts.
 *
 * Secrets come as text, or from a file, the environment or an inherited descriptor. A file
 * is read anew at each config_secret(), so the newest content counts. Descriptors are read
 * once, at validation (R22), into a struct secret_fds that outlives the configuration: a
 * later validation of the same file finds them there, and secret_fds_replace() renews them.
 *
 * A configuration belongs to whoever validated it and must outlive the instances that were
 * opened with it. Accessors may be called from any thread, also while config_apply_live()
 * or secret_fds_replace() run; views they return last as long as the configuration.
 */

/* ------------------------------------------------------------ secrets by descriptor */

/* Thread safe; owned by the program, freed after the last configuration. */
struct secret_fds;

_returns_nonnull_ struct secret_fds *secret_fds_new(void);
void secret_fds_free(struct secret_fds *s);

/* Renews what `{ fd = N; }` means everywhere. False: no secret was read from N. */
_must_check_ bool secret_fds_replace(struct secret_fds *s, int fd, struct ez_view bytes);

/* ------------------------------------------------------------------------ validation */

enum options_flag {
	OPTIONS_NO_SECRETS =
		1 << 0,          /* check form only: open no file, read no descriptor */
	OPTIONS_REMOTE = 1 << 1, /* R28: secrets are text or names in secrets_dir */
};

/* What holds for all sections of one file. */
struct options_rules {
	struct secret_fds *fds;  /* NULL: `{ fd = N; }` is refused */
	const char *secrets_dir; /* OPTIONS_REMOTE: NULL refuses names */
	unsigned flags;          /* enum options_flag */
};

struct options_section {
	const char *title;           /* for messages: "sink"; "" for the top level */
	const struct cfg_node *node; /* NULL: absent, all defaults */
	const struct ez_option *const *table; /* ends with NULL; may be NULL */
	const struct ez_option *const
		*more;            /* the engine's own options of such a section:
						 a name that `table` has too is taken from
						 there; may be NULL */
	const char *const *other; /* names that are allowed and someone else's
						 business ("plugin"); ends with NULL */
	const char *file;         /* without a node: where the section is missing from */
};

/*
 * Adds every fault to `p`. Never NULL: with faults, the result holds what was understood,
 * which only helps to find further ones; then it must not be used for anything else.
 */
_must_check_ _returns_nonnull_ struct ez_config *options_validate(
	const struct options_section *s, const struct options_rules *rules,
	struct problems *p);
void config_free(struct ez_config *c);

/*
 * A table as a plugin brings it: names, types, defaults, choices. Adds a line without file
 * for each fault.
 */
void options_check_table(const struct ez_option *const *table, struct problems *p);

/* A copy of the part of `o` that its maker knew, zero beyond. */
struct ez_option option_copy(const struct ez_option *o);

/* "string", "size"; NULL for a type that this engine does not know. */
const char *option_type_to_str(uint32_t type);

/* ------------------------------------------------------------------------- accessors */

/* As the members of struct ez_host with these names, see plugin.h. */
struct ez_view config_str(const struct ez_config *c, const char *name);
int64_t config_num(const struct ez_config *c, const char *name);
bool config_is_set(const struct ez_config *c, const char *name);
size_t config_count(const struct ez_config *c, const char *name);
struct ez_view config_item(const struct ez_config *c, const char *name, size_t i);
struct ez_view config_item_key(const struct ez_config *c, const char *name, size_t i);
_must_check_ int config_secret(const struct ez_config *c, const char *name, char *buf,
			       size_t cap, size_t *ret_len, struct ez_error *err);

/* Whether any table of this section has the option. */
bool config_has(const struct ez_config *c, const char *name);

/* Which of the choices of an EZ_OPT_ENUM is set, counted from 0; -1: not set. */
int config_choice(const struct ez_config *c, const char *name);

/* Whether the section names the option itself. */
bool config_is_given(const struct ez_config *c, const char *name);

/* ---------------------------------------------------------------------------- reload */

enum config_change {
	CONFIG_SAME = 0,
	CONFIG_LIVE,    /* all options that differ are EZ_OPTF_LIVE */
	CONFIG_RESTART, /* some are not */
};

/*
 * How `next` differs from `now`, both validated against the same tables. The names of what
 * differs are appended to `changed` as "title.name", separated by ", ". Secrets in files
 * count as the same while the path is: they are read anew anyway.
 */
enum config_change config_compare(const struct ez_config *now,
				  const struct ez_config *next, struct buf *changed);

/*
 * Moves the values of EZ_OPTF_LIVE options over from `next`, which is good for nothing but
 * config_free() then. Old values stay in memory, because plugins may hold views of them.
 */
void config_apply_live(struct ez_config *now, struct ez_config *next);

/*
 * Renews a secret that was given as text or by descriptor. EZ_E_CONFIG if the option is not
 * such a secret.
 */
_must_check_ int config_secret_replace(struct ez_config *c, const char *name,
				       struct ez_view bytes, struct ez_error *err);

/* Appends the section's options as they would stand in a file; secrets as "***". */
void config_format(const struct ez_config *c, struct buf *out, const char *indent);

#endif
