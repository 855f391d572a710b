/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/http/route.h"

#include <string.h>

#include "base/str.h"
#include "base/view.h"
#include "control/json/fields.h"

static bool take_id(struct ez_view part, char ids[2][37], int *n)
{
	char *to = ids[*n < 2 ? *n : 1];

	if (*n >= 2 || !str_copy(to, 37, part) || !is_uuid(to))
		return false;
	++*n;
	return true;
}

static bool matches(const char *pattern, const char *path, char ids[2][37])
{
	struct ez_view want = view_str(pattern), have = view_str(path), a, b;
	int n = 0;

	for (;;) {
		bool more_a = view_split(&want, '/', &a),
		     more_b = view_split(&have, '/', &b);

		if (!more_a || !more_b)
			return !more_a && !more_b;
		if (view_eq_str(a, "{id}")) {
			if (!take_id(b, ids, &n))
				return false;
		} else if (!view_eq(a, b)) {
			return false;
		}
	}
}

struct route_match route_find(const struct route *table, const char *method,
			      const char *path)
{
	struct route_match m = { .route = NULL };

	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (const struct route *r = table; r->method; r++) {
		if (!matches(r->path, path, m.ids))
			continue;
		m.path_exists = true;
		if (strcmp(r->method, method) == 0) {
			m.route = r;
			return m;
		}
	}
	return m;
}

void route_methods(const struct route *table, const char *path, char *ret_text,
		   size_t size)
{
	char ids[2][37];
	size_t n = 0;

	ret_text[0] = '\0';
	for (const struct route *r = table; r->method; r++) {
		if (matches(r->path, path, ids) &&
		    str_format(ret_text + n, size - n, "%s%s", n ? ", " : "", r->method))
			n = strlen(ret_text);
	}
}

const char *access_to_str(enum access a)
{
	static const char *const names[] = { "public", "viewer", "operator",
					     "admin",  "worker", "register" };

	return names[a];
}
