/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "base/alloc.h"
#include "base/buf.h"

#include "host.h"
#include "manifest.h"
#include "sinktest.h"

/* The manifest: what goes in comes out, and nothing damaged or foreign is believed. */

static struct ez_error err = { .size = sizeof(err) };
static struct buf text;

static void setup(void)
{
	ez_plugin.load(fake_host_table());
	buf_init(&text, 1 << 20);
}

static void teardown(void)
{
	buf_release(&text);
}

static void format_one(void)
{
	char position[] = "0/1A2B3C8", a[] = "shop-t0000000007.jsonl";
	char b[] = "public.a/shop-t0000000001.jsonl.gz", root[] = "",
	     folder[] = "public.a";
	struct manifest_file files[] = { { a, 1234567890123, 5, false },
					 { b, 1, -6, true } };
	struct manifest_stream streams[] = { { root, 8 }, { folder, 2 } };
	struct manifest m = {
		.position = position,
		.order = UINT64_MAX,
		.snapshot = 3,
		.snapshot_order = 99,
		.phase = SNAPSHOT_COPYING,
		.files = files,
		.n_files = 2,
		.streams = streams,
		.n_streams = 2,
	};

	manifest_format(&m, "shop", &text);
}

static int parse(struct ez_view v, struct manifest *m)
{
	return manifest_parse(v, "shop", "the manifest", m, &err);
}

START_TEST(what_goes_in_comes_out)
{
	struct manifest m = { 0 };

	format_one();
	ck_assert_msg(parse(buf_view(&text), &m) == EZ_OK, "%s", err.text);
	ck_assert_str_eq(m.position, "0/1A2B3C8");
	ck_assert_uint_eq(m.order, UINT64_MAX);
	ck_assert_uint_eq(m.snapshot, 3);
	ck_assert_uint_eq(m.snapshot_order, 99);
	ck_assert_int_eq(m.phase, SNAPSHOT_COPYING);
	ck_assert_uint_eq(m.n_files, 2);
	ck_assert_str_eq(m.files[0].name, "shop-t0000000007.jsonl");
	ck_assert_uint_eq(m.files[0].len, 1234567890123);
	ck_assert_int_eq(m.files[0].opened_us, 5);
	ck_assert(!m.files[0].finished);
	ck_assert_str_eq(m.files[1].name, "public.a/shop-t0000000001.jsonl.gz");
	ck_assert_int_eq(m.files[1].opened_us, -6);
	ck_assert(m.files[1].finished);
	ck_assert_uint_eq(m.n_streams, 2);
	ck_assert_uint_eq(m.streams[1].next_seq, 2);
	manifest_release(&m);
}
END_TEST

START_TEST(empty_one_has_no_position)
{
	struct manifest m = { 0 };

	manifest_format(&m, "shop", &text);
	ck_assert_int_eq(parse(buf_view(&text), &m), EZ_OK);
	ck_assert_ptr_null(m.position);
	ck_assert_int_eq(m.phase, SNAPSHOT_NONE);
	manifest_release(&m);
}
END_TEST

START_TEST(no_changed_bit_is_believed)
{
	struct manifest m = { 0 };

	format_one();
	for (size_t i = 0; i < text.len * 8; i++) {
		text.ptr[i / 8] = (char)(text.ptr[i / 8] ^ 1 << i % 8);
		ck_assert_int_eq(parse(buf_view(&text), &m), EZ_E_IO);
		text.ptr[i / 8] = (char)(text.ptr[i / 8] ^ 1 << i % 8);
	}
	for (size_t i = 0; i < text.len; i++)
		ck_assert_int_eq(parse(view_of(text.ptr, i), &m), EZ_E_IO);
	ck_assert_str_ne(err.hint, "");
	ck_assert_int_eq(parse(buf_view(&text), &m), EZ_OK);
	manifest_release(&m);
}
END_TEST

/* The text with `from` replaced by `to`, under a checksum that fits. */
static int parse_forged(const char *from, const char *to)
{
	struct buf b = BUF_INIT(1 << 20);
	struct manifest m = { 0 };
	const char *start = buf_cstr(&text), *found = strstr(start, from);
	char tail[64];
	int rc;

	ck_assert_ptr_nonnull(found);
	buf_add(&b, start, (size_t)(found - start));
	buf_add_str(&b, to);
	buf_add_str(&b, found + strlen(from));
	buf_truncate(&b, (size_t)(strstr(buf_cstr(&b), ",\"crc32\"") - b.ptr));
	snprintf(tail, sizeof(tail), ",\"crc32\":\"%08lx\"}\n",
		 crc32(0, (const Bytef *)b.ptr, (uInt)b.len));
	buf_add_str(&b, tail);
	rc = parse(buf_view(&b), &m);
	manifest_release(&m);
	buf_release(&b);
	return rc;
}

START_TEST(foreign_content_is_refused)
{
	static const char name[] = "shop-t0000000007.jsonl";

	format_one();
	ck_assert_int_eq(parse_forged("\"shop\"", "\"shop\""), EZ_OK);
	ck_assert_int_eq(parse_forged("\"shop\"", "\"other\""), EZ_E_CONFIG);
	ck_assert_int_eq(parse_forged("\"ezcdc_file_sink\":1", "\"ezcdc_file_sink\":2"),
			 EZ_E_CONFIG);
	ck_assert_int_eq(parse_forged("\"ezcdc_file_sink\":1", "\"some_other\":1"),
			 EZ_E_IO);
	ck_assert_int_eq(parse_forged("copying", "boiling"), EZ_E_IO);
	ck_assert_int_eq(parse_forged("1234567890123", "-1"), EZ_E_IO);
	ck_assert_int_eq(parse_forged("1234567890123", "\"x\""), EZ_E_IO);
	ck_assert_int_eq(parse_forged(name, "/etc/passwd"), EZ_E_IO);
	ck_assert_int_eq(parse_forged(name, "../shop-t0000000007.jsonl"), EZ_E_IO);
	ck_assert_int_eq(parse_forged(name, "/shop-t0000000007.jsonl"), EZ_E_IO);
	ck_assert_int_eq(parse_forged(name, "a/b/shop-t0000000007.jsonl"), EZ_E_IO);
	ck_assert_int_eq(parse_forged(name, "job2-t0000000007.jsonl"), EZ_E_IO);
	ck_assert_int_eq(parse_forged(name, "shop-t0000000007.jsonl.part"), EZ_E_IO);
	ck_assert_int_eq(parse_forged("\"public.a\"", "\"../x\""), EZ_E_IO);
	ck_assert_int_eq(parse_forged("\"open\"", "\"closed\""), EZ_E_IO);
	ck_assert_int_eq(parse_forged("{\"ezcdc", "{\"open\":[],\"ezcdc"), EZ_E_IO);
}
END_TEST

START_TEST(file_is_replaced_and_read_back)
{
	const char *folder = test_folder();
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct manifest m = { 0 };

	ck_assert_int_eq(manifest_load(fd, "shop", "it", &m, &err), EZ_EOF);
	ck_assert_int_eq(manifest_save(fd, "shop", VIEW("old and quite long"), true), 0);
	format_one();
	ck_assert_int_eq(manifest_save(fd, "shop", buf_view(&text), _i == 0), 0);
	ck_assert_str_eq(list_names(folder), "shop.json ");
	ck_assert_int_eq(manifest_load(fd, "shop", "it", &m, &err), EZ_OK);
	ck_assert_uint_eq(m.snapshot, 3);
	manifest_release(&m);
	write_file(folder, "shop.json.tmp", "half");
	ck_assert_int_eq(manifest_remove(fd, "shop", true), 0);
	ck_assert_int_eq(manifest_remove(fd, "shop", true), 0);
	ck_assert_str_eq(list_names(folder), "");
	close(fd);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("file_manifest");
	TCase *c = tcase_create("manifest");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, what_goes_in_comes_out);
	tcase_add_test(c, empty_one_has_no_position);
	tcase_add_test(c, no_changed_bit_is_believed);
	tcase_add_test(c, foreign_content_is_refused);
	tcase_add_loop_test(c, file_is_replaced_and_read_back, 0, 2);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
