/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "mysql_wire.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/socket.h>

#include "base/list.h"

enum {
	PART_HEADER = 4,
	CHARSET_UTF8 = 33,
	CHARSET_BINARY = 63,
	STATUS_AUTOCOMMIT = 2,
	OUT_CAP = 1 << 30,
};

void mysql_link_init(struct mysql_link *l, int fd)
{
	*l = (struct mysql_link){
		.fd = fd,
		.in = BUF_INIT(MYSQL_PACKET_CAP),
		.out = BUF_INIT(OUT_CAP),
	};
}

void mysql_link_release(struct mysql_link *l)
{
	buf_release(&l->in);
	buf_release(&l->out);
}

static bool read_all(int fd, void *to, size_t n)
{
	char *p = to;

	while (n > 0) {
		ssize_t got = recv(fd, p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static bool read_part(struct mysql_link *l, size_t *ret_len)
{
	uint8_t head[PART_HEADER];
	size_t len;
	char *to;

	if (!read_all(l->fd, head, sizeof(head)))
		return false;
	len = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
	if (head[3] != l->sequence)
		return false;
	l->sequence++;
	to = buf_reserve(&l->in, len);
	if (!to || !read_all(l->fd, to, len))
		return false;
	buf_advance(&l->in, len);
	*ret_len = len;
	return true;
}

bool mysql_read(struct mysql_link *l, struct ez_view *ret_packet)
{
	size_t len;

	buf_reset(&l->in);
	do {
		if (!read_part(l, &len))
			return false;
	} while (len == MYSQL_PART_MAX);
	*ret_packet = buf_view(&l->in);
	return true;
}

void mysql_command_begin(struct mysql_link *l)
{
	l->sequence = 0;
}

void mysql_begin(struct mysql_link *l)
{
	l->part_at = l->out.len;
	buf_add(&l->out, "\0\0\0\0", PART_HEADER);
}

static void fill_head(struct mysql_link *l, size_t at, size_t len)
{
	uint8_t head[PART_HEADER] = {
		(uint8_t)len,
		(uint8_t)(len >> 8),
		(uint8_t)(len >> 16),
		l->sequence++,
	};

	memcpy(l->out.ptr + at, head, sizeof(head));
}

/* Makes room for the header of the next part, behind the part that begins at `at`. */
static void cut_part(struct mysql_link *l, size_t at, size_t len)
{
	size_t tail = l->out.len - at - PART_HEADER - len;
	char *from;

	if (!buf_reserve(&l->out, PART_HEADER))
		return;
	from = l->out.ptr + at + PART_HEADER + len;
	memmove(from + PART_HEADER, from, tail);
	buf_advance(&l->out, PART_HEADER);
}

void mysql_end(struct mysql_link *l)
{
	for (;;) {
		size_t len = l->out.len - l->part_at - PART_HEADER;

		if (!buf_ok(&l->out))
			return;
		if (len < MYSQL_PART_MAX) {
			fill_head(l, l->part_at, len);
			return;
		}
		cut_part(l, l->part_at, MYSQL_PART_MAX);
		fill_head(l, l->part_at, MYSQL_PART_MAX);
		l->part_at += PART_HEADER + MYSQL_PART_MAX;
	}
}

bool mysql_flush(struct mysql_link *l)
{
	const char *p = l->out.ptr;
	size_t n = l->out.len;
	bool whole = buf_ok(&l->out);

	while (whole && n > 0) {
		ssize_t put = send(l->fd, p, n, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			break;
		p += put;
		n -= (size_t)put;
	}
	buf_reset(&l->out);
	return whole && n == 0;
}

/* ----------------------------------------------------------------- pieces */

void mysql_add_u16(struct buf *b, uint16_t v)
{
	uint8_t bytes[] = { (uint8_t)v, (uint8_t)(v >> 8) };

	buf_add(b, bytes, sizeof(bytes));
}

void mysql_add_u32(struct buf *b, uint32_t v)
{
	mysql_add_u16(b, (uint16_t)v);
	mysql_add_u16(b, (uint16_t)(v >> 16));
}

void mysql_add_lenenc(struct buf *b, uint64_t v)
{
	if (v < 251) {
		buf_add_char(b, (char)v);
	} else if (v <= UINT16_MAX) {
		buf_add_char(b, (char)0xfc);
		mysql_add_u16(b, (uint16_t)v);
	} else if (v <= MYSQL_PART_MAX) {
		buf_add_char(b, (char)0xfd);
		mysql_add_u16(b, (uint16_t)v);
		buf_add_char(b, (char)(v >> 16));
	} else {
		buf_add_char(b, (char)0xfe);
		mysql_add_u32(b, (uint32_t)v);
		mysql_add_u32(b, (uint32_t)(v >> 32));
	}
}

void mysql_add_lenenc_view(struct buf *b, struct ez_view v)
{
	mysql_add_lenenc(b, v.len);
	buf_add_view(b, v);
}

static bool get_le(struct wire *w, size_t n, uint64_t *ret_v)
{
	struct ez_view bytes;
	uint64_t v = 0;

	if (!wire_bytes(w, n, &bytes))
		return false;
	for (size_t i = n; i-- > 0;)
		v = v << 8 | (uint8_t)bytes.ptr[i];
	*ret_v = v;
	return true;
}

bool mysql_get_u32(struct wire *w, uint32_t *ret_v)
{
	uint64_t v;

	if (!get_le(w, 4, &v))
		return false;
	*ret_v = (uint32_t)v;
	return true;
}

bool mysql_get_lenenc(struct wire *w, uint64_t *ret_v)
{
	struct wire start = *w;
	uint8_t first;
	size_t n;

	if (!wire_u8(w, &first))
		return false;
	if (first < 251) {
		*ret_v = first;
		return true;
	}
	n = first == 0xfc ? 2 : first == 0xfd ? 3 : first == 0xfe ? 8 : 0;
	if (n > 0 && get_le(w, n, ret_v))
		return true;
	*w = start;
	return false;
}

/* ---------------------------------------------------------------- packets */

void mysql_send_greeting(struct mysql_link *l, const struct mysql_greeting *g)
{
	const uint32_t can = MYSQL_CAN_LONG_PASSWORD | MYSQL_CAN_LONG_FLAG |
			     MYSQL_CAN_CONNECT_WITH_DB | MYSQL_CAN_PROTOCOL_41 |
			     MYSQL_CAN_SECURE_CONNECTION | MYSQL_CAN_PLUGIN_AUTH;
	struct buf *b = &l->out;

	mysql_begin(l);
	buf_add_char(b, 10);
	buf_add(b, g->version, strlen(g->version) + 1);
	mysql_add_u32(b, g->connection_id);
	buf_add(b, g->scramble, 8);
	buf_add_char(b, 0);
	mysql_add_u16(b, (uint16_t)can);
	buf_add_char(b, CHARSET_UTF8);
	mysql_add_u16(b, STATUS_AUTOCOMMIT);
	mysql_add_u16(b, (uint16_t)(can >> 16));
	buf_add_char(b, MYSQL_SCRAMBLE_LEN + 1);
	buf_add(b, "\0\0\0\0\0\0\0\0\0\0", 10);
	buf_add(b, g->scramble + 8, MYSQL_SCRAMBLE_LEN - 8);
	buf_add_char(b, 0);
	buf_add(b, g->plugin, strlen(g->plugin) + 1);
	mysql_end(l);
}

void mysql_send_auth_switch(struct mysql_link *l, const char *plugin,
			    const uint8_t *scramble)
{
	struct buf *b = &l->out;

	mysql_begin(l);
	buf_add_char(b, (char)0xfe);
	buf_add(b, plugin, strlen(plugin) + 1);
	buf_add(b, scramble, MYSQL_SCRAMBLE_LEN);
	buf_add_char(b, 0);
	mysql_end(l);
}

void mysql_send_ok(struct mysql_link *l, uint64_t affected)
{
	struct buf *b = &l->out;

	mysql_begin(l);
	buf_add_char(b, 0);
	mysql_add_lenenc(b, affected);
	mysql_add_lenenc(b, 0);
	mysql_add_u16(b, STATUS_AUTOCOMMIT);
	mysql_add_u16(b, 0);
	mysql_end(l);
}

void mysql_send_error(struct mysql_link *l, unsigned code, const char *state,
		      struct ez_view text)
{
	struct buf *b = &l->out;

	mysql_begin(l);
	buf_add_char(b, (char)0xff);
	mysql_add_u16(b, (uint16_t)code);
	buf_add_char(b, '#');
	buf_add(b, state, MIN(strlen(state), (size_t)5));
	buf_add_view(b, text);
	mysql_end(l);
}

static void send_eof(struct mysql_link *l)
{
	mysql_begin(l);
	buf_add_char(&l->out, (char)0xfe);
	mysql_add_u16(&l->out, 0);
	mysql_add_u16(&l->out, STATUS_AUTOCOMMIT);
	mysql_end(l);
}

static uint32_t display_length(enum sql_column_type type)
{
	switch (type) {
	case SQL_MYSQL_TINY:
		return 4;
	case SQL_MYSQL_SHORT:
		return 6;
	case SQL_MYSQL_LONG:
		return 11;
	case SQL_MYSQL_LONGLONG:
		return 20;
	default:
		return 1048576;
	}
}

static void send_column(struct mysql_link *l, const struct sql_column *c)
{
	bool is_text = c->type == SQL_MYSQL_VAR_STRING || c->type == SQL_MYSQL_STRING;
	struct buf *b = &l->out;

	mysql_begin(l);
	mysql_add_lenenc_view(b, VIEW("def"));
	for (int i = 0; i < 3; i++)
		mysql_add_lenenc(b, 0);
	mysql_add_lenenc_view(b, c->name);
	mysql_add_lenenc_view(b, c->name);
	mysql_add_lenenc(b, 12);
	mysql_add_u16(b, is_text ? CHARSET_UTF8 : CHARSET_BINARY);
	mysql_add_u32(b, display_length(c->type));
	buf_add_char(b, (char)c->type);
	mysql_add_u16(b, 0);
	buf_add_char(b, 0);
	mysql_add_u16(b, 0);
	mysql_end(l);
}

static void send_rows(struct mysql_link *l, struct sql_result *r)
{
	mysql_begin(l);
	mysql_add_lenenc(&l->out, r->n_columns);
	mysql_end(l);
	for (size_t i = 0; i < r->n_columns; i++)
		send_column(l, &r->columns[i]);
	send_eof(l);
	list_for_each(at, &r->rows) {
		const struct sql_row *row = LIST_OF(at, struct sql_row, link);

		mysql_begin(l);
		for (size_t i = 0; i < r->n_columns; i++) {
			if (row->cells[i].ptr)
				mysql_add_lenenc_view(&l->out, row->cells[i]);
			else
				buf_add_char(&l->out, (char)0xfb);
		}
		mysql_end(l);
	}
	send_eof(l);
}

void mysql_send_result(struct mysql_link *l, struct sql_result *r)
{
	switch (r->kind) {
	case SQL_RESULT_OK:
		mysql_send_ok(l, r->affected);
		break;
	case SQL_RESULT_ERROR:
		mysql_send_error(l, r->code, r->state, r->text);
		break;
	case SQL_RESULT_ROWS:
		send_rows(l, r);
		break;
	}
}

/* ------------------------------------------------------------------ login */

static bool parse_auth(struct wire *w, struct mysql_login *login)
{
	uint64_t len;
	uint8_t short_len;

	if (login->capabilities & MYSQL_CAN_LENENC_AUTH)
		return mysql_get_lenenc(w, &len) && len <= wire_left(w) &&
		       wire_bytes(w, (size_t)len, &login->auth);
	if (login->capabilities & MYSQL_CAN_SECURE_CONNECTION)
		return wire_u8(w, &short_len) && wire_bytes(w, short_len, &login->auth);
	return wire_cstr(w, &login->auth);
}

bool mysql_login_parse(struct ez_view packet, struct mysql_login *ret_login)
{
	struct wire w = wire_of_view(packet);
	struct mysql_login login = { .capabilities = 0 };

	/* Then the largest packet, the character set, and 23 bytes for later use. */
	if (!mysql_get_u32(&w, &login.capabilities) || !wire_skip(&w, 4 + 1 + 23))
		return false;
	if (!(login.capabilities & MYSQL_CAN_PROTOCOL_41) ||
	    (login.capabilities & MYSQL_CAN_SSL))
		return false;
	if (!wire_cstr(&w, &login.user) || !parse_auth(&w, &login))
		return false;
	if ((login.capabilities & MYSQL_CAN_CONNECT_WITH_DB) && wire_left(&w) > 0 &&
	    !wire_cstr(&w, &login.database))
		return false;
	if ((login.capabilities & MYSQL_CAN_PLUGIN_AUTH) && wire_left(&w) > 0 &&
	    !wire_cstr(&w, &login.plugin))
		return false;
	*ret_login = login;
	return true;
}

/* ------------------------------------------------------------------- auth */

void mysql_native_hash(struct ez_view password, const uint8_t *scramble,
		       uint8_t ret_hash[MYSQL_HASH_LEN])
{
	uint8_t once[MYSQL_HASH_LEN], mix[MYSQL_SCRAMBLE_LEN + MYSQL_HASH_LEN];

	SHA1((const uint8_t *)password.ptr, password.len, once);
	memcpy(mix, scramble, MYSQL_SCRAMBLE_LEN);
	SHA1(once, sizeof(once), mix + MYSQL_SCRAMBLE_LEN);
	SHA1(mix, sizeof(mix), ret_hash);
	for (size_t i = 0; i < MYSQL_HASH_LEN; i++)
		ret_hash[i] ^= once[i];
}

bool mysql_native_is_right(struct ez_view password, const uint8_t *scramble,
			   struct ez_view auth)
{
	uint8_t want[MYSQL_HASH_LEN];

	if (password.len == 0)
		return auth.len == 0;
	mysql_native_hash(password, scramble, want);
	return view_eq(auth, view_of(want, sizeof(want)));
}
