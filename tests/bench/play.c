/* SPDX-License-Identifier: Apache-2.0
 *
 * play WORKERS ROOM SEED PLUGINS_FILE PORT,PORT,... TOKEN... - plays workers against
 * instances of the control plane. Commands on standard input, a line each: "start RATE",
 * "vanish COUNT SECONDS", "reset", "figures". What happens comes as lines on standard output:
 * "held WORKER JOB EPOCH STATE MICROSECONDS", "gone WORKER...", "figures JSON",
 * "problem TEXT". Ends with its input.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/parse.h"
#include "base/str.h"
#include "tests/bench/play.h"

enum { EVENTS = 1000, LINE_MAX_BYTES = 4096, SWEEP_US = US_PER_SEC / 2 };

void play_problem(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("problem ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

struct job *play_job(struct play *p, const char *id)
{
	uint32_t h = 5381;
	struct job *j;

	for (const char *c = id; *c; c++)
		h = h * 33 + (unsigned char)*c;
	h %= ARRAY_LEN(p->jobs);
	for (j = p->jobs[h]; j; j = j->next) {
		if (strcmp(j->id, id) == 0)
			return j;
	}
	j = xcalloc(1, sizeof(*j));
	ENSURE(str_copy(j->id, sizeof(j->id), view_str(id)), "a job's id is too long");
	j->next = p->jobs[h];
	p->jobs[h] = j;
	return j;
}

/* ------------------------------------------------------------------ time: a heap */

static void swap(struct timer *a, struct timer *b)
{
	struct timer t = *a;

	*a = *b;
	*b = t;
}

void play_after(struct play *p, struct worker *w, int64_t us, enum todo todo,
		struct job *job)
{
	int i = p->n_timers++;

	if (i == p->timers_room) {
		p->timers_room = 2 * i + 1024;
		p->timers = xreallocarray(p->timers, (size_t)p->timers_room,
					  sizeof(*p->timers));
	}
	p->timers[i] = (struct timer){ mono_us() + us, w, job, todo, w->life };
	for (; i > 0 && p->timers[i].at_us < p->timers[(i - 1) / 2].at_us; i = (i - 1) / 2)
		swap(&p->timers[i], &p->timers[(i - 1) / 2]);
}

static struct timer take_timer(struct play *p)
{
	struct timer first = p->timers[0];
	int i = 0;

	p->timers[0] = p->timers[--p->n_timers];
	for (;;) {
		int least = i;

		for (int c = 2 * i + 1; c <= 2 * i + 2 && c < p->n_timers; c++) {
			if (p->timers[c].at_us < p->timers[least].at_us)
				least = c;
		}
		if (least == i)
			return first;
		swap(&p->timers[i], &p->timers[least]);
		i = least;
	}
}

static void run_timers(struct play *p)
{
	while (p->n_timers > 0 && p->timers[0].at_us <= mono_us()) {
		struct timer t = take_timer(p);

		p->delay_us = MAX(p->delay_us, mono_us() - t.at_us);
		if (t.life == t.worker->life)
			worker_do(t.worker, t.todo, t.job);
	}
}

/* Requests that were never answered. */
static void sweep(struct play *p)
{
	int64_t now = mono_us();

	for (int i = 0; i < p->n_workers; i++) {
		struct conn *both[] = { &p->workers[i].talk, &p->workers[i].poll };

		for (size_t c = 0; c < ARRAY_LEN(both); c++) {
			if (!both[c]->busy || now < both[c]->until_us)
				continue;
			p->timeouts += both[c]->until_us > 0;
			conn_close(both[c]);
			worker_answer(both[c], 0, VIEW(""), VIEW(""));
		}
	}
}

/* ------------------------------------------------------------------ figures */

void play_took(struct play *p, enum kind kind, int64_t us)
{
	struct figures *f = &p->figures[kind];

	if (f->n == f->room) {
		f->room = 2 * f->n + 1024;
		f->all = xreallocarray(f->all, (size_t)f->room, sizeof(*f->all));
	}
	f->all[f->n++] = us;
}

static int by_size(const void *a, const void *b)
{
	int64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

static void show(struct play *p)
{
	static const char *const names[_KIND_MAX] = {
		[KIND_REGISTER] = "register",  [KIND_POLL] = "poll",
		[KIND_LATE] = "end of a wait", [KIND_BEAT] = "heartbeat",
		[KIND_REPORT] = "report",      [KIND_SAMPLES] = "samples",
	};

	printf("figures {\"registered\":%d,\"sets\":%d,\"put off\":%d,\"timeouts\":%d,"
	       "\"stale\":%d,\"delay\":%" PRId64 ",\"times\":{",
	       p->registered, p->sets, p->put_off, p->timeouts, p->stale, p->delay_us);
	for (int k = 0; k < _KIND_MAX; k++) {
		struct figures *f = &p->figures[k];

		if (f->n > 0)
			qsort(f->all, (size_t)f->n, sizeof(*f->all), by_size);
		printf("%s\"%s\":[%d", k > 0 ? "," : "", names[k], f->n);
		if (f->n > 0)
			printf(",%" PRId64 ",%" PRId64 ",%" PRId64, f->all[f->n / 2],
			       f->all[(int64_t)f->n * 99 / 100], f->all[f->n - 1]);
		printf("]");
	}
	printf("}}\n");
}

static void reset(struct play *p)
{
	for (int k = 0; k < _KIND_MAX; k++)
		p->figures[k].n = 0;
	p->delay_us = 0;
}

/* ------------------------------------------------------------------ commands */

static int64_t number_of(struct ez_view *rest)
{
	struct ez_view word;
	int64_t n = 0;

	return view_split(rest, ' ', &word) && parse_i64(word, &n) ? n : 0;
}

static void start(struct play *p, int64_t rate)
{
	for (int i = 0; i < p->n_workers; i++)
		play_after(p, &p->workers[i], (int64_t)i * US_PER_SEC / MAX(rate, INT64_C(1)),
			   TODO_START, NULL);
}

static void vanish(struct play *p, int64_t count, int64_t seconds)
{
	printf("gone");
	for (int64_t tries = 0; count > 0 && tries < 20 * (int64_t)p->n_workers; tries++) {
		struct worker *w = &p->workers[prng_below(
			&p->chance, (uint64_t)p->n_workers)];

		if (w->away || !w->id[0])
			continue;
		printf(" %s", w->id);
		worker_vanish(w);
		play_after(p, w,
			   US_PER_SEC + (int64_t)prng_below(&p->chance,
							    (uint64_t)(seconds * US_PER_SEC)),
			   TODO_COME_BACK, NULL);
		count--;
	}
	printf("\n");
}

static void obey(struct play *p, struct ez_view line)
{
	struct ez_view rest = line, word = VIEW("");
	int64_t n, seconds;

	if (!view_split(&rest, ' ', &word))
		return;
	n = number_of(&rest);
	seconds = number_of(&rest);
	if (view_eq_str(word, "start"))
		start(p, n);
	else if (view_eq_str(word, "vanish"))
		vanish(p, n, seconds);
	else if (view_eq_str(word, "reset"))
		reset(p);
	else if (view_eq_str(word, "figures"))
		show(p);
}

/* False at the end. */
static bool take_commands(struct play *p, struct buf *in)
{
	char piece[LINE_MAX_BYTES];
	ssize_t n = read(STDIN_FILENO, piece, sizeof(piece));

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	for (ssize_t i = 0; i < n; i++) {
		if (piece[i] != '\n') {
			buf_add_char(in, piece[i]);
			continue;
		}
		obey(p, buf_view(in));
		buf_reset(in);
	}
	return true;
}

/* ------------------------------------------------------------------ the whole */

static bool step(struct play *p, struct buf *in)
{
	struct epoll_event events[EVENTS / 10];
	int64_t wait_us = p->n_timers > 0 ? p->timers[0].at_us - mono_us() : US_PER_SEC;
	int n;
	bool goes_on = true;

	/* Rounded down: a little too often rather than too late. */
	wait_us = MAX(MIN(wait_us, (int64_t)SWEEP_US), INT64_C(0));
	n = epoll_wait(p->epoll, events, ARRAY_LEN(events), (int)(wait_us / US_PER_MS));
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			conn_ready(events[i].data.ptr, events[i].events);
		else
			goes_on = take_commands(p, in);
	}
	run_timers(p);
	fflush(stdout);
	return goes_on;
}

static void raise_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) != 0)
			fprintf(stderr, "few files: %m\n");
	}
}

static bool set_up(struct play *p, char **argv, int argc)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct ez_view ports = view_str(argv[5]), port;
	struct buf plugins = BUF_INIT(1024 * 1024);
	int64_t n, room, seed, number;

	if (!parse_i64(view_str(argv[1]), &n) || !parse_i64(view_str(argv[2]), &room) ||
	    !parse_i64(view_str(argv[3]), &seed) ||
	    fs_read_file(argv[4], 1024 * 1024, &plugins) != 0)
		return false;
	while (view_split(&ports, ',', &port) && p->n_ports < (int)ARRAY_LEN(p->ports)) {
		if (!parse_i64(port, &number))
			return false;
		p->ports[p->n_ports++] = (int)number;
	}
	p->chance = PRNG_INIT((uint64_t)seed);
	p->plugins = buf_take(&plugins);
	p->room = (int)room;
	p->n_workers = (int)n;
	p->workers = xcalloc((size_t)n, sizeof(*p->workers));
	for (int i = 0; i < p->n_workers; i++)
		worker_init(&p->workers[i], p, i, argv[6 + i % (argc - 6)]);
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	return p->epoll >= 0 && fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) == 0 &&
	       epoll_ctl(p->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e) == 0;
}

int main(int argc, char **argv)
{
	struct play *p = xcalloc(1, sizeof(*p));
	struct buf in = BUF_INIT(LINE_MAX_BYTES);
	int64_t swept_us = mono_us();

	raise_limit();
	if (argc < 7 || !set_up(p, argv, argc)) {
		fprintf(stderr, "play WORKERS ROOM SEED PLUGINS_FILE PORTS TOKEN...\n");
		return 64;
	}
	while (step(p, &in)) {
		if (mono_us() - swept_us < SWEEP_US)
			continue;
		swept_us = mono_us();
		sweep(p);
	}
	return 0;
}
