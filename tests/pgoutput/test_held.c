/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/random.h"
#include "base/view.h"
#include "plugins/pgoutput/held.h"
#include "run.h"
#include "testkit/fake_host.h"

enum { MEGABYTE = 1 << 20 };

static struct fake_host *f;
static char folder[64];
static struct ez_error err = { .size = sizeof(err) };

static struct held *make(size_t limit_bytes)
{
	struct held_config c = { .folder = folder, .limit_bytes = limit_bytes };

	f = fake_host_new(NULL, NULL);
	snprintf(folder, sizeof(folder), "/tmp/ez-held-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	c.host = fake_host_table();
	c.ctx = &f->ctx;
	return held_new(&c);
}

/* Also checks that all memory was given back and nothing lies in the folder. */
static void unmake(struct held *h)
{
	held_free(h);
	fake_host_free(f);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void add(struct held *h, uint32_t xid, uint32_t subxid, const char *text)
{
	struct held_tx *tx = held_open(h, xid);

	ck_assert_int_eq(
		held_append(h, tx, subxid, (uint64_t)text[0], view_str(text), &err),
		EZ_OK);
}

/* All messages of a log, joined, and the log dropped. */
static char *replay(struct held *h, uint32_t xid)
{
	struct buf b = BUF_INIT(64 << 20);
	struct held_tx *tx = held_take(h, xid);
	struct held_message m;
	int rc;

	ck_assert_ptr_nonnull(tx);
	while ((rc = held_next(h, tx, &m, &err)) == EZ_OK) {
		ck_assert_uint_eq(m.lsn, (uint64_t)m.bytes.ptr[0]);
		buf_add_view(&b, m.bytes);
	}
	ck_assert_int_eq(rc, EZ_EOF);
	held_drop(h, tx);
	return buf_take(&b);
}

static void replays_as(struct held *h, uint32_t xid, const char *want)
{
	char *got = replay(h, xid);

	ck_assert_str_eq(got, want);
	free(got);
}

START_TEST(messages_come_back_in_order)
{
	struct held *h = make(MEGABYTE);

	add(h, 1, 1, "a");
	add(h, 1, 1, "bb");
	add(h, 1, 2, "ccccccccccccccccccccc");
	ck_assert_uint_eq(held_count(h), 1);
	replays_as(h, 1, "abbccccccccccccccccccccc");
	ck_assert_uint_eq(held_count(h), 0);
	ck_assert_uint_eq(held_bytes(h), 0);
	unmake(h);
}
END_TEST

START_TEST(interleaved_transactions_are_kept_apart)
{
	struct held *h = make(MEGABYTE);

	add(h, 1, 1, "a");
	add(h, 2, 2, "x");
	add(h, 1, 1, "b");
	add(h, 2, 2, "y");
	ck_assert_uint_eq(held_count(h), 2);
	replays_as(h, 2, "xy");
	replays_as(h, 1, "ab");
	unmake(h);
}
END_TEST

START_TEST(a_subtransaction_is_cut_off_with_what_follows_it)
{
	struct held *h = make(MEGABYTE);

	add(h, 1, 1, "a");
	add(h, 1, 2, "b");
	add(h, 1, 3, "c"); /* below 2 */
	add(h, 1, 2, "d");
	held_abort_sub(h, held_find(h, 1), 2);
	add(h, 1, 1, "e");
	held_abort_sub(h, held_find(h, 1), 3); /* already gone */
	add(h, 1, 4, "f");
	replays_as(h, 1, "aef");
	unmake(h);
}
END_TEST

START_TEST(an_unknown_subtransaction_changes_nothing)
{
	struct held *h = make(MEGABYTE);

	add(h, 1, 1, "a");
	held_abort_sub(h, held_find(h, 1), 77);
	replays_as(h, 1, "a");
	unmake(h);
}
END_TEST

START_TEST(the_number_of_an_aborted_subtransaction_may_write_no_more_but_its_parent_may)
{
	struct held *h = make(MEGABYTE);

	add(h, 1, 2, "a");
	held_abort_sub(h, held_find(h, 1), 2);
	add(h, 1, 1, "b");
	add(h, 1, 3, "c");
	held_abort_sub(h, held_find(h, 1), 3);
	replays_as(h, 1, "b");
	unmake(h);
}
END_TEST

START_TEST(over_the_limit_logs_move_to_a_file_without_a_name)
{
	struct held *h = make(128 * 1024);
	char text[1001];

	memset(text, 'z', 1000);
	text[1000] = '\0';
	for (int i = 0; i < 1000; i++)
		add(h, 1, 1, text);
	ck_assert_uint_gt(held_spilled_bytes(h), 800000);
	ck_assert_int_le(atomic_load(&f->ctx.mem_bytes), 192 * 1024);
	ck_assert_int_eq(rmdir(folder), 0); /* it is empty */
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	{
		char *got = replay(h, 1);

		ck_assert_uint_eq(strlen(got), 1000 * 1000);
		free(got);
	}
	ck_assert_uint_eq(held_spilled_bytes(h), 0);
	unmake(h);
}
END_TEST

START_TEST(a_spent_budget_moves_logs_too)
{
	struct held *h = make(64 * MEGABYTE);
	char text[1001];

	memset(text, 'z', 1000);
	text[1000] = '\0';
	atomic_store(&f->ctx.mem_is_spent, true);
	for (int i = 0; i < 500; i++)
		add(h, 1, 1, text);
	ck_assert_uint_gt(held_spilled_bytes(h), 300000);
	unmake(h);
}
END_TEST

START_TEST(a_message_larger_than_a_segment_survives_memory_and_file)
{
	struct held *h = make(256 * 1024);
	char *big = xmalloc(3 * MEGABYTE + 1);

	memset(big, 'B', 3 * MEGABYTE);
	big[3 * MEGABYTE] = '\0';
	add(h, 1, 1, "a");
	add(h, 1, 1, big);
	add(h, 1, 1, "c");
	ck_assert_uint_gt(held_spilled_bytes(h), 3 * MEGABYTE);
	{
		char *got = replay(h, 1);

		ck_assert_uint_eq(strlen(got), 3 * MEGABYTE + 2);
		ck_assert(got[0] == 'a' && got[1] == 'B' && got[3 * MEGABYTE + 1] == 'c');
		free(got);
	}
	free(big);
	unmake(h);
}
END_TEST

START_TEST(the_largest_log_moves_first)
{
	struct held *h = make(512 * 1024);
	char text[5001];

	memset(text, 's', 5000);
	text[5000] = '\0';
	add(h, 2, 2, "small");
	for (int i = 0; i < 120; i++)
		add(h, 1, 1, text);
	ck_assert_uint_gt(held_spilled_bytes(h), 0);
	ck_assert_int_ge(atomic_load(&f->ctx.mem_bytes), 64 * 1024); /* still there */
	replays_as(h, 2, "small");
	unmake(h);
}
END_TEST

START_TEST(a_folder_that_cannot_be_written_is_an_error_that_names_it)
{
	struct held *h = make(64 * 1024);
	char text[1001];
	int rc = EZ_OK;

	memset(text, 'z', 1000);
	text[1000] = '\0';
	ck_assert_int_eq(rmdir(folder), 0);
	for (int i = 0; i < 500 && rc == EZ_OK; i++)
		rc = held_append(h, held_open(h, 1), 1, 1, view_str(text), &err);
	ck_assert_int_eq(rc, EZ_E_IO);
	ck_assert_ptr_nonnull(strstr(err.text, folder));
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	unmake(h);
}
END_TEST

START_TEST(a_full_disk_is_an_error_and_not_a_lost_message)
{
	struct held *h = make(64 * 1024);
	struct rlimit limit = { .rlim_cur = 300 * 1024, .rlim_max = RLIM_INFINITY };
	char text[1001];
	int rc = EZ_OK;

	memset(text, 'z', 1000);
	text[1000] = '\0';
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 1000 && rc == EZ_OK; i++)
		rc = held_append(h, held_open(h, 1), 1, 1, view_str(text), &err);
	ck_assert_int_eq(rc, EZ_E_IO);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	unmake(h);
}
END_TEST

/*
 * Against a slow model: a list of (transaction, subtransaction, text) from which an abort
 * removes, by looking at the family tree, what the subtransaction and those below it wrote.
 */
struct wrote {
	uint32_t xid, sub;
	char text[32];
};

struct nest { /* the open subtransactions of one transaction, innermost last */
	uint32_t xid;
	uint32_t stack[8];
	unsigned depth;
	bool is_open;
};

static uint32_t parents[100000]; /* of a subtransaction, for the model */

static bool is_below(uint32_t sub, uint32_t top)
{
	while (sub != top && parents[sub])
		sub = parents[sub];
	return sub == top;
}

struct model {
	struct wrote *list;
	size_t n;
	struct nest nests[3];
	uint32_t next_xid, next_text;
	struct prng prng;
	struct held *h;
};

static void model_write(struct model *m, struct nest *nest)
{
	uint32_t sub = nest->stack[nest->depth - 1];
	struct wrote *w = &m->list[m->n++];
	size_t pad = prng_below(&m->prng, 20);

	w->xid = nest->xid;
	w->sub = sub;
	snprintf(w->text, sizeof(w->text), "%u%.*s,", ++m->next_text, (int)pad,
		 "....................");
	add(m->h, nest->xid, sub, w->text);
}

static void model_remove(struct model *m, uint32_t xid, uint32_t sub)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].xid != xid || !is_below(m->list[i].sub, sub))
			m->list[n++] = m->list[i];
	m->n = n;
}

/*
 * Rolls back to before the k-th open subtransaction. The server reports it and everything
 * below it that has written, the released ones too; in which order is its business.
 */
static void model_abort_sub(struct model *m, struct nest *nest)
{
	unsigned k = 1 + (unsigned)prng_below(&m->prng, nest->depth - 1);
	struct held_tx *tx = held_find(m->h, nest->xid);
	bool backwards = prng_below(&m->prng, 2);

	for (size_t i = 0; i < m->n && tx; i++) {
		const struct wrote *w = &m->list[backwards ? m->n - 1 - i : i];

		if (w->xid == nest->xid && is_below(w->sub, nest->stack[k]))
			held_abort_sub(m->h, tx, w->sub);
	}
	model_remove(m, nest->xid, nest->stack[k]);
	nest->depth = k;
}

static void model_end(struct model *m, struct nest *nest)
{
	bool commits = prng_below(&m->prng, 3) > 0;
	struct buf want = BUF_INIT(64 << 20);

	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].xid == nest->xid)
			buf_add_str(&want, m->list[i].text);
	if (held_find(m->h, nest->xid)) {
		if (commits)
			replays_as(m->h, nest->xid, buf_cstr(&want));
		else
			held_drop(m->h, held_find(m->h, nest->xid));
	} else {
		ck_assert_uint_eq(want.len, 0);
	}
	model_remove(m, nest->xid, nest->xid);
	nest->is_open = false;
	buf_release(&want);
}

static void model_step(struct model *m)
{
	struct nest *nest = &m->nests[prng_below(&m->prng, 3)];

	if (!nest->is_open) {
		*nest = (struct nest){ .xid = ++m->next_xid,
				       .depth = 1,
				       .is_open = true };
		nest->stack[0] = nest->xid;
		parents[nest->xid] = 0;
		return;
	}
	switch (prng_below(&m->prng, 24)) {
	case 0:
		model_end(m, nest);
		break;
	case 1:
	case 2:
		if (nest->depth > 1)
			model_abort_sub(m, nest);
		break;
	case 3:
		if (nest->depth > 1) /* RELEASE: now its parent's */
			nest->depth--;
		break;
	case 4:
	case 5:
		if (nest->depth < 8) {
			nest->stack[nest->depth++] = ++m->next_xid;
			parents[m->next_xid] = nest->stack[nest->depth - 2];
		}
		break;
	default:
		model_write(m, nest);
		break;
	}
}

START_TEST(any_mix_of_savepoints_replays_as_the_model_says)
{
	struct model m = { .prng = PRNG_INIT((uint64_t)_i * 7919 + 1) };

	/* With hardly any memory every second run goes through the file. */
	m.h = make(_i % 2 ? 64 * 1024 : MEGABYTE);
	if (_i % 2)
		atomic_store(&f->ctx.mem_is_spent, true);
	m.list = xcalloc(20000, sizeof(*m.list));
	for (int i = 0; i < 10000; i++)
		model_step(&m);
	for (int i = 0; i < 3; i++)
		if (m.nests[i].is_open)
			model_end(&m, &m.nests[i]);
	ck_assert_uint_eq(m.n, 0);
	ck_assert_uint_eq(held_bytes(m.h), 0);
	free(m.list);
	unmake(m.h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("held");

	ADD_TESTS(
		s, "logs", messages_come_back_in_order,
		interleaved_transactions_are_kept_apart,
		a_subtransaction_is_cut_off_with_what_follows_it,
		an_unknown_subtransaction_changes_nothing,
		the_number_of_an_aborted_subtransaction_may_write_no_more_but_its_parent_may);
	ADD_TESTS(s, "files", over_the_limit_logs_move_to_a_file_without_a_name,
		  a_spent_budget_moves_logs_too,
		  a_message_larger_than_a_segment_survives_memory_and_file,
		  the_largest_log_moves_first,
		  a_folder_that_cannot_be_written_is_an_error_that_names_it,
		  a_full_disk_is_an_error_and_not_a_lost_message);
	add_loop(s, "model", any_mix_of_savepoints_replays_as_the_model_says, 40);
	return run_tests(s);
}
