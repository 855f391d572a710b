/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/secret_ref.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "engine/cfg.h"
#include "option_common.h"

static const char *read_secret(const struct ez_config *c, const char *name)
{
	static char buf[64];
	size_t len = 99;

	memset(buf, 'x', sizeof(buf));
	ck_assert_int_eq(config_secret(c, name, buf, sizeof(buf), &len, &err), EZ_OK);
	ck_assert_uint_eq(strlen(buf), len);
	return buf;
}

START_TEST(a_secret_file_is_read_anew_each_time)
{
	char buf[8];
	size_t len = 99;
	struct ez_config *c;

	write_file("pw", "first\n");
	ck_assert(chmod("pw", 0600) == 0);
	c = validate_well("path = \"p\"; password = { file = \"pw\"; };");
	ck_assert_str_eq(read_secret(c, "password"), "first");
	write_file("pw", "second");
	ck_assert_str_eq(read_secret(c, "password"), "second");
	ck_assert(config_is_set(c, "password"));
	ck_assert(unlink("pw") == 0);
	ck_assert_int_eq(config_secret(c, "password", buf, sizeof(buf), &len, &err),
			 EZ_E_TRANSIENT);
	ck_assert_str_eq(err.text,
			 "sink: password: cannot read the secret from pw: No such "
			 "file or directory");
	ck_assert_uint_eq(len, 99);
	write_file("pw", "12345678");
	ck_assert_int_eq(config_secret(c, "password", buf, sizeof(buf), &len, &err),
			 EZ_E_CONFIG);
	ck_assert_str_eq(err.text,
			 "sink: password: the secret is too long, at most 7 bytes fit");
	config_free(c);
}
END_TEST

START_TEST(a_secret_file_is_relative_to_the_job_file)
{
	struct options_section s = { .title = "sink", .table = option_table };
	struct cfg_tree *t;
	struct ez_config *c;

	ck_assert(mkdir("etc", 0700) == 0);
	write_file("etc/pw", "deep");
	ck_assert(chmod("etc/pw", 0600) == 0);
	write_file("etc/job", "path = \"p\"; password = { file = \"pw\"; };");
	t = cfg_read_path("etc/job", &problems);
	ck_assert(t != NULL);
	s.node = &t->root;
	c = options_validate(&s, &rules, &problems);
	cfg_free(t);
	ck_assert(problems_is_empty(&problems));
	ck_assert_str_eq(read_secret(c, "password"), "deep");
	config_free(c);
}
END_TEST

START_TEST(text_and_environment_give_secrets_too)
{
	struct ez_config *c;

	ck_assert(setenv("EZ_TEST_SECRET", "from env", 1) == 0);
	c = validate_well("path = \"p\"; password = \"lit\"; "
			  "key = { env = \"EZ_TEST_SECRET\"; };");
	ck_assert_str_eq(read_secret(c, "password"), "lit");
	ck_assert_str_eq(read_secret(c, "key"), "from env");
	config_free(c);
	c = validate_well("path = \"p\"; password = \"\";");
	ck_assert_str_eq(read_secret(c, "password"), "");
	ck_assert_str_eq(read_secret(c, "key"), "");
	ck_assert(config_is_set(c, "password") && !config_is_set(c, "key"));
	config_free(c);
}
END_TEST

START_TEST(a_descriptor_is_read_once_and_shared)
{
	int fd = pipe_with("s3cret\n");
	char text[128];
	struct ez_config *c, *again;

	(void)snprintf(text, sizeof(text),
		       "path = \"p\"; password = { fd = %d; }; key = { fd = %d; };", fd,
		       fd);
	c = validate_well(text);
	ck_assert_str_eq(read_secret(c, "password"), "s3cret");
	ck_assert_str_eq(read_secret(c, "key"), "s3cret");
	ck_assert_int_eq(close(fd), -1); /* it is closed, so that no child inherits it */
	again = validate_well(text);
	ck_assert_str_eq(read_secret(again, "password"), "s3cret");
	ck_assert(secret_fds_replace(rules.fds, fd, VIEW("newer")));
	ck_assert(!secret_fds_replace(rules.fds, fd + 1, VIEW("x")));
	ck_assert_str_eq(read_secret(c, "key"), "newer");
	ck_assert_int_eq(config_secret_replace(c, "password", VIEW("newest"), &err),
			 EZ_OK);
	ck_assert_str_eq(read_secret(again, "key"), "newest");
	config_free(c);
	config_free(again);
}
END_TEST

START_TEST(a_descriptor_of_our_own_is_no_secret)
{
	int fd = dup3(0, 77, O_CLOEXEC);

	ck_assert_int_eq(fd, 77);
	expect_error(
		"path = \"p\"; password = { fd = 77; };",
		"t:1: sink: password: cannot read descriptor 77: Bad file descriptor");
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(literal_secrets_can_be_replaced_and_others_not)
{
	struct ez_config *c;

	write_file("pw", "x");
	c = validate_well("path = \"p\"; password = \"old\"; key = { file = \"pw\"; };");
	ck_assert_int_eq(config_secret_replace(c, "password", VIEW("new"), &err), EZ_OK);
	ck_assert_str_eq(read_secret(c, "password"), "new");
	ck_assert_int_eq(config_secret_replace(c, "key", VIEW("n"), &err), EZ_E_CONFIG);
	ck_assert_int_eq(config_secret_replace(c, "path", VIEW("n"), &err), EZ_E_CONFIG);
	ck_assert_int_eq(config_secret_replace(c, "gone", VIEW("n"), &err), EZ_E_CONFIG);
	config_free(c);
}
END_TEST

START_TEST(remote_jobs_may_not_name_places)
{
	rules.flags = OPTIONS_REMOTE;
	expect_error("path = \"p\"; password = { env = \"HOME\"; };",
		     "t:1: sink: password: a job from the control plane cannot use env");
	expect_error("path = \"p\"; password = { fd = 0; };",
		     "t:1: sink: password: descriptors cannot be used here");
	rules.secrets_dir = ".";
	expect_error(
		"path = \"p\"; password = { file = \"../pw\"; };",
		"t:1: sink: password: a job from the control plane may name a secret of "
		"this worker's secrets_dir, not a path");
	expect_error(
		"path = \"p\"; password = { file = \"..\"; };",
		"t:1: sink: password: a job from the control plane may name a secret of "
		"this worker's secrets_dir, not a path");
	write_file("pw", "named");
	config_free(validate_well("path = \"p\"; password = { file = \"pw\"; };"));
}
END_TEST

START_TEST(form_can_be_checked_without_reading_secrets)
{
	rules.flags = OPTIONS_NO_SECRETS;
	config_free(validate_well("path = \"p\"; password = { file = \"gone\"; };"));
	config_free(validate_well("path = \"p\"; password = { env = \"EZ_GONE\"; };"));
	config_free(validate_well("path = \"p\"; password = { fd = 987; };"));
}
END_TEST

START_TEST(secrets_are_never_written)
{
	struct buf b = BUF_INIT(4096);
	struct ez_config *c = validate_well(
		"path = \"p\\\"q\\n\"; password = \"hunter2\"; tables = [ \"a\\\\b\" ];");

	config_format(c, &b, "  ");
	ck_assert(!strstr(buf_cstr(&b), "hunter2"));
	ck_assert(strstr(buf_cstr(&b), "  password = \"***\";\n"));
	ck_assert(strstr(buf_cstr(&b), "  path = \"p\\\"q\\n\";\n"));
	config_free(c);
	buf_truncate(&b, b.len);
	c = validate_well(buf_cstr(&b)); /* what is written can be read */
	ck_assert(is_str(config_item(c, "tables", 0), "a\\b"));
	ck_assert(is_str(config_str(c, "path"), "p\"q\n"));
	ck_assert_int_eq(config_num(c, "any"), INT64_C(-5000000000));
	config_free(c);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("secret_ref");
	TCase *t = tcase_create("secret_ref");

	tcase_add_checked_fixture(t, option_setup, option_teardown);
	tcase_add_test(t, a_secret_file_is_read_anew_each_time);
	tcase_add_test(t, a_secret_file_is_relative_to_the_job_file);
	tcase_add_test(t, text_and_environment_give_secrets_too);
	tcase_add_test(t, a_descriptor_is_read_once_and_shared);
	tcase_add_test(t, a_descriptor_of_our_own_is_no_secret);
	tcase_add_test(t, literal_secrets_can_be_replaced_and_others_not);
	tcase_add_test(t, remote_jobs_may_not_name_places);
	tcase_add_test(t, form_can_be_checked_without_reading_secrets);
	tcase_add_test(t, secrets_are_never_written);
	suite_add_tcase(s, t);
	return run_suite(s);
}
