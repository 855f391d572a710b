/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_QUOTE_H
#define PGOUTPUT_QUOTE_H

#include "base/buf.h"
#include "base/view.h"

/*
 * Names and strings as SQL text: how everything that is not ours gets into a statement.
 *
 * Names are always quoted, so keywords, case, dots and quotes in them mean nothing. The
 * server's settings make backslashes in '...' ordinary (conn.c pins them), and the client
 * encodings in use (UTF8, SQL_ASCII) never have a quote inside a character.
 */
void quote_ident(struct buf *b, struct ez_view name);
void quote_table(struct buf *b, struct ez_view schema, struct ez_view name);
void quote_literal(struct buf *b, struct ez_view text);

/* One element of a text[] parameter; the caller writes braces and commas. */
void quote_array_item(struct buf *b, struct ez_view text);

#endif
