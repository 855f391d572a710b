/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CHECKPOINT_H
#define ENGINE_CHECKPOINT_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct buf;
struct table;

/*
 * The checkpoint: all that a job knows about itself between two runs, as a value.
 *
 * Its text is one line of JSON followed by one line "crc32c <8 hex digits>" over the first;
 * a text that is cut short or altered is refused, never half-read. A store keeps the text
 * and knows nothing of its content.
 *
 * Three marks are kept apart, because they say different things: `position`, the end of the
 * last transaction that is durable in the sink; `idle`, how far the source's log was seen
 * with nothing in it for us (R1); `start`, where streaming began. The newest of them is
 * where to resume.
 *
 * A plain value: one owner, checkpoint_release() frees. Fallible functions return EZ_OK or
 * a class with err filled.
 */
enum phase {
	PHASE_NEW = 0,    /* nothing was done yet */
	PHASE_CREATING,   /* the slot is being made: it may be dropped and made again */
	PHASE_SNAPSHOT,   /* tables are being copied: to begin again if cut short */
	PHASE_PUBLISHING, /* the copy is durable and will not be repeated; the sink shows it */
	PHASE_STREAMING,
	PHASE_COPIED,     /* snapshot = "only" is done */
	_PHASE_MAX,
};
const char *phase_to_str(enum phase p);

struct mark {
	uint64_t order; /* 0 with empty text: none */
	char text[EZ_POSITION_MAX + 1];
};

static inline bool mark_is_set(const struct mark *m)
{
	return m->text[0] != '\0';
}
void mark_set(struct mark *m, struct ez_position p);
struct ez_position mark_position(const struct mark *m);

/* A table as the sink was told of it: references. */
struct told {
	struct table *newest;
	struct table *before; /* the sink still had this one when it was told; NULL: it is done */
};

struct checkpoint {
	char job[64];
	uint64_t epoch;
	enum phase phase;
	char slot[64];      /* as the source calls it */
	char *identity;     /* the source's; NULL: none yet */
	struct mark position, idle, start;
	uint64_t snapshot;  /* number of the newest snapshot; 0: none */
	uint64_t dead_letters;
	bool paused;
	struct told *tables;
	size_t n_tables;
};

#define CHECKPOINT_INIT ((struct checkpoint){ .phase = PHASE_NEW })

void checkpoint_release(struct checkpoint *c);

/* The newest of the three marks; NULL when none is set. */
const struct mark *checkpoint_resume(const struct checkpoint *c);

void checkpoint_format(const struct checkpoint *c, struct buf *ret_text);
/* EZ_E_IO with the remedy when the text is damaged; `ret` untouched then. */
_must_check_ int checkpoint_parse(struct ez_view text, struct checkpoint *ret,
				  struct ez_error *err);

/* Replaces the list of shapes; takes it over. */
void checkpoint_set_tables(struct checkpoint *c, struct told *tables, size_t n);

/* The built-in store "file": <state-dir>/checkpoint, replaced atomically. */
extern const struct ez_store store_file;

#endif
