/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "accounts.h"
#include "control.h"
#include "fault.h"
#include "txn.h"

#define SETTING(kind, name)                    \
 {                                             \
#  name, kind, offsetof(struct settings, name) \
 }

enum setting_kind {
	NUMBER,
	FLAG,
};

static const struct {
	const char *name;
	enum setting_kind kind;
	size_t offset;
} settings[] = {
	SETTING(NUMBER, publish_ms),
	SETTING(NUMBER, publish_timeout_ms),
	SETTING(NUMBER, label_keep_max_second),
	SETTING(NUMBER, label_keep_max_num),
	SETTING(NUMBER, max_running_txns),
	SETTING(NUMBER, max_loads_per_be),
	SETTING(NUMBER, tablet_max_versions),
	SETTING(NUMBER, compaction_per_min),
	SETTING(NUMBER, json_max_bytes),
	SETTING(NUMBER, json_document_max_bytes),
	SETTING(NUMBER, body_max_bytes),
	SETTING(NUMBER, memory_limit_bytes),
	SETTING(NUMBER, fe_header_max_bytes),
	SETTING(NUMBER, key_max_bytes),
	SETTING(NUMBER, alter_ms),
	SETTING(NUMBER, prepared_timeout_s),
	SETTING(NUMBER, fe_commit_wait_s),
	SETTING(FLAG, alter_is_sync),
	SETTING(FLAG, is_disk_full),
	SETTING(FLAG, has_old_csv),
	SETTING(FLAG, has_lake_bug),
	SETTING(FLAG, allows_dup_keys),
	SETTING(FLAG, resets_fe_body),
	SETTING(FLAG, checks_strict),
};

static bool set_one(struct control *k, const char *name, const json_t *v)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		char *at = (char *)&k->c->settings + settings[i].offset;

		if (strcmp(settings[i].name, name) != 0)
			continue;
		if (settings[i].kind == NUMBER && json_is_integer(v)) {
			int64_t n = json_integer_value(v);

			memcpy(at, &n, sizeof(n));
			return true;
		}
		if (settings[i].kind == FLAG && json_is_boolean(v)) {
			bool is_on = json_is_true(v);

			memcpy(at, &is_on, sizeof(is_on));
			return true;
		}
		return control_fail(k, "%s has another type", name);
	}
	return control_fail(k, "no such setting: %s", name);
}

bool control_set(struct control *k)
{
	const char *name;
	json_t *v;
	bool is_good = true;

	cluster_lock(k->c);
	json_object_foreach(k->in, name, v) if (strcmp(name, "do") != 0) is_good =
		set_one(k, name, v) && is_good;
	cluster_changed(k->c);
	cluster_unlock(k->c);
	return is_good;
}

static void copy(const struct control *k, const char *name, char *to, size_t size)
{
	snprintf(to, size, "%s", control_str(k, name));
}

bool control_fault(struct control *k)
{
	struct fault f = { .skip = control_int(k, "skip", 0),
			   .count = control_int(k, "count", 1),
			   .ms = control_int(k, "ms", 0),
			   .bytes = control_int(k, "bytes", 0),
			   .status = control_int(k, "status", 0),
			   .committed = control_bool(k, "committed", false) };

	copy(k, "kind", f.kind, sizeof(f.kind));
	copy(k, "node", f.node, sizeof(f.node));
	copy(k, "subject", f.subject, sizeof(f.subject));
	copy(k, "label", f.label, sizeof(f.label));
	copy(k, "method", f.method, sizeof(f.method));
	copy(k, "text", f.text, sizeof(f.text));
	copy(k, "body", f.body, sizeof(f.body));
	if (!fault_kind_is_known(f.kind))
		return control_fail(k, "no such fault: %s", f.kind);
	cluster_lock(k->c);
	buf_addf(&k->out, "{\"id\":%u}\n", fault_add(k->c, &f));
	cluster_unlock(k->c);
	return true;
}

bool control_faults(struct control *k)
{
	cluster_lock(k->c);
	fault_dump(k->c, &k->out);
	cluster_unlock(k->c);
	return true;
}

bool control_clear_faults(struct control *k)
{
	cluster_lock(k->c);
	fault_clear(k->c, (unsigned)control_int(k, "id", 0));
	cluster_unlock(k->c);
	return true;
}

bool control_leader(struct control *k)
{
	int64_t n = control_int(k, "fe", -1);

	if (n < 0 || n >= k->c->n_fe)
		return control_fail(k, "no such front end");
	cluster_lock(k->c);
	if (k->c->leader != (unsigned)n)
		txn_leader_lost(k->c);
	k->c->leader = (unsigned)n;
	cluster_changed(k->c);
	cluster_unlock(k->c);
	return true;
}

bool control_advance(struct control *k)
{
	cluster_lock(k->c);
	k->c->clock_ms += control_int(k, "ms", 0);
	cluster_changed(k->c);
	cluster_unlock(k->c);
	/* So that what became due is done when the answer comes. */
	cluster_lock(k->c);
	cluster_unlock(k->c);
	return true;
}

bool control_password(struct control *k)
{
	struct account *a;

	cluster_lock(k->c);
	a = account_find(k->c, view_str(control_str(k, "user")), false);
	if (a) {
		free(a->password);
		a->password = xstrdup(control_str(k, "password"));
		cluster_unlock(k->c);
		return true;
	}
	if (control_str(k, "user")[0] != '\0') {
		free(k->c->user);
		k->c->user = xstrdup(control_str(k, "user"));
	}
	free(k->c->password);
	k->c->password = xstrdup(control_str(k, "password"));
	cluster_unlock(k->c);
	return true;
}

static bool act_on(struct control *k, struct listener *l, const char *action)
{
	bool ends = strcmp(action, "stop") == 0 || strcmp(action, "restart") == 0;
	bool begins = strcmp(action, "start") == 0 || strcmp(action, "restart") == 0;

	if (ends)
		listener_stop(l);
	if (begins && !l->is_running && listener_start(l) != 0)
		return control_fail(k, "the port is taken");
	if (strcmp(action, "hide") == 0)
		return listener_hide(l) == 0 || control_fail(k, "the port is taken");
	if (strcmp(action, "drop") == 0)
		listener_drop(l);
	return ends || begins || strcmp(action, "drop") == 0 || action[0] == '\0' ||
	       control_fail(k, "no such action: %s", action);
}

/* The process of a node ends, begins, or both. */
static bool act(struct control *k, struct listener *l, const char *action)
{
	bool is_stopping, is_good;

	pthread_mutex_lock(&k->server->nodes);
	cluster_lock(k->c);
	is_stopping = k->c->is_stopping;
	cluster_unlock(k->c);
	is_good = is_stopping ? control_fail(k, "the server ends") : act_on(k, l, action);
	pthread_mutex_unlock(&k->server->nodes);
	return is_good;
}

bool control_be(struct control *k)
{
	int64_t n = control_int(k, "be", -1);
	const char *action = control_str(k, "action");
	struct be *be;
	bool is_ending = strcmp(action, "stop") == 0 || strcmp(action, "restart") == 0;

	if (n < 0 || n >= k->c->n_be)
		return control_fail(k, "no such back end");
	be = &k->c->be[n];
	cluster_lock(k->c);
	be->is_alive = control_bool(k, "alive", be->is_alive);
	be->is_draining = control_bool(k, "draining", be->is_draining);
	if (control_str(k, "host")[0] != '\0')
		copy(k, "host", be->host, sizeof(be->host));
	if (is_ending) {
		be->epoch++;
		be->is_draining = false;
		txn_be_lost(k->c, (unsigned)n);
	}
	cluster_changed(k->c);
	cluster_unlock(k->c);
	return act(k, &k->server->be[n], action);
}

bool control_fe(struct control *k)
{
	int64_t n = control_int(k, "fe", -1);
	const char *action = control_str(k, "action");

	if (n < 0 || n >= k->c->n_fe)
		return control_fail(k, "no such front end");
	cluster_lock(k->c);
	if (strcmp(action, "stop") == 0 || strcmp(action, "restart") == 0) {
		k->c->fe[n].epoch++;
		if (k->c->leader == (unsigned)n)
			txn_leader_lost(k->c);
	}
	cluster_changed(k->c);
	cluster_unlock(k->c);
	return act(k, &k->server->mysql[n], action) && act(k, &k->server->fe[n], action);
}

/* The MySQL port alone. */
bool control_mysql(struct control *k)
{
	int64_t n = control_int(k, "fe", 0);

	if (n < 0 || n >= k->c->n_fe)
		return control_fail(k, "no such front end");
	return act(k, &k->server->mysql[n], control_str(k, "action"));
}
