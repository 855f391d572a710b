/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/cfg.h"

#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/parse.h"
#include "base/view.h"
#include "engine/config_scan.h"
#include "engine/problems.h"

const char *cfg_kind_to_str(enum cfg_kind kind)
{
	static const char *const names[_CFG_KIND_MAX] = {
		[CFG_BOOL] = "true or false",
		[CFG_INT] = "a number",
		[CFG_FLOAT] = "a number with a fraction",
		[CFG_STRING] = "a string",
		[CFG_ARRAY] = "an array [ ]",
		[CFG_LIST] = "a list ( )",
		[CFG_GROUP] = "a group { }",
	};

	return names[kind];
}

const struct cfg_node *cfg_find(const struct cfg_node *group, const char *name)
{
	for (size_t i = 0; i < group->n_items; i++) {
		if (group->items[i].name && strcmp(group->items[i].name, name) == 0)
			return &group->items[i];
	}
	return NULL;
}

void cfg_format_string(struct ez_view v, struct buf *out)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < v.len; i++) {
		char c = v.ptr[i];

		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c == '\n')
			buf_add_str(out, "\\n");
		else if ((unsigned char)c < 0x20 || c == 0x7f)
			buf_addf(out, "\\x%02x", (unsigned)c);
		else
			buf_add_char(out, c);
	}
	buf_add_char(out, '"');
}

static void free_items(struct cfg_node *n)
{
	for (size_t i = 0; i < n->n_items; i++)
		free_items(&n->items[i]);
	free(n->items);
	free(n->own_name);
}

void cfg_free(struct cfg_tree *t)
{
	if (!t)
		return;
	free_items(&t->root);
	scan_release(&t->scan);
	free(t);
}

void cfg_freep(struct cfg_tree **t)
{
	cfg_free(*t);
	*t = NULL;
}

/* The scan put the number of the string in its place. */
static struct ez_view find_string(const struct scan *scan, const char *number)
{
	uint64_t i;

	if (!number || !parse_u64(view_str(number), &i) || i >= scan->n_strings)
		return view_of("", 0);
	return view_of(scan->strings[i].ptr, scan->strings[i].len);
}

static enum cfg_kind kind_of(const config_setting_t *s)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_BOOL:
		return CFG_BOOL;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return CFG_INT;
	case CONFIG_TYPE_FLOAT:
		return CFG_FLOAT;
	case CONFIG_TYPE_STRING:
		return CFG_STRING;
	case CONFIG_TYPE_ARRAY:
		return CFG_ARRAY;
	case CONFIG_TYPE_LIST:
		return CFG_LIST;
	default:
		return CFG_GROUP;
	}
}

/* Recursion is bounded: the scan allows CFG_NESTING_MAX levels. */
static void copy_node(struct cfg_node *n, const config_setting_t *s,
		      const struct scan *scan)
{
	const char *name = config_setting_name(s);

	n->kind = kind_of(s);
	n->own_name = name ? xstrdup(name) : NULL;
	n->name = n->own_name;
	scan_where(scan, config_setting_source_line(s), &n->file, &n->line);
	switch (n->kind) {
	case CFG_BOOL:
		n->num = config_setting_get_bool(s) != 0;
		break;
	case CFG_INT:
		n->num = config_setting_get_int64(s);
		break;
	case CFG_FLOAT:
		n->real = config_setting_get_float(s);
		break;
	case CFG_STRING:
		n->str = find_string(scan, config_setting_get_string(s));
		break;
	default:
		n->n_items = (size_t)config_setting_length(s);
		n->items = xcalloc(n->n_items, sizeof(*n->items));
		for (size_t i = 0; i < n->n_items; i++)
			copy_node(&n->items[i], config_setting_get_elem(s, (unsigned)i),
				  scan);
	}
}

/* The grammar was checked, so what is left is a name that occurs twice in a group. */
static void explain(const config_t *c, const struct scan *scan, struct problems *p)
{
	const char *file;
	unsigned line;

	scan_where(scan, (unsigned)config_error_line(c), &file, &line);
	problem_add(p, file, line, "%s",
		    config_error_text(c) ? config_error_text(c) : "cannot be parsed");
}

/* Takes over what `scan` holds. */
static struct cfg_tree *parse(struct scan *scan, struct problems *p)
{
	struct cfg_tree *t = NULL;
	config_t c;

	config_init(&c);
	if (config_read_string(&c, buf_cstr(&scan->text))) {
		t = xcalloc(1, sizeof(*t));
		buf_release(&scan->text);
		t->scan = *scan;
		copy_node(&t->root, config_root_setting(&c), &t->scan);
		t->root.line = 1;
	} else {
		explain(&c, scan, p);
		scan_release(scan);
	}
	config_destroy(&c);
	return t;
}

struct cfg_tree *cfg_read_path(const char *path, struct problems *p)
{
	struct scan scan;

	return scan_path(path, &scan, p) ? parse(&scan, p) : NULL;
}

struct cfg_tree *cfg_read_fd(int fd, const char *name, struct problems *p)
{
	struct scan scan;

	return scan_fd(fd, name, &scan, p) ? parse(&scan, p) : NULL;
}

struct cfg_tree *cfg_read_text(const char *name, struct ez_view text, struct problems *p)
{
	struct scan scan;

	return scan_text(name, text, &scan, p) ? parse(&scan, p) : NULL;
}
