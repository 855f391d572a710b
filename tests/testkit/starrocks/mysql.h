/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_MYSQL_H
#define STARROCKS_MYSQL_H

#include "model.h"

/*
 * One connection of the MySQL protocol to a front end, from the greeting to the end: the
 * caller's thread serves it and `fd` is closed at the end. It ends when the client leaves,
 * when the front end goes down, and when the cluster stops.
 *
 * Plain native passwords, text queries, COM_PING, COM_INIT_DB; prepared statements are refused, as
 * they were unknown for long and broken after. Statements go one after another under the
 * cluster's lock, each with the faults ordered for it.
 */
void mysql_serve(struct cluster *c, unsigned fe, int fd);

#endif
