/* SPDX-License-Identifier: Apache-2.0
 *
 * floor CONNINFO SLOT PUBLICATION END_LSN FILE - the least that a client can do and still
 * turn changes into JSON lines: what the engine is measured against.
 *
 * It reads without blocking, and once the socket is empty naps 500 us before it looks
 * again, so that the walsender need not wake it for every message; when a nap has brought
 * nothing it sleeps in poll(2). It keeps no transaction, no checkpoint and no promise.
 * Ends when the stream has reached END_LSN; END_LSN 0 means: run until SIGTERM. Prints one
 * line: rows and bytes written.
 */
#include "config.h"

#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/view.h"
#include "base/wire.h"

enum {
	NAP_US = 500,
	STATUS_EVERY_US = 5 * US_PER_SEC,
	OUT_CAP = 64 * 1024 * 1024,
	OUT_WRITE = 1024 * 1024,
	MAX_RELATIONS = 64,
	MAX_COLUMNS = 1600,
	EPOCH_2000_US_PER_S = 946684800,
};

struct relation {
	uint32_t id;
	struct buf name;
	uint16_t n_columns;
	struct buf columns[MAX_COLUMNS]; /* `"name":`, ready to be copied */
};

struct client {
	PGconn *conn;
	int fd;
	uint64_t end_lsn, seen_lsn, commit_lsn;
	int64_t status_us;
	uint64_t rows, bytes;
	struct buf out;
	struct relation *relations;
	size_t n_relations;
	bool done;
};

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

_noreturn_ _printf_(1, 2) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

#define MUST(cond, what)       \
 do {                          \
  if (UNLIKELY(!(cond)))       \
   die("floor: bad %s", what); \
 } while (0)

static void flush_out(struct client *c)
{
	if (c->out.len == 0)
		return;
	MUST(fs_write_all(c->fd, c->out.ptr, c->out.len) == 0, "output file");
	c->bytes += c->out.len;
	buf_reset(&c->out);
}

static bool needs_escape(unsigned char ch)
{
	return ch < 0x20 || ch == '"' || ch == '\\';
}

static void add_string(struct buf *b, struct ez_view v)
{
	size_t from = 0;

	buf_add_char(b, '"');
	for (size_t i = 0; i < v.len; i++) {
		unsigned char ch = (unsigned char)v.ptr[i];

		if (LIKELY(!needs_escape(ch)))
			continue;
		buf_add(b, v.ptr + from, i - from);
		buf_addf(b, "\\u%04x", ch);
		from = i + 1;
	}
	buf_add(b, v.ptr + from, v.len - from);
	buf_add_char(b, '"');
}

static struct relation *find_relation(struct client *c, uint32_t id)
{
	for (size_t i = 0; i < c->n_relations; i++)
		if (c->relations[i].id == id)
			return &c->relations[i];
	return NULL;
}

static void read_relation(struct client *c, struct wire *w)
{
	struct ez_view schema, name, column;
	struct relation *r;
	uint32_t id, skip32;
	uint8_t skip8;

	MUST(wire_u32(w, &id) && wire_cstr(w, &schema) && wire_cstr(w, &name) &&
		     wire_u8(w, &skip8),
	     "relation");
	r = find_relation(c, id);
	if (!r) {
		MUST(c->n_relations < MAX_RELATIONS, "number of relations");
		r = &c->relations[c->n_relations++];
		r->id = id;
		r->name = BUF_INIT(OUT_CAP);
	}
	buf_reset(&r->name);
	add_string(&r->name, name);
	MUST(wire_u16(w, &r->n_columns) && r->n_columns <= MAX_COLUMNS, "relation");
	for (uint16_t i = 0; i < r->n_columns; i++) {
		MUST(wire_u8(w, &skip8) && wire_cstr(w, &column) &&
			     wire_u32(w, &skip32) && wire_u32(w, &skip32),
		     "column");
		buf_init(&r->columns[i], OUT_CAP);
		if (i > 0)
			buf_add_char(&r->columns[i], ',');
		add_string(&r->columns[i], column);
		buf_add_char(&r->columns[i], ':');
	}
}

static void add_tuple(struct client *c, const struct relation *r, struct wire *w)
{
	struct ez_view v;
	uint32_t len;
	uint16_t n;
	uint8_t kind;

	MUST(wire_u16(w, &n) && n <= r->n_columns, "tuple");
	buf_add_char(&c->out, '{');
	for (uint16_t i = 0; i < n; i++) {
		MUST(wire_u8(w, &kind), "value");
		buf_add(&c->out, r->columns[i].ptr, r->columns[i].len);
		if (kind == 't') {
			MUST(wire_u32(w, &len) && wire_bytes(w, len, &v), "value");
			add_string(&c->out, v);
		} else {
			buf_add_str(&c->out, "null");
		}
	}
	buf_add_char(&c->out, '}');
}

static void write_row(struct client *c, char type, struct wire *w)
{
	const struct relation *r;
	uint32_t id;
	uint8_t kind;

	MUST(wire_u32(w, &id), "change");
	r = find_relation(c, id);
	MUST(r != NULL, "relation of a change");
	buf_addf(&c->out, "{\"op\":\"%c\",\"table\":", type);
	buf_add(&c->out, r->name.ptr, r->name.len);
	buf_addf(&c->out, ",\"lsn\":%" PRIu64, c->commit_lsn);
	while (wire_u8(w, &kind)) {
		buf_add_str(&c->out, kind == 'N' ? ",\"after\":" : ",\"before\":");
		add_tuple(c, r, w);
	}
	buf_add_str(&c->out, "}\n");
	MUST(buf_ok(&c->out), "amount of output");
	c->rows++;
	if (c->out.len >= OUT_WRITE)
		flush_out(c);
}

static void read_change(struct client *c, struct wire *w)
{
	uint64_t lsn, end;
	uint8_t type, flags;

	MUST(wire_u8(w, &type), "message");
	switch (type) {
	case 'B':
		MUST(wire_u64(w, &c->commit_lsn), "begin");
		break;
	case 'C':
		MUST(wire_u8(w, &flags) && wire_u64(w, &lsn) && wire_u64(w, &end),
		     "commit");
		c->seen_lsn = end;
		break;
	case 'R':
		read_relation(c, w);
		break;
	case 'I':
	case 'U':
	case 'D':
		write_row(c, (char)type, w);
		break;
	default:
		break;
	}
}

static void send_status(struct client *c)
{
	char msg[34] = { 'r' };
	uint64_t lsn = htobe64(c->seen_lsn);
	uint64_t now =
		htobe64((uint64_t)(now_us() - (int64_t)EPOCH_2000_US_PER_S * US_PER_SEC));

	for (size_t at = 1; at <= 17; at += 8)
		memcpy(msg + at, &lsn, sizeof(lsn));
	memcpy(msg + 25, &now, sizeof(now));
	MUST(PQputCopyData(c->conn, msg, sizeof(msg)) == 1 && PQflush(c->conn) >= 0,
	     "status");
	c->status_us = mono_us();
}

static void read_message(struct client *c, const char *data, size_t len)
{
	struct wire w = wire_of(data, len);
	uint64_t start, end, time;
	uint8_t type, reply;

	MUST(wire_u8(&w, &type), "message");
	if (type == 'w') {
		MUST(wire_u64(&w, &start) && wire_u64(&w, &end) && wire_u64(&w, &time),
		     "data message");
		read_change(c, &w);
	} else if (type == 'k') {
		MUST(wire_u64(&w, &end) && wire_u64(&w, &time) && wire_u8(&w, &reply),
		     "keepalive");
		if (end > c->seen_lsn)
			c->seen_lsn = end;
		if (reply)
			send_status(c);
	}
	c->done = c->end_lsn > 0 && c->seen_lsn >= c->end_lsn;
}

/* All that has come; false if that was nothing. */
static bool drain(struct client *c)
{
	bool any = false;
	char *data;
	int len = 0;

	MUST(PQconsumeInput(c->conn) == 1, "connection");
	while (!c->done && (len = PQgetCopyData(c->conn, &data, 1)) > 0) {
		read_message(c, data, (size_t)len);
		PQfreemem(data);
		any = true;
	}
	MUST(c->done || len == 0, PQerrorMessage(c->conn));
	return any;
}

/* Everything that is there: libpq takes no more than its buffer holds at a time. */
static bool drain_all(struct client *c)
{
	bool any = false;

	while (!c->done && drain(c))
		any = true;
	return any;
}

static void stream(struct client *c)
{
	struct pollfd p = { .fd = PQsocket(c->conn), .events = POLLIN };

	while (!c->done && !stop) {
		if (drain_all(c)) {
			/* Whoever reads along must not wait for the buffer to fill. */
			if (c->end_lsn == 0)
				flush_out(c);
			else
				sleep_us(NAP_US);
		} else {
			flush_out(c);
			(void)poll(&p, 1, 1000);
		}
		if (mono_us() - c->status_us > STATUS_EVERY_US)
			send_status(c);
	}
	flush_out(c);
	send_status(c);
}

static void start(struct client *c, const char *conninfo, const char *slot,
		  const char *pub)
{
	_cleanup_(freep) char *full = xasprintf("%s replication=database", conninfo);
	_cleanup_(freep) char *sql =
		xasprintf("START_REPLICATION SLOT %s LOGICAL 0/0 (proto_version '1', "
			  "publication_names '%s')",
			  slot, pub);
	PGresult *res;

	c->conn = PQconnectdb(full);
	if (PQstatus(c->conn) != CONNECTION_OK)
		die("floor: %s", PQerrorMessage(c->conn));
	res = PQexec(c->conn, sql);
	if (PQresultStatus(res) != PGRES_COPY_BOTH)
		die("floor: %s", PQerrorMessage(c->conn));
	PQclear(res);
}

int main(int argc, char **argv)
{
	struct client c = { .out = BUF_INIT(OUT_CAP) };
	struct sigaction sa = { .sa_handler = on_term };
	unsigned high, low;

	if (argc != 6 || sscanf(argv[4], "%X/%X", &high, &low) != 2)
		die("usage: floor CONNINFO SLOT PUBLICATION END_LSN FILE");
	c.end_lsn = (uint64_t)high << 32 | low;
	c.fd = open(argv[5], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (c.fd < 0)
		die("floor: cannot open %s", argv[5]);
	c.relations = xcalloc(MAX_RELATIONS, sizeof(*c.relations));
	(void)sigaction(SIGTERM, &sa, NULL);
	start(&c, argv[1], argv[2], argv[3]);
	stream(&c);
	printf("%" PRIu64 " rows %" PRIu64 " bytes\n", c.rows, c.bytes);
	PQfinish(c.conn);
	for (size_t i = 0; i < c.n_relations; i++) {
		for (uint16_t k = 0; k < c.relations[i].n_columns; k++)
			buf_release(&c.relations[i].columns[k]);
		buf_release(&c.relations[i].name);
	}
	free(c.relations);
	buf_release(&c.out);
	return close(c.fd) != 0;
}
