/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/view.h"
#include "testkit/fake_host.h"

#include "hop.h"
#include "host.h"
#include "label.h"
#include "probe.h"
#include "settings.h"

/* Where redirects may lead, what labels look like, and what errors may tell. */

static struct setting_pair map[] = {
	{ { "10.0.0.5:8040", 13 }, { "be1.example.com:18040", 21 } },
	{ { "be-secure:8040", 14 }, { "https://be2.example.com:8443", 28 } },
	{ { "bad:8040", 8 }, { "http://", 7 } },
};

static const struct settings settings = { .address_map = map, .n_address_map = 3 };

struct line {
	const char *from;
	int status;
	const char *location;
	const char *to; /* NULL: refused */
};

#define PATH "/api/shop/orders/_stream_load"

static const struct line lines[] = {
	{ "http://fe1:8030" PATH, 307, "http://10.0.0.9:8040" PATH,
	  "http://10.0.0.9:8040" PATH },
	{ "http://fe1:8030" PATH, 307, "http://10.0.0.9:8040" PATH "?a=b",
	  "http://10.0.0.9:8040" PATH "?a=b" },
	/* another name for the back end */
	{ "http://fe1:8030" PATH, 307, "http://10.0.0.5:8040" PATH,
	  "http://be1.example.com:18040" PATH },
	{ "http://fe1:8030" PATH, 307, "http://10.0.0.5:8041" PATH,
	  "http://10.0.0.5:8041" PATH },
	{ "http://fe1:8030" PATH, 307, "http://127.0.0.1:8040" PATH,
	  "http://fe1:8040" PATH },
	{ "http://127.0.0.1:8030" PATH, 307, "http://127.0.0.1:8040" PATH,
	  "http://127.0.0.1:8040" PATH },
	/* credentials go */
	{ "http://fe1:8030" PATH, 307, "http://root:secret@be:8040" PATH,
	  "http://be:8040" PATH },
	/* the scheme */
	{ "http://fe1:8030" PATH, 307, "https://be:8040" PATH, "https://be:8040" PATH },
	{ "https://fe1:8030" PATH, 307, "https://be:8040" PATH, "https://be:8040" PATH },
	{ "https://fe1:8030" PATH, 307, "http://be:8040" PATH, NULL },
	{ "https://fe1:8030" PATH, 307, "http://be-secure:8040" PATH,
	  "https://be2.example.com:8443" PATH },
	{ "http://fe1:8030" PATH, 307, "ftp://be:8040" PATH, NULL },
	{ "http://fe1:8030" PATH, 307, "file:///etc/passwd", NULL },
	/* relative, and another path */
	{ "http://fe1:8030" PATH, 307, PATH, "http://fe1:8030" PATH },
	{ "http://fe1:8030" PATH, 307, "/other", NULL },
	{ "http://fe1:8030" PATH, 307, "http://be:8040/login", NULL },
	{ "http://fe1:8030" PATH, 307, "http://be:8040/api/shop/order%73/_stream_load",
	  "http://be:8040/api/shop/order%73/_stream_load" },
	/* what is no redirect of StarRocks */
	{ "http://fe1:8030" PATH, 301, "http://be:8040" PATH, NULL },
	{ "http://fe1:8030" PATH, 302, "http://be:8040" PATH, NULL },
	{ "http://fe1:8030" PATH, 308, "http://be:8040" PATH, NULL },
	{ "http://fe1:8030" PATH, 307, NULL, NULL },
	{ "http://fe1:8030" PATH, 307, "", NULL },
	{ "http://fe1:8030" PATH, 307, "http://[::1", NULL },
	{ "http://fe1:8030" PATH, 307, "http://bad:8040" PATH, NULL },
};

START_TEST(a_redirect_leads_where_it_may)
{
	const struct line *l = &lines[_i];
	struct ez_error err = { .size = sizeof(err) };
	char url[HOP_URL_MAX];
	int rc;

	host = fake_host_table();
	rc = hop_resolve(&settings, l->from, l->status, l->location, url, &err);
	if (!l->to) {
		ck_assert_msg(rc == EZ_E_CONFIG || rc == EZ_E_TRANSIENT, "%s: taken",
			      l->location);
		ck_assert(err.text[0]);
		return;
	}
	ck_assert_msg(rc == EZ_OK, "%s: %s", l->location, err.text);
	ck_assert_str_eq(url, l->to);
}
END_TEST

START_TEST(labels_are_made_of_job_run_group_and_number)
{
	struct label run, group, l;
	struct ez_error err = { .size = sizeof(err) };
	char longer[200];

	host = fake_host_table();
	ck_assert_int_eq(label_run(&run, VIEW("ezcdc_shop"), 7, &err), EZ_OK);
	ck_assert_int_eq(label_group(&group, &run, 12, 1, &err), EZ_OK);
	ck_assert_int_eq(label_add(&l, &group, LABEL_LOAD, 3, &err), EZ_OK);
	ck_assert_str_eq(l.text, "ezcdc_shop_r7_s12v1_3");
	ck_assert_int_eq(label_add(&l, &group, LABEL_PART, 0, &err), EZ_OK);
	ck_assert_int_eq(label_add(&l, &l, LABEL_ATTEMPT, 2, &err), EZ_OK);
	ck_assert_str_eq(l.text, "ezcdc_shop_r7_s12v1p0a2");
	ck_assert_int_eq(label_run(&run, VIEW("job-1"), 7, &err), EZ_E_CONFIG);
	ck_assert_int_eq(label_run(&run, VIEW("1job"), 7, &err), EZ_E_CONFIG);
	memset(longer, 'a', sizeof(longer));
	ck_assert_int_eq(label_run(&run, view_of(longer, 120), UINT64_MAX, &err),
			 EZ_E_CONFIG);
}
END_TEST

START_TEST(reasons_tell_no_values)
{
	static const char *const pairs[][2] = {
		{ "The field (name = c, pos = 3) is out of range. Type: DECIMAL, Value length: 5, "
		  "Value: 12345",
		  "The field (name = c, pos = 3) is out of range. Type: DECIMAL, "
		  "Value length: 5, " },
		{ "\nError: NULL value in non-nullable column 'c'. Row: [1, 'secret']",
		  "Error: NULL value in non-nullable column ''. " },
		{ "Error: Value 'secret' is out of range. The type of \"a\" is INT",
		  "Error: Value '' is out of range. The type of \"\" is INT" },
		{ "", "" },
		{ "\n\n", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		_cleanup_(buf_release) struct buf b = BUF_INIT(1000);

		probe_reason(view_str(pairs[i][0]), &b);
		ck_assert_str_eq(buf_cstr(&b), pairs[i][1]);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hop");
	TCase *tc = tcase_create("hops");
	SRunner *r;
	int failed;

	tcase_add_loop_test(tc, a_redirect_leads_where_it_may, 0, (int)ARRAY_LEN(lines));
	tcase_add_test(tc, labels_are_made_of_job_run_group_and_number);
	tcase_add_test(tc, reasons_tell_no_values);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
