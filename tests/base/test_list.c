/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/list.h"

#include <stdlib.h>

#include "common.h"

struct item {
	char name;
	struct list link;
};

static void check_order(struct list *head, const char *names)
{
	struct list *l = head;

	for (; *names; names++) {
		l = l->next;
		ck_assert_ptr_ne(l, head);
		ck_assert_int_eq(LIST_OF(l, struct item, link)->name, *names);
		ck_assert_ptr_eq(l->prev->next, l);
	}
	ck_assert_ptr_eq(l->next, head);
}

START_TEST(an_empty_list_has_no_first_and_no_last)
{
	struct list head = LIST_SELF(head);

	ck_assert(list_is_empty(&head));
	ck_assert_ptr_null(list_first(&head));
	ck_assert_ptr_null(list_last(&head));
	ck_assert_ptr_null(list_take_first(&head));
	ck_assert_uint_eq(list_count(&head), 0);
	list_for_each(pos, &head)
		ck_abort_msg("nothing to visit");
}
END_TEST

START_TEST(links_stand_where_they_were_put)
{
	struct item a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
	struct list head;

	list_init(&head);
	list_add_tail(&head, &b.link);
	list_add_tail(&head, &c.link);
	list_add_head(&head, &a.link);
	check_order(&head, "abc");
	ck_assert_uint_eq(list_count(&head), 3);
	ck_assert_ptr_eq(list_first(&head), &a.link);
	ck_assert_ptr_eq(list_last(&head), &c.link);
	list_remove(&b.link);
	check_order(&head, "ac");
	list_remove(&b.link);
	list_insert_before(&a.link, &b.link);
	check_order(&head, "bac");
	ck_assert_ptr_eq(list_take_first(&head), &b.link);
	check_order(&head, "ac");
}
END_TEST

START_TEST(the_current_link_may_be_removed_on_the_way)
{
	struct list head = LIST_SELF(head);

	for (int i = 0; i < 5; i++) {
		struct item *item = malloc(sizeof(*item));

		ck_assert_ptr_nonnull(item);
		item->name = "abcde"[i];
		list_add_tail(&head, &item->link);
	}
	list_for_each(pos, &head) {
		struct item *item = LIST_OF(pos, struct item, link);

		if (item->name == 'b' || item->name == 'e') {
			list_remove(pos);
			free(item);
		}
	}
	check_order(&head, "acd");
	list_for_each(pos, &head)
		free(LIST_OF(pos, struct item, link));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("list");

	ADD_CASE(s, "list", an_empty_list_has_no_first_and_no_last,
		 links_stand_where_they_were_put,
		 the_current_link_may_be_removed_on_the_way);
	return run_suite(s);
}
