/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "out.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"

#include "host.h"

enum {
	GZIP_WINDOW = 15 + 16, /* 16: gzip's header instead of zlib's */
	GZIP_BYTES =
		272 * 1024, /* what deflate takes with this window and memory level */
};

static bool open_gzip(struct out *o, int level)
{
	z_stream *z = xcalloc(1, sizeof(*z));

	o->stream = z;
	if (deflateInit2(z, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return false;
	o->squeezed_bytes = deflateBound(z, OUT_BYTES);
	o->bytes += GZIP_BYTES;
	return true;
}

static bool open_zstd(struct out *o, int level)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();

	o->stream = z;
	o->squeezed_bytes = ZSTD_compressBound(OUT_BYTES);
	return z &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1));
}

/* Compresses a whole buffer once: a want of memory shows now, and so does the size. */
static bool warm_zstd(struct out *o)
{
	memset(o->buf.ptr, 0, OUT_BYTES);
	if (ZSTD_isError(ZSTD_compress2(o->stream, o->squeezed, o->squeezed_bytes,
					o->buf.ptr, OUT_BYTES)))
		return false;
	o->bytes += ZSTD_sizeof_CCtx(o->stream);
	return true;
}

int out_open(struct out *o, enum compression compression, int level, struct ez_error *err)
{
	bool ok = true;

	*o = (struct out){ .compression = compression, .fd = -1 };
	buf_init(&o->buf, OUT_BYTES);
	ENSURE(buf_reserve(&o->buf, OUT_BYTES), "the buffer of the file sink");
	o->bytes = OUT_BYTES;
	if (compression == COMPRESSION_GZIP)
		ok = open_gzip(o, level);
	else if (compression == COMPRESSION_ZSTD)
		ok = open_zstd(o, level);
	o->squeezed = xmalloc(o->squeezed_bytes);
	o->bytes += o->squeezed_bytes;
	if (ok && compression == COMPRESSION_ZSTD)
		ok = warm_zstd(o);
	if (!ok)
		return host->fail(err, EZ_E_TRANSIENT, "ENOMEM",
				  "the compressor of the file sink does not start");
	return EZ_OK;
}

void out_close(struct out *o)
{
	if (o->compression == COMPRESSION_GZIP && o->stream) {
		deflateEnd(o->stream);
		free(o->stream);
	} else if (o->compression == COMPRESSION_ZSTD) {
		ZSTD_freeCCtx(o->stream);
	}
	free(o->squeezed);
	buf_release(&o->buf);
	*o = (struct out){ .fd = -1 };
}

void out_begin(struct out *o, int fd, uint64_t len)
{
	buf_reset(&o->buf);
	o->fd = fd;
	o->len = len;
	o->safe_len = len;
	o->mark = 0;
	o->error = 0;
}

void out_mark(struct out *o)
{
	o->mark = o->buf.len;
	o->safe_len = o->len;
}

uint64_t out_undo(struct out *o)
{
	buf_truncate(&o->buf, o->mark);
	o->len = o->safe_len;
	o->error = 0;
	return o->safe_len;
}

/* One gzip member or zstd frame of `n` bytes; its length, or 0. */
static size_t squeeze(struct out *o, char *p, size_t n)
{
	z_stream *z = o->stream;

	if (o->compression == COMPRESSION_ZSTD) {
		size_t len =
			ZSTD_compress2(o->stream, o->squeezed, o->squeezed_bytes, p, n);

		return ZSTD_isError(len) ? 0 : len;
	}
	deflateReset(z);
	z->next_in = (Bytef *)p;
	z->avail_in = (uInt)n;
	z->next_out = (Bytef *)o->squeezed;
	z->avail_out = (uInt)o->squeezed_bytes;
	return deflate(z, Z_FINISH) == Z_STREAM_END ? o->squeezed_bytes - z->avail_out
						    : 0;
}

/* Writes all of it or leaves the length as it was. */
static void put(struct out *o, char *p, size_t n)
{
	uint64_t at = o->len;

	if (o->compression != COMPRESSION_NONE) {
		n = squeeze(o, p, n);
		p = o->squeezed;
		if (n == 0)
			o->error = ENOMEM;
	}
	while (n > 0 && o->error == 0) {
		ssize_t done = pwrite(o->fd, p, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			o->error = done < 0 ? errno : ENOSPC;
			break;
		}
		CRASH_POINT("bytes written");
		p += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	if (o->error == 0)
		o->len = at;
	else if (at > o->len && ftruncate(o->fd, (off_t)o->len) != 0)
		o->error = EIO; /* what is behind `len` can no longer be vouched for */
}

void out_drain(struct out *o)
{
	ENSURE(buf_ok(&o->buf), "an encoder passed the room that it had asked for");
	if (o->error == 0 && o->mark > 0) {
		put(o, o->buf.ptr, o->mark);
		if (o->error == 0) {
			memmove(o->buf.ptr, o->buf.ptr + o->mark, o->buf.len - o->mark);
			buf_truncate(&o->buf, o->buf.len - o->mark);
			o->mark = 0;
			o->safe_len = o->len;
		}
	}
	if (o->error == 0 && o->buf.len > 0)
		put(o, o->buf.ptr, o->buf.len);
	/* After a failure the encoder goes on into the void, behind what must be kept. */
	buf_truncate(&o->buf, o->mark);
	ENSURE(o->buf.size - o->buf.len >= OUT_ROOM_MAX,
	       "what waits in the buffer leaves no room");
}

int out_drain_again(struct out *o)
{
	o->error = 0;
	if (o->buf.len > 0) {
		put(o, o->buf.ptr, o->buf.len);
		if (o->error == 0) {
			buf_reset(&o->buf);
			out_mark(o);
		}
	}
	return o->error;
}

void out_add_long(struct out *o, const char *ptr, size_t n)
{
	while (n > 0) {
		size_t piece = MIN(n, (size_t)OUT_ROOM_MAX);
		char *to = out_room(o, piece);

		memcpy(to, ptr, piece);
		out_advance(o, to + piece);
		ptr += piece;
		n -= piece;
	}
}
