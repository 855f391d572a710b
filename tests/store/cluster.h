/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_CLUSTER_H
#define STORE_CLUSTER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A throw-away PostgreSQL server for a test program: made with initdb in a temporary folder,
 * run by an unprivileged user, reached over a socket in that folder, ended by its pid.
 *
 * Everybody is trusted but the role `secured`, which needs a password.
 */
struct cluster {
	char folder[64]; /* also that of the socket */
	char bin[256];
	int port;
	pid_t pid; /* 0: not running */
};

/* False with the reason on stdout when there is no server on this machine. */
bool cluster_make(struct cluster *c);
void cluster_remove(struct cluster *c);

void cluster_start(struct cluster *c);
void cluster_stop(struct cluster *c); /* fast: sessions are ended */

/* "host=... dbname=... user=...", in a static buffer of its own for each call in turn. */
const char *cluster_conninfo(const struct cluster *c, const char *dbname,
			     const char *user);

/* Runs SQL as superuser; the first value of the last result, "" for none. Aborts when it fails. */
const char *cluster_sql(const struct cluster *c, const char *sql);

#endif
