/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "control/auth/limiter.h"
#include "control/http/guests.h"
#include "control/http/route.h"
#include "control/json/doc.h"
#include "control/json/fields.h"

#define ID "0f3a9c51-77aa-4b0e-9d65-2b1c3d4e5f60"

/* Routes, fields, times, limits: what stands between the network and a handler. */
static const struct route table[] = {
	{ "GET", "/a", .arg = "list" },
	{ "POST", "/a", .arg = "create" },
	{ "GET", "/a/{id}", .arg = "one" },
	{ "POST", "/a/{id}/b/{id}", .arg = "two" },
	{ .method = NULL },
};

static const char *found(const char *method, const char *path)
{
	struct route_match m = route_find(table, method, path);

	if (m.route)
		return m.route->arg;
	return m.path_exists ? "405" : "404";
}

START_TEST(paths_match_exactly)
{
	char methods[64];

	ck_assert_str_eq(found("GET", "/a"), "list");
	ck_assert_str_eq(found("HEAD", "/a"), "list");
	ck_assert_str_eq(found("POST", "/a"), "create");
	ck_assert_str_eq(found("PUT", "/a"), "405");
	ck_assert_str_eq(found("GET", "/a/"), "404");
	ck_assert_str_eq(found("GET", "//a"), "404");
	ck_assert_str_eq(found("GET", "a"), "404");
	ck_assert_str_eq(found("GET", ""), "404");
	ck_assert_str_eq(found("GET", "/a/" ID), "one");
	ck_assert_str_eq(found("GET", "/a/" ID "x"), "404");
	ck_assert_str_eq(found("GET", "/a/0F3A9C51-77aa-4b0e-9d65-2b1c3d4e5f60"), "404");
	ck_assert_str_eq(found("POST", "/a/" ID "/b/" ID), "two");
	ck_assert_str_eq(found("DELETE", "/a/" ID "/b/" ID), "405");
	route_methods(table, "/a", methods, sizeof(methods));
	ck_assert_str_eq(methods, "GET, POST");
}
END_TEST

START_TEST(ids_are_taken_in_order)
{
	static const char other[] = "11111111-77aa-4b0e-9d65-2b1c3d4e5f60";
	struct route_match m = route_find(
		table, "POST", "/a/" ID "/b/11111111-77aa-4b0e-9d65-2b1c3d4e5f60");

	ck_assert_ptr_nonnull(m.route);
	ck_assert_str_eq(m.ids[0], ID);
	ck_assert_str_eq(m.ids[1], other);
}
END_TEST

static const struct field fields[] = {
	{ .name = "name", .type = FIELD_NAME, .flags = FIELD_REQUIRED },
	{ .name = "label", .type = FIELD_LABEL, .min = 1, .max = 5 },
	{ .name = "id", .type = FIELD_UUID, .flags = FIELD_NULLABLE },
	{ .name = "n", .type = FIELD_INT, .min = -2, .max = 7 },
	{ .name = "x", .type = FIELD_NUMBER },
	{ .name = "on", .type = FIELD_BOOL },
	{ .name = "pick", .type = FIELD_ENUM, .choices = "one|two" },
	{ .name = "age", .type = FIELD_DURATION },
	{ .name = "at", .type = FIELD_TIME },
	{ .name = "list", .type = FIELD_STRINGS, .max = 2 },
	{ .name = "objects", .type = FIELD_OBJECTS },
	{ .name = "object", .type = FIELD_OBJECT },
	{ .name = NULL },
};

/* The field that is wrong, "" for the whole, NULL when all is well. */
static const char *wrong_field(const char *json, bool strict)
{
	static struct field_error e;
	struct buf why = BUF_INIT(256);
	struct json_t *j = doc_parse(view_str(json), &why);
	bool ok;

	ck_assert_msg(j != NULL, "%s: %s", json, buf_cstr(&why));
	ok = fields_check(fields, j, strict, &e);
	doc_free(j);
	buf_release(&why);
	return ok ? NULL : e.field;
}

START_TEST(good_bodies_pass)
{
	static const char *const good[] = {
		"{\"name\":\"a\"}",
		"{\"name\":\"shop_1\",\"label\":\"Caf\\u00e9\",\"id\":\"" ID
		"\",\"n\":-2,\"x\":1.5,\"on\":false}",
		"{\"name\":\"a\",\"id\":null,\"n\":7,\"x\":3,\"pick\":\"two\",\"age\":\"90d\"}",
		"{\"name\":\"a\",\"at\":\"2026-01-31T12:00:00.5+02:00\",\"list\":[\"a\",\"b\"],\"objects\":[{}],\"object\":{}}",
	};

	ck_assert_ptr_null(wrong_field(good[_i], true));
}
END_TEST

START_TEST(bad_members_are_named)
{
	static const char *const bad[][2] = {
		{ "[]", "" },
		{ "{}", "name" },
		{ "{\"name\":\"Shop\"}", "name" },
		{ "{\"name\":\"\"}", "name" },
		{ "{\"name\":\"a23456789012345678901234567890123456789012\"}", "name" },
		{ "{\"name\":\"a\",\"label\":\"\"}", "label" },
		{ "{\"name\":\"a\",\"label\":\"123456\"}", "label" },
		{ "{\"name\":\"a\",\"label\":\"a\\nb\"}", "label" },
		{ "{\"name\":\"a\",\"label\":null}", "label" },
		{ "{\"name\":\"a\",\"id\":\"" ID "0\"}", "id" },
		{ "{\"name\":\"a\",\"n\":8}", "n" },
		{ "{\"name\":\"a\",\"n\":-3}", "n" },
		{ "{\"name\":\"a\",\"n\":1.5}", "n" },
		{ "{\"name\":\"a\",\"n\":\"1\"}", "n" },
		{ "{\"name\":\"a\",\"x\":\"1\"}", "x" },
		{ "{\"name\":\"a\",\"on\":1}", "on" },
		{ "{\"name\":\"a\",\"pick\":\"on\"}", "pick" },
		{ "{\"name\":\"a\",\"age\":\"90\"}", "age" },
		{ "{\"name\":\"a\",\"age\":\"-1s\"}", "age" },
		{ "{\"name\":\"a\",\"at\":\"2026-13-01T00:00:00Z\"}", "at" },
		{ "{\"name\":\"a\",\"at\":\"2026-01-01\"}", "at" },
		{ "{\"name\":\"a\",\"at\":\"2026-01-01T00:00:00\"}", "at" },
		{ "{\"name\":\"a\",\"list\":[\"a\",\"b\",\"c\"]}", "list" },
		{ "{\"name\":\"a\",\"list\":[1]}", "list" },
		{ "{\"name\":\"a\",\"objects\":[\"a\"]}", "objects" },
		{ "{\"name\":\"a\",\"object\":[]}", "object" },
		{ "{\"name\":\"a\",\"surprise\":1}", "surprise" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *field = wrong_field(bad[i][0], true);

		ck_assert_msg(field && strcmp(field, bad[i][1]) == 0, "%s: %s", bad[i][0],
			      field ? field : "passes");
	}
	ck_assert_ptr_null(wrong_field("{\"name\":\"a\",\"surprise\":1}", false));
}
END_TEST

START_TEST(malformed_json_is_refused)
{
	static const char *const bad[] = {
		"",    "{",          "{\"a\":1,\"a\":2}", "\xff", "{\"a\":\"\\u0000\"}",
		"1 2", "{\"a\":01}", "\"\\ud800\""
	};
	struct buf why = BUF_INIT(4096), deep = BUF_INIT(1000);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!doc_parse(view_str(bad[i]), &why), "%s", bad[i]);
	for (int i = 0; i < DOC_DEPTH_MAX + 1; i++)
		buf_add_char(&deep, '[');
	ck_assert_ptr_null(doc_parse(buf_view(&deep), &why));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&why), "nested"));
	buf_release(&why);
	buf_release(&deep);
}
END_TEST

START_TEST(times_are_what_they_say)
{
	int64_t us;

	ck_assert(parse_rfc3339("1970-01-01T00:00:00Z", &us) && us == 0);
	ck_assert(parse_rfc3339("2024-02-29T12:00:00.123456Z", &us) &&
		  us == INT64_C(1709208000123456));
	ck_assert(parse_rfc3339("2024-02-29T14:00:00.5+02:00", &us) &&
		  us == INT64_C(1709208000500000));
	ck_assert(!parse_rfc3339("", &us));
	ck_assert(!parse_rfc3339("2024-02-29T12:00:00Z ", &us));
	ck_assert(!parse_rfc3339("2024-02-29T12:00:00+2", &us));
}
END_TEST

START_TEST(a_bucket_empties_and_is_forgiven)
{
	struct limiter *l = limiter_new(0.001, 3);
	int64_t wait;

	for (int i = 0; i < 3; i++)
		ck_assert(limiter_take(l, "a", &wait));
	ck_assert(!limiter_take(l, "a", &wait));
	ck_assert_int_gt(wait, 1000);
	ck_assert(!limiter_has(l, "a"));
	ck_assert(limiter_take(l, "b", &wait));
	limiter_forgive(l, "a");
	ck_assert(limiter_take(l, "a", &wait));
	for (int i = 0; i < 50000; i++) {
		char *key = xasprintf("key %d", i);

		ck_assert(limiter_take(l, key, &wait));
		free(key);
	}
	limiter_free(l);
}
END_TEST

/* Who never completes a request is shown the door; who waits for an answer is not. */
START_TEST(guests_that_owe_a_request_are_sent_away)
{
	struct guest *g[2];
	int a[2], b[2];
	char c;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b), 0);
	g[0] = guest_new(a[0]);
	g[1] = guest_new(b[0]);
	ck_assert_int_eq(guests_sweep(mono_us() + 29 * US_PER_SEC), 0);
	guest_asks(g[1]);
	ck_assert_int_eq(guests_sweep(mono_us() + 31 * US_PER_SEC), 1);
	ck_assert_int_eq(guests_sweep(mono_us() + 31 * US_PER_SEC), 0);
	ck_assert_int_eq(recv(a[1], &c, 1, 0), 0);
	ck_assert_int_eq(recv(b[1], &c, 1, MSG_DONTWAIT), -1);
	guest_waits(g[1]);
	ck_assert_int_eq(guests_sweep(mono_us() + 80 * US_PER_SEC), 0);
	ck_assert_int_eq(guests_sweep(mono_us() + 91 * US_PER_SEC), 1);
	ck_assert_int_eq(recv(b[1], &c, 1, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(g); i++) {
		guest_free(g[i]);
		close(a[i]);
		close(b[i]);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("requests");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int n;

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, paths_match_exactly);
	tcase_add_test(tc, ids_are_taken_in_order);
	tcase_add_loop_test(tc, good_bodies_pass, 0, 4);
	tcase_add_test(tc, bad_members_are_named);
	tcase_add_test(tc, malformed_json_is_refused);
	tcase_add_test(tc, times_are_what_they_say);
	tcase_add_test(tc, a_bucket_empties_and_is_forgiven);
	tcase_add_test(tc, guests_that_owe_a_request_are_sent_away);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	n = srunner_ntests_failed(sr);
	srunner_free(sr);
	return n == 0 ? 0 : 1;
}
