/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_EXIT_CODE_H
#define ENGINE_EXIT_CODE_H

struct ez_error;

/*
 * Exit codes of all programs follow sysexits.h; contracts.md section 2 says which means
 * what. Here is the one place where a class of error becomes a code.
 */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_DIFFERENT = 1, /* ezcdc verify, as cmp(1) has it */
	EXIT_USAGE = 64,
	EXIT_DATA = 65,
	EXIT_UNAVAILABLE = 69,
	EXIT_INTERNAL = 70,
	EXIT_CANTCREAT = 73,
	EXIT_IO = 74,
	EXIT_BUSY = 75,
	EXIT_PERMISSION = 77,
	EXIT_CONFIG = 78,
};

/* EZ_E_IO is EXIT_CANTCREAT when err->code is "CANTCREAT", else EXIT_IO. */
int exit_code_of(const struct ez_error *err);

#endif
