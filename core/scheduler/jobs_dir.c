/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/jobs_dir.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/map.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/cfg.h"
#include "engine/host.h"
#include "engine/job.h"
#include "engine/problems.h"
#include "scheduler/watch.h"

enum {
	SETTLE_US = 100 * US_PER_MS,        /* events come in groups */
	OPEN_US = 10 * US_PER_SEC,          /* a writer that has been quiet for so long is done */
	AWAY_US = 10 * US_PER_SEC,          /* look for a folder that is gone */
	FILES_MAX = 10000,
};

static const uint32_t mask = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO |
			     IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF |
			     IN_MOVE_SELF | IN_ONLYDIR;

struct job_file {
	char *name, *path; /* of the file */
	bool seen;         /* in this scan */
	bool is_known;     /* `newest` was looked at */
	bool is_checking;
	bool is_accepted;  /* `job` and `accepted` are set */
	uint64_t newest, accepted; /* fingerprints */
	uint64_t number;   /* of the check under way */
	char *next_job;    /* name of the job that is being checked */
	char *job;         /* name of the accepted job */
	int64_t open_until_us; /* somebody is writing; 0: nobody */
};

struct jobs_dir {
	char *path;
	struct watcher *watcher;
	int watch;
	bool is_away, was_scanned;
	int64_t due_us;
	struct map files; /* by name */
	uint64_t n_checks;
	const struct jobs_dir_ops *ops;
	void *arg;
};

/* -------------------------------------------------------------------------- events */

static bool is_job_file(const char *name)
{
	struct ez_view v = view_str(name);

	return v.len > 5 && name[0] != '.' && view_ends(v, VIEW(".conf"));
}

static void schedule(struct jobs_dir *d, int64_t in_us)
{
	d->due_us = MIN(d->due_us, mono_us() + in_us);
}

static struct job_file *file_of(struct jobs_dir *d, const char *name)
{
	struct job_file *f = map_get(&d->files, view_str(name));

	if (f)
		return f;
	f = xcalloc(1, sizeof(*f));
	f->name = xstrdup(name);
	f->path = xasprintf("%s/%s", d->path, name);
	(void)map_put(&d->files, view_str(name), f);
	return f;
}

static void on_event(void *arg, const struct watch_event *e)
{
	struct jobs_dir *d = arg;
	struct job_file *f;

	if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) {
		if (e->mask & IN_IGNORED)
			d->watch = -1;
		schedule(d, SETTLE_US);
		return;
	}
	if (e->name[0] != '\0' && !is_job_file(e->name))
		return;
	schedule(d, SETTLE_US);
	if (e->name[0] == '\0')
		return;
	f = file_of(d, e->name);
	f->open_until_us = e->mask & (IN_CREATE | IN_MODIFY) ? mono_us() + OPEN_US : 0;
}

/* -------------------------------------------------------------------------- a file */

static void file_free(void *p)
{
	struct job_file *f = p;

	free(f->name);
	free(f->path);
	free(f->next_job);
	free(f->job);
	free(f);
}

static void complain(const struct job_file *f, const char *fault)
{
	log_msg(EZL_ERROR, "%s%s", fault,
		f->is_accepted ? "; the job goes on as it was" : "; no job is started from it");
}

/* Every fault but the first has a line of its own before the one that says what follows. */
static void complain_all(const struct job_file *f, const struct problems *p)
{
	for (size_t i = 1; i < p->n_lines; i++)
		log_msg(EZL_ERROR, "%s", p->lines[i]);
	complain(f, p->lines[0]);
}

/* The name of the job in it, or NULL after saying what is wrong. */
static char *read_name(const struct job_file *f)
{
	struct problems p = PROBLEMS_INIT;
	struct cfg_tree *tree = cfg_read_path(f->path, &p);
	const struct cfg_node *n = tree ? cfg_find(&tree->root, "name") : NULL;
	char *name = NULL;

	if (tree && (!n || n->kind != CFG_STRING || !job_name_is_valid(n->str)))
		problem_add(&p, f->path, n ? n->line : 0,
			    n ? "name: must be a lower-case letter followed by at most 39 "
				"letters, digits or underscores" :
				"option \"name\" is missing");
	if (p.n > 0)
		complain_all(f, &p);
	else if (n)
		name = view_dup(n->str);
	cfg_free(tree);
	problems_release(&p);
	return name;
}

static void begin_check(struct jobs_dir *d, struct job_file *f)
{
	char token[32];

	free(f->next_job);
	f->next_job = read_name(f);
	f->is_checking = f->next_job != NULL;
	if (!f->is_checking)
		return;
	f->number = ++d->n_checks;
	if (str_format(token, sizeof(token), "%" PRIu64, f->number))
		d->ops->check(d->arg, f->path, token);
}

static void look_at(struct jobs_dir *d, struct job_file *f)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(CFG_FILE_MAX_BYTES);
	int r = fs_read_file(f->path, CFG_FILE_MAX_BYTES, &text);
	uint64_t print;

	f->seen = true;
	if (r < 0) {
		errno = -r;
		if (!f->is_known || f->newest != 0)
			log_msg(EZL_ERROR, "%s: cannot be read: %m", f->path);
		f->newest = 0;
		f->is_known = true;
		return;
	}
	print = fingerprint_of(buf_view(&text));
	if (text.ptr)
		explicit_bzero(text.ptr, text.len);
	if (f->is_known && f->newest == print)
		return;
	f->is_known = true;
	f->newest = print;
	begin_check(d, f);
}

/* ---------------------------------------------------------------------------- scan */

static bool is_being_written(struct jobs_dir *d, const struct job_file *f)
{
	int64_t now = mono_us();

	if (now >= f->open_until_us)
		return false;
	schedule(d, f->open_until_us - now);
	return true;
}

static void scan_file(struct jobs_dir *d, const char *name)
{
	struct job_file *f = file_of(d, name);

	if (is_being_written(d, f))
		f->seen = true;
	else
		look_at(d, f);
}

static bool is_ready(struct jobs_dir *d)
{
	if (d->watch < 0)
		d->watch = watcher_add(d->watcher, d->path, mask, on_event, d);
	return d->watch >= 0;
}

static void note_away(struct jobs_dir *d)
{
	if (!d->is_away)
		log_msg(EZL_ERROR, "cannot read the folder %s: %m; its jobs go on as they are",
			d->path);
	d->is_away = true;
	d->due_us = mono_us() + AWAY_US;
}

/* What was refused is looked at once more: what it lacked may be there now. */
static void look_again(struct jobs_dir *d)
{
	map_for_each (e, &d->files) {
		struct job_file *f = e->value;

		if (!f->is_checking && (!f->is_accepted || f->newest != f->accepted))
			f->is_known = false;
	}
	schedule(d, 0);
}

static void drop_missing(struct jobs_dir *d)
{
	bool freed_a_name = false;

	map_for_each (e, &d->files) {
		struct job_file *f = e->value;

		if (f->seen)
			continue;
		freed_a_name = freed_a_name || f->is_accepted;
		(void)map_remove(&d->files, e->key);
		file_free(f);
	}
	if (freed_a_name)
		look_again(d);
}

void jobs_dir_step(struct jobs_dir *d)
{
	struct dirent **list = NULL;
	int n;

	if (mono_us() < d->due_us)
		return;
	d->due_us = INT64_MAX;
	if (!is_ready(d) || (n = scandir(d->path, &list, NULL, alphasort)) < 0) {
		note_away(d);
		return;
	}
	if (d->is_away)
		log_msg(EZL_NOTICE, "the folder %s is back", d->path);
	d->is_away = false;
	map_for_each (e, &d->files)
		((struct job_file *)e->value)->seen = false;
	for (int i = 0; i < n; i++) {
		if (is_job_file(list[i]->d_name) && map_len(&d->files) < FILES_MAX)
			scan_file(d, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	drop_missing(d);
	d->was_scanned = true;
	d->ops->changed(d->arg);
}

/* -------------------------------------------------------------------------- checks */

static struct job_file *find_check(const struct jobs_dir *d, const char *token)
{
	uint64_t number;

	if (!parse_u64(view_str(token), &number))
		return NULL;
	map_for_each (e, &d->files) {
		struct job_file *f = e->value;

		if (f->is_checking && f->number == number)
			return f;
	}
	return NULL;
}

static const struct job_file *holder_of(const struct jobs_dir *d, const char *job,
					const struct job_file *but)
{
	map_for_each (e, &d->files) {
		const struct job_file *f = e->value;

		if (f != but && f->is_accepted && strcmp(f->job, job) == 0)
			return f;
	}
	return NULL;
}

static void accept(struct jobs_dir *d, struct job_file *f)
{
	const struct job_file *other = holder_of(d, f->next_job, f);

	if (other) {
		_cleanup_(freep) char *fault = xasprintf(
			"%s: the job \"%s\" stands in %s already", f->path, f->next_job, other->path);

		complain(f, fault);
		return;
	}
	free(f->job);
	f->job = TAKE_PTR(f->next_job);
	f->accepted = f->newest;
	f->is_accepted = true;
}

void jobs_dir_checked(struct jobs_dir *d, const char *token, const char *fault)
{
	struct job_file *f = find_check(d, token);

	/* Changed or removed in the meantime. */
	if (!f)
		return;
	f->is_checking = false;
	if (fault)
		complain(f, fault);
	else
		accept(d, f);
	d->ops->changed(d->arg);
}

bool jobs_dir_is_complete(const struct jobs_dir *d)
{
	if (!d->was_scanned)
		return false;
	map_for_each (e, &d->files) {
		const struct job_file *f = e->value;

		if (f->is_checking || !f->is_known)
			return false;
	}
	return true;
}

bool jobs_dir_is_faulty(const struct jobs_dir *d, const char *path)
{
	map_for_each (e, &d->files) {
		const struct job_file *f = e->value;

		if (strcmp(f->path, path) == 0)
			return !f->is_accepted;
	}
	return false;
}

void jobs_dir_wants(const struct jobs_dir *d, struct want_set *ret)
{
	map_for_each (e, &d->files) {
		const struct job_file *f = e->value;
		struct want *w;

		if (!f->is_accepted)
			continue;
		w = xcalloc(1, sizeof(*w));
		w->key = xasprintf("file:%s", f->job);
		w->name = xstrdup(f->job);
		w->state = WANT_RUNNING;
		w->fingerprint = f->accepted;
		w->path = xstrdup(f->path);
		want_set_add(ret, w);
	}
}

/* ------------------------------------------------------------------------ the ends */

int jobs_dir_new(const char *path, struct watcher *w, const struct jobs_dir_ops *ops, void *arg,
		 struct jobs_dir **ret, struct ez_error *err)
{
	struct jobs_dir *d = xcalloc(1, sizeof(*d));

	*d = (struct jobs_dir){ .path = xstrdup(path), .watcher = w, .watch = -1, .ops = ops,
				.arg = arg };
	d->watch = watcher_add(w, path, mask, on_event, d);
	if (d->watch < 0) {
		errno = -d->watch;
		host_table.fail(err, EZ_E_CONFIG, "", "jobs_dir: cannot watch the folder %s: %m",
				path);
		host_table.hint(err, "make it, or name another");
		jobs_dir_free(d);
		return EZ_E_CONFIG;
	}
	*ret = d;
	return EZ_OK;
}

void jobs_dir_free(struct jobs_dir *d)
{
	if (!d)
		return;
	watcher_remove(d->watcher, d->watch);
	map_release(&d->files, file_free);
	free(d->path);
	free(d);
}

int64_t jobs_dir_due_us(const struct jobs_dir *d)
{
	return d->due_us;
}

void jobs_dir_rescan(struct jobs_dir *d)
{
	look_again(d);
}
