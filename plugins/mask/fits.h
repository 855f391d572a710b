/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASK_FITS_H
#define MASK_FITS_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

/*
 * Whether a text is canonical for a column, so that the column may keep its type when the
 * text takes the place of its values. Says no when in doubt: the column then becomes text.
 */
bool value_fits(struct ez_view text, const struct ez_column *c);

#endif
