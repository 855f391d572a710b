/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_SHARED_H
#define FILE_SHARED_H

#include <ezcdc/plugin.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/list.h"

#include "manifest.h"
#include "settings.h"

/*
 * What all instances of one job that write into one folder have in common: the folder, its
 * lock, the list of files without a final name, and what the manifest says next.
 *
 * Writer 0 starts the session with recover() and ends it with close(); snapshot writers join
 * it in between. One thread makes durable points for all of them (sync.h).
 *
 * Locks. `lock` is held for an instant and guards what the manifest is made of. `disk` is
 * held while something is made durable, which may take long: by the thread, and by writer 0
 * in snapshot_begin, snapshot_end and close. `disk` is taken first. write() and flush() take
 * only `lock`, so a slow fsync never delays them.
 *
 * A point is the state as of the newest flush(): each writer copies its files' lengths into
 * it in one go, and the manifest is made from points alone. So the lengths in a manifest
 * always belong to its position, whatever has been written since.
 */
struct writer;

/* A file without its final name. Made by its owner; freed by whoever renames or removes it. */
struct datafile {
	struct list link;  /* in shared->files; guarded by lock */
	char *name;        /* the final one, below the path */
	uint64_t snapshot; /* number of the snapshot that it belongs to; 0: the stream */
	int64_t opened_us;
	struct writer *owner; /* NULL: nobody writes it any more; guarded by lock */

	/* the owner's */
	uint64_t len;         /* bytes in the file */
	uint64_t committed;   /* up to the last whole transaction */
	uint64_t flushed_len; /* len at the newest flush */
	char *header;         /* CSV: the first line */
	size_t header_len;
	bool closed;   /* gets no more rows */
	uint64_t used; /* when last, in the owner's count of uses */
	/* of the write() that touched it last: its count, and what was before */
	uint64_t batch;
	uint64_t undo_len;
	uint64_t boundary_len; /* len where the open transaction began */
	bool undo_closed, is_new;

	/* guarded by lock */
	struct {
		uint64_t len;
		bool is_listed;   /* the manifest names it */
		bool is_complete; /* to be renamed */
	} point;
	int fd;            /* -1: not open now */
	bool needs_sync;   /* data of the point */
	bool needs_folder; /* its folder entry */
	bool is_busy;      /* the thread uses fd */
	bool is_retired;   /* the thread has closed it; the owner does not know yet */
};

/* The stream of files in one folder, as far as the manifest needs it. */
struct stream_point {
	struct list link; /* in shared->streams */
	char *folder;     /* "": the path itself */
	uint64_t next_seq;
};

struct shared {
	struct list link; /* the registry's */
	unsigned users;
	char *path, *job;
	char *manifest_path; /* for messages */
	bool sync;
	mode_t file_mode, dir_mode;

	pthread_mutex_t disk;
	struct list writers; /* changed under disk and lock, read under either */
	struct buf saved;    /* the manifest on the disk; guarded by disk */

	pthread_mutex_t lock;
	pthread_cond_t work, news;
	int root_fd, notes_fd, lock_fd; /* constant during a session */
	bool in_session;
	struct writer *main; /* whose session it is */
	bool has_work, stop;
	int64_t due_us; /* when the oldest file of the stream is old enough; INT64_MAX: never */
	size_t n_retired; /* files that writer 0 is to forget */
	struct list files, streams;
	bool has_position;
	char position[EZ_POSITION_MAX + 1];
	uint64_t order;
	enum snapshot_phase phase;
	uint64_t snapshot, snapshot_order;
	bool is_broken; /* something on the disk can no longer be trusted: see error */
	struct ez_error error;

	pthread_t thread;
	bool has_thread; /* the session's starter alone looks at it */
};

/* Finds or makes the one for these settings. No disk is touched. */
struct shared *shared_get(const struct settings *s);
void shared_put(struct shared *sh);

/*
 * Opens the folder and the notes, making them if asked to. EZ_EOF: they are not there and
 * were not to be made.
 */
_must_check_ int shared_open_folders(struct shared *sh, bool create,
				     struct ez_error *err);

/* Takes the lock of the job; EZ_E_BUSY: another process has it. */
_must_check_ int shared_take_lock(struct shared *sh, struct ez_error *err);

/* Gives lock and folders back. */
void shared_close_folders(struct shared *sh);

/*
 * The manifest as of the newest points, with or without the files that are complete. `lock`
 * is held.
 */
void shared_format_manifest(struct shared *sh, bool with_complete, struct buf *ret_text);

/* Saves that text unless it is what the disk has. `disk` is held, `lock` is not. */
_must_check_ int shared_save_manifest(struct shared *sh, struct ez_view text,
				      struct ez_error *err);

enum {
	SHARED_MANIFEST_CAP = 64 * 1024 * 1024,
};

/* Fills `to` with what `from` says and returns its class. */
int error_copy(struct ez_error *to, const struct ez_error *from);

#endif
