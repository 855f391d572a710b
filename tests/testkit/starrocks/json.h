/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_JSON_H
#define STARROCKS_JSON_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

/*
 * Reading JSON in place: values stay as they stand in the document, so that number tokens keep
 * their digits. A cursor is the view of what is left. Nothing is allocated.
 */

/* Takes a value with everything in it, checked; surrounding white space is skipped. */
_must_check_ bool json_take(struct ez_view *rest, struct ez_view *ret_raw);

void json_skip_space(struct ez_view *rest);

/* Takes the character if it comes next, after white space. */
bool json_take_char(struct ez_view *rest, char c);

/* What is between the quotes of a string that json_take has accepted. */
void json_unescape(struct ez_view raw, struct buf *out);

/* The value without white space outside of strings. */
void json_compact(struct ez_view raw, struct buf *out);

#endif
