/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/utf8.h"

#include <string.h>

#include "common.h"

/* Writes code point `c` without asking whether it may be written. */
static size_t encode(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

START_TEST(every_code_point_is_judged_right)
{
	char text[4];

	for (uint32_t c = 0; c < 0x1fffff; c++) {
		size_t n = encode(c, text);
		bool good = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);

		CHECK_MSG(utf8_char_len(text, n) == (good ? n : 0), "U+%04" PRIX32, c);
		CHECK_MSG(n == 1 || utf8_char_len(text, n - 1) == 0, "cut U+%04" PRIX32,
			  c);
	}
}
END_TEST

START_TEST(overlong_forms_stray_tails_and_cut_characters_are_malformed)
{
	static const char *const bad[] = { "\x80",
					   "\xbf",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xe0\x80\x80",
					   "\xe0\x9f\xbf",
					   "\xf0\x80\x80\x80",
					   "\xf0\x8f\xbf\xbf",
					   "\xc3",
					   "\xc3(",
					   "\xe2\x82",
					   "\xe2(\x82",
					   "\xe2\x82(",
					   "\xf0\x9f\x98",
					   "\xf0\x9f\x98(",
					   "\xf0\x9f(\x80",
					   "\xf0(\x98\x80",
					   "\xfe",
					   "\xff",
					   "\xf8\x88\x80\x80\x80" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(utf8_char_len(bad[i], strlen(bad[i])) == 0, "number %zu",
			      i);
}
END_TEST

START_TEST(the_first_bad_byte_is_found_wherever_it_stands)
{
	char text[80];

	for (size_t len = 0; len <= sizeof(text); len++) {
		memset(text, 'a', sizeof(text));
		ck_assert(utf8_is_valid(view_of(text, len)));
		for (size_t bad = 0; bad < len; bad++) {
			text[bad] = '\xff';
			CHECK(utf8_valid_len(view_of(text, len)) == bad);
			text[bad] = 'a';
		}
	}
	ck_assert(utf8_is_valid(view_of(NULL, 0)));
	ck_assert(utf8_is_valid(
		VIEW("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80 \0!")));
}
END_TEST

START_TEST(mixed_text_is_valid_up_to_where_it_was_broken)
{
	uint64_t seed = seed_of(_i);
	struct prng p = PRNG_INIT(seed);
	char text[1024];
	size_t n = 0, at;

	while (n < sizeof(text) - 4) {
		uint32_t c =
			(uint32_t)prng_below(&p, prng_below(&p, 3) ? 0x80 : 0x110000);

		if (c < 0xd800 || c > 0xdfff)
			n += encode(c, text + n);
	}
	CHECK_SEEDED(utf8_is_valid(view_of(text, n)), seed);
	at = prng_below(&p, n);
	text[at] = '\xff';
	/* Damage inside a character shows at its first byte. */
	CHECK_SEEDED(utf8_valid_len(view_of(text, n)) <= at, seed);
	CHECK_SEEDED(utf8_valid_len(view_of(text, n)) + 3 >= at, seed);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("utf8");

	ADD_CASE(s, "utf8", every_code_point_is_judged_right,
		 overlong_forms_stray_tails_and_cut_characters_are_malformed,
		 the_first_bad_byte_is_found_wherever_it_stands);
	ADD_PROPERTIES(s, "properties", 100,
		       mixed_text_is_valid_up_to_where_it_was_broken);
	return run_suite(s);
}
