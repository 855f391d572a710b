/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "be_load.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

static void store_errors(struct exchange *x, struct load_result *r, const struct load *l)
{
	const struct be *be = &x->c->be[x->node->kind == NODE_BE ? x->node->index : 0];
	struct ez_view text = buf_view(&l->errors);
	uint64_t hash = view_hash(text), id = (uint64_t)cluster_next_id(x->c);
	char name[128];

	snprintf(name, sizeof(name), "error_log_%llx_%llx", (unsigned long long)hash,
		 (unsigned long long)id);
	snprintf(r->error_url, sizeof(r->error_url),
		 "http://%s:%d/api/_load_error_log?file=%s", be->host, be->http_port,
		 name);
	map_put(&x->c->error_logs, view_str(name), view_dup(text));
}

void load_result_take(struct exchange *x, struct load_result *r, const struct load *l)
{
	r->counts = l->counts;
	if (l->errors.len > 0)
		store_errors(x, r, l);
	if (l->counts.n_repeated_keys > 0 && !x->c->settings.allows_dup_keys)
		violation_add(x->c, "repeated_key",
			      "%lld rows of load %s repeat the key of another",
			      (long long)l->counts.n_repeated_keys, x->label);
	if (l->counts.n_lost_ops > 0)
		violation_add(
			x->c, "op_not_listed",
			"objects of load %s have an __op that columns does not list",
			x->label);
	if (l->counts.n_repeated_members > 0)
		violation_add(x->c, "repeated_member",
			      "objects of load %s have a member twice", x->label);
}

void load_result_answer(struct exchange *x, const struct load_result *r)
{
	answer_i64(x, "NumberTotalRows", r->counts.total);
	answer_i64(x, "NumberLoadedRows", r->counts.loaded);
	answer_i64(x, "NumberFilteredRows", r->counts.filtered);
	answer_i64(x, "NumberUnselectedRows", r->counts.unselected);
}

bool load_has_resources(struct exchange *x, const struct load_options *o, char *text,
			size_t size)
{
	const struct settings *s = &x->c->settings;

	if (s->is_disk_full) {
		snprintf(text, size, "disk 8132747364 on backend %lld exceed limit usage",
			 (long long)x->c->be[x->node->index].id);
		return false;
	}
	if (s->memory_limit_bytes > 0 && o->is_json &&
	    x->c->json_bytes + x->req->content_length > s->memory_limit_bytes) {
		snprintf(
			text, size,
			"memory limit exceeded, please reduce load frequency or increase "
			"config `load_process_max_memory_limit_percent` or "
			"`load_process_max_memory_limit_bytes` or add more BE nodes");
		return false;
	}
	return true;
}

void load_check_habits(struct exchange *x, const struct load_options *o)
{
	if (!x->c->settings.checks_strict)
		return;
	if (o->has_vain_header)
		violation_add(x->c, "compression_header",
			      "load %s names a codec beside the format of CSV", x->label);
	if (!o->is_strict)
		violation_add(x->c, "no_strict_mode",
			      "load %s does not ask for strict mode", x->label);
	if (o->max_filter_ratio > 0)
		violation_add(x->c, "filter_ratio", "load %s lets rows be lost",
			      x->label);
}

void publish_delay(struct exchange *x, struct txn *t)
{
	char *method = view_dup(x->req->method);
	struct fault_subject s = { .node = x->node->name,
				   .subject = x->path,
				   .label = x->label,
				   .method = method };
	struct fault f;

	/* Not counted here: the wait for the answer does that. */
	if (fault_peek(x->c, "publish_timeout", &s, &f))
		t->due_ms = cluster_now_ms(x->c) + f.ms;
	free(method);
}
