/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_ANSWER_H
#define STARROCKS_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * What the cluster says, and what that means for us.
 *
 * Every answer of the application is HTTP 200 with JSON; what happened stands in Status and
 * Message, whose texts differ between versions. The rules are one table, in answer.c; the
 * first that fits decides.
 *
 * No state; any thread.
 */
enum reaction {
	REACT_DONE,       /* committed, whether visible already or not */
	REACT_ASK,        /* unknown: ask what became of the label */
	REACT_WAIT,       /* the label is being worked on: ask until it is decided */
	REACT_RETRY,      /* the same again, after a while, perhaps elsewhere */
	REACT_SLOW,       /* the same, later and bigger: compaction is behind */
	REACT_SHRINK,     /* the same, later and smaller: memory is short */
	REACT_PAUSE,      /* the same, much later: a disk is full */
	REACT_ANEW,       /* the transaction is lost: all of it under a new label */
	REACT_DATA,       /* rows were refused */
	REACT_CONFIG,     /* an operator must act */
	REACT_PERMISSION, /* credentials or rights */
	_REACT_MAX
};

const char *reaction_to_str(enum reaction r);

/* Of an answer's JSON. Texts are in the struct; nothing to release. */
struct answer {
	bool is_json;
	bool is_unseen;    /* committed, perhaps not visible yet */
	char status[32];   /* "Success", "Fail", "OK", "FAILED", ... */
	char existing[32]; /* ExistingJobStatus */
	char state[32];    /* of get_load_state */
	char message[400];
	char error_url[400];
	int64_t total_rows, loaded_rows, filtered_rows; /* -1: not said */
};

void answer_parse(struct ez_view text, struct answer *ret);

/* To a load, or to an operation of a transaction. */
enum reaction answer_to_load(int http_status, const struct answer *a);

/* What the state of a label says of the load that bears it: REACT_DONE, REACT_WAIT (may
 * still be committed by itself), REACT_ANEW (prepared or forgotten: is not committed),
 * or how to ask again. `ret_is_open`: it exists and can be rolled back. */
enum reaction answer_to_label(int http_status, const struct answer *a, bool *ret_is_open);

#endif
