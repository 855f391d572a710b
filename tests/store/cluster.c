/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "store/cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

/* The server refuses to run as root. */
static const struct passwd *server_user(void)
{
	const struct passwd *user = getpwnam("postgres");

	return user ? user : getpwnam("nobody");
}

static void become_server_user(void)
{
	const struct passwd *user;

	if (geteuid() != 0)
		return;
	user = server_user();
	if (!user || setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 ||
	    setuid(user->pw_uid) != 0)
		_exit(126);
}

/* Starts a program of the server; its output goes to a file in the folder. */
static pid_t spawn(const struct cluster *c, const char *program, const char *const argv[])
{
	char path[400], log[128], *copy[32] = { NULL };
	pid_t pid, parent = getpid();

	snprintf(path, sizeof(path), "%s/%s", c->bin, program);
	snprintf(log, sizeof(log), "%s/log", c->folder);
	for (size_t i = 0; argv[i]; i++)
		memcpy(&copy[i], &argv[i], sizeof(copy[i])); /* execv wants no const */
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		int fd;

		become_server_user();
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		/* The server ends with the test program, however that ends. */
		prctl(PR_SET_PDEATHSIG, SIGINT);
		if (getppid() == parent)
			execv(path, copy);
		_exit(127);
	}
	return pid;
}

static bool run(const struct cluster *c, const char *program, const char *const argv[])
{
	int status = 0;
	pid_t pid = spawn(c, program, argv);

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool find_server(struct cluster *c)
{
	glob_t found;
	bool ok = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0;

	if (ok) {
		const char *path = found.gl_pathv[found.gl_pathc - 1];

		snprintf(c->bin, sizeof(c->bin), "%.*s",
			 (int)(strlen(path) - strlen("/initdb")), path);
		globfree(&found);
	}
	return ok;
}

static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		abort();
	close(fd);
	return ntohs(a.sin_port);
}

static void write_hba(const struct cluster *c)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/data/pg_hba.conf", c->folder);
	f = fopen(path, "we");
	if (!f)
		abort();
	fputs("local all secured scram-sha-256\n"
	      "local all all trust\n"
	      "host all all 127.0.0.1/32 trust\n",
	      f);
	fclose(f);
}

bool cluster_make(struct cluster *c)
{
	char data[96];
	const char *const argv[] = { "initdb",   "-D",         data,        "-U",
				     "postgres", "-A",         "trust",     "-E",
				     "UTF8",     "--locale=C", "--no-sync", NULL };

	*c = (struct cluster){ .folder = "/tmp/ezcdc-store-XXXXXX" };
	if (!find_server(c)) {
		puts("skip: no PostgreSQL server is installed");
		return false;
	}
	if (!mkdtemp(c->folder))
		abort();
	if (geteuid() == 0 && (!server_user() || chown(c->folder, server_user()->pw_uid,
						       server_user()->pw_gid) != 0))
		abort();
	snprintf(data, sizeof(data), "%s/data", c->folder);
	if (!run(c, "initdb", argv)) {
		printf("initdb failed, see %s/log\n", c->folder);
		exit(EXIT_FAILURE);
	}
	write_hba(c);
	c->port = free_port();
	cluster_start(c);
	return true;
}

void cluster_start(struct cluster *c)
{
	char data[96], port[16], folder[96];
	const char *const argv[] = { "postgres",  "-D",
				     data,        "-p",
				     port,        "-k",
				     folder,      "-h",
				     "127.0.0.1", "-F",
				     "-c",        "shared_buffers=16MB",
				     "-c",        "max_connections=20",
				     "-c",        "wal_level=logical",
				     NULL };

	snprintf(data, sizeof(data), "%s/data", c->folder);
	snprintf(port, sizeof(port), "%d", c->port);
	snprintf(folder, sizeof(folder), "%s", c->folder);
	c->pid = spawn(c, "postgres", argv);
	for (int i = 0; i < 600; i++) {
		int status;

		if (PQping(cluster_conninfo(c, "postgres", "postgres")) == PQPING_OK)
			return;
		if (waitpid(c->pid, &status, WNOHANG) == c->pid)
			break;
		usleep(50 * 1000);
	}
	printf("the server does not start, see %s/log\n", c->folder);
	exit(EXIT_FAILURE);
}

void cluster_stop(struct cluster *c)
{
	if (c->pid <= 0)
		return;
	kill(c->pid, SIGINT);
	waitpid(c->pid, NULL, 0);
	c->pid = 0;
}

void cluster_remove(struct cluster *c)
{
	pid_t pid;

	cluster_stop(c);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", c->folder, NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

const char *cluster_conninfo(const struct cluster *c, const char *dbname,
			     const char *user)
{
	static char text[4][256];
	static unsigned turn;
	char *to = text[turn++ % 4];

	snprintf(to, sizeof(text[0]), "host=%s port=%d dbname=%s user=%s", c->folder,
		 c->port, dbname, user);
	return to;
}

const char *cluster_sql(const struct cluster *c, const char *sql)
{
	static char value[1 << 16];
	char conninfo[400];
	PGconn *conn;
	PGresult *res;
	ExecStatusType status;

	snprintf(conninfo, sizeof(conninfo),
		 "%s options='-c client_min_messages=warning "
		 "-c default_transaction_read_only=off'",
		 cluster_conninfo(c, "postgres", "postgres"));
	conn = PQconnectdb(conninfo);
	res = PQexec(conn, sql);
	status = PQresultStatus(res);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		fprintf(stderr, "%s: %s", sql, PQerrorMessage(conn));
		abort();
	}
	value[0] = '\0';
	if (status == PGRES_TUPLES_OK && PQntuples(res) > 0)
		snprintf(value, sizeof(value), "%s", PQgetvalue(res, 0, 0));
	PQclear(res);
	PQfinish(conn);
	return value;
}
