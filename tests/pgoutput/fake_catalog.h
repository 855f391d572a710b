/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PGOUTPUT_FAKE_CATALOG_H
#define TESTS_PGOUTPUT_FAKE_CATALOG_H

/*
 * Stands in for the SQL half where a test is about the stream half alone: shapes are made
 * from what RELATION says, and where that names no key (identity FULL or NOTHING) a column
 * called "id" is the primary key. Tables whose name begins with "skip" are not selected.
 */

/* So many look-ups from now on fail as transient, with this code: "53300" at first. */
extern unsigned fake_catalog_failures;
extern const char *fake_catalog_code;

/* Look-ups that succeeded. */
extern unsigned fake_catalog_lookups;

#endif
