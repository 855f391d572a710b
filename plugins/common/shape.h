/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMMON_SHAPE_H
#define COMMON_SHAPE_H

#include <ezcdc/plugin.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A table's shape that can be altered: how a transform builds what it passes to
 * host->reshape.
 *
 * Structs are copied at the size their maker gave them, so members that are newer than
 * this build survive. The views inside go on pointing at the original: a shape lives
 * within one call of a transform's table(). Lives on the stack of that call.
 */
struct shape {
	struct ez_table *table;
	struct ez_column **columns;
	uint32_t n_columns, cap;
};

/* A copy of `in` with room for `n_extra` more columns. */
void shape_init(struct shape *s, const struct ez_table *in, uint32_t n_extra);
void shape_release(struct shape *s);

/* A new column at the end, nullable, of a type the source knows nothing of. */
struct ez_column *shape_add(struct shape *s, struct ez_view name, uint32_t type,
			    const char *native);

/* Takes column `i` out; later ones move up. */
void shape_drop(struct shape *s, uint32_t i);

/* Makes the column a text of at most `length` characters (-1: any), forgetting its default. */
void column_set_text(struct ez_column *c, int32_t length);

/* Counts the keys and hands the shape to the engine, which copies it. */
void shape_put(struct shape *s, const struct ez_host *host, struct ez_shape *out);

#endif
