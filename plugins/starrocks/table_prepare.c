/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "names.h"
#include "renames.h"
#include "table_make.h"
#include "table_plan.h"

/*
 * The table is looked at, given one change, waited for and looked at again until nothing is
 * left to do. So it makes no difference whether a change is synchronous, whether the answer
 * to an ALTER was lost, or whether the last attempt ended half-way: what counts is what the
 * table shows.
 */
enum {
	SQL_MAX = 4 * 1024 * 1024,
	CHANGES_MAX = 1024, /* more than there are columns to change one by one */
	UNSEEN_MAX = 40,    /* times a change that was done may not show yet */
	UNSEEN_WAIT_MS = 250,
	BUSY_WAIT_MS = 1000,
	TROUBLE_MAX = 300, /* bytes that an error has room for */
};

struct work {
	struct targets *ts;
	struct target *target;
	struct plan plan;
	struct buf last; /* the statement before this one */
	unsigned n_same;
	bool is_elsewhere; /* the table has a newer name already */
};

static struct ez_view table_of(const struct work *w)
{
	return view_str(w->target->name);
}

static int create(struct work *w, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(SQL_MAX);
	const struct settings *s = w->ts->settings;
	int rc;

	if (!s->create) {
		host->fail(err, EZ_E_CONFIG, "",
			   "table %s.%s does not exist in StarRocks", s->database.ptr,
			   w->target->name);
		return host->hint(err, "make it, or set create = true");
	}
	rc = ddl_make_database(w->ts->sql, s->database, err);
	if (rc < 0)
		return rc;
	ddl_add_create(&b, w->target, w->plan.version);
	rc = sqlc_exec(w->ts->sql, buf_view(&b), err);
	if (rc >= 0)
		host->log(5, "made table %s for %s", w->target->name, w->target->source);
	return rc;
}

static int note(struct work *w, uint32_t column, struct ez_view from, struct ez_view to,
		struct ez_error *err)
{
	struct targets *ts = w->ts;

	if (!ts->renames)
		return EZ_OK;
	renames_add(ts->renames, w->plan.now->id, column, from, to);
	return ts->keep(ts->arg, err);
}

/* EZ_EOF: there is no table of that name. */
static int look_for(struct work *w, struct ez_view name, struct ez_error *err)
{
	struct described d = { .columns = NULL };
	int rc = ddl_describe(w->ts->sql, w->ts->settings->database, name, &d, err);

	described_release(&d);
	return rc;
}

static int rename_table(struct work *w, struct ez_view from, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(SQL_MAX);
	int rc = note(w, RENAMED_TABLE, from, table_of(w), err);

	if (rc < 0)
		return rc;
	buf_add_str(&b, "ALTER TABLE ");
	ddl_add_name(&b, w->ts->settings->database, from);
	buf_add_str(&b, " RENAME ");
	names_quote(&b, table_of(w));
	rc = sqlc_exec(w->ts->sql, buf_view(&b), err);
	if (rc < 0)
		return rc;
	target_unref(map_remove(&w->ts->by_name, from));
	host->log(5, "table %.*s is called %s now", VIEW_ARG(from), w->target->name);
	return EZ_OK;
}

/* No other table of the source goes there. */
static bool is_ours(const struct work *w, struct ez_view name)
{
	const struct target *other = map_get(&w->ts->by_name, name);

	return !other || other->id == w->plan.now->id;
}

/*
 * No table of that name. It may have a newer one already, rows from before that come again;
 * or an older one, that of its last shape; else it is made.
 */
static int find_or_create(struct work *w, struct ez_error *err)
{
	const struct ez_table *before = w->plan.before, *now = w->plan.now;
	const struct settings *s = w->ts->settings;
	_cleanup_(buf_release) struct buf old = BUF_INIT(SQL_MAX);
	struct ez_view later = view_of(NULL, 0);
	const char *why;
	int rc = EZ_EOF;

	if (w->ts->renames)
		later = renames_table(w->ts->renames, now->id, table_of(w));
	if (later.len > 0)
		rc = look_for(w, later, err);
	if (rc == EZ_OK) {
		free(w->target->name);
		w->target->name = view_dup(later);
		w->is_elsewhere = true;
		return EZ_OK;
	}
	if (rc == EZ_EOF && before && s->evolve &&
	    names_add_table(&old, s->table, before->schema, before->name, &why) &&
	    !view_eq(buf_view(&old), table_of(w)) && is_ours(w, buf_view(&old)))
		rc = look_for(w, buf_view(&old), err);
	if (rc == EZ_OK)
		return rename_table(w, buf_view(&old), err);
	return rc == EZ_EOF ? create(w, err) : rc;
}

static int fail_wrong(struct work *w, struct ez_error *err)
{
	const struct plan *p = &w->plan;

	/* An error has room for a few; the log has it for all. */
	if (p->trouble.len > TROUBLE_MAX)
		host->log(4, "all that does not fit in table %s: %s", w->target->name,
			  buf_cstr(&w->plan.trouble));
	host->fail(err, EZ_E_CONFIG, "", "table %s does not fit %s: %s", w->target->name,
		   w->target->source, buf_cstr(&w->plan.trouble));
	if (p->sql.len > 0)
		return host->hint(err, "%s", buf_cstr(&w->plan.sql));
	return host->hint(err,
			  "change the table, or let the job use another one and make "
			  "it itself");
}

static int fail_unseen(struct work *w, const struct ddl_job *job, struct ez_error *err)
{
	if (strcmp(job->state, "CANCELLED") == 0)
		return host->fail(err, EZ_E_CONFIG, "",
				  "StarRocks cancelled the schema change of table %s: %s",
				  w->target->name, job->text);
	return host->fail(err, EZ_E_TRANSIENT, "",
			  "table %s does not show the change that was made: %s",
			  w->target->name, w->plan.alter);
}

/* Before it is done, so that the next run knows. */
static int note_rename(struct work *w, struct ez_error *err)
{
	const struct plan *p = &w->plan;

	return p->renames_to ? note(w, p->renames_to->id, buf_view(&p->from),
				    buf_view(&p->to), err)
			     : EZ_OK;
}

/* Runs the plan's statement. A repetition means that the last one does not show yet. */
static int alter(struct work *w, const struct ddl_job *job, struct ez_error *err)
{
	struct ez_view sql = buf_view(&w->plan.sql);
	int rc;

	if (view_eq(sql, buf_view(&w->last))) {
		if (strcmp(job->state, "CANCELLED") == 0 || ++w->n_same > UNSEEN_MAX)
			return fail_unseen(w, job, err);
		return sqlc_sleep(w->ts->sql, UNSEEN_WAIT_MS, err);
	}
	rc = note_rename(w, err);
	if (rc < 0)
		return rc;
	rc = sqlc_exec(w->ts->sql, sql, err);
	if (rc < 0 && ddl_is_busy(err))
		return sqlc_sleep(w->ts->sql, BUSY_WAIT_MS, err);
	if (rc < 0)
		return rc;
	plan_did(&w->plan);
	host->log(5, "table %s: %s", w->target->name, w->plan.alter);
	buf_reset(&w->last);
	buf_add_view(&w->last, sql);
	w->n_same = 0;
	return EZ_OK;
}

/* One look, one change. EZ_EOF: nothing was left to do. */
static int step(struct work *w, struct ez_error *err)
{
	struct ez_view database = w->ts->settings->database;
	struct described d = { .columns = NULL };
	struct ddl_job job = { .state = "" };
	int rc = ddl_describe(w->ts->sql, database, table_of(w), &d, err);

	if (rc == EZ_EOF)
		return find_or_create(w, err);
	if (rc < 0)
		return rc;
	switch (plan_next(&w->plan, &d)) {
	case PLAN_DONE:
		rc = EZ_EOF;
		break;
	case PLAN_WRONG:
		rc = fail_wrong(w, err);
		break;
	default:
		/* A change that runs may be this one. */
		rc = ddl_wait(w->ts->sql, database, table_of(w), &job, err);
		if (rc >= 0)
			rc = alter(w, &job, err);
		if (rc >= 0)
			rc = ddl_wait(w->ts->sql, database, table_of(w), &job, err);
		break;
	}
	described_release(&d);
	return rc;
}

static int bring_about(struct work *w, struct ez_error *err)
{
	int rc = EZ_OK;

	for (unsigned i = 0; i < CHANGES_MAX && rc >= 0; i++) {
		rc = step(w, err);
		if (rc == EZ_EOF)
			return EZ_OK;
	}
	if (rc < 0)
		return rc;
	return host->fail(err, EZ_E_FATAL, "",
			  "table %s is not what it should be after %d changes",
			  w->target->name, CHANGES_MAX);
}

/* The stream has come to where no renaming of an older run matters to this table. */
static void end_notes(struct work *w)
{
	struct targets *ts = w->ts;

	if (map_get(&ts->by_name, table_of(w)))
		renames_settle(ts->renames, w->plan.now->id);
	else
		renames_forget(ts->renames, w->plan.now->id);
}

/* The names of the checkpoint: what went before them does not come again, but for the first
 * rows of a transaction that renamed a column, for which it is renamed back and forth. */
static void note_known(struct targets *ts, const struct ez_table *before)
{
	struct buf name = BUF_INIT(SQL_MAX);

	for (uint32_t i = 0; before && ts->renames && i < before->n_columns; i++) {
		buf_reset(&name);
		names_add_column(&name, before->columns[i]->name);
		renames_reached(ts->renames, before->id, before->columns[i]->id,
				buf_view(&name));
	}
	buf_release(&name);
}

int targets_prepare(struct targets *ts, const struct ez_table *before,
		    const struct ez_table *now, struct ez_error *err)
{
	struct work w = { .ts = ts, .last = BUF_INIT(SQL_MAX) };
	struct type_rules rules;
	int rc = targets_rules(ts, &rules, err);

	if (rc >= 0)
		rc = target_make(&rules, now, &w.target, err);
	if (rc < 0)
		return rc;
	if (ts->sql && sqlc_is_available()) {
		plan_init(&w.plan, ts->settings, rules.version, before, now, w.target);
		w.plan.renames = ts->renames;
		note_known(ts, before);
		rc = bring_about(&w, err);
		if (rc >= 0 && ts->renames && w.plan.n_mapped == 0 && !w.is_elsewhere &&
		    renames_has(ts->renames, now->id))
			end_notes(&w);
		plan_release(&w.plan);
		buf_release(&w.last);
	}
	if (rc < 0) {
		target_unref(w.target);
		return rc;
	}
	return targets_put(ts, w.target, err);
}

static int look_once(struct work *w, struct ez_error *err)
{
	const struct settings *s = w->ts->settings;
	struct described d = { .columns = NULL };
	int rc = ddl_describe(w->ts->sql, s->database, table_of(w), &d, err);

	if (rc == EZ_EOF)
		return host->fail(err, EZ_E_CONFIG, "", "table %s.%s does not exist in StarRocks",
				  s->database.ptr, w->target->name);
	if (rc < 0)
		return rc;
	switch (plan_next(&w->plan, &d)) {
	case PLAN_DONE:
		rc = EZ_OK;
		break;
	case PLAN_WRONG:
		rc = fail_wrong(w, err);
		break;
	default:
		host->fail(err, EZ_E_CONFIG, "",
			   "table %s in StarRocks does not have the columns of %s yet: %s",
			   w->target->name, w->target->source, w->plan.alter);
		rc = host->hint(err, "let the job catch up first");
		break;
	}
	described_release(&d);
	return rc;
}

int targets_look(struct targets *ts, const struct ez_table *table, struct target **ret,
		 struct ez_error *err)
{
	struct work w = { .ts = ts, .last = BUF_INIT(SQL_MAX) };
	struct type_rules rules;
	int rc;

	*ret = map_get_u64(&ts->by_uid, table->uid);
	if (*ret)
		return EZ_OK;
	rc = targets_rules(ts, &rules, err);
	if (rc >= 0)
		rc = target_make(&rules, table, &w.target, err);
	if (rc < 0)
		return rc;
	plan_init(&w.plan, ts->settings, rules.version, NULL, table, w.target);
	rc = look_once(&w, err);
	plan_release(&w.plan);
	if (rc < 0) {
		target_unref(w.target);
		return rc;
	}
	rc = targets_put(ts, w.target, err);
	if (rc == EZ_OK)
		*ret = w.target;
	return rc;
}
