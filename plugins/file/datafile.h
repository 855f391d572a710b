/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_DATAFILE_H
#define FILE_DATAFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "shared.h"

struct names_parsed;

/*
 * What is done with single files. Names are below the sink's path and the final ones; the
 * file on the disk has NAMES_PART behind it until datafile_publish().
 *
 * Errors are -errno where the caller words them, a class with `err` filled elsewhere.
 */

/* Makes the file, and its folder if need be, and puts it on the list. */
_must_check_ int datafile_create(struct shared *sh, const char *name, int64_t now_us,
				 struct datafile **ret, struct ez_error *err);

/* Puts a file that exists, or will, on the list. */
struct datafile *datafile_add(struct shared *sh, const char *name, int64_t opened_us);

/* Takes it off the list and closes it. `lock` is held. */
void datafile_free(struct datafile *f);

/*
 * Opens the file for writing if it is not; closes the least used one of the owner's when
 * there are too many. The owner calls it.
 */
_must_check_ int datafile_reopen(struct shared *sh, struct datafile *f,
				 struct ez_error *err);

/* Cuts the file to `len` bytes. -errno. */
_must_check_ int datafile_cut(struct shared *sh, struct datafile *f, uint64_t len);

/* Makes the data durable, through `fd` unless that is -1. -errno. */
_must_check_ int datafile_sync(struct shared *sh, const char *name, int fd);

/* Gives it its final name, never over another file. -errno; 0 too if that was done before. */
_must_check_ int datafile_publish(struct shared *sh, const char *name);

/* Removes the file that is being written. -errno; 0 too when there is none. */
_must_check_ int datafile_remove(struct shared *sh, const char *name);

/* Makes the folder entry of `name` durable. -errno. */
_must_check_ int datafile_sync_folder(struct shared *sh, const char *name);

/*
 * Calls `visit` with each file of this job in the path and its tables' folders; stops at an
 * answer other than 0 and returns it. Negative answers are -errno.
 */
_must_check_ int datafile_walk(struct shared *sh,
			       int (*visit)(struct shared *sh, const char *name,
					    const struct names_parsed *parsed, void *arg),
			       void *arg);

#endif
