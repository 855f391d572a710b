/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQLTEST_H
#define STARROCKS_SQLTEST_H

#include <check.h>
#include <stdarg.h>

#include "sql.h"

/*
 * A cluster in the test's own process, and statements on it without a connection.
 *
 * One at a time: begin, statements, end. Answers are compared as text, cells separated by
 * "|", rows ended by a newline, NULL written as NULL.
 */
struct cluster *sqltest_begin(const char *version, unsigned n_be);
void sqltest_end(void);

/* Must work. */
_printf_(1, 2) void sql_ok(const char *fmt, ...);

/* Must fail with this number and a text that contains `part`. */
void sql_refused(unsigned code, const char *part, const char *sql);

/* The rows of the answer. */
void sql_gives(const char *sql, const char *rows);

/* Any bytes; false when it was an error. The answer's text is for sqltest_text. */
bool sql_try(struct ez_view sql);
const char *sqltest_text(void);

/* Whose session it is from now on; root's at the beginning. */
void sqltest_user(const char *name);

/* A visible row; as many texts as the table has columns, NULL for NULL. */
void sqltest_row(const char *database, const char *table, ...);

struct table *sqltest_table(const char *database, const char *table);

/* Moves the clock of the cluster. */
void sqltest_wait_ms(int64_t ms);

/* As tests/base/common.h has them; that library is not linked here. */
#define SQLTEST_CASE(suite, name, ...) \
 sqltest_case(suite, name, (const TTest *const[]){ __VA_ARGS__, NULL }, 1)
#define SQLTEST_LOOP(suite, name, n, ...) \
 sqltest_case(suite, name, (const TTest *const[]){ __VA_ARGS__, NULL }, n)
void sqltest_case(Suite *suite, const char *name, const TTest *const *tests, int n_loops);
int sqltest_run(Suite *suite);

#endif
