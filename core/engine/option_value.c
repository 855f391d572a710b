/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/option_value.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/view.h"
#include "engine/cfg.h"
#include "engine/config_lex.h"
#include "engine/problems.h"
#include "engine/secret_ref.h"

/* What reading one value is about: for messages, and where they go. */
struct reading {
	const struct ez_option *o;
	const struct cfg_node *n;
	const char *label;
	const struct options_rules *rules;
	struct problems *p;
};

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit size_units[] = {
	{ "TiB", INT64_C(1) << 40 },
	{ "GiB", INT64_C(1) << 30 },
	{ "MiB", INT64_C(1) << 20 },
	{ "KiB", INT64_C(1) << 10 },
	{ "B", 1 },
	{ NULL, 0 },
};
static const struct unit duration_units[] = {
	{ "h", INT64_C(3600000000) },
	{ "m", 60000000 },
	{ "s", 1000000 },
	{ "ms", 1000 },
	{ "us", 1 },
	{ NULL, 0 },
};

struct option_text option_number_to_text(uint32_t type, int64_t num)
{
	const struct unit *u = type == EZ_OPT_SIZE ? size_units : duration_units;
	struct option_text t = { .text = "" };

	if (type == EZ_OPT_INT || num == 0) {
		(void)!str_format(t.text, sizeof(t.text), "%" PRId64, num);
		return t;
	}
	while (num % u->factor != 0)
		u++;
	(void)!str_format(t.text, sizeof(t.text), "%" PRId64 "%s", num / u->factor,
			  u->name);
	return t;
}

static struct ez_view copy(struct ez_view v)
{
	char *p = xmalloc(v.len + 1);

	if (v.len > 0)
		memcpy(p, v.ptr, v.len);
	p[v.len] = '\0';
	return view_of(p, v.len);
}

static void wipe(struct ez_view v)
{
	char *p;

	if (!v.ptr)
		return;
	memcpy(&p, &v.ptr, sizeof(p));
	explicit_bzero(p, v.len);
	free(p);
}

void option_value_free(struct option_value *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n_items; i++) {
		wipe(v->items[i].key);
		wipe(v->items[i].value);
	}
	free(v->items);
	wipe(v->str);
	secret_ref_free(v->secret);
	free(v);
}

static bool fail(const struct reading *r, const char *text)
{
	problem_add(r->p, r->n->file, r->n->line, "%s: %s", r->label, text);
	return false;
}

/* ------------------------------------------------------------------------- numbers */

static bool check_range(const struct reading *r, int64_t num)
{
	const struct ez_option *o = r->o;
	struct option_text min = option_number_to_text(o->type, o->min);
	struct option_text max = option_number_to_text(o->type, o->max);

	if ((o->min == 0 && o->max == 0) || (num >= o->min && num <= o->max))
		return true;
	if (o->max == INT64_MAX)
		problem_add(r->p, r->n->file, r->n->line, "%s: must be at least %s",
			    r->label, min.text);
	else if (o->min == INT64_MIN)
		problem_add(r->p, r->n->file, r->n->line, "%s: must be at most %s",
			    r->label, max.text);
	else
		problem_add(r->p, r->n->file, r->n->line, "%s: must be between %s and %s",
			    r->label, min.text, max.text);
	return false;
}

static bool read_size(const struct reading *r, int64_t *ret_num)
{
	uint64_t bytes;

	if (r->n->kind == CFG_INT && r->n->num >= 0) {
		*ret_num = r->n->num;
		return true;
	}
	if (r->n->kind != CFG_STRING || !parse_size(r->n->str, &bytes) ||
	    bytes > INT64_MAX)
		return fail(r,
			    "must be a size such as \"64MiB\" (B, KiB, MiB, GiB, TiB)");
	*ret_num = (int64_t)bytes;
	return true;
}

static bool read_duration(const struct reading *r, int64_t *ret_num)
{
	if (r->n->kind == CFG_INT && r->n->num == 0) {
		*ret_num = 0;
		return true;
	}
	if (r->n->kind != CFG_STRING || !parse_duration(r->n->str, ret_num))
		return fail(r, "must be a duration such as \"30s\" (us, ms, s, m, h, d)");
	return true;
}

static bool read_number(const struct reading *r, struct option_value *v)
{
	bool ok;

	if (r->o->type == EZ_OPT_SIZE) {
		ok = read_size(r, &v->num);
	} else if (r->o->type == EZ_OPT_DURATION) {
		ok = read_duration(r, &v->num);
	} else {
		ok = r->n->kind == CFG_INT || fail(r, "must be a number without quotes");
		v->num = r->n->num;
	}
	return ok && check_range(r, v->num);
}

static bool read_bool(const struct reading *r, struct option_value *v)
{
	v->num = r->n->num;
	return r->n->kind == CFG_BOOL || fail(r, "must be true or false, without quotes");
}

/* ---------------------------------------------------------------------------- text */

static bool read_str(const struct reading *r, struct option_value *v)
{
	if (r->n->kind != CFG_STRING) {
		problem_add(r->p, r->n->file, r->n->line, "%s: must be a string, not %s",
			    r->label, cfg_kind_to_str(r->n->kind));
		return false;
	}
	v->str = copy(r->n->str);
	return true;
}

/* Says what would be right, not what is wrong: the value may be a misplaced secret. */
static void refuse_choice(const struct reading *r)
{
	struct ez_view rest = view_str(r->o->choices), part;
	struct buf list = BUF_INIT(4096);
	const char *separator = "";

	while (view_split(&rest, '|', &part)) {
		buf_addf(&list, "%s\"%.*s\"", separator, VIEW_ARG(part));
		separator = ", ";
	}
	problem_add(r->p, r->n->file, r->n->line, "%s: must be one of %s", r->label,
		    buf_cstr(&list));
	buf_release(&list);
}

static bool read_enum(const struct reading *r, struct option_value *v)
{
	struct ez_view rest = view_str(r->o->choices), part;

	if (!read_str(r, v))
		return false;
	for (v->num = 0; view_split(&rest, '|', &part); v->num++) {
		if (view_eq(part, v->str))
			return true;
	}
	refuse_choice(r);
	return false;
}

/* ------------------------------------------------------------------- lists and maps */

static void add_item(struct option_value *v, struct ez_view key, struct ez_view value)
{
	v->items[v->n_items++] = (struct option_item){
		.key = copy(key),
		.value = copy(value),
	};
}

static bool is_sequence(const struct cfg_node *n)
{
	return n->kind == CFG_ARRAY || n->kind == CFG_LIST;
}

/* A lone string is a list of one. */
static bool read_list(const struct reading *r, struct option_value *v)
{
	const struct cfg_node *n = r->n;

	if (n->kind == CFG_STRING) {
		v->items = xcalloc(1, sizeof(*v->items));
		add_item(v, view_of("", 0), n->str);
		return true;
	}
	if (!is_sequence(n))
		return fail(r, "must be a list of strings, [ \"one\", \"two\" ]");
	v->items = xcalloc(n->n_items, sizeof(*v->items));
	for (size_t i = 0; i < n->n_items; i++) {
		if (n->items[i].kind != CFG_STRING)
			return fail(r, "must be a list of strings, [ \"one\", \"two\" ]");
		add_item(v, view_of("", 0), n->items[i].str);
	}
	return true;
}

static bool has_key(const struct option_value *v, struct ez_view key)
{
	for (size_t i = 0; i < v->n_items; i++) {
		if (view_eq(v->items[i].key, key))
			return true;
	}
	return false;
}

static bool read_map_item(const struct reading *r, const struct cfg_node *item,
			  struct option_value *v)
{
	struct ez_view rest, key;

	if (item->kind != CFG_STRING)
		return fail(r, "must map names to strings, { name = \"text\"; }");
	if (item->name) {
		add_item(v, view_str(item->name), item->str);
		return true;
	}
	rest = item->str;
	if (!memchr(rest.ptr, '=', rest.len) || !view_split(&rest, '=', &key))
		return fail(r, "every item must be \"name=text\"");
	key = view_trim(key);
	if (key.len == 0)
		return fail(r, "every item must be \"name=text\"");
	if (has_key(v, key))
		return fail(r, "a name stands there twice");
	add_item(v, key, view_trim(rest));
	return true;
}

/* Names of settings cannot hold dots, so [ "a.b=c" ] is the other way to write a map. */
static bool read_map(const struct reading *r, struct option_value *v)
{
	const struct cfg_node *n = r->n;

	if (n->kind != CFG_GROUP && !is_sequence(n))
		return fail(r, "must map names to strings, { name = \"text\"; }");
	v->items = xcalloc(n->n_items, sizeof(*v->items));
	for (size_t i = 0; i < n->n_items; i++) {
		if (!read_map_item(r, &n->items[i], v))
			return false;
	}
	return true;
}

static bool read_any(const struct reading *r, struct option_value *v)
{
	switch (r->o->type) {
	case EZ_OPT_STRING:
		return read_str(r, v);
	case EZ_OPT_ENUM:
		return read_enum(r, v);
	case EZ_OPT_BOOL:
		return read_bool(r, v);
	case EZ_OPT_LIST:
		return read_list(r, v);
	case EZ_OPT_MAP:
		return read_map(r, v);
	case EZ_OPT_SECRET:
		v->secret = secret_ref_new(r->n, r->label, r->rules, r->p);
		return v->secret != NULL;
	default:
		return read_number(r, v);
	}
}

struct option_value *option_value_new(const struct ez_option *o, const struct cfg_node *n,
				      const char *label,
				      const struct options_rules *rules,
				      struct problems *p)
{
	const struct reading r = {
		.o = o, .n = n, .label = label, .rules = rules, .p = p
	};
	struct option_value *v = xcalloc(1, sizeof(*v));

	if (read_any(&r, v))
		return v;
	option_value_free(v);
	return NULL;
}

/* ------------------------------------------------------------------------- defaults */

/* Lists, maps and numbers are parsed as in a file, everything else is plain text. */
static struct option_value *parse_setting(const struct ez_option *o, const char *text,
					  const char *label, struct problems *p)
{
	const struct options_rules rules = { .flags = OPTIONS_NO_SECRETS };
	struct buf line = BUF_INIT(64 * 1024);
	struct option_value *v = NULL;
	struct cfg_tree *t;

	buf_addf(&line, "x = %s;", text);
	t = cfg_read_text("default", buf_view(&line), p);
	buf_release(&line);
	if (t && t->root.n_items == 1)
		v = option_value_new(o, &t->root.items[0], label, &rules, p);
	cfg_free(t);
	return v;
}

struct option_value *option_value_parse(const struct ez_option *o, const char *text,
					const char *label, struct problems *p)
{
	const struct options_rules rules = { .flags = OPTIONS_NO_SECRETS };
	struct cfg_node n = { .kind = CFG_STRING,
			      .file = "default",
			      .str = view_str(text) };
	bool is_collection = o->type == EZ_OPT_LIST || o->type == EZ_OPT_MAP;
	bool flag;

	if (o->type == EZ_OPT_INT || (is_collection && strchr("[({", *text) && *text))
		return parse_setting(o, text, label, p);
	if (o->type == EZ_OPT_BOOL && parse_bool(n.str, &flag)) {
		n.kind = CFG_BOOL;
		n.num = flag;
	} else if (is_collection && *text == '\0') {
		n.kind = CFG_LIST;
	} else if ((o->type == EZ_OPT_SIZE || o->type == EZ_OPT_DURATION) &&
		   parse_i64(n.str, &n.num)) {
		n.kind = CFG_INT;
	}
	return option_value_new(o, &n, label, &rules, p);
}

/* ---------------------------------------------------------------- comparing, writing */

bool option_value_eq(const struct option_value *a, const struct option_value *b)
{
	if (!a || !b)
		return a == b;
	if (a->num != b->num || !view_eq(a->str, b->str) || a->n_items != b->n_items ||
	    !secret_ref_eq(a->secret, b->secret))
		return false;
	for (size_t i = 0; i < a->n_items; i++) {
		if (!view_eq(a->items[i].key, b->items[i].key) ||
		    !view_eq(a->items[i].value, b->items[i].value))
			return false;
	}
	return true;
}

static bool has_names_only(const struct option_value *v)
{
	for (size_t i = 0; i < v->n_items; i++) {
		if (!lexer_is_name(v->items[i].key))
			return false;
	}
	return v->n_items > 0;
}

/* The form that takes any text; the other one takes any name. */
static void format_group(const struct option_value *v, struct buf *out)
{
	buf_add_str(out, "{ ");
	for (size_t i = 0; i < v->n_items; i++) {
		buf_add_view(out, v->items[i].key);
		buf_add_str(out, " = ");
		cfg_format_string(v->items[i].value, out);
		buf_add_str(out, "; ");
	}
	buf_add_char(out, '}');
}

static void format_items(const struct option_value *v, struct buf *out)
{
	const char *separator = " ";

	buf_add_char(out, '[');
	for (size_t i = 0; i < v->n_items; i++) {
		const struct option_item *item = &v->items[i];
		struct buf text = BUF_INIT(item->key.len + item->value.len + 1);

		if (item->key.len > 0) {
			buf_add_view(&text, item->key);
			buf_add_char(&text, '=');
		}
		buf_add_view(&text, item->value);
		buf_add_str(out, separator);
		cfg_format_string(buf_view(&text), out);
		buf_release(&text);
		separator = ", ";
	}
	buf_add_str(out, v->n_items > 0 ? " ]" : "]");
}

void option_value_format(const struct ez_option *o, const struct option_value *v,
			 struct buf *out)
{
	switch (o->type) {
	case EZ_OPT_STRING:
	case EZ_OPT_ENUM:
		cfg_format_string(v->str, out);
		break;
	case EZ_OPT_BOOL:
		buf_add_str(out, v->num ? "true" : "false");
		break;
	case EZ_OPT_INT:
		buf_addf(out, "%" PRId64 "%s", v->num,
			 v->num > INT32_MAX || v->num < INT32_MIN ? "L" : "");
		break;
	case EZ_OPT_LIST:
	case EZ_OPT_MAP:
		if (has_names_only(v))
			format_group(v, out);
		else
			format_items(v, out);
		break;
	case EZ_OPT_SECRET:
		secret_ref_format(v->secret, out);
		break;
	default:
		buf_addf(out, "\"%s\"", option_number_to_text(o->type, v->num).text);
	}
}
