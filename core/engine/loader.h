/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_LOADER_H
#define ENGINE_LOADER_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct loader;

/*
 * Finds and loads plugins.
 *
 * A plugin called NAME is the file NAME.so in the first folder of the search path that has
 * one. It is opened once, through libltdl and by absolute path, checked against the rules
 * of the public header, and stays mapped until the process ends: libraries behind plugins
 * leave threads and destructors behind. A plugin that fails a check is refused with one
 * line that says which file and why; a folder full of garbage does no more harm than that.
 *
 * Callback tables are copied into the engine's own, so a callback that is newer than the
 * plugin is NULL and one that is newer than the engine is not seen.
 *
 * A loader belongs to the main thread. What it returned may be read by any thread until
 * loader_free(), which is for the end of the program.
 */
struct plugin {
	const char *name; /* of the file, and what the plugin calls itself */
	const char *path;
	const char *version, *summary;
	enum ez_kind kind;
	uint64_t caps;
	unsigned abi_major, abi_minor;
	const struct ez_option *const *options; /* ends with NULL; never NULL */
	const struct ez_plugin *desc;
	union {
		struct ez_source source;
		struct ez_transform transform;
		struct ez_sink sink;
		struct ez_agent agent;
		struct ez_store store;
	} ops;
};

static inline bool plugin_can(const struct plugin *p, uint64_t cap)
{
	return (p->caps & cap) == cap;
}

/* `host` is handed to plugins and must outlive the process's last use of one. */
_returns_nonnull_ struct loader *loader_new(const struct ez_host *host);
void loader_free(struct loader *l);

/* Appends a folder to the search path. It need not exist. */
void loader_add_dir(struct loader *l, const char *dir);

/* Appends the folders of EZCDC_PLUGIN_PATH (not with setuid), then the compiled-in one. */
void loader_add_default_dirs(struct loader *l);

/*
 * The plugin of that name and kind, loaded on first use. NULL: err says why, EZ_E_CONFIG or
 * what the plugin's own load() returned.
 */
_must_check_ const struct plugin *loader_get(struct loader *l, enum ez_kind kind,
					     struct ez_view name, struct ez_error *err);

/* The same of whatever kind, and without calling its load(): to look at, not to use. */
_must_check_ const struct plugin *loader_find(struct loader *l, struct ez_view name,
					      struct ez_error *err);

/* loader_get in the shape that struct job_load wants; `loader` is the struct loader. */
const struct plugin *loader_lookup(void *loader, enum ez_kind kind, struct ez_view name,
				   struct ez_error *err);

/* What the search path holds, sorted by name. */
struct loader_entry {
	char *name, *path;
	const struct plugin *plugin; /* NULL: broken */
	char *reason;                /* of a broken one */
};

struct loader_list {
	struct loader_entry *entries;
	size_t n;
};

/*
 * Opens everything that ends in .so without calling any load(). A name that an earlier
 * folder has too is left out, as loader_get would never find it.
 */
void loader_scan(struct loader *l, struct loader_list *ret_list);
void loader_list_release(struct loader_list *list);

/* "source", "sink". */
const char *plugin_kind_to_str(enum ez_kind kind);

#endif
