/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_CODEC_H
#define STARROCKS_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"

/* Decompression of one body, piece by piece. Kinds that were not built in are not known. */
enum codec_kind {
	CODEC_NONE,
	CODEC_GZIP,
	CODEC_ZSTD,
	CODEC_LZ4,
	CODEC_UNKNOWN,
};

struct codec;

/* "gzip", "zstd", "lz4", "lz4_frame", in any case. */
enum codec_kind codec_parse(struct ez_view name);

/* NULL for CODEC_NONE and kinds that were not built in. */
struct codec *codec_new(enum codec_kind kind);
void codec_free(struct codec *c);

typedef void codec_sink_fn(void *arg, const char *data, size_t n);

/* False when the data is broken. */
_must_check_ bool codec_feed(struct codec *c, const char *data, size_t n,
			     codec_sink_fn *sink, void *arg);
/* Whether the stream ended where it should. */
_must_check_ bool codec_is_complete(const struct codec *c);

#endif
