/* SPDX-License-Identifier: Apache-2.0
 *
 * copyout CONNINFO TABLE CONNECTIONS - the least that a snapshot can cost: COPY of a table
 * to nowhere, cut into as many ranges of blocks as there are connections, all at once in
 * one thread. Prints the rows and bytes received.
 */
#include "config.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/view.h"

enum { MAX_CONNECTIONS = 16 };

struct copy {
	PGconn *conn;
	bool done;
};

_noreturn_ static void die(const char *what)
{
	(void)fprintf(stderr, "copyout: %s\n", what);
	exit(1);
}

static long long query_number(PGconn *conn, const char *sql)
{
	PGresult *res = PQexec(conn, sql);
	long long n;

	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		die(PQerrorMessage(conn));
	n = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
	PQclear(res);
	return n;
}

static void begin(struct copy *c, const char *conninfo, const char *table, int i, int n)
{
	_cleanup_(freep) char *size_sql =
		xasprintf("select pg_relation_size('%s') / 8192 + 1", table);
	_cleanup_(freep) char *copy_sql = NULL;
	long long pages;
	PGresult *res;

	c->conn = PQconnectdb(conninfo);
	if (PQstatus(c->conn) != CONNECTION_OK)
		die(PQerrorMessage(c->conn));
	pages = query_number(c->conn, size_sql);
	copy_sql = xasprintf("copy (select * from %s where ctid >= '(%lld,0)' and "
			     "ctid < '(%lld,0)') to stdout",
			     table, pages * i / n, pages * (i + 1) / n);
	res = PQexec(c->conn, copy_sql);
	if (PQresultStatus(res) != PGRES_COPY_OUT)
		die(PQerrorMessage(c->conn));
	PQclear(res);
}

static void drain(struct copy *c, uint64_t *rows, uint64_t *bytes)
{
	char *data;
	int len;

	if (PQconsumeInput(c->conn) != 1)
		die(PQerrorMessage(c->conn));
	while ((len = PQgetCopyData(c->conn, &data, 1)) > 0) {
		*rows += 1;
		*bytes += (uint64_t)len;
		PQfreemem(data);
	}
	if (len == -2)
		die(PQerrorMessage(c->conn));
	c->done = len == -1;
}

int main(int argc, char **argv)
{
	struct copy copies[MAX_CONNECTIONS] = { 0 };
	struct pollfd fds[MAX_CONNECTIONS];
	uint64_t rows = 0, bytes = 0;
	long n;

	if (argc != 4)
		die("usage: copyout CONNINFO TABLE CONNECTIONS");
	n = strtol(argv[3], NULL, 10);
	if (n < 1 || n > MAX_CONNECTIONS)
		die("1 to 16 connections");
	for (int i = 0; i < n; i++)
		begin(&copies[i], argv[1], argv[2], i, (int)n);
	for (;;) {
		nfds_t waiting = 0;

		for (int i = 0; i < n; i++)
			if (!copies[i].done)
				fds[waiting++] =
					(struct pollfd){ .fd = PQsocket(copies[i].conn),
							 .events = POLLIN };
		if (waiting == 0)
			break;
		(void)poll(fds, waiting, 1000);
		for (int i = 0; i < n; i++)
			if (!copies[i].done)
				drain(&copies[i], &rows, &bytes);
	}
	printf("%" PRIu64 " rows %" PRIu64 " bytes\n", rows, bytes);
	for (int i = 0; i < n; i++)
		PQfinish(copies[i].conn);
	return 0;
}
