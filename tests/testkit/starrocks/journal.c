/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "journal.h"

#include <stdlib.h>

#include "base/alloc.h"

struct line {
	struct list link;
	size_t len;
	char text[];
};

static void drop(struct cluster *c, struct list *pos)
{
	list_remove(pos);
	free(LIST_OF(pos, struct line, link));
	c->n_journal--;
}

void journal_add(struct cluster *c, struct ez_view json_object)
{
	struct line *l = xmalloc(sizeof(*l) + json_object.len);

	l->len = json_object.len;
	memcpy(l->text, json_object.ptr, json_object.len);
	list_add_tail(&c->journal, &l->link);
	if (++c->n_journal > JOURNAL_MAX)
		drop(c, c->journal.next);
}

void journal_dump(const struct cluster *c, struct buf *out)
{
	list_for_each(pos, &c->journal) {
		const struct line *l = LIST_OF(pos, struct line, link);

		buf_add(out, l->text, l->len);
		buf_add_char(out, '\n');
	}
}

void journal_clear(struct cluster *c)
{
	list_for_each(pos, &c->journal)
		drop(c, pos);
}

void journal_free(struct cluster *c)
{
	journal_clear(c);
}
