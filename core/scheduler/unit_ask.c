/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/unit_ask.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "engine/json.h"
#include "scheduler/process.h"
#include "scheduler/unit.h"

enum {
	STATUS_US = 5 * US_PER_SEC,
	STATUS_SOON_US = US_PER_SEC,
	STATUS_STARTING_US = US_PER_SEC / 4,
	ASK_MS = 5000,
};

static bool is_asking(const struct unit *u)
{
	return u->ask.fd >= 0 || u->ask.in.len > 0;
}

/* `passed` becomes the question's. */
static void ask(struct unit *u, enum unit_question what, const char *request, int passed)
{
	_cleanup_(freep) char *path = xasprintf("%s/control.sock", u->dir);

	u->asked = what;
	u->ask_due_us = mono_us() + (u->answers ? STATUS_US : STATUS_SOON_US);
	if (ask_begin(&u->ask, path, view_str(request), passed, ASK_MS) == ASK_FAILED)
		u->answers = false;
}

/* What people wait for is looked at more often; what has changed may change again. */
static int64_t pace_of(const struct unit *u, struct ez_view state)
{
	if (!u->answers)
		return STATUS_STARTING_US;
	return view_eq_str(state, "streaming") ? STATUS_US : STATUS_SOON_US;
}

static void take_status(struct unit *u)
{
	_cleanup_(json_freep) struct json *j = json_parse(buf_view(&u->ask.in), NULL);

	if (!j || !json_has(j, "state"))
		return;
	buf_reset(&u->status);
	buf_add_view(&u->status, buf_view(&u->ask.in));
	u->is_paused = json_bool(j, "paused");
	u->answers = !view_eq_str(json_str(j, "state"), "starting");
	u->ask_due_us = mono_us() + pace_of(u, json_str(j, "state"));
	u->has_news = true;
}

/* -------------------------------------------------------------- another configuration */

/*
 * Its secrets, above all: a password that was changed is known to a daemon before it needs
 * it, and nothing is interrupted. Whether that suffices only the daemon can say, since it
 * knows what each option is; if not, it is started anew.
 */
void unit_reload(struct unit *u)
{
	int fd;

	if (is_asking(u))
		return;
	u->reloading = unit_wanted_version(u);
	fd = process_memory_file(u->want->config, u->want->config_len);
	if (fd < 0) {
		u->reload_failed = u->reloading.revision;
		return;
	}
	ask(u, ASK_RELOAD, "{\"cmd\":\"reload\",\"worker\":true}", fd);
	if (!is_asking(u))
		u->reload_failed = u->reloading.revision;
}

static void take_reload(struct unit *u)
{
	_cleanup_(json_freep) struct json *j = json_parse(buf_view(&u->ask.in), NULL);

	if (!j || !json_bool(j, "ok")) {
		u->reload_failed = u->reloading.revision;
		return;
	}
	log_msg(EZL_INFO, "job %s goes on with its new configuration", u->name);
	u->now = u->reloading;
	u->has_news = true;
	unit_save(u);
}

/* ----------------------------------------------------------------------------- answers */

static void pause_or_resume(struct unit *u)
{
	bool wants_pause = u->want && u->want->state == WANT_PAUSED;

	if (u->answers && u->is_remote && u->want && u->state == UNIT_RUNNING &&
	    wants_pause != u->is_paused)
		ask(u, ASK_PAUSE,
		    wants_pause ? "{\"cmd\":\"pause\",\"worker\":true}" :
				  "{\"cmd\":\"resume\",\"worker\":true}",
		    -1);
}

static void take_answer(struct unit *u)
{
	switch (u->asked) {
	case ASK_STATUS:
		take_status(u);
		ask_release(&u->ask);
		pause_or_resume(u);
		return;
	case ASK_PAUSE:
		break;
	case ASK_RELOAD:
		take_reload(u);
		break;
	}
	u->ask_due_us = mono_us(); /* what came of it? */
	ask_release(&u->ask);
}

static void no_answer(struct unit *u)
{
	u->answers = false;
	if (u->asked == ASK_RELOAD)
		u->reload_failed = u->reloading.revision;
}

void unit_step_ask(struct unit *u)
{
	if (is_asking(u)) {
		enum ask_result r = u->ask.fd >= 0 ? ask_step(&u->ask) : ASK_DONE;

		if (r == ASK_DONE)
			take_answer(u);
		else if (r == ASK_FAILED)
			no_answer(u);
	} else if (mono_us() >= u->ask_due_us) {
		ask(u, ASK_STATUS, "{\"cmd\":\"status\"}", -1);
	}
}
