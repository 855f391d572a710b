/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/settings.h"

#include <unistd.h>

#include "engine/cfg.h"
#include "engine/loader.h"
#include "engine/problems.h"

#define DEFAULT_FILE "/etc/ezcdc/worker.conf"
#define OPTION(...) \
 (&(const struct ez_option){ .size = sizeof(struct ez_option), __VA_ARGS__ })

const struct ez_option *const settings_options[] = {
	OPTION(.type = EZ_OPT_STRING, .name = "jobs_dir", .label = "Job files",
	       .fallback = "/etc/ezcdc/jobs.d",
	       .help = "Folder of job files, *.conf. A new, changed or removed file starts, "
		       "restarts or stops its job. Empty: none."),
	OPTION(.type = EZ_OPT_STRING, .name = "state_root", .label = "State",
	       .fallback = "/var/lib/ezcdc",
	       .help = "Where each job has its state folder, and the worker its own files."),
	OPTION(.type = EZ_OPT_INT, .name = "max_jobs", .label = "Jobs", .fallback = "10",
	       .help = "Run at most so many daemons.", .min = 1, .max = 1000),
	OPTION(.type = EZ_OPT_DURATION, .name = "stop_timeout", .label = "Time to stop",
	       .fallback = "2m",
	       .help = "A daemon that takes longer to drain is killed; nothing is lost by it.",
	       .min = 1000000, .max = INT64_C(86400000000)),
	OPTION(.type = EZ_OPT_LIST, .name = "plugin_dirs", .label = "Plugins",
	       .help = "Folders to look for plugins in, before the compiled-in one."),
	OPTION(.type = EZ_OPT_LIST, .name = "allow_paths", .label = "Allowed paths",
	       .help = "Where jobs of the control plane may read and write. Default: "
		       "state_root."),
	OPTION(.type = EZ_OPT_STRING, .name = "secrets_dir", .label = "Secrets",
	       .fallback = "/etc/ezcdc/secrets",
	       .help = "Folder of the secrets that jobs of the control plane may name."),
	NULL,
};

const struct ez_option *const settings_limit_options[] = {
	OPTION(.type = EZ_OPT_SIZE, .name = "memory", .label = "Memory", .fallback = "0",
	       .help = "Most memory of one daemon; 0: no limit.", .max = INT64_MAX),
	OPTION(.type = EZ_OPT_INT, .name = "cpu_percent", .label = "CPU", .fallback = "0",
	       .help = "Most CPU of one daemon, 100 being one core; 0: no limit. Needs control "
		       "groups.",
	       .max = 100000),
	OPTION(.type = EZ_OPT_INT, .name = "open_files", .label = "Open files",
	       .fallback = "0", .help = "Most open files of one daemon; 0: as the worker.",
	       .max = 1 << 20),
	OPTION(.type = EZ_OPT_INT, .name = "nice", .label = "Niceness", .fallback = "0",
	       .help = "How nice daemons are to others.", .min = -20, .max = 19),
	NULL,
};

static const char *const sections[] = { "agent", "limits", NULL };
static const char *const plugin_key[] = { "plugin", NULL };
static const struct options_rules rules = { .fds = NULL };

static void add_plugin_dirs(const struct settings *s, struct loader *loader)
{
	for (size_t i = 0; i < config_count(s->top, "plugin_dirs"); i++)
		loader_add_dir(loader, config_item(s->top, "plugin_dirs", i).ptr);
	loader_add_default_dirs(loader);
}

static void load_agent(struct settings *s, const struct cfg_node *node, struct loader *loader,
		       struct problems *p)
{
	struct options_section section = { .title = "agent", .node = node, .other = plugin_key };
	const struct cfg_node *name;
	struct ez_error err = { .size = sizeof(err) };

	if (!node)
		return;
	name = node->kind == CFG_GROUP ? cfg_find(node, "plugin") : NULL;
	if (!name || name->kind != CFG_STRING) {
		problem_add(p, node->file, node->line, "agent: option \"plugin\" is missing");
		return;
	}
	s->agent = loader_get(loader, EZ_AGENT, name->str, &err);
	if (!s->agent) {
		problem_add(p, name->file, name->line, "agent: %s", err.text);
		return;
	}
	section.table = s->agent->options;
	s->agent_config = options_validate(&section, &rules, p);
}

static const char *text_of(const struct ez_config *c, const char *name)
{
	struct ez_view v = config_str(c, name);

	return v.len > 0 ? v.ptr : NULL;
}

static void fill(struct settings *s, const char *file, struct problems *p)
{
	s->jobs_dir = text_of(s->top, "jobs_dir");
	s->state_root = text_of(s->top, "state_root");
	s->secrets_dir = text_of(s->top, "secrets_dir");
	s->max_jobs = (uint32_t)config_num(s->top, "max_jobs");
	s->stop_timeout_us = config_num(s->top, "stop_timeout");
	s->limits = (struct limits){
		.memory_bytes = (uint64_t)config_num(s->limit, "memory"),
		.cpu_percent = (uint32_t)config_num(s->limit, "cpu_percent"),
		.open_files = (uint32_t)config_num(s->limit, "open_files"),
		.nice = (int32_t)config_num(s->limit, "nice"),
	};
	if (!s->state_root || s->state_root[0] != '/')
		problem_add(p, file, 0, "state_root: must be an absolute path");
	if (s->jobs_dir && s->jobs_dir[0] != '/')
		problem_add(p, file, 0, "jobs_dir: must be an absolute path");
	if (!s->secrets_dir || s->secrets_dir[0] != '/')
		problem_add(p, file, 0, "secrets_dir: must be an absolute path");
}

static void load(struct settings *s, const struct cfg_node *root, const char *file,
		 struct loader *loader, struct problems *p)
{
	struct options_section top = { .title = "", .node = root, .table = settings_options,
				       .other = sections, .file = file };
	struct options_section limits = { .title = "limits", .table = settings_limit_options,
					  .file = file };

	limits.node = root ? cfg_find(root, "limits") : NULL;
	s->top = options_validate(&top, &rules, p);
	s->limit = options_validate(&limits, &rules, p);
	if (!problems_is_empty(p))
		return;
	fill(s, file, p);
	add_plugin_dirs(s, loader);
	load_agent(s, root ? cfg_find(root, "agent") : NULL, loader, p);
}

int settings_load(const char *path, struct loader *loader, struct problems *p,
		  struct settings *ret, struct ez_error *err)
{
	const char *file = path ? path : DEFAULT_FILE;
	struct settings s = { .top = NULL };
	struct cfg_tree *tree = NULL;

	if (path || access(file, F_OK) == 0)
		tree = cfg_read_path(file, p);
	if (problems_is_empty(p))
		load(&s, tree ? &tree->root : NULL, file, loader, p);
	cfg_free(tree);
	if (!problems_is_empty(p)) {
		settings_release(&s);
		problems_sort(p);
		return problems_fail(p, err);
	}
	*ret = s;
	return EZ_OK;
}

void settings_release(struct settings *s)
{
	config_free(s->top);
	config_free(s->limit);
	config_free(s->agent_config);
	*s = (struct settings){ .top = NULL };
}
