/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_APP_H
#define CONTROL_APP_H

#include <stdint.h>

struct settings;
struct keyring;
struct hub;
struct limiter;
struct portal;

/*
 * What every part of the server may need. Made by main.c, alive as long as any thread;
 * each member is safe for any thread.
 */
struct app {
	const struct settings *settings;
	struct keyring *keyring;
	struct hub *hub;
	struct limiter *logins; /* failed ones, by address and by name */
	struct limiter *calls;  /* by principal or address */
	const struct portal *portal;
	char instance[37];
	int64_t started_us;
};

#endif
