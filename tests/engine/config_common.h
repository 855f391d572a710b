/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ENGINE_CONFIG_COMMON_H
#define TESTS_ENGINE_CONFIG_COMMON_H

#include <check.h>
#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/problems.h"

/*
 * A temporary folder per test, files in it, and the wording of problems.
 */

/* Check fixtures: makes a folder and changes into it; removes it with its content. */
void enter_folder(void);
void leave_folder(void);

/* Relative to the folder. */
void write_file(const char *name, const char *text);
void write_bytes(const char *name, const void *data, size_t len);

/* Whether any line of the list is `line`; prints the list if not. */
bool has_problem(const struct problems *p, const char *line);

/* Runs the suite and returns what main() should. */
int run_suite(Suite *s);

/* An inherited descriptor: a pipe that holds the text and is closed at its other end. */
int pipe_with(const char *text);

#endif
