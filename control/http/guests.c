/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/http/guests.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/list.h"

enum {
	FIRST_US = 30 * US_PER_SEC,
	NEXT_US = 90 * US_PER_SEC, /* idle ones are ended by the library before that */
};

struct guest {
	struct list link;
	int fd;
	int64_t until_us; /* mono_us; 0: it owes nothing */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list guests = LIST_SELF(guests); /* guarded by lock, with all in it */

struct guest *guest_new(int fd)
{
	struct guest *g = xcalloc(1, sizeof(*g));

	g->fd = fd;
	g->until_us = mono_us() + FIRST_US;
	pthread_mutex_lock(&lock);
	list_add_tail(&guests, &g->link);
	pthread_mutex_unlock(&lock);
	return g;
}

void guest_free(struct guest *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&lock);
	list_remove(&g->link);
	pthread_mutex_unlock(&lock);
	free(g);
}

static void owe_until(struct guest *g, int64_t until_us)
{
	if (!g)
		return;
	pthread_mutex_lock(&lock);
	g->until_us = until_us;
	pthread_mutex_unlock(&lock);
}

void guest_asks(struct guest *g)
{
	owe_until(g, 0);
}

void guest_waits(struct guest *g)
{
	owe_until(g, mono_us() + NEXT_US);
}

int guests_sweep(int64_t now_us)
{
	int n = 0;

	pthread_mutex_lock(&lock);
	list_for_each (at, &guests) {
		struct guest *g = LIST_OF(at, struct guest, link);

		if (g->until_us == 0 || now_us < g->until_us)
			continue;
		(void)shutdown(g->fd, SHUT_RDWR);
		g->until_us = 0;
		n++;
	}
	pthread_mutex_unlock(&lock);
	return n;
}
