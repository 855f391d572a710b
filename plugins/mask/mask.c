/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/utf8.h"
#include "base/view.h"
#include "common/pattern.h"
#include "common/shape.h"
#include "mask/digest.h"
#include "mask/fits.h"
#include "mask/partial.h"

/*
 * The transform `mask`: hides the values of columns.
 *
 * Which columns of a table are hidden is worked out once per shape, so an event costs only
 * the cells that change. NULL stays NULL and a value that was not sent stays so. New text
 * is written into the batch's memory, the constant too: a batch may outlive this instance.
 *
 * A key must stay a key: null, constant and partial would make different rows one, so they
 * are refused there. sha256 keeps different values different.
 */
enum mask_with {
	MASK_NULL,
	MASK_CONSTANT,
	MASK_SHA256,
	MASK_PARTIAL,
	_MASK_WITH_MAX,
};

static const char *const with_names[_MASK_WITH_MAX] = {
	[MASK_NULL] = "null",
	[MASK_CONSTANT] = "constant",
	[MASK_SHA256] = "sha256",
	[MASK_PARTIAL] = "partial",
};

struct mask {
	struct pattern_list columns;
	enum mask_with with;
	struct ez_view value; /* MASK_CONSTANT; the configuration's memory */
	struct digest *digest;
	struct partial partial;
};

/* The columns of one table that are hidden. */
struct mask_table {
	uint32_t n;
	uint32_t columns[];
};

static const struct ez_host *host;

static int mask_load(const struct ez_host *h)
{
	host = h;
	return EZ_OK;
}

/* ------------------------------------------------------------------ open */

static enum mask_with read_with(const struct ez_config *config)
{
	struct ez_view v = host->str(config, "with");
	enum mask_with with = MASK_NULL;

	while (with + 1 < _MASK_WITH_MAX && !view_eq_str(v, with_names[with]))
		with++;
	return with;
}

static int open_digest(struct mask *m, const struct ez_config *config,
		       struct ez_error *err)
{
	char key[4096];
	size_t len = 0;
	int rc = host->secret(config, "key", key, sizeof(key), &len, err);

	if (rc == EZ_OK && len == 0) {
		host->fail(err, EZ_E_CONFIG, "", "key: with = \"sha256\" needs a key");
		rc = host->hint(
			err,
			"a plain hash of an address or a number is undone by hashing "
			"all candidates; make a key with `openssl rand -hex 32` and "
			"give it as key = { file = \"...\"; }");
	} else if (rc == EZ_OK) {
		m->digest = digest_new(view_of(key, len));
		if (!m->digest)
			rc = host->fail(err, EZ_E_CONFIG, "",
					"key: OpenSSL does not take it for HMAC-SHA256");
	}
	explicit_bzero(key, sizeof(key));
	return rc;
}

static int open_partial(struct mask *m, const struct ez_config *config,
			struct ez_error *err)
{
	struct ez_view fill = host->str(config, "fill");

	if (fill.len == 0 || utf8_char_len(fill.ptr, fill.len) != fill.len)
		return host->fail(err, EZ_E_CONFIG, "", "fill: one character is wanted");
	m->partial = (struct partial){
		.fill = fill,
		.keep_first = (size_t)host->num(config, "keep_first"),
		.keep_last = (size_t)host->num(config, "keep_last"),
	};
	return EZ_OK;
}

static int open_constant(struct mask *m, const struct ez_config *config,
			 struct ez_error *err)
{
	if (!host->is_set(config, "value"))
		return host->fail(err, EZ_E_CONFIG, "",
				  "value: with = \"constant\" needs a value");
	m->value = host->str(config, "value");
	return EZ_OK;
}

static int read_options(struct mask *m, const struct ez_config *config,
			struct ez_error *err)
{
	int rc = pattern_list_load(&m->columns, host, config, "columns", 3, err);

	if (rc != EZ_OK)
		return rc;
	if (m->columns.n == m->columns.n_exclusions)
		return host->fail(err, EZ_E_CONFIG, "",
				  "columns: name at least one column to mask");
	m->with = read_with(config);
	if (m->with == MASK_SHA256)
		return open_digest(m, config, err);
	if (m->with == MASK_PARTIAL)
		return open_partial(m, config, err);
	return m->with == MASK_CONSTANT ? open_constant(m, config, err) : EZ_OK;
}

static void mask_close(void *inst)
{
	struct mask *m = inst;

	pattern_list_release(&m->columns);
	digest_free(m->digest);
	free(m);
}

static int mask_open(const struct ez_open *open, void **ret_inst, struct ez_error *err)
{
	struct mask *m = xcalloc(1, sizeof(*m));
	int rc = read_options(m, open->config, err);

	if (rc != EZ_OK) {
		mask_close(m);
		return rc;
	}
	*ret_inst = m;
	return EZ_OK;
}

/* ------------------------------------------------------------------ tables */

static int refuse_key(const struct mask *m, const struct ez_table *t,
		      const struct ez_column *c, struct ez_error *err)
{
	host->fail(err, EZ_E_CONFIG, "",
		   "columns: %.*s.%.*s.%.*s is part of the key, with = \"%s\" would make "
		   "different rows one",
		   VIEW_ARG(t->schema), VIEW_ARG(t->name), VIEW_ARG(c->name),
		   with_names[m->with]);
	return host->hint(err, "use with = \"sha256\" for it, or add \"!%.*s.%.*s.%.*s\"",
			  VIEW_ARG(t->schema), VIEW_ARG(t->name), VIEW_ARG(c->name));
}

static int refuse_missing(const struct pattern *p, const struct ez_table *t,
			  struct ez_error *err)
{
	host->fail(err, EZ_E_CONFIG, "",
		   "columns: table %.*s.%.*s has no column for \"%s\"",
		   VIEW_ARG(t->schema), VIEW_ARG(t->name), p->text);
	return host->hint(err,
			  "correct the name, or take it out of columns if that column "
			  "is gone; a renamed column would go on unmasked");
}

/* What the column is once its values are hidden. */
static void alter_column(const struct mask *m, struct ez_column *c)
{
	c->fallback = (struct ez_view){ .ptr = NULL };
	switch (m->with) {
	case MASK_NULL:
		c->flags &= ~(uint32_t)EZ_COL_NOT_NULL;
		break;
	case MASK_SHA256:
		column_set_text(c, DIGEST_HEX_BYTES);
		break;
	case MASK_CONSTANT:
		if (!value_fits(m->value, c))
			column_set_text(c, -1);
		break;
	default:
		if (c->type != EZ_TYPE_TEXT)
			column_set_text(c, -1);
		break;
	}
}

static int choose_columns(const struct mask *m, const struct ez_table *in,
			  struct mask_table *mt, struct ez_error *err)
{
	const struct pattern *missing = pattern_list_find_missing(&m->columns, in);

	if (missing)
		return refuse_missing(missing, in, err);
	for (uint32_t i = 0; i < in->n_columns; i++) {
		const struct ez_column *c = in->columns[i];

		if (!pattern_list_has_column(&m->columns, in, c))
			continue;
		if ((c->flags & EZ_COL_KEY) && m->with != MASK_SHA256)
			return refuse_key(m, in, c, err);
		mt->columns[mt->n++] = i;
	}
	return mt->n > 0 ? EZ_OK : EZ_SKIP;
}

static int mask_table(void *inst, const struct ez_table *in, struct ez_shape *out,
		      void **ret_state, struct ez_error *err)
{
	const struct mask *m = inst;
	_cleanup_(freep) struct mask_table *mt =
		xcalloc(1, sizeof(*mt) + in->n_columns * sizeof(mt->columns[0]));
	struct shape s;
	int rc = choose_columns(m, in, mt, err);

	if (rc != EZ_OK)
		return rc;
	shape_init(&s, in, 0);
	for (uint32_t i = 0; i < mt->n; i++)
		alter_column(m, s.columns[mt->columns[i]]);
	shape_put(&s, host, out);
	shape_release(&s);
	*ret_state = TAKE_PTR(mt);
	return EZ_OK;
}

static void mask_table_free(void *inst, void *state)
{
	(void)inst;
	free(state);
}

/* ------------------------------------------------------------------ events */

static void set_text(struct ez_cell *cell, const char *ptr, size_t len)
{
	cell->ptr = ptr;
	cell->len = (uint32_t)len;
}

static int hide_part(const struct mask *m, struct ez_cell *cell, struct ez_out *out,
		     struct ez_error *err)
{
	struct ez_view value = view_of(cell->ptr, cell->len);
	struct partial_cut cut = partial_measure(&m->partial, value);
	size_t n = partial_bytes(&m->partial, &cut);
	char *to;

	/* Not EZ_E_DATA: the dead letter would hold what was to be hidden. */
	if (n > UINT32_MAX)
		return host->fail(err, EZ_E_CONFIG, "",
				  "fill: a masked value would be over 4 GiB");
	to = host->alloc(out, n);
	partial_write(&m->partial, &cut, value, to);
	set_text(cell, to, n);
	return EZ_OK;
}

static int hide_cell(const struct mask *m, struct ez_cell *cell, struct ez_out *out,
		     struct ez_error *err)
{
	char *to;

	if (cell->kind != EZ_CELL_TEXT)
		return EZ_OK;
	switch (m->with) {
	case MASK_NULL:
		*cell = (struct ez_cell){ .kind = EZ_CELL_NULL };
		return EZ_OK;
	case MASK_CONSTANT:
		to = host->alloc(out, m->value.len);
		if (m->value.len > 0)
			memcpy(to, m->value.ptr, m->value.len);
		set_text(cell, to, m->value.len);
		return EZ_OK;
	case MASK_SHA256:
		to = host->alloc(out, DIGEST_HEX_BYTES);
		if (!digest_hex(m->digest, view_of(cell->ptr, cell->len), to))
			return host->fail(err, EZ_E_FATAL, "", "HMAC-SHA256 failed");
		set_text(cell, to, DIGEST_HEX_BYTES);
		return EZ_OK;
	default:
		return hide_part(m, cell, out, err);
	}
}

static int mask_apply(void *inst, void *state, struct ez_event *ev, struct ez_out *out,
		      struct ez_error *err)
{
	const struct mask *m = inst;
	const struct mask_table *mt = state;
	int rc = EZ_OK;

	if (!ev->table)
		return EZ_OK;
	for (uint32_t i = 0; rc == EZ_OK && i < mt->n; i++) {
		if (ev->before)
			rc = hide_cell(m, &ev->before[mt->columns[i]], out, err);
		if (rc == EZ_OK && ev->after)
			rc = hide_cell(m, &ev->after[mt->columns[i]], out, err);
	}
	return rc;
}

/* ------------------------------------------------------------------ the plugin */

static const struct ez_option opt_columns = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_LIST,
	.flags = EZ_OPTF_REQUIRED,
	.name = "columns",
	.label = "Columns",
	.help = "Columns to mask, as \"schema.table.column\"; * and ? are wildcards, a leading ! "
		"excludes, the last pattern that matches decides.",
};
static const struct ez_option opt_with = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_ENUM,
	.flags = EZ_OPTF_REQUIRED,
	.name = "with",
	.label = "Mask with",
	.choices = "null|constant|sha256|partial",
	.help = "What takes the place of a value: NULL, a constant, a keyed hash "
		"(HMAC-SHA256 in hexadecimal), or the value with its middle hidden.",
};
static const struct ez_option opt_value = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.name = "value",
	.label = "Constant",
	.help = "The constant. A column for whose type it is no value becomes a text column.",
};
static const struct ez_option opt_key = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_SECRET,
	.name = "key",
	.label = "Key of the hash",
	.help = "Needed for sha256. Equal values have equal hashes as long as the key is the "
		"same.",
};
static const struct ez_option opt_keep_first = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_INT,
	.name = "keep_first",
	.label = "Keep first",
	.fallback = "0",
	.help = "partial: characters shown at the beginning.",
	.max = 1000000,
};
static const struct ez_option opt_keep_last = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_INT,
	.name = "keep_last",
	.label = "Keep last",
	.fallback = "0",
	.help = "partial: characters shown at the end. A value no longer than what is kept "
		"is hidden whole.",
	.max = 1000000,
};
static const struct ez_option opt_fill = {
	.size = sizeof(struct ez_option),
	.type = EZ_OPT_STRING,
	.name = "fill",
	.label = "Fill character",
	.fallback = "*",
	.help = "partial: the character that stands for each hidden one.",
};
static const struct ez_option *const options[] = {
	&opt_columns,    &opt_with,      &opt_value, &opt_key,
	&opt_keep_first, &opt_keep_last, &opt_fill,  NULL,
};

static const struct ez_transform ops = {
	.size = sizeof(ops),
	.open = mask_open,
	.close = mask_close,
	.table = mask_table,
	.apply = mask_apply,
	.table_free = mask_table_free,
};

const struct ez_plugin ez_plugin = {
	EZ_PLUGIN_HEAD,
	.kind = EZ_TRANSFORM,
	.name = "mask",
	.version = PACKAGE_VERSION,
	.summary = "Hides the values of columns: NULL, constant, keyed hash or partial.",
	.options = options,
	.load = mask_load,
	.ops = { .transform = &ops },
};
