/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/api/openapi.h"

#include <string.h>

#include "base/alloc.h"
#include "base/jsonw.h"
#include "control/api/api.h"
#include "control/http/request.h"
#include "control/json/fields.h"

static void add(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

static void begin(struct jsonw *w, const char *key)
{
	jsonw_key(w, key);
	jsonw_begin_object(w);
}

/* ------------------------------------------------------------------ schemas */

static void add_limits(struct jsonw *w, const struct field *f, const char *min,
		       const char *max)
{
	if (f->min != 0) {
		jsonw_key(w, min);
		jsonw_i64(w, f->min);
	}
	if (f->max != 0) {
		jsonw_key(w, max);
		jsonw_i64(w, f->max);
	}
}

static void add_choices(struct jsonw *w, const char *choices)
{
	struct ez_view rest = view_str(choices), one;

	jsonw_key(w, "enum");
	jsonw_begin_array(w);
	while (view_split(&rest, '|', &one))
		jsonw_view(w, one);
	jsonw_end_array(w);
}

static const char *json_type(enum field_type type)
{
	static const char *const names[_FIELD_TYPE_MAX] = {
		[FIELD_INT] = "integer",   [FIELD_NUMBER] = "number",
		[FIELD_BOOL] = "boolean",  [FIELD_STRINGS] = "array",
		[FIELD_OBJECT] = "object", [FIELD_OBJECTS] = "array",
	};

	return names[type] ? names[type] : "string";
}

static const char *format_of(enum field_type type)
{
	return type == FIELD_UUID ? "uuid" : type == FIELD_TIME ? "date-time" : NULL;
}

static void add_type(struct jsonw *w, const struct field *f)
{
	if (f->type == FIELD_ANY)
		return;
	jsonw_key(w, "type");
	if (f->flags & FIELD_NULLABLE) {
		jsonw_begin_array(w);
		jsonw_str(w, json_type(f->type));
		jsonw_str(w, "null");
		jsonw_end_array(w);
	} else {
		jsonw_str(w, json_type(f->type));
	}
}

static void add_schema(struct jsonw *w, const struct field *f)
{
	bool is_array = f->type == FIELD_STRINGS || f->type == FIELD_OBJECTS;
	bool is_number = f->type == FIELD_INT || f->type == FIELD_NUMBER;

	jsonw_begin_object(w);
	add_type(w, f);
	if (format_of(f->type))
		add(w, "format", format_of(f->type));
	if (f->type == FIELD_NAME)
		add(w, "pattern", "^[a-z][a-z0-9_]{0,39}$");
	if (f->choices)
		add_choices(w, f->choices);
	if (is_array) {
		begin(w, "items");
		add(w, "type", f->type == FIELD_STRINGS ? "string" : "object");
		jsonw_end_object(w);
		add_limits(w, f, "minItems", "maxItems");
	} else if (is_number) {
		add_limits(w, f, "minimum", "maximum");
	} else if (f->type != FIELD_ANY && f->type != FIELD_OBJECT &&
		   f->type != FIELD_BOOL) {
		add_limits(w, f, "minLength", "maxLength");
	}
	if (f->help)
		add(w, "description", f->help);
	jsonw_end_object(w);
}

static void add_required(struct jsonw *w, const struct field *fields)
{
	bool any = false;

	for (const struct field *f = fields; f->name; f++) {
		if (!(f->flags & FIELD_REQUIRED))
			continue;
		if (!any) {
			jsonw_key(w, "required");
			jsonw_begin_array(w);
			any = true;
		}
		jsonw_str(w, f->name);
	}
	if (any)
		jsonw_end_array(w);
}

static void add_body(struct jsonw *w, const struct route *r)
{
	if (!r->body)
		return;
	begin(w, "requestBody");
	begin(w, "content");
	begin(w, "application/json");
	begin(w, "schema");
	add(w, "type", "object");
	begin(w, "properties");
	for (const struct field *f = r->body; f->name; f++) {
		jsonw_key(w, f->name);
		add_schema(w, f);
	}
	jsonw_end_object(w);
	add_required(w, r->body);
	jsonw_key(w, "additionalProperties");
	jsonw_bool(w, r->access >= ACCESS_WORKER);
	jsonw_end_object(w);
	jsonw_end_object(w);
	jsonw_end_object(w);
	jsonw_end_object(w);
}

/* ------------------------------------------------------------------ operations */

static void add_parameter(struct jsonw *w, const char *name, const char *in,
			  const struct field *f)
{
	static const struct field id = { .name = "id", .type = FIELD_UUID };

	jsonw_begin_object(w);
	add(w, "name", name);
	add(w, "in", in);
	jsonw_key(w, "required");
	jsonw_bool(w, !f);
	jsonw_key(w, "schema");
	add_schema(w, f ? f : &id);
	jsonw_end_object(w);
}

static void add_parameters(struct jsonw *w, const struct route *r)
{
	const char *id = strstr(r->path, "{id}");

	if (!id && !r->query)
		return;
	jsonw_key(w, "parameters");
	jsonw_begin_array(w);
	if (id)
		add_parameter(w, "id", "path", NULL);
	if (id && strstr(id + 1, "{id}"))
		add_parameter(w, "id2", "path", NULL);
	for (const struct field *f = r->query; f && f->name; f++)
		add_parameter(w, f->name, "query", f);
	jsonw_end_array(w);
}

static void add_response(struct jsonw *w, const char *status, const char *text,
			 bool is_error)
{
	begin(w, status);
	add(w, "description", text);
	if (is_error) {
		begin(w, "content");
		begin(w, "application/json");
		begin(w, "schema");
		add(w, "$ref", "#/components/schemas/Error");
		jsonw_end_object(w);
		jsonw_end_object(w);
		jsonw_end_object(w);
	}
	jsonw_end_object(w);
}

static void add_responses(struct jsonw *w, const struct route *r)
{
	_cleanup_(freep) char *status = xasprintf("%d", r->success ? r->success : 200);

	begin(w, "responses");
	add_response(w, status, r->summary, false);
	add_response(w, "default", "an error", true);
	jsonw_end_object(w);
}

static void add_security(struct jsonw *w, const struct route *r)
{
	jsonw_key(w, "security");
	jsonw_begin_array(w);
	if (r->access != ACCESS_PUBLIC) {
		jsonw_raw(w, VIEW("{\"token\":[]}"));
		if (r->access < ACCESS_WORKER)
			jsonw_raw(w, VIEW("{\"session\":[]}"));
	}
	jsonw_end_array(w);
}

static void add_operation(struct jsonw *w, const struct route *r)
{
	static const char *const lower[][2] = { { "GET", "get" },
						{ "POST", "post" },
						{ "PATCH", "patch" },
						{ "DELETE", "delete" } };

	for (size_t i = 0; i < sizeof(lower) / sizeof(lower[0]); i++) {
		if (strcmp(lower[i][0], r->method) == 0)
			jsonw_key(w, lower[i][1]);
	}
	jsonw_begin_object(w);
	add(w, "summary", r->summary);
	add(w, "x-role", access_to_str(r->access));
	add_security(w, r);
	add_parameters(w, r);
	add_body(w, r);
	add_responses(w, r);
	jsonw_end_object(w);
}

/* "{id}" may stand once only under one name: the second becomes {id2}. */
static void add_path(struct jsonw *w, const char *path)
{
	const char *first = strstr(path, "{id}"),
		   *second = first ? strstr(first + 1, "{id}") : NULL;
	_cleanup_(freep) char *text = NULL;

	if (second)
		text = xasprintf("%.*s{id2}%s", (int)(second - path), path, second + 4);
	else
		text = xstrdup(path);
	begin(w, text);
}

static bool is_first_of_path(const struct route *table, const struct route *r)
{
	for (const struct route *o = table; o < r; o++) {
		if (strcmp(o->path, r->path) == 0)
			return false;
	}
	return true;
}

static void add_components(struct jsonw *w)
{
	begin(w, "components");
	begin(w, "securitySchemes");
	begin(w, "token");
	add(w, "type", "http");
	add(w, "scheme", "bearer");
	jsonw_end_object(w);
	begin(w, "session");
	add(w, "type", "apiKey");
	add(w, "in", "cookie");
	add(w, "name", SESSION_COOKIE);
	jsonw_end_object(w);
	jsonw_end_object(w);
	begin(w, "schemas");
	jsonw_key(w, "Error");
	jsonw_raw(
		w,
		VIEW("{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{"
		     "\"type\":\"object\",\"required\":[\"code\",\"message\",\"field\"],"
		     "\"properties\":{\"code\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"},"
		     "\"field\":{\"type\":[\"string\",\"null\"]}}}}}"));
	jsonw_end_object(w);
	jsonw_end_object(w);
}

void openapi_write(const struct route *table, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	add(&w, "openapi", "3.1.0");
	begin(&w, "info");
	add(&w, "title", "EZ-CDC control plane");
	add(&w, "version", PACKAGE_VERSION);
	jsonw_end_object(&w);
	begin(&w, "paths");
	for (const struct route *r = table; r->method; r++) {
		if (!is_first_of_path(table, r))
			continue;
		add_path(&w, r->path);
		for (const struct route *o = r; o->method; o++) {
			if (strcmp(o->path, r->path) == 0)
				add_operation(&w, o);
		}
		jsonw_end_object(&w);
	}
	jsonw_end_object(&w);
	add_components(&w);
	jsonw_end_object(&w);
}

void openapi_get(struct request *r)
{
	openapi_write(routes, &r->out);
	r->status = 200;
}
