/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_BE_LOAD_H
#define STARROCKS_BE_LOAD_H

#include "exchange.h"
#include "load.h"
#include "txn.h"

/* What plain loads and loads within transactions have in common. */

/* What an answer says about a load; taken while the load is still there. */
struct load_result {
	struct load_counts counts;
	const char *existing;
	char error_url[256];
	int64_t read_ms, write_ms, publish_ms;
};

/* Copies the counts, stores the error log, writes violations down. The lock is held. */
void load_result_take(struct exchange *x, struct load_result *r, const struct load *l);

/* NumberTotalRows and its kin. */
void load_result_answer(struct exchange *x, const struct load_result *r);

/* Memory and disk. The lock is held. */
_must_check_ bool load_has_resources(struct exchange *x, const struct load_options *o,
				     char *text, size_t size);

/* What no careful client does: no strict mode, rows that may be lost. The lock is held. */
void load_check_habits(struct exchange *x, const struct load_options *o);

/* The fault publish_timeout: the transaction becomes visible that much later. */
void publish_delay(struct exchange *x, struct txn *t);

/* A whole Stream Load, also by a front end that stands for its back ends. */
void be_stream_load(struct exchange *x);

#endif
