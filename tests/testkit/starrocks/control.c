/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control.h"

#include <stdio.h>
#include <unistd.h>

#include "base/jsonw.h"

enum {
	REQUEST_MAX = 64 << 20,
	HEAD_MAX = 65536,
};

static control_fn shut_down;

static const struct {
	const char *name;
	control_fn *run;
} commands[] = {
	{ "advance", control_advance },
	{ "be", control_be },
	{ "clear_faults", control_clear_faults },
	{ "clear_journal", control_clear_journal },
	{ "clear_violations", control_clear_violations },
	{ "create_database", control_create_database },
	{ "create_table", control_create_table },
	{ "dump", control_dump },
	{ "fault", control_fault },
	{ "faults", control_faults },
	{ "fe", control_fe },
	{ "history", control_history },
	{ "journal", control_journal },
	{ "leader", control_leader },
	{ "mysql", control_mysql },
	{ "password", control_password },
	{ "set", control_set },
	{ "shutdown", shut_down },
	{ "sql", control_sql },
	{ "summary", control_summary },
	{ "txns", control_txns },
	{ "violations", control_violations },
};

const char *control_str(const struct control *k, const char *name)
{
	const char *v = json_string_value(json_object_get(k->in, name));

	return v ? v : "";
}

int64_t control_int(const struct control *k, const char *name, int64_t preset)
{
	const json_t *v = json_object_get(k->in, name);

	return json_is_integer(v) ? json_integer_value(v) : preset;
}

bool control_bool(const struct control *k, const char *name, bool preset)
{
	const json_t *v = json_object_get(k->in, name);

	return json_is_boolean(v) ? json_is_true(v) : preset;
}

bool control_fail(struct control *k, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(k->error, sizeof(k->error), fmt, ap);
	va_end(ap);
	return false;
}

static bool shut_down(struct control *k)
{
	return write(k->server->end_fd, "", 1) == 1 || control_fail(k, "cannot say so");
}

static bool run(struct control *k, struct ez_view body)
{
	json_error_t error;
	const char *name;

	k->in = json_loadb(body.ptr ? body.ptr : "", body.len, 0, &error);
	if (!k->in)
		return control_fail(k, "not JSON: %s", error.text);
	name = control_str(k, "do");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(k);
	return control_fail(k, "no such command: %s", name);
}

static void answer(struct conn *conn, struct control *k, bool is_good)
{
	struct buf head = BUF_INIT(4096);

	if (!is_good) {
		struct jsonw w = JSONW_INIT(&k->out);

		buf_reset(&k->out);
		jsonw_begin_object(&w);
		jsonw_key(&w, "error");
		jsonw_str(&w, k->error);
		jsonw_end_object(&w);
		buf_add_char(&k->out, '\n');
	}
	buf_addf(
		&head,
		"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		is_good ? "200 OK" : "400 Bad Request", k->out.len);
	if (conn_write(conn, head.ptr, head.len))
		(void)!conn_write(conn, k->out.ptr, k->out.len);
	buf_release(&head);
}

static bool read_body(struct conn *conn, struct request *r, struct buf *body)
{
	char piece[2048];
	ssize_t n;

	if (r->expects_continue && !conn_write(conn, "HTTP/1.1 100 Continue\r\n\r\n", 25))
		return false;
	while ((n = http_read_body(conn, r, piece, sizeof(piece))) > 0)
		buf_add(body, piece, (size_t)n);
	return n == 0 && buf_ok(body);
}

void control_serve(struct server *s, struct conn *conn)
{
	struct request r;

	while (http_read_head(conn, &r, HEAD_MAX) == HEAD_OK) {
		struct control k = { .server = s, .c = s->cluster };
		struct buf body = BUF_INIT(REQUEST_MAX);

		buf_init(&k.out, (size_t)1 << 40);
		if (read_body(conn, &r, &body))
			answer(conn, &k, run(&k, buf_view(&body)));
		json_decref(k.in);
		buf_release(&k.out);
		buf_release(&body);
		http_release(&r);
	}
	http_release(&r);
}
