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

void worker_register(struct request *r);
void worker_heartbeat(struct request *r);
void worker_poll(struct request *r);
void worker_status(struct request *r);
void worker_metrics(struct request *r);
void worker_result(struct request *r);
void worker_deregister(struct request *r);

#endif
