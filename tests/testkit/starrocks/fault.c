/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fault.h"

#include <fnmatch.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/jsonw.h"

/* README.md says what each does. */
static const char *const kinds[] = {
	/* any HTTP listener, in the order in which they strike */
	"reset",
	"slow",
	"blackhole",
	"answer",
	"auth",
	"no_continue",
	"slow_body",
	"reset_body",
	"reset_before_answer",
	"slow_answer",
	"truncate_answer",
	"chunked_answer",
	"bom_answer",
	"empty_answer",
	"close_idle",
	/* front ends */
	"redirect",
	"proxy",
	/* loads and the transaction interface */
	"fail_early",
	"fail",
	"publish_timeout",
	"late_finish",
	/* the MySQL side */
	"sql_error",
	"sql_close",
	"sql_close_after",
	"sql_slow",
	"mysql_down",
	"handshake_slow",
	"auth_fail",
	"alter_busy",
	"alter_cancel",
	"alter_stuck",
	"alter_slow",
	"alter_hidden",
	"show_denied",
};

bool fault_kind_is_known(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

unsigned fault_add(struct cluster *c, const struct fault *f)
{
	struct fault *copy = xmemdup(f, sizeof(*f));

	copy->id = (unsigned)cluster_next_id(c);
	list_add_tail(&c->faults, &copy->link);
	return copy->id;
}

void fault_clear(struct cluster *c, unsigned id)
{
	list_for_each(pos, &c->faults) {
		struct fault *f = LIST_OF(pos, struct fault, link);

		if (id == 0 || f->id == id) {
			list_remove(pos);
			free(f);
		}
	}
	cluster_changed(c);
}

void fault_dump(const struct cluster *c, struct buf *out)
{
	list_for_each(pos, &c->faults) {
		const struct fault *f = LIST_OF(pos, struct fault, link);
		struct jsonw w = JSONW_INIT(out);

		jsonw_begin_object(&w);
		jsonw_key(&w, "id");
		jsonw_i64(&w, f->id);
		jsonw_key(&w, "kind");
		jsonw_str(&w, f->kind);
		jsonw_key(&w, "hits");
		jsonw_i64(&w, f->hits);
		jsonw_key(&w, "left");
		jsonw_i64(&w, f->count);
		jsonw_end_object(&w);
		buf_add_char(out, '\n');
	}
}

static bool matches(const char *pattern, const char *text)
{
	return *pattern == '\0' || fnmatch(pattern, text ? text : "", 0) == 0;
}

static struct fault *find(struct cluster *c, const char *kind,
			  const struct fault_subject *s)
{
	list_for_each(pos, &c->faults) {
		struct fault *f = LIST_OF(pos, struct fault, link);

		if (f->count == 0 || strcmp(f->kind, kind) != 0 ||
		    !matches(f->node, s->node) || !matches(f->subject, s->subject) ||
		    !matches(f->label, s->label) || !matches(f->method, s->method))
			continue;
		return f;
	}
	return NULL;
}

bool fault_peek(struct cluster *c, const char *kind, const struct fault_subject *s,
		struct fault *ret_fault)
{
	const struct fault *f = find(c, kind, s);

	if (!f || f->skip > 0)
		return false;
	*ret_fault = *f;
	return true;
}

bool fault_take(struct cluster *c, const char *kind, const struct fault_subject *s,
		struct fault *ret_fault)
{
	struct fault *f = find(c, kind, s);

	if (!f)
		return false;
	if (f->skip > 0) {
		f->skip--;
		return false;
	}
	if (f->count > 0)
		f->count--;
	f->hits++;
	*ret_fault = *f;
	return true;
}
