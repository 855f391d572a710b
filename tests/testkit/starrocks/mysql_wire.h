/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_MYSQL_WIRE_H
#define STARROCKS_MYSQL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"
#include "base/wire.h"
#include "sql_result.h"

/*
 * The MySQL protocol, server side: packets, handshake, answers. Written from the public
 * description of the protocol; nothing here knows StarRocks or SQL.
 *
 * A link is one connection. A packet on the wire is at most 2^24 - 1 bytes; longer ones
 * travel in parts, the last shorter than that, and mysql_read joins them again. Packets
 * to send are laid into `out` with mysql_begin .. mysql_end, which cuts them up, and go
 * out with mysql_flush. Numbers are little-endian, unlike those of base/wire.h, whose
 * cursor is used for its bounds.
 *
 * One thread owns a link. Errors are false: the peer is gone, or what it said is no
 * MySQL; the connection is closed then, there is nothing to repair.
 */

enum {
	MYSQL_PART_MAX = 0xffffff,
	MYSQL_PACKET_CAP = 64 * 1024 * 1024, /* joined; more is refused */
	MYSQL_SCRAMBLE_LEN = 20,
	MYSQL_HASH_LEN = 20,
};

/* Capabilities that this server knows of. */
enum {
	MYSQL_CAN_LONG_PASSWORD = 1 << 0,
	MYSQL_CAN_LONG_FLAG = 1 << 2,
	MYSQL_CAN_CONNECT_WITH_DB = 1 << 3,
	MYSQL_CAN_PROTOCOL_41 = 1 << 9,
	MYSQL_CAN_SSL = 1 << 11,
	MYSQL_CAN_SECURE_CONNECTION = 1 << 15,
	MYSQL_CAN_PLUGIN_AUTH = 1 << 19,
	MYSQL_CAN_LENENC_AUTH = 1 << 21,
};

/* The first byte of a command. */
enum {
	MYSQL_COM_QUIT = 1,
	MYSQL_COM_INIT_DB = 2,
	MYSQL_COM_QUERY = 3,
	MYSQL_COM_FIELD_LIST = 4,
	MYSQL_COM_PING = 14,
	MYSQL_COM_CHANGE_USER = 17,
	MYSQL_COM_STMT_PREPARE = 22,
	MYSQL_COM_RESET_CONNECTION = 31,
};

struct mysql_link {
	int fd;
	uint8_t sequence;
	struct buf in, out;
	size_t part_at; /* in `out`, where the packet being laid in begins */
};

/* Borrows the descriptor. */
void mysql_link_init(struct mysql_link *l, int fd);
void mysql_link_release(struct mysql_link *l);

/* The next packet, joined; the view lasts until the next read. */
_must_check_ bool mysql_read(struct mysql_link *l, struct ez_view *ret_packet);

/* A new command begins: numbers of packets start again. */
void mysql_command_begin(struct mysql_link *l);

void mysql_begin(struct mysql_link *l);
void mysql_end(struct mysql_link *l);
_must_check_ bool mysql_flush(struct mysql_link *l);

/* Pieces of a packet. */
void mysql_add_u16(struct buf *b, uint16_t v);
void mysql_add_u32(struct buf *b, uint32_t v);
void mysql_add_lenenc(struct buf *b, uint64_t v);
void mysql_add_lenenc_view(struct buf *b, struct ez_view v);

_must_check_ bool mysql_get_u32(struct wire *w, uint32_t *ret_v);
_must_check_ bool mysql_get_lenenc(struct wire *w, uint64_t *ret_v);

/* Whole packets and answers; a result goes with everything that belongs to it. */
struct mysql_greeting {
	const char *version;
	uint32_t connection_id;
	const uint8_t *scramble; /* MYSQL_SCRAMBLE_LEN, without NUL bytes */
	const char *plugin;
};

void mysql_send_greeting(struct mysql_link *l, const struct mysql_greeting *g);
void mysql_send_auth_switch(struct mysql_link *l, const char *plugin,
			    const uint8_t *scramble);
void mysql_send_ok(struct mysql_link *l, uint64_t affected);
void mysql_send_error(struct mysql_link *l, unsigned code, const char *state,
		      struct ez_view text);
void mysql_send_result(struct mysql_link *l, struct sql_result *r);

/* What a client answers to the greeting; views into the packet. */
struct mysql_login {
	uint32_t capabilities;
	struct ez_view user, auth, database, plugin;
};

_must_check_ bool mysql_login_parse(struct ez_view packet, struct mysql_login *ret_login);

/* mysql_native_password: what a client that knows `password` sends for `scramble`. */
void mysql_native_hash(struct ez_view password, const uint8_t *scramble,
		       uint8_t ret_hash[MYSQL_HASH_LEN]);

/* Whether `auth` is that; an empty password goes with an empty answer. */
_must_check_ bool mysql_native_is_right(struct ez_view password, const uint8_t *scramble,
					struct ez_view auth);

#endif
