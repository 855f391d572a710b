/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <string.h>

#include "base/attr.h"
#include "base/view.h"
#include "filter/bind.h"
#include "filter/eval.h"
#include "filter/where.h"

#include "fuzz.h"

/*
 * A condition from a stranger, and the row of a stranger: the input is the expression and
 * then the cells, each behind a NUL byte (none: NULL; "?" alone: not sent).
 *
 * A refusal names a place within the expression. What is accepted gives each row one truth
 * value or, where cells were not sent, several; and knowing less never rules out what was
 * possible before, else a row would be dropped because a value was not sent.
 */
#define COLUMN(n, t)                                                     \
 { .size = sizeof(struct ez_column), .name = VIEW(n), .native = VIEW(n), \
   .type = (t), .type_mod = -1, .precision = -1, .length = -1 }

static const struct ez_column columns[] = {
	COLUMN("a", EZ_TYPE_INT4),      COLUMN("b", EZ_TYPE_TEXT),
	COLUMN("c", EZ_TYPE_NUMERIC),   COLUMN("d", EZ_TYPE_TIMESTAMPTZ),
	COLUMN("e", EZ_TYPE_BOOL),      COLUMN("f", EZ_TYPE_DATE),
	COLUMN("g h", EZ_TYPE_JSON),    COLUMN("i", EZ_TYPE_FLOAT8),
	COLUMN("j", EZ_TYPE_UUID),      COLUMN("k", EZ_TYPE_TIMESTAMP),
	COLUMN("l", EZ_TYPE_BYTES),     COLUMN("m", EZ_TYPE_TIME),
};
enum { N = ARRAY_LEN(columns) };

static void read_cells(struct ez_view rest, struct ez_cell *cells)
{
	struct ez_view v;

	for (size_t i = 0; i < N; i++) {
		cells[i] = (struct ez_cell){ .kind = EZ_CELL_NULL };
		if (rest.len == 0 || !view_split(&rest, '\0', &v))
			continue;
		if (view_eq(v, VIEW("?")))
			cells[i].kind = EZ_CELL_UNCHANGED;
		else if (v.len > 0)
			cells[i] = (struct ez_cell){ v.ptr, (uint32_t)v.len, EZ_CELL_TEXT };
	}
}

static unsigned evaluate(const struct where_bound *b, const struct ez_cell *cells)
{
	unsigned truth = where_eval(b, &(struct row){ .cells = cells });

	ENSURE(truth != 0 && (truth & ~(unsigned)TRUTH_ANY) == 0, "no truth value");
	return truth;
}

/* Is everything there that the answer takes? Any text is a value when bytes are compared. */
static bool is_decided(const struct where_bound *b, const struct ez_cell *cells)
{
	for (size_t i = 0; i < b->where->n_columns; i++)
		if (cells[b->columns[i].index].kind == EZ_CELL_UNCHANGED ||
		    b->columns[i].how == COMPARE_NUMBER || b->columns[i].how == COMPARE_MOMENT)
			return false;
	return true;
}

static void check_rows(const struct where_bound *b, struct ez_cell *cells)
{
	unsigned truth = evaluate(b, cells);

	ENSURE(!is_decided(b, cells) || (truth & (truth - 1)) == 0,
	       "two truth values for a whole row");
	for (size_t i = 0; i < N; i++) {
		struct ez_cell kept = cells[i];
		unsigned wider;

		cells[i].kind = EZ_CELL_UNCHANGED;
		wider = evaluate(b, cells);
		ENSURE((wider & truth) == truth, "a value not sent rules something out");
		cells[i] = kept;
	}
	ENSURE((evaluate(b, NULL) & truth) == truth, "nothing known rules something out");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ez_column *pointers[N];
	struct ez_table table = { .size = sizeof(table), .schema = VIEW("s"), .name = VIEW("t"),
				  .n_columns = N, .columns = pointers };
	struct ez_view rest = view_of(data, size), text = rest;
	struct ez_cell cells[N];
	struct where_error e;
	struct where_bound b;
	struct where w;

	for (size_t i = 0; i < N; i++)
		pointers[i] = &columns[i];
	if (size > 0 && !view_split(&rest, '\0', &text))
		return 0;
	read_cells(rest, cells);
	if (!where_parse(text, &w, &e)) {
		ENSURE(e.why && e.at <= text.len, "a fault without a place");
		return 0;
	}
	if (where_bind(&w, &table, &b, &e)) {
		check_rows(&b, cells);
		where_bound_release(&b);
	} else {
		ENSURE(e.why && e.at <= text.len, "a fault without a place");
	}
	where_release(&w);
	return 0;
}
