/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_SECRET_REF_H
#define ENGINE_SECRET_REF_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "engine/options.h"

struct cfg_node;
struct problems;

/*
 * Where a secret comes from: the text itself, or a file, a variable of the environment, an
 * inherited descriptor. Files and the environment are asked at each reading; a descriptor
 * was read into the struct secret_fds when the reference was made.
 *
 * A reference belongs to one configuration. Thread safe.
 */
struct secret_ref;

/*
 * From the value of an option: text, or a group with exactly one of file, env and fd.
 * `label` names the option in messages. NULL after adding a problem.
 */
_must_check_ struct secret_ref *secret_ref_new(const struct cfg_node *n,
					       const char *label,
					       const struct options_rules *rules,
					       struct problems *p);
_returns_nonnull_ struct secret_ref *secret_ref_new_text(struct ez_view text);
void secret_ref_free(struct secret_ref *r);

/* As config_secret. */
_must_check_ int secret_ref_read(struct secret_ref *r, const char *label, char *buf,
				 size_t cap, size_t *ret_len, struct ez_error *err);

/* Same text, or the same place. */
bool secret_ref_eq(const struct secret_ref *a, const struct secret_ref *b);

/* False for files and the environment, which nobody can replace from here. */
_must_check_ bool secret_ref_replace(struct secret_ref *r, struct ez_view bytes);

/* As in a job file, the text as "***". */
void secret_ref_format(const struct secret_ref *r, struct buf *out);

#endif
