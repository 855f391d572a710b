/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "mysql.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "base/str.h"
#include "base/utf8.h"
#include "accounts.h"
#include "mysql_wire.h"
#include "sql.h"
#include "sql_lex.h"

enum {
	IDLE_CHECK_MS = 200,
};

static const char NATIVE[] = "mysql_native_password";

struct connection {
	struct cluster *cluster;
	struct mysql_link link;
	struct arena_pool pool;
	struct sql_session session;
	unsigned epoch; /* of the front end, when the connection began */
	char node[16];
	char user[129];
	uint8_t scramble[MYSQL_SCRAMBLE_LEN];
};

/* ------------------------------------------------------------- conditions */

/* The lock is held. */
static bool is_over(const struct connection *k)
{
	const struct fe *fe = &k->cluster->fe[k->session.fe];

	return k->cluster->is_stopping || !fe->is_up || fe->epoch != k->epoch;
}

/* Until bytes arrive, while the front end lives. */
static bool wait_for_client(struct connection *k)
{
	for (;;) {
		struct pollfd p = { .fd = k->link.fd, .events = POLLIN };
		int n = poll(&p, 1, IDLE_CHECK_MS);
		bool over;

		if (n > 0)
			return true;
		cluster_lock(k->cluster);
		over = is_over(k);
		cluster_unlock(k->cluster);
		if (over)
			return false;
	}
}

/* The lock is held, and given up while waiting. */
static void wait_ms(struct connection *k, int64_t ms)
{
	int64_t until = cluster_now_ms(k->cluster) + ms;

	while (!is_over(k) && cluster_now_ms(k->cluster) < until)
		cluster_wait(k->cluster, until);
}

static bool take_fault(struct connection *k, const char *kind, struct ez_view subject,
		       struct fault *ret_fault)
{
	char text[1024];
	struct fault_subject s = { .node = k->node, .subject = text };

	snprintf(text, sizeof(text), "%.*s", (int)MIN(subject.len, sizeof(text) - 1),
		 subject.ptr ? subject.ptr : "");
	return fault_take(k->cluster, kind, &s, ret_fault);
}

/* ------------------------------------------------------------------ login */

static void fill_scramble(struct connection *k)
{
	for (size_t i = 0; i < MYSQL_SCRAMBLE_LEN; i++)
		k->scramble[i] = (uint8_t)('!' + random_u64() % 90);
}

static bool send_greeting(struct connection *k)
{
	struct mysql_greeting g = {
		.version = k->cluster->profile.major >= 3 ? "8.0.33" : "5.1.0",
		.connection_id = k->session.connection_id,
		.scramble = k->scramble,
		.plugin = NATIVE,
	};
	struct fault fault;
	bool over;

	cluster_lock(k->cluster);
	if (take_fault(k, "handshake_slow", VIEW(""), &fault))
		wait_ms(k, fault.ms);
	over = is_over(k) || take_fault(k, "mysql_down", VIEW(""), &fault);
	cluster_unlock(k->cluster);
	if (over)
		return false;
	mysql_send_greeting(&k->link, &g);
	return mysql_flush(&k->link);
}

/* The lock is held. */
static bool is_right_user(struct connection *k, const struct mysql_login *login)
{
	const char *password = cluster_password(k->cluster, login->user);
	struct fault fault;

	return !take_fault(k, "auth_fail", login->user, &fault) && password &&
	       mysql_native_is_right(view_str(password), k->scramble, login->auth);
}

static bool refuse(struct connection *k, unsigned code, const char *state,
		   struct ez_view text)
{
	mysql_send_error(&k->link, code, state, text);
	if (!mysql_flush(&k->link))
		return false;
	return false;
}

static bool check_login(struct connection *k, const struct mysql_login *login)
{
	char text[512];
	bool is_right, has_database = true;

	cluster_lock(k->cluster);
	is_right = is_right_user(k, login);
	if (is_right && login->database.len > 0)
		has_database = database_find(k->cluster, login->database) ||
			       sql_same_word(login->database, "information_schema");
	cluster_unlock(k->cluster);
	if (!is_right) {
		snprintf(text, sizeof(text),
			 "Access denied for user '%.*s' (using password: %s)",
			 VIEW_ARG(login->user), login->auth.len > 0 ? "YES" : "NO");
		return refuse(k, SQL_ACCESS_DENIED, "28000", view_str(text));
	}
	if (!has_database || !str_copy(k->session.database, sizeof(k->session.database),
				       login->database)) {
		snprintf(text, sizeof(text), "Unknown database '%.*s'",
			 VIEW_ARG(login->database));
		return refuse(k, 1049, "42000", view_str(text));
	}
	return true;
}

/* Another plugin is answered by asking for the native one. */
static bool switch_plugin(struct connection *k, struct mysql_login *login)
{
	struct ez_view packet;

	if (login->plugin.len == 0 || view_eq_str(login->plugin, NATIVE))
		return true;
	fill_scramble(k);
	mysql_send_auth_switch(&k->link, NATIVE, k->scramble);
	if (!mysql_flush(&k->link) || !wait_for_client(k) ||
	    !mysql_read(&k->link, &packet))
		return false;
	login->auth = packet;
	return true;
}

static bool log_in(struct connection *k)
{
	_cleanup_(buf_release) struct buf kept = BUF_INIT(MYSQL_PACKET_CAP);
	struct mysql_login login;
	struct ez_view packet;

	fill_scramble(k);
	if (!send_greeting(k) || !wait_for_client(k) || !mysql_read(&k->link, &packet))
		return false;
	/* A second packet may follow, so the views must not lie in the link's buffer. */
	buf_add_view(&kept, packet);
	if (!mysql_login_parse(buf_view(&kept), &login))
		return refuse(k, 1043, "08S01", VIEW("Bad handshake"));
	if (!switch_plugin(k, &login) || !check_login(k, &login) ||
	    !str_copy(k->user, sizeof(k->user), login.user))
		return false;
	k->session.user = view_str(k->user);
	mysql_send_ok(&k->link, 0);
	return mysql_flush(&k->link);
}

/* --------------------------------------------------------------- commands */

/* False: the connection ends without an answer. The lock is held. */
static bool run_with_faults(struct connection *k, struct ez_view sql,
			    struct sql_result *r)
{
	struct fault fault;

	if (take_fault(k, "sql_slow", sql, &fault))
		wait_ms(k, fault.ms);
	if (is_over(k) || take_fault(k, "sql_close", sql, &fault))
		return false;
	if (take_fault(k, "sql_error", sql, &fault)) {
		sql_fail(r, fault.status ? (unsigned)fault.status : SQL_GENERIC, "HY000",
			 "%s", *fault.text ? fault.text : "ordered by the test");
		sql_journal(&k->session, sql, r);
		return true;
	}
	if (!utf8_is_valid(sql))
		violation_add(k->cluster, "sql_not_utf8", "a statement of %zu bytes",
			      sql.len);
	sql_run(&k->session, sql, r);
	sql_journal(&k->session, sql, r);
	return !take_fault(k, "sql_close_after", sql, &fault);
}

static bool run_query(struct connection *k, struct ez_view sql)
{
	struct sql_result r;
	struct arena arena;
	bool is_answered;

	arena_init(&arena, &k->pool, 0);
	sql_result_init(&r, &arena);
	cluster_lock(k->cluster);
	is_answered = run_with_faults(k, sql, &r);
	cluster_unlock(k->cluster);
	if (is_answered) {
		mysql_send_result(&k->link, &r);
		is_answered = mysql_flush(&k->link);
	}
	arena_release(&arena);
	return is_answered;
}

static bool init_database(struct connection *k, struct ez_view name)
{
	struct sql_result r;
	struct arena arena;

	arena_init(&arena, &k->pool, 0);
	sql_result_init(&r, &arena);
	cluster_lock(k->cluster);
	if ((sql_same_word(name, "information_schema") ||
	     sql_database(&k->session, name, &r)) &&
	    !str_copy(k->session.database, sizeof(k->session.database), name))
		sql_fail(&r, 1102, "42000", "Incorrect database name");
	cluster_unlock(k->cluster);
	mysql_send_result(&k->link, &r);
	arena_release(&arena);
	return mysql_flush(&k->link);
}

static bool refuse_command(struct connection *k, int command)
{
	const char *name = command == MYSQL_COM_STMT_PREPARE ? "COM_STMT_PREPARE" : "?";
	char text[128];

	cluster_lock(k->cluster);
	violation_add(k->cluster, "mysql_command", "command %d (%s)", command, name);
	cluster_unlock(k->cluster);
	snprintf(text, sizeof(text), "Unsupported command(%s)", name);
	mysql_send_error(&k->link, SQL_UNKNOWN_COMMAND, "08S01", view_str(text));
	return mysql_flush(&k->link);
}

static bool run_command(struct connection *k, struct ez_view packet)
{
	struct ez_view rest = view_of(packet.ptr + 1, packet.len - 1);
	int command = (unsigned char)*packet.ptr;

	switch (command) {
	case MYSQL_COM_QUIT:
		return false;
	case MYSQL_COM_QUERY:
		return run_query(k, rest);
	case MYSQL_COM_INIT_DB:
		return init_database(k, rest);
	case MYSQL_COM_PING:
		mysql_send_ok(&k->link, 0);
		return mysql_flush(&k->link);
	case MYSQL_COM_RESET_CONNECTION:
		*k->session.database = '\0';
		mysql_send_ok(&k->link, 0);
		return mysql_flush(&k->link);
	default:
		return refuse_command(k, command);
	}
}

/* A command may have to end at once: a front end going down cuts its connections. */
static bool is_cut(struct connection *k)
{
	struct fault fault;
	bool over;

	cluster_lock(k->cluster);
	over = is_over(k) || take_fault(k, "mysql_down", VIEW(""), &fault);
	cluster_unlock(k->cluster);
	return over;
}

static void serve_commands(struct connection *k)
{
	struct ez_view packet;

	for (;;) {
		mysql_command_begin(&k->link);
		if (!wait_for_client(k) || !mysql_read(&k->link, &packet) || is_cut(k))
			return;
		if (packet.len == 0 || !run_command(k, packet))
			return;
	}
}

void mysql_serve(struct cluster *c, unsigned fe, int fd)
{
	static _Atomic uint32_t connections = 1;
	struct connection k = {
		.cluster = c,
		.session = {
			.cluster = c,
			.fe = fe,
			.connection_id = atomic_fetch_add(&connections, 1),
		},
	};

	snprintf(k.node, sizeof(k.node), "mysql%u", fe);
	mysql_link_init(&k.link, fd);
	arena_pool_init(&k.pool);
	cluster_lock(c);
	k.epoch = c->fe[fe].epoch;
	cluster_unlock(c);
	if (log_in(&k))
		serve_commands(&k);
	mysql_link_release(&k.link);
	arena_pool_release(&k.pool);
	close(fd);
}
