/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_OUT_H
#define FILE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#include "settings.h"

/*
 * The way of encoded bytes to one file: a buffer of fixed size, perhaps a compressor, and
 * pwrite(2).
 *
 * An encoder asks for room, writes, advances; when the room is not there the buffer goes to
 * the file first. So a row of any size costs no more than the buffer. With compression each
 * drain is one gzip member or zstd frame of its own, at most a buffer of input: `len` is
 * always a place where the file may be cut, and the compressor has no state between drains.
 *
 * out_mark() remembers where a batch begins. out_undo() takes back what came after it: the
 * file's owner then cuts the file to the length it returns. Nothing that was in the buffer
 * before the mark is lost by a failed write: it goes to the file first, and stays in the
 * buffer when that fails. At most OUT_KEEP_MAX bytes may be in the buffer at a mark.
 *
 * A failed write is remembered in `error`; what the encoder adds after it is dropped. The
 * error is cleared by out_undo() and out_begin(), and tried again by out_drain_again().
 *
 * One owner, one thread. Memory is taken at out_open() and is the same for ever.
 */
struct out {
	struct buf buf;
	char *squeezed; /* what comes out of the compressor */
	void *stream;   /* z_stream or ZSTD_CCtx */
	size_t squeezed_bytes;
	size_t bytes;      /* memory in all */
	uint64_t len;      /* bytes in the file */
	uint64_t safe_len; /* bytes in the file that are not of the batch at hand */
	size_t mark;       /* bytes in the buffer that are not of the batch at hand */
	enum compression compression;
	int fd;    /* -1: no file */
	int error; /* errno of the first write that failed */
};

enum {
	OUT_BYTES = 256 * 1024,   /* of the buffer: fits into the second-level cache */
	OUT_ROOM_MAX = 64 * 1024, /* most that may be asked for at once */
	OUT_KEEP_MAX = 128 * 1024,
};

/* Fails only for want of memory. out_close() must follow in both cases. */
_must_check_ int out_open(struct out *o, enum compression compression, int level,
			  struct ez_error *err);
void out_close(struct out *o);

/* Takes a file; the one before must have been drained or given up. */
void out_begin(struct out *o, int fd, uint64_t len);

void out_mark(struct out *o);
uint64_t out_undo(struct out *o);

/* Empties the buffer into the file. */
void out_drain(struct out *o);

/* The same after a failure that may have passed; 0 or its errno. */
_must_check_ int out_drain_again(struct out *o);

/* Where at least `n` bytes can be written; never NULL. */
static inline char *out_room(struct out *o, size_t n)
{
	ASSERT(n <= OUT_ROOM_MAX);
	if (UNLIKELY(n > o->buf.size - o->buf.len))
		out_drain(o);
	return o->buf.ptr + o->buf.len;
}

/* `end` is where the bytes stop that were written to the room. */
static inline void out_advance(struct out *o, const char *end)
{
	ASSERT(end <= o->buf.ptr + o->buf.size);
	o->buf.len = (size_t)(end - o->buf.ptr);
}

/* Bytes of any number. */
void out_add_long(struct out *o, const char *ptr, size_t n);

static inline void out_add(struct out *o, const char *ptr, size_t n)
{
	if (LIKELY(n > 0 && n <= o->buf.size - o->buf.len)) {
		memcpy(o->buf.ptr + o->buf.len, ptr, n);
		o->buf.len += n;
	} else {
		out_add_long(o, ptr, n);
	}
}

/* How long the file is about to be, as far as it is known before compression. */
static inline uint64_t out_len(const struct out *o)
{
	return o->len + (o->compression == COMPRESSION_NONE ? o->buf.len : 0);
}

#endif
