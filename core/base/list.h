/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/*
 * An intrusive doubly linked list: the links are a member of the object.
 *
 * A list is a ring through a head of the same type; an initialised head or a removed link
 * points to itself. The list owns nothing: objects are freed by whoever made them, after
 * list_remove. Not thread safe. The names differ from those of <sys/queue.h> on purpose.
 */
struct list {
	struct list *prev, *next;
};

/* clang-format cannot lay out macros of several lines. */
/* clang-format off */

/* The static initialiser of `struct list head`. */
#define LIST_SELF(head) { .prev = &(head), .next = &(head) }

/* The object of `type` whose member `member` is the link `link`. */
#define LIST_OF(link, type, member) \
	((type *)(void *)((char *)(link) - offsetof(type, member)))

/* For each link `pos` (declared here) of `head`; the current one may be removed. */
#define list_for_each(pos, head) \
	for (struct list *pos = (head)->next, *pos##_next = pos->next; pos != (head); \
	     pos = pos##_next, pos##_next = pos->next)

/* clang-format on */

static inline void list_init(struct list *l)
{
	l->prev = l;
	l->next = l;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

/* Puts `l` before `at`; before the head means at the end. */
static inline void list_insert_before(struct list *at, struct list *l)
{
	l->prev = at->prev;
	l->next = at;
	at->prev->next = l;
	at->prev = l;
}

static inline void list_add_head(struct list *head, struct list *l)
{
	list_insert_before(head->next, l);
}

static inline void list_add_tail(struct list *head, struct list *l)
{
	list_insert_before(head, l);
}

/* Takes `l` out of its list; harmless when it is in none. */
static inline void list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

/* The first or last link, NULL when the list is empty. */
static inline struct list *list_first(const struct list *head)
{
	return list_is_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
	return list_is_empty(head) ? NULL : head->prev;
}

/* Takes the first link out, NULL when the list is empty. */
static inline struct list *list_take_first(struct list *head)
{
	struct list *l = list_first(head);

	if (l)
		list_remove(l);
	return l;
}

static inline size_t list_count(const struct list *head)
{
	size_t n = 0;

	for (const struct list *l = head->next; l != head; l = l->next)
		n++;
	return n;
}

#endif
