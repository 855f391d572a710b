/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "testkit/fake_host.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/view.h"

const char FAKE_UNCHANGED[] = "(unchanged)", FAKE_ABSENT[] = "(absent)";

static _Atomic int64_t fixed_now_us;
static _Thread_local char last_log[1024];

/* The only fake host that host->mem and friends could mean is the one of their ctx. */

_printf_(2, 3) static void host_log(int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_log, sizeof(last_log), fmt, ap);
	va_end(ap);
	if (getenv("EZ_TEST_LOG"))
		fprintf(stderr, "<%d> %s\n", level, last_log);
}

_printf_(4, 5) static int host_fail(struct ez_error *err, int rc, const char *code,
				    const char *fmt, ...)
{
	va_list ap;

	ENSURE(err && err->size >= sizeof(*err), "an error without its size");
	ENSURE(rc < 0, "host->fail with a class that is no error");
	err->rc = rc;
	err->row = EZ_ROW_UNKNOWN;
	err->batch = 0;
	err->retry_after_ms = 0;
	err->hint[0] = '\0';
	snprintf(err->code, sizeof(err->code), "%s", code ? code : "");
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (getenv("EZ_TEST_LOG"))
		fprintf(stderr, "<fail %d> %s\n", rc, err->text);
	return rc;
}

_printf_(2, 3) static int host_hint(struct ez_error *err, const char *fmt, ...)
{
	va_list ap;

	ENSURE(err->rc < 0, "host->hint before host->fail");
	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
	return err->rc;
}

static int64_t host_now_us(void)
{
	int64_t fixed = atomic_load(&fixed_now_us);

	return fixed ? fixed : now_us();
}

/* ---------------------------------------------------------------- options */

static const struct ez_option *option_of(const struct ez_config *c, const char *name)
{
	for (const struct ez_option *const *o = c->options; o && *o; o++)
		if (strcmp((*o)->name, name) == 0)
			return *o;
	fprintf(stderr, "no option \"%s\" in the table\n", name);
	abort();
}

/* The n-th setting of that name, or NULL. */
static const struct fake_setting *setting_of(const struct ez_config *c, const char *name,
					     size_t n)
{
	for (const struct fake_setting *s = c->settings; s && s->name; s++)
		if (strcmp(s->name, name) == 0 && n-- == 0)
			return s;
	return NULL;
}

static const char *value_of(const struct ez_config *c, const char *name)
{
	const struct ez_option *o = option_of(c, name);
	const struct fake_setting *s = setting_of(c, name, 0);

	return s ? s->value : o->fallback;
}

static struct ez_view host_str(const struct ez_config *c, const char *name)
{
	const char *value = value_of(c, name);

	return view_str(value ? value : "");
}

static int64_t host_num(const struct ez_config *c, const char *name)
{
	const char *value = value_of(c, name);
	struct ez_view v = view_str(value);
	int64_t number = 0;
	uint64_t bytes;
	bool yes;

	if (!value)
		return 0;
	switch (option_of(c, name)->type) {
	case EZ_OPT_BOOL:
		ENSURE(parse_bool(v, &yes), "a bool option with another value");
		return yes;
	case EZ_OPT_SIZE:
		ENSURE(parse_size(v, &bytes), "a size option with another value");
		return (int64_t)bytes;
	case EZ_OPT_DURATION:
		ENSURE(parse_duration(v, &number), "a duration with another value");
		return number;
	default:
		ENSURE(parse_i64(v, &number), "an int option with another value");
		return number;
	}
}

static int host_is_set(const struct ez_config *c, const char *name)
{
	return value_of(c, name) != NULL;
}

static size_t host_count(const struct ez_config *c, const char *name)
{
	size_t n = 0;

	(void)option_of(c, name);
	while (setting_of(c, name, n))
		n++;
	return n;
}

static struct ez_view host_item(const struct ez_config *c, const char *name, size_t i)
{
	const struct fake_setting *s = setting_of(c, name, i);

	ENSURE(s, "host->item beyond host->count");
	return view_str(s->value);
}

static struct ez_view host_item_key(const struct ez_config *c, const char *name, size_t i)
{
	const struct fake_setting *s = setting_of(c, name, i);

	ENSURE(s && s->key, "host->item_key without a key");
	return view_str(s->key);
}

static int host_secret(const struct ez_config *c, const char *name, char *buf, size_t cap,
		       size_t *ret_len, struct ez_error *err)
{
	const char *value = value_of(c, name);

	ENSURE(option_of(c, name)->type == EZ_OPT_SECRET, "host->secret of no secret");
	if (!str_copy(buf, cap, view_str(value ? value : "")))
		return host_fail(err, EZ_E_CONFIG, "", "%s is too long", name);
	*ret_len = strlen(buf);
	return EZ_OK;
}

/* ---------------------------------------------------------------- records */

static void host_metric(struct ez_ctx *ctx, const char *name, int64_t delta)
{
	atomic_fetch_add(&ctx->n_metrics, 1);
	pthread_mutex_lock(&ctx->lock);
	for (size_t i = 0; i < ARRAY_LEN(ctx->metrics); i++) {
		if (ctx->metrics[i].name[0] == '\0')
			snprintf(ctx->metrics[i].name, sizeof(ctx->metrics[i].name), "%s",
				 name);
		if (strcmp(ctx->metrics[i].name, name) == 0) {
			ctx->metrics[i].sum += delta;
			break;
		}
	}
	pthread_mutex_unlock(&ctx->lock);
}

static int host_mem(struct ez_ctx *ctx, int64_t delta)
{
	int64_t now = atomic_fetch_add(&ctx->mem_bytes, delta) + delta;
	int64_t peak = atomic_load(&ctx->mem_peak);

	ENSURE(now >= 0, "more memory given back than was charged");
	while (now > peak && !atomic_compare_exchange_weak(&ctx->mem_peak, &peak, now))
		;
	return atomic_load(&ctx->mem_is_spent) ? EZ_AGAIN : EZ_OK;
}

static void host_wake(struct ez_ctx *ctx)
{
	atomic_fetch_add(&ctx->wakes, 1);
}

static int host_reject(struct ez_ctx *ctx, uint64_t batch, uint32_t row,
		       struct ez_error *err)
{
	(void)err;
	if (ctx->n_rejects < ARRAY_LEN(ctx->rejected_row)) {
		ctx->rejected_batch[ctx->n_rejects] = batch;
		ctx->rejected_row[ctx->n_rejects] = row;
	}
	ctx->n_rejects++;
	return ctx->reject_answer;
}

static void *host_alloc(struct ez_out *out, size_t n)
{
	out->allocated += n;
	return arena_alloc(out->arena, n);
}

_printf_(5, 6) static void host_finding(struct ez_report *r, int status, const char *what,
					const char *remedy, const char *fmt, ...)
{
	va_list ap;

	ENSURE(r->n_findings < ARRAY_LEN(r->findings), "too many findings");
	r->findings[r->n_findings].status = status;
	snprintf(r->findings[r->n_findings].what, sizeof(r->findings[0].what), "%s",
		 what);
	snprintf(r->findings[r->n_findings].remedy, sizeof(r->findings[0].remedy), "%s",
		 remedy ? remedy : "");
	va_start(ap, fmt);
	vsnprintf(r->findings[r->n_findings].text, sizeof(r->findings[0].text), fmt, ap);
	va_end(ap);
	r->n_failed += status == EZ_FINDING_FAILED;
	r->n_warnings += status == EZ_FINDING_WARNING;
	r->n_findings++;
}

/* A deep copy of a descriptor in the arena. */
static struct ez_table *copy_table(struct arena *a, const struct ez_table *t)
{
	struct ez_table *copy = arena_alloc(a, sizeof(*copy));
	struct ez_column **columns = arena_calloc(a, t->n_columns + 1, sizeof(*columns));

	*copy = *t;
	copy->schema = arena_dup(a, t->schema);
	copy->name = arena_dup(a, t->name);
	for (uint32_t i = 0; i < t->n_columns; i++) {
		columns[i] = arena_alloc(a, sizeof(**columns));
		*columns[i] = *t->columns[i];
		columns[i]->name = arena_dup(a, t->columns[i]->name);
		columns[i]->native = arena_dup(a, t->columns[i]->native);
		columns[i]->fallback = arena_dup(a, t->columns[i]->fallback);
	}
	copy->columns = (const struct ez_column *const *)columns;
	return copy;
}

static void host_reshape(struct ez_shape *shape, const struct ez_table *t)
{
	shape->table = copy_table(shape->arena, t);
}

static const struct ez_host table = {
	.size = sizeof(table),
	.abi_major = EZ_ABI_MAJOR,
	.abi_minor = EZ_ABI_MINOR,
	.log = host_log,
	.fail = host_fail,
	.hint = host_hint,
	.now_us = host_now_us,
	.str = host_str,
	.num = host_num,
	.is_set = host_is_set,
	.count = host_count,
	.item = host_item,
	.item_key = host_item_key,
	.secret = host_secret,
	.metric = host_metric,
	.mem = host_mem,
	.wake = host_wake,
	.reject = host_reject,
	.alloc = host_alloc,
	.reshape = host_reshape,
	.finding = host_finding,
};

const struct ez_host *fake_host_table(void)
{
	return &table;
}

void fake_host_set_now(int64_t us)
{
	atomic_store(&fixed_now_us, us);
}

const char *fake_host_last_log(void)
{
	return last_log;
}

/* ---------------------------------------------------------------- life */

struct fake_host *fake_host_new(const struct ez_option *const *options,
				const struct fake_setting *settings)
{
	struct fake_host *f = xcalloc(1, sizeof(*f));

	f->config = (struct ez_config){ .options = options, .settings = settings };
	f->open = (struct ez_open){
		.size = sizeof(f->open),
		.config = &f->config,
		.ctx = &f->ctx,
		.job = VIEW("shop"),
		.id = VIEW("ezcdc_shop"),
		.scratch = VIEW("/tmp"),
		.memory = 64 << 20,
		.batch_bytes = 16 << 20,
		.role = EZ_ROLE_MAIN,
		.n_workers = 1,
	};
	f->err.size = sizeof(f->err);
	for (const struct fake_setting *s = settings; s && s->name; s++)
		(void)option_of(&f->config, s->name);
	pthread_mutex_init(&f->ctx.lock, NULL);
	arena_pool_init(&f->pool);
	arena_init(&f->arena, &f->pool, 0);
	f->out.arena = &f->arena;
	f->shape.arena = &f->arena;
	f->next_table_uid = 1;
	return f;
}

void fake_host_recycle(struct fake_host *f)
{
	arena_release(&f->arena);
	f->out.allocated = 0;
	f->shape.table = NULL;
}

void fake_host_free(struct fake_host *f)
{
	if (!f)
		return;
	ENSURE(atomic_load(&f->ctx.mem_bytes) == 0, "charged memory was not given back");
	arena_release(&f->arena);
	arena_pool_release(&f->pool);
	pthread_mutex_destroy(&f->ctx.lock);
	free(f);
}
