/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "engine/control.h"
#include "engine/json.h"
#include "scheduler/internal.h"

/* What people may say to the worker through worker.sock. */

static void add_str(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

static void add_unit(struct jsonw *w, const struct unit *u)
{
	jsonw_begin_object(w);
	add_str(w, "name", u->name);
	add_str(w, "origin", u->is_remote ? "control plane" : "file");
	add_str(w, "state", unit_state_to_str(u->state));
	add_str(w, "folder", u->dir);
	jsonw_key(w, "pid");
	if (process_is_set(&u->process))
		jsonw_i64(w, u->process.pid);
	else
		jsonw_null(w);
	jsonw_key(w, "exit_code");
	if (u->exit_code >= 0)
		jsonw_i64(w, u->exit_code);
	else
		jsonw_null(w);
	add_str(w, "error", u->error);
	jsonw_end_object(w);
}

static void answer_status(const struct scheduler *s, struct buf *answer)
{
	struct jsonw w = JSONW_INIT(answer);

	jsonw_begin_object(&w);
	add_str(&w, "version", PACKAGE_VERSION);
	jsonw_key(&w, "draining");
	jsonw_bool(&w, s->draining);
	jsonw_key(&w, "jobs");
	jsonw_begin_array(&w);
	map_for_each (e, &s->units)
		add_unit(&w, e->value);
	jsonw_end_array(&w);
	jsonw_end_object(&w);
}

static void answer_error(struct buf *answer, const char *text)
{
	buf_add_str(answer, "{\"error\":");
	json_add_string(answer, view_str(text));
	buf_add_char(answer, '}');
}

static struct unit *find(const struct scheduler *s, struct ez_view name)
{
	struct unit *remote = NULL;

	map_for_each (e, &s->units) {
		struct unit *u = e->value;

		if (!view_eq_str(name, u->name) && !view_eq_str(name, strrchr(u->dir, '/') + 1))
			continue;
		if (!u->is_remote)
			return u;
		remote = u;
	}
	return remote;
}

static void answer_start(struct unit *u, struct buf *answer)
{
	if (process_is_set(&u->process)) {
		answer_error(answer, "the job is running");
		return;
	}
	if (!u->want) {
		answer_error(answer, "the job file has errors, or is gone");
		return;
	}
	log_msg(EZL_NOTICE, "job %s is started by command", u->name);
	unit_release_hold(u);
	buf_add_str(answer, "{\"ok\":true}");
}

static void answer_stop(struct unit *u, struct buf *answer)
{
	if (process_is_set(&u->process)) {
		answer_error(answer, "the daemon does not answer");
		return;
	}
	log_msg(EZL_NOTICE, "job %s is stopped by command", u->name);
	unit_hold(u);
	buf_add_str(answer, "{\"ok\":true}");
}

static void on_command(void *arg, struct ez_view cmd, struct ez_view request, struct buf *answer)
{
	struct scheduler *s = arg;
	_cleanup_(json_freep) struct json *j = json_parse(request, NULL);
	struct unit *u = find(s, json_str(j, "job"));

	if (view_eq_str(cmd, "status"))
		answer_status(s, answer);
	else if (!view_eq_str(cmd, "start") && !view_eq_str(cmd, "stop"))
		answer_error(answer, "unknown command; known are status, start, stop");
	else if (!u)
		answer_error(answer, "the worker has no job of that name");
	else if (u->is_remote)
		answer_error(answer, s->tools.managed_by);
	else if (view_eq_str(cmd, "start"))
		answer_start(u, answer);
	else
		answer_stop(u, answer);
}

static void no_metrics(void *arg, struct buf *text)
{
	(void)arg;
	(void)text;
}

const struct control_ops worker_commands = { .command = on_command, .metrics = no_metrics };
