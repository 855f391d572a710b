/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

#include "host.h"
#include "manifest.h"
#include "sinktest.h"

/*
 * A job that is killed again and again, at places that chance picks among all that the
 * plugin marks, and goes on each time from the position that recover() returns. A reader
 * looks at the finished files all the while.
 *
 * Transaction n ends at position END(n) and consists of rows (n, 0) (n, 1) ... in turn for
 * two tables. Whatever happens, what the reader has seen must be a beginning of the whole,
 * in order and without repetition, and in the end it must be the whole.
 */

enum {
	TRANSACTIONS = 24,
	LIVES_MAX = 400,
	CRASH_EXIT = 42,
};

#define END(n) (0x1000 + (uint64_t)(n)*0x100)

static const struct {
	const char *name, *layout, *compression;
} variants[] = {
	{ "stream", "stream", "none" },
	{ "gzip", "stream", "gzip" },
	{ "zstd", "stream", "zstd" },
	{ "per table", "per-table", "none" },
	{ "per table zstd", "per-table", "zstd" },
};

enum {
	VARIANTS = sizeof(variants) / sizeof(variants[0]),
	SEEDS = 6,
};

static uint64_t rng;
static _Atomic int points_left;

static unsigned chance(unsigned n)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(rng >> 33) % n;
}

static void die_here(const char *place)
{
	if (atomic_fetch_sub(&points_left, 1) == 1) {
		if (getenv("EZ_TEST_LOG"))
			fprintf(stderr, "dies at: %s\n", place);
		_exit(CRASH_EXIT);
	}
}

/* ------------------------------------------------------------------ one life */

static int rows_of(int tx)
{
	return 1 + tx % 5;
}

static void add_row(struct fake_batch *b, const struct ez_table *const *tables, int tx,
		    int row)
{
	char id[32], note[64];

	snprintf(id, sizeof(id), "%d", tx * 10 + row);
	snprintf(note, sizeof(note), "row %d of transaction %d", row, tx);
	fake_event(b, EZ_OP_INSERT, tables[row % 2], NULL, FAKE_ROW(id, note));
}

/*
 * One batch: the rest of transaction `tx` from `row` on, perhaps more transactions, the last
 * of which may stay open. Returns where the next batch begins.
 */
static void build(struct sinktest *t, const struct ez_table *const *tables, int *tx,
		  int *row, struct fake_batch **ret)
{
	bool continued = *row > 0;
	int n = 1 + (int)chance(3);
	uint32_t flags = continued ? EZ_BATCH_CONTINUED : 0;
	bool open = chance(3) == 0;
	struct fake_batch *b;

	if (open)
		flags |= EZ_BATCH_OPEN;
	b = fake_batch(t->fake, t->number + 1, flags);
	while (n-- > 0 && *tx < TRANSACTIONS) {
		bool last = n == 0 || *tx == TRANSACTIONS - 1;
		int to = rows_of(*tx);

		fake_begin(b, END(*tx) + 8, 700 + (uint32_t)*tx, 1732270000119123 + *tx,
			   (uint64_t)*row);
		if (last && open)
			to = *row + (int)chance((unsigned)(to - *row) + 1);
		for (; *row < to; (*row)++)
			add_row(b, tables, *tx, *row);
		if (last && open)
			break;
		fake_commit(b, END(*tx + 1));
		++*tx;
		*row = 0;
	}
	*ret = b;
}

static int first_transaction(struct sinktest *t)
{
	unsigned hi = 0, lo = 0;
	int tx;

	if (sink_position(t)[0] == '\0')
		return 0;
	ck_assert_int_eq(sscanf(sink_position(t), "%X/%X", &hi, &lo), 2);
	tx = (int)((lo - END(0)) / 0x100);
	return tx;
}

/* Runs the job from where it stopped; exits with CRASH_EXIT or 0. */
static void live(int variant, const char *folder, int crash_after)
{
	const struct ez_table *tables[2];
	struct sinktest t;
	int tx, row = 0, rc;

	sink_start(&t, folder);
	sink_set(&t, "layout", variants[variant].layout);
	sink_set(&t, "compression", variants[variant].compression);
	sink_set(&t, "rotate_bytes", chance(2) ? "700B" : "4KiB");
	sink_set(&t, "sync", chance(4) ? "false" : "true");
	atomic_store(&points_left, crash_after);
	crash_hook = die_here;
	rc = sink_open(&t, EZ_ROLE_MAIN);
	if (rc != EZ_OK && rc != EZ_EOF) {
		fprintf(stderr, "recover: %s\n", t.fake->err.text);
		_exit(1);
	}
	tx = first_transaction(&t);
	tables[0] = fake_table(t.fake, "public", "a", "id:int8:key, note:text");
	tables[1] = fake_table(t.fake, "public", "b", "id:int8:key, note:text");
	while (tx < TRANSACTIONS) {
		struct fake_batch *b;

		build(&t, tables, &tx, &row, &b);
		if (sink_write(&t, fake_finish(b)) != EZ_OK)
			_exit(2);
		if (chance(2) && sink_flush(&t) != EZ_OK)
			_exit(3);
		if (chance(4) == 0 && sink_settle(&t) != EZ_OK)
			_exit(4);
	}
	if (sink_settle(&t) != EZ_OK)
		_exit(5);
	sink_close(&t);
	_exit(0);
}

/* ------------------------------------------------------------------ the reader */

/* The ids in the lines, each followed by a blank. */
static char *ids_of(const char *content)
{
	struct buf b = BUF_INIT(1 << 20);
	const char *at = content;

	while ((at = strstr(at, "\"key\":{\"id\":")) != NULL) {
		at += strlen("\"key\":{\"id\":");
		buf_add(&b, at, strcspn(at, "}"));
		buf_add_char(&b, ' ');
	}
	return buf_take(&b);
}

/* The ids that must come in this folder; "" is all of them. */
static char *ids_expected(const char *table)
{
	struct buf b = BUF_INIT(1 << 20);

	for (int tx = 0; tx < TRANSACTIONS; tx++)
		for (int row = 0; row < rows_of(tx); row++)
			if (table[0] == '\0' || (row % 2 == 0) == (table[0] == 'a'))
				buf_addf(&b, "%d ", tx * 10 + row);
	return buf_take(&b);
}

static void look(const char *folder, const char *table, char **seen, bool all)
{
	_cleanup_(freep) char *path = NULL, *content = NULL, *ids = NULL, *want = NULL;

	path = table[0] ? xasprintf("%s/public.%s", folder, table) : xstrdup(folder);
	if (!all && access(path, F_OK) != 0)
		return;
	content = read_finished(path);
	ids = ids_of(content);
	want = ids_expected(table);
	ck_assert_msg(strncmp(want, ids, strlen(ids)) == 0, "finished files hold %s",
		      ids);
	ck_assert_msg(!*seen || strncmp(content, *seen, strlen(*seen)) == 0,
		      "a finished file has changed");
	if (all)
		ck_assert_str_eq(ids, want);
	free(*seen);
	*seen = TAKE_PTR(content);
}

/*
 * What a crash of the machine may do beyond one of the process: all that was written since
 * the last durable point is gone, or is garbage.
 */
static void lose_power(const char *folder)
{
	struct ez_error err = { .size = sizeof(err) };
	struct manifest m = { 0 };
	int notes, rc;
	char *path = xasprintf("%s/.ezcdc", folder);

	notes = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (notes < 0)
		return;
	rc = manifest_load(notes, "shop", "the manifest", &m, &err);
	close(notes);
	if (rc == EZ_EOF)
		return;
	ck_assert_msg(rc == EZ_OK, "%s", err.text);
	for (size_t i = 0; i < m.n_files; i++) {
		char *part = xasprintf("%s/%s.part", folder, m.files[i].name);
		FILE *f;

		if (chance(2) && access(part, F_OK) == 0)
			ck_assert_int_eq(truncate(part, (off_t)m.files[i].len), 0);
		f = chance(2) && access(part, F_OK) == 0 ? fopen(part, "ae") : NULL;
		if (f) {
			fputs("garbage\n{\"op\":", f);
			fclose(f);
		}
		free(part);
	}
	manifest_release(&m);
}

START_TEST(every_change_is_seen_once_whatever_dies)
{
	int variant = _i % VARIANTS, status, lives = 0;
	bool per_table = strcmp(variants[variant].layout, "per-table") == 0;
	const char *folder = test_folder();
	char *seen_a = NULL, *seen_b = NULL;

	rng = 1 + (uint64_t)_i;
	do {
		pid_t pid;
		int crash_after = 1 + (int)chance(lives == 0 ? 20 : 60);

		ck_assert_int_lt(++lives, LIVES_MAX);
		chance(2);
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			live(variant, folder, crash_after);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
						    WEXITSTATUS(status) == CRASH_EXIT),
			      "%s, seed %d: status %d", variants[variant].name, _i,
			      status);
		look(folder, per_table ? "a" : "", &seen_a, WEXITSTATUS(status) == 0);
		if (per_table)
			look(folder, "b", &seen_b, WEXITSTATUS(status) == 0);
		lose_power(folder);
	} while (WEXITSTATUS(status) != 0);
	ck_assert_int_gt(lives, 1);
	free(seen_a);
	free(seen_b);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("file_crash");
	TCase *c = tcase_create("kill");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, every_change_is_seen_once_whatever_dies, 0,
			    VARIANTS * SEEDS);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
