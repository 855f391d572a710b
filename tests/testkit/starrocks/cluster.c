/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/jsonw.h"
#include "accounts.h"
#include "journal.h"
#include "model.h"
#include "txn.h"

static const struct settings defaults = {
	.publish_timeout_ms = 0,
	.label_keep_max_second = 259200,
	.label_keep_max_num = 1000,
	.max_running_txns = 1000,
	.tablet_max_versions = 1000,
	.json_max_bytes = 104857600,
	.json_document_max_bytes = INT64_C(4) << 30,
	.body_max_bytes = INT64_C(100) << 30,
	.fe_header_max_bytes = 32768,
	.key_max_bytes = 128,
	.alter_ms = 200,
	.prepared_timeout_s = 86400,
	.fe_commit_wait_s = 20,
	.alter_is_sync = true,
	.checks_strict = true,
};

struct cluster *cluster_new(const struct profile *p, unsigned n_fe, unsigned n_be)
{
	struct cluster *c = xcalloc(1, sizeof(*c));
	pthread_condattr_t attr;

	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
	c->profile = *p;
	c->settings = defaults;
	c->n_fe = n_fe;
	c->n_be = n_be;
	for (unsigned i = 0; i < NODES_MAX; i++) {
		c->fe[i] = (struct fe){ .index = i, .is_up = true };
		c->be[i] = (struct be){
			.index = i, .id = 10001 + i, .is_up = true, .is_alive = true
		};
		snprintf(c->fe[i].host, sizeof(c->fe[i].host), "127.0.0.1");
		snprintf(c->be[i].host, sizeof(c->be[i].host), "127.0.0.1");
	}
	c->user = xstrdup("root");
	c->password = xstrdup("");
	c->next_id = 10100;
	c->next_txn_id = 1001;
	list_init(&c->accounts);
	list_init(&c->running);
	list_init(&c->publishing);
	list_init(&c->faults);
	list_init(&c->journal);
	buf_init(&c->violations, (size_t)1 << 30);
	return c;
}

static void free_txns(struct cluster *c)
{
	map_for_each(e, &c->txns)
		txn_free(e->value);
	map_release(&c->txns, NULL);
}

void cluster_free(struct cluster *c)
{
	if (!c)
		return;
	free_txns(c);
	table_free_all(c);
	list_for_each(pos, &c->faults)
		free(LIST_OF(pos, struct fault, link));
	journal_free(c);
	buf_release(&c->violations);
	map_release(&c->error_logs, free);
	account_free_all(c);
	free(c->user);
	free(c->password);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

int64_t cluster_now_ms(const struct cluster *c)
{
	return mono_us() / US_PER_MS + c->clock_ms;
}

static void tick(struct cluster *c)
{
	int64_t now = cluster_now_ms(c);

	txn_tick(c, now);
	if (c->sql_tick)
		c->sql_tick(c, now);
}

void cluster_lock(struct cluster *c)
{
	pthread_mutex_lock(&c->lock);
	tick(c);
}

void cluster_unlock(struct cluster *c)
{
	pthread_mutex_unlock(&c->lock);
}

void cluster_wait(struct cluster *c, int64_t until_ms)
{
	int64_t due = MIN(until_ms, txn_next_due(c)), wait_ms;
	struct timespec at;

	/* Not longer than a test may take to move the clock or change a setting by mistake. */
	wait_ms = MIN(MAX(due - cluster_now_ms(c), INT64_C(1)), INT64_C(1000));
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += (wait_ms % 1000) * 1000000;
	at.tv_sec += wait_ms / 1000 + at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&c->changed, &c->lock, &at);
	tick(c);
}

void cluster_changed(struct cluster *c)
{
	pthread_cond_broadcast(&c->changed);
}

int64_t cluster_next_id(struct cluster *c)
{
	return c->next_id++;
}

void violation_add(struct cluster *c, const char *kind, const char *fmt, ...)
{
	struct buf text = BUF_INIT(1 << 16);
	struct jsonw w = JSONW_INIT(&c->violations);
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	jsonw_begin_object(&w);
	jsonw_key(&w, "kind");
	jsonw_str(&w, kind);
	jsonw_key(&w, "text");
	jsonw_view(&w, buf_view(&text));
	jsonw_end_object(&w);
	buf_add_char(&c->violations, '\n');
	c->n_violations++;
	buf_release(&text);
}
