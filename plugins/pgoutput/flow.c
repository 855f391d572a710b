/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "flow.h"

enum {
	NAP_MIN_US = 100, /* below, a nap costs more than the wake-ups it saves */
	NAP_MAX_US = 500,
	NAP_FIRST_US = 300,
	QUICK_US = 300, /* a wait shorter than this was none */
	QUICK_ENOUGH = 4,
	STUTTER_US = 2000, /* the same, just after a nap that brought nothing */
	ROUND_SMALL_BYTES = 32 * 1024,
	ROUND_BIG_BYTES = 128 * 1024,
	ROUND_HUGE_BYTES = 256 * 1024,
};

void flow_init(struct flow *f)
{
	*f = (struct flow){ .nap_us = NAP_FIRST_US };
}

/* A backlog may stutter, when others want the processor: one quick wait starts it again. */
static void pause_naps(struct flow *f)
{
	f->is_flowing = false;
	f->quick = QUICK_ENOUGH - 1;
	f->has_paused = true;
}

static void adapt(struct flow *f)
{
	if (f->round_bytes >= ROUND_HUGE_BYTES)
		f->nap_us = 0;
	else if (f->round_bytes >= ROUND_BIG_BYTES)
		f->nap_us = f->nap_us / 2 < NAP_MIN_US ? 0 : f->nap_us / 2;
	else if (f->round_bytes < ROUND_SMALL_BYTES)
		f->nap_us = MIN(f->nap_us + NAP_MIN_US, (uint32_t)NAP_MAX_US);
}

uint32_t flow_wait(struct flow *f)
{
	if (f->has_napped && f->round_bytes == 0)
		pause_naps(f);
	else if (f->round_bytes > 0)
		adapt(f);
	f->round_bytes = 0;
	f->has_napped = f->is_flowing && f->nap_us > 0;
	return f->has_napped ? f->nap_us : 0;
}

void flow_woken(struct flow *f, int64_t slept_us)
{
	if (slept_us >= (f->has_paused ? STUTTER_US : QUICK_US)) {
		flow_stopped(f);
		return;
	}
	f->has_paused = false;
	if (f->quick < QUICK_ENOUGH)
		f->quick++;
	f->is_flowing = f->quick >= QUICK_ENOUGH;
}

void flow_stopped(struct flow *f)
{
	flow_init(f);
}
