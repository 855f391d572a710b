/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "ahead.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/view.h"

#include "label.h"

enum {
	MARKS_MAX = 4000, /* a text of less than half the column */
	MARK_WORDS = 6,
};

void ahead_release(struct ahead *a)
{
	free(a->items);
	*a = (struct ahead){ .items = NULL };
}

void ahead_copy(struct ahead *to, const struct ahead *from)
{
	ahead_release(to);
	if (from->n == 0)
		return;
	to->items = xmemdup(from->items, from->n * sizeof(*from->items));
	to->n = from->n;
}

static void drop(struct ahead *a, size_t i)
{
	a->n--;
	memmove(a->items + i, a->items + i + 1, (a->n - i) * sizeof(*a->items));
}

static void add(struct ahead *a, const struct ahead_mark *mark)
{
	if (a->n == MARKS_MAX)
		drop(a, 0);
	a->items = xreallocarray(a->items, a->n + 1, sizeof(*a->items));
	a->items[a->n++] = *mark;
}

void ahead_all(struct ahead *a, uint64_t lsn, uint64_t seq)
{
	const struct ahead_mark all = { .lsn = lsn, .seq = seq };

	a->n = 0;
	add(a, &all);
}

/* Of the same table, and as certain. */
static bool is_same_kind(const struct ahead_mark *x, const struct ahead_mark *y)
{
	return x->table == y->table && !x->group == !y->group;
}

void ahead_expect(struct ahead *a, const struct ahead_mark *mark)
{
	for (size_t i = a->n; i-- > 0;)
		if (is_same_kind(&a->items[i], mark))
			drop(a, i);
	add(a, mark);
}

/* The one that mark i takes the place of, if there is one: how many went. */
static size_t drop_older(struct ahead *a, size_t i)
{
	for (size_t j = i; j-- > 0;)
		if (is_same_kind(&a->items[j], &a->items[i])) {
			drop(a, j);
			return 1;
		}
	return 0;
}

void ahead_settle(struct ahead *a, uint64_t group)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->items[i].group == 0 || a->items[i].group > group)
			continue;
		a->items[i].group = 0;
		i -= drop_older(a, i);
	}
}

/* EZ_OK and *ret: was the load of the mark committed? */
static int ask(const struct ahead_mark *mark, struct loader *l, const struct label *run,
	       bool *ret, struct ez_error *err)
{
	struct ez_error why = { .size = sizeof(why) };
	struct label label;
	enum label_state state = LABEL_UNKNOWN;
	int rc = label_group(&label, run, mark->group, mark->version, err);

	if (rc == EZ_OK)
		rc = label_add(&label, &label, LABEL_LOAD, mark->load, err);
	if (rc < 0)
		return rc;
	while ((rc = loader_ask(l, label.text, &state, &why)) == EZ_E_TRANSIENT) {
		rc = loader_put_off(l, REACT_ASK, &why, err);
		if (rc < 0)
			return rc;
	}
	*ret = state == LABEL_DONE || state == LABEL_COMMITTED;
	return rc < 0 ? error_copy(err, &why) : EZ_OK;
}

int ahead_decide(struct ahead *a, struct loader *l, const struct label *run, uint64_t seq,
		 struct ez_error *err)
{
	for (size_t i = 0; i < a->n;) {
		bool is_done = a->items[i].group <= seq;
		int rc = is_done ? EZ_OK : ask(&a->items[i], l, run, &is_done, err);

		if (rc < 0)
			return rc;
		if (is_done)
			a->items[i++].group = 0;
		else
			drop(a, i);
	}
	return EZ_OK;
}

bool ahead_covers(const struct ahead *a, const struct ez_event *ev)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct ahead_mark *m = &a->items[i];

		if ((m->table == 0 || (ev->table && m->table == ev->table->id)) &&
		    (ev->tx->lsn < m->lsn || (ev->tx->lsn == m->lsn && ev->seq <= m->seq)))
			return true;
	}
	return false;
}

bool ahead_is_over(const struct ahead *a, const struct ez_event *ev)
{
	for (size_t i = 0; i < a->n; i++)
		if (ev->tx->lsn <= a->items[i].lsn)
			return false;
	return true;
}

void ahead_format(const struct ahead *a, struct buf *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct ahead_mark *m = &a->items[i];

		buf_addf(b, ">=%llu:%llu:%llu:%llu:%u:%u", (unsigned long long)m->table,
			 (unsigned long long)m->lsn, (unsigned long long)m->seq,
			 (unsigned long long)m->group, m->version, m->load);
	}
}

static void parse_one(struct ahead *a, struct ez_view text)
{
	uint64_t word[MARK_WORDS];
	struct ez_view part;

	for (size_t i = 0; i < MARK_WORDS; i++)
		if (!view_split(&text, ':', &part) || !parse_u64(part, &word[i]))
			return;
	if (word[4] > UINT32_MAX || word[5] > UINT32_MAX)
		return;
	add(a, &(struct ahead_mark){ .table = word[0],
				     .lsn = word[1],
				     .seq = word[2],
				     .group = word[3],
				     .version = (uint32_t)word[4],
				     .load = (uint32_t)word[5] });
}

void ahead_parse(struct ahead *a, struct ez_view text)
{
	struct ez_view part;

	while (view_split(&text, '>', &part))
		if (part.len > 1 && part.ptr[0] == '=')
			parse_one(a, view_of(part.ptr + 1, part.len - 1));
}
