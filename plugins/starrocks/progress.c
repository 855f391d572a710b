/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "progress.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/random.h"
#include "base/str.h"

#include "ddl.h"
#include "dialect.h"
#include "host.h"
#include "settings.h"
#include "stream.h"

enum {
	SQL_CAP = 4096,
	BODY_CAP = 2 * 1024 * 1024,
	COPYING_CAP = 1024 * 1024,
	CLAIM_TRIES = 8,
	CLAIM_WAIT_MS = 250,
	FENCE_TRIES = 40,
};

/* Behind the job's name, which has no such character. */
#define FENCE "/fence"

void progress_init(struct progress *p, const struct settings *s, struct ez_view job,
		   uint64_t epoch)
{
	*p = (struct progress){ .s = s, .job = job, .epoch = epoch };
	buf_init(&p->copying, COPYING_CAP);
	p->target.name = (char *)(uintptr_t)PROGRESS_TABLE;
	if (!str_format(p->owner, sizeof(p->owner), "%016llx",
			(unsigned long long)random_u64()))
		p->owner[16] = '\0';
}

void progress_release(struct progress *p)
{
	buf_release(&p->copying);
	renames_release(&p->renames);
	ahead_release(&p->ahead);
}

/* ------------------------------------------------------------------------- reading */

static int make_table(const struct progress *p, struct sqlc *c, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP);
	int rc = ddl_make_database(c, p->s->database, err);

	if (rc < 0)
		return rc;
	buf_addf(
		&sql,
		"CREATE TABLE IF NOT EXISTS `%.*s`.`" PROGRESS_TABLE "` ("
		"`job` VARCHAR(128) NOT NULL, `run` BIGINT NULL, `seq` BIGINT NULL, "
		"`epoch` BIGINT NULL, `position` VARCHAR(255) NULL, `ord` VARCHAR(20) NULL, "
		"`owner` VARCHAR(16) NULL, `copying` VARCHAR(1048576) NULL, "
		"`updated_at` DATETIME NULL) "
		"PRIMARY KEY (`job`) COMMENT \"what EZ-CDC has loaded\" "
		"DISTRIBUTED BY HASH(`job`) BUCKETS 1 "
		"PROPERTIES (\"replication_num\" = \"%u\")",
		VIEW_ARG(p->s->database), p->s->replication_num);
	return sqlc_exec(c, buf_view(&sql), err);
}

static int read_row(struct progress *p, struct sqlc *c, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP);
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	struct ez_view notes, marks;
	int rc;

	buf_addf(
		&sql,
		"SELECT `run`, `seq`, `epoch`, `position`, `ord`, `owner`, `copying` FROM `%.*s`.`" PROGRESS_TABLE
		"` WHERE `job` = '%.*s'",
		VIEW_ARG(p->s->database), VIEW_ARG(p->job));
	rc = sqlc_query(c, buf_view(&sql), 0, &rows, err);
	if (rc < 0)
		return rc;
	p->has_row = rows.n_rows > 0 && rows.n_columns == 7;
	p->run = p->seq = p->row_epoch = p->order = 0;
	p->position[0] = p->row_owner[0] = '\0';
	buf_reset(&p->copying);
	renames_release(&p->renames);
	ahead_release(&p->ahead);
	if (!p->has_row)
		return EZ_OK;
	if (!parse_u64(sqlc_cell(&rows, 0, 0), &p->run) ||
	    !parse_u64(sqlc_cell(&rows, 0, 1), &p->seq) ||
	    !parse_u64(sqlc_cell(&rows, 0, 2), &p->row_epoch) ||
	    !str_copy(p->position, sizeof(p->position), sqlc_cell(&rows, 0, 3)) ||
	    !parse_u64(sqlc_cell(&rows, 0, 4), &p->order) ||
	    !str_copy(p->row_owner, sizeof(p->row_owner), sqlc_cell(&rows, 0, 5)))
		return host->fail(err, EZ_E_CONFIG, "",
				  "the row of this job in the table " PROGRESS_TABLE
				  " is not what this program wrote");
	notes = sqlc_cell(&rows, 0, 6);
	if (view_split(&notes, '>', &marks))
		buf_add_view(&p->copying, marks);
	renames_parse(&p->renames, notes);
	ahead_parse(&p->ahead, notes);
	return EZ_OK;
}

static int fail_taken(const struct progress *p, uint64_t epoch, struct ez_error *err)
{
	return host->fail(err, EZ_E_BUSY, "",
			  "another daemon has taken this job over: its epoch is %llu, ours %llu",
			  (unsigned long long)epoch, (unsigned long long)p->epoch);
}

int progress_read(struct progress *p, struct sqlc *c, struct ez_error *err)
{
	int rc = read_row(p, c, err);

	if (rc == EZ_E_CONFIG && p->s->create && sqlc_is_available()) {
		rc = make_table(p, c, err);
		if (rc == EZ_OK)
			rc = read_row(p, c, err);
	}
	if (rc < 0)
		return rc;
	return p->row_epoch > p->epoch ? fail_taken(p, p->row_epoch, err) : EZ_OK;
}

/* ------------------------------------------------------------------------- writing */

static struct load *new_load(struct progress *p, const char *columns)
{
	struct load *load = xcalloc(1, sizeof(*load));

	load->target = &p->target;
	load->format = LOAD_CSV;
	load->columns = xstrdup(columns);
	load->body = BUF_INIT(BODY_CAP);
	load->n_rows = 1;
	return load;
}

struct load *progress_load(struct progress *p, uint64_t run, uint64_t seq,
			   const char *position, uint64_t order)
{
	struct load *load =
		new_load(p, "`job`,`run`,`seq`,`epoch`,`position`,`ord`,`owner`,"
			    "`copying`,`updated_at`");
	_cleanup_(buf_release) struct buf notes = BUF_INIT(COPYING_CAP);
	struct rfc3339 now = format_rfc3339_us(now_us());

	buf_add_view(&notes, buf_view(&p->copying));
	renames_format(&p->renames, &notes);
	ahead_format(&p->ahead, &notes);
	now.text[10] = ' ';
	buf_addf(&load->body,
		 "%.*s\x01%llu\x01%llu\x01%llu\x01%s\x01%llu\x01%s\x01%s\x01%.19s\x02",
		 VIEW_ARG(p->job), (unsigned long long)run, (unsigned long long)seq,
		 (unsigned long long)p->epoch, position, (unsigned long long)order,
		 p->owner, buf_cstr(&notes), now.text);
	return load;
}

struct load *progress_removal(struct progress *p)
{
	struct load *load = new_load(p, "`job`,`" STARROCKS_DELETE_COLUMN "`");

	buf_addf(&load->body, "%.*s\x01" "1\x02" "%.*s" FENCE "\x01" "1\x02", VIEW_ARG(p->job),
		 VIEW_ARG(p->job));
	load->n_rows = 2;
	return load;
}

void progress_load_free(struct load *load)
{
	if (!load)
		return;
	free(load->columns);
	buf_release(&load->body);
	free(load);
}

/* ----------------------------------------------------------------------- the fence */

/* *ret: 0 if there is none. */
static int read_fence(const struct progress *p, struct sqlc *c, uint64_t *ret,
		      struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP);
	_cleanup_(sqlc_rows_release) struct sqlc_rows rows = { .cells = NULL };
	int rc;

	buf_addf(&sql, "SELECT `epoch` FROM `%.*s`.`" PROGRESS_TABLE "` WHERE `job` = '%.*s" FENCE "'",
		 VIEW_ARG(p->s->database), VIEW_ARG(p->job));
	rc = sqlc_query(c, buf_view(&sql), 0, &rows, err);
	*ret = 0;
	if (rc == EZ_OK && rows.n_rows > 0 && !parse_u64(sqlc_cell(&rows, 0, 0), ret))
		rc = host->fail(err, EZ_E_CONFIG, "",
				"the fence of this job in the table " PROGRESS_TABLE
				" is not what this program wrote");
	return rc;
}

int progress_guard(const struct progress *p, struct sqlc *c, struct ez_error *err)
{
	uint64_t epoch;
	int rc = read_fence(p, c, &epoch, err);

	return rc == EZ_OK && epoch > p->epoch ? fail_taken(p, epoch, err) : rc;
}

static int write_fence(struct progress *p, struct loader *l, struct ez_error *err)
{
	struct load *load = new_load(p, "`job`,`epoch`,`owner`,`updated_at`");
	struct load *loads[] = { load };
	struct rfc3339 now = format_rfc3339_us(now_us());
	struct refusal refusal;
	struct label base, label;
	int rc = label_run(&base, p->job, p->epoch, err);

	now.text[10] = ' ';
	buf_addf(&load->body, "%.*s" FENCE "\x01%llu\x01%s\x01%.19s\x02", VIEW_ARG(p->job),
		 (unsigned long long)p->epoch, p->owner, now.text);
	if (rc == EZ_OK)
		rc = label_add(&label, &base, LABEL_FENCE, random_u64() >> 16, err);
	if (rc == EZ_OK)
		rc = stream_loads(l, loads, 1, &label, &refusal, err);
	progress_load_free(load);
	return rc;
}

int progress_fence(struct progress *p, struct sqlc *c, struct loader *l, struct ez_error *err)
{
	uint64_t epoch = 0;
	int rc = p->epoch == 0 ? EZ_OK : read_fence(p, c, &epoch, err);

	if (rc < 0 || epoch == p->epoch)
		return rc;
	if (epoch > p->epoch)
		return fail_taken(p, epoch, err);
	rc = write_fence(p, l, err);
	for (unsigned i = 0; rc == EZ_OK && i < FENCE_TRIES; i++) {
		rc = read_fence(p, c, &epoch, err);
		if (rc == EZ_OK && epoch >= p->epoch)
			return epoch > p->epoch ? fail_taken(p, epoch, err) : EZ_OK;
		if (rc == EZ_OK)
			rc = loader_sleep(l, CLAIM_WAIT_MS, err);
	}
	return rc < 0 ? rc : host->fail(err, EZ_E_TRANSIENT, "",
					"what was written to " PROGRESS_TABLE " cannot be seen");
}

/* ------------------------------------------------------------------------- copying */

/* 16 digits and a comma: FNV-1a of the name, which has no length to speak of. */
static void add_mark(struct buf *b, const char *table)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *table; table++)
		h = (h ^ (unsigned char)*table) * UINT64_C(0x100000001b3);
	buf_addf(b, "%016llx,", (unsigned long long)h);
}

bool progress_is_copying(const struct progress *p, const char *table)
{
	_cleanup_(buf_release) struct buf mark = BUF_INIT(32);

	add_mark(&mark, table);
	return p->copying.len > 0 &&
	       memmem(p->copying.ptr, p->copying.len, mark.ptr, mark.len);
}

void progress_mark_copying(struct progress *p, const char *table)
{
	if (!progress_is_copying(p, table))
		add_mark(&p->copying, table);
}

/* ------------------------------------------------------------------------ claiming */

/* Is the row ours? A committed load may take an instant to be visible. */
static int is_ours(struct progress *p, struct sqlc *c, struct loader *l, uint64_t run,
		   bool *ret, struct ez_error *err)
{
	*ret = false;
	for (unsigned i = 0; i < CLAIM_TRIES && !*ret; i++) {
		int rc = progress_read(p, c, err);

		if (rc == EZ_OK && p->run < run)
			rc = loader_sleep(l, CLAIM_WAIT_MS, err);
		else if (rc == EZ_OK)
			*ret = true;
		if (rc < 0)
			return rc;
	}
	*ret = *ret && p->run == run && strcmp(p->row_owner, p->owner) == 0;
	return EZ_OK;
}

/*
 * Labels are remembered longer than rows: a job that was dropped and made again, or a table
 * that somebody emptied, must not lead back to numbers that were used. So without a row the
 * clock decides.
 */
static uint64_t next_run(const struct progress *p)
{
	return MAX(p->run + 1, (uint64_t)(host->now_us() / US_PER_SEC));
}

int progress_claim(struct progress *p, struct sqlc *c, struct loader *l,
		   struct ez_error *err)
{
	for (unsigned i = 0; i < CLAIM_TRIES; i++) {
		uint64_t run = next_run(p);
		struct load *load = progress_load(p, run, 0, p->position, p->order);
		struct load *loads[] = { load };
		struct refusal refusal;
		struct label label;
		bool ours = false;
		int rc = label_run(&l->run, p->job, run, err);

		if (rc == EZ_OK)
			rc = label_add(&label, &l->run, LABEL_NOTE, 0, err);
		if (rc == EZ_OK)
			rc = stream_loads(l, loads, 1, &label, &refusal, err);
		progress_load_free(load);
		if (rc == EZ_E_DATA)
			rc = host->fail(err, EZ_E_CONFIG, "",
					"the table " PROGRESS_TABLE " is not "
					"one that this program made");
		if (rc == EZ_OK)
			rc = is_ours(p, c, l, run, &ours, err);
		if (rc < 0 || ours)
			return rc;
	}
	return host->fail(err, EZ_E_BUSY, "", "other daemons keep starting this job");
}
