/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "config_common.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

void enter_folder(void)
{
	memcpy(folder, "/tmp/ezcdc-config-XXXXXX", sizeof("/tmp/ezcdc-config-XXXXXX"));
	ck_assert(mkdtemp(folder) != NULL);
	ck_assert(chdir(folder) == 0);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void leave_folder(void)
{
	ck_assert(chdir("/") == 0);
	ck_assert(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

void write_bytes(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(name, "we");

	ck_assert_msg(f != NULL, "%s", name);
	ck_assert(fwrite(data, 1, len, f) == len);
	ck_assert(fclose(f) == 0);
}

void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

bool has_problem(const struct problems *p, const char *line)
{
	for (size_t i = 0; i < p->n_lines; i++) {
		if (strcmp(p->lines[i], line) == 0)
			return true;
	}
	fprintf(stderr, "not among the %zu problems: %s\n", p->n, line);
	for (size_t i = 0; i < p->n_lines; i++)
		fprintf(stderr, "  %s\n", p->lines[i]);
	return false;
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

int pipe_with(const char *text)
{
	int fds[2];

	ck_assert(pipe(fds) == 0);
	ck_assert(write(fds[1], text, strlen(text)) == (ssize_t)strlen(text));
	ck_assert(close(fds[1]) == 0);
	return fds[0];
}
