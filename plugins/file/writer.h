/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_WRITER_H
#define FILE_WRITER_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"
#include "base/map.h"

#include "encode.h"
#include "out.h"
#include "settings.h"
#include "shape.h"
#include "shared.h"

/*
 * One instance of the sink.
 *
 * Writer 0 (role main) writes the stream; each snapshot writer writes the parts that it is
 * given. write() encodes a batch into the files of its streams; flush() hands a point to
 * the thread of sync.h; durable() tells how far that is.
 *
 * The engine's thread owns everything but what is marked. Between calls, when all is flushed,
 * the thread of sync.h may close files that are old enough (`is_idle`); the next call begins
 * with writer_enter(), which forgets those.
 */
struct stream {
	struct stream_point point; /* in shared->streams if it belongs to writer 0 */
	uint64_t next_seq;
	struct datafile *file; /* being written; NULL: none yet */
	bool is_shared;        /* its point is in shared->streams */

	/* of the batch at hand */
	uint64_t batch; /* the writer's count of writes when it was last in use */
	uint64_t undo_seq;
	struct datafile *undo_file;
	uint32_t first, last; /* its events, linked by writer->next */
	struct stream *next_in_batch;
};

struct found {
	char name[256]; /* of a finished file that no manifest tells of; "": none */
};

struct writer {
	struct list link; /* in shared->writers */
	struct settings settings;
	struct shared *shared;
	struct ez_ctx *ctx;
	bool is_main;

	struct shapes shapes;
	struct encoder encoder;
	struct out out;
	struct datafile *at; /* the file that `out` writes to */
	struct datafile
		*kept;    /* `at` when the write at hand began, as long as it still is */
	uint64_t charged; /* bytes charged to the engine */

	struct map streams;  /* by folder; owns them */
	uint64_t generation; /* rises when streams are forgotten: shapes look again */
	uint32_t part;       /* snapshot writers: of the streams */
	bool has_part;

	uint64_t writes; /* counts */
	uint64_t uses;
	uint32_t *next; /* by event: the next one of the same stream */
	size_t next_cap;

	uint64_t written;   /* number of the newest batch that was accepted whole */
	uint64_t told;      /* newest number that durable() has returned */
	bool tx_is_open;    /* the last batch ends inside a transaction */
	struct found found; /* by recover() */
	bool has_position;
	char position[EZ_POSITION_MAX + 1]; /* of the newest whole transaction */
	uint64_t order;

	/* writer 0: the tables whose copy has begun in this attempt */
	struct map begun;

	/* guarded by shared->lock */
	uint64_t wanted, durable;
	bool is_waiting; /* a flush has not been answered yet */
	bool has_failed; /* the answer was `error` */
	bool was_told;   /* durable() has returned it */
	bool interrupted;
	bool is_idle; /* all is flushed and nobody is in a call: the thread may close files */
	struct ez_error error;
	/* guarded by shared->disk */
	uint64_t cut;  /* `wanted` as of the point that is being made */
	bool has_news; /* to be woken */
};

_must_check_ int writer_open(const struct ez_open *open, struct writer **ret,
			     struct ez_error *err);
void writer_close(struct writer *w);
_must_check_ int writer_write(struct writer *w, const struct ez_batch *b,
			      struct ez_error *err);
_must_check_ int writer_flush(struct writer *w, struct ez_error *err);
_must_check_ int writer_durable(struct writer *w, uint32_t wait_ms, uint64_t *ret_number,
				struct ez_error *err);
void writer_interrupt(struct writer *w);

/* The stream in this folder; made if it is new. */
struct stream *writer_stream(struct writer *w, const char *folder);

/* Forgets all streams; the datafiles stay on the shared list. */
void writer_forget_streams(struct writer *w);

/* The stream's file gets no more rows. */
_must_check_ int writer_close_file(struct writer *w, struct stream *s,
				   struct ez_error *err);

/* Closes the files that are old enough, unless a transaction is open. */
_must_check_ int writer_close_old(struct writer *w, struct ez_error *err);

/* undo.c: notes what a write is about to change; takes all of it back. */
void writer_touch_file(struct writer *w, struct datafile *f);
void writer_touch_stream(struct writer *w, struct stream *s);
void writer_undo(struct writer *w);

/* Every call that may touch files begins with it. */
void writer_enter(struct writer *w);

/* Charges what the writer holds to the engine. */
void writer_charge(struct writer *w);

/* recover.c */
_must_check_ int writer_recover(struct writer *w, struct ez_position *ret,
				struct ez_error *err);

/* snapshot.c */
_must_check_ int writer_snapshot_begin(struct writer *w, const struct ez_snapshot *s,
				       const struct ez_table *t, struct ez_error *err);
_must_check_ int writer_snapshot_end(struct writer *w, const struct ez_snapshot *s,
				     struct ez_error *err);

/* check.c */
_must_check_ int writer_check(struct writer *w, struct ez_report *report,
			      struct ez_error *err);
_must_check_ int writer_forget(struct writer *w, struct ez_error *err);

#endif
