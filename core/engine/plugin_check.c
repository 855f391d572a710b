/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/plugin_check.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "engine/job.h"
#include "engine/loader.h"
#include "engine/options.h"
#include "engine/problems.h"

/* High half of the capabilities that this engine understands: none yet. */
#define KNOWN_MUST_KNOW UINT64_C(0)

/* The sizes of ABI 1.0: what later minor versions add may be missing, this may not. */
#define DESC_HEAD_BYTES (offsetof(struct ez_plugin, caps))
#define DESC_BYTES      (offsetof(struct ez_plugin, ops) + sizeof(void *))

struct callback {
	const char *name;
	size_t offset;
};

#define CALLBACK(type, member)           \
 {                                       \
#  member, offsetof(struct type, member) \
 }

static const struct callback source_needs[] = {
	CALLBACK(ez_source, open),  CALLBACK(ez_source, close), CALLBACK(ez_source, info),
	CALLBACK(ez_source, start), CALLBACK(ez_source, poll),  { NULL, 0 },
};
static const struct callback transform_needs[] = {
	CALLBACK(ez_transform, open),
	CALLBACK(ez_transform, close),
	CALLBACK(ez_transform, table),
	CALLBACK(ez_transform, apply),
	{ NULL, 0 },
};
static const struct callback sink_needs[] = {
	CALLBACK(ez_sink, open),
	CALLBACK(ez_sink, close),
	CALLBACK(ez_sink, write),
	{ NULL, 0 },
};
static const struct callback agent_needs[] = {
	CALLBACK(ez_agent, open),
	CALLBACK(ez_agent, close),
	CALLBACK(ez_agent, poll),
	CALLBACK(ez_agent, report),
	{ NULL, 0 },
};
static const struct callback store_needs[] = {
	CALLBACK(ez_store, open),
	CALLBACK(ez_store, close),
	CALLBACK(ez_store, load),
	CALLBACK(ez_store, save),
	{ NULL, 0 },
};

static const struct {
	const struct callback *needs;
	size_t ops_bytes;
} kinds[] = {
	[EZ_SOURCE] = { source_needs, sizeof(struct ez_source) },
	[EZ_TRANSFORM] = { transform_needs, sizeof(struct ez_transform) },
	[EZ_SINK] = { sink_needs, sizeof(struct ez_sink) },
	[EZ_AGENT] = { agent_needs, sizeof(struct ez_agent) },
	[EZ_STORE] = { store_needs, sizeof(struct ez_store) },
};

static char *check_head(const struct ez_plugin *d, size_t n_bytes)
{
	if (n_bytes < DESC_HEAD_BYTES)
		return xstrdup("its symbol \"ez_plugin\" is no plugin descriptor");
	if (d->magic != EZ_MAGIC)
		return xstrdup(
			"its symbol \"ez_plugin\" is no plugin descriptor (wrong magic "
			"number)");
	if (d->abi_major != EZ_ABI_MAJOR)
		return xasprintf("built for plugin ABI %u.%u, this engine has %d.%d",
				 (unsigned)d->abi_major, (unsigned)d->abi_minor,
				 EZ_ABI_MAJOR, EZ_ABI_MINOR);
	if (d->size < DESC_BYTES || d->size > n_bytes)
		return xasprintf("its descriptor states a wrong size, %zu bytes",
				 d->size);
	return NULL;
}

static char *check_claims(const struct ez_plugin *d, const char *name)
{
	uint64_t unknown = d->caps & EZ_CAP_MUST_KNOW & ~KNOWN_MUST_KNOW;

	if (unknown)
		return xasprintf("needs capability 0x%" PRIx64
				 ", which this engine does not "
				 "have; a newer engine may",
				 unknown);
	if (d->kind >= ARRAY_LEN(kinds) || !kinds[d->kind].needs)
		return xasprintf("is of the unknown kind %u", d->kind);
	if (!d->name || !d->version || !d->summary)
		return xstrdup("states no name, version or summary");
	if (strcmp(d->name, name) != 0)
		return xasprintf("calls itself \"%.64s\"; the file must have that name",
				 d->name);
	if (!d->ops.source)
		return xstrdup("has no callbacks");
	return NULL;
}

/* Copies what the plugin knows of its table and we of ours; the rest stays NULL. */
static char *take_callbacks(const struct ez_plugin *d, struct plugin *plugin)
{
	size_t theirs, own = kinds[d->kind].ops_bytes, n;
	void (*fn)(void);

	memcpy(&theirs, d->ops.source, sizeof(theirs));
	n = MIN(theirs, own) & ~(sizeof(fn) - 1);
	memset(&plugin->ops, 0, sizeof(plugin->ops));
	memcpy(&plugin->ops, d->ops.source, n);
	memcpy(&plugin->ops, &own, sizeof(own));
	for (const struct callback *c = kinds[d->kind].needs; c->name; c++) {
		memcpy(&fn, (const char *)&plugin->ops + c->offset, sizeof(fn));
		if (!fn)
			return xasprintf("lacks the required callback %s()", c->name);
	}
	return NULL;
}

/* The engine reads its own options of such a section too: same name, same type. */
static void check_common(const struct plugin *plugin, struct problems *p)
{
	const struct ez_option *const *common =
		job_plugin_options(plugin->kind, plugin->caps);

	for (size_t i = 0; common[i]; i++) {
		for (size_t j = 0; plugin->options[j]; j++) {
			if (strcmp(common[i]->name, plugin->options[j]->name) == 0 &&
			    common[i]->type != plugin->options[j]->type)
				problem_add(p, NULL, 0,
					    "option \"%s\" must be of type %s",
					    common[i]->name,
					    option_type_to_str(common[i]->type));
		}
	}
}

static char *take_options(const struct ez_plugin *d, struct plugin *plugin)
{
	static const struct ez_option *const none[] = { NULL };
	struct problems p = PROBLEMS_INIT;
	char *reason = NULL;

	plugin->options = d->options ? d->options : none;
	options_check_table(plugin->options, &p);
	if (problems_is_empty(&p))
		check_common(plugin, &p);
	if (!problems_is_empty(&p))
		reason = xstrdup(p.lines[0]);
	problems_release(&p);
	return reason;
}

char *plugin_check(const struct ez_plugin *desc, size_t n_bytes, struct plugin *plugin)
{
	char *reason = check_head(desc, n_bytes);

	if (!reason)
		reason = check_claims(desc, plugin->name);
	if (reason)
		return reason;
	plugin->desc = desc;
	plugin->kind = (enum ez_kind)desc->kind;
	plugin->caps = desc->caps;
	plugin->version = desc->version;
	plugin->summary = desc->summary;
	plugin->abi_major = desc->abi_major;
	plugin->abi_minor = desc->abi_minor;
	reason = take_callbacks(desc, plugin);
	return reason ? reason : take_options(desc, plugin);
}
