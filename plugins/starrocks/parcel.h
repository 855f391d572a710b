/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_PARCEL_H
#define STARROCKS_PARCEL_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

#include "encode.h"
#include "http.h"
#include "settings.h"

struct loader;

/*
 * A load's body on its way: as it was encoded, or compressed.
 *
 * StarRocks is told of compression in two ways. The format of CSV is then the name of the
 * codec, on every version; a header beside it is ignored by most, and the body taken for
 * text. JSON keeps its format and has a header, since 3.2.7. Where neither works, and where
 * it would gain nothing, a body goes as it is.
 *
 * A parcel belongs to one thread and does not outlive the body; what it allocates is charged
 * to the instance.
 */
struct parcel {
	struct ez_view body;
	struct buf packed; /* when it is compressed */
	enum body_compression codec;
	enum load_format format;
	struct ez_ctx *ctx;
	size_t charged;
};

/* Compresses if the settings say so and the cluster takes it. */
void parcel_init(struct parcel *p, const struct loader *l, enum load_format format,
		 struct ez_view body);
void parcel_release(struct parcel *p);
struct http_body parcel_body(struct parcel *p);

/* The header "format"; the value of the header for compression, or NULL. */
const char *parcel_format(const struct parcel *p);
const char *parcel_codec(const struct parcel *p);

/* Whether this build can do it. */
bool parcel_can(enum body_compression codec);

#endif
