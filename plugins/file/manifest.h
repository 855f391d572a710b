/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_MANIFEST_H
#define FILE_MANIFEST_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

/*
 * The sink's notes on one job: <path>/.ezcdc/<job>.json, a JSON document with a checksum.
 *
 * It holds the position up to which the files are complete, each file that has no final
 * name yet with the length that belongs to that position, and the state of the snapshot.
 * manifest.c tells how it goes with the renaming of files.
 *
 * A manifest made by manifest_parse() owns its strings and is released; one that is made
 * to be formatted borrows them.
 */
enum snapshot_phase {
	SNAPSHOT_NONE, /* there was none */
	SNAPSHOT_COPYING,
	SNAPSHOT_DONE,
	_SNAPSHOT_PHASE_MAX,
};

struct manifest_file {
	char *name; /* the final one, below the path */
	uint64_t len;
	int64_t opened_us;
	bool finished; /* it is getting its final name */
};

struct manifest_stream {
	char *folder; /* "": the path itself */
	uint64_t next_seq;
};

struct manifest {
	char *position; /* NULL: none yet */
	uint64_t order;
	uint64_t snapshot, snapshot_order; /* number and position of the newest one */
	enum snapshot_phase phase;
	struct manifest_file *files;
	size_t n_files;
	struct manifest_stream *streams;
	size_t n_streams;
};

void manifest_release(struct manifest *m);

void manifest_format(const struct manifest *m, const char *job, struct buf *ret_text);

/* `where` is the manifest's path, for messages. */
_must_check_ int manifest_parse(struct ez_view text, const char *job, const char *where,
				struct manifest *ret, struct ez_error *err);

/* EZ_EOF: there is none. */
_must_check_ int manifest_load(int notes_fd, const char *job, const char *where,
			       struct manifest *ret, struct ez_error *err);

/* Replaces the manifest; with `sync`, durably. 0 or -errno. */
_must_check_ int manifest_save(int notes_fd, const char *job, struct ez_view text,
			       bool sync);

/* Removes it. 0 or -errno; 0 too when there is none. */
_must_check_ int manifest_remove(int notes_fd, const char *job, bool sync);

#endif
