/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_LINK_H
#define AGENT_LINK_H

#include <ezcdc/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/backoff.h"
#include "base/list.h"
#include "base/map.h"
#include "protocol.h"
#include "samples.h"

struct http;

/*
 * The conversation with the control plane: docs/worker-protocol.md as a state machine.
 *
 * All that is to be sent is state, not a log: the newest status of each job, the samples
 * that are left, results that were not accepted yet. So it does not matter how long the
 * control plane was away or which requests were lost. link_step() starts whatever is due and
 * not under way; answers come in through callbacks from http_wait(). After a failure all
 * requests wait together; the first success lets them go on.
 *
 * The agent's thread owns it; only link_wake() may be called by others.
 */
struct link_note;
struct link_result;

struct link {
	const struct ez_host *host;
	const struct ez_config *config;
	struct http *http;
	char *url, *name, *host_name, *path; /* path: of agent.json */
	uint32_t max_jobs;
	struct identity id;
	int64_t heartbeat_us, poll_us;

	/* Where we stand. */
	bool registered;      /* since our start */
	bool use_token;       /* the next registration is with the deployment token */
	bool has_plugins;
	char *plugins;        /* JSON; NULL: not known */
	int64_t started_us;   /* mono_us */
	int64_t hold_us;      /* mono_us until which nothing is sent */
	int64_t down_since_us; /* 0: all is well */
	char *complaint;      /* said last */
	struct backoff backoff, token_backoff;

	/* What is under way, and when it is due (mono_us). */
	bool registering, beating, polling, measuring, delivering;
	int64_t beat_due_us, measure_due_us, poll_due_us;

	char *seen;           /* version of the set that was handed over */
	struct desired set;   /* the newest; configurations only until handed over */
	bool has_set;
	struct list tasks;    /* of those that are open: struct open_task */
	struct map notes;     /* newest status of each job: struct link_note */
	struct samples samples;
	struct list results;  /* struct link_result, oldest first */
	bool closing;
	bool leaving, told_leaving; /* the worker will be gone; a heartbeat has said so */
};

_must_check_ int link_init(struct link *l, const struct ez_host *host,
			   const struct ez_open *open, struct ez_error *err);
void link_release(struct link *l);

/* Starts what is due. */
void link_step(struct link *l);

/* When link_step() wants to be called again (mono_us). */
int64_t link_due_us(const struct link *l);

/* True: a set was received and is handed to `d`, tasks that are new as well. */
_must_check_ bool link_hand_over(struct link *l, struct ez_desired *d);

void link_put_status(struct link *l, const struct ez_job_status *s);
void link_put_result(struct link *l, struct ez_view task, int rc, struct ez_view json);
void link_put_plugins(struct link *l, struct ez_view json);

/* For at most `ms`: sends what is left, then signs off if the worker leaves. */
void link_farewell(struct link *l, unsigned ms);

/* For link.c and post.c: the rules of answers. True: it was accepted (200, 204). False: it
 * was not; *ret_again says whether the same request may be accepted later. */
_must_check_ bool link_judge(struct link *l, const char *what, const void *answer,
			     bool *ret_again);

#endif
