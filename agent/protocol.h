/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_PROTOCOL_H
#define AGENT_PROTOCOL_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * The bodies of docs/worker-protocol.md, to text and back. (The only file that knows
 * Jansson.) Nothing here has a state; formatters append to a buffer, whose buf_ok() tells
 * whether the message fits; parsers make structs of heap strings and leave them alone on
 * failure.
 */
enum {
	PROTOCOL_VERSION = 1,
	PROTOCOL_REGISTER_MAX = 4 * 1024 * 1024,
	PROTOCOL_SMALL_MAX = 64 * 1024, /* heartbeat, deregister, most answers */
	PROTOCOL_POLL_MAX = 1024 * 1024,
	PROTOCOL_SET_MAX = 16 * 1024 * 1024,
	PROTOCOL_STATUS_MAX = 1024 * 1024,
	PROTOCOL_METRICS_MAX = 1024 * 1024,
	PROTOCOL_RESULT_MAX = 8 * 1024 * 1024,
	PROTOCOL_JOBS_MAX = 1000,
	PROTOCOL_SECRET_MAX = 512,
};

/* Who this worker is: the file agent.json. */
struct identity {
	char *instance;  /* made once */
	char *worker_id; /* NULL: not registered */
	char *secret;    /* NULL: not registered */
	char *url;       /* of the control plane that gave them */
};
void identity_release(struct identity *id);
_must_check_ bool identity_parse(struct ez_view text, struct identity *ret);
void identity_format(const struct identity *id, struct buf *out);

struct registration {
	const char *instance, *worker_id; /* worker_id NULL: the first time */
	const char *name, *host, *version;
	uint32_t max_jobs;
	int64_t started_us;
	struct ez_view plugins; /* JSON; empty: null */
};
void protocol_register(const struct registration *r, struct buf *out);

struct registered {
	char *worker_id;
	char *secret; /* NULL: the old one holds */
	int64_t heartbeat_s, poll_s;
};
_must_check_ bool protocol_registered(struct ez_view text, struct registered *ret);
void registered_release(struct registered *r);

struct heartbeat {
	const char *worker_id;
	int64_t sent_us, uptime_s;
	size_t jobs;
	uint32_t max_jobs;
	bool stopping;
};
void protocol_heartbeat(const struct heartbeat *h, struct buf *out);

/* A job of the set. */
struct wanted {
	char *id, *name;
	char *config; /* wiped when freed */
	size_t config_len;
	uint64_t epoch, revision;
	uint32_t state; /* of struct ez_want */
};
struct asked {
	char *id, *kind;
	char *config; /* as the host wants it: wiped when freed */
	size_t config_len;
};
struct desired {
	char *version;
	struct wanted *jobs;
	struct asked *tasks;
	size_t n_jobs, n_tasks;
};
void desired_release(struct desired *d);
_must_check_ bool protocol_desired(struct ez_view text, struct desired *ret);

struct poll_question {
	const char *worker_id, *seen;
	int64_t wait_s;
	const struct wanted *jobs; /* id, epoch and revision count */
	size_t n_jobs;
	const char *const *tasks;
	size_t n_tasks;
};
void protocol_poll(const struct poll_question *q, struct buf *out);

/* An object that was made without worker_id, with it. */
void protocol_sign(const char *worker_id, struct ez_view object, struct buf *out);

/* `s` as the host gave it. worker_id NULL: left out, see protocol_sign(). */
void protocol_status(const char *worker_id, int64_t sent_us, const struct ez_job_status *s,
		     struct buf *out);

/* One sample from a daemon's status document. False: it is none. */
_must_check_ bool protocol_sample(const struct ez_job_status *s, int64_t at_us, struct buf *out);

/* `samples`: objects, separated by commas. */
void protocol_metrics(const char *worker_id, uint64_t dropped, struct ez_view samples,
		      struct buf *out);

/* `json` is {"exit_code", "result", "error"} as the host gives it; worker_id as above. */
void protocol_result(const char *worker_id, int rc, struct ez_view json, struct buf *out);

void protocol_deregister(const char *worker_id, int64_t sent_us, struct buf *out);

/* The message of an error's body, or NULL; heap string. `ret_code` gets its code. */
char *protocol_error(struct ez_view text, char *ret_code, size_t code_size);

/* "https://host/" to "https://host". */
char *protocol_base(struct ez_view url);

#endif
