/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "parcel.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>
#ifdef HAVE_LZ4
# include <lz4frame.h>
#endif

#include "base/attr.h"

#include "host.h"
#include "loader.h"

enum {
	WORTH_IT = 1024, /* bytes; a smaller body goes as it is */
};

/* ------------------------------------------------------------------------- codecs */

static bool pack_gzip(struct buf *to, struct ez_view v)
{
	z_stream z = { .zalloc = NULL };
	char *at;
	int rc;

	if (v.len > UINT32_MAX / 2 ||
	    deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	at = buf_reserve(to, deflateBound(&z, v.len));
	if (at) {
		z.next_in = (Bytef *)(uintptr_t)v.ptr;
		z.avail_in = (uInt)v.len;
		z.next_out = (Bytef *)at;
		z.avail_out = (uInt)(to->size - to->len);
	}
	rc = at ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	if (rc == Z_STREAM_END)
		buf_advance(to, z.total_out);
	deflateEnd(&z);
	return rc == Z_STREAM_END;
}

static bool pack_zstd(struct buf *to, struct ez_view v)
{
	size_t bound = ZSTD_compressBound(v.len), n;
	char *at = buf_reserve(to, bound);

	if (!at)
		return false;
	n = ZSTD_compress(at, bound, v.ptr, v.len, 1);
	if (ZSTD_isError(n))
		return false;
	buf_advance(to, n);
	return true;
}

static bool pack_lz4(struct buf *to, struct ez_view v)
{
#ifdef HAVE_LZ4
	size_t bound = LZ4F_compressFrameBound(v.len, NULL), n;
	char *at = buf_reserve(to, bound);

	if (!at)
		return false;
	n = LZ4F_compressFrame(at, bound, v.ptr, v.len, NULL);
	if (LZ4F_isError(n))
		return false;
	buf_advance(to, n);
	return true;
#else
	(void)to;
	(void)v;
	return false;
#endif
}

static const struct {
	const char *csv, *json;
	bool (*pack)(struct buf *to, struct ez_view v);
} codecs[] = {
	[BODY_PLAIN] = { "csv", NULL, NULL },
	[BODY_GZIP] = { "gzip", "gzip", pack_gzip },
	[BODY_LZ4] = { "lz4", "lz4_frame", pack_lz4 },
	[BODY_ZSTD] = { "zstd", "zstd", pack_zstd },
};

bool parcel_can(enum body_compression codec)
{
#ifdef HAVE_LZ4
	(void)codec;
	return true;
#else
	return codec != BODY_LZ4;
#endif
}

/* ------------------------------------------------------------------------- parcels */

void parcel_init(struct parcel *p, const struct loader *l, enum load_format format,
		 struct ez_view body)
{
	enum body_compression codec = l->s->compression;

	*p = (struct parcel){ .body = body,
			      .format = format,
			      .ctx = l->ctx,
			      .packed = BUF_INIT(SIZE_MAX / 2) };
	if (codec == BODY_PLAIN || body.len < WORTH_IT ||
	    (format == LOAD_JSON && !l->packs_json))
		return;
	if (!codecs[codec].pack(&p->packed, body) || p->packed.len >= body.len) {
		buf_release(&p->packed);
		return;
	}
	p->codec = codec;
	p->body = buf_view(&p->packed);
	p->charged = p->packed.alloc;
	if (p->ctx)
		host->mem(p->ctx, (int64_t)p->charged);
}

void parcel_release(struct parcel *p)
{
	if (p->ctx && p->charged)
		host->mem(p->ctx, -(int64_t)p->charged);
	p->charged = 0;
	buf_release(&p->packed);
}

static size_t read_parcel(void *arg, uint64_t at, char *to, size_t cap)
{
	const struct parcel *p = arg;
	size_t n = MIN(cap, p->body.len - (size_t)at);

	if (n > 0)
		memcpy(to, p->body.ptr + at, n);
	return n;
}

struct http_body parcel_body(struct parcel *p)
{
	return (struct http_body){ .len = p->body.len, .read = read_parcel, .arg = p };
}

const char *parcel_format(const struct parcel *p)
{
	return p->format == LOAD_JSON ? "json" : codecs[p->codec].csv;
}

const char *parcel_codec(const struct parcel *p)
{
	return p->format == LOAD_JSON ? codecs[p->codec].json : NULL;
}
