/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_STORE_HOST_H
#define STORE_STORE_HOST_H

#include <ezcdc/plugin.h>
#include <stdint.h>

#include "store/cluster.h"
#include "testkit/fake_host.h"

/*
 * One instance of the store `postgres` and the cardboard engine around it.
 */
struct run {
	struct fake_host *host;
	void *inst;
	struct fake_setting set[5];
	int rc; /* of open */
};

struct run_settings {
	const char *conninfo, *password, *schema, *table; /* NULL: not given */
	const char *job;                                  /* NULL: "shop" */
	uint64_t epoch;
	uint32_t role;
};

struct run *run_open(struct run_settings s);
void run_close(struct run *r);

/* A job of its own in the database postgres, as superuser. */
struct run *run_of(const char *conninfo, const char *job, uint64_t epoch);

int run_load(struct run *r, struct ez_view *ret_text);
int run_save(struct run *r, const char *text);

/* Loads and expects this text; NULL: none. */
void run_expect(struct run *r, const char *text);

#define ck_assert_rc(r, call, expected)                                    \
 do {                                                                      \
  int got_rc = (call);                                                     \
  ck_assert_msg(got_rc == (expected), "%s: %d, not %d: %s", #call, got_rc, \
		(int)(expected), got_rc < 0 ? (r)->host->err.text : "");   \
 } while (0)

#define ck_assert_has(text, part) \
 ck_assert_msg(strstr((text), (part)) != NULL, "\"%s\" lacks \"%s\"", (text), (part))

#endif
