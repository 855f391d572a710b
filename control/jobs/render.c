/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/jobs/render.h"

#include <inttypes.h>
#include <string.h>

#include "base/view.h"
#include "control/json/doc.h"

struct out {
	struct buf *text, *why;
	int depth;
};

static bool wrong(const struct out *o, const char *key, const char *what)
{
	buf_addf(o->why, "%s: %s", key, what);
	return false;
}

static void add_string(struct buf *b, const char *s)
{
	buf_add_char(b, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_addf(b, "\\x%02x", (unsigned)c);
		else
			buf_add_char(b, (char)c);
	}
	buf_add_char(b, '"');
}

/* libconfig's names; the first character is a letter. */
static bool is_name(const char *s)
{
	size_t n = strspn(
		s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n > 0 && n < 64 && s[n] == '\0' &&
	       ((s[0] >= 'a' && s[0] <= 'z') || (s[0] >= 'A' && s[0] <= 'Z'));
}

static void add_int(struct buf *b, int64_t v)
{
	buf_addf(b, v > INT32_MAX || v < INT32_MIN ? "%" PRId64 "L" : "%" PRId64, v);
}

static bool add_value(struct out *o, const char *key, struct json_t *v);

static void indent(const struct out *o)
{
	for (int i = 0; i < o->depth; i++)
		buf_add_str(o->text, "    ");
}

static bool add_setting(struct out *o, const char *key, struct json_t *v)
{
	if (doc_is(v, DOC_NULL))
		return true;
	if (!is_name(key))
		return wrong(o, key, "is not a name that a job file can hold");
	indent(o);
	buf_addf(o->text, "%s = ", key);
	if (!add_value(o, key, v))
		return false;
	buf_add_str(o->text, ";\n");
	return true;
}

static bool add_members(struct out *o, struct json_t *object)
{
	void *it = NULL;
	const char *key;
	struct json_t *v;

	while (doc_next(object, &it, &key, &v)) {
		if (!add_setting(o, key, v))
			return false;
	}
	return true;
}

static bool add_group(struct out *o, struct json_t *object)
{
	buf_add_str(o->text, "{\n");
	o->depth++;
	if (!add_members(o, object))
		return false;
	o->depth--;
	indent(o);
	buf_add_char(o->text, '}');
	return true;
}

/* Strings and numbers stand in brackets, groups in parentheses. */
static bool add_array(struct out *o, const char *key, struct json_t *v)
{
	bool is_list = doc_len(v) > 0 && doc_is(doc_at(v, 0), DOC_OBJECT);

	buf_add_str(o->text, is_list ? "( " : "[ ");
	for (size_t i = 0; i < doc_len(v); i++) {
		struct json_t *item = doc_at(v, i);

		if (doc_type(item) != doc_type(doc_at(v, 0)) || doc_is(item, DOC_ARRAY) ||
		    doc_is(item, DOC_NULL))
			return wrong(o, key, "must be a list of one type");
		buf_add_str(o->text, i ? ", " : "");
		if (!add_value(o, key, item))
			return false;
	}
	buf_add_str(o->text, is_list ? " )" : " ]");
	return true;
}

static bool add_value(struct out *o, const char *key, struct json_t *v)
{
	switch (doc_type(v)) {
	case DOC_STRING:
		add_string(o->text, doc_str_value(v));
		return true;
	case DOC_INT:
		add_int(o->text, doc_int_value(v));
		return true;
	case DOC_REAL:
		buf_addf(o->text, "%.15g", doc_real_value(v));
		return true;
	case DOC_BOOL:
		buf_add_str(o->text, doc_bool_value(v) ? "true" : "false");
		return true;
	case DOC_ARRAY:
		return add_array(o, key, v);
	case DOC_OBJECT:
		return add_group(o, v);
	default:
		return wrong(o, key, "has no value");
	}
}

/* ------------------------------------------------------------------ sections */

static void merge(struct json_t *to, struct json_t *from)
{
	void *it = NULL;
	const char *key;
	struct json_t *v;

	while (from && doc_next(from, &it, &key, &v)) {
		if (strcmp(key, "plugin") != 0)
			doc_set(to, key, doc_copy(v));
	}
}

static bool add_end(struct out *o, const char *name, const struct render_end *end,
		    struct json_t *options, struct json_t *tables)
{
	_cleanup_(doc_freep) struct json_t *all = doc_new_object();

	if (!end->plugin)
		return true;
	doc_set(all, "plugin", doc_new_str(end->plugin));
	merge(all, end->config);
	merge(all, options);
	if (tables)
		doc_set(all, "tables", doc_copy(tables));
	return add_setting(o, name, all);
}

/* R23: fenced in the source's own database, unless the job names another place. */
static bool add_state(struct out *o, const struct render_job *j)
{
	_cleanup_(doc_freep) struct json_t *state = doc_new_object();
	struct json_t *given = doc_get(j->spec, "state"), *from = j->source.config;

	if (given) {
		merge(state, given);
	} else if (doc_get(from, "conninfo")) {
		doc_set(state, "store", doc_new_str("postgres"));
		doc_set(state, "conninfo", doc_copy(doc_get(from, "conninfo")));
		if (doc_get(from, "password"))
			doc_set(state, "password", doc_copy(doc_get(from, "password")));
	}
	return doc_len(state) == 0 || add_setting(o, "state", state);
}

static bool add_sections(struct out *o, const struct render_job *j)
{
	static const char *const plain[] = {
		"memory", "shutdown_timeout", "batch", "errors", "retry", "log", "metrics"
	};
	struct json_t *transforms = doc_get(j->spec, "transforms");

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct json_t *v = doc_get(j->spec, plain[i]);

		if (v && !(doc_is(v, DOC_OBJECT) && doc_len(v) == 0) &&
		    !add_setting(o, plain[i], v))
			return false;
	}
	return doc_len(transforms) == 0 || add_setting(o, "transforms", transforms);
}

bool render_job(const struct render_job *j, struct buf *ret_text, struct buf *why)
{
	struct out o = { .text = ret_text, .why = why };

	buf_add_str(ret_text, "name = ");
	add_string(ret_text, j->name);
	buf_add_str(ret_text, ";\n");
	if (!add_end(&o, "source", &j->source, doc_get(j->spec, "source"),
		     doc_get(j->spec, "tables")) ||
	    !add_end(&o, "sink", &j->sink, doc_get(j->spec, "sink"), NULL) ||
	    !add_sections(&o, j) ||
	    (j->source.plugin && j->sink.plugin && !add_state(&o, j)))
		return false;
	if (!buf_ok(ret_text) || ret_text->len > RENDER_MAX_BYTES) {
		buf_add_str(why, "the job file is larger than 1 MiB");
		return false;
	}
	return true;
}
