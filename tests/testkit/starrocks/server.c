/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "control.h"
#include "mysql.h"
#include "sql.h"
#include "tls.h"

/*
 * The pretended StarRocks cluster as a program: starts everything on free ports, says which in
 * one line of JSON, and ends when a test says so, or its standard input ends with --life.
 */
struct arguments {
	struct profile profile;
	unsigned n_fe, n_be;
	int64_t publish_ms;
	enum history history;
	const char *user, *password, *certificate, *key;
	bool ends_with_stdin;
};

static struct server server = { .nodes = PTHREAD_MUTEX_INITIALIZER };

static void usage(void)
{
	fputs("usage: server [--profile=4.0] [--fe=1] [--be=1] [--publish-ms=0]\n"
	      "       [--history=full|latest|counts] [--user=root] [--password=]\n"
	      "       [--certificate=FILE --key=FILE] [--life]\n",
	      stderr);
	exit(2);
}

static unsigned count_of(const char *text)
{
	uint64_t n;

	if (!parse_u64(view_str(text), &n) || n < 1 || n > NODES_MAX)
		usage();
	return (unsigned)n;
}

static enum history history_of(const char *text)
{
	static const char *const names[] = {
		[HISTORY_FULL] = "full",
		[HISTORY_LATEST] = "latest",
		[HISTORY_COUNTS] = "counts",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], text) == 0)
			return (enum history)i;
	usage();
	return HISTORY_FULL;
}

static void take_option(struct arguments *a, int option)
{
	switch (option) {
	case 'p':
		if (!profile_parse(view_str(optarg), &a->profile))
			usage();
		break;
	case 'f':
		a->n_fe = count_of(optarg);
		break;
	case 'b':
		a->n_be = count_of(optarg);
		break;
	case 'm':
		if (!parse_i64(view_str(optarg), &a->publish_ms) || a->publish_ms < 0)
			usage();
		break;
	case 'h':
		a->history = history_of(optarg);
		break;
	case 'u':
		a->user = optarg;
		break;
	case 'w':
		a->password = optarg;
		break;
	case 'c':
		a->certificate = optarg;
		break;
	case 'k':
		a->key = optarg;
		break;
	case 'l':
		a->ends_with_stdin = true;
		break;
	default:
		usage();
	}
}

static struct arguments parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "profile", required_argument, NULL, 'p' },
		{ "fe", required_argument, NULL, 'f' },
		{ "be", required_argument, NULL, 'b' },
		{ "publish-ms", required_argument, NULL, 'm' },
		{ "history", required_argument, NULL, 'h' },
		{ "user", required_argument, NULL, 'u' },
		{ "password", required_argument, NULL, 'w' },
		{ "certificate", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ "life", no_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	struct arguments a = { .n_fe = 1,
			       .n_be = 1,
			       .user = "root",
			       .password = "",
			       .history = HISTORY_FULL };
	int option;

	if (!profile_parse(VIEW("4.0"), &a.profile))
		abort();
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(&a, option);
	if (optind != argc)
		usage();
	return a;
}

static void serve_http(struct node *node, int fd, void *context)
{
	void *tls = context ? tls_accept(context, fd) : NULL;
	struct conn *conn;

	if (context && !tls)
		return;
	conn = conn_new(fd, tls);
	exchange_serve(node, conn);
	conn_free(conn);
}

static void serve_mysql(struct node *node, int fd, void *context)
{
	/* It closes its own; ours is closed where all are. */
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	(void)context;
	if (own >= 0)
		mysql_serve(node->cluster, node->index, own);
}

static void serve_control(struct node *node, int fd, void *context)
{
	struct conn *conn = conn_new(fd, NULL);

	(void)node;
	(void)context;
	control_serve(&server, conn);
	conn_free(conn);
}

static int open_port(struct listener *l, enum node_kind kind, unsigned index,
		     const char *name, void (*serve)(struct node *, int, void *),
		     void *tls)
{
	int rc;

	*l = (struct listener){ .fd = -1, .serve = serve, .tls = tls };
	l->node =
		(struct node){ .cluster = server.cluster, .kind = kind, .index = index };
	list_init(&l->node.conns);
	if (kind == NODE_STRANGER)
		snprintf(l->node.name, sizeof(l->node.name), "%s", name);
	else
		snprintf(l->node.name, sizeof(l->node.name), "%s%u", name, index);
	rc = listener_start(l);
	if (rc != 0) {
		fprintf(stderr, "cannot listen for %s: %s\n", l->node.name,
			strerror(-rc));
		exit(1);
	}
	return l->port;
}

static void open_ports(void *tls)
{
	struct cluster *c = server.cluster;

	/* The first port is open before the last is known. */
	cluster_lock(c);
	for (unsigned i = 0; i < c->n_fe; i++) {
		c->fe[i].http_port =
			open_port(&server.fe[i], NODE_FE, i, "fe", serve_http, tls);
		c->fe[i].mysql_port = open_port(&server.mysql[i], NODE_FE, i, "mysql",
						serve_mysql, NULL);
	}
	for (unsigned i = 0; i < c->n_be; i++)
		c->be[i].http_port =
			open_port(&server.be[i], NODE_BE, i, "be", serve_http, NULL);
	cluster_unlock(c);
	open_port(&server.stranger, NODE_STRANGER, 0, "stranger", serve_http, NULL);
	open_port(&server.control, NODE_STRANGER, 0, "control", serve_control, NULL);
}

static void say_ports(const char *name, const struct listener *l, unsigned n)
{
	printf("\"%s\":[", name);
	for (unsigned i = 0; i < n; i++)
		printf("%s%d", i > 0 ? "," : "", l[i].port);
	printf("],");
}

/* These two may outlive everything else: they touch the pipe only. */
static void *await_end_of_life(void *arg)
{
	char byte;

	(void)arg;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	(void)!write(server.end_fd, "", 1);
	return NULL;
}

static void *await_signal(void *arg)
{
	int sig;

	(void)!sigwait(arg, &sig);
	(void)!write(server.end_fd, "", 1);
	return NULL;
}

static void start_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg) != 0)
		abort();
	pthread_detach(thread);
}

static void run_until_told(int told_fd)
{
	struct cluster *c = server.cluster;
	char byte;

	while (read(told_fd, &byte, 1) < 0 && errno == EINTR)
		;
	cluster_lock(c);
	c->is_stopping = true;
	cluster_unlock(c);
	pthread_mutex_lock(&server.nodes);
	for (unsigned i = 0; i < c->n_fe; i++) {
		listener_stop(&server.fe[i]);
		listener_stop(&server.mysql[i]);
	}
	for (unsigned i = 0; i < c->n_be; i++)
		listener_stop(&server.be[i]);
	pthread_mutex_unlock(&server.nodes);
	listener_stop(&server.stranger);
	listener_stop(&server.control);
}

int main(int argc, char **argv)
{
	struct arguments a = parse(argc, argv);
	void *tls = NULL;
	int told[2];
	static sigset_t ends;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	if (pipe2(told, O_CLOEXEC) != 0)
		abort();
	server.end_fd = told[1];
	server.cluster = cluster_new(&a.profile, a.n_fe, a.n_be);
	server.cluster->settings.publish_ms = a.publish_ms;
	server.cluster->history = a.history;
	free(server.cluster->user);
	free(server.cluster->password);
	server.cluster->user = xstrdup(a.user);
	server.cluster->password = xstrdup(a.password);
	sql_setup(server.cluster);
	server.cluster->sql_http = sql_http;
	server.cluster->sql_control = sql_control;
	if (a.certificate && !(tls = tls_context_new(a.certificate, a.key))) {
		fputs("cannot load the certificate\n", stderr);
		return 1;
	}
	pthread_mutex_lock(&server.nodes);
	open_ports(tls);
	printf("{");
	say_ports("fe", server.fe, a.n_fe);
	say_ports("be", server.be, a.n_be);
	say_ports("mysql", server.mysql, a.n_fe);
	printf("\"stranger\":%d,\"control\":%d}\n", server.stranger.port,
	       server.control.port);
	fflush(stdout);
	pthread_mutex_unlock(&server.nodes);
	start_thread(await_signal, &ends);
	if (a.ends_with_stdin)
		start_thread(await_end_of_life, NULL);
	run_until_told(told[0]);
	tls_context_free(tls);
	cluster_free(server.cluster);
	return 0;
}
