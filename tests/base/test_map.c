/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "common.h"

static int values[64];

START_TEST(an_empty_map_has_nothing)
{
	struct map m = MAP_INIT;

	ck_assert_uint_eq(map_len(&m), 0);
	ck_assert_ptr_null(map_get(&m, VIEW("a")));
	ck_assert_ptr_null(map_find(&m, VIEW("")));
	ck_assert_ptr_null(map_remove(&m, VIEW("a")));
	ck_assert_ptr_null(map_get_u64(&m, 0));
	map_for_each(e, &m)
		ck_abort_msg("nothing to visit");
	map_release(&m, free);
}
END_TEST

START_TEST(what_was_put_is_found_until_it_is_removed)
{
	struct map m = MAP_INIT;

	ck_assert_ptr_null(map_put(&m, VIEW("a"), &values[1]));
	ck_assert_ptr_null(map_put(&m, VIEW("b"), &values[2]));
	ck_assert_ptr_null(map_put(&m, view_of(NULL, 0), &values[3]));
	ck_assert_ptr_eq(map_get(&m, VIEW("a")), &values[1]);
	ck_assert_ptr_eq(map_get(&m, VIEW("")), &values[3]);
	ck_assert_ptr_null(map_get(&m, VIEW("a\0")));
	ck_assert_ptr_eq(map_put(&m, VIEW("a"), &values[4]), &values[1]);
	ck_assert_uint_eq(map_len(&m), 3);
	ck_assert_ptr_eq(map_remove(&m, VIEW("a")), &values[4]);
	ck_assert_ptr_null(map_remove(&m, VIEW("a")));
	ck_assert_ptr_null(map_get(&m, VIEW("a")));
	ck_assert_uint_eq(map_len(&m), 2);
	ck_assert_ptr_null(map_put(&m, VIEW("a"), &values[5]));
	ck_assert_ptr_eq(map_get(&m, VIEW("a")), &values[5]);
	map_release(&m, NULL);
	ck_assert_uint_eq(map_len(&m), 0);
}
END_TEST

START_TEST(keys_are_copied_and_terminated)
{
	struct map m = MAP_INIT;
	char key[] = "abc";
	struct map_entry *e;

	map_put(&m, view_of(key, 2), &values[0]);
	key[0] = 'x';
	e = map_find(&m, VIEW("ab"));
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->key.ptr, "ab");
	ck_assert_uint_eq(e->key.len, 2);
	map_release(&m, NULL);
}
END_TEST

START_TEST(a_null_value_is_not_a_missing_key)
{
	struct map m = MAP_INIT;

	map_put(&m, VIEW("a"), NULL);
	ck_assert_ptr_nonnull(map_find(&m, VIEW("a")));
	ck_assert_ptr_null(map_find(&m, VIEW("b")));
	map_release(&m, NULL);
}
END_TEST

START_TEST(numbers_are_keys_too)
{
	struct map m = MAP_INIT;

	map_put_u64(&m, 0, &values[0]);
	map_put_u64(&m, UINT64_MAX, &values[1]);
	ck_assert_ptr_eq(map_put_u64(&m, 0, &values[2]), &values[0]);
	ck_assert_ptr_eq(map_get_u64(&m, 0), &values[2]);
	ck_assert_ptr_eq(map_get_u64(&m, UINT64_MAX), &values[1]);
	ck_assert_ptr_null(map_get_u64(&m, 1));
	ck_assert_uint_eq(map_find_u64(&m, UINT64_MAX)->id, UINT64_MAX);
	ck_assert_ptr_eq(map_remove_u64(&m, 0), &values[2]);
	ck_assert_ptr_null(map_get_u64(&m, 0));
	map_release(&m, NULL);
}
END_TEST

START_TEST(iteration_is_in_the_order_of_insertion)
{
	struct map m = MAP_INIT;
	uint64_t expected = 0;

	for (uint64_t id = 0; id < 100; id++)
		map_put_u64(&m, id * 977, &values[0]);
	for (uint64_t id = 0; id < 100; id += 2)
		map_remove_u64(&m, id * 977);
	for (uint64_t id = 100; id < 200; id++)
		map_put_u64(&m, id * 977, &values[0]);
	map_for_each(e, &m) {
		expected += expected < 100 ? 1 : 0;
		ck_assert_uint_eq(e->id, expected * 977);
		expected++;
	}
	ck_assert_uint_eq(expected, 200);
	map_release(&m, NULL);
}
END_TEST

START_TEST(the_current_entry_may_be_removed_on_the_way)
{
	struct map m = MAP_INIT;

	for (uint64_t id = 0; id < 50; id++)
		map_put_u64(&m, id, &values[0]);
	map_for_each(e, &m) {
		if (e->id % 3)
			map_remove_u64(&m, e->id);
	}
	ck_assert_uint_eq(map_len(&m), 17);
	map_for_each(e, &m)
		ck_assert_uint_eq(e->id % 3, 0);
	map_release(&m, NULL);
}
END_TEST

START_TEST(release_frees_each_value)
{
	struct map m = MAP_INIT;

	map_put(&m, VIEW("a"), xstrdup("one"));
	map_put(&m, VIEW("b"), xstrdup("two"));
	free(map_remove(&m, VIEW("a")));
	map_release(&m, free);
	ck_assert_ptr_null(m.entries);
}
END_TEST

START_TEST(putting_and_removing_for_ever_does_not_grow_the_map)
{
	struct map m = MAP_INIT;

	for (uint64_t id = 0; id < 10000; id++) {
		map_put_u64(&m, id, &values[0]);
		if (id >= 3)
			map_remove_u64(&m, id - 3);
	}
	ck_assert_uint_eq(map_len(&m), 3);
	ck_assert_uint_le(m.n_index, 16);
	map_release(&m, NULL);
}
END_TEST

enum {
	N_KEYS = 40,
};

static struct ez_view key_of(char text[16], size_t k)
{
	memset(text, 'k', 16);
	text[k % 16] = (char)k;
	return view_of(text, k % 17);
}

/* Several numbers make one and the same key, so the model asks for equality too. */
static size_t model_key(size_t k)
{
	return k % 17 <= k % 16 ? k % 17 : k;
}

START_TEST(any_sequence_of_operations_agrees_with_an_array)
{
	uint64_t seed = seed_of(_i);
	struct prng p = PRNG_INIT(seed);
	struct map by_view = MAP_INIT, by_id = MAP_INIT;
	void *model[N_KEYS] = { NULL };
	char text[16];

	for (int step = 0; step < 2000; step++) {
		size_t k = model_key(prng_below(&p, N_KEYS));
		void *value = &values[prng_below(&p, 64)];
		struct ez_view key = key_of(text, k);
		void *expected = model[k];

		switch (prng_below(&p, 3)) {
		case 0:
			CHECK_SEEDED(map_put(&by_view, key, value) == expected, seed);
			CHECK_SEEDED(map_put_u64(&by_id, k, value) == expected, seed);
			model[k] = value;
			break;
		case 1:
			CHECK_SEEDED(map_remove(&by_view, key) == expected, seed);
			CHECK_SEEDED(map_remove_u64(&by_id, k) == expected, seed);
			model[k] = NULL;
			break;
		default:
			CHECK_SEEDED(map_get(&by_view, key) == expected, seed);
			CHECK_SEEDED(map_get_u64(&by_id, k) == expected, seed);
		}
	}
	for (size_t k = 0, n = 0; k < N_KEYS; k++) {
		n += model[k] != NULL;
		CHECK_SEEDED(k + 1 < N_KEYS ||
				     (map_len(&by_view) == n && map_len(&by_id) == n),
			     seed);
	}
	map_for_each(e, &by_id)
		CHECK_SEEDED(model[e->id] == e->value, seed);
	map_release(&by_view, NULL);
	map_release(&by_id, NULL);
}
END_TEST

START_TEST(a_large_map_finds_every_key)
{
	struct map m = MAP_INIT;

	for (uint64_t id = 0; id < 100000; id++)
		map_put_u64(&m, id << 32, &values[id % 64]);
	for (uint64_t id = 0; id < 100000; id++)
		CHECK(map_get_u64(&m, id << 32) == &values[id % 64]);
	map_release(&m, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("map");

	ADD_CASE(s, "map", an_empty_map_has_nothing,
		 what_was_put_is_found_until_it_is_removed,
		 keys_are_copied_and_terminated, a_null_value_is_not_a_missing_key,
		 numbers_are_keys_too, iteration_is_in_the_order_of_insertion,
		 the_current_entry_may_be_removed_on_the_way, release_frees_each_value,
		 putting_and_removing_for_ever_does_not_grow_the_map,
		 a_large_map_finds_every_key);
	ADD_PROPERTIES(s, "properties", 50,
		       any_sequence_of_operations_agrees_with_an_array);
	return run_suite(s);
}
