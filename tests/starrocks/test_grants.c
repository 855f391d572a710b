/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "base/str.h"
#include "base/view.h"
#include "testkit/fake_host.h"

#include "grants.h"
#include "host.h"

/* What SHOW GRANTS says, in the spellings of several versions, and what it comes to. */

struct line {
	const char *text;
	enum right right;
	enum extent extent;
};

static const struct line lines[] = {
	{ "GRANT SELECT, INSERT ON ALL TABLES IN DATABASE shop TO USER 'cdc'@'%'",
	  RIGHT_INSERT, EXTENT_ALL },
	{ "GRANT SELECT, INSERT ON ALL TABLES IN DATABASE `shop` TO USER `cdc`@`%`;",
	  RIGHT_SELECT, EXTENT_ALL },
	{ "GRANT SELECT ON ALL TABLES IN DATABASE shop TO USER 'cdc'@'%'", RIGHT_INSERT,
	  EXTENT_NONE },
	{ "GRANT INSERT ON ALL TABLES IN DATABASE shop2 TO USER 'cdc'@'%'", RIGHT_INSERT,
	  EXTENT_NONE },
	{ "GRANT INSERT ON ALL TABLES IN DATABASE a, shop TO USER 'cdc'@'%'",
	  RIGHT_INSERT, EXTENT_ALL },
	{ "GRANT ALTER ON ALL TABLES IN ALL DATABASES TO USER 'cdc'@'%'", RIGHT_ALTER,
	  EXTENT_ALL },
	{ "GRANT INSERT ON TABLE shop.a, shop.b TO USER 'cdc'@'%'", RIGHT_INSERT,
	  EXTENT_SOME },
	{ "GRANT INSERT ON TABLE other.a TO USER 'cdc'@'%'", RIGHT_INSERT, EXTENT_NONE },
	{ "GRANT ALTER, DROP, SELECT ON TABLE shop.* TO USER `cdc`@`%`", RIGHT_SELECT,
	  EXTENT_ALL },
	{ "GRANT SELECT ON *.* TO ROLE r WITH GRANT OPTION;", RIGHT_SELECT, EXTENT_ALL },
	{ "GRANT ALL ON ALL TABLES IN DATABASE shop TO USER 'cdc'@'%'", RIGHT_DELETE,
	  EXTENT_ALL },
	{ "GRANT CREATE TABLE ON DATABASE shop TO USER 'cdc'@'%'", RIGHT_CREATE_TABLE,
	  EXTENT_ALL },
	{ "GRANT CREATE_TABLE, DROP ON DATABASE shop TO USER 'cdc'@'%'",
	  RIGHT_CREATE_TABLE, EXTENT_ALL },
	{ "GRANT CREATE TABLE ON ALL DATABASES TO USER 'cdc'@'%'", RIGHT_CREATE_TABLE,
	  EXTENT_ALL },
	/* of the database, not of its tables */
	{ "GRANT ALTER, CREATE TABLE ON DATABASE shop TO USER 'cdc'@'%'", RIGHT_ALTER,
	  EXTENT_NONE },
	{ "GRANT CREATE DATABASE ON CATALOG default_catalog TO USER 'cdc'@'%'",
	  RIGHT_CREATE_DATABASE, EXTENT_ALL },
	{ "GRANT CREATE DATABASE ON CATALOG hive TO USER 'cdc'@'%'",
	  RIGHT_CREATE_DATABASE, EXTENT_NONE },
	{ "GRANT SELECT ON ALL VIEWS IN DATABASE shop TO USER 'cdc'@'%'", RIGHT_SELECT,
	  EXTENT_NONE },
	{ "GRANT 'db_admin' TO 'cdc'@'%'", RIGHT_ALTER, EXTENT_ALL },
	{ "", RIGHT_SELECT, EXTENT_NONE },
	{ "GRANT", RIGHT_SELECT, EXTENT_NONE },
	{ "GRANT SELECT ON TO x", RIGHT_SELECT, EXTENT_NONE },
	{ "select 1", RIGHT_SELECT, EXTENT_NONE },
};

START_TEST(a_statement_grants_what_it_says)
{
	const struct line *l = &lines[_i];
	struct grants g;

	grants_init(&g, VIEW("shop"));
	grants_add(&g, view_str(l->text), true);
	ck_assert_msg(g.has[l->right] == l->extent, "%s: %s is %d", l->text,
		      right_to_str(l->right), (int)g.has[l->right]);
	grants_release(&g);
}
END_TEST

START_TEST(roles_are_noted_once)
{
	struct grants g;

	grants_init(&g, VIEW("shop"));
	grants_add(&g, VIEW("GRANT 'a', 'b' TO 'cdc'@'%'"), false);
	ck_assert_uint_eq(g.roles.len, 0);
	grants_add(&g, VIEW("GRANT 'a', 'b' TO 'cdc'@'%'"), true);
	grants_add(&g, VIEW("GRANT 'b', 'c' TO ROLE 'a'"), true);
	ck_assert_str_eq(buf_cstr(&g.roles), "a\nb\nc\n");
	ck_assert_int_eq(g.has[RIGHT_SELECT], EXTENT_NONE);
	grants_release(&g);
}
END_TEST

static const struct {
	const char *refusal, *statement; /* NULL: it is about no right */
} remedies[] = {
	{ "t: Access denied; you need (at least one of) the INSERT privilege(s) for this "
	  "operation",
	  "GRANT INSERT ON ALL TABLES IN DATABASE `shop` TO USER 'cdc'@'%'" },
	{ "Access denied; you need (at least one of) the DELETE privilege(s) on TABLE orders "
	  "for this operation. Please ask the admin",
	  "GRANT DELETE ON TABLE `shop`.`orders` TO USER 'cdc'@'%'" },
	{ "you need (at least one of) the CREATE TABLE privilege(s) on DATABASE shop for this "
	  "operation",
	  "GRANT CREATE TABLE ON DATABASE `shop` TO USER 'cdc'@'%'" },
	{ "you need (at least one of) the CREATE DATABASE privilege(s) on CATALOG "
	  "default_catalog for this operation",
	  "GRANT CREATE DATABASE ON CATALOG default_catalog TO USER 'cdc'@'%'" },
	{ "Access denied for user 'cdc'@'%'. Please ask the admin to grant permission(s) or "
	  "try activating existing roles",
	  "GRANT INSERT ON ALL TABLES IN DATABASE `shop` TO USER 'cdc'@'%'" },
	{ "Access denied for cdc@10.0.0.1", NULL },
	{ "no valid Basic authorization", NULL },
	{ "", NULL },
};

START_TEST(a_refusal_has_its_remedy)
{
	struct ez_error err = { .size = sizeof(err), .rc = EZ_E_PERMISSION };

	host = fake_host_table();
	ck_assert(str_copy(err.text, sizeof(err.text), view_str(remedies[_i].refusal)));
	grants_hint(&err, VIEW("shop"), VIEW("cdc"));
	ck_assert_str_eq(err.hint, remedies[_i].statement
					   ? remedies[_i].statement
					   : "check user and password of the sink");
}
END_TEST

START_TEST(what_is_missing_is_a_statement)
{
	struct buf b = BUF_INIT(1000);

	grants_statement(&b, RIGHT_CREATE_TABLE, VIEW("shop"), VIEW("'cdc'@'%'"));
	buf_add_char(&b, '\n');
	grants_statement(&b, RIGHT_ALTER, VIEW("shop"), VIEW("'cdc'@'%'"));
	buf_add_char(&b, '\n');
	grants_statement(&b, RIGHT_CREATE_DATABASE, VIEW("shop"), VIEW("'cdc'@'%'"));
	ck_assert_str_eq(
		buf_cstr(&b),
		"GRANT CREATE TABLE ON DATABASE `shop` TO USER 'cdc'@'%'\n"
		"GRANT ALTER ON ALL TABLES IN DATABASE `shop` TO USER 'cdc'@'%'\n"
		"GRANT CREATE DATABASE ON CATALOG default_catalog TO USER 'cdc'@'%'");
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("grants");
	TCase *tc = tcase_create("grants");
	SRunner *r;
	int failed;

	tcase_add_loop_test(tc, a_statement_grants_what_it_says, 0,
			    (int)ARRAY_LEN(lines));
	tcase_add_test(tc, roles_are_noted_once);
	tcase_add_loop_test(tc, a_refusal_has_its_remedy, 0, (int)ARRAY_LEN(remedies));
	tcase_add_test(tc, what_is_missing_is_a_statement);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
