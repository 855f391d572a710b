/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <dlfcn.h>
#include <ezcdc/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/view.h"
#include "transforms/transform_host.h"

/*
 * The built plugins one after the other, as in a job: what one makes of a shape and of its
 * events, the next one has to take.
 */
enum { N_LINKS = 4 };

static const struct ez_plugin *load(const char *name)
{
	const char *build = getenv("EZ_BUILD");
	char path[4096];
	void *library;

	snprintf(path, sizeof(path), "%s/plugins.d/%s.so", build ? build : ".", name);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(library != NULL, "%s", dlerror());
	return dlsym(library, "ez_plugin");
}

struct chain {
	struct bench *links[N_LINKS];
};

static struct chain open_chain(void)
{
	static const struct fake_setting columns[] = {
		{ "drop", "public.users.password", NULL },
		{ "rename", "public.users.mail=email", NULL },
		{ "add", "_table=$table", NULL },
		{ "add", "_op=$op", NULL },
		{}
	};
	static const struct fake_setting mask[] = { { "columns", "public.users.email",
						      NULL },
						    { "with", "partial", NULL },
						    { "keep_first", "1", NULL },
						    {} };
	static const struct fake_setting route[] = { { "from", "public\\.(.*)", NULL },
						     { "to", "shop.x_$1", NULL },
						     {} };
	static const struct fake_setting filter[] = {
		{ "tables", "shop.*", NULL },
		{ "where", "id > 5 and _op in ('c', 'u', 'd')", NULL },
		{}
	};
	struct chain c = { .links = {
				   bench_open(load("columns"), columns),
				   bench_open(load("mask"), mask),
				   bench_open(load("route"), route),
				   bench_open(load("filter"), filter),
			   } };

	for (int i = 0; i < N_LINKS; i++)
		ck_assert_msg(c.links[i]->rc == EZ_OK, "%s", bench_text(c.links[i]));
	return c;
}

static void close_chain(struct chain *c)
{
	for (int i = N_LINKS - 1; i >= 0; i--)
		bench_close(c->links[i]);
}

static void set_table(struct chain *c, const char *columns)
{
	ck_assert_int_eq(bench_table(c->links[0], "public", "users", columns), EZ_OK);
	for (int i = 1; i < N_LINKS; i++)
		ck_assert_msg(bench_table_of(c->links[i], c->links[i - 1]->out) == EZ_OK,
			      "%s", bench_text(c->links[i]));
}

static int send(struct chain *c, uint32_t op, const char *const *before,
		const char *const *after)
{
	int rc = bench_event(c->links[0], op, before, after);

	for (int i = 1; rc == EZ_OK && i < N_LINKS; i++)
		rc = bench_pass(c->links[i], c->links[i - 1]);
	return rc;
}

START_TEST(each_takes_what_the_one_before_made)
{
	struct chain c = open_chain();
	struct bench *last = c.links[N_LINKS - 1];

	set_table(&c, "id:int8:key, password:text, mail:text, note:text");
	ck_assert_str_eq(bench_shape(last), "id:int8 key notnull, email:text, note:text, "
					    "_table:text, _op:text");
	ck_assert(view_eq_str(last->out->schema, "shop"));
	ck_assert(view_eq_str(last->out->name, "x_users"));
	ck_assert_int_eq(send(&c, 'c', NULL, FAKE_ROW("6", "secret", "a@b", "n")), EZ_OK);
	ck_assert_row(last, after, "6, a**, n, users, c");
	ck_assert_int_eq(send(&c, 'c', NULL, FAKE_ROW("5", "secret", "a@b", "n")),
			 EZ_SKIP);
	ck_assert_int_eq(send(&c, 'r', NULL, FAKE_ROW("6", "secret", "a@b", "n")),
			 EZ_SKIP);
	ck_assert_int_eq(send(&c, 'u', NULL,
			      FAKE_ROW("6", "secret", FAKE_UNCHANGED, FAKE_UNCHANGED)),
			 EZ_OK);
	ck_assert_row(last, after, "6, unchanged, unchanged, users, u");
	ck_assert_int_eq(
		send(&c, 'd', FAKE_ROW("6", FAKE_ABSENT, FAKE_ABSENT, FAKE_ABSENT), NULL),
		EZ_OK);
	ck_assert_row(last, before, "6, absent, absent, users, d");
	ck_assert_int_eq(send(&c, 't', NULL, NULL), EZ_OK);
	close_chain(&c);
}
END_TEST

START_TEST(a_new_shape_goes_through_all_of_them)
{
	struct chain c = open_chain();
	struct bench *last = c.links[N_LINKS - 1];

	set_table(&c, "id:int8:key, password:text, mail:text");
	set_table(&c, "password:text, extra:bool, mail:text, id:int8:key");
	ck_assert_str_eq(bench_shape(last),
			 "extra:bool, email:text, id:int8 key notnull, "
			 "_table:text, _op:text");
	ck_assert_int_eq(send(&c, 'c', NULL, FAKE_ROW("secret", "t", "a@b", "6")), EZ_OK);
	ck_assert_row(last, after, "t, a**, 6, users, c");
	close_chain(&c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chain");
	TCase *t = tcase_create("chain");
	SRunner *r;
	int failed;

	tcase_add_test(t, each_takes_what_the_one_before_made);
	tcase_add_test(t, a_new_shape_goes_through_all_of_them);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
