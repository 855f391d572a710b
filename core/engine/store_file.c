/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "engine/checkpoint.h"
#include "engine/host.h"

/*
 * The built-in store: one small file in the state folder, replaced as a whole. The lock on
 * the folder is the daemon's (state_dir.h), so there is one writer and no epoch to compare.
 */
enum { CHECKPOINT_MAX_BYTES = 64 * 1024 * 1024 };

struct store {
	char *path;
	struct buf text; /* what load() answers with */
};

static int store_open(const struct ez_open *args, void **ret_inst, struct ez_error *err)
{
	struct store *s = xcalloc(1, sizeof(*s));

	(void)err;
	s->path = xasprintf("%.*s/checkpoint", (int)args->scratch.len, args->scratch.ptr);
	s->text = BUF_INIT(CHECKPOINT_MAX_BYTES);
	*ret_inst = s;
	return EZ_OK;
}

static void store_close(void *inst)
{
	struct store *s = inst;

	buf_release(&s->text);
	free(s->path);
	free(s);
}

static int failed(struct ez_error *err, const char *what, const char *path, int error)
{
	errno = error;
	host_table.fail(err, EZ_E_IO, "IOERR", "checkpoint %s: cannot %s: %m", path, what);
	return host_table.hint(err, error == ENOSPC || error == EDQUOT ?
					    "free space there and start the job again" :
					    "make the state folder writable, or name another "
					    "with --state-dir");
}

static int store_load(void *inst, struct ez_view *ret_text, struct ez_error *err)
{
	struct store *s = inst;
	int rc;

	buf_reset(&s->text);
	rc = fs_read_file(s->path, CHECKPOINT_MAX_BYTES, &s->text);
	if (rc == -ENOENT)
		return EZ_EOF;
	if (rc < 0)
		return failed(err, "read it", s->path, -rc);
	*ret_text = buf_view(&s->text);
	return EZ_OK;
}

static int store_save(void *inst, struct ez_view text, struct ez_error *err)
{
	const struct store *s = inst;
	int rc = fs_write_atomic(s->path, text.ptr, text.len, 0600);

	return rc < 0 ? failed(err, "write it", s->path, -rc) : EZ_OK;
}

static int store_remove(void *inst, struct ez_error *err)
{
	const struct store *s = inst;

	if (unlink(s->path) != 0 && errno != ENOENT)
		return failed(err, "remove it", s->path, errno);
	return EZ_OK;
}

/* The nearest folder above a path that exists. */
static char *existing_parent(const char *path)
{
	char *at = xstrdup(path);

	while (access(at, F_OK) != 0) {
		char *slash = strrchr(at, '/');

		if (!slash || slash == at)
			break;
		*slash = '\0';
	}
	return at;
}

static int store_check(void *inst, struct ez_report *report, struct ez_error *err)
{
	const struct store *s = inst;
	_cleanup_(freep) char *parent = existing_parent(s->path);
	bool writable = access(parent, W_OK) == 0;

	(void)err;
	host_table.finding(report, writable ? EZ_FINDING_OK : EZ_FINDING_FAILED, "state folder",
			   writable ? NULL :
				      "make it writable for this user, or name another with "
				      "--state-dir",
			   "%s %s", parent, writable ? "is writable" : "is not writable");
	return EZ_OK;
}

const struct ez_store store_file = {
	.size = sizeof(store_file),
	.open = store_open,
	.close = store_close,
	.load = store_load,
	.save = store_save,
	.remove = store_remove,
	.check = store_check,
};
