/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_AWS_H
#define CONTROL_AWS_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/secret.h"

/*
 * Calls to AWS: credentials, and requests that are signed with them (Signature Version 4).
 *
 * Credentials are read for each call: they change, and calls are few. They come from a file
 * in the format of the AWS tools, of which the section "default" counts and which nobody
 * else may read; or from the role of the instance, through its metadata service (IMDSv2).
 * Everything blocks, for a few seconds at most. Any thread.
 */
struct aws_keys {
	struct secret id, key, token; /* token may be empty */
};

#define AWS_KEYS_INIT \
 ((struct aws_keys){ .id = SECRET_INIT, .key = SECRET_INIT, .token = SECRET_INIT })

/* From `file`, or if that is NULL from `metadata`. False with a sentence in `why`. */
_must_check_ bool aws_keys_read(struct aws_keys *k, const char *file,
				const char *metadata, struct buf *why);
void aws_keys_release(struct aws_keys *k);

struct aws_call {
	const char *endpoint, *region, *service;
	const char *body; /* form fields of the Query API */
};

/* True for an answer of 2xx; else what went wrong, in AWS' own words if it has any. */
_must_check_ bool aws_call(const struct aws_call *call, const struct aws_keys *k,
			   struct buf *why);

/* Appends `text` as it may stand in a form field. */
void aws_add_field(struct buf *to, const char *text);

#endif
