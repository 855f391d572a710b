/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "fuzz.h"
#include "protocol.h"

/*
 * What a control plane may answer, and what may stand in agent.json: each parser over the
 * same bytes. What is accepted is used as the agent uses it.
 */
enum { TEXT_MAX = 4 * 1024 * 1024 };

static void poll_again(const struct desired *d, struct buf *out)
{
	const struct poll_question q = {
		.worker_id = "w", .seen = d->version, .wait_s = 30, .jobs = d->jobs,
		.n_jobs = d->n_jobs,
	};

	protocol_poll(&q, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ez_view text = view_of(data, size);
	const struct ez_job_status s = { .size = sizeof(s), .id = VIEW("x"), .status = text };
	struct buf out = BUF_INIT(TEXT_MAX);
	struct desired d;
	struct registered r;
	struct identity id;
	char code[32];

	if (protocol_desired(text, &d)) {
		poll_again(&d, &out);
		desired_release(&d);
	}
	if (protocol_registered(text, &r))
		registered_release(&r);
	if (identity_parse(text, &id)) {
		identity_format(&id, &out);
		identity_release(&id);
	}
	if (!protocol_sample(&s, 0, &out))
		buf_reset(&out);
	protocol_result(NULL, EZ_OK, text, &out);
	free(protocol_error(text, code, sizeof(code)));
	buf_release(&out);
	return 0;
}
