/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_BELL_H
#define ENGINE_BELL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What a thread sleeps on: rung by anyone, heard by its one owner.
 *
 * A ring is remembered until it is heard, so ringing before the owner sleeps is not lost;
 * several rings are heard as one. Whoever wants to tell something writes it elsewhere
 * first and rings then.
 */
struct bell {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool rung;
};

void bell_init(struct bell *b);
void bell_release(struct bell *b);
void bell_ring(struct bell *b);

/* Sleeps until rung or until mono_us() passes `until_us`; INT64_MAX: for ever. */
void bell_wait(struct bell *b, int64_t until_us);

#endif
