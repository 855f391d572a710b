/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/options.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/view.h"
#include "engine/cfg.h"
#include "engine/option_value.h"
#include "engine/problems.h"
#include "engine/secret_ref.h"

/*
 * Accessors run in all threads while the main thread may exchange live values, so the
 * pointer to a value is read under the lock. What it points to never changes and is freed
 * with the configuration only: no reader needs the lock any longer than that.
 */
struct slot {
	struct ez_option o;
	struct option_value *value; /* NULL: not given, no default */
	bool is_given;
};

struct ez_config {
	char *title;
	struct slot *slots;
	size_t n_slots;
	struct option_value *replaced;
	pthread_mutex_t *lock; /* guards the values of slots */
};

struct ez_option option_copy(const struct ez_option *o)
{
	struct ez_option copy = { .size = 0 };

	memcpy(&copy, o, MIN(o->size, sizeof(copy)));
	copy.size = sizeof(copy);
	return copy;
}

const char *option_type_to_str(uint32_t type)
{
	static const char *const names[] = {
		[EZ_OPT_STRING] = "string",     [EZ_OPT_INT] = "int",
		[EZ_OPT_BOOL] = "bool",         [EZ_OPT_SIZE] = "size",
		[EZ_OPT_DURATION] = "duration", [EZ_OPT_ENUM] = "enum",
		[EZ_OPT_LIST] = "list",         [EZ_OPT_MAP] = "map",
		[EZ_OPT_SECRET] = "secret",
	};

	return type < ARRAY_LEN(names) ? names[type] : NULL;
}

/* ------------------------------------------------------------------------ tables */

static bool in_table(const struct ez_option *const *table, const char *name,
		     size_t before)
{
	for (size_t i = 0; table && table[i] && i < before; i++) {
		if (strcmp(table[i]->name, name) == 0)
			return true;
	}
	return false;
}

static bool is_option_name(const char *name)
{
	const char *const letters = "abcdefghijklmnopqrstuvwxyz";

	return name && *name && strchr(letters, *name) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static void check_option(const struct ez_option *const *table, size_t i,
			 struct problems *p)
{
	const struct ez_option o = option_copy(table[i]);
	size_t before = p->n;

	if (!is_option_name(o.name)) {
		problem_add(p, NULL, 0, "option %zu has no proper name", i);
		return;
	}
	if (!option_type_to_str(o.type))
		problem_add(p, NULL, 0, "option \"%s\" has the unknown type %u", o.name,
			    o.type);
	if (o.type == EZ_OPT_ENUM && (!o.choices || !*o.choices))
		problem_add(p, NULL, 0, "option \"%s\" has no choices", o.name);
	if (in_table(table, o.name, i) || strcmp(o.name, "plugin") == 0)
		problem_add(p, NULL, 0, "option \"%s\" is there twice", o.name);
	if (p->n == before && o.fallback)
		option_value_free(option_value_parse(&o, o.fallback, o.name, p));
}

void options_check_table(const struct ez_option *const *table, struct problems *p)
{
	const size_t least = offsetof(struct ez_option, max) + sizeof(table[0]->max);

	for (size_t i = 0; table && table[i]; i++) {
		if (table[i]->size < least) {
			problem_add(p, NULL, 0, "option %zu is too small for ABI %d.0", i,
				    EZ_ABI_MAJOR);
			return;
		}
	}
	for (size_t i = 0; table && table[i]; i++)
		check_option(table, i, p);
}

/* ---------------------------------------------------------------------- validation */

static void add_slots(struct ez_config *c, const struct ez_option *const *table,
		      const struct ez_option *const *except)
{
	for (size_t i = 0; table && table[i]; i++) {
		if (in_table(except, table[i]->name, SIZE_MAX))
			continue;
		c->slots = xreallocarray(c->slots, c->n_slots + 1, sizeof(*c->slots));
		c->slots[c->n_slots++] = (struct slot){ .o = option_copy(table[i]) };
	}
}

static struct slot *find_slot(const struct ez_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_slots; i++) {
		if (strcmp(c->slots[i].o.name, name) == 0)
			return &c->slots[i];
	}
	return NULL;
}

static char *make_label(const struct ez_config *c, const char *name)
{
	return *c->title ? xasprintf("%s: %.100s", c->title, name)
			 : xasprintf("%.100s", name);
}

static void refuse_unknown(const struct options_section *s, const struct ez_config *c,
			   const struct cfg_node *n, struct problems *p)
{
	struct nearest near = nearest_init(n->name, strlen(n->name));
	const char *separator = *c->title ? ": " : "";

	for (size_t i = 0; i < c->n_slots; i++)
		nearest_offer(&near, c->slots[i].o.name);
	for (size_t i = 0; s->other && s->other[i]; i++)
		nearest_offer(&near, s->other[i]);
	if (near.best)
		problem_add(p, n->file, n->line,
			    "%s%sunknown option \"%.100s\"; did you mean \"%s\"?",
			    c->title, separator, n->name, near.best);
	else
		problem_add(p, n->file, n->line, "%s%sunknown option \"%.100s\"",
			    c->title, separator, n->name);
}

static bool is_other(const struct options_section *s, const char *name)
{
	for (size_t i = 0; s->other && s->other[i]; i++) {
		if (strcmp(s->other[i], name) == 0)
			return true;
	}
	return false;
}

static void read_settings(const struct options_section *s, struct ez_config *c,
			  const struct options_rules *rules, struct problems *p)
{
	for (size_t i = 0; i < s->node->n_items; i++) {
		const struct cfg_node *n = &s->node->items[i];
		struct slot *slot = find_slot(c, n->name);
		char *label;

		if (!slot && !is_other(s, n->name))
			refuse_unknown(s, c, n, p);
		if (!slot)
			continue;
		label = make_label(c, n->name);
		slot->is_given = true;
		slot->value = option_value_new(&slot->o, n, label, rules, p);
		free(label);
	}
}

static void fill_up(const struct options_section *s, struct ez_config *c,
		    struct problems *p)
{
	const char *file = s->node ? s->node->file : s->file;
	unsigned line = s->node ? s->node->line : 0;

	for (size_t i = 0; i < c->n_slots; i++) {
		struct slot *slot = &c->slots[i];
		char *label;

		if (slot->is_given)
			continue;
		if (slot->o.flags & EZ_OPTF_REQUIRED) {
			problem_add(p, file, line, "%s%soption \"%s\" is missing",
				    c->title, *c->title ? ": " : "", slot->o.name);
		} else if (slot->o.fallback) {
			label = make_label(c, slot->o.name);
			slot->value =
				option_value_parse(&slot->o, slot->o.fallback, label, p);
			free(label);
		}
	}
}

struct ez_config *options_validate(const struct options_section *s,
				   const struct options_rules *rules, struct problems *p)
{
	struct ez_config *c = xcalloc(1, sizeof(*c));

	c->title = xstrdup(s->title);
	c->lock = xcalloc(1, sizeof(*c->lock));
	(void)pthread_mutex_init(c->lock, NULL);
	add_slots(c, s->table, NULL);
	add_slots(c, s->more, s->table);
	if (s->node && s->node->kind == CFG_GROUP)
		read_settings(s, c, rules, p);
	else if (s->node)
		problem_add(p, s->node->file, s->node->line,
			    "%s: must be a group, { ... }", c->title);
	fill_up(s, c, p);
	return c;
}

void config_free(struct ez_config *c)
{
	struct option_value *next;

	if (!c)
		return;
	for (size_t i = 0; i < c->n_slots; i++)
		option_value_free(c->slots[i].value);
	for (struct option_value *v = c->replaced; v; v = next) {
		next = v->next;
		option_value_free(v);
	}
	free(c->slots);
	(void)pthread_mutex_destroy(c->lock);
	free(c->lock);
	free(c->title);
	free(c);
}

/* ----------------------------------------------------------------------- accessors */

#define TYPE(t) (1u << (t))

/* The slot, which must be of one of the types. */
static struct slot *need_slot(const struct ez_config *c, const char *name, unsigned types)
{
	struct slot *slot = find_slot(c, name);

	if (!slot || !(TYPE(slot->o.type) & types))
		ensure_failed(c->title, 0, name,
			      "a plugin read an option that its table does not have, or "
			      "with the accessor for another type");
	return slot;
}

static const struct option_value *need_value(const struct ez_config *c, const char *name,
					     unsigned types)
{
	static const struct option_value unset = { .str = { .ptr = "" } };
	const struct slot *slot = need_slot(c, name, types);
	const struct option_value *v;

	(void)pthread_mutex_lock(c->lock);
	v = slot->value ? slot->value : &unset;
	(void)pthread_mutex_unlock(c->lock);
	return v;
}

struct ez_view config_str(const struct ez_config *c, const char *name)
{
	return need_value(c, name, TYPE(EZ_OPT_STRING) | TYPE(EZ_OPT_ENUM))->str;
}

int64_t config_num(const struct ez_config *c, const char *name)
{
	return need_value(c, name,
			  TYPE(EZ_OPT_INT) | TYPE(EZ_OPT_BOOL) | TYPE(EZ_OPT_SIZE) |
				  TYPE(EZ_OPT_DURATION))
		->num;
}

int config_choice(const struct ez_config *c, const char *name)
{
	const struct option_value *v = need_value(c, name, TYPE(EZ_OPT_ENUM));

	return v->str.len > 0 ? (int)v->num : -1;
}

bool config_is_set(const struct ez_config *c, const char *name)
{
	const struct slot *slot = need_slot(c, name, UINT32_MAX);
	bool is_set;

	(void)pthread_mutex_lock(c->lock);
	is_set = slot->value != NULL;
	(void)pthread_mutex_unlock(c->lock);
	return is_set;
}

bool config_is_given(const struct ez_config *c, const char *name)
{
	const struct slot *slot = need_slot(c, name, UINT32_MAX);
	bool is_given;

	(void)pthread_mutex_lock(c->lock);
	is_given = slot->is_given;
	(void)pthread_mutex_unlock(c->lock);
	return is_given;
}

bool config_has(const struct ez_config *c, const char *name)
{
	return find_slot(c, name) != NULL;
}

size_t config_count(const struct ez_config *c, const char *name)
{
	return need_value(c, name, TYPE(EZ_OPT_LIST) | TYPE(EZ_OPT_MAP))->n_items;
}

static const struct option_item *need_item(const struct ez_config *c, const char *name,
					   size_t i, unsigned types)
{
	static const struct option_item none = { .key.ptr = "", .value.ptr = "" };
	const struct option_value *v = need_value(c, name, types);

	/* The list may have become shorter since it was counted. */
	return i < v->n_items ? &v->items[i] : &none;
}

struct ez_view config_item(const struct ez_config *c, const char *name, size_t i)
{
	return need_item(c, name, i, TYPE(EZ_OPT_LIST) | TYPE(EZ_OPT_MAP))->value;
}

struct ez_view config_item_key(const struct ez_config *c, const char *name, size_t i)
{
	return need_item(c, name, i, TYPE(EZ_OPT_LIST) | TYPE(EZ_OPT_MAP))->key;
}

int config_secret(const struct ez_config *c, const char *name, char *buf, size_t cap,
		  size_t *ret_len, struct ez_error *err)
{
	const struct option_value *v = need_value(c, name, TYPE(EZ_OPT_SECRET));
	char *label;
	int rc;

	if (!v->secret) {
		if (cap > 0)
			buf[0] = '\0';
		*ret_len = 0;
		return EZ_OK;
	}
	label = make_label(c, name);
	rc = secret_ref_read(v->secret, label, buf, cap, ret_len, err);
	free(label);
	return rc;
}

/* -------------------------------------------------------------------------- reload */

enum config_change config_compare(const struct ez_config *now,
				  const struct ez_config *next, struct buf *changed)
{
	enum config_change change = CONFIG_SAME;

	for (size_t i = 0; i < now->n_slots; i++) {
		const struct slot *a = &now->slots[i];
		const struct slot *b = find_slot(next, a->o.name);

		if (!b || !option_value_eq(a->value, b->value)) {
			if (!b || !(a->o.flags & EZ_OPTF_LIVE))
				change = CONFIG_RESTART;
			else if (change == CONFIG_SAME)
				change = CONFIG_LIVE;
			buf_addf(changed, "%s%s%s%s", changed->len > 0 ? ", " : "",
				 now->title, *now->title ? "." : "", a->o.name);
		}
	}
	return change;
}

/* The old value stays, other threads may be looking at it. */
static void exchange(struct ez_config *now, struct slot *to, struct slot *from)
{
	(void)pthread_mutex_lock(now->lock);
	if (to->value) {
		to->value->next = now->replaced;
		now->replaced = to->value;
	}
	to->value = TAKE_PTR(from->value);
	to->is_given = from->is_given;
	(void)pthread_mutex_unlock(now->lock);
}

void config_apply_live(struct ez_config *now, struct ez_config *next)
{
	for (size_t i = 0; i < now->n_slots; i++) {
		struct slot *to = &now->slots[i], *from = find_slot(next, to->o.name);

		if (from && (to->o.flags & EZ_OPTF_LIVE) &&
		    !option_value_eq(to->value, from->value))
			exchange(now, to, from);
	}
}

int config_secret_replace(struct ez_config *c, const char *name, struct ez_view bytes,
			  struct ez_error *err)
{
	const struct slot *slot = find_slot(c, name);

	if (!slot || slot->o.type != EZ_OPT_SECRET || !slot->value)
		return error_fill(err, EZ_E_CONFIG, "",
				  "%s: \"%.100s\" is not a secret in use", c->title,
				  name);
	if (!secret_ref_replace(slot->value->secret, bytes))
		return error_fill(
			err, EZ_E_CONFIG, "",
			"%s: %s cannot be replaced, it comes from a file or the "
			"environment, or is too long",
			c->title, name);
	return EZ_OK;
}

void config_format(const struct ez_config *c, struct buf *out, const char *indent)
{
	for (size_t i = 0; i < c->n_slots; i++) {
		const struct slot *slot = &c->slots[i];

		if (!slot->value)
			continue;
		buf_addf(out, "%s%s = ", indent, slot->o.name);
		option_value_format(&slot->o, slot->value, out);
		buf_add_str(out, ";\n");
	}
}
