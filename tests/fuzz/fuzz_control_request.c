/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/view.h"
#include "control/http/route.h"
#include "control/jobs/options.h"
#include "control/jobs/render.h"
#include "control/jobs/spec.h"
#include "control/json/doc.h"
#include "control/json/fields.h"
#include "fuzz.h"

/*
 * What strangers send to the control plane. The first line is a path, the second a query
 * argument "name=value", the rest a body: it goes through the tables of all routes, and as
 * a job's specification into a job file.
 */
static void try_path(const char *path)
{
	static const char *const methods[] = { "GET",    "POST", "PATCH",
					       "DELETE", "HEAD", "x" };
	char allowed[80];

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct route_match m = route_find(routes, methods[i], path);

		if (m.route && !m.path_exists)
			abort();
	}
	route_methods(routes, path, allowed, sizeof(allowed));
}

static void try_query(const char *name, const char *value)
{
	struct field_error e;

	for (const struct route *r = routes; r->method; r++) {
		struct json_t *query;

		if (!r->query)
			continue;
		query = doc_new_object();
		if (fields_from_text(r->query, name, value, query, &e) &&
		    fields_check(r->query, query, true, &e) && doc_len(query) != 1)
			abort();
		doc_free(query);
	}
}

static void try_job(struct json_t *body)
{
	struct buf text = BUF_INIT(4 * 1024 * 1024), why = BUF_INIT(4096);
	struct json_t *spec = spec_from(body, NULL), *source = doc_get(spec, "source");
	struct render_job job = {
		.name = "fuzz",
		.source = { "pgoutput", doc_is(source, DOC_OBJECT) ? source : NULL },
		.sink = { "file", NULL },
		.spec = spec
	};
	struct taken t = { .n = 0 };
	struct field_error e;

	if (doc_is(source, DOC_OBJECT) &&
	    options_take_secrets(NULL, source, "source/", true, &t, &e) &&
	    render_job(&job, &text, &why) && text.len == 0)
		abort();
	taken_release(&t);
	doc_free(spec);
	buf_release(&text);
	buf_release(&why);
}

static void try_body(struct ez_view text)
{
	struct buf why = BUF_INIT(4096);
	struct json_t *body = doc_parse(text, &why);
	struct field_error e;
	bool passes = false;

	for (const struct route *r = routes; body && r->method; r++) {
		if (r->body)
			passes |= fields_check(r->body, body, r->access < ACCESS_WORKER,
					       &e);
	}
	if (passes && doc_is(body, DOC_OBJECT))
		try_job(body);
	doc_free(body);
	buf_release(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ez_view rest = view_of(data, size), path = { .ptr = NULL },
		       query = { .ptr = NULL }, name;
	char *text, *value;
	int64_t us;

	if (size == 0 || size > 256 * 1024 || !view_split(&rest, '\n', &path))
		return 0;
	text = view_dup(path);
	try_path(text);
	if (parse_rfc3339(text, &us) && strlen(text) < 20)
		abort();
	free(text);
	if (!view_split(&rest, '\n', &query) || !view_split(&query, '=', &name))
		return 0;
	text = view_dup(name);
	value = view_dup(query);
	try_query(text, value);
	free(text);
	free(value);
	try_body(rest);
	return 0;
}
