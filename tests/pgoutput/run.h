/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PGOUTPUT_RUN_H
#define TESTS_PGOUTPUT_RUN_H

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

#undef fail /* the old name of ck_abort_msg, and a member of struct ez_host */

/* Adds a case of the tests named, and runs the suite as the body of a test program. */
#define ADD_TESTS(suite, name, ...)                            \
 add_tests(suite, name, (const TTest *const[]){ __VA_ARGS__ }, \
	   sizeof((const TTest *const[]){ __VA_ARGS__ }) / sizeof(void *))

static inline void add_tests(Suite *suite, const char *name, const TTest *const *tests,
			     size_t n)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 60);
	for (size_t i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
}

static inline void add_loop(Suite *suite, const char *name, const TTest *test, int n)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test, 0, n);
	suite_add_tcase(suite, tc);
}

static inline int run_tests(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
