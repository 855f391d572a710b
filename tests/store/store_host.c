/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "store/store_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/alloc.h"
#include "base/view.h"

static void add(struct run *r, const char *name, const char *value)
{
	struct fake_setting *s = r->set;

	if (!value)
		return;
	while (s->name)
		s++;
	*s = (struct fake_setting){ .name = name, .value = value };
}

struct run *run_open(struct run_settings s)
{
	struct run *r = xcalloc(1, sizeof(*r));
	char *id = xasprintf("ezcdc_%s", s.job ? s.job : "shop");

	add(r, "conninfo", s.conninfo);
	add(r, "password", s.password);
	add(r, "schema", s.schema);
	add(r, "table", s.table);
	r->host = fake_host_new(ez_plugin.options, r->set);
	r->host->open.epoch = s.epoch;
	r->host->open.role = s.role;
	r->host->open.job = view_str(s.job ? s.job : "shop");
	r->host->open.id = arena_dup(&r->host->arena, view_str(id));
	free(id);
	ez_plugin.load(fake_host_table());
	r->rc = ez_plugin.ops.store->open(&r->host->open, &r->inst, &r->host->err);
	return r;
}

struct run *run_of(const char *conninfo, const char *job, uint64_t epoch)
{
	struct run *r = run_open((struct run_settings){
		.conninfo = conninfo, .job = job, .epoch = epoch });

	ck_assert_rc(r, r->rc, EZ_OK);
	return r;
}

void run_close(struct run *r)
{
	if (r->inst)
		ez_plugin.ops.store->close(r->inst);
	fake_host_free(r->host);
	free(r);
}

int run_load(struct run *r, struct ez_view *ret_text)
{
	return ez_plugin.ops.store->load(r->inst, ret_text, &r->host->err);
}

int run_save(struct run *r, const char *text)
{
	return ez_plugin.ops.store->save(r->inst, view_str(text), &r->host->err);
}

void run_expect(struct run *r, const char *text)
{
	struct ez_view v = { NULL, 0 };

	ck_assert_rc(r, run_load(r, &v), text ? EZ_OK : EZ_EOF);
	if (text) {
		ck_assert_uint_eq(v.len, strlen(text));
		ck_assert_mem_eq(v.ptr, text, v.len);
	}
}
