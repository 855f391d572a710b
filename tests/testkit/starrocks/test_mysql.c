/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "mysql_wire.h"
#include "mysqltest.h"

/* ----------------------------------------------------------------- pieces */

static struct buf out_of(uint64_t v)
{
	struct buf b = BUF_INIT(16);

	mysql_add_lenenc(&b, v);
	return b;
}

START_TEST(lengths_are_encoded_in_four_sizes)
{
	static const struct {
		uint64_t v;
		size_t len;
	} cases[] = {
		{ 0, 1 },     { 250, 1 },      { 251, 3 },       { 65535, 3 },
		{ 65536, 4 }, { 0xffffff, 4 }, { 0x1000000, 9 }, { UINT64_MAX, 9 }
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = out_of(cases[i].v);
		struct wire w = wire_of_view(buf_view(&b)),
			    cut = wire_of(b.ptr, b.len - 1);
		uint64_t back;

		ck_assert_uint_eq(b.len, cases[i].len);
		ck_assert(!mysql_get_lenenc(&cut, &back));
		ck_assert(mysql_get_lenenc(&w, &back));
		ck_assert(back == cases[i].v && wire_left(&w) == 0);
		buf_release(&b);
	}
}
END_TEST

START_TEST(passwords_are_checked_by_their_hash)
{
	const uint8_t *scramble = (const uint8_t *)"abcdefghijklmnopqrst";
	uint8_t hash[MYSQL_HASH_LEN];

	mysql_native_hash(VIEW("secret"), scramble, hash);
	ck_assert(mysql_native_is_right(VIEW("secret"), scramble, view_of(hash, 20)));
	ck_assert(!mysql_native_is_right(VIEW("Secret"), scramble, view_of(hash, 20)));
	ck_assert(!mysql_native_is_right(VIEW("secret"), scramble, view_of(hash, 19)));
	ck_assert(!mysql_native_is_right(VIEW("secret"), scramble, view_of("", 0)));
	ck_assert(!mysql_native_is_right(VIEW(""), scramble, view_of(hash, 20)));
	ck_assert(mysql_native_is_right(VIEW(""), scramble, view_of("", 0)));
}
END_TEST

/* ----------------------------------------------------- a client of our own */

struct client {
	struct mysql_link link;
	uint8_t scramble[MYSQL_SCRAMBLE_LEN];
};

static void client_begin(struct client *k, struct mysqltest *m)
{
	struct ez_view greeting;

	mysql_link_init(&k->link, mysqltest_socket(m));
	ck_assert(mysql_read(&k->link, &greeting));
	ck_assert_int_eq(greeting.ptr[0], 10);
	/* Behind the version: a number, 8 bytes, 19 of other things, then 12 more. */
	greeting = view_of(memchr(greeting.ptr, 0, greeting.len), 70);
	memcpy(k->scramble, greeting.ptr + 5, 8);
	memcpy(k->scramble + 8, greeting.ptr + 5 + 8 + 19, 12);
}

static void client_end(struct client *k)
{
	close(k->link.fd);
	mysql_link_release(&k->link);
}

static void client_login(struct client *k, const char *plugin, struct ez_view auth)
{
	struct buf *b = &k->link.out;

	mysql_begin(&k->link);
	mysql_add_u32(b, MYSQL_CAN_PROTOCOL_41 | MYSQL_CAN_SECURE_CONNECTION |
				 MYSQL_CAN_PLUGIN_AUTH);
	mysql_add_u32(b, 1 << 24);
	buf_add_char(b, 33);
	for (int i = 0; i < 23; i++)
		buf_add_char(b, 0);
	buf_add(b, "root", 5);
	buf_add_char(b, (char)auth.len);
	buf_add_view(b, auth);
	buf_add(b, plugin, strlen(plugin) + 1);
	mysql_end(&k->link);
	ck_assert(mysql_flush(&k->link));
}

/* The first byte of the next packet, -1 when the connection ended. */
static int client_answer(struct client *k, struct ez_view *ret_packet)
{
	struct ez_view packet;

	if (!mysql_read(&k->link, &packet))
		return -1;
	ck_assert_uint_gt(packet.len, 0);
	if (ret_packet)
		*ret_packet = packet;
	return (unsigned char)*packet.ptr;
}

static void client_command(struct client *k, int command, const char *text)
{
	mysql_command_begin(&k->link);
	mysql_begin(&k->link);
	buf_add_char(&k->link.out, (char)command);
	buf_add_str(&k->link.out, text);
	mysql_end(&k->link);
	ck_assert(mysql_flush(&k->link));
}

START_TEST(another_plugin_is_answered_by_a_switch)
{
	struct mysqltest *m = mysqltest_begin("4.0", "pw");
	struct client k;
	struct ez_view packet;
	uint8_t hash[MYSQL_HASH_LEN];

	client_begin(&k, m);
	client_login(&k, "caching_sha2_password",
		     VIEW("01234567890123456789012345678901"));
	ck_assert_int_eq(client_answer(&k, &packet), 0xfe);
	ck_assert_str_eq(packet.ptr + 1, "mysql_native_password");
	ck_assert_uint_eq(packet.len, 1 + 22 + 20 + 1);
	mysql_native_hash(VIEW("pw"), (const uint8_t *)packet.ptr + 23, hash);
	mysql_begin(&k.link);
	buf_add(&k.link.out, hash, sizeof(hash));
	mysql_end(&k.link);
	ck_assert(mysql_flush(&k.link));
	ck_assert_int_eq(client_answer(&k, NULL), 0);
	client_command(&k, MYSQL_COM_PING, "");
	ck_assert_int_eq(client_answer(&k, NULL), 0);
	client_end(&k);
	mysqltest_end(m);
}
END_TEST

START_TEST(unknown_commands_are_refused_and_counted)
{
	struct mysqltest *m = mysqltest_begin("4.0", "");
	struct client k;
	struct ez_view packet;

	client_begin(&k, m);
	client_login(&k, "mysql_native_password", VIEW(""));
	ck_assert_int_eq(client_answer(&k, NULL), 0);
	client_command(&k, MYSQL_COM_STMT_PREPARE, "SELECT 1");
	ck_assert_int_eq(client_answer(&k, &packet), 0xff);
	ck_assert_int_eq((unsigned char)packet.ptr[1] | packet.ptr[2] << 8, 1047);
	ck_assert_ptr_nonnull(memmem(packet.ptr, packet.len, "COM_STMT_PREPARE", 16));
	ck_assert_uint_eq(mysqltest_cluster(m)->n_violations, 1);
	client_command(&k, MYSQL_COM_QUIT, "");
	ck_assert_int_eq(client_answer(&k, NULL), -1);
	client_end(&k);
	mysqltest_end(m);
}
END_TEST

START_TEST(a_front_end_that_goes_down_cuts_its_connections)
{
	struct mysqltest *m = mysqltest_begin("4.0", "");
	struct client k;

	client_begin(&k, m);
	client_login(&k, "mysql_native_password", VIEW(""));
	ck_assert_int_eq(client_answer(&k, NULL), 0);
	cluster_lock(mysqltest_cluster(m));
	mysqltest_cluster(m)->fe[0].epoch++;
	cluster_unlock(mysqltest_cluster(m));
	ck_assert_int_eq(client_answer(&k, NULL), -1);
	client_end(&k);
	mysqltest_end(m);
}
END_TEST

/* Random bytes instead of a login, and behind one: the connection ends, the server lives. */
START_TEST(garbage_ends_the_connection)
{
	struct mysqltest *m = mysqltest_begin("4.0", "");
	struct prng p = PRNG_INIT((uint64_t)_i + 1);
	struct client k;

	for (int i = 0; i < 20; i++) {
		uint8_t junk[64];
		size_t n = 1 + prng_below(&p, sizeof(junk));

		client_begin(&k, m);
		if (i % 2) {
			client_login(&k, "mysql_native_password", VIEW(""));
			ck_assert_int_eq(client_answer(&k, NULL), 0);
			mysql_command_begin(&k.link);
		}
		for (size_t at = 0; at < n; at++)
			junk[at] = (uint8_t)prng_next(&p);
		if (prng_below(&p, 2))
			memcpy(junk, (uint8_t[]){ (uint8_t)(n - 1), 0, 0, i % 2 ? 0 : 1 },
			       MIN(n, (size_t)4));
		ck_assert_int_eq(send(k.link.fd, junk, n, MSG_NOSIGNAL), (ssize_t)n);
		shutdown(k.link.fd, SHUT_WR);
		while (recv(k.link.fd, junk, sizeof(junk), 0) > 0)
			continue;
		client_end(&k);
	}
	client_begin(&k, m);
	client_login(&k, "mysql_native_password", VIEW(""));
	ck_assert_int_eq(client_answer(&k, NULL), 0);
	client_end(&k);
	mysqltest_end(m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mysql");

	SQLTEST_CASE(s, "pieces", lengths_are_encoded_in_four_sizes,
		     passwords_are_checked_by_their_hash);
	SQLTEST_CASE(s, "protocol", another_plugin_is_answered_by_a_switch,
		     unknown_commands_are_refused_and_counted,
		     a_front_end_that_goes_down_cuts_its_connections);
	SQLTEST_LOOP(s, "garbage", 5, garbage_ends_the_connection);
	return sqltest_run(s);
}
