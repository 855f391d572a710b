/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/start.h"

#include "base/view.h"
#include "engine/host.h"

/*
 * The rule behind all of it: never skip silently. A slot that was dropped, invalidated, made
 * again or used by someone else has forgotten changes that we have not written; then the job
 * stops with the remedy, because only a person can say whether the target may be copied
 * again. The one slot that may be dropped is the one a first snapshot was making when it was
 * cut short, which the checkpoint said before it existed (R4).
 */

static int refuse(struct ez_error *err, int rc, const struct start_facts *f, const char *what)
{
	host_table.fail(err, rc, "", "%s", what);
	return host_table.hint(err,
			       "copy again: `ezcdc drop` the job, empty the target, start it; "
			       "or restore the slot \"%.*s\" and start again",
			       VIEW_ARG(f->info->slot_name));
}

/* ---------------------------------------------------------------------- first start */

static int first_with_slot(const struct start_facts *f, struct start *ret,
			   struct ez_error *err)
{
	if (f->snapshot == JOB_SNAPSHOT_NEVER) {
		if (f->recovered.bytes.len && f->recovered.order < f->info->confirmed.order)
			return refuse(err, EZ_E_GONE, f,
				      "the slot has moved on past what the sink holds");
		ret->action = START_STREAM;
		ret->from = f->recovered.bytes.len ? f->recovered : f->info->confirmed;
		ret->first = true;
		return EZ_OK;
	}
	host_table.fail(err, EZ_E_CONFIG, "",
			"the replication slot \"%.*s\" exists already, but this job has no "
			"checkpoint: it may belong to someone else",
			VIEW_ARG(f->info->slot_name));
	return host_table.hint(err,
			       "if it is nobody's, drop it: SELECT pg_drop_replication_slot"
			       "('%.*s'); to go on from where it stands, set snapshot = "
			       "\"never\"; else choose another slot",
			       VIEW_ARG(f->info->slot_name));
}

static int first_without_slot(const struct start_facts *f, struct start *ret,
			      struct ez_error *err)
{
	if (f->recovered.bytes.len)
		return refuse(err, EZ_E_GONE, f,
			      "the sink holds a position of this job, but its replication "
			      "slot is gone: changes since then are lost");
	if (!f->info->create) {
		host_table.fail(err, EZ_E_CONFIG, "",
				"the replication slot \"%.*s\" does not exist and create is "
				"false", VIEW_ARG(f->info->slot_name));
		return host_table.hint(err, "make the slot, or set create = true");
	}
	ret->action = f->snapshot == JOB_SNAPSHOT_NEVER ? START_SLOT : START_SNAPSHOT;
	return EZ_OK;
}

static int first_start(const struct start_facts *f, struct start *ret, struct ez_error *err)
{
	if (f->snapshot == JOB_SNAPSHOT_ONLY) {
		ret->action = START_SNAPSHOT;
		return EZ_OK;
	}
	if (f->info->slot == EZ_SLOT_NONE)
		return first_without_slot(f, ret, err);
	return first_with_slot(f, ret, err);
}

/* -------------------------------------------------------------------------- resuming */

static struct ez_position newer(struct ez_position a, const struct mark *b)
{
	return mark_is_set(b) && (!a.bytes.len || b->order > a.order) ? mark_position(b) : a;
}

/* R2: what the sink says against what the checkpoint says. */
static int resume_position(const struct start_facts *f, struct ez_position *ret,
			   struct ez_error *err)
{
	const struct checkpoint *cp = f->cp;
	const struct mark *newest = checkpoint_resume(cp);
	struct ez_position from = newest ? mark_position(newest) : (struct ez_position){ .order = 0 };
	struct ez_position sink = f->recovered;

	if (f->sink_keeps && !sink.bytes.len && mark_is_set(&cp->position))
		return refuse(err, EZ_E_GONE, f,
			      "the checkpoint says that changes were written, but the sink "
			      "holds nothing of this job: its target was emptied or replaced");
	if (sink.bytes.len && sink.order >= cp->position.order) {
		*ret = newer(newer(sink, &cp->idle), &cp->start);
		return EZ_OK;
	}
	if (!sink.bytes.len) {
		*ret = from;
		return EZ_OK;
	}
	if (sink.order < f->info->confirmed.order)
		return refuse(err, EZ_E_GONE, f,
			      "the sink holds less than the checkpoint says, and the source "
			      "no longer has what is missing");
	*ret = sink;
	return EZ_OK;
}

static int slot_must_be_there(const struct start_facts *f, struct ez_error *err)
{
	const struct ez_source_info *info = f->info;

	if (info->slot == EZ_SLOT_READY)
		return EZ_OK;
	if (info->slot == EZ_SLOT_NONE)
		host_table.fail(err, EZ_E_GONE, "",
				"the replication slot \"%.*s\" no longer exists: changes since "
				"the last checkpoint are lost", VIEW_ARG(info->slot_name));
	else
		host_table.fail(err, EZ_E_GONE, "",
				"the replication slot \"%.*s\" can no longer be used: %.*s",
				VIEW_ARG(info->slot_name), VIEW_ARG(info->slot_reason));
	return host_table.hint(err, "copy again: `ezcdc drop` the job, empty the target, start it");
}

static int resume_stream(const struct start_facts *f, struct start *ret, struct ez_error *err)
{
	int rc = slot_must_be_there(f, err);

	if (rc >= 0)
		rc = resume_position(f, &ret->from, err);
	if (rc < 0)
		return rc;
	if (f->info->confirmed.order > ret->from.order)
		return refuse(err, EZ_E_GONE, f,
			      "the replication slot is ahead of the checkpoint: it was made "
			      "again or used by someone else, and changes in between are lost");
	ret->action = f->cp->phase == PHASE_PUBLISHING ? START_PUBLISH : START_STREAM;
	return EZ_OK;
}

static int resume_snapshot(const struct start_facts *f, struct start *ret)
{
	ret->drop_slot = true;
	ret->restart = f->cp->snapshot > 0;
	ret->action = f->snapshot == JOB_SNAPSHOT_NEVER ? START_SLOT : START_SNAPSHOT;
	return EZ_OK;
}

static int after_copy(const struct start_facts *f, struct start *ret, struct ez_error *err)
{
	if (f->snapshot == JOB_SNAPSHOT_ONLY && !f->again) {
		host_table.fail(err, EZ_E_CONFIG, "", "the snapshot of job \"%s\" is done already",
				f->job);
		return host_table.hint(err, "to copy once more, start it with --again");
	}
	return first_start(f, ret, err);
}

int start_decide(const struct start_facts *f, struct start *ret, struct ez_error *err)
{
	*ret = (struct start){ .action = START_STREAM };
	switch (f->cp->phase) {
	case PHASE_CREATING:
	case PHASE_SNAPSHOT:
		return resume_snapshot(f, ret);
	case PHASE_PUBLISHING:
	case PHASE_STREAMING:
		return resume_stream(f, ret, err);
	case PHASE_COPIED:
		return after_copy(f, ret, err);
	case PHASE_NEW:
	case _PHASE_MAX:
		break;
	}
	return first_start(f, ret, err);
}
