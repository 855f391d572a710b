/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"

enum {
	CGROUP_FILE_MAX = 64 * 1024,
	CPU_PERIOD_US = 100000,
};

static const char mount[] = "/sys/fs/cgroup";

struct cgroups {
	char *path; /* of the worker's group, without a slash at its end */
	struct limits limits;
};

void limits_apply(const struct limits *l, bool has_cgroup)
{
	if (l->open_files > 0) {
		const struct rlimit files = { l->open_files, l->open_files };

		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (l->memory_bytes > 0 && !has_cgroup) {
		const struct rlimit data = { l->memory_bytes, l->memory_bytes };

		(void)setrlimit(RLIMIT_DATA, &data);
	}
	if (l->nice != 0)
		(void)setpriority(PRIO_PROCESS, 0, l->nice);
}

/* The path after "0::", which is the line of version 2. */
static char *own_group(void)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	struct ez_view rest, line;

	if (fs_read_file("/proc/self/cgroup", CGROUP_FILE_MAX, &text) < 0)
		return NULL;
	rest = buf_view(&text);
	while (view_split(&rest, '\n', &line)) {
		if (!view_starts(line, VIEW("0::/")))
			continue;
		line = view_of(line.ptr + 3, line.len - 3);
		if (line.len == 1)
			line.len = 0;
		return xasprintf("%s%.*s", mount, VIEW_ARG(line));
	}
	return NULL;
}

static bool put(const char *dir, const char *name, const char *text)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", dir, name);
	_cleanup_(fs_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && fs_write_all(fd, text, strlen(text)) == 0;
}

struct cgroups *cgroups_new(const struct limits *l)
{
	_cleanup_(freep) char *path = NULL, *leaf = NULL, *controllers = NULL;
	struct cgroups *c;

	if (l->memory_bytes == 0 && l->cpu_percent == 0)
		return NULL;
	path = own_group();
	if (!path)
		return NULL;
	leaf = xasprintf("%s/worker", path);
	controllers = xasprintf("%s/cgroup.controllers", path);
	if (access(controllers, R_OK) != 0 || (mkdir(leaf, 0755) != 0 && errno != EEXIST) ||
	    !put(leaf, "cgroup.procs", "0") ||
	    !put(path, "cgroup.subtree_control", "+memory +cpu")) {
		log_msg(EZL_NOTICE, "control groups cannot be used here: of the limits, only "
				    "those of a process hold");
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->path = TAKE_PTR(path);
	c->limits = *l;
	return c;
}

void cgroups_free(struct cgroups *c)
{
	if (!c)
		return;
	free(c->path);
	free(c);
}

static char *group_path(const struct cgroups *c, const char *job)
{
	return xasprintf("%s/job-%s", c->path, job);
}

int cgroups_open(struct cgroups *c, const char *job)
{
	_cleanup_(freep) char *path = c ? group_path(c, job) : NULL;
	_cleanup_(freep) char *procs = NULL;
	char text[64];

	if (!path || (mkdir(path, 0755) != 0 && errno != EEXIST))
		return -1;
	if (c->limits.memory_bytes > 0 &&
	    str_format(text, sizeof(text), "%" PRIu64, c->limits.memory_bytes) &&
	    !put(path, "memory.max", text))
		log_msg(EZL_WARNING, "cannot limit the memory of job %s: %m", job);
	if (c->limits.cpu_percent > 0 &&
	    str_format(text, sizeof(text), "%u %d",
		       c->limits.cpu_percent * (CPU_PERIOD_US / 100), CPU_PERIOD_US) &&
	    !put(path, "cpu.max", text))
		log_msg(EZL_WARNING, "cannot limit the CPU of job %s: %m", job);
	procs = xasprintf("%s/cgroup.procs", path);
	return open(procs, O_WRONLY | O_CLOEXEC);
}

void cgroups_remove(struct cgroups *c, const char *job)
{
	_cleanup_(freep) char *path = c ? group_path(c, job) : NULL;

	if (path)
		(void)rmdir(path);
}
