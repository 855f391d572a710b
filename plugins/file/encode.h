/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_ENCODE_H
#define FILE_ENCODE_H

#include <ezcdc/plugin.h>
#include <stdint.h>

#include "out.h"
#include "settings.h"
#include "shape.h"

/*
 * Events to lines.
 *
 * What a batch or a transaction has in common is formatted once: encoder_begin_batch()
 * before its first event, encoder_begin_tx() whenever an event's transaction differs from
 * the one before. A row is then copies of ready-made pieces and its values. Nothing is
 * allocated; errors show at out_end().
 */
struct encoder {
	struct out *out;
	const struct settings *settings;
	const struct ez_commit *tx;
	uint32_t head_len, commit_len, time_len, part_len;
	/* With a block to spare, see plain.h. */
	char head[512];  /* `{"op":"?","ts_ms":1732270000123,"source":{"name":"shop",` */
	char commit[96]; /* `","commit_lsn":"0/1A2B450","xid":742,"seq":` */
	char time[80];   /* `,"ts_us":1732270000119123,"snapshot":` */
	char part[32];   /* `,"part":3` */
};

void encoder_init(struct encoder *e, struct out *out, const struct settings *settings);
void encoder_begin_batch(struct encoder *e, const struct ez_batch *b, int64_t now_us);
void encoder_begin_tx(struct encoder *e, const struct ez_commit *tx);

void encode_json(struct encoder *e, const struct shape *s, const struct ez_event *ev);
void encode_csv(struct encoder *e, const struct shape *s, const struct ez_event *ev);

#endif
