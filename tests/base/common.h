/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_BASE_COMMON_H
#define TESTS_BASE_COMMON_H

#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "base/view.h"

/*
 * What the tests of core/base share: running a suite, children that should abort, stderr
 * as a string, and seeds. Uses no more of the library than it must, since it judges it.
 */

/* The body of a test program's main: runs the suite, returns its exit status. */
int run_suite(Suite *suite);

/* Makes a case of `n` tests and adds it to the suite. */
void add_case(Suite *suite, const char *name, const TTest *const *tests, size_t n);

/* The same with tests that run `n_loops` times, _i counting from 0. */
void add_properties(Suite *suite, const char *name, const TTest *const *tests, size_t n,
		    int n_loops);

#define ADD_CASE(suite, name, ...)                            \
 add_case(suite, name, (const TTest *const[]){ __VA_ARGS__ }, \
	  sizeof((const TTest *const[]){ __VA_ARGS__ }) / sizeof(const TTest *))

#define ADD_PROPERTIES(suite, name, n_loops, ...)                                      \
 add_properties(suite, name, (const TTest *const[]){ __VA_ARGS__ },                    \
		sizeof((const TTest *const[]){ __VA_ARGS__ }) / sizeof(const TTest *), \
		n_loops)

/* Runs `f` in a child. True when it died of abort(); `said` gets what it wrote to stderr. */
bool aborts(void (*f)(void), char *said, size_t size);

/* From begin to end stderr goes to a file; end returns its content, to be freed. */
void capture_stderr_begin(void);
char *capture_stderr_end(void);

/* A folder of its own for this test, removed by folder_remove with all that is in it. */
char *folder_make(void);
void folder_remove(char *path);

/*
 * The seed of the loop `i`: EZ_SEED (default 1) and the loop number, so that a run can be
 * repeated and another one asked for. Printed by CHECK_SEEDED when it fails.
 */
uint64_t seed_of(int i);
/* clang-format off */
#define CHECK_SEEDED(cond, seed) \
	CHECK_MSG(cond, "false with seed 0x%" PRIx64 ": %s", (uint64_t)(seed), #cond)

/*
 * For loops of many rounds: ck_assert writes a message to a file each time it passes, this
 * only when it fails.
 */
#define CHECK(cond) CHECK_MSG(cond, "false: %s", #cond)
#define CHECK_MSG(cond, ...) \
	do { \
		if (!(cond)) \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)
/* clang-format on */

/* Fills with bytes of which about a half are printable ASCII. */
void fill_random(struct prng *p, char *data, size_t n);

static inline bool view_is(struct ez_view v, const char *text)
{
	return view_eq_str(v, text);
}

#endif
