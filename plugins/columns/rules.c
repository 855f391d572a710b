/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "columns/rules.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/view.h"

/* Cuts at the first `=` outside quotes. */
static bool split(struct ez_view item, struct ez_view *ret_left,
		  struct ez_view *ret_right)
{
	bool in_quotes = false;

	for (size_t i = 0; i < item.len; i++) {
		if (item.ptr[i] == '"')
			in_quotes = !in_quotes;
		if (item.ptr[i] != '=' || in_quotes)
			continue;
		*ret_left = view_trim(view_of(item.ptr, i));
		*ret_right = view_trim(view_of(item.ptr + i + 1, item.len - i - 1));
		return true;
	}
	return false;
}

/* A heap copy without quotes; NULL when they are not balanced. */
static char *unquote(struct ez_view v, size_t *ret_len)
{
	char *to, *copy;

	if (v.len == 0 || v.ptr[0] != '"') {
		*ret_len = v.len;
		return view_dup(v);
	}
	to = copy = xmalloc(v.len);
	for (size_t i = 1; i < v.len; i++) {
		if (v.ptr[i] == '"' && i + 1 == v.len) {
			*to = '\0';
			*ret_len = (size_t)(to - copy);
			return copy;
		}
		if (v.ptr[i] == '"' && v.ptr[++i] != '"')
			break;
		*to++ = v.ptr[i];
	}
	free(copy);
	return NULL;
}

static char *read_name(struct ez_view v, const char **ret_why)
{
	size_t len = 0;
	char *name = unquote(v, &len);

	if (!name) {
		*ret_why = "quotes go around the whole name";
		return NULL;
	}
	if (len == 0) {
		*ret_why = "the name is empty";
		free(name);
		return NULL;
	}
	return name;
}

bool rename_rule_parse(struct ez_view item, struct rename_rule *ret_rule,
		       const char **ret_why)
{
	struct rename_rule r = { .to = NULL };
	struct ez_view from, to;

	if (!split(item, &from, &to)) {
		*ret_why = "schema.table.old=new is wanted";
		return false;
	}
	if (!pattern_parse(from, 3, &r.from, ret_why))
		return false;
	if (r.from.is_exclusion || !glob_is_literal(&r.from.parts[2]))
		*ret_why = "one column is wanted, without ! and *";
	else
		r.to = read_name(to, ret_why);
	if (!r.to) {
		rename_rule_release(&r);
		return false;
	}
	*ret_rule = r;
	return true;
}

bool add_rule_parse(struct ez_view item, struct add_rule *ret_rule, const char **ret_why)
{
	struct add_rule r = { .metadata = METADATA_NONE };
	struct ez_view name, value;

	if (!split(item, &name, &value)) {
		*ret_why = "name=value is wanted";
		return false;
	}
	if (view_starts(value, VIEW("$$"))) {
		value = view_of(value.ptr + 1, value.len - 1);
	} else if (value.len > 0 && value.ptr[0] == '$') {
		r.metadata = metadata_parse(value);
		if (r.metadata == METADATA_NONE) {
			*ret_why = "known are " METADATA_NAMES
				   "; $$ begins a constant with a dollar";
			return false;
		}
	}
	r.constant = unquote(value, &r.constant_len);
	if (!r.constant)
		*ret_why = "quotes go around the whole value";
	else
		r.name = read_name(name, ret_why);
	if (!r.name) {
		add_rule_release(&r);
		return false;
	}
	*ret_rule = r;
	return true;
}

void rename_rule_release(struct rename_rule *r)
{
	pattern_release(&r->from);
	free(r->to);
}

void add_rule_release(struct add_rule *r)
{
	free(r->name);
	free(r->constant);
}
