/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_JSONTEXT_H
#define FILE_JSONTEXT_H

#include <stdbool.h>

#include "base/view.h"

enum {
	JSONTEXT_DEPTH_MAX = 512,
};

/*
 * Is this one well-formed JSON value (RFC 8259) in UTF-8, nested at most
 * JSONTEXT_DEPTH_MAX deep? Only such text may be embedded into a line.
 */
bool jsontext_is_valid(struct ez_view v);

/* Is this one JSON number, and nothing else? */
bool jsontext_is_number(struct ez_view v);

#endif
