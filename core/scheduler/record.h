/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_RECORD_H
#define SCHEDULER_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

/*
 * What a worker notes about a job in its state folder, so that the next worker finds the
 * daemon: <state folder>/worker.json, mode 0600. It holds no configuration.
 *
 * A record is believed only if the machine has not been started since, and the process is
 * the one that was started then (process_adopt).
 */
struct record {
	char *key;      /* of the unit */
	char *name;     /* of the job */
	char *path;     /* of the job file; "" for jobs of the control plane */
	char *boot_id;
	pid_t pid;      /* 0: no daemon */
	uint64_t start_time;
	uint64_t epoch, revision, fingerprint; /* of what it runs */
	bool held;      /* a person stopped it */
};

#define RECORD_NAME "worker.json"

void record_release(struct record *r);

/* Each returns 0 or -errno; -EPROTO: the file holds something else. */
_must_check_ int record_save(const char *path, const struct record *r);
_must_check_ int record_load(const char *path, struct record *ret);

#endif
