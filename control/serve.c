/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/serve.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "control/alerts/webhook.h"
#include "control/app.h"
#include "control/auth/limiter.h"
#include "control/catalog/db.h"
#include "control/catalog/migrate.h"
#include "control/crypto/digest.h"
#include "control/crypto/keyring.h"
#include "control/http/portal.h"
#include "control/http/queue.h"
#include "control/http/server.h"
#include "control/hub.h"
#include "control/orchestrator.h"
#include "control/settings.h"

enum {
	LOGINS_BURST = 6,
	CALLS_PER_SECOND = 100,
	CALLS_BURST = 500,
	PEM_MAX_BYTES = 256 * 1024,
	FILES_WANTED = 4096,
};

struct parts {
	const struct settings *settings;
	struct app app;
	struct queue *queue;
	struct server *server;
	struct portal *portal;
	struct orchestrator *orchestrator;
	struct buf certificate, key;
};

static int failed(int code, struct buf *why)
{
	log_msg(EZL_ERROR, "%s", buf_cstr(why));
	buf_release(why);
	return code;
}

/* ------------------------------------------------------------------ the first admin */

/* R29: a link that opens everything is for a terminal or a private file, never for a log. */
static void show_link(const struct settings *s, const char *link)
{
	_cleanup_(freep) char *line = xasprintf("%s\n", link);
	int rc;

	if (isatty(STDOUT_FILENO)) {
		printf("Set up the first admin within a day:\n  %s\n", link);
		fflush(stdout);
		return;
	}
	rc = fs_write_atomic(s->setup_file, line, strlen(line), 0600);
	errno = -rc;
	if (rc < 0)
		log_msg(EZL_WARNING, "the set-up link cannot be written to %s: %m",
			s->setup_file);
	else
		log_msg(EZL_NOTICE, "the link that sets up the first admin stands in %s",
			s->setup_file);
	if (rc < 0)
		log_hint(
			"set setup_file, or make an admin with ezcdc-control create-user --role=admin NAME");
}

static enum db_result offer_setup(struct db *d, const struct settings *s)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	struct token token = token_make("");
	struct digest hash = digest_sha256(view_str(token.text));
	_cleanup_(freep) char *link = NULL;
	enum db_result rc = db_run(
		d, &rows,
		"insert into setup_tokens (hash, expires_at) select $1, now() + interval '1 day'"
		" where not exists (select 1 from users) returning 1",
		hash.hex);

	if (rc != DB_OK || db_rows(rows) == 0)
		return rc;
	if (s->public_url)
		link = xasprintf("%s/setup#%s", s->public_url, token.text);
	else
		link = xasprintf(strchr(s->address, ':') ? "%s://[%s]:%s/setup#%s"
							 : "%s://%s:%s/setup#%s",
				 s->certificate ? "https" : "http", s->address, s->port,
				 token.text);
	show_link(s, link);
	explicit_bzero(&token, sizeof(token));
	explicit_bzero(link, strlen(link));
	return DB_OK;
}

/* ------------------------------------------------------------------ start */

static int prepare_catalog(const struct settings *s)
{
	struct buf why = BUF_INIT(1024);
	_cleanup_(db_freep) struct db *d = db_new(s->catalog, "ezcdc-control start");
	enum db_result rc;
	int applied;

	rc = migrate(d, &applied, &why);
	if (rc != DB_OK)
		return failed(rc == DB_DOWN ? EX_UNAVAILABLE : EX_CONFIG, &why);
	if (applied > 0)
		log_msg(EZL_NOTICE, "the catalog's schema is up to date applied=%d",
			applied);
	buf_release(&why);
	if (offer_setup(d, s) != DB_OK)
		log_msg(EZL_WARNING, "no set-up link: %s", db_last_error(d));
	return 0;
}

/* Two connections for each worker: as many files as the system lets us have. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		log_msg(EZL_WARNING, "the limit of open files stays low: %m");
	else if (files.rlim_max < FILES_WANTED)
		log_msg(EZL_NOTICE,
			"open files are limited to %llu, two for each worker (LimitNOFILE)",
			(unsigned long long)files.rlim_max);
}

static void name_instance(struct app *app)
{
	unsigned char raw[16];
	struct buf hex = BUF_INIT(64);
	const char *h;

	crypto_random(raw, sizeof(raw));
	hex_add(&hex, raw, sizeof(raw));
	h = buf_cstr(&hex);
	ENSURE(str_format(app->instance, sizeof(app->instance),
			  "%.8s-%.4s-4%.3s-8%.3s-%.12s", h, h + 8, h + 13, h + 17,
			  h + 20),
	       "two instances would have one name");
	buf_release(&hex);
}

static int read_pem(const char *path, struct buf *to)
{
	struct buf why = BUF_INIT(512);
	int rc = path ? fs_read_file(path, PEM_MAX_BYTES, to) : 0;

	if (rc == 0)
		return 0;
	errno = -rc;
	buf_addf(&why, "cannot read %s: %m", path);
	return failed(EX_CONFIG, &why);
}

static int start(struct parts *p)
{
	const struct settings *s = p->settings;
	struct buf why = BUF_INIT(1024);
	struct server_options o = { .address = s->address,
				    .port = s->port,
				    .conninfo = s->catalog,
				    .threads = s->threads };

	if (s->certificate) {
		o.certificate = buf_cstr(&p->certificate);
		o.key = buf_cstr(&p->key);
	}
	p->app.keyring = keyring_open(s->keyring, &why);
	if (!p->app.keyring)
		return failed(EX_CONFIG, &why);
	p->app.hub = hub_start(s->catalog, p->queue);
	if (!p->app.hub) {
		buf_add_str(&why, "cannot start a thread");
		return failed(EX_OSERR, &why);
	}
	p->server = server_start(&p->app, &o, &why);
	if (!p->server)
		return failed(EX_UNAVAILABLE, &why);
	p->orchestrator = orchestrator_start(&p->app, s->catalog);
	if (!p->orchestrator) {
		buf_add_str(&why, "cannot start a thread");
		return failed(EX_OSERR, &why);
	}
	buf_release(&why);
	return 0;
}

static void stop(struct parts *p)
{
	if (p->server)
		server_drain(p->server);
	if (p->app.hub)
		hub_stop(p->app.hub);
	if (p->server)
		server_stop(p->server);
	hub_free(p->app.hub);
	orchestrator_stop(p->orchestrator);
	keyring_close(p->app.keyring);
	limiter_free(p->app.logins);
	limiter_free(p->app.calls);
	portal_free(p->portal);
	queue_free(p->queue);
	buf_release(&p->certificate);
	if (p->key.ptr)
		explicit_bzero(p->key.ptr, p->key.len);
	buf_release(&p->key);
}

/* ------------------------------------------------------------------ running */

/* sd_notify(3) is one datagram. */
static void notify(const char *text)
{
	const char *path = secure_getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n == 0 || n >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, n);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		log_msg(EZL_DEBUG, "the service manager was not told: %m");
	close(fd);
}

static void wait_for_signal(const sigset_t *set)
{
	int sig;

	while (sigwait(set, &sig) == 0 && sig == SIGHUP)
		log_msg(EZL_NOTICE,
			"SIGHUP changes nothing: the key ring is read again by itself");
}

static int run(struct parts *p)
{
	const struct settings *s = p->settings;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	log_msg(EZL_NOTICE, "listening address=%s port=%u tls=%s", s->address,
		(unsigned)server_port(p->server), s->certificate ? "yes" : "no");
	notify("READY=1");
	wait_for_signal(&set);
	notify("STOPPING=1");
	log_msg(EZL_NOTICE, "stopping");
	return 0;
}

/* Every thread is started with them blocked: the main thread waits for them. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int serve(const struct settings *s)
{
	struct parts p = { .settings = s, .app = { .settings = s } };
	int code;

	/* A few threads, each with little of its own: one arena less is a megabyte less. */
	mallopt(M_ARENA_MAX, 2);
	block_signals();
	webhook_init();
	code = prepare_catalog(s);
	if (code != 0)
		return code;
	raise_limits();
	name_instance(&p.app);
	p.app.started_us = now_us();
	p.app.logins = limiter_new(0.2, LOGINS_BURST);
	p.app.calls = limiter_new(CALLS_PER_SECOND, CALLS_BURST);
	p.portal = portal_new(s->portal_dir, settings_is_https(s));
	p.app.portal = p.portal;
	p.queue = queue_new();
	buf_init(&p.certificate, PEM_MAX_BYTES);
	buf_init(&p.key, PEM_MAX_BYTES);
	code = read_pem(s->certificate, &p.certificate);
	if (code == 0)
		code = read_pem(s->key, &p.key);
	if (code == 0)
		code = start(&p);
	if (code == 0)
		code = run(&p);
	stop(&p);
	return code;
}
