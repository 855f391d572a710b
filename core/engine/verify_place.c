/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/verify_place.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"
#include "engine/checkpoint.h"
#include "engine/control.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/json.h"
#include "engine/loader.h"

enum {
	ANSWER_MAX = 64 * 1024 * 1024,
	TIMEOUT_MS = 10000,
};

/* A job that does not come nearer for so long is not waited for. */
static const int64_t PATIENCE_US = 60 * US_PER_SEC;

/* The newer of what is known and a position as text. */
static void take(const struct verify_watch *w, struct ez_view text, uint64_t *order,
		 struct verify_place *place)
{
	struct ez_position p = { .order = 0 };
	struct ez_error ignored = ERROR_INIT;

	if (text.len == 0 || !w->source->position ||
	    w->source->position(w->inst, text, &p, &ignored) < 0 || p.order <= *order)
		return;
	*order = p.order;
	if (!str_copy(place->text, sizeof(place->text), text))
		place->text[0] = '\0';
}

static void set_state(struct verify_place *place, struct ez_view state)
{
	if (!str_copy(place->state, sizeof(place->state), state))
		place->state[0] = '\0';
}

/* EZ_E_TRANSIENT: no daemon answers. */
static int ask_daemon(const struct verify_watch *w, uint64_t *ret_order,
		      struct verify_place *place, struct ez_error *err)
{
	static const char *const marks[] = { "durable", "confirmed", "idle" };
	_cleanup_(buf_release) struct buf answer = BUF_INIT(ANSWER_MAX);
	_cleanup_(freep) char *socket = state_dir_file(&w->e->dir, "control.sock");
	_cleanup_(json_freep) struct json *status = NULL;
	const struct json *positions;
	int rc = control_ask(socket, VIEW("{\"cmd\":\"status\"}"), TIMEOUT_MS, &answer,
			     err);

	if (rc < 0)
		return rc;
	status = json_parse(buf_view(&answer), NULL);
	if (!status)
		return host_table.fail(err, EZ_E_TRANSIENT, "",
				       "the daemon's answer is not understood");
	place->is_running = true;
	set_state(place, json_str(status, "state"));
	positions = json_get(status, "positions");
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		take(w, json_str(positions, marks[i]), ret_order, place);
	return EZ_OK;
}

static int read_store(const struct verify_watch *w, struct checkpoint *cp,
		      struct ez_error *err)
{
	const struct job_plugin *p = &w->e->job->store;
	const struct ez_store *ops = p->plugin ? &p->plugin->ops.store : &store_file;
	struct ez_ctx ctx = { .e = NULL };
	struct ez_open args =
		engine_open_args(w->e, p->config, &ctx, EZ_ROLE_CHECK, 0, 1);
	struct ez_view text;
	void *inst = NULL;
	int rc = ops->open(&args, &inst, err);

	if (rc < 0)
		return rc;
	rc = ops->load(inst, &text, err);
	if (rc == EZ_OK)
		rc = checkpoint_parse(text, cp, err);
	ops->close(inst);
	return rc;
}

static int read_checkpoint(const struct verify_watch *w, uint64_t *ret_order,
			   struct verify_place *place, struct ez_error *err)
{
	struct checkpoint cp = CHECKPOINT_INIT;
	const struct mark *at;
	int rc = read_store(w, &cp, err);

	if (rc < 0)
		return rc;
	place->is_running = false;
	set_state(place, rc == EZ_EOF ? VIEW("not started yet") : VIEW("stopped"));
	at = rc == EZ_EOF ? NULL : checkpoint_resume(&cp);
	if (at)
		take(w, view_str(at->text), ret_order, place);
	checkpoint_release(&cp);
	return EZ_OK;
}

static int look(const struct verify_watch *w, uint64_t *ret_order,
		struct verify_place *place, struct ez_error *err)
{
	int rc;

	*ret_order = 0;
	*place = (struct verify_place){ .lags = true };
	rc = ask_daemon(w, ret_order, place, err);
	return rc == EZ_E_TRANSIENT ? read_checkpoint(w, ret_order, place, err) : rc;
}

static bool comes_nearer(const struct verify_place *place)
{
	return place->is_running && (strcmp(place->state, "streaming") == 0 ||
				     strcmp(place->state, "starting") == 0);
}

int verify_wait(const struct verify_watch *w, struct ez_position position,
		struct verify_place *ret, struct ez_error *err)
{
	uint64_t order, seen = 0;
	int64_t moved_us = mono_us();

	for (;;) {
		int rc = look(w, &order, ret, err);

		if (rc < 0)
			return rc;
		ret->lags = order < position.order;
		if (order > seen)
			moved_us = mono_us();
		seen = order;
		if (!ret->lags || !comes_nearer(ret) ||
		    mono_us() - moved_us > PATIENCE_US)
			break;
		rc = w->idle(w->arg, "waiting for the job to catch up", err);
		if (rc < 0)
			return rc;
	}
	if (!str_copy(ret->snapshot, sizeof(ret->snapshot), position.bytes))
		ret->snapshot[0] = '\0';
	ret->behind = ret->lags && order > 0 ? position.order - order : 0;
	return EZ_OK;
}
