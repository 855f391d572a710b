/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/loader.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ltdl.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/view.h"
#include "engine/elf_check.h"
#include "engine/plugin_check.h"
#include "engine/problems.h"

/*
 * Two things libltdl does not do for us. It binds lazily, so a plugin with an undefined
 * symbol would load and end the process at its first call; and it says "file not found" for
 * whatever went wrong. Hence dlopen(RTLD_NOW) goes first: it binds everything or says why
 * not. RTLD_NODELETE keeps the object mapped when libltdl closes its handles at the end.
 */

#define PATH_VARIABLE "EZCDC_PLUGIN_PATH"

enum {
	NAME_MAX_BYTES = 64,
	REASON_MAX_BYTES = 4096,
};

/* One file that was opened, good or not; kept so that nothing is opened twice. */
struct module {
	struct plugin plugin;
	char *name, *path;
	char *reason; /* why it is no plugin; NULL: it is one */
	bool is_loaded;
	int load_rc;
};

struct loader {
	const struct ez_host *host;
	char **dirs;
	size_t n_dirs;
	struct map modules; /* by path: struct module */
	bool has_ltdl;
};

const char *plugin_kind_to_str(enum ez_kind kind)
{
	static const char *const names[] = {
		[EZ_SOURCE] = "source", [EZ_TRANSFORM] = "transform", [EZ_SINK] = "sink",
		[EZ_AGENT] = "agent",   [EZ_STORE] = "store",
	};

	return kind < ARRAY_LEN(names) && names[kind] ? names[kind] : "plugin";
}

struct loader *loader_new(const struct ez_host *host)
{
	struct loader *l = xcalloc(1, sizeof(*l));

	l->host = host;
	l->has_ltdl = lt_dlinit() == 0;
	return l;
}

static void free_module(void *p)
{
	struct module *m = p;

	free(m->name);
	free(m->path);
	free(m->reason);
	free(m);
}

void loader_free(struct loader *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_dirs; i++)
		free(l->dirs[i]);
	free(l->dirs);
	map_release(&l->modules, free_module);
	if (l->has_ltdl)
		(void)lt_dlexit();
	free(l);
}

/* --------------------------------------------------------------------- search path */

void loader_add_dir(struct loader *l, const char *dir)
{
	char *absolute = realpath(dir, NULL);

	l->dirs = xreallocarray(l->dirs, l->n_dirs + 1, sizeof(*l->dirs));
	l->dirs[l->n_dirs++] = absolute ? absolute : xstrdup(dir);
}

void loader_add_default_dirs(struct loader *l)
{
	struct ez_view rest = view_str(secure_getenv(PATH_VARIABLE)), part;

	while (rest.ptr && view_split(&rest, ':', &part)) {
		char *dir = view_dup(part);

		if (part.len > 0)
			loader_add_dir(l, dir);
		free(dir);
	}
	loader_add_dir(l, EZ_PLUGINDIR);
}

static bool is_name(struct ez_view v)
{
	const char *const allowed = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	if (v.len == 0 || v.len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (v.ptr[i] == '\0' || !strchr(allowed, v.ptr[i]))
			return false;
	}
	return true;
}

/* The name of the plugin that a file of that name would be; empty: none. */
static struct ez_view name_of_file(const char *file)
{
	struct ez_view v = view_str(file), suffix = VIEW(".so");

	if (v.len <= suffix.len || !view_ends(v, suffix))
		return view_of(NULL, 0);
	return view_of(v.ptr, v.len - suffix.len);
}

static char *find_file(const struct loader *l, struct ez_view name)
{
	for (size_t i = 0; i < l->n_dirs; i++) {
		char *path = xasprintf("%s/%.*s.so", l->dirs[i], VIEW_ARG(name));
		struct stat st;

		/* A link to nowhere is found too, and then named as what is wrong. */
		if (lstat(path, &st) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static void offer_names(struct nearest *near, const char *dir, struct buf *kept)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		struct ez_view name = name_of_file(entry->d_name);
		const char *best = near->best;
		char *text;

		if (!is_name(name))
			continue;
		text = view_dup(name);
		nearest_offer(near, text);
		if (near->best != best) {
			buf_reset(kept);
			buf_add_view(kept, name);
			near->best = buf_cstr(kept);
		}
		free(text);
	}
	if (d)
		(void)closedir(d);
}

static void fail_not_found(const struct loader *l, enum ez_kind kind, struct ez_view name,
			   struct ez_error *err)
{
	struct nearest near = nearest_init(name.ptr, name.len);
	const char *what = kind ? plugin_kind_to_str(kind) : "";
	struct buf dirs = BUF_INIT(REASON_MAX_BYTES), kept = BUF_INIT(NAME_MAX_BYTES);

	for (size_t i = 0; i < l->n_dirs; i++) {
		buf_addf(&dirs, "%s%s", i > 0 ? ", " : "", l->dirs[i]);
		offer_names(&near, l->dirs[i], &kept);
	}
	error_fill(err, EZ_E_CONFIG, "",
		   "there is no %s%splugin \"%.*s\"%s%s%s (searched: %s)", what,
		   *what ? " " : "", VIEW_ARG(name), near.best ? "; did you mean \"" : "",
		   near.best ? near.best : "", near.best ? "\"?" : "", buf_cstr(&dirs));
	buf_release(&dirs);
	buf_release(&kept);
}

/* ------------------------------------------------------------------------- opening */

/* dlerror() puts the path first, which our message has already. */
static char *explain_dlerror(const char *path)
{
	const char *text = dlerror();
	size_t len = strlen(path);

	if (!text)
		return xstrdup("cannot be loaded");
	if (strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0)
		text += len + 2;
	return xstrdup(text);
}

/* The symbol in `path`, or NULL with *ret_reason set. */
static const void *open_symbol(const struct loader *l, const char *path,
			       char **ret_reason)
{
	const char *why_not = elf_check(path);
	lt_dlhandle handle;
	void *native;
	const void *symbol;

	if (why_not) {
		*ret_reason = xstrdup(why_not);
		return NULL;
	}
	native = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!native) {
		*ret_reason = explain_dlerror(path);
		return NULL;
	}
	handle = l->has_ltdl ? lt_dlopen(path) : NULL;
	symbol = handle ? lt_dlsym(handle, "ez_plugin") : NULL;
	if (!handle)
		*ret_reason = xasprintf("cannot be loaded: %s", lt_dlerror());
	else if (!symbol)
		*ret_reason = xstrdup("has no symbol \"ez_plugin\", so it is no plugin");
	(void)dlclose(native);
	return symbol;
}

/* How many bytes the object has that begins at `p`; 0: it is no object. */
static size_t object_bytes(const void *p)
{
	void *extra = NULL;
	const ElfW(Sym) * symbol;
	Dl_info info;

	if (!dladdr1(p, &info, &extra, RTLD_DL_SYMENT) || !extra)
		return 0;
	symbol = extra;
	return ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT ? symbol->st_size : 0;
}

static struct module *open_module(struct loader *l, struct ez_view name, const char *path)
{
	struct module *m = map_get(&l->modules, view_str(path));
	const void *symbol;

	if (m)
		return m;
	m = xcalloc(1, sizeof(*m));
	m->name = view_dup(name);
	m->path = xstrdup(path);
	m->plugin.name = m->name;
	m->plugin.path = m->path;
	(void)map_put(&l->modules, view_str(path), m);
	if (!is_name(name)) {
		m->reason = xstrdup(
			"the name of a plugin has only a-z, 0-9, \"_\" and \"-\"");
		return m;
	}
	symbol = open_symbol(l, path, &m->reason);
	if (symbol)
		m->reason = plugin_check(symbol, object_bytes(symbol), &m->plugin);
	return m;
}

/* Calls load() the first time. */
static int activate(const struct loader *l, struct module *m, struct ez_error *err)
{
	const struct ez_plugin *desc = m->plugin.desc;

	if (!m->is_loaded) {
		m->is_loaded = true;
		m->load_rc = desc->load ? desc->load(l->host) : EZ_OK;
	}
	if (m->load_rc >= 0)
		return EZ_OK;
	return error_fill(err, m->load_rc, "",
			  "plugin \"%s\" (%s): its load() failed with %d", m->name,
			  m->path, m->load_rc);
}

/* The sound plugin of that name; `kind` 0: any, it is for the message only. */
static struct module *find_module(struct loader *l, enum ez_kind kind,
				  struct ez_view name, struct ez_error *err)
{
	struct module *m;
	char *path;

	if (!is_name(name)) {
		error_fill(err, EZ_E_CONFIG, "",
			   "the name of a plugin has only a-z, 0-9, \"_\" and \"-\"");
		return NULL;
	}
	path = find_file(l, name);
	if (!path) {
		fail_not_found(l, kind, name, err);
		return NULL;
	}
	m = open_module(l, name, path);
	free(path);
	if (!m->reason)
		return m;
	error_fill(err, EZ_E_CONFIG, "", "plugin \"%s\" (%s): %s", m->name, m->path,
		   m->reason);
	return NULL;
}

const struct plugin *loader_find(struct loader *l, struct ez_view name,
				 struct ez_error *err)
{
	const struct module *m = find_module(l, (enum ez_kind)0, name, err);

	return m ? &m->plugin : NULL;
}

const struct plugin *loader_get(struct loader *l, enum ez_kind kind, struct ez_view name,
				struct ez_error *err)
{
	struct module *m = find_module(l, kind, name, err);

	if (!m)
		return NULL;
	if (m->plugin.kind != kind) {
		error_fill(err, EZ_E_CONFIG, "", "plugin \"%s\" (%s) is a %s, not a %s",
			   m->name, m->path, plugin_kind_to_str(m->plugin.kind),
			   plugin_kind_to_str(kind));
		return NULL;
	}
	return activate(l, m, err) == EZ_OK ? &m->plugin : NULL;
}

const struct plugin *loader_lookup(void *loader, enum ez_kind kind, struct ez_view name,
				   struct ez_error *err)
{
	return loader_get(loader, kind, name, err);
}

/* ------------------------------------------------------------------------ scanning */

static bool is_listed(const struct loader_list *list, struct ez_view name)
{
	for (size_t i = 0; i < list->n; i++) {
		if (view_eq_str(name, list->entries[i].name))
			return true;
	}
	return false;
}

static void scan_dir(const char *dir, struct loader_list *list)
{
	size_t n_before = list->n;
	const struct dirent *entry;
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d))) {
		struct ez_view name = name_of_file(entry->d_name);
		const struct loader_list before = { .entries = list->entries,
						    .n = n_before };

		if (name.len == 0 || is_listed(&before, name))
			continue;
		list->entries =
			xreallocarray(list->entries, list->n + 1, sizeof(*list->entries));
		list->entries[list->n++] = (struct loader_entry){
			.name = view_dup(name),
			.path = xasprintf("%s/%s", dir, entry->d_name),
		};
	}
	if (d)
		(void)closedir(d);
}

static int compare_entries(const void *a, const void *b)
{
	const struct loader_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void loader_scan(struct loader *l, struct loader_list *ret_list)
{
	struct loader_list list = { .n = 0 };

	for (size_t i = 0; i < l->n_dirs; i++)
		scan_dir(l->dirs[i], &list);
	if (list.n > 0)
		qsort(list.entries, list.n, sizeof(*list.entries), compare_entries);
	for (size_t i = 0; i < list.n; i++) {
		struct loader_entry *e = &list.entries[i];
		const struct module *m = open_module(l, view_str(e->name), e->path);

		if (m->reason)
			e->reason = xstrdup(m->reason);
		else
			e->plugin = &m->plugin;
	}
	*ret_list = list;
}

void loader_list_release(struct loader_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->entries[i].name);
		free(list->entries[i].path);
		free(list->entries[i].reason);
	}
	free(list->entries);
	*list = (struct loader_list){ .n = 0 };
}
