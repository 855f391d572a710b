/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CFG_H
#define ENGINE_CFG_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "engine/config_scan.h"

struct buf;
struct problems;

/*
 * Reads files in libconfig's syntax into a tree of our own, so that nothing else knows
 * libconfig.
 *
 * Before libconfig sees a text, config_scan.h goes over it (R21) and refuses what libconfig
 * would take in silently: integers that do not fit, NUL bytes, nesting without end. It also
 * resolves `@include "path"` itself: at the beginning of a line, relative to the folder of
 * the file it stands in, regular files only, never a cycle.
 *
 * The file is not called config.h because that name belongs to configure's header.
 *
 * A tree is immutable and owned by whoever read it. Its strings may be secrets: cfg_free
 * wipes them. Views of a tree are NUL-terminated and hold no NUL. Any thread may read it.
 */
enum cfg_kind {
	CFG_BOOL,
	CFG_INT,
	CFG_FLOAT,
	CFG_STRING,
	CFG_ARRAY, /* [ ... ]: scalars of one type */
	CFG_LIST,  /* ( ... ): anything */
	CFG_GROUP, /* { ... }: named settings */
	_CFG_KIND_MAX,
};

struct cfg_node {
	enum cfg_kind kind;
	const char *name; /* NULL for items of arrays and lists, and for the root */
	const char *file; /* as named by the user, or relative to that; never NULL */
	unsigned line;
	int64_t num;            /* CFG_BOOL, CFG_INT */
	double real;            /* CFG_FLOAT */
	struct ez_view str;     /* CFG_STRING */
	struct cfg_node *items; /* CFG_ARRAY, CFG_LIST, CFG_GROUP */
	size_t n_items;
	char *own_name;
};

struct cfg_tree {
	struct cfg_node root; /* CFG_GROUP */
	struct scan scan;     /* owns file names and strings */
};

enum {
	CFG_FILE_MAX_BYTES = 1024 * 1024, /* of one file */
	CFG_TOTAL_MAX_BYTES = 4 * 1024 * 1024,
	CFG_FILES_MAX = 64,
	CFG_INCLUDE_DEPTH_MAX = 8,
	CFG_NESTING_MAX = 16,
	CFG_VALUES_MAX = 10000,
};

/*
 * Each reads a whole text and returns NULL after adding what is wrong to `p`. Without a
 * path there is no folder to include from, so the latter two refuse @include. `name` stands
 * for the file in messages.
 */
_must_check_ struct cfg_tree *cfg_read_path(const char *path, struct problems *p);
_must_check_ struct cfg_tree *cfg_read_fd(int fd, const char *name, struct problems *p);
_must_check_ struct cfg_tree *cfg_read_text(const char *name, struct ez_view text,
					    struct problems *p);
void cfg_free(struct cfg_tree *t);
void cfg_freep(struct cfg_tree **t);

/* The setting of that name in a group, or NULL. */
const struct cfg_node *cfg_find(const struct cfg_node *group, const char *name);

/* Appends the string as it would stand in a file, quotes and escapes included. */
void cfg_format_string(struct ez_view v, struct buf *out);

/* "a string", "a number": for messages. */
const char *cfg_kind_to_str(enum cfg_kind kind);

#endif
