/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "encode.h"

#include <string.h>

#include "base/buf.h"

#include "tabletest.h"

/* Bodies as a whole: cut into rows, what they cost, and which rows they are of. */

static struct tabletest t;

static void open_test(void)
{
	tabletest_open(&t);
	tabletest_begin(&t);
}

static void close_test(void)
{
	tabletest_close(&t);
}

static const struct ez_table *orders(void)
{
	return fake_table(t.fake, "public", "orders",
			  "id:int8:key, state:text, note:text");
}

#define EVENT(op, table, before, after) tabletest_event(&t, op, table, before, after)

static void encode_ok(void)
{
	int rc = tabletest_encode(&t);

	ck_assert_msg(rc == EZ_OK, "%s", t.fake->err.text);
}

static void check_slices(const char *const *rows, size_t n, bool json)
{
	for (size_t from = 0; from < n; from++)
		for (size_t to = from + 1; to <= n; to++) {
			struct buf b = BUF_INIT(65536), want = BUF_INIT(65536);

			buf_add_str(&want, json ? "[" : "");
			for (size_t i = from; i < to; i++) {
				buf_add_str(&want, json && i > from ? ",\n" : "");
				buf_add_str(&want, rows[i]);
			}
			buf_add_str(&want, json ? "]" : "");
			load_slice(t.loads.items[0], from, to, &b);
			ck_assert_str_eq(buf_cstr(&b), buf_cstr(&want));
			buf_release(&b);
			buf_release(&want);
		}
}

START_TEST(a_body_can_be_cut_into_rows)
{
	static const char *const csv[] = { "1\x01"
					   "a,\n\x01"
					   "\\N\x01"
					   "0\x02",
					   "2\x01"
					   "b\x01"
					   "\\N\x01"
					   "0\x02",
					   "3\x01"
					   "c\x01"
					   "\\N\x01"
					   "0\x02" };
	const struct ez_table *o = orders();

	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("1", "a,\n", NULL));
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("2", "b", NULL));
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("3", "c", NULL));
	encode_ok();
	check_slices(csv, 3, false);
}
END_TEST

START_TEST(so_can_a_body_of_json)
{
	static const char *const json[] = {
		"{\"id\":1,\"doc\":{\"a\":  1},\"note\":\"\\u0001},\\n\",\"__op\":0}",
		"{\"id\":2,\"doc\":null,\"note\":\"b\",\"__op\":0}",
		"{\"id\":3,\"doc\":[1, 2],\"note\":null,\"__op\":0}",
	};
	const struct ez_table *o =
		fake_table(t.fake, "public", "j", "id:int4:key, doc:json, note:text");

	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("1", "{\"a\":\n 1}", "\x01},\n"));
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("2", NULL, "b"));
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("3", "[1,\n2]", NULL));
	encode_ok();
	ck_assert_int_eq(t.loads.items[0]->format, LOAD_JSON);
	check_slices(json, 3, true);
}
END_TEST

START_TEST(memory_is_charged_and_given_back)
{
	const struct ez_table *o = orders();
	static char text[900000];

	memset(text, 'x', sizeof(text) - 1);
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("1", text, text));
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("2", text, NULL));
	encode_ok();
	ck_assert_int_ge(t.fake->ctx.mem_bytes, 2700000);
	loads_release(&t.loads);
	ck_assert_int_lt(t.fake->ctx.mem_bytes, 1000000);
}
END_TEST

START_TEST(snapshots_are_not_folded)
{
	const struct ez_table *o = orders();
	struct ez_batch copy;

	EVENT(EZ_OP_SNAPSHOT, o, NULL, FAKE_ROW("1", "a", "b"));
	EVENT(EZ_OP_SNAPSHOT, o, NULL, FAKE_ROW("2", "c", "d"));
	fake_commit(t.batch, 0x1008);
	copy = *fake_finish(t.batch);
	copy.flags |= EZ_BATCH_SNAPSHOT;
	ck_assert_int_eq(
		encode_batch(t.encoder, &copy, 0, 2, &t.rules, &t.loads, &t.fake->err),
		EZ_OK);
	ck_assert_str_eq(body_text(&t, 0), "1|a|b|0\n2|c|d|0\n");
}
END_TEST

START_TEST(a_range_of_a_batch_has_the_numbers_of_the_batch)
{
	const struct ez_table *o = orders();

	for (int i = 0; i < 4; i++)
		EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW(i % 2 ? "1" : "2", "a", "b"));
	fake_message(t.batch, "prefix", "content", 7);
	EVENT(EZ_OP_INSERT, o, NULL, FAKE_ROW("3", "c", "d"));
	fake_commit(t.batch, 0x1008);
	t.finished = fake_finish(t.batch);
	ck_assert_int_eq(encode_batch(t.encoder, t.finished, 2, 4, &t.rules, &t.loads,
				      &t.fake->err),
			 EZ_OK);
	ck_assert_str_eq(body_text(&t, 0), "2|a|b|0\n1|a|b|0\n3|c|d|0\n");
	ck_assert_uint_eq(t.loads.items[0]->rows[0], 2);
	ck_assert_uint_eq(t.loads.items[0]->rows[2], 5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("starrocks bodies");
	TCase *c = tcase_create("bodies");

	tcase_add_checked_fixture(c, open_test, close_test);
	tcase_add_test(c, a_body_can_be_cut_into_rows);
	tcase_add_test(c, so_can_a_body_of_json);
	tcase_add_test(c, memory_is_charged_and_given_back);
	tcase_add_test(c, snapshots_are_not_folded);
	tcase_add_test(c, a_range_of_a_batch_has_the_numbers_of_the_batch);
	suite_add_tcase(s, c);
	return run_suite(s);
}
