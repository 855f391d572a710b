/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/jobs/spec.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "control/json/doc.h"

const char *const spec_members[] = { "tables", "source", "sink",  "transforms",
				     "batch",  "memory", "state", "shutdown_timeout",
				     "errors", "retry",  "log",   "metrics",
				     NULL };

struct json_t *spec_from(const struct json_t *body, const struct json_t *old)
{
	struct json_t *spec = doc_new_object();

	for (const char *const *m = spec_members; *m; m++) {
		struct json_t *v = doc_get(body, *m);

		if (!v)
			v = doc_get(old, *m);
		if (v && !doc_is(v, DOC_NULL))
			doc_set(spec, *m, doc_copy(v));
	}
	return spec;
}

static void wrong(struct field_error *e, const char *field, const char *text)
{
	if (!str_copy(e->field, sizeof(e->field), view_str(field)) ||
	    !str_copy(e->text, sizeof(e->text), view_str(text)))
		e->text[sizeof(e->text) - 1] = '\0';
}

static enum db_result check_section(const struct spec_context *c, const char *kind,
				    const char *plugin, struct json_t *section,
				    const char *prefix, struct taken *t,
				    struct field_error *e)
{
	_cleanup_(doc_freep) struct json_t *options = NULL;
	_cleanup_(freep) char *path = xstrdup(prefix);
	size_t n = strlen(path);
	const char *place;
	enum db_result rc;

	if (!section)
		return DB_OK;
	rc = options_load(c->db, kind, plugin, &options);
	place = strcmp(kind, "source") == 0 || strcmp(kind, "sink") == 0 ?
			options_of_connection(options, section) :
			NULL;
	/* Fields are named with dots, secrets by their path. */
	if (n > 0)
		path[n - 1] = '.';
	/* The datasource's secrets would go wherever a job says. */
	if (rc == DB_OK && place) {
		_cleanup_(freep) char *field = xasprintf("%s%s", path, place);

		wrong(e, field, "is an option of the datasource");
		return DB_OK;
	}
	if (rc == DB_OK && options_check(options, section, path, false, e) &&
	    !options_take_secrets(options, section, prefix, c->may_keep, t, e))
		return DB_OK;
	return rc;
}

static enum db_result check_transforms(const struct spec_context *c, struct json_t *all,
				       struct taken *t, struct field_error *e)
{
	enum db_result rc = DB_OK;

	for (size_t i = 0; rc == DB_OK && e->text[0] == '\0' && all && i < doc_len(all);
	     i++) {
		struct json_t *one = doc_at(all, i), *plugin;
		_cleanup_(freep) char *prefix = xasprintf("transforms/%zu/", i);

		if (!doc_str(one, "plugin")) {
			wrong(e, "transforms", "each needs the name of its plugin");
			return DB_OK;
		}
		plugin = doc_copy(doc_get(one, "plugin"));
		doc_remove(one, "plugin");
		rc = check_section(c, "transform", doc_str_value(plugin), one, prefix, t,
				   e);
		doc_set(one, "plugin", plugin);
	}
	return rc;
}

/* R23: a checkpoint in a worker's folder does not follow the job to another worker. */
static enum db_result check_state(const struct spec_context *c, struct json_t *state,
				  struct taken *t, struct field_error *e)
{
	const char *store = doc_str(state, "store");
	struct json_t *name;
	enum db_result rc;

	if (!state && !c->source_has_state && !c->pinned)
		wrong(e, "state",
		      "this source cannot hold the checkpoint: name a store, or pin the "
		      "job to a worker");
	if (!state)
		return DB_OK;
	if (!store || doc_get(state, "epoch")) {
		wrong(e, "state", "needs the name of a store, and no epoch");
		return DB_OK;
	}
	if (strcmp(store, "file") == 0) {
		if (!c->pinned)
			wrong(e, "state.store",
			      "file is for jobs that are pinned to one worker");
		return DB_OK;
	}
	name = doc_copy(doc_get(state, "store"));
	doc_remove(state, "store");
	rc = check_section(c, "store", doc_str_value(name), state, "state/", t, e);
	doc_set(state, "store", name);
	return rc;
}

enum db_result spec_check(const struct spec_context *c, struct json_t *spec,
			  struct taken *t, struct field_error *e)
{
	enum db_result rc;

	e->text[0] = '\0';
	rc = check_section(c, "source", c->source_plugin, doc_get(spec, "source"),
			   "source/", t, e);
	if (rc == DB_OK && e->text[0] == '\0')
		rc = check_section(c, "sink", c->sink_plugin, doc_get(spec, "sink"),
				   "sink/", t, e);
	if (rc == DB_OK && e->text[0] == '\0')
		rc = check_transforms(c, doc_get(spec, "transforms"), t, e);
	if (rc == DB_OK && e->text[0] == '\0')
		rc = check_state(c, doc_get(spec, "state"), t, e);
	return rc;
}
