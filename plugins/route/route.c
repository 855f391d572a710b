/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"
#include "common/shape.h"
#include "route/names.h"
#include "route/template.h"

/*
 * The transform `route`: gives tables other names.
 *
 * All the work is done once per shape; events are not touched. Every table that passes is
 * noted, routed or not, because a table may also meet another that keeps its name. Two
 * sources under one target name are refused unless the job says merge = true: their rows
 * would overwrite each other wherever keys are equal, and a truncate of one would empty
 * both. One instance sees all tables of the stream (each thread has its own); the main one
 * sees every table of the job, so no collision is missed.
 *
 * The whole of "schema.table" must match. The expression is not wrapped into ^( )$ for
 * that, which would shift the groups and change the meaning of "a|b": POSIX asks for the
 * leftmost and longest match, so one that covers everything is found if there is any.
 */
enum {
	ROUTE_GROUPS = 10,
	ROUTE_NAME_MAX = 1024,
};

struct route {
	regex_t from;
	bool has_from;
	bool merge;
	struct template schema, table; /* .text.ptr NULL: keep */
	struct names names;
};

static const struct ez_host *host;

static int route_load(const struct ez_host *h)
{
	host = h;
	return EZ_OK;
}

/* ------------------------------------------------------------------ open */

static int read_from(struct route *r, const struct ez_config *config,
		     struct ez_error *err)
{
	char text[160];
	int rc = regcomp(&r->from, host->str(config, "from").ptr, REG_EXTENDED);

	if (rc == 0) {
		r->has_from = true;
		return EZ_OK;
	}
	regerror(rc, &r->from, text, sizeof(text));
	return host->fail(err, EZ_E_CONFIG, "", "from: %s", text);
}

static int read_template(struct route *r, const char *option, struct ez_view text,
			 struct template *ret, struct ez_error *err)
{
	const char *why = "a name is wanted";

	if (text.len == 0 || !template_init(ret, text, r->from.re_nsub, &why))
		return host->fail(err, EZ_E_CONFIG, "", "%s: \"%.*s\": %s", option,
				  VIEW_ARG(text), why);
	return EZ_OK;
}

/* `to` is "table" or "schema.table"; a further dot would belong to the table's name. */
static int read_to(struct route *r, const struct ez_config *config, struct ez_error *err)
{
	struct ez_view to = host->str(config, "to"), schema;
	int rc;

	if (host->is_set(config, "schema") || host->is_set(config, "table"))
		return host->fail(err, EZ_E_CONFIG, "",
				  "to: give either to, or schema and table");
	if (to.len == 0 || !memchr(to.ptr, '.', to.len))
		return read_template(r, "to", to, &r->table, err);
	if (!view_split(&to, '.', &schema))
		return EZ_E_FATAL;
	rc = read_template(r, "to", schema, &r->schema, err);
	return rc != EZ_OK ? rc : read_template(r, "to", to, &r->table, err);
}

static int read_options(struct route *r, const struct ez_config *config,
			struct ez_error *err)
{
	int rc = read_from(r, config, err);

	if (rc != EZ_OK)
		return rc;
	r->merge = host->num(config, "merge") != 0;
	if (host->is_set(config, "to"))
		return read_to(r, config, err);
	if (!host->is_set(config, "schema") && !host->is_set(config, "table"))
		return host->fail(err, EZ_E_CONFIG, "",
				  "to: give the new name: to, or schema or table");
	if (host->is_set(config, "schema"))
		rc = read_template(r, "schema", host->str(config, "schema"), &r->schema,
				   err);
	if (rc == EZ_OK && host->is_set(config, "table"))
		rc = read_template(r, "table", host->str(config, "table"), &r->table,
				   err);
	return rc;
}

static void route_close(void *inst)
{
	struct route *r = inst;

	if (r->has_from)
		regfree(&r->from);
	names_release(&r->names);
	free(r);
}

static int route_open(const struct ez_open *open, void **ret_inst, struct ez_error *err)
{
	struct route *r = xcalloc(1, sizeof(*r));
	int rc = read_options(r, open->config, err);

	if (rc != EZ_OK) {
		route_close(r);
		return rc;
	}
	*ret_inst = r;
	return EZ_OK;
}

/* ------------------------------------------------------------------ tables */

static bool matches(const struct route *r, const char *subject, regmatch_t *ret_groups)
{
	if (regexec(&r->from, subject, ROUTE_GROUPS, ret_groups, 0) != 0)
		return false;
	return ret_groups[0].rm_so == 0 && subject[ret_groups[0].rm_eo] == '\0';
}

/* The names a table gets; they are those it has unless the expression matches. */
static void make_target(const struct route *r, struct name source, struct buf *schema,
			struct buf *table)
{
	_cleanup_(buf_release) struct buf subject = BUF_INIT(2 * ROUTE_NAME_MAX);
	regmatch_t groups[ROUTE_GROUPS];
	bool is_routed;

	buf_addf(&subject, "%.*s.%.*s", VIEW_ARG(source.schema), VIEW_ARG(source.table));
	is_routed = matches(r, buf_cstr(&subject), groups);
	if (is_routed && r->schema.text.ptr)
		template_expand(&r->schema, buf_cstr(&subject), groups, schema);
	else
		buf_add_view(schema, source.schema);
	if (is_routed && r->table.text.ptr)
		template_expand(&r->table, buf_cstr(&subject), groups, table);
	else
		buf_add_view(table, source.table);
}

static int check_target(struct name source, struct name target, struct ez_error *err)
{
	if (target.schema.len > 0 && target.table.len > 0)
		return EZ_OK;
	return host->fail(err, EZ_E_CONFIG, "",
			  "to: the new name of %.*s.%.*s would be \"%.*s.%.*s\"",
			  VIEW_ARG(source.schema), VIEW_ARG(source.table),
			  VIEW_ARG(target.schema), VIEW_ARG(target.table));
}

static int check_collision(const struct route *r, uint64_t id, struct name source,
			   struct name target, struct ez_error *err)
{
	const struct names_entry *other = names_find_other(&r->names, id, source, target);

	if (!other || r->merge)
		return EZ_OK;
	host->fail(err, EZ_E_CONFIG, "",
		   "tables %.*s.%.*s and %.*s.%.*s would both be %.*s.%.*s",
		   VIEW_ARG(other->source.schema), VIEW_ARG(other->source.table),
		   VIEW_ARG(source.schema), VIEW_ARG(source.table),
		   VIEW_ARG(target.schema), VIEW_ARG(target.table));
	return host->hint(err, "give them different names, or set merge = true if their "
			       "columns are the same and their keys never meet");
}

static int put_shape(struct name target, const struct ez_table *in, struct ez_shape *out)
{
	struct shape s;

	if (view_eq(target.schema, in->schema) && view_eq(target.table, in->name))
		return EZ_SKIP;
	shape_init(&s, in, 0);
	s.table->schema = target.schema;
	s.table->name = target.table;
	shape_put(&s, host, out);
	shape_release(&s);
	return EZ_OK;
}

static int route_table(void *inst, const struct ez_table *in, struct ez_shape *out,
		       void **ret_state, struct ez_error *err)
{
	struct route *r = inst;
	_cleanup_(buf_release) struct buf schema = BUF_INIT(ROUTE_NAME_MAX);
	_cleanup_(buf_release) struct buf table = BUF_INIT(ROUTE_NAME_MAX);
	struct name source = { .schema = in->schema, .table = in->name }, target;
	int rc;

	make_target(r, source, &schema, &table);
	if (!buf_ok(&schema) || !buf_ok(&table))
		return host->fail(err, EZ_E_CONFIG, "",
				  "to: the new name of %.*s.%.*s is over %d bytes",
				  VIEW_ARG(in->schema), VIEW_ARG(in->name),
				  ROUTE_NAME_MAX);
	target = (struct name){ buf_view(&schema), buf_view(&table) };
	rc = check_target(source, target, err);
	if (rc == EZ_OK)
		rc = check_collision(r, in->id, source, target, err);
	if (rc != EZ_OK)
		return rc;
	names_put(&r->names, in->id, source, target);
	*ret_state = NULL;
	return put_shape(target, in, out);
}

/* The new name is in the shape: nothing is left to do. */
static int route_apply(void *inst, void *state, struct ez_event *ev, struct ez_out *out,
		       struct ez_error *err)
{
	(void)inst;
	(void)state;
	(void)ev;
	(void)out;
	(void)err;
	return EZ_OK;
}

/* ------------------------------------------------------------------ the plugin */

static const struct ez_option opt_from = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.flags = EZ_OPTF_REQUIRED,
	.name = "from",
	.label = "From",
	.help = "POSIX extended regular expression that the whole of \"schema.table\" must "
		"match.",
};
static const struct ez_option opt_to = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.name = "to",
	.label = "To",
	.help = "The new name, \"schema.table\" or \"table\"; $1 to $9 stand for the groups of "
		"from, $$ for a dollar.",
};
static const struct ez_option opt_schema = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.name = "schema",
	.label = "New schema",
	.help = "Instead of to: the new schema alone.",
};
static const struct ez_option opt_table = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.name = "table",
	.label = "New table",
	.help = "Instead of to: the new table name alone.",
};
static const struct ez_option opt_merge = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_BOOL,
	.name = "merge",
	.label = "Merge tables",
	.fallback = "false",
	.help = "Allow several tables under one name. Their columns must be the same and "
		"their keys must never meet.",
};
static const struct ez_option *const options[] = {
	&opt_from, &opt_to, &opt_schema, &opt_table, &opt_merge, NULL,
};

static const struct ez_transform ops = {
	.size = sizeof(ops),
	.open = route_open,
	.close = route_close,
	.table = route_table,
	.apply = route_apply,
};

const struct ez_plugin ez_plugin = {
	EZ_PLUGIN_HEAD,
	.kind = EZ_TRANSFORM,
	.name = "route",
	.version = PACKAGE_VERSION,
	.summary = "Renames schemas and tables by a regular expression.",
	.options = options,
	.load = route_load,
	.ops = { .transform = &ops },
};
