/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/jsonw.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "common.h"

enum {
	CAP = 1 << 20,
};

static void check_string(struct ez_view in, const char *expected)
{
	struct buf b = BUF_INIT(CAP);

	json_add_string(&b, in);
	CHECK_MSG(strcmp(buf_cstr(&b), expected) == 0, "%s, expected %s", buf_cstr(&b),
		  expected);
	buf_release(&b);
}

START_TEST(plain_text_stands_as_it_is)
{
	check_string(VIEW(""), "\"\"");
	check_string(view_of(NULL, 0), "\"\"");
	check_string(VIEW("abc /\x7f"), "\"abc /\x7f\"");
	check_string(VIEW("a text of more than sixteen bytes, and then some more"),
		     "\"a text of more than sixteen bytes, and then some more\"");
	check_string(VIEW("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
		     "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
}
END_TEST

START_TEST(special_characters_are_escaped)
{
	check_string(VIEW("\"\\\b\f\n\r\t"), "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
	check_string(VIEW("\0\x01\x0b\x1f"), "\"\\u0000\\u0001\\u000b\\u001f\"");
}
END_TEST

START_TEST(each_byte_that_is_no_utf8_is_replaced)
{
	check_string(VIEW("a\xff\xfe!"), "\"a\xef\xbf\xbd\xef\xbf\xbd!\"");
	check_string(VIEW("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	check_string(VIEW("\xc3\xbc\x80\xc3\xbc"), "\"\xc3\xbc\xef\xbf\xbd\xc3\xbc\"");
	check_string(VIEW("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}
END_TEST

START_TEST(a_special_byte_is_found_at_every_place_of_every_length)
{
	static const char special[] = { '"', '\\', '\n', '\0', '\x1f', '\xff' };
	static const char *const escaped[] = { "\\\"",    "\\\\",    "\\n",
					       "\\u0000", "\\u001f", "\xef\xbf\xbd" };
	struct buf expected = BUF_INIT(CAP);
	char text[70];

	for (size_t len = 1; len < sizeof(text); len++) {
		for (size_t at = 0; at < len; at++) {
			size_t i = (len + at) % ARRAY_LEN(special);

			memset(text, '~', len);
			buf_reset(&expected);
			buf_add_char(&expected, '"');
			buf_add(&expected, text, at);
			buf_add_str(&expected, escaped[i]);
			buf_add(&expected, text, len - at - 1);
			buf_add_char(&expected, '"');
			text[at] = special[i];
			check_string(view_of(text, len), buf_cstr(&expected));
		}
	}
	buf_release(&expected);
}
END_TEST

START_TEST(one_string_may_be_built_of_several_pieces)
{
	struct buf b = BUF_INIT(CAP);

	buf_add_char(&b, '"');
	json_add_escaped(&b, VIEW("a\nb"));
	json_add_escaped(&b, view_of(NULL, 0));
	json_add_escaped(&b, VIEW("c"));
	buf_add_char(&b, '"');
	ck_assert_str_eq(buf_cstr(&b), "\"a\\nbc\"");
	buf_release(&b);
}
END_TEST

/* The slow model, byte by byte. */
static void model_escape(struct buf *b, const char *p, size_t n)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	buf_add_char(b, '"');
	while (n > 0) {
		size_t len = utf8_char_len(p, n);
		const char *found = *p ? strchr(shorts, *p) : NULL;

		if (len == 0)
			buf_add_str(b, "\xef\xbf\xbd");
		else if (found && (found - shorts) % 2 == 0)
			buf_addf(b, "\\%c", found[1]);
		else if ((unsigned char)*p < 0x20)
			buf_addf(b, "\\u%04x", (unsigned)*p);
		else
			buf_add(b, p, len);
		p += MAX(len, (size_t)1);
		n -= MAX(len, (size_t)1);
	}
	buf_add_char(b, '"');
}

START_TEST(any_bytes_are_escaped_as_the_slow_model_does)
{
	uint64_t seed = seed_of(_i);
	struct prng p = PRNG_INIT(seed);
	struct buf ours = BUF_INIT(CAP), model = BUF_INIT(CAP);
	static const struct ez_view pieces[] = {
		VIEW("plain text of some length"), VIEW("\xc3\xa4"), VIEW("\xe2\x82\xac"),
		VIEW("\xf0\x9f\x98\x80"),          VIEW("\""),       VIEW("\n"),
	};
	static char text[4096];

	for (int k = 0; k < 50; k++) {
		size_t n = prng_below(&p, 300);

		fill_random(&p, text, n);
		for (uint64_t i = prng_below(&p, 30); i > 0; i--) {
			struct ez_view piece = pieces[prng_below(&p, ARRAY_LEN(pieces))];

			memcpy(text + n, piece.ptr, piece.len);
			n += piece.len;
		}
		buf_reset(&ours);
		buf_reset(&model);
		json_add_string(&ours, view_of(text, n));
		model_escape(&model, text, n);
		CHECK_SEEDED(view_eq(buf_view(&ours), buf_view(&model)), seed);
		CHECK_SEEDED(utf8_is_valid(buf_view(&ours)), seed);
	}
	buf_release(&ours);
	buf_release(&model);
}
END_TEST

static void check_base64(struct ez_view in, const char *expected)
{
	struct buf b = BUF_INIT(CAP), hex = BUF_INIT(CAP);

	json_add_base64(&b, in);
	ck_assert_str_eq(buf_cstr(&b), expected);
	for (size_t i = 0; i < in.len; i++)
		buf_addf(&hex, i % 2 ? "%02x" : "%02X",
			 (unsigned)(unsigned char)in.ptr[i]);
	buf_reset(&b);
	ck_assert(json_add_base64_from_hex(&b, buf_view(&hex)));
	ck_assert_str_eq(buf_cstr(&b), expected);
	buf_release(&b);
	buf_release(&hex);
}

START_TEST(base64_is_that_of_rfc_4648_from_bytes_and_from_hex)
{
	check_base64(VIEW(""), "\"\"");
	check_base64(VIEW("f"), "\"Zg==\"");
	check_base64(VIEW("fo"), "\"Zm8=\"");
	check_base64(VIEW("foo"), "\"Zm9v\"");
	check_base64(VIEW("foob"), "\"Zm9vYg==\"");
	check_base64(VIEW("fooba"), "\"Zm9vYmE=\"");
	check_base64(VIEW("foobar"), "\"Zm9vYmFy\"");
	check_base64(VIEW("\xff\xfe\xfd\0\x01\x02\xfb\xef\xbe"), "\"//79AAEC++++\"");
}
END_TEST

START_TEST(hex_that_is_none_is_refused_and_adds_nothing)
{
	static const char *const bad[] = { "0",      "00g0",   "0x",       "0000000g",
					   "00000g", "0000 0", "\xff\xff", "000000000g",
					   "g00000", "00/0",   "0:",       "0@",
					   "0`" };
	struct buf b = BUF_INIT(CAP);

	buf_add_str(&b, "x");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!json_add_base64_from_hex(&b, view_str(bad[i])), "\"%s\"",
			      bad[i]);
	ck_assert_str_eq(buf_cstr(&b), "x");
	ck_assert(buf_ok(&b));
	buf_release(&b);
}
END_TEST

START_TEST(values_over_the_cap_set_the_overflow)
{
	struct buf b = BUF_INIT(8);
	volatile size_t huge = SIZE_MAX;

	json_add_string(&b, VIEW("a\nb\nc\nd"));
	ck_assert(!buf_ok(&b));
	ck_assert_str_eq(buf_cstr(&b), "\"a\\nb\\nc");
	buf_reset(&b);
	json_add_base64(&b, VIEW("seven b"));
	ck_assert(!buf_ok(&b) && b.len == 0);
	buf_reset(&b);
	ck_assert(json_add_base64_from_hex(&b, VIEW("00112233445566")));
	ck_assert(!buf_ok(&b) && b.len == 0);
	buf_reset(&b);
	json_add_base64(&b, view_of("", huge));
	ck_assert(!buf_ok(&b) && b.len == 0);
	buf_release(&b);
}
END_TEST

START_TEST(numbers_are_short_and_never_nan)
{
	static const double in[] = { 0, 0.1, -1.5, 1e300, 123456789, 1.0 / 3 };
	static const char *const out[] = { "0",      "0.1",       "-1.5",
					   "1e+300", "123456789", "0.333333333333333" };
	struct buf b = BUF_INIT(CAP);

	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		buf_reset(&b);
		json_add_double(&b, in[i]);
		ck_assert_str_eq(buf_cstr(&b), out[i]);
	}
	buf_reset(&b);
	json_add_double(&b, (double)NAN);
	json_add_double(&b, (double)-INFINITY);
	ck_assert_str_eq(buf_cstr(&b), "nullnull");
	buf_release(&b);
}
END_TEST

START_TEST(the_writer_puts_the_commas)
{
	struct buf b = BUF_INIT(CAP);
	struct jsonw w = JSONW_INIT(&b);

	jsonw_begin_object(&w);
	jsonw_key(&w, "a\"");
	jsonw_i64(&w, -1);
	jsonw_key_view(&w, VIEW("list"));
	jsonw_begin_array(&w);
	jsonw_u64(&w, UINT64_MAX);
	jsonw_bool(&w, true);
	jsonw_bool(&w, false);
	jsonw_null(&w);
	jsonw_begin_object(&w);
	jsonw_end_object(&w);
	jsonw_begin_array(&w);
	jsonw_double(&w, 0.5);
	jsonw_end_array(&w);
	jsonw_end_array(&w);
	jsonw_key(&w, "s");
	jsonw_str(&w, "text");
	jsonw_key(&w, "n");
	jsonw_str(&w, NULL);
	jsonw_key(&w, "v");
	jsonw_view(&w, VIEW("x\ny"));
	jsonw_key(&w, "r");
	jsonw_raw(&w, VIEW("[1]"));
	jsonw_end_object(&w);
	ck_assert_str_eq(
		buf_cstr(&b),
		"{\"a\\\"\":-1,\"list\":[18446744073709551615,true,false,null,{},[0.5]],"
		"\"s\":\"text\",\"n\":null,\"v\":\"x\\ny\",\"r\":[1]}");
	buf_release(&b);
}
END_TEST

START_TEST(containers_nest_to_the_limit)
{
	struct buf b = BUF_INIT(CAP);
	struct jsonw w = JSONW_INIT(&b);

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < JSONW_DEPTH_MAX; i++)
			jsonw_begin_array(&w);
		jsonw_null(&w);
		jsonw_null(&w);
		for (int i = 0; i < JSONW_DEPTH_MAX; i++)
			jsonw_end_array(&w);
	}
	/* Values at the top level are documents of their own: no comma between them. */
	ck_assert_uint_eq(b.len, 2 * (2 * JSONW_DEPTH_MAX + strlen("null,null")));
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("jsonw");

	ADD_CASE(s, "strings", plain_text_stands_as_it_is, special_characters_are_escaped,
		 each_byte_that_is_no_utf8_is_replaced,
		 a_special_byte_is_found_at_every_place_of_every_length,
		 one_string_may_be_built_of_several_pieces);
	ADD_CASE(s, "values", base64_is_that_of_rfc_4648_from_bytes_and_from_hex,
		 hex_that_is_none_is_refused_and_adds_nothing,
		 values_over_the_cap_set_the_overflow, numbers_are_short_and_never_nan);
	ADD_CASE(s, "writer", the_writer_puts_the_commas, containers_nest_to_the_limit);
	ADD_PROPERTIES(s, "properties", 100,
		       any_bytes_are_escaped_as_the_slow_model_does);
	return run_suite(s);
}
