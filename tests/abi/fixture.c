/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One source for many plugins, most of them wrong in one way; build-fixtures.sh chooses the
 * way with -D. Each must be loaded or refused as tests/engine/test_loader.c says.
 */
#ifdef FROZEN
# include "plugin-1.0.h"
#else
# include <ezcdc/plugin.h>
#endif

#include <stdlib.h>

#ifndef NAME
# error "NAME is what the plugin calls itself"
#endif
#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

#ifndef MAGIC
# define MAGIC EZ_MAGIC
#endif
#ifndef MAJOR
# define MAJOR EZ_ABI_MAJOR
#endif
#ifndef MINOR
# define MINOR EZ_ABI_MINOR
#endif
#ifndef CAPS
# define CAPS EZ_CAP_DURABLE_WRITE
#endif
#ifndef KIND
# define KIND EZ_SINK
#endif
#ifndef DESC_SIZE
# define DESC_SIZE sizeof(struct ez_plugin)
#endif
#ifndef LOAD_RESULT
# define LOAD_RESULT EZ_OK
#endif

static const struct ez_host *host;

static int fixture_open(const struct ez_open *args, void **ret_inst, struct ez_error *err)
{
#ifdef UNDEFINED
	extern int nobody_defines_this(void);

	if (nobody_defines_this())
		return EZ_E_FATAL;
#endif
#ifdef NEEDS_LIBRARY
	extern int library_answer(void);

	if (library_answer() != 42)
		return EZ_E_FATAL;
#endif
	(void)args;
	*ret_inst = malloc(1);
	return *ret_inst ? EZ_OK : host->fail(err, EZ_E_TRANSIENT, "", "out of memory");
}

static int fixture_write(void *inst, const struct ez_batch *batch, struct ez_error *err)
{
	(void)inst;
	(void)batch;
	(void)err;
	return EZ_OK;
}

/* How often this plugin was loaded; a test looks at it through the symbol of the library. */
static int n_loads;

static int fixture_load(const struct ez_host *h)
{
	host = h;
	return ++n_loads > 1 ? EZ_E_FATAL : LOAD_RESULT;
}

#if defined(BAD_OPTIONS)
static const struct ez_option mode = { .size = sizeof(mode),
				       .type = EZ_OPT_ENUM,
				       .name = "mode" };
#elif defined(CLASHING_OPTIONS)
static const struct ez_option mode = { .size = sizeof(mode),
				       .type = EZ_OPT_INT,
				       .name = "target" };
#else
static const struct ez_option mode = {
	.size = sizeof(mode),
	.type = EZ_OPT_ENUM,
	.flags = EZ_OPTF_LIVE,
	.name = "mode",
	.label = "Mode",
	.group = "General",
	.fallback = "fast",
	.choices = "slow|fast",
	.help = "How to do nothing, in words long enough that the line must be broken somewhere "
		"before its end.",
};
#endif
static const struct ez_option *const options[] = { &mode, NULL };

#if defined(LONG_OPS)
/* A newer engine's table: the tail is not of this world. */
static const struct {
	struct ez_sink known;
	void (*newer[8])(void);
} long_ops = {
	.known = { .size = sizeof(long_ops),
		   .open = fixture_open,
		   .close = free,
		   .write = fixture_write },
	.newer = { abort, abort, abort, abort, abort, abort, abort, abort },
};
# define OPS .sink = &long_ops.known
#elif defined(SHORT_OPS)
/* The tail is filled, but the size says that it is not there. */
static const struct ez_sink ops = {
	.size = offsetof(struct ez_sink, flush),
	.open = fixture_open,
	.close = free,
	.write = fixture_write,
	.flush = (int (*)(void *, struct ez_error *))abort,
	.interrupt = (void (*)(void *))abort,
};
# define OPS .sink = &ops
#elif defined(TINY_OPS)
static const struct ez_sink ops = { .size = offsetof(struct ez_sink, write),
				    .open = fixture_open,
				    .close = free,
				    .write = fixture_write };
# define OPS .sink = &ops
#elif defined(NO_OPS)
# define OPS .sink = NULL
#elif defined(A_SOURCE)
static int fixture_info(void *inst, struct ez_source_info *ret, struct ez_error *err)
{
	(void)inst;
	(void)ret;
	(void)err;
	return EZ_OK;
}
static int fixture_start(void *inst, struct ez_position from, uint64_t until,
			 struct ez_error *err)
{
	(void)inst;
	(void)from;
	(void)until;
	(void)err;
	return EZ_OK;
}
static int fixture_poll(void *inst, struct ez_out *out, uint32_t wait_ms,
			struct ez_error *err)
{
	(void)inst;
	(void)out;
	(void)wait_ms;
	(void)err;
	return EZ_EOF;
}
static const struct ez_source ops = {
	.size = sizeof(ops),
	.open = fixture_open,
	.close = free,
	.info = fixture_info,
	.start = fixture_start,
	.poll = fixture_poll,
};
# define OPS .source = &ops
#else
static const struct ez_sink ops = {
	.size = sizeof(ops),
	.open = fixture_open,
	.close = free,
# ifndef NO_WRITE
	.write = fixture_write,
# endif
};
# define OPS .sink = &ops
#endif

#if defined(NO_SYMBOL)
const struct ez_plugin *fixture_unused(void);
__attribute__((visibility("default"))) const struct ez_option *const *fixture_options =
	options;
#elif defined(FUNCTION_SYMBOL)
__asm__(".globl ez_plugin\n.type ez_plugin, @function\n.text\nez_plugin: ret\n"
	".size ez_plugin, 256\n");
#elif defined(SMALL_SYMBOL)
__asm__(".globl ez_plugin\n.type ez_plugin, @object\n.data\nez_plugin: .long 0x505a4345\n"
	".size ez_plugin, 4\n");
#elif defined(LONG_DESC)
extern EZ_EXPORT const struct long_plugin {
	struct ez_plugin known;
	uint64_t newer[4];
} fixture_plugin __asm__("ez_plugin");
const struct long_plugin fixture_plugin = {
	.known = { EZ_PLUGIN_HEAD, .caps = CAPS, .kind = KIND, .name = TEXT(NAME),
		   .version = "9.9", .summary = "A newer descriptor.", .options = options,
		   .load = fixture_load, .ops = { OPS } },
	.newer = { 1, 2, 3, 4 },
};
#else
const struct ez_plugin ez_plugin = {
	MAGIC,
	MAJOR,
	MINOR,
	DESC_SIZE,
	.caps = CAPS,
	.kind = KIND,
# ifndef NO_NAME
	.name = TEXT(NAME),
# endif
	.version = "1.2",
	.summary = "A fixture of the tests.",
	.options = options,
	.load = fixture_load,
	.ops = { OPS },
};
#endif
