/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "codec.h"

#include <stdlib.h>
#include <strings.h>

#ifdef STARROCKS_ZLIB
# include <zlib.h>
#endif
#ifdef STARROCKS_ZSTD
# include <zstd.h>
#endif
#ifdef STARROCKS_LZ4
# include <lz4frame.h>
#endif

#include "base/alloc.h"

enum {
	PIECE = 128 << 10,
};

struct codec {
	enum codec_kind kind;
	bool is_complete;
#ifdef STARROCKS_ZLIB
	z_stream zlib;
#endif
#ifdef STARROCKS_ZSTD
	ZSTD_DStream *zstd;
#endif
#ifdef STARROCKS_LZ4
	LZ4F_dctx *lz4;
#endif
	char piece[PIECE];
};

enum codec_kind codec_parse(struct ez_view name)
{
	static const struct {
		const char *name;
		enum codec_kind kind;
	} known[] = {
#ifdef STARROCKS_ZLIB
		{ "gzip", CODEC_GZIP },
#endif
#ifdef STARROCKS_ZSTD
		{ "zstd", CODEC_ZSTD },
#endif
#ifdef STARROCKS_LZ4
		{ "lz4", CODEC_LZ4 },   { "lz4_frame", CODEC_LZ4 },
#endif
		{ "none", CODEC_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (name.len == strlen(known[i].name) &&
		    strncasecmp(name.ptr, known[i].name, name.len) == 0)
			return known[i].kind;
	return CODEC_UNKNOWN;
}

struct codec *codec_new(enum codec_kind kind)
{
	struct codec *c;

	if (kind == CODEC_NONE || kind == CODEC_UNKNOWN)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->kind = kind;
#ifdef STARROCKS_ZLIB
	if (kind == CODEC_GZIP && inflateInit2(&c->zlib, 15 + 16) != Z_OK)
		abort();
#endif
#ifdef STARROCKS_ZSTD
	if (kind == CODEC_ZSTD && !(c->zstd = ZSTD_createDStream()))
		abort();
#endif
#ifdef STARROCKS_LZ4
	if (kind == CODEC_LZ4 &&
	    LZ4F_isError(LZ4F_createDecompressionContext(&c->lz4, LZ4F_VERSION)))
		abort();
#endif
	return c;
}

void codec_free(struct codec *c)
{
	if (!c)
		return;
#ifdef STARROCKS_ZLIB
	if (c->kind == CODEC_GZIP)
		inflateEnd(&c->zlib);
#endif
#ifdef STARROCKS_ZSTD
	ZSTD_freeDStream(c->zstd);
#endif
#ifdef STARROCKS_LZ4
	LZ4F_freeDecompressionContext(c->lz4);
#endif
	free(c);
}

bool codec_is_complete(const struct codec *c)
{
	return !c || c->is_complete;
}

#ifdef STARROCKS_ZLIB
/* Several members in a row are one stream. */
static bool feed_gzip(struct codec *c, const char *data, size_t n, codec_sink_fn *sink,
		      void *arg)
{
	char *in = xmemdup(data, MAX(n, (size_t)1));
	int rc = Z_OK;

	c->zlib.next_in = (unsigned char *)in;
	c->zlib.avail_in = (unsigned)n;
	do {
		if (c->is_complete && c->zlib.avail_in > 0) {
			inflateReset(&c->zlib);
			c->is_complete = false;
		}
		c->zlib.next_out = (unsigned char *)c->piece;
		c->zlib.avail_out = PIECE;
		rc = inflate(&c->zlib, Z_NO_FLUSH);
		sink(arg, c->piece, PIECE - c->zlib.avail_out);
		c->is_complete = rc == Z_STREAM_END;
	} while ((rc == Z_OK || rc == Z_STREAM_END) &&
		 (c->zlib.avail_in > 0 || c->zlib.avail_out == 0) &&
		 !(rc == Z_STREAM_END && c->zlib.avail_in == 0));
	free(in);
	return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR;
}
#endif

#ifdef STARROCKS_ZSTD
static bool feed_zstd(struct codec *c, const char *data, size_t n, codec_sink_fn *sink,
		      void *arg)
{
	ZSTD_inBuffer in = { .src = data, .size = n };
	bool is_full = false;

	while (in.pos < in.size || is_full) {
		ZSTD_outBuffer out = { .dst = c->piece, .size = PIECE };
		size_t rc = ZSTD_decompressStream(c->zstd, &out, &in);

		if (ZSTD_isError(rc))
			return false;
		sink(arg, c->piece, out.pos);
		c->is_complete = rc == 0;
		is_full = out.pos == out.size && rc != 0;
	}
	return true;
}
#endif

#ifdef STARROCKS_LZ4
static bool feed_lz4(struct codec *c, const char *data, size_t n, codec_sink_fn *sink,
		     void *arg)
{
	bool is_full = false;

	while (n > 0 || is_full) {
		size_t n_out = PIECE, n_in = n;
		size_t rc = LZ4F_decompress(c->lz4, c->piece, &n_out, data, &n_in, NULL);

		if (LZ4F_isError(rc))
			return false;
		sink(arg, c->piece, n_out);
		data += n_in;
		n -= n_in;
		c->is_complete = rc == 0;
		is_full = n_out == PIECE && rc != 0;
	}
	return true;
}
#endif

bool codec_feed(struct codec *c, const char *data, size_t n, codec_sink_fn *sink,
		void *arg)
{
	switch (c->kind) {
#ifdef STARROCKS_ZLIB
	case CODEC_GZIP:
		return feed_gzip(c, data, n, sink, arg);
#endif
#ifdef STARROCKS_ZSTD
	case CODEC_ZSTD:
		return feed_zstd(c, data, n, sink, arg);
#endif
#ifdef STARROCKS_LZ4
	case CODEC_LZ4:
		return feed_lz4(c, data, n, sink, arg);
#endif
	default:
		(void)data;
		(void)n;
		(void)sink;
		(void)arg;
		return false;
	}
}
