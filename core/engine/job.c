/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/job.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "base/view.h"
#include "engine/cfg.h"
#include "engine/job_options.h"
#include "engine/loader.h"
#include "engine/problems.h"

enum {
	TRANSFORMS_MAX = 64,
	TITLE_MAX_BYTES = 64,
};

/* What loading one job is about. */
struct loading {
	const struct job_load *how;
	const struct cfg_node *root;
	struct job *job;
	struct problems *p;
};

static const char *const plugin_key[] = { "plugin", NULL };
static const char *const store_key[] = { "store", "epoch", NULL };

bool job_name_is_valid(struct ez_view name)
{
	if (name.len == 0 || name.len > 40 || name.ptr[0] < 'a' || name.ptr[0] > 'z')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_')
			return false;
	}
	return true;
}

void job_id_copy(const struct job *job, char *to)
{
	bool fits = job->id ? str_copy(to, JOB_ID_MAX, view_str(job->id)) :
			      str_format(to, JOB_ID_MAX, "ezcdc_%s", job->name);

	ENSURE(fits, "the job's id is too long");
}

/* ------------------------------------------------------------------ plugin sections */

/* The name of the plugin, or NULL after adding a problem. */
static const struct cfg_node *find_plugin_name(const struct loading *l,
					       const struct cfg_node *section,
					       const char *title)
{
	const struct cfg_node *n = cfg_find(section, "plugin");

	if (!n)
		problem_add(l->p, section->file, section->line,
			    "%s: option \"plugin\" is missing", title);
	else if (n->kind != CFG_STRING)
		problem_add(l->p, n->file, n->line, "%s: plugin: must be a string",
			    title);
	else
		return n;
	return NULL;
}

/* The plugin that `name` names; NULL after adding a problem. */
static const struct plugin *look_up(const struct loading *l, enum ez_kind kind,
				    const struct cfg_node *name, const char *title)
{
	struct ez_error err = { .size = sizeof(err) };
	const struct plugin *plugin = l->how->lookup(l->how->arg, kind, name->str, &err);

	if (!plugin)
		problem_add(l->p, name->file, name->line, "%s: %s", title, err.text);
	return plugin;
}

static void load_plugin(const struct loading *l, enum ez_kind kind,
			const struct cfg_node *section, const char *title,
			struct job_plugin *ret)
{
	struct options_section s = {
		.title = title,
		.node = section,
		.other = plugin_key,
		.file = l->job->file,
	};
	const struct cfg_node *name;

	if (section->kind != CFG_GROUP) {
		problem_add(l->p, section->file, section->line,
			    "%s: must be a group, { ... }", title);
		return;
	}
	name = find_plugin_name(l, section, title);
	ret->plugin = name ? look_up(l, kind, name, title) : NULL;
	if (!ret->plugin)
		return;
	ret->name = view_dup(name->str);
	s.table = ret->plugin->options;
	s.more = job_plugin_options(kind, ret->plugin->caps);
	ret->config = options_validate(&s, &l->how->rules, l->p);
}

static void load_end(const struct loading *l, enum ez_kind kind, const char *name,
		     struct job_plugin *ret)
{
	const struct cfg_node *section = cfg_find(l->root, name);

	if (section)
		load_plugin(l, kind, section, name, ret);
	else if (!(l->how->flags & (kind == EZ_SOURCE ? JOB_LOAD_NO_SOURCE : JOB_LOAD_NO_SINK)))
		problem_add(l->p, l->job->file, 0, "section \"%s\" is missing", name);
}

static void load_transforms(const struct loading *l)
{
	const struct cfg_node *list = cfg_find(l->root, "transforms");
	struct job *job = l->job;

	if (!list)
		return;
	if (list->kind != CFG_LIST && (list->kind != CFG_ARRAY || list->n_items > 0)) {
		problem_add(l->p, list->file, list->line,
			    "transforms: must be a list of groups, ( { ... }, { ... } )");
		return;
	}
	if (list->n_items > TRANSFORMS_MAX) {
		problem_add(l->p, list->file, list->line, "transforms: at most %d",
			    TRANSFORMS_MAX);
		return;
	}
	job->transforms = xcalloc(list->n_items, sizeof(*job->transforms));
	job->n_transforms = list->n_items;
	for (size_t i = 0; i < list->n_items; i++) {
		char *title = xasprintf("transform %zu", i + 1);

		load_plugin(l, EZ_TRANSFORM, &list->items[i], title, &job->transforms[i]);
		free(title);
	}
}

/* The section "state": the built-in options, and those of the store. */
static void load_store(const struct loading *l)
{
	const struct cfg_node *section = cfg_find(l->root, "state");
	const struct cfg_node *name =
		section && section->kind == CFG_GROUP ? cfg_find(section, "store") : NULL;
	struct job_plugin *store = &l->job->store;
	struct options_section s = {
		.title = "state",
		.node = section,
		.other = store_key,
		.file = l->job->file,
	};

	if (name && name->kind == CFG_STRING && !view_eq_str(name->str, JOB_STORE_FILE)) {
		store->plugin = look_up(l, EZ_STORE, name, "state");
		if (!store->plugin)
			return;
		store->name = view_dup(name->str);
		s.table = store->plugin->options;
	} else {
		store->name = xstrdup(JOB_STORE_FILE);
	}
	store->config = options_validate(&s, &l->how->rules, l->p);
}

/* ---------------------------------------------------------------- built-in sections */

/* "state" is shared with the store, so what is not ours there is not refused here. */
static void load_state(const struct loading *l, const struct cfg_node *section)
{
	const size_t n = section && section->kind == CFG_GROUP ? section->n_items : 0;
	const char **other = xcalloc(n + 1, sizeof(*other));
	struct options_section s = {
		.title = "state",
		.node = n > 0 ? section : NULL,
		.table = job_section_options(JOB_STATE),
		.other = other,
		.file = l->job->file,
	};

	for (size_t i = 0; i < n; i++)
		other[i] = section->items[i].name;
	l->job->sections[JOB_STATE] = options_validate(&s, &l->how->rules, l->p);
	free(other);
}

static void load_section(const struct loading *l, enum job_section which)
{
	struct options_section s = {
		.title = job_section_title(which),
		.table = job_section_options(which),
		.file = l->job->file,
	};

	s.node = which == JOB_TOP ? l->root : cfg_find(l->root, s.title);
	if (which == JOB_TOP)
		s.other = job_section_names;
	if (which == JOB_STATE)
		load_state(l, s.node);
	else
		l->job->sections[which] = options_validate(&s, &l->how->rules, l->p);
}

static uint64_t count_of(const struct ez_config *c, const char *name)
{
	return (uint64_t)config_num(c, name);
}

static const char *text_of(const struct ez_config *c, const char *name)
{
	struct ez_view v = config_str(c, name);

	return v.len > 0 ? v.ptr : NULL;
}

static int log_level_of(const struct ez_config *c)
{
	int level;

	return log_level_parse(config_str(c, "level"), &level) ? level : -1;
}

/* Fills the plain members from the sections, which are all valid. */
static void fill_members(struct job *job)
{
	struct ez_config *const *s = job->sections;

	job->name = view_dup(config_str(s[JOB_TOP], "name"));
	job->memory_bytes = count_of(s[JOB_TOP], "memory");
	job->shutdown_timeout_us = config_num(s[JOB_TOP], "shutdown_timeout");
	job->batch.max_bytes = count_of(s[JOB_BATCH], "max_bytes");
	job->batch.max_rows = count_of(s[JOB_BATCH], "max_rows");
	job->batch.max_age_us = config_num(s[JOB_BATCH], "max_age");
	job->batch.max_inflight = (uint32_t)config_num(s[JOB_BATCH], "max_inflight");
	job->epoch = count_of(s[JOB_STATE], "epoch");
	job->errors.policy = (enum job_policy)config_choice(s[JOB_ERRORS], "policy");
	job->errors.path = text_of(s[JOB_ERRORS], "path");
	job->errors.limit = count_of(s[JOB_ERRORS], "limit");
	job->retry.give_up_after_us = config_num(s[JOB_RETRY], "give_up_after");
	job->retry.min_us = config_num(s[JOB_RETRY], "min");
	job->retry.max_us = config_num(s[JOB_RETRY], "max");
	job->log.level = log_level_of(s[JOB_LOG]);
	job->log.format = config_choice(s[JOB_LOG], "format");
	job->metrics_listen = text_of(s[JOB_METRICS], "listen");
}

/* By its text: the plugin may describe the option itself, in another order. */
static enum job_snapshot snapshot_of(struct ez_view v)
{
	if (view_eq(v, VIEW("never")))
		return JOB_SNAPSHOT_NEVER;
	return view_eq(v, VIEW("only")) ? JOB_SNAPSHOT_ONLY : JOB_SNAPSHOT_INITIAL;
}

/* A source without snapshots cannot be asked for one, so the members say so. */
static void fill_from_plugins(struct job *job)
{
	const struct ez_config *source = job->source.config, *sink = job->sink.config;

	job->snapshot = JOB_SNAPSHOT_NEVER;
	job->snapshot_workers = 1;
	if (source && plugin_can(job->source.plugin, EZ_CAP_SNAPSHOT)) {
		job->snapshot = snapshot_of(config_str(source, "snapshot"));
		job->snapshot_workers = (uint32_t)config_num(source, "snapshot_workers");
	}
	if (sink && plugin_can(job->sink.plugin, EZ_CAP_SNAPSHOT))
		job->append = view_eq(config_str(sink, "target"), VIEW("append"));
}

static void check_members(const struct loading *l)
{
	const struct cfg_node *name = cfg_find(l->root, "name");
	const struct cfg_node *retry = cfg_find(l->root, "retry");
	const struct ez_config *const *s =
		(const struct ez_config *const *)l->job->sections;

	if (name && name->kind == CFG_STRING && !job_name_is_valid(name->str))
		problem_add(
			l->p, name->file, name->line,
			"name: must be a lower-case letter followed by at most 39 letters, "
			"digits or underscores");
	if (retry && config_num(s[JOB_RETRY], "min") > config_num(s[JOB_RETRY], "max"))
		problem_add(l->p, retry->file, retry->line,
			    "retry: min is more than max");
}

/* -------------------------------------------------------------------------- loading */

static int load(const struct job_load *how, const char *file, struct cfg_tree *tree,
		struct problems *p, struct job **ret_job)
{
	_cleanup_(job_freep) struct job *job = xcalloc(1, sizeof(*job));
	struct loading l = { .how = how, .root = &tree->root, .job = job, .p = p };
	size_t before = p->n;

	job->file = xstrdup(file);
	for (int i = 0; i < _JOB_SECTION_MAX; i++)
		load_section(&l, (enum job_section)i);
	check_members(&l);
	load_end(&l, EZ_SOURCE, "source", &job->source);
	load_transforms(&l);
	load_end(&l, EZ_SINK, "sink", &job->sink);
	load_store(&l);
	if (p->n > before) {
		problems_sort(p);
		return EZ_E_CONFIG;
	}
	fill_members(job);
	fill_from_plugins(job);
	*ret_job = TAKE_PTR(job);
	return 0;
}

static int load_tree(const struct job_load *how, const char *file, struct cfg_tree *tree,
		     struct problems *p, struct job **ret_job, struct ez_error *err)
{
	int r = tree ? load(how, file, tree, p, ret_job) : EZ_E_CONFIG;

	cfg_free(tree);
	return r == 0 ? 0 : problems_fail(p, err);
}

int job_load_file(const struct job_load *how, const char *path, struct problems *p,
		  struct job **ret_job, struct ez_error *err)
{
	return load_tree(how, path, cfg_read_path(path, p), p, ret_job, err);
}

int job_load_fd(const struct job_load *how, int fd, struct problems *p,
		struct job **ret_job, struct ez_error *err)
{
	char *name = xasprintf("descriptor %d", fd);
	int r = load_tree(how, name, cfg_read_fd(fd, name, p), p, ret_job, err);

	free(name);
	return r;
}

int job_load_text(const struct job_load *how, const char *name, struct ez_view text,
		  struct problems *p, struct job **ret_job, struct ez_error *err)
{
	return load_tree(how, name, cfg_read_text(name, text, p), p, ret_job, err);
}

static void release_plugin(struct job_plugin *p)
{
	config_free(p->config);
	free(p->name);
}

void job_free(struct job *job)
{
	if (!job)
		return;
	release_plugin(&job->source);
	release_plugin(&job->sink);
	release_plugin(&job->store);
	for (size_t i = 0; i < job->n_transforms; i++)
		release_plugin(&job->transforms[i]);
	free(job->transforms);
	for (size_t i = 0; i < _JOB_SECTION_MAX; i++)
		config_free(job->sections[i]);
	free(job->name);
	free(job->file);
	free(job->id);
	free(job);
}

void job_freep(struct job **job)
{
	job_free(*job);
	*job = NULL;
}

/* -------------------------------------------------------------------------- writing */

static void format_plugin(const struct job_plugin *p, struct buf *out)
{
	buf_addf(out, "{\n    plugin = \"%s\";\n", p->name);
	config_format(p->config, out, "    ");
	buf_add_str(out, "}");
}

static void format_section(const struct job *job, enum job_section which, struct buf *out)
{
	buf_addf(out, "%s = {\n", job_section_title(which));
	config_format(job->sections[which], out, "    ");
	if (which == JOB_STATE)
		config_format(job->store.config, out, "    ");
	buf_add_str(out, "};\n");
}

void job_format(const struct job *job, struct buf *out)
{
	config_format(job->sections[JOB_TOP], out, "");
	buf_add_str(out, "source = ");
	format_plugin(&job->source, out);
	buf_add_str(out, ";\ntransforms = (");
	for (size_t i = 0; i < job->n_transforms; i++) {
		buf_add_str(out, i > 0 ? ", " : "");
		format_plugin(&job->transforms[i], out);
	}
	buf_add_str(out, ");\nsink = ");
	format_plugin(&job->sink, out);
	buf_add_str(out, ";\n");
	for (int i = JOB_TOP + 1; i < _JOB_SECTION_MAX; i++)
		format_section(job, (enum job_section)i, out);
}

/* --------------------------------------------------------------------------- reload */

static enum config_change worse(enum config_change a, enum config_change b)
{
	return a > b ? a : b;
}

static enum config_change compare_plugin(const struct job_plugin *now,
					 const struct job_plugin *next, const char *title,
					 struct buf *changed)
{
	if (strcmp(now->name, next->name) == 0)
		return config_compare(now->config, next->config, changed);
	buf_addf(changed, "%s%s.plugin", changed->len > 0 ? ", " : "", title);
	return CONFIG_RESTART;
}

static enum config_change compare_transforms(const struct job *now,
					     const struct job *next, struct buf *changed)
{
	enum config_change change = CONFIG_SAME;

	if (now->n_transforms != next->n_transforms) {
		buf_addf(changed, "%stransforms", changed->len > 0 ? ", " : "");
		return CONFIG_RESTART;
	}
	for (size_t i = 0; i < now->n_transforms; i++)
		change = worse(change,
			       compare_plugin(&now->transforms[i], &next->transforms[i],
					      "transforms", changed));
	return change;
}

enum config_change job_compare(const struct job *now, const struct job *next,
			       struct buf *changed)
{
	enum config_change change = CONFIG_SAME;

	for (size_t i = 0; i < _JOB_SECTION_MAX; i++)
		change = worse(change, config_compare(now->sections[i], next->sections[i],
						      changed));
	change = worse(change,
		       compare_plugin(&now->source, &next->source, "source", changed));
	change = worse(change, compare_transforms(now, next, changed));
	change = worse(change, compare_plugin(&now->sink, &next->sink, "sink", changed));
	return worse(change, compare_plugin(&now->store, &next->store, "state", changed));
}

void job_apply_live(struct job *now, struct job *next)
{
	for (size_t i = 0; i < _JOB_SECTION_MAX; i++)
		config_apply_live(now->sections[i], next->sections[i]);
	if (strcmp(now->source.name, next->source.name) == 0)
		config_apply_live(now->source.config, next->source.config);
	if (strcmp(now->sink.name, next->sink.name) == 0)
		config_apply_live(now->sink.config, next->sink.config);
	if (strcmp(now->store.name, next->store.name) == 0)
		config_apply_live(now->store.config, next->store.config);
	for (size_t i = 0; i < now->n_transforms && i < next->n_transforms; i++) {
		if (strcmp(now->transforms[i].name, next->transforms[i].name) == 0)
			config_apply_live(now->transforms[i].config,
					  next->transforms[i].config);
	}
	now->shutdown_timeout_us = config_num(now->sections[JOB_TOP], "shutdown_timeout");
	now->log.level = log_level_of(now->sections[JOB_LOG]);
}
