/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "table_plan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

#include "names.h"
#include "renames.h"
#include "table_make.h"

enum {
	SQL_MAX = 1024 * 1024,
	NAME_MAX_BYTES = 2048,
};

void plan_init(struct plan *p, const struct settings *settings, uint32_t version,
	       const struct ez_table *before, const struct ez_table *now,
	       struct target *target)
{
	*p = (struct plan){ .before = before,
			    .now = now,
			    .target = target,
			    .settings = settings,
			    .version = version,
			    .sql = BUF_INIT(SQL_MAX),
			    .trouble = BUF_INIT(SQL_MAX),
			    .from = BUF_INIT(NAME_MAX_BYTES),
			    .to = BUF_INIT(NAME_MAX_BYTES) };
	p->dropped = xcalloc((before ? before->n_columns : 0) + 1U, sizeof(*p->dropped));
}

void plan_release(struct plan *p)
{
	buf_release(&p->sql);
	buf_release(&p->trouble);
	buf_release(&p->from);
	buf_release(&p->to);
	free(p->dropped);
	p->dropped = NULL;
}

void plan_did(struct plan *p)
{
	if (p->drops != PLAN_NO_DROP)
		p->dropped[p->drops] = true;
}

/* ------------------------------------------------------------------ words */

_printf_(2, 3) static void add_trouble(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	if (p->n_troubles++ > 0)
		buf_add_str(&p->trouble, "; ");
	va_start(ap, fmt);
	buf_addv(&p->trouble, fmt, ap);
	va_end(ap);
}

static void begin_alter(struct plan *p, const char *what)
{
	bool whole = str_copy(p->alter, sizeof(p->alter), view_str(what));

	(void)whole;
	p->drops = PLAN_NO_DROP;
	p->renames_to = NULL;
	buf_reset(&p->sql);
	buf_add_str(&p->sql, "ALTER TABLE ");
	ddl_add_name(&p->sql, p->settings->database, view_str(p->target->name));
	buf_add_char(&p->sql, ' ');
}

static struct ez_view mapped(struct buf *b, struct ez_view name)
{
	buf_reset(b);
	names_add_column(b, name);
	return buf_view(b);
}

static const struct ez_column *source_of(const struct plan *p, const struct field *f)
{
	return f->kind == FIELD_SOURCE ? p->now->columns[f->source] : NULL;
}

/* What the table calls a column that the source calls or called so. */
static struct ez_view held_as(const struct plan *p, const struct described *d,
			      struct buf *b, const struct ez_column *c)
{
	struct ez_view name = mapped(b, c->name);

	return p->renames ? renames_now(p->renames, p->now->id, c->id, name, d) : name;
}

/* ------------------------------------------------------------------ old and new */

static const struct ez_column *column_by_id(const struct ez_table *t, uint32_t id)
{
	for (uint32_t i = 0; t && id != 0 && i < t->n_columns; i++)
		if (t->columns[i]->id == id)
			return t->columns[i];
	return NULL;
}

static const struct ez_column *column_by_name(const struct ez_table *t,
					      struct ez_view name)
{
	for (uint32_t i = 0; t && i < t->n_columns; i++)
		if (view_eq(t->columns[i]->name, name))
			return t->columns[i];
	return NULL;
}

/*
 * What a column of `before` is now; NULL: it was dropped. A number that was known may be
 * unknown now, and the other way round: the source may have changed the table again since,
 * and reads of that first. Then the name decides, unless it has passed to another column.
 */
static const struct ez_column *successor(const struct plan *p,
					 const struct ez_column *old)
{
	const struct ez_column *found = column_by_id(p->now, old->id);
	const struct ez_column *same = column_by_name(p->now, old->name);

	if (found || !same)
		return found;
	if (same->id != 0 && (old->id != 0 || column_by_id(p->before, same->id)))
		return NULL;
	return same;
}

/* A column of `now` that may be the old one by another name, which nobody can tell. */
static const struct ez_column *possible_heir(const struct plan *p,
					     const struct ez_column *old)
{
	for (uint32_t i = 0; i < p->now->n_columns; i++) {
		const struct ez_column *c = p->now->columns[i];

		if (column_by_name(p->before, c->name))
			continue;
		if (c->id == 0 || (old->id == 0 && !column_by_id(p->before, c->id)))
			return c;
	}
	return NULL;
}

/* A column of `before` that now goes by this name, having had another. */
static const struct ez_column *renamed_to(const struct plan *p, struct ez_view name)
{
	const struct ez_column *now = column_by_name(p->now, name);
	const struct ez_column *old = now ? column_by_id(p->before, now->id) : NULL;

	return old && !view_eq(old->name, name) ? old : NULL;
}

/*
 * Whether the target's column is still the dropped one. Nobody has its name now: yes. A
 * renamed column has it: as long as that one's old name is there too. A new column has it:
 * once.
 */
static bool is_leftover(const struct plan *p, const struct described *d, uint32_t i)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(NAME_MAX_BYTES);
	const struct ez_column *old = p->before->columns[i], *other;

	if (!described_find(d, held_as(p, d, &b, old)))
		return false;
	if (!column_by_name(p->now, old->name))
		return true;
	other = renamed_to(p, old->name);
	if (other)
		return described_find(d, mapped(&b, other->name)) != NULL;
	return !p->dropped[i];
}

static bool plan_drop(struct plan *p, const struct described *d)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(NAME_MAX_BYTES);

	for (uint32_t i = 0; p->before && i < p->before->n_columns; i++) {
		const struct ez_column *old = p->before->columns[i], *heir;

		if (successor(p, old) || !is_leftover(p, d, i))
			continue;
		heir = possible_heir(p, old);
		if (heir) {
			add_trouble(
				p,
				"column %.*s was dropped or is called %.*s now, which "
				"the source cannot tell",
				VIEW_ARG(old->name), VIEW_ARG(heir->name));
			continue;
		}
		begin_alter(p, "drop column");
		p->drops = i;
		buf_add_str(&p->sql, "DROP COLUMN ");
		names_quote(&p->sql, held_as(p, d, &b, old));
		return true;
	}
	return false;
}

/* Two columns that changed names with each other, or a name taken over in a ring. */
static void check_rename(struct plan *p, const struct described *d,
			 const struct ez_column *old, const struct ez_column *now)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(NAME_MAX_BYTES);
	const struct ez_column *other = column_by_name(p->before, now->name);

	if (!other || !successor(p, other) || !described_find(d, mapped(&b, old->name)))
		return;
	add_trouble(p, "column %.*s took the name of another column, %.*s, in one step",
		    VIEW_ARG(old->name), VIEW_ARG(now->name));
}

static struct ez_view field_name(const struct plan *p, const struct ez_column *now)
{
	for (uint32_t i = 0; i < p->target->n_fields; i++)
		if (source_of(p, &p->target->fields[i]) == now)
			return p->target->fields[i].name;
	return now->name;
}

static void say_rename(struct plan *p, const struct ez_column *now, struct ez_view from,
		       struct ez_view to)
{
	begin_alter(p, "rename column");
	p->renames_to = now;
	buf_reset(&p->from);
	buf_reset(&p->to);
	buf_add_view(&p->from, from);
	buf_add_view(&p->to, to);
	buf_add_str(&p->sql, "RENAME COLUMN ");
	names_quote(&p->sql, from);
	buf_add_str(&p->sql, " TO ");
	names_quote(&p->sql, to);
}

static bool plan_rename(struct plan *p, const struct described *d)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(NAME_MAX_BYTES);

	for (uint32_t i = 0; p->before && i < p->before->n_columns; i++) {
		const struct ez_column *old = p->before->columns[i];
		const struct ez_column *now = successor(p, old);
		struct ez_view from, to;

		if (!now || view_eq(now->name, old->name))
			continue;
		from = held_as(p, d, &b, old);
		to = field_name(p, now);
		if (view_eq(from, to) || !described_find(d, from))
			continue;
		if (described_find(d, to)) {
			/* A change of case alone is one column to the server. */
			if (!names_same_column(from, to))
				check_rename(p, d, old, now);
			continue;
		}
		say_rename(p, now, from, to);
		if (p->version >= SQLC_VERSION(3, 3, 2))
			return true;
		add_trouble(
			p,
			"column %.*s is called %.*s now, and StarRocks can rename columns "
			"from 3.3.2 on",
			VIEW_ARG(old->name), VIEW_ARG(now->name));
	}
	return false;
}

/* ------------------------------------------------------------------ what must be there */

/* A column without a number may be another one by a new name. */
static bool is_doubtful(const struct plan *p, const struct ez_column *c)
{
	if (!p->before || !c || c->id != 0)
		return false;
	for (uint32_t i = 0; i < p->before->n_columns; i++)
		if (!successor(p, p->before->columns[i]))
			return true;
	return false;
}

static bool plan_add(struct plan *p, const struct described *d)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TYPE_STRING_MAX);
	bool any = false;

	for (uint32_t i = 0; i < p->target->n_fields; i++) {
		const struct field *f = &p->target->fields[i];
		const struct ez_column *c = source_of(p, f);

		if (described_find(d, f->name))
			continue;
		if (f->is_key) {
			add_trouble(p, "key column %.*s is missing", VIEW_ARG(f->name));
			continue;
		}
		if (is_doubtful(p, c)) {
			add_trouble(p,
				    "column %.*s is new or was renamed, which the source "
				    "cannot tell",
				    VIEW_ARG(f->name));
			continue;
		}
		if (!any)
			begin_alter(p, "add columns");
		buf_add_str(&p->sql, any ? ", ADD COLUMN " : "ADD COLUMN ");
		ddl_add_column(&p->sql, f, ddl_fallback(f, c, &text));
		any = true;
		if (!p->settings->evolve)
			add_trouble(p, "column %.*s is missing", VIEW_ARG(f->name));
	}
	return any;
}

static void add_fit_trouble(struct plan *p, const struct field *f,
			    const struct type *have)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(NAME_MAX_BYTES);

	buf_addf(&b, "column %.*s is ", VIEW_ARG(f->name));
	type_add(&b, have);
	buf_add_str(&b, ", needed is ");
	type_add(&b, &f->type);
	add_trouble(p, "%s", buf_cstr(&b));
}

/* Whether the column does as it is. A shorter text that may stay so does: what is longer is
 * out of range. */
static enum type_fit compare(const struct plan *p, const struct field *f,
			     const struct type *have)
{
	const struct ez_column *c = source_of(p, f);
	enum type_fit fit;

	if (!c)
		return have->kind == f->type.kind && have->length >= f->type.length
			       ? TYPE_FITS
			       : TYPE_WRONG;
	fit = type_compare(c, have, &f->type);
	if (fit != TYPE_NARROW || !(f->is_key || !p->settings->evolve))
		return fit;
	if (type_form(c, have) != FORM_NONE)
		return TYPE_FITS;
	return f->is_key ? TYPE_WRONG : fit;
}

/* The definition that mends the column; false when it is right or cannot be. */
static bool plan_column(struct plan *p, const struct field *f,
			const struct described_column *have)
{
	enum type_fit fit = compare(p, f, &have->type);
	struct field wanted = *f;

	if (fit == TYPE_WRONG) {
		add_fit_trouble(p, f, &have->type);
		return false;
	}
	if (fit == TYPE_FITS && (f->is_key || have->is_nullable))
		return false;
	if (fit == TYPE_FITS)
		wanted.type = have->type;
	begin_alter(p, "modify column");
	buf_add_str(&p->sql, "MODIFY COLUMN ");
	ddl_add_column(&p->sql, &wanted, have->fallback);
	if (p->settings->evolve)
		return true;
	if (fit == TYPE_NARROW)
		add_fit_trouble(p, f, &have->type);
	else
		add_trouble(p, "column %.*s is NOT NULL: deletes carry the key alone",
			    VIEW_ARG(f->name));
	return false;
}

/* Wider types, and NULL where rows may lack a value. */
static bool plan_modify(struct plan *p, const struct described *d)
{
	for (uint32_t i = 0; i < p->target->n_fields; i++) {
		const struct field *f = &p->target->fields[i];
		const struct described_column *have = described_find(d, f->name);

		if (have && plan_column(p, f, have))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------ what must not */

static const struct field *field_of(const struct target *t, struct ez_view name)
{
	for (uint32_t i = 0; i < t->n_fields; i++)
		if (names_same_column(t->fields[i].name, name))
			return &t->fields[i];
	return NULL;
}

static void check_others(struct plan *p, const struct described *d)
{
	if (!d->has_primary_key)
		add_trouble(p, "it is not a primary key table");
	for (size_t i = 0; i < d->n; i++) {
		const struct described_column *c = &d->columns[i];
		const struct field *f = field_of(p->target, c->name);

		if (f && d->has_primary_key && f->is_key != c->is_key)
			add_trouble(p, "column %.*s is %s its key", VIEW_ARG(c->name),
				    c->is_key ? "in" : "not in");
		else if (!f && c->is_key)
			add_trouble(p, "its key has the column %.*s", VIEW_ARG(c->name));
		else if (!f && !c->is_nullable && !c->fallback.ptr)
			add_trouble(p,
				    "column %.*s needs a value and the source has none",
				    VIEW_ARG(c->name));
	}
}

/* The table fits: what it has is what values become. */
static void take_types(struct plan *p, const struct described *d)
{
	struct target *t = p->target;

	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct described_column *have =
			described_find(d, t->fields[i].name);

		if (!have || t->fields[i].kind != FIELD_SOURCE)
			continue;
		t->fields[i].type = have->type;
		target_settle(&t->fields[i], p->settings,
			      p->now->columns[t->fields[i].source]);
	}
	target_finish(t);
}

/* Rows from before a renaming go to the column by its newer name. */
static void take_names(struct plan *p, const struct described *d)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(NAME_MAX_BYTES);

	p->n_mapped = 0;
	for (uint32_t i = 0; p->renames && i < p->target->n_fields; i++) {
		const struct field *f = &p->target->fields[i];
		const struct ez_column *c = source_of(p, f);
		struct ez_view name;

		if (!c)
			continue;
		name = held_as(p, d, &b, c);
		p->n_mapped += !view_eq(name, buf_view(&b));
		if (!view_eq(name, f->name))
			target_set_name(p->target, i, name);
	}
}

enum plan_step plan_next(struct plan *p, const struct described *d)
{
	bool alters;

	buf_reset(&p->trouble);
	buf_reset(&p->sql);
	p->n_troubles = 0;
	take_names(p, d);
	check_others(p, d);
	if (p->settings->evolve)
		alters = plan_drop(p, d) || plan_rename(p, d) || plan_add(p, d);
	else
		alters = plan_add(p, d);
	/* What is wrong is to be said at once, even if something else comes first. */
	if (!alters || p->n_troubles > 0)
		alters |= plan_modify(p, d);
	if (p->n_troubles > 0)
		return PLAN_WRONG;
	if (alters)
		return PLAN_ALTER;
	take_types(p, d);
	return PLAN_DONE;
}
