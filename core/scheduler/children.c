/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/children.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "scheduler/process.h"

enum { OUTPUT_MAX = 8 * 1024 * 1024 };

struct child {
	struct list link;
	struct process process;
	int out_fd, err_fd;
	int64_t kill_at_us; /* mono_us */
	bool timed_out;
	void (*done)(void *arg, const struct child_result *r);
	void *arg;
};

void children_init(struct children *c)
{
	list_init(&c->list);
}

static void child_free(struct child *k)
{
	list_remove(&k->link);
	process_release(&k->process);
	fs_closep(&k->out_fd);
	fs_closep(&k->err_fd);
	free(k);
}

void children_release(struct children *c)
{
	list_for_each (at, &c->list) {
		struct child *k = LIST_OF(at, struct child, link);
		struct pollfd end = { .fd = k->process.pidfd, .events = POLLIN };

		process_signal(&k->process, SIGKILL);
		(void)poll(&end, 1, -1);
		(void)process_poll(&k->process);
		child_free(k);
	}
}

static int spawn(struct child *k, const struct child_job *job)
{
	struct spawn how = { .argv = job->argv, .envp = job->envp ? job->envp : environ, .config_fd = -1, .cgroup_fd = -1 };
	int r;

	k->out_fd = process_memory_file(NULL, 0);
	k->err_fd = process_memory_file(NULL, 0);
	if (job->config.ptr)
		how.config_fd = process_memory_file(job->config.ptr, job->config.len);
	if (k->out_fd < 0 || k->err_fd < 0 || how.config_fd < -1)
		return -ENOMEM;
	how.out_fd = k->out_fd;
	how.err_fd = k->err_fd;
	r = process_spawn(&how, &k->process);
	fs_closep(&how.config_fd);
	return r;
}

int children_start(struct children *c, const struct child_job *job)
{
	struct child *k = xcalloc(1, sizeof(*k));
	int r;

	*k = (struct child){
		.process = PROCESS_NONE,
		.out_fd = -1,
		.err_fd = -1,
		.kill_at_us = mono_us() + (int64_t)job->timeout_ms * US_PER_MS,
		.done = job->done,
		.arg = job->arg,
	};
	list_init(&k->link);
	r = spawn(k, job);
	if (r < 0) {
		child_free(k);
		return r;
	}
	list_add_tail(&c->list, &k->link);
	return 0;
}

size_t children_count(const struct children *c)
{
	return list_count(&c->list);
}

size_t children_fds(const struct children *c, struct pollfd *fds, size_t cap)
{
	size_t n = 0;

	list_for_each (at, &c->list) {
		const struct child *k = LIST_OF(at, struct child, link);

		if (n < cap)
			fds[n++] = (struct pollfd){ .fd = k->process.pidfd, .events = POLLIN };
	}
	return n;
}

int64_t children_due_us(const struct children *c)
{
	int64_t due_us = INT64_MAX;

	list_for_each (at, &c->list) {
		const struct child *k = LIST_OF(at, struct child, link);

		if (!k->timed_out)
			due_us = MIN(due_us, k->kill_at_us);
	}
	return due_us;
}

static void read_output(int fd, struct buf *ret)
{
	if (lseek(fd, 0, SEEK_SET) != 0 || fs_read_fd(fd, OUTPUT_MAX, ret) < 0)
		log_msg(EZL_WARNING, "the output of a child is too long: it is cut");
}

static void conclude(struct child *k, int code)
{
	_cleanup_(buf_release) struct buf out = BUF_INIT(OUTPUT_MAX), err = BUF_INIT(OUTPUT_MAX);
	struct child_result r = { .code = code, .timed_out = k->timed_out };

	read_output(k->out_fd, &out);
	read_output(k->err_fd, &err);
	r.out = buf_view(&out);
	r.err = buf_view(&err);
	k->done(k->arg, &r);
}

void children_step(struct children *c)
{
	list_for_each (at, &c->list) {
		struct child *k = LIST_OF(at, struct child, link);
		int code = process_poll(&k->process);

		if (code == PROCESS_RUNS) {
			if (!k->timed_out && mono_us() >= k->kill_at_us) {
				k->timed_out = true;
				process_signal(&k->process, SIGKILL);
			}
			continue;
		}
		list_remove(&k->link);
		conclude(k, code);
		child_free(k);
	}
}
