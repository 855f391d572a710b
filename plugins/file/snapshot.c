/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#include "datafile.h"
#include "host.h"
#include "names.h"
#include "sync.h"
#include "writer.h"

/*
 * The copy at a job's beginning, seen from writer 0.
 *
 * While it lasts, its files keep their temporary names, so an attempt that is cut short
 * leaves nothing that a reader could have taken for the truth. An attempt is known by the
 * snapshot's number and position: a restart takes a new position. The first table of a new
 * attempt makes all files of the attempts before it go; a table that begins again within
 * one attempt makes only its own go.
 *
 * What is removed goes from the manifest first and from the folder afterwards: in between a
 * crash leaves files that the manifest does not know, and those are removed at the start.
 */

static const char *base_name(const char *name)
{
	const char *slash = strchr(name, '/');

	return slash ? slash + 1 : name;
}

/* Is it of this table's copy? `table` NULL: of any. */
static bool is_copy_of(struct shared *sh, const struct datafile *f, const char *table)
{
	struct names_parsed p;

	if (f->snapshot == 0)
		return false;
	return !table || (names_parse(view_str(base_name(f->name)), sh->job, &p) &&
			  view_eq_str(p.table, table));
}

/* Marks what is to go; EZ_E_FATAL when somebody still writes it. */
static int unlist(struct shared *sh, const char *table, struct ez_error *err)
{
	int rc = EZ_OK;

	pthread_mutex_lock(&sh->lock);
	list_for_each(l, &sh->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (rc != EZ_OK || !is_copy_of(sh, f, table))
			continue;
		if (f->owner && !f->closed)
			rc = host->fail(err, EZ_E_FATAL, "",
					"a snapshot writer still writes %s", f->name);
		f->point.is_listed = false;
		f->needs_sync = f->needs_folder = false;
	}
	pthread_mutex_unlock(&sh->lock);
	return rc;
}

static int remove_files(struct shared *sh, const char *table, struct ez_error *err)
{
	int rc = 0;

	pthread_mutex_lock(&sh->lock);
	list_for_each(l, &sh->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (rc != 0 || !is_copy_of(sh, f, table))
			continue;
		rc = datafile_remove(sh, f->name);
		if (rc != 0)
			fail_errno(err, -rc, "cannot remove", f->name);
		else
			datafile_free(f);
	}
	pthread_mutex_unlock(&sh->lock);
	return rc == 0 ? EZ_OK : err->rc;
}

static int empty(struct shared *sh, const char *table, struct ez_error *err)
{
	int rc = unlist(sh, table, err);

	if (rc == EZ_OK)
		rc = sync_point(sh, err);
	CRASH_POINT("snapshot unlisted");
	if (rc == EZ_OK)
		rc = remove_files(sh, table, err);
	return rc;
}

/* ------------------------------------------------------------------ begin */

static int refuse_target(struct writer *w, const char *name, struct ez_error *err)
{
	host->fail(err, EZ_E_CONFIG, "",
		   "%s holds files of an earlier job of this name, %s "
		   "for one",
		   w->shared->path, name);
	return host->hint(err,
			  "move them away; or keep them and set target = \"append\" in "
			  "the source section");
}

struct finals {
	uint64_t snapshot;
	bool remove;
	char first[NAMES_MAX];
};

/* A finished file of this snapshot or a later one: none of ours can have that name yet. */
static int meet_final(struct shared *sh, const char *name, const struct names_parsed *p,
		      void *arg)
{
	struct finals *f = arg;

	if (p->is_part || p->snapshot < f->snapshot)
		return 0;
	if (f->remove)
		return unlinkat(sh->root_fd, name, 0) == 0 ? 0 : -errno;
	if (f->first[0] == '\0' && !str_copy(f->first, sizeof(f->first), view_str(name)))
		return -ENAMETOOLONG;
	return 0;
}

static int look_at_target(struct writer *w, const struct ez_snapshot *s,
			  struct ez_error *err)
{
	struct finals f = { .snapshot = s->number, .remove = s->restart != 0 };
	int rc;

	if (!s->append && w->found.name[0] != '\0')
		return refuse_target(w, w->found.name, err);
	if (s->append)
		return EZ_OK;
	rc = datafile_walk(w->shared, meet_final, &f);
	if (rc != 0)
		return fail_errno(err, -rc, "cannot look into", w->shared->path);
	return f.first[0] ? refuse_target(w, f.first, err) : EZ_OK;
}

static bool is_same_attempt(const struct shared *sh, const struct ez_snapshot *s)
{
	return sh->phase == SNAPSHOT_COPYING && sh->snapshot == s->number &&
	       sh->snapshot_order == s->position.order;
}

static int begin_attempt(struct writer *w, const struct ez_snapshot *s,
			 struct ez_error *err)
{
	struct shared *sh = w->shared;
	int rc;

	if (sh->phase == SNAPSHOT_DONE && sh->snapshot >= s->number)
		return host->fail(err, EZ_E_FATAL, "",
				  "snapshot %" PRIu64
				  " is complete and readers may have seen "
				  "it, so it cannot be made again under this number",
				  s->number);
	rc = look_at_target(w, s, err);
	if (rc != EZ_OK)
		return rc;
	map_release(&w->begun, NULL);
	w->begun = MAP_INIT;
	rc = unlist(sh, NULL, err);
	if (rc != EZ_OK)
		return rc;
	pthread_mutex_lock(&sh->lock);
	sh->phase = SNAPSHOT_COPYING;
	sh->snapshot = s->number;
	sh->snapshot_order = s->position.order;
	pthread_mutex_unlock(&sh->lock);
	return empty(sh, NULL, err);
}

static int begin(struct writer *w, const struct ez_snapshot *s, const char *table,
		 struct ez_error *err)
{
	int rc = EZ_OK;

	if (!is_same_attempt(w->shared, s))
		rc = begin_attempt(w, s, err);
	else if (s->restart || map_find(&w->begun, view_str(table)))
		rc = empty(w->shared, table, err);
	if (rc == EZ_OK)
		map_put(&w->begun, view_str(table), NULL);
	return rc;
}

static int check_writer(struct writer *w, struct ez_error *err)
{
	if (!w->is_main || w->shared->main != w)
		return host->fail(err, EZ_E_FATAL, "",
				  "the file sink was not asked to recover first");
	return EZ_OK;
}

int writer_snapshot_begin(struct writer *w, const struct ez_snapshot *s,
			  const struct ez_table *t, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf table = BUF_INIT(NAMES_MAX);
	int rc = check_writer(w, err);

	if (rc != EZ_OK)
		return rc;
	names_add_table(&table, t->schema, t->name);
	pthread_mutex_lock(&w->shared->disk);
	rc = begin(w, s, buf_cstr(&table), err);
	pthread_mutex_unlock(&w->shared->disk);
	return rc;
}

/* ------------------------------------------------------------------ end */

/* The engine promises that all is durable; what is not would be lost unseen. */
static int check_files(struct shared *sh, struct ez_error *err)
{
	int rc = EZ_OK;

	pthread_mutex_lock(&sh->lock);
	list_for_each(l, &sh->files) {
		const struct datafile *f = LIST_OF(l, struct datafile, link);

		if (f->snapshot != 0 && rc == EZ_OK &&
		    (f->needs_sync || f->point.len != f->len))
			rc = host->fail(err, EZ_E_FATAL, "",
					"the snapshot ends, but %s is not durable",
					f->name);
	}
	pthread_mutex_unlock(&sh->lock);
	return rc;
}

/* From the next point on the files count as complete. */
static void show(struct shared *sh, const struct ez_snapshot *s)
{
	struct ez_view at = s->position.bytes;

	pthread_mutex_lock(&sh->lock);
	sh->phase = SNAPSHOT_DONE;
	sh->snapshot = s->number;
	if (at.len > 0 && at.len <= EZ_POSITION_MAX &&
	    (!sh->has_position || sh->order < s->position.order)) {
		memcpy(sh->position, at.ptr, at.len);
		sh->position[at.len] = '\0';
		sh->order = s->position.order;
		sh->has_position = true;
	}
	list_for_each(l, &sh->files) {
		struct datafile *f = LIST_OF(l, struct datafile, link);

		if (f->snapshot != 0)
			f->point.is_complete = f->closed = true;
	}
	pthread_mutex_unlock(&sh->lock);
}

int writer_snapshot_end(struct writer *w, const struct ez_snapshot *s,
			struct ez_error *err)
{
	struct shared *sh = w->shared;
	int rc = check_writer(w, err);

	if (rc != EZ_OK)
		return rc;
	pthread_mutex_lock(&sh->disk);
	if (sh->phase == SNAPSHOT_DONE && sh->snapshot > s->number)
		rc = host->fail(err, EZ_E_FATAL, "",
				"a later snapshot is complete already");
	if (rc == EZ_OK)
		rc = check_files(sh, err);
	if (rc == EZ_OK) {
		show(sh, s);
		rc = sync_point(sh, err);
	}
	pthread_mutex_unlock(&sh->disk);
	return rc;
}
