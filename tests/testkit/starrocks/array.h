/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_ARRAY_H
#define STARROCKS_ARRAY_H

#include "model.h"

/* Values of ARRAY<T>, whose canonical form is JSON text with converted elements. */

/* "[1,null,"x"]". Quotes keep commas together; there are no escapes in them. */
_must_check_ bool array_from_csv(const struct profile *p, const struct column_type *t,
				 struct ez_view text, struct buf *out);

_must_check_ bool array_from_json(const struct profile *p, const struct column_type *t,
				  struct ez_view raw, struct buf *out);

#endif
