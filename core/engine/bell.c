/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/bell.h"

#include <time.h>

#include "base/clock.h"

void bell_init(struct bell *b)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->cond, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&b->lock, NULL);
	b->rung = false;
}

void bell_release(struct bell *b)
{
	pthread_cond_destroy(&b->cond);
	pthread_mutex_destroy(&b->lock);
}

void bell_ring(struct bell *b)
{
	pthread_mutex_lock(&b->lock);
	b->rung = true;
	pthread_cond_signal(&b->cond);
	pthread_mutex_unlock(&b->lock);
}

void bell_wait(struct bell *b, int64_t until_us)
{
	struct timespec at = { .tv_sec = until_us / US_PER_SEC,
			       .tv_nsec = until_us % US_PER_SEC * 1000 };
	int rc = 0;

	pthread_mutex_lock(&b->lock);
	while (!b->rung && rc == 0) {
		if (until_us == INT64_MAX)
			rc = pthread_cond_wait(&b->cond, &b->lock);
		else
			rc = pthread_cond_timedwait(&b->cond, &b->lock, &at);
	}
	b->rung = false;
	pthread_mutex_unlock(&b->lock);
}
