/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/buf.h"

#include "sinktest.h"

/*
 * Whatever the values are, each line is JSON and gives them back. Tables, values and sizes
 * come from a seeded generator; lengths crowd around the places where the encoder changes
 * its way (blocks of 8 and 16, short values, pieces, the buffer).
 */

enum {
	COLUMNS_MAX = 12,
	ROWS = 40,
	SEEDS = 24,
};

static uint64_t rng;

static unsigned chance(unsigned n)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(rng >> 33) % n;
}

static size_t some_length(void)
{
	static const size_t around[] = { 0,    1,    4,     8,     15,    16,
					 17,   32,   64,    300,   2048,  4096,
					 8192, 8193, 16384, 65536, 43690, 262144 };
	size_t n = around[chance(chance(8) ? 10 : 18)];

	return n + chance(4) - (n > 2 ? chance(4) : 0);
}

/* Text in UTF-8 of about `n` bytes; mostly plain, or mostly not. */
static char *some_text(size_t n)
{
	static const char *const odd[] = {
		"\"",   "\\",           "\n",          "\t",           "\x01",
		"\x1f", "\x7f",         "\xc3\xbc",    "\xe2\x82\xac", "\xf0\x9f\x98\x80",
		"/",    "\xed\x9f\xbf", "\xef\xbf\xbd"
	};
	struct buf b = BUF_INIT(1 << 20);
	unsigned oddity = chance(3) == 0 ? 2 : chance(2) ? 40 : 100000;

	while (b.len < n)
		if (chance(oddity) == 0)
			buf_add_str(&b, odd[chance(13)]);
		else
			buf_add_char(&b, (char)('a' + chance(26)));
	return buf_take(&b);
}

static char *some_json(void)
{
	_cleanup_(freep) char *inner = some_text(chance(50));
	json_t *tree = json_pack("{s:[i,s,n,{}],s:b}", "a", (int)chance(1000), inner, "b",
				 (int)chance(2));
	char *text = json_dumps(tree, chance(2) ? JSON_INDENT(2) : 0);

	json_decref(tree);
	return text;
}

static const char *const type_names[] = { "text",   "int8",  "bool",
					  "float8", "bytes", "json" };
static const uint32_t types[] = { EZ_TYPE_TEXT,   EZ_TYPE_INT8,  EZ_TYPE_BOOL,
				  EZ_TYPE_FLOAT8, EZ_TYPE_BYTES, EZ_TYPE_JSON };

/* A value of the type; NULL now and then. */
static char *some_value(uint32_t type)
{
	struct buf b = BUF_INIT(1 << 21);

	if (chance(9) == 0)
		return NULL;
	switch (type) {
	case EZ_TYPE_INT8:
		buf_addf(&b, "%s%u%06u", chance(2) ? "-" : "", 1 + chance(90000),
			 chance(1000000));
		return buf_take(&b);
	case EZ_TYPE_BOOL:
		return xstrdup(chance(2) ? "t" : "f");
	case EZ_TYPE_FLOAT8:
		buf_addf(&b, "%u.%ue%s%u", chance(10), chance(100000),
			 chance(2) ? "+" : "-", chance(200));
		return buf_take(&b);
	case EZ_TYPE_BYTES:
		buf_add_str(&b, "\\x");
		for (size_t n = some_length(); n > 0; n--)
			buf_addf(&b, "%02x", chance(256));
		return buf_take(&b);
	case EZ_TYPE_JSON:
		return some_json();
	default:
		return some_text(some_length());
	}
}

/* ------------------------------------------------------------------ the other way */

static int base64_value(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = strchr(digits, c);

	ck_assert(c != '\0' && at);
	return (int)(at - digits);
}

/* "\x..." again. */
static char *bytes_of(const char *base64)
{
	struct buf b = BUF_INIT(1 << 21);

	buf_add_str(&b, "\\x");
	for (; *base64; base64 += 4) {
		unsigned v = (unsigned)base64_value(base64[0]) << 18 |
			     (unsigned)base64_value(base64[1]) << 12;

		buf_addf(&b, "%02x", v >> 16);
		if (base64[2] == '=')
			break;
		v |= (unsigned)base64_value(base64[2]) << 6;
		buf_addf(&b, "%02x", v >> 8 & 255);
		if (base64[3] == '=')
			break;
		v |= (unsigned)base64_value(base64[3]);
		buf_addf(&b, "%02x", v & 255);
	}
	return buf_take(&b);
}

static void compare(const json_t *got, uint32_t type, const char *want, bool json_inline)
{
	if (!want) {
		ck_assert(json_is_null(got));
	} else if (type == EZ_TYPE_BOOL) {
		ck_assert(json_is_boolean(got) && json_is_true(got) == (want[0] == 't'));
	} else if (type == EZ_TYPE_INT8) {
		ck_assert(json_is_integer(got));
		ck_assert_int_eq(json_integer_value(got), strtoll(want, NULL, 10));
	} else if (type == EZ_TYPE_FLOAT8) {
		json_t *number = json_loads(want, JSON_DECODE_ANY, NULL);

		ck_assert(json_is_real(got));
		ck_assert(json_equal(got, number));
		json_decref(number);
	} else if (type == EZ_TYPE_BYTES) {
		_cleanup_(freep) char *back = bytes_of(json_string_value(got));

		ck_assert_str_eq(back, want);
	} else if (type == EZ_TYPE_JSON && json_inline) {
		json_t *tree = json_loads(want, JSON_DECODE_ANY, NULL);

		ck_assert(json_equal(got, tree));
		json_decref(tree);
	} else {
		ck_assert(json_is_string(got));
		ck_assert_str_eq(json_string_value(got), want);
	}
}

static struct sinktest t;
static const char *folder;
static struct fake_column columns[COLUMNS_MAX];
static char names[COLUMNS_MAX][24];
static unsigned n_columns;

static void choose_columns(void)
{
	n_columns = 1 + chance(COLUMNS_MAX);
	for (unsigned i = 0; i < n_columns; i++) {
		unsigned kind = chance(6);

		snprintf(names[i], sizeof(names[i]), "%u %s\"%s", i, type_names[kind],
			 chance(2) ? "\xc3\xbc" : "\\");
		columns[i] =
			(struct fake_column){ .name = names[i], .type = types[kind] };
	}
}

static void write_rows(char *values[ROWS][COLUMNS_MAX])
{
	struct fake_batch *b = fake_batch(t.fake, 1, 0);
	const struct ez_table *table =
		fake_table_of(t.fake, "public", "p", columns, n_columns);

	fake_begin(b, 0x1000, 1, 1, 0);
	for (int row = 0; row < ROWS; row++) {
		for (unsigned i = 0; i < n_columns; i++)
			values[row][i] = some_value(columns[i].type);
		fake_event(b, EZ_OP_INSERT, table, NULL,
			   (const char *const *)values[row]);
	}
	fake_commit(b, 0x1008);
	ck_assert_int_eq(sink_write(&t, fake_finish(b)), EZ_OK);
	ck_assert_int_eq(sink_settle(&t), EZ_OK);
}

static void compare_row(const char *line, size_t len, char **values, bool json_inline)
{
	json_error_t why;
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	const json_t *after;

	ck_assert_msg(root != NULL, "%s in %.200s", why.text, line);
	after = json_object_get(root, "after");
	ck_assert_uint_eq(json_object_size(after), n_columns);
	for (unsigned i = 0; i < n_columns; i++)
		compare(json_object_get(after, names[i]), columns[i].type, values[i],
			json_inline);
	json_decref(root);
}

START_TEST(every_line_gives_its_values_back)
{
	static const char *const suffixes[] = { "", ".gz", ".zst" };
	static const char *const compressions[] = { "none", "gzip", "zstd" };
	char *values[ROWS][COLUMNS_MAX], *text, *line, name[64];
	bool json_inline = _i % 2;

	rng = 77 + (uint64_t)_i;
	folder = test_folder();
	sink_start(&t, folder);
	sink_set(&t, "json", json_inline ? "inline" : "string");
	sink_set(&t, "compression", compressions[_i % 3]);
	ck_assert_int_eq(sink_open(&t, EZ_ROLE_MAIN), EZ_EOF);
	choose_columns();
	write_rows(values);
	sink_close(&t);
	snprintf(name, sizeof(name), "shop-t0000000000.jsonl%s", suffixes[_i % 3]);
	text = line = read_file(folder, name, NULL);
	for (int row = 0; row < ROWS; row++) {
		char *end = strchr(line, '\n');

		ck_assert_msg(end != NULL, "row %d is missing, seed %d", row, _i);
		compare_row(line, (size_t)(end - line), values[row], json_inline);
		line = end + 1;
		for (unsigned i = 0; i < n_columns; i++)
			free(values[row][i]);
	}
	ck_assert_str_eq(line, "");
	free(text);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("file_property");
	TCase *c = tcase_create("round trip");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, every_line_gives_its_values_back, 0, SEEDS);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
