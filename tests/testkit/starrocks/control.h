/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_CONTROL_H
#define STARROCKS_CONTROL_H

#include <jansson.h>

#include "node.h"

/*
 * The tests' own door: POST / with {"do": "...", ...}; README.md lists what can be done. The
 * answer is JSON, or JSON lines; 400 with {"error": "..."} when it cannot be.
 */
struct server {
	struct cluster *cluster;
	struct listener fe[NODES_MAX], be[NODES_MAX], mysql[NODES_MAX];
	struct listener control, stranger;
	pthread_mutex_t
		nodes; /* held to start and stop them; taken before the cluster's lock */
	int end_fd;    /* a byte written here ends the program */
};

struct control {
	struct server *server;
	struct cluster *c;
	json_t *in;
	struct buf out;
	char error[512];
};

/* Serves one connection of the control port. */
void control_serve(struct server *s, struct conn *conn);

/* A command's function: false with `error` set. Called without the lock. */
typedef bool control_fn(struct control *k);

/* control_data.c */
control_fn control_create_database, control_create_table, control_sql, control_dump,
	control_history, control_txns, control_violations, control_clear_violations,
	control_journal, control_clear_journal, control_summary;
/* control_nodes.c */
control_fn control_set, control_fault, control_faults, control_clear_faults,
	control_leader, control_be, control_fe, control_mysql, control_advance,
	control_password;

/* "" when it is not there. Valid as long as the request. */
const char *control_str(const struct control *k, const char *name);
int64_t control_int(const struct control *k, const char *name, int64_t preset);
bool control_bool(const struct control *k, const char *name, bool preset);
/* Always false. */
_printf_(2, 3) bool control_fail(struct control *k, const char *fmt, ...);

#endif
