/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "srtest.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

enum {
	ANSWER_CAP = 64 * 1024 * 1024,
};

/* ------------------------------------------------------------------ the server */

static void run_server(const char *path, const char *profile, int in, int out)
{
	char version[64];

	if (!str_format(version, sizeof(version), "--profile=%s", profile) ||
	    dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	execl(path, path, version, "--fe=2", "--be=2", "--user=root",
	      "--password=secret", "--life", (char *)NULL);
	_exit(127);
}

static void take_ports(const json_t *o, const char *name, int *ret)
{
	const json_t *list = json_object_get(o, name);

	for (size_t i = 0; i < SRTEST_NODES; i++)
		ret[i] = (int)json_integer_value(json_array_get(list, i));
}

/* One line of JSON. */
static void read_ports(struct srtest *t, int fd)
{
	char line[1024];
	size_t n = 0;
	json_t *o;

	while (n < sizeof(line) - 1 && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	o = json_loadb(line, n, 0, NULL);
	ck_assert_msg(o != NULL, "the server said: %.*s", (int)n, line);
	take_ports(o, "fe", t->fe);
	take_ports(o, "be", t->be);
	take_ports(o, "mysql", t->mysql);
	t->control = (int)json_integer_value(json_object_get(o, "control"));
	t->stranger = (int)json_integer_value(json_object_get(o, "stranger"));
	json_decref(o);
}

static void set_defaults(struct srtest *t)
{
	for (size_t i = 0; i < SRTEST_NODES; i++) {
		char *fe = t->texts[i], *mysql = t->texts[SRTEST_NODES + i];

		ck_assert(str_format(fe, 64, "http://127.0.0.1:%d", t->fe[i]));
		ck_assert(str_format(mysql, 64, "127.0.0.1:%d", t->mysql[i]));
		t->settings[t->n_settings++] = (struct fake_setting){ "fe", fe, NULL };
		t->settings[t->n_settings++] =
			(struct fake_setting){ "mysql", mysql, NULL };
	}
	srtest_set(t, "user", "root");
	srtest_set(t, "password", "secret");
	srtest_set(t, "database", "shop");
	srtest_set(t, "replication_num", "1");
	srtest_set(t, "connect_timeout", "1s");
	srtest_set(t, "continue_timeout", "1s");
	srtest_set(t, "load_timeout", "10s");
}

static char *server_path(void)
{
	const char *build = secure_getenv("EZ_BUILD");

	return xasprintf("%s/tests/testkit/starrocks/server", build ? build : ".");
}

bool srtest_can(void)
{
	_cleanup_(freep) char *path = server_path();

	return access(path, X_OK) == 0;
}

void srtest_begin(struct srtest *t, const char *profile)
{
	_cleanup_(freep) char *path = server_path();
	int in[2], out[2];

	*t = (struct srtest){ .answer = BUF_INIT(ANSWER_CAP) };
	ck_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	t->server = fork();
	ck_assert_int_ge(t->server, 0);
	if (t->server == 0)
		run_server(path, profile, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	t->life = in[1];
	read_ports(t, out[0]);
	close(out[0]);
	set_defaults(t);
}

void srtest_end(struct srtest *t)
{
	int status = -1;

	srtest_close(t);
	close(t->life);
	ck_assert_int_eq(waitpid(t->server, &status, 0), t->server);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "the server ended with %d", status);
	buf_release(&t->answer);
}

static size_t take_answer(char *data, size_t size, size_t n, void *arg)
{
	struct srtest *t = arg;

	buf_add(&t->answer, data, size * n);
	return size * n;
}

static void post(struct srtest *t, const char *body)
{
	char url[64];
	CURL *c = curl_easy_init();
	CURLcode rc;

	ck_assert(str_format(url, sizeof(url), "http://127.0.0.1:%d/", t->control));
	buf_reset(&t->answer);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	rc = curl_easy_perform(c);
	curl_easy_cleanup(c);
	ck_assert_msg(rc == CURLE_OK, "%s: %s", body, curl_easy_strerror(rc));
	ck_assert_msg(!strstr(buf_cstr(&t->answer), "{\"error\""), "%s: %s", body,
		      buf_cstr(&t->answer));
}

const char *srtest_control(struct srtest *t, const char *fmt, ...)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(ANSWER_CAP);
	va_list ap;

	buf_add_char(&b, '{');
	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	buf_add_char(&b, '}');
	post(t, buf_cstr(&b));
	return buf_cstr(&t->answer);
}

void srtest_sql(struct srtest *t, const char *sql)
{
	json_t *text = json_string(sql);
	_cleanup_(freep) char *quoted = json_dumps(text, JSON_ENCODE_ANY);

	json_decref(text);
	srtest_control(t, "\"do\": \"sql\", \"sql\": %s", quoted);
}

int srtest_count(struct srtest *t)
{
	struct ez_view rest, line;
	int n = 0;

	srtest_control(t, "\"do\": \"dump\", \"db\": \"shop\", \"table\": \"t\"");
	rest = buf_view(&t->answer);
	while (view_split(&rest, '\n', &line))
		n += line.len > 0;
	return n;
}

void srtest_no_violations(struct srtest *t)
{
	const char *text = srtest_control(t, "\"do\": \"violations\"");

	ck_assert_msg(!*text, "the cluster complains: %s", text);
}

/* ------------------------------------------------------------------ the sink */

void srtest_set(struct srtest *t, const char *name, const char *value)
{
	size_t i = 2 * SRTEST_NODES;

	while (i < t->n_settings && strcmp(t->settings[i].name, name) != 0)
		i++;
	ck_assert_uint_lt(i, SRTEST_SETTINGS - 1);
	t->settings[i] = (struct fake_setting){ name, value, NULL };
	t->n_settings = i < t->n_settings ? t->n_settings : i + 1;
}

int srtest_open(struct srtest *t)
{
	const struct ez_sink *ops = ez_plugin.ops.sink;
	struct ez_position position;
	int rc;

	t->fake = fake_host_new(ez_plugin.options, t->settings);
	ck_assert_int_eq(ez_plugin.load(fake_host_table()), EZ_OK);
	rc = ops->open(&t->fake->open, &t->sink, &t->fake->err);
	if (rc == EZ_OK)
		rc = ops->recover(t->sink, &position, &t->fake->err);
	return rc < 0 ? rc : EZ_OK;
}

int srtest_table(struct srtest *t)
{
	t->table = fake_table(t->fake, "public", "t", "id:int8:key, v:int4, body:text");
	return ez_plugin.ops.sink->table(t->sink, NULL, t->table, &t->fake->err);
}

void srtest_close(struct srtest *t)
{
	if (t->sink)
		ez_plugin.ops.sink->close(t->sink);
	if (t->fake)
		fake_host_free(t->fake);
	t->sink = NULL;
	t->fake = NULL;
}

int srtest_await(struct srtest *t, int patience_s)
{
	const struct ez_sink *ops = ez_plugin.ops.sink;
	int64_t until_us = mono_us() + patience_s * US_PER_SEC;
	uint64_t number = 0;
	int rc = EZ_OK;

	while ((rc == EZ_OK || rc == EZ_E_TRANSIENT) && number < t->n_batches) {
		if (mono_us() > until_us)
			return EZ_AGAIN;
		rc = ops->durable(t->sink, 20, &number, &t->fake->err);
	}
	return number >= t->n_batches ? EZ_OK : rc;
}

static int finish(struct srtest *t, struct fake_batch *b, int patience_s)
{
	const struct ez_sink *ops = ez_plugin.ops.sink;
	int rc;

	fake_commit(b, 0x1008 + t->n_batches * 0x100);
	rc = ops->write(t->sink, fake_finish(b), &t->fake->err);
	if (rc == EZ_OK)
		rc = ops->flush(t->sink, &t->fake->err);
	return rc == EZ_OK || rc == EZ_E_TRANSIENT ? srtest_await(t, patience_s) : rc;
}

static struct fake_batch *begin(struct srtest *t)
{
	struct fake_batch *b = fake_batch(t->fake, ++t->n_batches, 0);

	fake_begin(b, 0x1000 + t->n_batches * 0x100, 7, INT64_C(1732270000119123), 0);
	return b;
}

int srtest_load(struct srtest *t, int from, int to, const char *body, int patience_s)
{
	struct fake_batch *b = begin(t);

	for (int i = from; i < to; i++) {
		char id[16];

		ck_assert(str_format(id, sizeof(id), "%d", i));
		fake_event(b, EZ_OP_INSERT, t->table, NULL, FAKE_ROW(id, "7", body));
	}
	return finish(t, b, patience_s);
}
