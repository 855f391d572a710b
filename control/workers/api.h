/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_WORKERS_API_H
#define CONTROL_WORKERS_API_H

#include "control/json/fields.h"

struct request;

/*
 * The workers' side of the API, as docs/worker-protocol.md has it: every handler may be
 * called again with the same body and changes nothing then.
 */
extern const struct field register_fields[], heartbeat_fields[], poll_fields[];
extern const struct field status_fields[], samples_fields[], result_fields[],
	deregister_fields[];

/*
 * Many requests at once, of different workers mostly. What needs more than a look (a change
 * of a job's state, an error, a task) is left to the handlers below.
 */
void worker_heartbeats(struct request **all, int n);
void worker_polls(struct request **all, int n);
void worker_statuses(struct request **all, int n);
void worker_metrics_of_many(struct request **all, int n);

void worker_register(struct request *r);
void worker_heartbeat(struct request *r);
void worker_poll(struct request *r);
void worker_status(struct request *r);
void worker_metrics(struct request *r);
void worker_result(struct request *r);
void worker_deregister(struct request *r);

#endif
