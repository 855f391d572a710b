/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "mysqltest.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "fault.h"
#include "mysql.h"

struct mysqltest {
	struct cluster *cluster;
	int fd, port;
	pthread_t acceptor;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned n_connections; /* guarded by lock */
};

struct guest {
	struct mysqltest *m;
	int fd;
};

static void *serve(void *arg)
{
	struct guest *g = arg;
	struct mysqltest *m = g->m;

	mysql_serve(m->cluster, 0, g->fd);
	free(g);
	pthread_mutex_lock(&m->lock);
	m->n_connections--;
	pthread_cond_broadcast(&m->idle);
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct mysqltest *m = arg;

	for (;;) {
		int fd = accept4(m->fd, NULL, NULL, SOCK_CLOEXEC);
		struct guest *g;
		pthread_t thread;

		if (fd < 0)
			return NULL;
		g = xcalloc(1, sizeof(*g));
		*g = (struct guest){ .m = m, .fd = fd };
		pthread_mutex_lock(&m->lock);
		m->n_connections++;
		pthread_mutex_unlock(&m->lock);
		ck_assert_int_eq(pthread_create(&thread, NULL, serve, g), 0);
		pthread_detach(thread);
	}
}

static void listen_on_loopback(struct mysqltest *m)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	m->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(m->fd, 0);
	ck_assert_int_eq(bind(m->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(m->fd, 16), 0);
	ck_assert_int_eq(getsockname(m->fd, (struct sockaddr *)&at, &len), 0);
	m->port = ntohs(at.sin_port);
}

struct mysqltest *mysqltest_begin(const char *version, const char *password)
{
	struct mysqltest *m = xcalloc(1, sizeof(*m));

	m->cluster = sqltest_begin(version, 1);
	free(m->cluster->password);
	m->cluster->password = xstrdup(password);
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->idle, NULL);
	listen_on_loopback(m);
	ck_assert_int_eq(pthread_create(&m->acceptor, NULL, accept_all, m), 0);
	return m;
}

void mysqltest_end(struct mysqltest *m)
{
	shutdown(m->fd, SHUT_RDWR);
	pthread_join(m->acceptor, NULL);
	close(m->fd);
	cluster_lock(m->cluster);
	m->cluster->is_stopping = true;
	cluster_changed(m->cluster);
	cluster_unlock(m->cluster);
	pthread_mutex_lock(&m->lock);
	while (m->n_connections > 0)
		pthread_cond_wait(&m->idle, &m->lock);
	pthread_mutex_unlock(&m->lock);
	sqltest_end();
	free(m);
}

struct cluster *mysqltest_cluster(struct mysqltest *m)
{
	return m->cluster;
}

int mysqltest_port(const struct mysqltest *m)
{
	return m->port;
}

void mysqltest_fault(struct mysqltest *m, const char *kind, const char *subject,
		     int64_t count, int64_t ms)
{
	struct fault f = { .count = count, .ms = ms };

	snprintf(f.kind, sizeof(f.kind), "%s", kind);
	snprintf(f.subject, sizeof(f.subject), "%s", subject ? subject : "");
	cluster_lock(m->cluster);
	fault_add(m->cluster, &f);
	cluster_unlock(m->cluster);
}

int mysqltest_socket(struct mysqltest *m)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)m->port);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}
