/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/view.h"
#include "base/wire.h"
#include "fuzz.h"
#include "plugins/pgoutput/pgoutput.h"
#include "plugins/pgoutput/stream.h"
#include "tests/pgoutput/recording_host.h"

/*
 * A replication stream made of anything: messages, each preceded by two bytes of length,
 * go through the whole path from CopyData to events. Whatever they hold, the decoder either
 * goes on or says what is wrong; it reads nothing outside of them. The first byte tells at
 * which points the connection is "lost", so that transactions come again.
 */
static char scratch[] = "/tmp";

static int feed(struct pg_stream *s, const uint8_t *bytes, size_t n, struct ez_error *err)
{
	/* As libpq hands it over: a block of its own, so that a read behind it shows. */
	char *message = malloc(n ? n : 1);
	int rc;

	if (n)
		memcpy(message, bytes, n);
	rc = feed_message(s, &message, n, err);
	free(message);
	while (rc >= 0 && s->replay)
		rc = feed_replay(s, 100, err);
	return rc;
}

static void run(struct pg_stream *s, const uint8_t *data, size_t size)
{
	struct ez_error err = { .size = sizeof(err) };
	struct wire w = wire_of(data, size);
	struct ez_view message;
	uint8_t cuts = 0;
	uint16_t n;

	if (!wire_u8(&w, &cuts))
		return;
	for (unsigned i = 0; wire_u16(&w, &n); i++) {
		if (n > wire_left(&w))
			n = (uint16_t)wire_left(&w);
		if (!wire_bytes(&w, n, &message))
			return;
		if (feed(s, (const uint8_t *)message.ptr, message.len, &err) < 0)
			return;
		if (i < 8 && cuts & (1u << i))
			feed_lost(s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording *r = recording_new(NULL, NULL);
	struct pg pg = { .host = &r->host, .ctx = &r->fake->ctx };
	struct held_config held = { .host = &r->host,
				    .ctx = &r->fake->ctx,
				    .folder = scratch,
				    .limit_bytes = 4096 };
	struct pg_stream s = { .pg = &pg };

	pg.opt.messages = true;
	pg.opt.slot = "slot";
	decode_init(&s.decode, &pg);
	s.decode.out = &r->out;
	s.held = held_new(&held);
	run(&s, data, size);
	held_drop(s.held, s.replay);
	held_free(s.held);
	map_release(&s.unwanted, NULL);
	decode_release(&s.decode);
	recording_free(r);
	return 0;
}
