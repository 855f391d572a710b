/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_HTTP_STREAM_H
#define CONTROL_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/list.h"
#include "base/view.h"

/*
 * Server-sent events on their way to one browser.
 *
 * The hub adds events, the network thread takes bytes; in between lies a buffer with a
 * ceiling. A browser that does not read is cut off there: it comes back and names the last
 * event that it has seen. A stream ends by itself after some minutes, so that a session
 * that ended stops seeing things. Reference counted; any thread.
 */
struct stream;

struct stream *stream_new(void);
struct stream *stream_ref(struct stream *s);
void stream_unref(struct stream *s);

/* Text that stands as it is: "event: …\ndata: …\n\n". */
void stream_add(struct stream *s, struct ez_view text);

/* What is buffered is still sent. */
void stream_end(struct stream *s);

/* True when it has ended, or nobody reads it any more. */
bool stream_is_over(struct stream *s);
int64_t stream_started_us(const struct stream *s);
/* How many are being sent. */
int stream_connections(void);

/*
 * For the network thread. stream_take: bytes, 0 when there are none (`wait` has then been
 * called, under the stream's lock), -1 at the end. `resume` is called by whoever adds
 * afterwards, once.
 */
void stream_connect(struct stream *s, void (*wait)(void *), void (*resume)(void *),
		    void *arg);
void stream_disconnect(struct stream *s);
_must_check_ ssize_t stream_take(struct stream *s, char *to, size_t size);

#endif
