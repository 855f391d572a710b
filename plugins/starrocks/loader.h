/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_LOADER_H
#define STARROCKS_LOADER_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/backoff.h"
#include "base/buf.h"

#include "answer.h"
#include "encode.h"
#include "http.h"
#include "label.h"
#include "parcel.h"

struct settings;

/*
 * What all ways to load have in common: how a request looks, what its result means, how to
 * wait, and how trouble is told.
 *
 * A loader belongs to the thread that loads. Trouble that passes does not end a call: it is
 * told through `trouble` each time, so that the engine shows it, and the call goes on until
 * it has succeeded, an operator must act, or somebody interrupts.
 */
struct loader {
	const struct settings *s;
	struct ez_ctx *ctx;
	struct http *http;
	struct label run; /* what labels begin with */
	struct backoff backoff;
	/* Something failed that will be tried again. NULL: nobody wants to know. */
	void (*trouble)(void *arg, const struct ez_error *err);
	void *arg;
	struct ez_error last;      /* what trouble was told */
	bool saw_slow, saw_shrink; /* since somebody looked */
	bool packs_json;           /* the cluster takes compressed JSON */
	bool gives_up;             /* what passes ends the call as well: EZ_E_TRANSIENT */
	/* May this process still load? EZ_E_BUSY: no. NULL: nobody else could. */
	int (*guard)(void *arg, struct ez_error *err);
};

enum label_state {
	LABEL_DONE, /* committed and visible */
	LABEL_COMMITTED,
	LABEL_OPEN,    /* not decided */
	LABEL_FREE,    /* never committed, and never will be */
	LABEL_UNKNOWN, /* the same, as far as the cluster remembers */
};

/* "/api/<db>/<table><rest>", percent-encoded; freed by the caller. */
char *loader_path(const struct loader *l, const char *table, const char *rest);

/* The headers of a load but for label and, in transactions, the table. */
void loader_add_headers(const struct loader *l, struct exchange *x,
			const struct load *load, const struct parcel *parcel);

/* What an exchange's result means, with x->error filled unless REACT_DONE. `ret_answer` may
 * be NULL. Results without an answer: ASK when anything may have happened, else RETRY. */
enum reaction loader_judge(struct loader *l, struct exchange *x, const char *what,
			   struct answer *ret_answer);

/* Asks once what became of a label; error as loader_judge. EZ_E_TRANSIENT: not told. */
_must_check_ int loader_ask(struct loader *l, const char *label, enum label_state *ret,
			    struct ez_error *err);

/* Whether it was committed; asks again while nobody can say. */
_must_check_ int loader_is_done(struct loader *l, const char *label, bool *ret,
				struct ez_error *err);

/* Waits until what is committed under that label can be seen. */
_must_check_ int loader_await_visible(struct loader *l, const char *label,
				      struct ez_error *err);

/* Tells trouble, waits as `r` demands. EZ_OK: try again; else err: cancelled, or what only
 * an operator can end. */
_must_check_ int loader_put_off(struct loader *l, enum reaction r,
				const struct ez_error *why, struct ez_error *err);

/* Waits without trouble. EZ_E_CANCELLED. */
_must_check_ int loader_sleep(struct loader *l, uint32_t ms, struct ez_error *err);

/* Asks the guard until that is told. */
_must_check_ int loader_guard(struct loader *l, struct ez_error *err);

static inline bool reaction_is_final(enum reaction r)
{
	return r == REACT_DATA || r == REACT_CONFIG || r == REACT_PERMISSION;
}

/* Fills `to` with what `from` says and returns its class. */
int error_copy(struct ez_error *to, const struct ez_error *from);

#endif
