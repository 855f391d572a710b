/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/loader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/view.h"
#include "config_common.h"
#include "engine/elf_check.h"
#include "engine/plugin_list.h"

static const struct ez_host host = { .size = sizeof(host), .abi_major = EZ_ABI_MAJOR };

static char *fixtures;
static struct loader *loader;
static struct ez_error err;

static void setup(void)
{
	const char *build = getenv("EZ_BUILD");

	char *path = xasprintf("%s/tests/abi/fixtures", build ? build : ".");

	fixtures = realpath(path, NULL);
	free(path);
	ck_assert_msg(fixtures != NULL, "the fixtures are not built");
	enter_folder();
	loader = loader_new(&host);
	loader_add_dir(loader, "nowhere");
	loader_add_dir(loader, fixtures);
	err = (struct ez_error){ .size = sizeof(err) };
}

static void teardown(void)
{
	loader_free(loader);
	free(fixtures);
	leave_folder();
}

static const struct plugin *get(enum ez_kind kind, const char *name)
{
	return loader_get(loader, kind, view_str(name), &err);
}

static const struct plugin *get_sink(const char *name)
{
	const struct plugin *p = get(EZ_SINK, name);

	ck_assert_msg(p != NULL, "%s: %s", name, err.text);
	ck_assert_str_eq(p->name, name);
	ck_assert_int_eq(p->kind, EZ_SINK);
	ck_assert(p->ops.sink.open && p->ops.sink.close && p->ops.sink.write);
	ck_assert(p->ops.sink.flush == NULL && p->ops.sink.interrupt == NULL);
	return p;
}

START_TEST(a_sound_plugin_is_loaded_once_and_works)
{
	const struct plugin *p = get_sink("good");
	struct ez_open args = { .size = sizeof(args) };
	void *inst = NULL;

	ck_assert_str_eq(p->version, "1.2");
	ck_assert_uint_eq(p->abi_major, EZ_ABI_MAJOR);
	ck_assert(plugin_can(p, EZ_CAP_DURABLE_WRITE));
	ck_assert(!plugin_can(p, EZ_CAP_SNAPSHOT));
	ck_assert_str_eq(p->options[0]->name, "mode");
	/* A second load() would fail: the fixture counts. */
	ck_assert_ptr_eq(get(EZ_SINK, "good"), p);
	ck_assert_int_eq(p->ops.sink.open(&args, &inst, &err), EZ_OK);
	ck_assert_int_eq(p->ops.sink.write(inst, NULL, &err), EZ_OK);
	p->ops.sink.close(inst);
}
END_TEST

START_TEST(callbacks_of_other_versions_are_cut_and_filled_up)
{
	get_sink("short_ops");
	get_sink("long_ops");
	get_sink("long_desc");
	get_sink("newer_minor");
	get_sink("newer_hint");
}
END_TEST

START_TEST(a_plugin_of_the_first_abi_still_loads)
{
	const struct plugin *p = get_sink("frozen");

	ck_assert_uint_eq(p->abi_major, 1);
	ck_assert_uint_eq(p->abi_minor, 0);
}
END_TEST

START_TEST(what_is_wrong_is_said_in_one_line)
{
	static const struct {
		const char *name, *reason;
	} cases[] = {
		{ "wrong_magic",
		  "its symbol \"ez_plugin\" is no plugin descriptor (wrong magic number)" },
		{ "wrong_major", "built for plugin ABI 2.0, this engine has 1.0" },
		{ "must_know",
		  "needs capability 0x10000000000, which this engine does not "
		  "have; a newer engine may" },
		{ "short_desc", "its descriptor states a wrong size, 64 bytes" },
		{ "huge_desc", "its descriptor states a wrong size, 100000 bytes" },
		{ "unknown_kind", "is of the unknown kind 77" },
		{ "no_name", "states no name, version or summary" },
		{ "no_ops", "has no callbacks" },
		{ "no_write", "lacks the required callback write()" },
		{ "tiny_ops", "lacks the required callback write()" },
		{ "bad_options", "option \"mode\" has no choices" },
		{ "clashing_options", "option \"target\" must be of type enum" },
		{ "no_symbol", "has no symbol \"ez_plugin\", so it is no plugin" },
		{ "function_symbol", "its symbol \"ez_plugin\" is no plugin descriptor" },
		{ "small_symbol", "its symbol \"ez_plugin\" is no plugin descriptor" },
		{ "other_name", "calls itself \"good\"; the file must have that name" },
		{ "undefined_symbol", "undefined symbol: nobody_defines_this" },
		{ "missing_library",
		  "libgone-for-good.so.1: cannot open shared object file: No "
		  "such file or directory" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *line = xasprintf("plugin \"%s\" (%s/%s.so): %s", cases[i].name,
				       fixtures, cases[i].name, cases[i].reason);

		ck_assert_msg(get(EZ_SINK, cases[i].name) == NULL, "%s", cases[i].name);
		ck_assert_int_eq(err.rc, EZ_E_CONFIG);
		ck_assert_str_eq(err.text, line);
		/* The same again, from memory. */
		ck_assert(get(EZ_SINK, cases[i].name) == NULL);
		ck_assert_str_eq(err.text, line);
		free(line);
	}
}
END_TEST

START_TEST(a_plugin_of_another_kind_is_refused)
{
	char *line = xasprintf(
		"plugin \"a_source\" (%s/a_source.so) is a source, not a sink", fixtures);

	ck_assert(get(EZ_SINK, "a_source") == NULL);
	ck_assert_str_eq(err.text, line);
	ck_assert(get(EZ_SOURCE, "a_source") != NULL);
	free(line);
}
END_TEST

START_TEST(a_missing_plugin_names_the_folders_and_a_likely_one)
{
	char *line = xasprintf("there is no sink plugin \"god\"; did you mean \"good\"? "
			       "(searched: nowhere, %s)",
			       fixtures);

	ck_assert(get(EZ_SINK, "god") == NULL);
	ck_assert_int_eq(err.rc, EZ_E_CONFIG);
	ck_assert_str_eq(err.text, line);
	free(line);
	line = xasprintf("there is no store plugin \"zzzzzz\" (searched: nowhere, %s)",
			 fixtures);
	ck_assert(get(EZ_STORE, "zzzzzz") == NULL);
	ck_assert_str_eq(err.text, line);
	free(line);
}
END_TEST

START_TEST(names_are_not_paths)
{
	static const char *const bad[] = { "",      "../good",     "good.so",
					   "Good",  "/etc/passwd", "a b",
					   "good\n" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(get(EZ_SINK, bad[i]) == NULL, "%s", bad[i]);
		ck_assert_str_eq(err.text,
				 "the name of a plugin has only a-z, 0-9, \"_\" and "
				 "\"-\"");
	}
	ck_assert(loader_get(loader, EZ_SINK, view_of("good\0", 5), &err) == NULL);
}
END_TEST

START_TEST(a_plugin_whose_load_fails_is_not_asked_again)
{
	ck_assert(get(EZ_SINK, "load_fails") == NULL);
	ck_assert_int_eq(err.rc, EZ_E_CONFIG);
	ck_assert(strstr(err.text, "its load() failed with -3"));
	ck_assert(get(EZ_SINK, "load_fails") == NULL);
	ck_assert_int_eq(err.rc, EZ_E_CONFIG);
}
END_TEST

static void copy_fixture(const char *name, const char *to, size_t n_bytes)
{
	struct buf b = BUF_INIT(1 << 22);
	char *path = xasprintf("%s/%s.so", fixtures, name);

	ck_assert_int_eq(fs_read_file(path, 1 << 22, &b), 0);
	write_bytes(to, b.ptr, MIN(b.len, n_bytes));
	free(path);
	buf_release(&b);
}

START_TEST(the_first_folder_that_has_it_wins)
{
	struct loader *l = loader_new(&host);

	ck_assert(mkdir("first", 0700) == 0);
	write_file("first/good.so", "garbage");
	loader_add_dir(l, "first");
	loader_add_dir(l, fixtures);
	ck_assert(loader_get(l, EZ_SINK, VIEW("good"), &err) == NULL);
	ck_assert(strstr(err.text, "/first/good.so): not a shared object"));
	ck_assert(loader_get(l, EZ_SINK, VIEW("short_ops"), &err) != NULL);
	loader_free(l);
}
END_TEST

START_TEST(the_environment_adds_folders_before_the_compiled_in_one)
{
	struct loader *l = loader_new(&host);
	char *path = xasprintf("::/gone-for-good:%s:", fixtures);

	ck_assert(setenv("EZCDC_PLUGIN_PATH", path, 1) == 0);
	loader_add_default_dirs(l);
	ck_assert(loader_get(l, EZ_SINK, VIEW("good"), &err) != NULL);
	ck_assert(loader_get(l, EZ_SINK, VIEW("zzzzzz"), &err) == NULL);
	ck_assert(strstr(err.text, "(searched: /gone-for-good, "));
	ck_assert(strstr(err.text, ", " EZ_PLUGINDIR ")") || strlen(err.text) >= 470);
	loader_free(l);
	free(path);
}
END_TEST

/* ------------------------------------------------------------------------- garbage */

static void make_socket(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, name, strlen(name));
	ck_assert(fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0);
	close(fd);
}

/* Everything but the last is garbage. */
static void fill_with_garbage(void)
{
	static const char elf[] =
		"\177ELF\2\1\1\0garbage garbage garbage garbage garbage "
		"garbage garbage garbage garbage garbage";

	ck_assert(mkdir("g", 0700) == 0 && mkdir("g/folder.so", 0700) == 0);
	ck_assert(mkfifo("g/fifo.so", 0600) == 0);
	ck_assert(symlink("nowhere", "g/dangling.so") == 0);
	ck_assert(symlink("loop.so", "g/loop.so") == 0);
	ck_assert(symlink("/dev/zero", "g/device.so") == 0);
	make_socket("g/socket.so");
	write_file("g/empty.so", "");
	write_file("g/text.so", "just text\n");
	write_file("g/A Name.so", "x");
	write_bytes("g/elf.so", elf, sizeof(elf));
	write_file("g/readme.txt", "not looked at");
	write_file("g/.so", "nor this");
	copy_fixture("good", "g/half.so", 5000);
	copy_fixture("good", "g/good.so", SIZE_MAX);
}

START_TEST(a_folder_full_of_garbage_gives_a_line_each)
{
	static const char *const reasons[][2] = {
		{ "A Name", "the name of a plugin has only a-z, 0-9, \"_\" and \"-\"" },
		{ "dangling", "a link to nowhere" },
		{ "device", "not a regular file" },
		{ "elf", "built for another kind of machine" },
		{ "empty", "the file is empty" },
		{ "fifo", "not a regular file" },
		{ "folder", "not a regular file" },
		{ "good", NULL },
		{ "half", "a shared object that was cut short" },
		{ "loop", "Too many levels of symbolic links" },
		{ "socket", "not a regular file" },
		{ "text", "not a shared object" },
	};
	struct loader *l = loader_new(&host);
	struct loader_list list;

	fill_with_garbage();
	loader_add_dir(l, "g");
	loader_add_dir(l, "g");
	loader_scan(l, &list);
	ck_assert_uint_eq(list.n, ARRAY_LEN(reasons));
	for (size_t i = 0; i < list.n; i++) {
		ck_assert_str_eq(list.entries[i].name, reasons[i][0]);
		ck_assert((list.entries[i].plugin != NULL) == (reasons[i][1] == NULL));
		if (reasons[i][1])
			ck_assert_str_eq(list.entries[i].reason, reasons[i][1]);
	}
	loader_list_release(&list);
	loader_free(l);
}
END_TEST

START_TEST(a_plugin_cut_short_anywhere_does_no_harm)
{
	struct stat st;
	char *path = xasprintf("%s/good.so", fixtures);
	unsigned n_refused = 0;

	ck_assert(stat(path, &st) == 0);
	ck_assert(mkdir("cut", 0700) == 0);
	for (off_t n = 1; n < st.st_size; n += 311) {
		char *name = xasprintf("cut%ld", (long)n);
		char *file = xasprintf("cut/%s.so", name);
		struct loader *l = loader_new(&host);

		copy_fixture("good", file, (size_t)n);
		loader_add_dir(l, "cut");
		/* Even uncut it would be refused, because of its name. */
		ck_assert(loader_get(l, EZ_SINK, view_str(name), &err) == NULL);
		n_refused += strstr(err.text, "calls itself") == NULL;
		loader_free(l);
		free(file);
		free(name);
	}
	ck_assert_uint_gt(n_refused, 10);
	free(path);
}
END_TEST

START_TEST(only_shared_objects_of_this_machine_pass)
{
	char *self = xasprintf("%s/good.so", fixtures);
	struct buf b = BUF_INIT(1 << 22);

	ck_assert_ptr_eq(elf_check(self), NULL);
	ck_assert_int_eq(fs_read_file(self, 1 << 22, &b), 0);
	b.ptr[18] = 40; /* e_machine: ARM */
	write_bytes("arm.so", b.ptr, b.len);
	ck_assert_str_eq(elf_check("arm.so"), "built for another kind of machine");
	b.ptr[18] = 62;
	b.ptr[16] = 1; /* e_type: relocatable */
	write_bytes("object.so", b.ptr, b.len);
	ck_assert_ptr_ne(elf_check("object.so"), NULL);
	ck_assert_str_eq(elf_check("gone.so"), "a link to nowhere");
	buf_release(&b);
	free(self);
}
END_TEST

/* --------------------------------------------------------------------------- lists */

START_TEST(the_list_shows_plugins_and_what_is_broken)
{
	struct buf b = BUF_INIT(1 << 20);

	plugin_list_all(loader, false, &b);
	ck_assert(strstr(buf_cstr(&b),
			 "\ngood              sink       1.2       A fixture of "
			 "the tests.\n"));
	ck_assert(strstr(buf_cstr(&b), "\nwrong_major       broken     -         "));
	ck_assert(
		strstr(buf_cstr(&b), "built for plugin ABI 2.0, this engine has 1.0\n"));
	buf_reset(&b);
	plugin_list_all(loader, true, &b);
	ck_assert(strstr(buf_cstr(&b),
			 "{\"plugins\":[{\"name\":\"a_source\",\"kind\":\"source\""));
	ck_assert(strstr(buf_cstr(&b), "\"broken\":[{\"name\":\"bad_options\","));
	ck_assert_int_eq(b.ptr[b.len - 1], '\n');
	buf_release(&b);
}
END_TEST

START_TEST(one_plugin_is_shown_with_its_options)
{
	struct buf b = BUF_INIT(1 << 20);

	ck_assert_int_eq(plugin_list_one(loader, VIEW("good"), false, &b, &err), EZ_OK);
	ck_assert(strstr(buf_cstr(&b), "good, sink, version 1.2, ABI 1.0\n"));
	ck_assert(strstr(buf_cstr(&b),
			 "\n  mode  (enum: slow|fast, live)  default: fast\n"
			 "      How to do nothing, in words long enough that the line "
			 "must be broken\n      somewhere before its end.\n"));
	buf_reset(&b);
	ck_assert_int_eq(plugin_list_one(loader, VIEW("good"), true, &b, &err), EZ_OK);
	ck_assert(strstr(
		buf_cstr(&b),
		"{\"name\":\"mode\",\"type\":\"enum\",\"required\":false,\"live\":true,"
		"\"connection\":false,\"label\":\"Mode\",\"group\":\"General\","
		"\"default\":\"fast\",\"choices\":[\"slow\",\"fast\"],\"help\":"));
	buf_reset(&b);
	ck_assert_int_eq(plugin_list_one(loader, VIEW("no_write"), false, &b, &err),
			 EZ_E_CONFIG);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_int_eq(plugin_list_one(loader, VIEW("gud"), false, &b, &err),
			 EZ_E_CONFIG);
	ck_assert(strstr(err.text, "there is no plugin \"gud\""));
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loader");
	TCase *t = tcase_create("loader");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_sound_plugin_is_loaded_once_and_works);
	tcase_add_test(t, callbacks_of_other_versions_are_cut_and_filled_up);
	tcase_add_test(t, a_plugin_of_the_first_abi_still_loads);
	tcase_add_test(t, what_is_wrong_is_said_in_one_line);
	tcase_add_test(t, a_plugin_of_another_kind_is_refused);
	tcase_add_test(t, a_missing_plugin_names_the_folders_and_a_likely_one);
	tcase_add_test(t, names_are_not_paths);
	tcase_add_test(t, a_plugin_whose_load_fails_is_not_asked_again);
	tcase_add_test(t, the_first_folder_that_has_it_wins);
	tcase_add_test(t, the_environment_adds_folders_before_the_compiled_in_one);
	tcase_add_test(t, a_folder_full_of_garbage_gives_a_line_each);
	tcase_add_test(t, a_plugin_cut_short_anywhere_does_no_harm);
	tcase_add_test(t, only_shared_objects_of_this_machine_pass);
	tcase_add_test(t, the_list_shows_plugins_and_what_is_broken);
	tcase_add_test(t, one_plugin_is_shown_with_its_options);
	suite_add_tcase(s, t);
	return run_suite(s);
}
