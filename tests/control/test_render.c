/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libconfig.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/secret.h"
#include "control/jobs/options.h"
#include "control/jobs/render.h"
#include "control/json/doc.h"
#include "control/settings.h"

static struct json_t *parse(const char *text)
{
	struct buf why = BUF_INIT(256);
	struct json_t *j = doc_parse(view_str(text), &why);

	ck_assert_msg(j != NULL, "%s", buf_cstr(&why));
	buf_release(&why);
	return j;
}

/* Renders, and reads it back with libconfig. NULL when it was refused. */
static config_t *render(const char *source, const char *spec)
{
	static config_t c;
	struct buf text = BUF_INIT(2 * 1024 * 1024), why = BUF_INIT(512);
	struct json_t *s = parse(source), *j = parse(spec),
		      *k = parse("{\"path\":\"/out\"}");
	struct render_job job = { .name = "shop",
				  .source = { "pgoutput", s },
				  .sink = { "file", k },
				  .spec = j };
	bool ok = render_job(&job, &text, &why);

	doc_free(s);
	doc_free(j);
	doc_free(k);
	config_init(&c);
	if (ok)
		ck_assert_msg(config_read_string(&c, buf_cstr(&text)), "line %d: %s\n%s",
			      config_error_line(&c), config_error_text(&c),
			      buf_cstr(&text));
	else
		config_destroy(&c);
	ck_assert(ok || why.len > 0);
	buf_release(&text);
	buf_release(&why);
	return ok ? &c : NULL;
}

static const char *text_at(config_t *c, const char *path)
{
	const char *s = "(absent)";

	return config_lookup_string(c, path, &s) ? s : "(absent)";
}

START_TEST(text_comes_back_as_it_went)
{
	static const char *const texts[] = { "plain",
					     "a \\\"b\\\" c",
					     "back\\\\slash",
					     "\\\\\\\"",
					     "line\\nfeed\\ttab\\r",
					     "; name = \\\"evil\\\";",
					     "@include \\\"/etc/passwd\\\"",
					     "# no comment",
					     "/* none */",
					     "\\u001b[31m\\u007f",
					     "Gr\\u00fc\\u00dfe \\ud83d\\ude00",
					     "" };
	char *json =
		xasprintf("{\"conninfo\":\"host=a\",\"password\":\"%s\"}", texts[_i]);
	struct json_t *expected = parse(json);
	config_t *c = render(json, "{}");

	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(text_at(c, "source.password"), doc_str(expected, "password"));
	ck_assert_str_eq(text_at(c, "name"), "shop");
	config_destroy(c);
	doc_free(expected);
	free(json);
}
END_TEST

START_TEST(values_keep_their_types)
{
	config_t *c = render(
		"{\"conninfo\":\"host=a\",\"big\":5000000000,\"small\":-7,\"on\":true,\"x\":1.5,"
		"\"list\":[\"a\",\"b\"],\"none\":[],\"gone\":null,\"map\":{\"k\":\"v\"}}",
		"{\"tables\":[\"public.*\"],\"transforms\":[{\"plugin\":\"mask\",\"columns\":[\"a\"]},"
		"{\"plugin\":\"route\",\"from\":\"x\"}],\"batch\":{\"max_rows\":5},\"memory\":\"64MiB\"}");
	long long big;
	double x;
	int n;

	ck_assert_ptr_nonnull(c);
	ck_assert(config_lookup_int64(c, "source.big", &big) && big == 5000000000);
	ck_assert(config_lookup_int(c, "source.small", &n) && n == -7);
	ck_assert(config_lookup_bool(c, "source.on", &n) && n == 1);
	ck_assert(config_lookup_float(c, "source.x", &x) && x > 1.4 && x < 1.6);
	ck_assert_int_eq(config_setting_length(config_lookup(c, "source.list")), 2);
	ck_assert_int_eq(config_setting_length(config_lookup(c, "source.none")), 0);
	ck_assert_ptr_null(config_lookup(c, "source.gone"));
	ck_assert_str_eq(text_at(c, "source.map.k"), "v");
	ck_assert_str_eq(text_at(c, "source.tables.[0]"), "public.*");
	ck_assert_str_eq(text_at(c, "transforms.[1].plugin"), "route");
	ck_assert(config_lookup_int(c, "batch.max_rows", &n) && n == 5);
	ck_assert_str_eq(text_at(c, "memory"), "64MiB");
	config_destroy(c);
}
END_TEST

START_TEST(the_checkpoint_goes_to_the_source)
{
	config_t *c = render("{\"conninfo\":\"host=a\",\"password\":\"p\"}", "{}");

	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(text_at(c, "state.store"), "postgres");
	ck_assert_str_eq(text_at(c, "state.conninfo"), "host=a");
	ck_assert_str_eq(text_at(c, "state.password"), "p");
	ck_assert_ptr_null(config_lookup(c, "state.epoch"));
	ck_assert_ptr_null(config_lookup(c, "source.slot"));
	config_destroy(c);
	c = render("{\"conninfo\":\"host=a\"}",
		   "{\"state\":{\"store\":\"file\"},\"source\":{\"slot\":\"mine\"}}");
	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(text_at(c, "state.store"), "file");
	ck_assert_str_eq(text_at(c, "source.slot"), "mine");
	config_destroy(c);
}
END_TEST

START_TEST(options_of_the_job_replace_those_of_the_datasource)
{
	config_t *c = render(
		"{\"conninfo\":\"host=a\",\"snapshot\":\"initial\",\"plugin\":\"evil\"}",
		"{\"source\":{\"snapshot\":\"never\",\"plugin\":\"evil\"}}");

	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(text_at(c, "source.snapshot"), "never");
	ck_assert_str_eq(text_at(c, "source.plugin"), "pgoutput");
	config_destroy(c);
}
END_TEST

START_TEST(what_a_job_file_cannot_hold_is_refused)
{
	ck_assert_ptr_null(render("{\"a.b\":1}", "{}"));
	ck_assert_ptr_null(render("{\"a b\":1}", "{}"));
	ck_assert_ptr_null(render("{\"a = 1; b\":1}", "{}"));
	ck_assert_ptr_null(render("{\"1a\":1}", "{}"));
	ck_assert_ptr_null(render("{\"a\":[1,\"x\"]}", "{}"));
	ck_assert_ptr_null(render("{\"a\":[[1]]}", "{}"));
	ck_assert_ptr_null(render("{\"a\":[null]}", "{}"));
}
END_TEST

START_TEST(secrets_are_taken_out_and_put_back)
{
	struct json_t *options = parse(
		"[{\"name\":\"odd\",\"type\":\"secret\"},{\"name\":\"token\",\"type\":\"string\"}]");
	struct json_t *config = parse("{\"odd\":\"s3cret\",\"token\":\"plain\"}");
	struct json_t *tree = parse(
		"{\"transforms\":[{\"key\":{\"set\":true}}],\"password\":{\"set\":true}}");
	struct taken t = { .n = 0 };
	struct field_error e;
	struct secret value = SECRET_INIT;
	char *text;

	ck_assert(options_take_secrets(options, config, "x/", false, &t, &e));
	ck_assert_int_eq(t.n, 1);
	ck_assert_str_eq(t.items[0].name, "x/odd");
	ck_assert_str_eq(t.items[0].value, "s3cret");
	text = doc_dump(config);
	ck_assert_str_eq(text, "{\"odd\":{\"set\":true},\"token\":\"plain\"}");
	free(text);
	taken_release(&t);
	ck_assert_int_eq(secret_set(&value, VIEW("v")), 0);
	options_put_secret(tree, "transforms/0/key", &value);
	options_put_secret(tree, "password", &value);
	options_put_secret(tree, "transforms/7/key", &value);
	options_put_secret(tree, "a/b/c", &value);
	text = doc_dump(tree);
	ck_assert_str_eq(text, "{\"transforms\":[{\"key\":\"v\"}],\"password\":\"v\"}");
	free(text);
	secret_release(&value);
	doc_free(options);
	doc_free(config);
	doc_free(tree);
}
END_TEST

/* ------------------------------------------------------------------ control.conf */

static const char *read_settings(const char *text, struct settings *s)
{
	static char message[512];
	char path[] = "/tmp/ez-control-conf-XXXXXX";
	struct buf why = BUF_INIT(sizeof(message) - 1);
	int fd = mkstemp(path);
	bool ok;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fs_write_all(fd, text, strlen(text)), 0);
	close(fd);
	ok = settings_read(s, path, &why);
	unlink(path);
	memcpy(message, buf_cstr(&why), why.len + 1);
	buf_release(&why);
	return ok ? NULL : message;
}

START_TEST(settings_have_defaults)
{
	struct settings s;

	ck_assert_ptr_null(read_settings("catalog = \"host=a\";", &s));
	ck_assert_str_eq(s.address, "127.0.0.1");
	ck_assert_str_eq(s.port, "8080");
	ck_assert_str_eq(s.keyring, "/etc/ezcdc/keyring");
	ck_assert_int_eq(s.threads, 4);
	ck_assert(!settings_is_https(&s));
	settings_release(&s);
	ck_assert_ptr_null(read_settings(
		"catalog = \"host=a\"; listen = \"[::1]:99\"; public_url = \"https://x/\";"
		"tls = { certificate = \"c\"; key = \"k\"; }; trust_proxy = true;",
		&s));
	ck_assert_str_eq(s.address, "::1");
	ck_assert_str_eq(s.port, "99");
	ck_assert_str_eq(s.public_url, "https://x");
	ck_assert(s.trust_proxy && settings_is_https(&s));
	settings_release(&s);
}
END_TEST

START_TEST(wrong_settings_are_named)
{
	static const char *const bad[][2] = {
		{ "listen = \"a:1\";", "catalog is missing" },
		{ "catalog = \"a\"; listn = \"a:1\";", "listn: is not known" },
		{ "catalog = 5;", "catalog: must be a string" },
		{ "catalog = \"a\"; threads = 0;", "threads: must be" },
		{ "catalog = \"a\"; trust_proxy = 1;",
		  "trust_proxy: must be true or false" },
		{ "catalog = \"a\"; listen = \"nowhere\";", "is not HOST:PORT" },
		{ "catalog = \"a\"; tls = { key = \"k\"; };",
		  "both certificate and key" },
		{ "catalog = \"a\"; tls = { cert = \"k\"; };", "cert: is not known" },
		{ "catalog = ", ":1: " },
	};
	struct settings s;
	const char *why = read_settings(bad[_i][0], &s);

	ck_assert_msg(why && strstr(why, bad[_i][1]), "%s", why ? why : "passes");
	settings_release(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("render");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(suite);
	int n;

	tcase_add_loop_test(tc, text_comes_back_as_it_went, 0, 12);
	tcase_add_test(tc, values_keep_their_types);
	tcase_add_test(tc, the_checkpoint_goes_to_the_source);
	tcase_add_test(tc, options_of_the_job_replace_those_of_the_datasource);
	tcase_add_test(tc, what_a_job_file_cannot_hold_is_refused);
	tcase_add_test(tc, secrets_are_taken_out_and_put_back);
	tcase_add_test(tc, settings_have_defaults);
	tcase_add_loop_test(tc, wrong_settings_are_named, 0, 9);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_NORMAL);
	n = srunner_ntests_failed(sr);
	srunner_free(sr);
	return n == 0 ? 0 : 1;
}
