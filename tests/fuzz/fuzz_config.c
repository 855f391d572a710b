/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fuzz.h"

#include <ezcdc/plugin.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"
#include "engine/job.h"
#include "engine/loader.h"
#include "engine/problems.h"

/*
 * A job file from strangers: read, validated against tables with every type of option,
 * written out, and read again. What was written must be accepted and must say the same.
 * Nothing outside the input is touched: secrets are not resolved, text includes nothing.
 */

#define OPTION(...) \
 (&(const struct ez_option){ .size = sizeof(struct ez_option), __VA_ARGS__ })

static const struct ez_option *const table[] = {
	OPTION(.type = EZ_OPT_STRING, .name = "s", .fallback = "text"),
	OPTION(.type = EZ_OPT_INT, .name = "i", .min = -5, .max = 5000000000),
	OPTION(.type = EZ_OPT_BOOL, .name = "b", .fallback = "true"),
	OPTION(.type = EZ_OPT_SIZE, .name = "z", .fallback = "1KiB"),
	OPTION(.type = EZ_OPT_DURATION, .name = "d", .flags = EZ_OPTF_LIVE),
	OPTION(.type = EZ_OPT_ENUM, .name = "e", .choices = "one|two"),
	OPTION(.type = EZ_OPT_LIST, .name = "l", .fallback = "[ \"a\" ]"),
	OPTION(.type = EZ_OPT_MAP, .name = "m"),
	OPTION(.type = EZ_OPT_SECRET, .name = "p", .flags = EZ_OPTF_LIVE),
	NULL,
};
static const struct plugin plugins[] = {
	[EZ_SOURCE] = { .name = "x", .caps = EZ_CAP_SNAPSHOT, .options = table },
	[EZ_TRANSFORM] = { .name = "x", .options = table },
	[EZ_SINK] = { .name = "x", .caps = EZ_CAP_SNAPSHOT, .options = table },
	[EZ_STORE] = { .name = "x", .options = table },
};

static const struct plugin *look_up(void *arg, enum ez_kind kind, struct ez_view name,
				    struct ez_error *err)
{
	(void)arg;
	if (view_eq(name, VIEW("x")))
		return &plugins[kind];
	(void)error_fill(err, EZ_E_CONFIG, "", "no such plugin");
	return NULL;
}

static struct job *load(struct ez_view text, struct problems *p)
{
	const struct job_load how = { .lookup = look_up,
				      .rules.flags = OPTIONS_NO_SECRETS };
	struct ez_error err = { .size = sizeof(err) };
	struct job *job = NULL;

	if (job_load_text(&how, "fuzz", text, p, &job, &err) != 0 && problems_is_empty(p))
		abort();
	return job;
}

static void check_round_trip(struct job *job)
{
	struct buf first = BUF_INIT(1 << 24), second = BUF_INIT(1 << 24);
	struct problems p = PROBLEMS_INIT;
	struct job *again;

	job_format(job, &first);
	again = load(buf_view(&first), &p);
	/* Escapes may make a text longer than what a file may have. */
	if (first.len < 100000) {
		if (!again)
			abort();
		job_format(again, &second);
		if (!view_eq(buf_view(&first), buf_view(&second)))
			abort();
		buf_reset(&second);
		if (job_compare(job, again, &second) == CONFIG_RESTART)
			abort();
		job_apply_live(job, again);
	}
	job_free(again);
	problems_release(&p);
	buf_release(&first);
	buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems p = PROBLEMS_INIT;
	struct job *job = load(view_of(data, size), &p);

	if (job)
		check_round_trip(job);
	job_free(job);
	problems_release(&p);
	return 0;
}
