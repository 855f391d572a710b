/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_main.c - runs a fuzz target over files, for builds without libFuzzer.
 *
 *	fuzz_NAME [FILE|FOLDER]...
 *
 * Without arguments it takes the folder tests/fuzz/corpus/NAME of the source tree, so that `make check` repeats every
 * input that ever found a fault. Each input gets a block of exactly its size: a read past its end is then visible to
 * AddressSanitizer and valgrind.
 */
#include "config.h"

#include "fuzz.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_SKIP 77

/* nftw() passes no argument on, so the count has to live here. */
static size_t n_inputs;

static uint8_t *read_exactly(FILE *f, size_t size)
{
	uint8_t *data = malloc(size > 0 ? size : 1);

	if (data != NULL && fread(data, 1, size, f) != size) {
		free(data);
		data = NULL;
	}
	return data;
}

static int run_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rbe");
	uint8_t *data = f != NULL ? read_exactly(f, size) : NULL;
	int rc;

	if (f != NULL)
		(void)fclose(f);
	if (data == NULL) {
		fprintf(stderr, "%s: cannot read: %m\n", path);
		return -1;
	}
	/* Said first: when the target dies, the last line names the input. */
	printf("%s: %zu bytes\n", path, size);
	(void)fflush(stdout);
	rc = LLVMFuzzerTestOneInput(data, size);
	free(data);
	n_inputs++;
	if (rc != 0)
		fprintf(stderr, "%s: the target returned %d\n", path, rc);
	return rc;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)where;
	if (type == FTW_D || type == FTW_DP)
		return 0;
	if (type != FTW_F) {
		fprintf(stderr, "%s: neither file nor folder: %m\n", path);
		return -1;
	}
	return run_file(path, (size_t)st->st_size);
}

static int run_corpus(const char *program)
{
	const char *src = getenv("EZ_SRC");
	const char *base = strrchr(program, '/');
	const char *name;
	char path[4096];
	int n;

	base = base != NULL ? base + 1 : program;
	name = strncmp(base, "fuzz_", 5) == 0 ? base + 5 : base;
	n = snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s",
		     src != NULL ? src : ".", name);
	if (n < 0 || (size_t)n >= sizeof path)
		return -1;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return 0;
	return nftw(path, visit, 16, FTW_PHYS);
}

int main(int argc, char **argv)
{
	int rc = 0;

	if (argc < 2)
		rc = run_corpus(argv[0]);
	for (int i = 1; i < argc && rc == 0; i++)
		rc = nftw(argv[i], visit, 16, FTW_PHYS);
	if (rc != 0)
		return EXIT_FAILURE;
	if (n_inputs == 0) {
		printf("skip: no inputs\n");
		return EXIT_SKIP;
	}
	printf("%zu inputs\n", n_inputs);
	return EXIT_SUCCESS;
}
