/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PLAY_H
#define BENCH_PLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/random.h"
#include "base/view.h"

/*
 * Thousands of workers in one thread: what their agents say, of jobs that nobody runs.
 *
 * Each has two kept connections, one for its poll and one for the rest. Everything is owned
 * by struct play and lives as long as the program.
 */
enum kind {
	KIND_REGISTER,
	KIND_POLL, /* there and back, without waiting */
	KIND_LATE, /* the end of a wait, after it was due */
	KIND_BEAT,
	KIND_REPORT,
	KIND_SAMPLES,
	_KIND_MAX,
};

enum todo {
	TODO_START,
	TODO_BEAT,
	TODO_REPORTS,
	TODO_TELL,
	TODO_ASK,
	TODO_SAY,
	TODO_COME_BACK,
};

enum { NAME_SIZE = 40, TOKEN_SIZE = 128, ITEMS_MAX = 128 };

struct play;
struct worker;

/* A job as all workers know it. */
struct job {
	struct job *next;
	char id[NAME_SIZE];
	int64_t highest; /* epoch that any worker was given */
};

/* A request at a time; the answer goes to worker_answer, status 0 for none. */
struct conn {
	struct worker *worker;
	int fd, port;
	bool busy;
	struct buf out, in;
	size_t written;
	int64_t sent_us, until_us;
};

struct lease {
	struct job *job;
	int64_t epoch, revision;
	char state[16];
};

struct item {
	enum kind kind;
	struct job *job;
};

struct worker {
	struct play *play;
	int number, home, tries;
	unsigned life; /* timers of an earlier one mean nothing */
	bool known, away;
	char id[NAME_SIZE], instance[NAME_SIZE], token[TOKEN_SIZE], seen[80];
	struct conn talk, poll;
	int wait_s;
	struct lease *leases;
	int n_leases;
	struct item items[ITEMS_MAX];
	int n_items;
	bool is_over; /* what was said last is of an epoch that has ended */
};

struct timer {
	int64_t at_us;
	struct worker *worker;
	struct job *job;
	enum todo todo;
	unsigned life;
};

struct figures {
	int64_t *all;
	int n, room;
};

struct play {
	int epoll;
	int ports[8], n_ports;
	int room;
	const char *plugins;
	struct worker *workers;
	int n_workers;
	struct job *jobs[65536];
	struct timer *timers;
	int n_timers, timers_room;
	struct figures figures[_KIND_MAX];
	int64_t delay_us; /* the longest that a timer was late */
	int registered, sets, put_off, timeouts, stale;
	struct prng chance;
};

void conn_init(struct conn *c, struct worker *w);
void conn_send(struct conn *c, int port, const char *token, const char *path,
	       struct ez_view body, int64_t timeout_us);
void conn_ready(struct conn *c, uint32_t events);
void conn_close(struct conn *c);

void worker_init(struct worker *w, struct play *p, int number, const char *token);
void worker_do(struct worker *w, enum todo todo, struct job *job);
void worker_answer(struct conn *c, int status, struct ez_view head, struct ez_view body);
void worker_vanish(struct worker *w);

void play_after(struct play *p, struct worker *w, int64_t us, enum todo todo,
		struct job *job);
void play_took(struct play *p, enum kind kind, int64_t us);
struct job *play_job(struct play *p, const char *id);
_printf_(1, 2) void play_problem(const char *fmt, ...);

#endif
