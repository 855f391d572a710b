/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/plugin_list.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "base/utf8.h"
#include "base/view.h"
#include "engine/job.h"
#include "engine/loader.h"
#include "engine/option_value.h"
#include "engine/options.h"

enum {
	TEXT_COLUMNS = 78,
	INDENT = 6,
};

static const struct {
	uint64_t bit;
	const char *name;
} caps_names[] = {
	{ EZ_CAP_DURABLE_WRITE, "durable-write" },
	{ EZ_CAP_IDEMPOTENT, "idempotent" },
	{ EZ_CAP_SNAPSHOT, "snapshot" },
	{ EZ_CAP_PARTIAL_ROWS, "partial-rows" },
	{ EZ_CAP_ORDERED, "ordered" },
	{ EZ_CAP_ATOMIC, "atomic" },
	{ EZ_CAP_POSITION, "position" },
	{ EZ_CAP_STREAMING, "streaming" },
	{ EZ_CAP_VIEW, "view" },
	{ EZ_CAP_COMPARE, "compare" },
};

/* Calls `visit` for each option, those the engine adds last. */
static void each_option(const struct plugin *p, void *arg,
			void (*visit)(const struct ez_option *, void *arg))
{
	const struct ez_option *const *more = job_plugin_options(p->kind, p->caps);

	for (size_t i = 0; p->options[i]; i++) {
		const struct ez_option o = option_copy(p->options[i]);

		visit(&o, arg);
	}
	for (size_t i = 0; more[i]; i++) {
		bool is_there = false;

		for (size_t j = 0; p->options[j] && !is_there; j++)
			is_there = strcmp(p->options[j]->name, more[i]->name) == 0;
		if (!is_there)
			visit(more[i], arg);
	}
}

/* ---------------------------------------------------------------------------- JSON */

static void write_range(struct jsonw *w, const struct ez_option *o)
{
	if (o->min == 0 && o->max == 0)
		return;
	jsonw_key(w, "min");
	jsonw_i64(w, o->min);
	jsonw_key(w, "max");
	jsonw_i64(w, o->max);
}

static void write_choices(struct jsonw *w, const char *choices)
{
	struct ez_view rest = view_str(choices), part;

	jsonw_key(w, "choices");
	jsonw_begin_array(w);
	while (view_split(&rest, '|', &part))
		jsonw_view(w, part);
	jsonw_end_array(w);
}

static void write_option(const struct ez_option *o, void *arg)
{
	struct jsonw *w = arg;

	jsonw_begin_object(w);
	jsonw_key(w, "name");
	jsonw_str(w, o->name);
	jsonw_key(w, "type");
	jsonw_str(w, option_type_to_str(o->type));
	jsonw_key(w, "required");
	jsonw_bool(w, o->flags & EZ_OPTF_REQUIRED);
	jsonw_key(w, "live");
	jsonw_bool(w, o->flags & EZ_OPTF_LIVE);
	jsonw_key(w, "connection");
	jsonw_bool(w, o->flags & EZ_OPTF_CONNECTION);
	jsonw_key(w, "label");
	jsonw_str(w, o->label);
	jsonw_key(w, "group");
	jsonw_str(w, o->group);
	jsonw_key(w, "default");
	jsonw_str(w, o->fallback);
	if (o->type == EZ_OPT_ENUM)
		write_choices(w, o->choices);
	write_range(w, o);
	jsonw_key(w, "help");
	jsonw_str(w, o->help);
	jsonw_end_object(w);
}

static void write_caps(struct jsonw *w, uint64_t caps)
{
	jsonw_begin_array(w);
	for (size_t i = 0; i < ARRAY_LEN(caps_names); i++) {
		if (caps & caps_names[i].bit)
			jsonw_str(w, caps_names[i].name);
	}
	jsonw_end_array(w);
}

static void write_plugin(struct jsonw *w, const struct plugin *p)
{
	struct buf abi = BUF_INIT(32);

	jsonw_begin_object(w);
	jsonw_key(w, "name");
	jsonw_str(w, p->name);
	jsonw_key(w, "kind");
	jsonw_str(w, plugin_kind_to_str(p->kind));
	jsonw_key(w, "version");
	jsonw_str(w, p->version);
	jsonw_key(w, "summary");
	jsonw_str(w, p->summary);
	jsonw_key(w, "abi");
	buf_addf(&abi, "%u.%u", p->abi_major, p->abi_minor);
	jsonw_view(w, buf_view(&abi));
	buf_release(&abi);
	jsonw_key(w, "path");
	jsonw_str(w, p->path);
	jsonw_key(w, "capabilities");
	write_caps(w, p->caps);
	jsonw_key(w, "options");
	jsonw_begin_array(w);
	each_option(p, w, write_option);
	jsonw_end_array(w);
	jsonw_end_object(w);
}

static void write_all(const struct loader_list *list, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	jsonw_key(&w, "plugins");
	jsonw_begin_array(&w);
	for (size_t i = 0; i < list->n; i++) {
		if (list->entries[i].plugin)
			write_plugin(&w, list->entries[i].plugin);
	}
	jsonw_end_array(&w);
	jsonw_key(&w, "broken");
	jsonw_begin_array(&w);
	for (size_t i = 0; i < list->n; i++) {
		if (list->entries[i].plugin)
			continue;
		jsonw_begin_object(&w);
		jsonw_key(&w, "name");
		jsonw_str(&w, list->entries[i].name);
		jsonw_key(&w, "path");
		jsonw_str(&w, list->entries[i].path);
		jsonw_key(&w, "reason");
		jsonw_str(&w, list->entries[i].reason);
		jsonw_end_object(&w);
	}
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}

/* ---------------------------------------------------------------------------- text */

/* Plugins and file names are others' words: nothing of them may steer a terminal. */
static void add_safe(struct buf *out, struct ez_view v)
{
	for (size_t i = 0; i < v.len;) {
		size_t n = utf8_char_len(v.ptr + i, v.len - i);
		unsigned char c = (unsigned char)v.ptr[i];

		if (n == 0 || c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && n == 2 && (unsigned char)v.ptr[i + 1] < 0xa0))
			buf_add_char(out, '?');
		else
			buf_add(out, v.ptr + i, n);
		i += n > 0 ? n : 1;
	}
}

static void add_padded(struct buf *out, const char *text, size_t width)
{
	size_t len = strlen(text);

	add_safe(out, view_str(text));
	for (; len < width; len++)
		buf_add_char(out, ' ');
}

/* In lines of at most TEXT_COLUMNS, cut at blanks. */
static void add_wrapped(struct buf *out, const char *text)
{
	struct ez_view rest = view_str(text), word;
	size_t column = 0;

	while (rest.ptr && view_split(&rest, ' ', &word)) {
		if (column == 0 || column + 1 + word.len > TEXT_COLUMNS) {
			buf_addf(out, "%s%*s", column > 0 ? "\n" : "", INDENT, "");
			column = INDENT;
		} else {
			buf_add_char(out, ' ');
			column++;
		}
		add_safe(out, word);
		column += word.len;
	}
	buf_add_char(out, '\n');
}

/* ", 1 to 64" or ", at least 8MiB". */
static void add_range(struct buf *out, const struct ez_option *o)
{
	struct option_text min = option_number_to_text(o->type, o->min);
	struct option_text max = option_number_to_text(o->type, o->max);

	if (o->min == 0 && o->max == 0)
		return;
	if (o->max == INT64_MAX)
		buf_addf(out, ", at least %s", min.text);
	else if (o->min == INT64_MIN)
		buf_addf(out, ", at most %s", max.text);
	else
		buf_addf(out, ", %s to %s", min.text, max.text);
}

static void add_option(const struct ez_option *o, void *arg)
{
	struct buf *out = arg;

	buf_addf(out, "\n  %s  (%s", o->name, option_type_to_str(o->type));
	add_range(out, o);
	if (o->type == EZ_OPT_ENUM) {
		buf_add_str(out, ": ");
		add_safe(out, view_str(o->choices));
	}
	if (o->flags & EZ_OPTF_REQUIRED)
		buf_add_str(out, ", required");
	if (o->flags & EZ_OPTF_LIVE)
		buf_add_str(out, ", live");
	buf_add_str(out, ")");
	if (o->fallback) {
		buf_add_str(out, "  default: ");
		add_safe(out, *o->fallback ? view_str(o->fallback) : VIEW("\"\""));
	}
	buf_add_char(out, '\n');
	if (o->help)
		add_wrapped(out, o->help);
}

static void add_plugin(const struct plugin *p, struct buf *out)
{
	bool is_first = true;

	buf_addf(out, "%s, %s, version ", p->name, plugin_kind_to_str(p->kind));
	add_safe(out, view_str(p->version));
	buf_addf(out, ", ABI %u.%u\n", p->abi_major, p->abi_minor);
	add_safe(out, view_str(p->summary));
	buf_add_char(out, '\n');
	add_safe(out, view_str(p->path));
	buf_add_char(out, '\n');
	for (size_t i = 0; i < ARRAY_LEN(caps_names); i++) {
		if (!(p->caps & caps_names[i].bit))
			continue;
		buf_addf(out, "%s%s", is_first ? "Capabilities: " : ", ",
			 caps_names[i].name);
		is_first = false;
	}
	buf_add_str(out, is_first ? "\nOptions:\n" : "\n\nOptions:\n");
	each_option(p, out, add_option);
}

static void add_table(const struct loader_list *list, struct buf *out)
{
	size_t width = 4;

	for (size_t i = 0; i < list->n; i++)
		width = MAX(width, MIN(strlen(list->entries[i].name), (size_t)32));
	add_padded(out, "NAME", width + 2);
	buf_add_str(out, "KIND       VERSION   SUMMARY\n");
	for (size_t i = 0; i < list->n; i++) {
		const struct loader_entry *e = &list->entries[i];

		add_padded(out, e->name, width + 2);
		add_padded(out,
			   e->plugin ? plugin_kind_to_str(e->plugin->kind) : "broken",
			   11);
		add_padded(out, e->plugin ? e->plugin->version : "-", 10);
		if (e->plugin) {
			add_safe(out, view_str(e->plugin->summary));
		} else {
			add_safe(out, view_str(e->path));
			buf_add_str(out, ": ");
			add_safe(out, view_str(e->reason));
		}
		buf_add_char(out, '\n');
	}
}

/* ------------------------------------------------------------------------------------ */

void plugin_list_all(struct loader *l, bool json, struct buf *out)
{
	struct loader_list list;

	loader_scan(l, &list);
	if (json)
		write_all(&list, out);
	else
		add_table(&list, out);
	loader_list_release(&list);
}

int plugin_list_one(struct loader *l, struct ez_view name, bool json, struct buf *out,
		    struct ez_error *err)
{
	struct jsonw w = JSONW_INIT(out);
	const struct plugin *p = loader_find(l, name, err);

	if (!p)
		return err->rc;
	if (json) {
		write_plugin(&w, p);
		buf_add_char(out, '\n');
	} else {
		add_plugin(p, out);
	}
	return EZ_OK;
}
