/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/view.h"
#include "messages.h"
#include "plugins/pgoutput/protocol.h"
#include "run.h"

static struct buf b;

static void setup(void)
{
	b = BUF_INIT(1 << 20);
}

/* A cursor behind the type byte, and the xid if there is one. */
static struct wire behind(size_t n)
{
	return wire_of(b.ptr + n, b.len - n);
}

START_TEST(xlogdata_and_keepalive)
{
	struct protocol_xlogdata x;
	struct protocol_keepalive k;
	struct wire w;

	setup();
	msg_xlogdata(&b, 0x1122334455667788);
	w = behind(1);
	ck_assert(protocol_xlogdata(&w, &x));
	ck_assert_uint_eq(x.start_lsn, 0x1122334455667788);
	ck_assert_int_eq(x.time_us, INT64_C(946684800000000));
	ck_assert_uint_eq(wire_left(&w), 0);
	ck_assert_uint_eq(b.len, PROTOCOL_XLOGDATA_BYTES);

	buf_reset(&b);
	msg_keepalive(&b, 77, true);
	w = behind(1);
	ck_assert(protocol_keepalive(&w, &k));
	ck_assert_uint_eq(k.end_lsn, 77);
	ck_assert(k.reply_requested);
	buf_release(&b);
}
END_TEST

START_TEST(a_status_has_the_bytes_that_the_server_expects)
{
	struct protocol_status s = { .received_lsn = 0x0102030405060708,
				     .flushed_lsn = 0x1112131415161718,
				     .time_us = INT64_C(946684800000000) + 0x2122,
				     .request_reply = true };
	static const unsigned char want[PROTOCOL_STATUS_BYTES] = {
		'r',  1,    2,    3,    4,    5,    6,    7,    8,    0x11, 0x12, 0x13,
		0x14, 0x15, 0x16, 0x17, 0x18, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
		0x18, 0,    0,    0,    0,    0,    0,    0x21, 0x22, 1
	};
	char got[PROTOCOL_STATUS_BYTES];

	protocol_status_format(&s, got);
	ck_assert_mem_eq(got, want, sizeof(want));
}
END_TEST

START_TEST(begin_and_commit)
{
	struct protocol_begin begin;
	struct protocol_commit c;
	struct wire w;

	setup();
	msg_begin(&b, 0x500, 1000001, 742);
	w = behind(1);
	ck_assert(protocol_begin(&w, &begin));
	ck_assert_uint_eq(begin.final_lsn, 0x500);
	ck_assert_uint_eq(begin.xid, 742);
	ck_assert_int_eq(begin.time_us, INT64_C(946684801000001));

	buf_reset(&b);
	msg_commit(&b, 0x500, 0x530, 5);
	w = behind(1);
	ck_assert(protocol_commit(&w, &c));
	ck_assert_uint_eq(c.commit_lsn, 0x500);
	ck_assert_uint_eq(c.end_lsn, 0x530);

	buf_reset(&b);
	msg_stream_commit(&b, 99, 0x500, 0x530, 5);
	w = behind(1);
	ck_assert(protocol_stream_commit(&w, &c));
	ck_assert_uint_eq(c.xid, 99);
	ck_assert_uint_eq(c.end_lsn, 0x530);
	buf_release(&b);
}
END_TEST

START_TEST(a_commit_that_ends_before_it_began_is_refused)
{
	struct protocol_commit c;
	struct wire w;

	setup();
	msg_commit(&b, 0x530, 0x500, 5);
	w = behind(1);
	ck_assert(!protocol_commit(&w, &c));
	buf_release(&b);
}
END_TEST

START_TEST(a_relation_with_its_columns)
{
	struct protocol_relation r;
	struct protocol_column c;
	struct wire w;

	setup();
	msg_relation(&b, 0, 16385, "orders", 'd', "id:23:k note:25");
	w = behind(1);
	ck_assert(protocol_relation(&w, &r));
	ck_assert_uint_eq(wire_left(&w), 0);
	ck_assert_uint_eq(r.oid, 16385);
	ck_assert(view_eq(r.schema, VIEW("public")) && view_eq(r.name, VIEW("orders")));
	ck_assert_int_eq(r.identity, 'd');
	ck_assert_uint_eq(r.n_columns, 2);
	ck_assert(protocol_column(&r.columns, &c));
	ck_assert(view_eq(c.name, VIEW("id")) && c.is_identity && c.type == 23 &&
		  c.type_mod == -1);
	ck_assert(protocol_column(&r.columns, &c));
	ck_assert(view_eq(c.name, VIEW("note")) && !c.is_identity && c.type == 25);
	ck_assert(!protocol_column(&r.columns, &c));
	buf_release(&b);
}
END_TEST

START_TEST(a_relation_without_columns)
{
	struct protocol_relation r;
	struct wire w;

	setup();
	msg_relation(&b, 0, 1, "bare", 'n', "");
	w = behind(1);
	ck_assert(protocol_relation(&w, &r));
	ck_assert_uint_eq(r.n_columns, 0);
	ck_assert_uint_eq(wire_left(&r.columns), 0);
	buf_release(&b);
}
END_TEST

START_TEST(a_tuple_becomes_cells)
{
	struct ez_cell cells[4];
	struct wire w;

	setup();
	msg_tuple(&b, 'N', MSG_ROW("abc", NULL, MSG_UNCHANGED, ""));
	w = behind(3);
	ck_assert(protocol_tuple(&w, cells, 4));
	ck_assert_uint_eq(wire_left(&w), 0);
	ck_assert_uint_eq(cells[0].kind, EZ_CELL_TEXT);
	ck_assert(cells[0].len == 3 && memcmp(cells[0].ptr, "abc", 3) == 0);
	ck_assert_uint_eq(cells[1].kind, EZ_CELL_NULL);
	ck_assert_uint_eq(cells[2].kind, EZ_CELL_UNCHANGED);
	ck_assert_uint_eq(cells[3].kind, EZ_CELL_TEXT);
	ck_assert_uint_eq(cells[3].len, 0);
	buf_release(&b);
}
END_TEST

START_TEST(a_binary_value_is_refused)
{
	static const char binary[] = "b\0\0\0\1x";
	struct wire w = wire_of(binary, sizeof(binary) - 1);
	struct ez_cell cell;

	ck_assert(!protocol_tuple(&w, &cell, 1));
}
END_TEST

START_TEST(a_length_beyond_the_end_is_refused)
{
	static const char lies[] = "t\xff\xff\xff\xffx";
	struct wire w = wire_of(lies, sizeof(lies) - 1);
	struct ez_cell cell;

	ck_assert(!protocol_tuple(&w, &cell, 1));
}
END_TEST

START_TEST(truncate_counts_are_checked_before_anything_is_read)
{
	struct protocol_truncate t;
	struct wire w;

	setup();
	msg_truncate(&b, 0, 3, (const uint32_t[]){ 7, 8 }, 2);
	w = behind(1);
	ck_assert(protocol_truncate(&w, &t));
	ck_assert(t.n_relations == 2 && t.cascade && t.restart_identity);
	ck_assert_uint_eq(wire_left(&t.oids), 8);

	b.ptr[1] = 0x40; /* 2^30 relations in 8 bytes: times 4 it overflows 32 bits */
	w = behind(1);
	ck_assert(!protocol_truncate(&w, &t));
	buf_release(&b);
}
END_TEST

START_TEST(a_logical_message)
{
	struct protocol_message m;
	struct wire w;

	setup();
	msg_message(&b, 0, true, 0x99, "pre", "content");
	w = behind(1);
	ck_assert(protocol_message(&w, &m));
	ck_assert(m.transactional && m.lsn == 0x99);
	ck_assert(view_eq(m.prefix, VIEW("pre")) && view_eq(m.content, VIEW("content")));
	buf_release(&b);
}
END_TEST

START_TEST(stream_messages)
{
	struct protocol_stream_start start;
	struct protocol_stream_abort a;
	struct wire w;

	setup();
	msg_stream_start(&b, 12, true);
	w = behind(1);
	ck_assert(protocol_stream_start(&w, &start));
	ck_assert(start.xid == 12 && start.first);

	buf_reset(&b);
	msg_stream_abort(&b, 12, 13);
	w = behind(1);
	ck_assert(protocol_stream_abort(&w, &a));
	ck_assert(a.xid == 12 && a.subxid == 13);

	msg_u64(&b, 1); /* as for parallel appliers */
	msg_u64(&b, 2);
	w = behind(1);
	ck_assert(protocol_stream_abort(&w, &a));
	ck_assert_uint_eq(wire_left(&w), 0);
	b.len -= 3;
	w = behind(1);
	ck_assert(!protocol_stream_abort(&w, &a));
	buf_release(&b);
}
END_TEST

/* Parses whatever it is with every parser that could be meant. */
static bool parse(uint8_t type, struct wire *w)
{
	union {
		struct protocol_begin begin;
		struct protocol_commit commit;
		struct protocol_relation relation;
		struct protocol_truncate truncate;
		struct protocol_message message;
		struct protocol_stream_start start;
		struct protocol_stream_abort abort;
	} u;

	switch (type) {
	case 'B':
		return protocol_begin(w, &u.begin);
	case 'C':
		return protocol_commit(w, &u.commit);
	case 'O':
		return protocol_origin(w);
	case 'R':
		return protocol_relation(w, &u.relation);
	case 'Y':
		return protocol_type(w);
	case 'T':
		return protocol_truncate(w, &u.truncate);
	case 'M':
		return protocol_message(w, &u.message);
	case 'S':
		return protocol_stream_start(w, &u.start);
	case 'c':
		return protocol_stream_commit(w, &u.commit);
	default:
		return protocol_stream_abort(w, &u.abort);
	}
}

static void build(int which)
{
	buf_reset(&b);
	switch (which) {
	case 0:
		msg_begin(&b, 1, 2, 3);
		break;
	case 1:
		msg_commit(&b, 1, 2, 3);
		break;
	case 2:
		msg_origin(&b, 1, "somewhere");
		break;
	case 3:
		msg_relation(&b, 0, 1, "t", 'd', "a:1:k b:2 c:3");
		break;
	case 4:
		msg_type(&b, 0, 1, "mood");
		break;
	case 5:
		msg_truncate(&b, 0, 1, (const uint32_t[]){ 1, 2, 3 }, 3);
		break;
	case 6:
		msg_message(&b, 0, true, 1, "p", "content");
		break;
	case 7:
		msg_stream_start(&b, 1, true);
		break;
	case 8:
		msg_stream_commit(&b, 1, 2, 3, 4);
		break;
	default:
		msg_stream_abort(&b, 1, 2);
		break;
	}
}

START_TEST(every_message_that_is_cut_short_is_refused)
{
	setup();
	for (int which = 0; which < 10; which++) {
		struct wire w;

		build(which);
		w = behind(1);
		ck_assert_msg(parse((uint8_t)b.ptr[0], &w), "message %d", which);
		ck_assert_uint_eq(wire_left(&w), 0);
		for (size_t n = 1; n < b.len; n++) {
			/* Exactly n bytes on the heap: a read behind them is seen. */
			char *cut = malloc(n);

			memcpy(cut, b.ptr, n);
			w = wire_of(cut + 1, n - 1);
			ck_assert_msg(!parse((uint8_t)cut[0], &w),
				      "message %d, %zu bytes", which, n);
			free(cut);
		}
	}
	buf_release(&b);
}
END_TEST

START_TEST(types_have_names)
{
	ck_assert_str_eq(protocol_type_to_str('I'), "insert");
	ck_assert_str_eq(protocol_type_to_str('p'), "stream prepare");
	ck_assert_str_eq(protocol_type_to_str('?'), "unknown");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("protocol");

	ADD_TESTS(s, "messages", xlogdata_and_keepalive,
		  a_status_has_the_bytes_that_the_server_expects, begin_and_commit,
		  a_relation_with_its_columns, a_relation_without_columns,
		  a_tuple_becomes_cells, a_logical_message, stream_messages,
		  types_have_names);
	ADD_TESTS(s, "malformed", a_commit_that_ends_before_it_began_is_refused,
		  a_binary_value_is_refused, a_length_beyond_the_end_is_refused,
		  truncate_counts_are_checked_before_anything_is_read,
		  every_message_that_is_cut_short_is_refused);
	return run_tests(s);
}
