/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/unit_start.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/log.h"
#include "scheduler/settings.h"
#include "scheduler/unit.h"

/*
 * How a daemon is started. A job of the control plane comes with its secrets, so its text
 * goes through an unnamed file in memory: nothing of it is in an argument, the environment
 * or a file system. A local job is named by its path, so that what it includes is found, and
 * SIGHUP reads it again.
 */

void args_add(struct args *a, char *owned)
{
	a->items = xreallocarray(a->items, a->n + 2, sizeof(*a->items));
	a->items[a->n++] = owned;
	a->items[a->n] = NULL;
}

void args_add_plugin_dirs(struct args *a, const struct settings *s)
{
	for (size_t i = 0; i < config_count(s->top, "plugin_dirs"); i++)
		args_add(a, xasprintf("--plugin-dir=%s",
				      config_item(s->top, "plugin_dirs", i).ptr));
}

void args_release(struct args *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->items[i]);
	free(a->items);
	*a = (struct args){ .n = 0 };
}

/* What systemd told the worker is not for its daemons. */
static bool is_ours_alone(const char *variable)
{
	static const char *const names[] = {
		"NOTIFY_SOCKET=",   "WATCHDOG_",     "LISTEN_",       "STATE_DIRECTORY=",
		"JOURNAL_STREAM=",  "INVOCATION_ID", "CREDENTIALS_DIRECTORY=",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* libpq must find neither passwords nor services of this machine by itself. */
static char no_passwords[] = "PGPASSFILE=/dev/null", no_services[] = "PGSERVICEFILE=/dev/null";

char **unit_environment(bool is_remote)
{
	size_t n = 0, kept = 0;
	char **list;

	while (environ[n])
		n++;
	list = xcalloc(n + 3, sizeof(*list));
	for (size_t i = 0; i < n; i++)
		if (!is_ours_alone(environ[i]) && !(is_remote && strncmp(environ[i], "PG", 2) == 0))
			list[kept++] = environ[i];
	if (is_remote) {
		list[kept++] = no_passwords;
		list[kept++] = no_services;
	}
	return list;
}

static void make_args(const struct unit *u, struct args *a)
{
	const struct tools *t = u->tools;
	const struct want *w = u->want;

	args_add(a, xstrdup(t->dbmazz));
	args_add(a, xasprintf("--log-format=json"));
	args_add(a, xasprintf("--state-dir=%s", u->dir));
	args_add_plugin_dirs(a, t->settings);
	if (!w->is_remote) {
		args_add(a, xstrdup("--"));
		args_add(a, xstrdup(w->path));
		return;
	}
	args_add(a, xasprintf("--config-fd=3"));
	args_add(a, xasprintf("--epoch=%" PRIu64, w->epoch));
	args_add(a, xasprintf("--id=%s", w->id));
	args_add(a, xasprintf("--secrets-dir=%s", t->settings->secrets_dir));
	args_add(a, xasprintf("--managed-by=%s", t->managed_by));
}

/* What an earlier run left would speak of the wrong end. */
static void remove_exit(const struct unit *u)
{
	_cleanup_(freep) char *path = xasprintf("%s/exit.json", u->dir);

	(void)unlink(path);
}

int unit_spawn(struct unit *u)
{
	struct spawn how = { .config_fd = -1, .cgroup_fd = -1 };
	_cleanup_(freep) char **envp = unit_environment(u->want->is_remote);
	struct args args = { .n = 0 };
	int r;

	if (u->want->is_remote) {
		how.config_fd = process_memory_file(u->want->config, u->want->config_len);
		if (how.config_fd < 0)
			return how.config_fd;
	}
	remove_exit(u);
	make_args(u, &args);
	how.argv = args.items;
	how.envp = envp;
	how.limits = &u->tools->settings->limits;
	how.cgroup_fd = cgroups_open(u->tools->cgroups, strrchr(u->dir, '/') + 1);
	how.err_fd = ring_writer(&u->log);
	how.out_fd = how.err_fd;
	r = how.err_fd < 0 ? how.err_fd : process_spawn(&how, &u->process);
	fs_closep(&how.err_fd);
	fs_closep(&how.config_fd);
	fs_closep(&how.cgroup_fd);
	args_release(&args);
	return r;
}
