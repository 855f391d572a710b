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
	MARK_WORDS = 8,
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

static bool is_same_change(const struct ahead_place *p, const struct ez_event *ev)
{
	return p->lsn == ev->tx->lsn && p->xid == ev->tx->xid && p->change == ev->lsn;
}

struct ahead_place ahead_next(const struct ahead_place *before, const struct ez_event *ev)
{
	return (struct ahead_place){
		.lsn = ev->tx->lsn,
		.xid = ev->tx->xid,
		.change = ev->lsn,
		.nth = is_same_change(before, ev) ? before->nth + 1 : 0,
	};
}

struct ahead_place ahead_place_of(const struct ez_batch *b, size_t i,
				  const struct ahead_place *before)
{
	const struct ez_event *ev = b->events[i];
	struct ahead_place first = { .lsn = 0 };
	struct ahead_place p = ahead_next(&first, ev);

	while (i > 0 && is_same_change(&p, b->events[i - 1])) {
		p.nth++;
		i--;
	}
	if (i == 0 && is_same_change(before, ev))
		p.nth += before->nth + 1;
	return p;
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

void ahead_all(struct ahead *a, const struct ahead_place *place)
{
	const struct ahead_mark all = { .place = *place };

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

void ahead_learn(struct ahead *a, uint64_t group, uint32_t load, bool is_done)
{
	for (size_t i = a->n; i-- > 0;) {
		if (a->items[i].group != group || a->items[i].load != load)
			continue;
		a->items[i].group = 0;
		if (is_done)
			(void)drop_older(a, i);
		else
			drop(a, i);
		return;
	}
}

/* Was the load of the mark committed? */
static int ask(const struct ahead_mark *mark, struct loader *l, const struct label *run,
	       bool *ret, struct ez_error *err)
{
	struct label label;
	int rc = label_group(&label, run, mark->group, mark->version, err);

	if (rc == EZ_OK)
		rc = label_add(&label, &label, LABEL_LOAD, mark->load, err);
	return rc == EZ_OK ? loader_is_done(l, label.text, ret, err) : rc;
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

static bool covers(const struct ahead_mark *m, const struct ez_event *ev,
		   const struct ahead_place *at)
{
	const struct ahead_place *end = &m->place;
	bool is_same_tx = at->lsn == end->lsn && at->xid == end->xid;

	if (m->table != 0 && (!ev->table || ev->table->id != m->table))
		return false;
	if (!is_same_tx)
		return m->table != 0 && at->lsn < end->lsn;
	return at->change < end->change ||
	       (at->change == end->change && at->nth <= end->nth);
}

bool ahead_covers(const struct ahead *a, const struct ez_event *ev,
		  const struct ahead_place *place)
{
	for (size_t i = 0; i < a->n; i++)
		if (covers(&a->items[i], ev, place))
			return true;
	return false;
}

bool ahead_is_over(const struct ahead *a, const struct ez_event *ev)
{
	for (size_t i = 0; i < a->n; i++)
		if (ev->tx->lsn <= a->items[i].place.lsn)
			return false;
	return true;
}

void ahead_format(const struct ahead *a, struct buf *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct ahead_mark *m = &a->items[i];

		buf_addf(b, ">=%llu:%llu:%u:%llu:%u:%llu:%u:%u", (unsigned long long)m->table,
			 (unsigned long long)m->place.lsn, m->place.xid,
			 (unsigned long long)m->place.change, m->place.nth,
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
	if (word[2] > UINT32_MAX || word[4] > UINT32_MAX || word[6] > UINT32_MAX ||
	    word[7] > UINT32_MAX)
		return;
	add(a, &(struct ahead_mark){ .table = word[0],
				     .place = { .lsn = word[1],
						.xid = (uint32_t)word[2],
						.change = word[3],
						.nth = (uint32_t)word[4] },
				     .group = word[5],
				     .version = (uint32_t)word[6],
				     .load = (uint32_t)word[7] });
}

void ahead_parse(struct ahead *a, struct ez_view text)
{
	struct ez_view part;

	while (view_split(&text, '>', &part))
		if (part.len > 1 && part.ptr[0] == '=')
			parse_one(a, view_of(part.ptr + 1, part.len - 1));
}
