/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tabletest.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"

void test_settings(struct settings *s)
{
	*s = (struct settings){
		.database = { "shop", 4 },
		.table = { "{table}", 7 },
		.create = true,
		.evolve = true,
		.replication_num = 3,
	};
}

static int note_reject(void *arg, uint32_t row, struct ez_error *err)
{
	struct tabletest *t = arg;

	ck_assert_int_eq(err->rc, EZ_E_DATA);
	ck_assert_uint_eq(err->row, row);
	ck_assert_uint_lt(t->n_rejected, 16);
	t->rejected[t->n_rejected++] = row;
	return EZ_OK;
}

static int note_settle(void *arg, struct ez_error *err)
{
	struct tabletest *t = arg;

	(void)err;
	t->n_settled++;
	return EZ_OK;
}

void tabletest_open(struct tabletest *t)
{
	static const struct ez_option *const no_options[] = { NULL };
	static const struct fake_setting no_settings[] = { { NULL, NULL, NULL } };

	*t = (struct tabletest){ .n_settled = 0 };
	host = fake_host_table();
	test_settings(&t->settings);
	t->fake = fake_host_new(no_options, no_settings);
	t->targets = targets_new(&t->settings, NULL, &t->fake->ctx);
	t->encoder = encoder_new(t->targets, NULL, &t->fake->ctx);
	t->rules = (struct encode_rules){ .settle = note_settle,
					  .reject = note_reject,
					  .arg = t };
}

void tabletest_close(struct tabletest *t)
{
	loads_release(&t->loads);
	encoder_free(t->encoder);
	targets_free(t->targets);
	fake_host_free(t->fake);
}

void tabletest_begin(struct tabletest *t)
{
	t->batch = fake_batch(t->fake, 1, 0);
	fake_begin(t->batch, 0x1000, 7, INT64_C(1732270000119123), 0);
}

struct ez_event *tabletest_event(struct tabletest *t, uint32_t op,
				 const struct ez_table *table, const char *const *before,
				 const char *const *after)
{
	return fake_event(t->batch, op, table, before, after);
}

int tabletest_encode(struct tabletest *t)
{
	fake_commit(t->batch, 0x1008);
	t->finished = fake_finish(t->batch);
	loads_release(&t->loads);
	return encode_batch(t->encoder, t->finished, 0, t->finished->n_events, &t->rules,
			    &t->loads, &t->fake->err);
}

const char *body_text(const struct tabletest *t, size_t i)
{
	static char text[65536];
	const struct load *load = t->loads.items[i];

	ck_assert_uint_lt(i, t->loads.n);
	ck_assert_uint_lt(load->body.len, sizeof(text));
	memcpy(text, load->body.ptr, load->body.len);
	text[load->body.len] = '\0';
	for (char *p = text; load->format == LOAD_CSV && *p; p++)
		*p = *p == 1 ? '|' : *p == 2 ? '\n' : *p;
	return text;
}

struct ez_column *column_of(const struct ez_table *t, uint32_t i)
{
	return (struct ez_column *)(uintptr_t)t->columns[i];
}

struct ez_column make_column(uint32_t type, const char *native)
{
	return (struct ez_column){
		.size = sizeof(struct ez_column),
		.name = { "c", 1 },
		.native = { native, strlen(native) },
		.type = type,
		.type_mod = -1,
		.precision = -1,
		.length = -1,
	};
}

int run_suite(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
