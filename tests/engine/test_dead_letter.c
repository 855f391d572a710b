/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/view.h"
#include "engine/dead_letter.h"
#include "engine/exit_code.h"
#include "engine/host.h"
#include "engine/json.h"
#include "engine/problems.h"

enum { TEXT_MAX = 1024 * 1024, SECRET_LEN = 9 };

static const char secret[] = "s3cr3t\"\n\xff";

static char dir[64], path[96], aside[112];

static void make_dir(void)
{
	ck_assert(str_format(dir, sizeof(dir), "/tmp/ezcdc-test-dead-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(str_format(path, sizeof(path), "%s/dead-letter.jsonl", dir));
	ck_assert(str_format(aside, sizeof(aside), "%s.unreadable", path));
}

static void remove_dir(void)
{
	(void)!unlink(path);
	(void)!unlink(aside);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* ------------------------------------------------------------------------------------ rows */

static const struct ez_column column_id = { .size = sizeof(struct ez_column),
					    .name = { "id", 2 } };
static const struct ez_column column_note = { .size = sizeof(struct ez_column),
					      .name = { "no\"te", 5 } };
static const struct ez_column column_big = { .size = sizeof(struct ez_column),
					     .name = { "big", 3 } };
static const struct ez_column *const columns[] = { &column_id, &column_note, &column_big };
static const struct ez_table table = { .size = sizeof(struct ez_table),
				       .schema = { "public", 6 },
				       .name = { "orders", 6 },
				       .n_columns = 3,
				       .columns = columns };

static int add_cells(struct dead_letters *d, uint64_t lsn, uint32_t seq, bool is_snapshot,
		     struct ez_cell *after, struct ez_error *err)
{
	const struct ez_commit tx = { .size = sizeof(tx), .lsn = lsn };
	struct ez_event ev = { .size = sizeof(ev),
			       .op = is_snapshot ? EZ_OP_SNAPSHOT : EZ_OP_UPDATE,
			       .table = &table,
			       .after = after,
			       .tx = &tx,
			       .seq = seq };

	*err = ERROR_INIT;
	error_fill(err, EZ_E_DATA, "22003", "column big: out of range");
	return dead_letters_add(d, &ev, 3, is_snapshot, err);
}

static int add(struct dead_letters *d, uint64_t lsn, uint32_t seq, bool is_snapshot,
	       struct ez_error *err)
{
	struct ez_cell after[] = { { "17", 2, EZ_CELL_TEXT },
				   { secret, SECRET_LEN, EZ_CELL_TEXT },
				   { NULL, 0, EZ_CELL_UNCHANGED } };

	return add_cells(d, lsn, seq, is_snapshot, after, err);
}

static struct dead_letters *open_file(uint64_t start, bool drop_snapshot_rows)
{
	struct dead_letters *d = NULL;
	struct ez_error err = ERROR_INIT;

	ck_assert_int_eq(dead_letters_open(path, false, 100, start, drop_snapshot_rows, &d, &err),
			 EZ_OK);
	return d;
}

static void read_all(struct buf *text)
{
	buf_reset(text);
	ck_assert_int_eq(fs_read_file(path, TEXT_MAX, text), 0);
}

/* "seq" of every line, as one text; every line must be a whole record. */
static void expect_seqs(const char *wanted)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX), seqs = BUF_INIT(TEXT_MAX);
	struct ez_view rest, line;

	read_all(&text);
	ck_assert(text.len == 0 || text.ptr[text.len - 1] == '\n');
	rest = buf_view(&text);
	while (rest.len > 0 && view_split(&rest, '\n', &line)) {
		_cleanup_(json_freep) struct json *j = json_parse(line, NULL);

		ck_assert_ptr_nonnull(j);
		buf_addf(&seqs, "%lld ", (long long)json_i64(j, "seq"));
	}
	ck_assert_str_eq(buf_cstr(&seqs), wanted);
}

static void append_raw(const char *text)
{
	FILE *f = fopen(path, "ae");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

/* ----------------------------------------------------------------------------------- tests */

START_TEST(the_record_of_a_row_that_is_passed_over_stays)
{
	const struct ez_commit tx = { .size = sizeof(tx), .lsn = 0x200 };
	struct ez_event ev = { .size = sizeof(ev), .table = &table, .tx = &tx };
	struct dead_letters *d = open_file(0, false);
	struct ez_error err;

	ck_assert_int_eq(add(d, 0x100, 1, false, &err), EZ_OK);
	ck_assert_int_eq(add(d, 0x200, 2, false, &err), EZ_OK);
	ck_assert_int_eq(add(d, 0x200, 3, false, &err), EZ_OK);
	dead_letters_close(d);
	d = open_file(0x200, false);
	expect_seqs("1 ");
	for (ev.seq = 1; ev.seq < 3; ev.seq++)
		ck_assert_int_eq(dead_letters_pass_over(d, &ev, &err), ev.seq == 2);
	expect_seqs("1 2 ");
	ck_assert_uint_eq(dead_letters_count(d), 2);
	dead_letters_close(d);
}
END_TEST

START_TEST(test_record)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
	_cleanup_(json_freep) struct json *j = NULL;
	struct dead_letters *d = open_file(0, false);
	const struct json *after;
	struct ez_error err;
	struct stat st;

	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(dead_letters_sync(d, &err), EZ_OK);
	ck_assert_int_eq(add(d, UINT64_C(0x1600000abc), 5, false, &err), EZ_OK);
	ck_assert_int_eq(dead_letters_sync(d, &err), EZ_OK);
	ck_assert_uint_eq(dead_letters_count(d), 1);
	dead_letters_close(d);

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	read_all(&text);
	ck_assert_ptr_eq(memchr(text.ptr, '\n', text.len), text.ptr + text.len - 1);
	j = json_parse(buf_view(&text), NULL);
	ck_assert_ptr_nonnull(j);
	ck_assert(view_eq_str(json_str(j, "commit_lsn"), "16/ABC"));
	ck_assert_int_eq(json_i64(j, "part"), 3);
	ck_assert_int_eq(json_i64(j, "seq"), 5);
	ck_assert(json_has(j, "snapshot") && !json_bool(j, "snapshot"));
	ck_assert(view_eq_str(json_str(j, "schema"), "public"));
	ck_assert(view_eq_str(json_str(j, "table"), "orders"));
	ck_assert(view_eq_str(json_str(j, "op"), "u"));
	ck_assert(view_eq_str(json_str(j, "code"), "22003"));
	ck_assert(view_eq_str(json_str(j, "reason"), "column big: out of range"));
	ck_assert_uint_gt(json_str(j, "time").len, 0);
	ck_assert(!json_has(j, "before"));
	after = json_get(j, "after");
	ck_assert(view_eq_str(json_str(after, "id"), "17"));
	ck_assert(view_eq_str(json_str(after, "no\"te"), "s3cr3t\"\n\xef\xbf\xbd"));
	ck_assert(!json_has(after, "big"));
}
END_TEST

START_TEST(test_policy_stop_writes_nothing)
{
	struct dead_letters *d = NULL;
	struct ez_error err = ERROR_INIT;

	ck_assert_int_eq(dead_letters_open(path, true, 100, 0, false, &d, &err), EZ_OK);
	ck_assert_int_eq(add(d, 1, 1, false, &err), EZ_E_DATA);
	ck_assert_int_eq(err.rc, EZ_E_DATA);
	ck_assert_int_eq(exit_code_of(&err), EXIT_DATA);
	ck_assert_str_eq(err.text, "column big: out of range");
	ck_assert_ptr_nonnull(strstr(err.hint, "errors.policy"));
	ck_assert_ptr_null(strstr(err.text, "s3cr3t"));
	ck_assert_ptr_null(strstr(err.hint, "s3cr3t"));
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_uint_eq(dead_letters_count(d), 0);
	dead_letters_close(d);
}
END_TEST

START_TEST(test_limit)
{
	struct dead_letters *d = NULL;
	struct ez_error err = ERROR_INIT;

	ck_assert_int_eq(dead_letters_open(path, false, 2, 0, false, &d, &err), EZ_OK);
	ck_assert_int_eq(add(d, 1, 1, false, &err), EZ_OK);
	dead_letters_close(d);
	/* What earlier runs left counts too. */
	ck_assert_int_eq(dead_letters_open(path, false, 2, 0, false, &d, &err), EZ_OK);
	ck_assert_uint_eq(dead_letters_count(d), 1);
	ck_assert_int_eq(add(d, 1, 2, false, &err), EZ_OK);
	ck_assert_int_eq(add(d, 1, 3, false, &err), EZ_E_DATA);
	ck_assert_int_eq(err.rc, EZ_E_DATA);
	ck_assert_ptr_nonnull(strstr(err.text, "more than 2 rows"));
	ck_assert_ptr_nonnull(strstr(err.text, "column big: out of range"));
	ck_assert_ptr_nonnull(strstr(err.hint, path));
	ck_assert_ptr_null(strstr(err.text, "s3cr3t"));
	ck_assert_uint_eq(dead_letters_count(d), 2);
	expect_seqs("1 2 ");
	dead_letters_close(d);
}
END_TEST

START_TEST(test_cut_back)
{
	struct dead_letters *d = open_file(0, false);
	struct ez_error err;

	ck_assert_int_eq(add(d, UINT64_C(0xf00000000), 1, true, &err), EZ_OK);
	ck_assert_int_eq(add(d, UINT64_C(0x0ffffffff), 2, false, &err), EZ_OK);
	ck_assert_int_eq(add(d, UINT64_C(0x100000000), 3, false, &err), EZ_OK);
	ck_assert_int_eq(add(d, UINT64_C(0x100000001), 4, false, &err), EZ_OK);
	ck_assert_int_eq(add(d, UINT64_C(0xfff00000000), 5, false, &err), EZ_OK);
	ck_assert_int_eq(add(d, UINT64_C(0x000000002), 6, false, &err), EZ_OK);
	dead_letters_close(d);

	/* No start position yet: nothing comes again. */
	d = open_file(0, false);
	ck_assert_uint_eq(dead_letters_count(d), 6);
	dead_letters_close(d);
	expect_seqs("1 2 3 4 5 6 ");

	d = open_file(UINT64_C(0x100000001), false);
	ck_assert_uint_eq(dead_letters_count(d), 4);
	/* The file goes on behind what was kept. */
	ck_assert_int_eq(add(d, UINT64_C(0x100000001), 7, false, &err), EZ_OK);
	dead_letters_close(d);
	expect_seqs("1 2 3 6 7 ");

	d = open_file(UINT64_C(0x100000000), true);
	ck_assert_uint_eq(dead_letters_count(d), 2);
	dead_letters_close(d);
	expect_seqs("2 6 ");
	d = open_file(1, true);
	ck_assert_uint_eq(dead_letters_count(d), 0);
	dead_letters_close(d);
	expect_seqs("");
}
END_TEST

/* The rows of a copy that begins again come again, and would be counted twice. */
START_TEST(test_a_copy_that_begins_again_forgets)
{
	struct dead_letters *d = open_file(0, false);
	struct ez_error err;

	ck_assert_int_eq(add(d, 1, 1, true, &err), EZ_OK);
	ck_assert_int_eq(add(d, 2, 2, false, &err), EZ_OK);
	ck_assert_int_eq(add(d, 1, 3, true, &err), EZ_OK);
	ck_assert_int_eq(dead_letters_forget_snapshot(d, &err), EZ_OK);
	ck_assert_uint_eq(dead_letters_count(d), 1);
	ck_assert_int_eq(add(d, 1, 4, true, &err), EZ_OK);
	ck_assert_int_eq(dead_letters_sync(d, &err), EZ_OK);
	ck_assert_uint_eq(dead_letters_count(d), 2);
	dead_letters_close(d);
	expect_seqs("2 4 ");
}
END_TEST

START_TEST(test_half_written_line_is_set_aside)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
	struct dead_letters *d = open_file(0, false);
	struct ez_error err;
	size_t len;

	ck_assert_int_eq(add(d, 1, 1, false, &err), EZ_OK);
	ck_assert_int_eq(add(d, 1, 2, false, &err), EZ_OK);
	dead_letters_close(d);
	read_all(&text);
	len = text.len / 2;
	/* Cut anywhere in the second record: the first stays, new ones start a line. */
	for (size_t cut = 0; cut <= len; cut += len / 7) {
		ck_assert_int_eq(fs_write_atomic(path, text.ptr, len + cut, 0600), 0);
		d = open_file(0, false);
		ck_assert_int_eq(add(d, 1, 9, false, &err), EZ_OK);
		dead_letters_close(d);
		expect_seqs(cut >= len - 1 ? "1 2 9 " : "1 9 ");
		ck_assert_int_eq(access(aside, F_OK), cut > 0 && cut < len - 1 ? 0 : -1);
		(void)!unlink(aside);
	}
}
END_TEST

/* Nobody's notes are lost, and those of two starts do not replace each other. */
START_TEST(test_what_cannot_be_read_is_kept)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
	struct dead_letters *d = open_file(0, false);
	struct ez_error err;
	struct stat st;

	ck_assert_int_eq(add(d, 1, 1, false, &err), EZ_OK);
	dead_letters_close(d);
	append_raw("# looked at by ann\n{\"seq\":2}}\n");
	dead_letters_close(open_file(0, false));
	append_raw("{\"seq\"");
	dead_letters_close(open_file(0, false));
	expect_seqs("1 ");
	ck_assert_int_eq(fs_read_file(aside, TEXT_MAX, &text), 0);
	ck_assert_str_eq(buf_cstr(&text), "# looked at by ann\n{\"seq\":2}}\n{\"seq\"\n");
	ck_assert_int_eq(stat(aside, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(test_what_cannot_be_kept_stays)
{
	struct dead_letters *d = NULL;
	struct ez_error err = ERROR_INIT;
	struct stat st;

	append_raw("torn");
	ck_assert_int_eq(mkdir(aside, 0700), 0);
	ck_assert_int_eq(dead_letters_open(path, false, 1, 0, false, &d, &err), EZ_E_IO);
	ck_assert_ptr_nonnull(strstr(err.text, aside));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 4);
	ck_assert_int_eq(rmdir(aside), 0);
}
END_TEST

START_TEST(test_whole_line_without_its_end)
{
	struct dead_letters *d;
	struct ez_error err;

	append_raw("\n{\"commit_lsn\":\"0/1\",\"seq\":1}");
	d = open_file(5, false);
	ck_assert_uint_eq(dead_letters_count(d), 1);
	ck_assert_int_eq(add(d, 1, 2, false, &err), EZ_OK);
	dead_letters_close(d);
	expect_seqs("1 2 ");
}
END_TEST

/* A value may hold a NUL where the source allows it: the record must outlive a restart. */
START_TEST(test_nul_in_a_value)
{
	struct ez_cell after[] = { { "a\0b", 3, EZ_CELL_TEXT },
				   { NULL, 0, EZ_CELL_NULL },
				   { "", 0, EZ_CELL_TEXT } };
	struct dead_letters *d = open_file(0, false);
	struct ez_error err;

	ck_assert_int_eq(add_cells(d, 1, 1, false, after, &err), EZ_OK);
	dead_letters_close(d);
	d = open_file(5, false);
	ck_assert_uint_eq(dead_letters_count(d), 1);
	dead_letters_close(d);
	expect_seqs("1 ");
}
END_TEST

START_TEST(test_message_has_no_table)
{
	const struct ez_commit tx = { .size = sizeof(tx), .lsn = 1 };
	struct ez_cell after[] = { { "prefix", 6, EZ_CELL_TEXT }, { "\0\1", 2, EZ_CELL_BYTES } };
	struct ez_event ev = { .size = sizeof(ev), .op = EZ_OP_MESSAGE, .after = after, .tx = &tx };
	struct dead_letters *d = open_file(0, false);
	struct ez_error err = ERROR_INIT;

	error_fill(&err, EZ_E_DATA, "", "too long");
	ck_assert_int_eq(dead_letters_add(d, &ev, 0, false, &err), EZ_OK);
	dead_letters_close(d);
	expect_seqs("0 ");
}
END_TEST

static void require_io_error(int rc, const struct ez_error *err)
{
	ck_assert_int_eq(rc, EZ_E_IO);
	ck_assert_int_eq(exit_code_of(err), EXIT_IO);
	ck_assert_ptr_nonnull(strstr(err->text, "dead letter file /"));
	ck_assert_ptr_null(strstr(err->text, "s3cr3t"));
	ck_assert_str_ne(err->hint, "");
}

START_TEST(test_path_that_cannot_be)
{
	struct dead_letters *d = NULL;
	struct ez_error err = ERROR_INIT;
	char *below;

	append_raw("");
	below = xasprintf("%s/x", path);
	require_io_error(dead_letters_open(below, false, 1, 0, false, &d, &err), &err);
	ck_assert_ptr_null(d);
	free(below);
	below = xasprintf("%s/missing/x", dir);
	ck_assert_int_eq(dead_letters_open(below, false, 1, 0, false, &d, &err), EZ_OK);
	require_io_error(add(d, 1, 1, false, &err), &err);
	ck_assert_uint_eq(dead_letters_count(d), 0);
	dead_letters_close(d);
	free(below);
}
END_TEST

/* Once there is space again, the next record must not continue the torn one. */
START_TEST(test_no_space)
{
	struct dead_letters *d = open_file(0, false);
	struct ez_error err;
	struct rlimit old, small;
	struct stat st;
	int rc;

	ck_assert_int_eq(add(d, 1, 1, false, &err), EZ_OK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ (rlim_t)st.st_size + 10, old.rlim_max };
	ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	if (setrlimit(RLIMIT_FSIZE, &small) != 0)
		abort();
	rc = add(d, 1, 2, false, &err);
	if (setrlimit(RLIMIT_FSIZE, &old) != 0)
		abort();
	require_io_error(rc, &err);
	ck_assert_uint_eq(dead_letters_count(d), 1);
	ck_assert_int_eq(add(d, 1, 3, false, &err), EZ_OK);
	ck_assert_int_eq(dead_letters_sync(d, &err), EZ_OK);
	dead_letters_close(d);
	expect_seqs("1 3 ");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dead_letter");
	TCase *c = tcase_create("file");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, make_dir, remove_dir);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, the_record_of_a_row_that_is_passed_over_stays);
	tcase_add_test(c, test_record);
	tcase_add_test(c, test_policy_stop_writes_nothing);
	tcase_add_test(c, test_limit);
	tcase_add_test(c, test_cut_back);
	tcase_add_test(c, test_a_copy_that_begins_again_forgets);
	tcase_add_test(c, test_half_written_line_is_set_aside);
	tcase_add_test(c, test_what_cannot_be_read_is_kept);
	tcase_add_test(c, test_what_cannot_be_kept_stays);
	tcase_add_test(c, test_whole_line_without_its_end);
	tcase_add_test(c, test_nul_in_a_value);
	tcase_add_test(c, test_message_has_no_table);
	tcase_add_test(c, test_path_that_cannot_be);
	tcase_add_test(c, test_no_space);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
