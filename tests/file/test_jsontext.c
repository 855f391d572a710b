/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"

#include "jsontext.h"
#include "sinktest.h"

/* The checker of embedded JSON, against a list and against Jansson. */

static const struct {
	const char *text;
	bool ok;
} texts[] = {
	{ "null", true },
	{ " true ", true },
	{ "false", true },
	{ "0", true },
	{ "-0", true },
	{ "-1.5e+20", true },
	{ "1E5", true },
	{ "\"\"", true },
	{ "\"a\\n\\u00e9\\ud800\"", true },
	{ "[]", true },
	{ "[1,2 , 3]", true },
	{ "{}", true },
	{ "{\"a\":[{\"b\":null}],\"a\":1}", true },
	{ "\n\t\r {\"a\" : 1}\n", true },
	{ "", false },
	{ " ", false },
	{ "nul", false },
	{ "nulll", false },
	{ "01", false },
	{ "1.", false },
	{ ".5", false },
	{ "1e", false },
	{ "+1", false },
	{ "--1", false },
	{ "NaN", false },
	{ "\"", false },
	{ "\"\\x\"", false },
	{ "\"\\u12g4\"", false },
	{ "\"\\u12", false },
	{ "\"\n\"", false },
	{ "\"\xff\"", false },
	{ "[", false },
	{ "[1", false },
	{ "[1,]", false },
	{ "[,1]", false },
	{ "[1 2]", false },
	{ "]", false },
	{ "{", false },
	{ "{\"a\"}", false },
	{ "{\"a\":}", false },
	{ "{\"a\":1,}", false },
	{ "{a:1}", false },
	{ "{\"a\":1]", false },
	{ "[1}", false },
	{ "1 2", false },
	{ "{} {}", false },
	{ "//", false },
};

START_TEST(text_is_judged_right)
{
	ck_assert_msg(jsontext_is_valid(view_str(texts[_i].text)) == texts[_i].ok, "%s",
		      texts[_i].text);
}
END_TEST

START_TEST(depth_has_a_limit)
{
	struct buf b = BUF_INIT(1 << 20);

	for (int depth = JSONTEXT_DEPTH_MAX; depth <= JSONTEXT_DEPTH_MAX + 1; depth++) {
		buf_reset(&b);
		for (int i = 0; i < depth; i++)
			buf_add_str(&b, i % 2 ? "{\"a\":" : "[");
		buf_add_char(&b, '1');
		for (int i = depth; i-- > 0;)
			buf_add_char(&b, i % 2 ? '}' : ']');
		ck_assert_int_eq(jsontext_is_valid(buf_view(&b)),
				 depth == JSONTEXT_DEPTH_MAX);
	}
	buf_release(&b);
}
END_TEST

START_TEST(numbers_are_json_numbers)
{
	ck_assert(jsontext_is_number(view_str("-12.5e-3")));
	ck_assert(!jsontext_is_number(view_str("12 ")));
	ck_assert(!jsontext_is_number(view_str("")));
	ck_assert(!jsontext_is_number(view_str("Infinity")));
	ck_assert(!jsontext_is_number(view_of("1\0", 2)));
}
END_TEST

/* Mutations of good text: whatever Jansson takes we take, and the other way round. */
START_TEST(jansson_agrees)
{
	static const char seed[] = "{\"a\":[1,-2.5e3,true,false,null,\"x\\\"\\u0041\"],"
				   "\"b\":{\"c\":[[],{}]},\"d\":\"\xc3\xbc\"}";
	static const char pieces[] = "{}[]:,\"\\u0 \n1-.eE+truefalsn\xc3";
	unsigned x = (unsigned)_i * 7919 + 1;
	char text[sizeof(seed)];

	for (int round = 0; round < 2000; round++) {
		json_t *tree;
		bool ours;

		memcpy(text, seed, sizeof(seed));
		for (unsigned n = 0; n < 1 + (unsigned)round % 3; n++) {
			x = x * 1103515245 + 12345;
			text[(x >> 8) % (sizeof(seed) - 1)] =
				pieces[(x >> 20) % (sizeof(pieces) - 1)];
		}
		tree = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		ours = jsontext_is_valid(view_str(text));
		/* Jansson also refuses what JSON allows: numbers over its range. */
		ck_assert_msg(!tree || ours, "refused: %s", text);
		if (ours && !tree)
			ck_assert_msg(strpbrk(text, "eE") || strstr(text, "\\u"),
				      "accepted: %s", text);
		json_decref(tree);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("file_jsontext");
	TCase *c = tcase_create("text");

	tcase_add_loop_test(c, text_is_judged_right, 0,
			    (int)(sizeof(texts) / sizeof(texts[0])));
	tcase_add_test(c, depth_has_a_limit);
	tcase_add_test(c, numbers_are_json_numbers);
	tcase_add_loop_test(c, jansson_agrees, 0, 5);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
