/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/scaling.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "control/aws.h"
#include "control/settings.h"

enum {
	UNKNOWN = -1,
	REPEAT_US = 60 * US_PER_SEC,
	RETRY_MIN_MS = 1000,
	RETRY_MAX_MS = 120 * 1000,
};

/* One of settings->scaling. */
struct member {
	int asked; /* what the group was last set to, or UNKNOWN */
	int64_t asked_us, retry_us;
	int64_t fewer_since_us; /* 0: no fewer are wanted */
	struct backoff backoff;
	char *complaint; /* what was logged last, NULL when all is well */
};

struct scaling {
	const struct settings *settings;
	struct member *members;
};

struct scaling *scaling_new(const struct settings *settings)
{
	struct scaling *s = xcalloc(1, sizeof(*s));

	s->settings = settings;
	s->members = xcalloc((size_t)settings->n_scaling + 1, sizeof(*s->members));
	for (int i = 0; i < settings->n_scaling; i++)
		backoff_init(&s->members[i].backoff, RETRY_MIN_MS, RETRY_MAX_MS);
	scaling_forget(s);
	return s;
}

void scaling_free(struct scaling *s)
{
	if (!s)
		return;
	for (int i = 0; i < s->settings->n_scaling; i++)
		free(s->members[i].complaint);
	free(s->members);
	free(s);
}

void scaling_forget(struct scaling *s)
{
	for (int i = 0; i < s->settings->n_scaling; i++) {
		s->members[i].asked = UNKNOWN;
		s->members[i].fewer_since_us = 0;
	}
}

/* ------------------------------------------------------------------ what is wanted */

struct need {
	int serving, draining, wanted, must;
};

static bool find_need(const struct pg_result *rows, const char *deployment,
		      struct need *ret)
{
	for (int i = 0; i < db_rows(rows); i++) {
		if (strcmp(db_text(rows, i, 0), deployment) != 0)
			continue;
		*ret = (struct need){ .serving = (int)db_i64(rows, i, 1),
				      .draining = (int)db_i64(rows, i, 2),
				      .wanted = (int)db_i64(rows, i, 3),
				      .must = (int)db_i64(rows, i, 4) };
		return true;
	}
	return false;
}

/* UNKNOWN: leave the group as it is. */
static int target_of(const struct scaling_group *g, struct member *m,
		     const struct need *n, int64_t now)
{
	int have = m->asked == UNKNOWN ? n->serving + n->draining : m->asked;
	int want = MIN(MAX(n->wanted + n->draining, g->min), g->max);

	want = MAX(want, MIN(n->must + n->draining, have));
	if (want >= have) {
		m->fewer_since_us = 0;
		return want;
	}
	if (m->fewer_since_us == 0)
		m->fewer_since_us = now;
	if (now - m->fewer_since_us < (int64_t)g->cooldown_seconds * US_PER_SEC)
		return m->asked;
	return want;
}

/* ------------------------------------------------------------------ asking for it */

static bool set_capacity(const struct settings *s, const struct scaling_group *g, int n,
			 struct buf *why)
{
	struct aws_keys keys = AWS_KEYS_INIT;
	struct buf body = BUF_INIT(16 * 1024);
	bool ok = aws_keys_read(&keys, s->aws_credentials, s->aws_metadata, why);

	if (ok) {
		buf_add_str(&body, "Action=SetDesiredCapacity&AutoScalingGroupName=");
		aws_add_field(&body, g->group);
		buf_addf(&body,
			 "&DesiredCapacity=%d&HonorCooldown=false"
			 "&Version=2011-01-01",
			 n);
		ok = aws_call(&(struct aws_call){ .endpoint = g->endpoint,
						  .region = g->region,
						  .service = "autoscaling",
						  .body = buf_cstr(&body) },
			      &keys, why);
	}
	aws_keys_release(&keys);
	buf_release(&body);
	return ok;
}

static void complain(struct member *m, const struct scaling_group *g, const char *why)
{
	if (m->complaint && strcmp(m->complaint, why) == 0)
		return;
	free(m->complaint);
	m->complaint = xstrdup(why);
	log_msg(EZL_ERROR, "the group %s keeps its size for now: %s deployment=\"%s\"",
		g->group, why, g->deployment);
}

static void ask_for(const struct settings *s, const struct scaling_group *g,
		    struct member *m, int n)
{
	struct buf why = BUF_INIT(4096);
	bool ok = set_capacity(s, g, n, &why);
	int64_t now = mono_us();

	if (ok && (m->asked != n || m->complaint))
		log_msg(EZL_NOTICE, "the group %s is set to %d workers deployment=\"%s\"",
			g->group, n, g->deployment);
	if (ok) {
		m->asked = n;
		m->asked_us = now;
		freep(&m->complaint);
		m->complaint = NULL;
		backoff_reset(&m->backoff);
	} else {
		complain(m, g, buf_cstr(&why));
		m->retry_us = now + (int64_t)backoff_next_ms(&m->backoff) * US_PER_MS;
	}
	buf_release(&why);
}

static void look_after(const struct settings *s, const struct scaling_group *g,
		       struct member *m, const struct need *n)
{
	int64_t now = mono_us();
	int target = target_of(g, m, n, now);

	if (target == UNKNOWN || now < m->retry_us)
		return;
	if (target != m->asked || now - m->asked_us >= REPEAT_US)
		ask_for(s, g, m, target);
}

enum db_result scaling_run(struct scaling *s, struct db *d)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	_cleanup_(freep) char *headroom = xasprintf("%d", s->settings->headroom);
	enum db_result rc;

	if (s->settings->n_scaling == 0)
		return DB_OK;
	rc = db_run(d, &rows,
		    "select name, serving, draining, wanted, must"
		    " from deployment_scale($1::int)",
		    headroom);
	for (int i = 0; rc == DB_OK && i < s->settings->n_scaling; i++) {
		const struct scaling_group *g = &s->settings->scaling[i];
		struct need need;

		if (find_need(rows, g->deployment, &need))
			look_after(s->settings, g, &s->members[i], &need);
		else
			complain(&s->members[i], g, "there is no such deployment");
	}
	return rc;
}
