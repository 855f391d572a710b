/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <errno.h>
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
#include "base/random.h"
#include "base/str.h"
#include "base/view.h"
#include "engine/checkpoint.h"
#include "engine/exit_code.h"
#include "engine/host.h"
#include "engine/report.h"
#include "engine/table.h"

/* Check writes a message for every assertion that passes: too slow for inner loops. */
#define REQUIRE(cond)                                      \
	do {                                               \
		if (!(cond))                               \
			ck_abort_msg("failed: %s", #cond); \
	} while (0)

enum { TEXT_MAX = 1024 * 1024, ROUNDS = 300, N_WEIRD = 12, MAX_COLUMNS = 7 };

/* --------------------------------------------------------------------- a random checkpoint */

static struct ez_view weird(struct prng *p)
{
	static const char *const names[N_WEIRD] = {
		"", "id", "with space", "quote\"d", "back\\slash", "new\nline", "tab\tcr\r",
		"\x01\x1f\x7f", "na\xc3\xafve", "\xf0\x9f\x90\x98 elephant", "</script>", "{\"a\":[1]}",
	};

	return view_str(names[prng_below(p, N_WEIRD)]);
}

/* Numbers at the edges of their types as often as in between. */
static uint64_t number(struct prng *p)
{
	static const uint64_t edges[] = { 0, 1, INT32_MAX, UINT32_MAX, INT64_MAX,
					  (uint64_t)INT64_MAX + 1, UINT64_MAX };

	return prng_below(p, 2) ? edges[prng_below(p, ARRAY_LEN(edges))] : prng_next(p);
}

static void random_column(struct prng *p, struct ez_column *c)
{
	*c = (struct ez_column){
		.size = sizeof(*c),
		.name = weird(p),
		.native = weird(p),
		.fallback = weird(p),
		.type = (uint32_t)number(p),
		.flags = (uint32_t)number(p),
		.id = (uint32_t)number(p),
		.native_type = (uint32_t)number(p),
		.type_mod = (int32_t)(uint32_t)number(p),
		.element = (uint32_t)number(p),
		.precision = (int32_t)(uint32_t)number(p),
		.scale = (int32_t)(uint32_t)number(p),
		.length = (int32_t)(uint32_t)number(p),
	};
}

static struct table *random_table(struct prng *p)
{
	struct ez_column columns[MAX_COLUMNS];
	const struct ez_column *pointers[MAX_COLUMNS];
	struct ez_table shape = {
		.size = sizeof(shape),
		.id = number(p),
		.schema = weird(p),
		.name = weird(p),
		.flags = (uint32_t)number(p),
		.lsn = number(p),
		.n_columns = (uint32_t)prng_below(p, MAX_COLUMNS + 1),
		.columns = pointers,
	};

	for (uint32_t i = 0; i < shape.n_columns; i++) {
		random_column(p, &columns[i]);
		pointers[i] = &columns[i];
	}
	return table_new(&shape, 0, (uint32_t)number(p));
}

static void random_mark(struct prng *p, struct mark *m)
{
	char text[EZ_POSITION_MAX];
	size_t len = 1 + prng_below(p, sizeof(text));

	if (prng_below(p, 3) == 0)
		return;
	memset(text, 'a' + (int)prng_below(p, 26), len);
	mark_set(m, (struct ez_position){ view_of(text, len), number(p) });
}

static void random_checkpoint(struct prng *p, struct checkpoint *c)
{
	size_t n = prng_below(p, 5);
	struct told *tables = xcalloc(n + 1, sizeof(*tables));

	*c = (struct checkpoint){
		.epoch = number(p),
		.phase = (enum phase)prng_below(p, _PHASE_MAX),
		.snapshot = number(p),
		.dead_letters = number(p),
		.paused = prng_below(p, 2),
	};
	REQUIRE(str_copy(c->job, sizeof(c->job), weird(p)));
	REQUIRE(str_copy(c->slot, sizeof(c->slot), weird(p)));
	if (prng_below(p, 2))
		c->identity = xstrdup("postgresql 7300000000000000000 shop");
	random_mark(p, &c->position);
	random_mark(p, &c->idle);
	random_mark(p, &c->start);
	for (size_t i = 0; i < n; i++)
		tables[i] = (struct told){ random_table(p),
					   prng_below(p, 2) ? random_table(p) : NULL };
	checkpoint_set_tables(c, tables, n);
}

/* ---------------------------------------------------------------------------- round trip */

static bool same_mark(const struct mark *a, const struct mark *b)
{
	return a->order == b->order && strcmp(a->text, b->text) == 0;
}

static bool same_table(const struct table *a, const struct table *b)
{
	if (!a || !b)
		return a == b;
	return table_is_same(&a->desc, &b->desc) && a->desc.version == b->desc.version &&
	       a->desc.n_keys == b->desc.n_keys && a->desc.lsn == b->desc.lsn;
}

static bool same_tables(const struct checkpoint *a, const struct checkpoint *b)
{
	if (a->n_tables != b->n_tables)
		return false;
	for (size_t i = 0; i < a->n_tables; i++)
		if (!same_table(a->tables[i].newest, b->tables[i].newest) ||
		    !same_table(a->tables[i].before, b->tables[i].before))
			return false;
	return true;
}

static bool same(const struct checkpoint *a, const struct checkpoint *b)
{
	return strcmp(a->job, b->job) == 0 && a->epoch == b->epoch && a->phase == b->phase &&
	       strcmp(a->slot, b->slot) == 0 && !a->identity == !b->identity &&
	       (!a->identity || strcmp(a->identity, b->identity) == 0) &&
	       same_mark(&a->position, &b->position) && same_mark(&a->idle, &b->idle) &&
	       same_mark(&a->start, &b->start) && a->snapshot == b->snapshot &&
	       a->dead_letters == b->dead_letters && a->paused == b->paused && same_tables(a, b);
}

START_TEST(test_round_trip)
{
	struct prng p = PRNG_INIT(20240229);

	for (int i = 0; i < ROUNDS; i++) {
		_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
		_cleanup_(buf_release) struct buf again = BUF_INIT(TEXT_MAX);
		struct checkpoint before, after = CHECKPOINT_INIT;
		struct ez_error err = ERROR_INIT;

		random_checkpoint(&p, &before);
		checkpoint_format(&before, &text);
		if (checkpoint_parse(buf_view(&text), &after, &err) != EZ_OK)
			ck_abort_msg("round %d: %s in %s", i, err.text, buf_cstr(&text));
		if (!same(&before, &after))
			ck_abort_msg("round %d: not the same: %s", i, buf_cstr(&text));
		checkpoint_format(&after, &again);
		REQUIRE(view_eq(buf_view(&text), buf_view(&again)));
		checkpoint_release(&before);
		checkpoint_release(&after);
	}
}
END_TEST

START_TEST(test_two_lines)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
	struct checkpoint c = CHECKPOINT_INIT;
	const char *line;

	checkpoint_format(&c, &text);
	line = strchr(buf_cstr(&text), '\n');
	ck_assert_ptr_nonnull(line);
	ck_assert_int_eq(strncmp(line + 1, "crc32c ", 7), 0);
	ck_assert_uint_eq(strlen(line + 1), 7 + 8 + 1);
	checkpoint_release(&c);
}
END_TEST

START_TEST(test_resume_is_the_newest_mark)
{
	struct checkpoint c = CHECKPOINT_INIT;

	ck_assert_ptr_null(checkpoint_resume(&c));
	mark_set(&c.start, (struct ez_position){ VIEW("0/1"), 1 });
	ck_assert_ptr_eq(checkpoint_resume(&c), &c.start);
	mark_set(&c.position, (struct ez_position){ VIEW("0/2"), 2 });
	ck_assert_ptr_eq(checkpoint_resume(&c), &c.position);
	mark_set(&c.idle, (struct ez_position){ VIEW("8/0"), UINT64_C(1) << 63 });
	ck_assert_ptr_eq(checkpoint_resume(&c), &c.idle);
	ck_assert_uint_eq(mark_position(&c.idle).order, UINT64_C(1) << 63);
	ck_assert(view_eq_str(mark_position(&c.idle).bytes, "8/0"));
}
END_TEST

START_TEST(test_phases_have_names)
{
	for (int i = 0; i < _PHASE_MAX; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(phase_to_str((enum phase)i), phase_to_str((enum phase)j));
	ck_assert_str_eq(phase_to_str(_PHASE_MAX), "unknown");
}
END_TEST

/* --------------------------------------------------------------------------------- damage */

/* Not NULL: what stays when a text is refused. */
static bool is_refused(struct ez_view text)
{
	struct checkpoint c = CHECKPOINT_INIT;
	struct ez_error err = ERROR_INIT;

	c.epoch = 4711;
	if (checkpoint_parse(text, &c, &err) != EZ_E_IO) {
		checkpoint_release(&c);
		return false;
	}
	return err.rc == EZ_E_IO && exit_code_of(&err) == EXIT_IO && c.epoch == 4711 &&
	       c.n_tables == 0 && strstr(err.text, "damaged") && strstr(err.hint, "backup");
}

static void format_sample(struct buf *text)
{
	struct prng p = PRNG_INIT(7);
	struct checkpoint c;

	do {
		random_checkpoint(&p, &c);
		buf_reset(text);
		checkpoint_format(&c, text);
		checkpoint_release(&c);
	} while (text->len < 1500 || text->len > 3000);
}

START_TEST(test_every_truncation_is_refused)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);

	format_sample(&text);
	for (size_t n = 0; n < text.len; n++)
		if (!is_refused(view_of(text.ptr, n)))
			ck_abort_msg("taken with %zu of %zu bytes", n, text.len);
	ck_assert(is_refused(view_of(NULL, 0)));
	buf_add_char(&text, '\n');
	ck_assert(is_refused(buf_view(&text)));
}
END_TEST

START_TEST(test_every_changed_byte_is_refused)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
	struct prng p = PRNG_INIT(99);

	format_sample(&text);
	for (size_t i = 0; i < text.len; i++) {
		char was = text.ptr[i];
		char changes[] = { (char)(was ^ 1), (char)(was ^ 0x20), (char)(was ^ 0x80), '\0',
				   (char)(was + 1 + (char)prng_below(&p, 200)) };

		for (size_t k = 0; k < sizeof(changes); k++) {
			text.ptr[i] = changes[k];
			if (changes[k] != was && !is_refused(buf_view(&text)))
				ck_abort_msg("taken with byte %zu %d instead of %d", i, changes[k],
					     was);
		}
		text.ptr[i] = was;
	}
	ck_assert(!is_refused(buf_view(&text)));
}
END_TEST

/* The checksum of the format, written down a second time. */
static uint32_t crc32c(const char *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++)
		for (int bit = 0; bit < 8; bit++) {
			uint32_t in = ((unsigned char)p[i] >> bit & 1) ^ (crc & 1);

			crc = crc >> 1 ^ (in ? UINT32_C(0x82f63b78) : 0);
		}
	return crc ^ UINT32_MAX;
}

static int parse_signed(const char *json, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_MAX);
	struct checkpoint c = CHECKPOINT_INIT;
	int rc;

	*err = ERROR_INIT;
	buf_addf(&text, "%s\n", json);
	buf_addf(&text, "crc32c %08x\n", crc32c(text.ptr, text.len));
	rc = checkpoint_parse(buf_view(&text), &c, err);
	checkpoint_release(&c);
	return rc;
}

START_TEST(test_higher_format_is_refused)
{
	struct ez_error err;

	ck_assert_uint_eq(crc32c("123456789", 9), 0xe3069283);
	ck_assert_int_eq(parse_signed("{\"format\":2,\"phase\":\"new\"}", &err), EZ_E_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "format 2"));
	ck_assert_ptr_nonnull(strstr(err.text, "format 1"));
	ck_assert_ptr_nonnull(strstr(err.hint, "version"));
	ck_assert_int_eq(exit_code_of(&err), EXIT_CONFIG);
	ck_assert_int_eq(parse_signed("{\"format\":1,\"phase\":\"new\"}", &err), EZ_OK);
}
END_TEST

START_TEST(test_wrong_members_are_refused)
{
	static const char *const texts[] = {
		"{\"format\":1}",
		"{\"format\":1,\"phase\":\"dreaming\"}",
		"{\"format\":1,\"phase\":\"new\",\"position\":{}}",
		"{\"format\":1,\"phase\":\"new\",\"position\":{\"at\":\"\",\"order\":3}}",
		"{\"format\":1,\"phase\":\"new\",\"idle\":7}",
		("{\"format\":1,\"phase\":\"new\",\"job\":\"0123456789012345678901234567890123456789"
		 "012345678901234567890123\"}"),
		"{\"format\":1,\"phase\":\"new\",\"format\":1}",
		"[]",
		"",
		"not json",
	};
	struct ez_error err;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		ck_assert_msg(parse_signed(texts[i], &err) == EZ_E_IO, "%s", texts[i]);
		ck_assert_str_ne(err.hint, "");
	}
	/* Wrong types do no harm. */
	ck_assert_int_eq(parse_signed("{\"format\":1,\"phase\":\"new\",\"tables\":[1,{\"columns\":"
				      "[2,{}]},{\"columns\":{}}],\"epoch\":\"x\"}", &err),
			 EZ_OK);
}
END_TEST

/* ---------------------------------------------------------------------------------- store */

static char dir[64];

static void make_dir(void)
{
	ck_assert(str_format(dir, sizeof(dir), "/tmp/ezcdc-test-checkpoint-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
	static const char *const names[] = { "checkpoint", "checkpoint.tmp", "file", "link" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = xasprintf("%s/%s", dir, names[i]);

		(void)!unlink(path);
		free(path);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

static void *open_store(const char *in)
{
	struct ez_open args = { .size = sizeof(args), .scratch = view_str(in) };
	struct ez_error err = ERROR_INIT;
	void *s = NULL;

	ck_assert_int_eq(store_file.open(&args, &s, &err), EZ_OK);
	return s;
}

START_TEST(test_store)
{
	void *s = open_store(dir);
	struct ez_error err = ERROR_INIT;
	char *path = xasprintf("%s/checkpoint", dir);
	struct ez_view text;
	struct stat st;

	ck_assert_int_eq(store_file.load(s, &text, &err), EZ_EOF);
	ck_assert_int_eq(store_file.remove(s, &err), EZ_OK);
	ck_assert_int_eq(store_file.save(s, VIEW("the first, which is longer"), &err), EZ_OK);
	ck_assert_int_eq(store_file.save(s, VIEW("second"), &err), EZ_OK);
	ck_assert_int_eq(store_file.load(s, &text, &err), EZ_OK);
	ck_assert(view_eq_str(text, "second"));
	ck_assert_int_eq(store_file.load(s, &text, &err), EZ_OK);
	ck_assert(view_eq_str(text, "second"));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	store_file.close(s);

	s = open_store(dir);
	ck_assert_int_eq(store_file.load(s, &text, &err), EZ_OK);
	ck_assert(view_eq_str(text, "second"));
	ck_assert_int_eq(store_file.remove(s, &err), EZ_OK);
	ck_assert_int_eq(store_file.load(s, &text, &err), EZ_EOF);
	store_file.close(s);
	free(path);
}
END_TEST

static void require_io_error(int rc, const struct ez_error *err, int error)
{
	ck_assert_int_eq(rc, EZ_E_IO);
	ck_assert_int_eq(exit_code_of(err), EXIT_IO);
	ck_assert_ptr_nonnull(strstr(err->text, dir));
	ck_assert_ptr_nonnull(strstr(err->text, strerror(error)));
	ck_assert_str_ne(err->hint, "");
}

START_TEST(test_store_under_a_file)
{
	char *file = xasprintf("%s/file", dir);
	struct ez_error err = ERROR_INIT;
	struct ez_report report = { .section = NULL };
	struct ez_view text;
	void *s;

	ck_assert_int_eq(fs_write_atomic(file, "x", 1, 0600), 0);
	s = open_store(file);
	require_io_error(store_file.load(s, &text, &err), &err, ENOTDIR);
	require_io_error(store_file.save(s, VIEW("x"), &err), &err, ENOTDIR);
	ck_assert_ptr_nonnull(strstr(err.hint, "--state-dir"));
	require_io_error(store_file.remove(s, &err), &err, ENOTDIR);
	ck_assert_int_eq(store_file.check(s, &report, &err), EZ_OK);
	ck_assert_uint_eq(report.n_findings, 1);
	report_release(&report);
	store_file.close(s);
	free(file);
}
END_TEST

/* A file system without space is one where a file cannot grow. */
START_TEST(test_store_without_space)
{
	const struct rlimit small = { 4, RLIM_INFINITY };
	void *s = open_store(dir);
	struct ez_error err = ERROR_INIT;
	struct rlimit old;
	struct ez_view text;
	int rc;

	ck_assert_int_eq(store_file.save(s, VIEW("old, whole"), &err), EZ_OK);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	ck_assert_int_eq(fflush(NULL), 0);
	REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
	rc = store_file.save(s, VIEW("new, which does not fit"), &err);
	REQUIRE(setrlimit(RLIMIT_FSIZE, &old) == 0);
	require_io_error(rc, &err, EFBIG);
	ck_assert_int_eq(store_file.load(s, &text, &err), EZ_OK);
	ck_assert(view_eq_str(text, "old, whole"));
	store_file.close(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("checkpoint");
	TCase *text = tcase_create("text"), *store = tcase_create("store");
	SRunner *r;
	int failed;

	tcase_set_timeout(text, 120);
	tcase_add_test(text, test_round_trip);
	tcase_add_test(text, test_two_lines);
	tcase_add_test(text, test_resume_is_the_newest_mark);
	tcase_add_test(text, test_phases_have_names);
	tcase_add_test(text, test_every_truncation_is_refused);
	tcase_add_test(text, test_every_changed_byte_is_refused);
	tcase_add_test(text, test_higher_format_is_refused);
	tcase_add_test(text, test_wrong_members_are_refused);
	suite_add_tcase(s, text);
	tcase_add_checked_fixture(store, make_dir, remove_dir);
	tcase_add_test(store, test_store);
	tcase_add_test(store, test_store_under_a_file);
	tcase_add_test(store, test_store_without_space);
	suite_add_tcase(s, store);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
