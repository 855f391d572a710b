/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"

struct buf;

/*
 * Files: whole reads, whole writes, and the one correct way to replace a file.
 *
 * Every function returns 0 or -errno, goes on after EINTR in reads and writes, opens with
 * O_CLOEXEC, and blocks. A path has one writer at a time: a lock is the caller's
 * business.
 */

/* Writes everything, however often write(2) stops short. */
_must_check_ int fs_write_all(int fd, const void *data, size_t len);

/*
 * Replaces `path` so that after a crash it holds the old content or the new, whole:
 * writes `path`.tmp beside it, fsyncs, renames, fsyncs the folder. Once it returns 0 the
 * new content is durable. On failure before the rename the old file is untouched and the
 * temporary one is gone. `mode` is subject to the umask.
 */
_must_check_ int fs_write_atomic(const char *path, const void *data, size_t len,
				 mode_t mode);

/* Makes names created, renamed or removed in the folder durable. */
_must_check_ int fs_sync_dir(const char *path);

/* The same for the folder that holds `path`. */
_must_check_ int fs_sync_parent(const char *path);

/* Makes the folder and its missing parents. Fine when it exists; -ENOTDIR for a file. */
_must_check_ int fs_mkdirs(const char *path, mode_t mode);

/* Appends the file to `ret_data`. -EFBIG over `cap` bytes or over the buffer's cap. */
_must_check_ int fs_read_file(const char *path, size_t cap, struct buf *ret_data);

/* The same from an open file, from where it stands to its end. */
_must_check_ int fs_read_fd(int fd, size_t cap, struct buf *ret_data);

/* Closes `*fd` when it is not negative and sets it to -1. For _cleanup_(fs_closep). */
void fs_closep(int *fd);

#endif
