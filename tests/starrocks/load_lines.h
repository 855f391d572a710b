/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_LOAD_LINES_H
#define STARROCKS_LOAD_LINES_H

#include <stddef.h>

/*
 * What a cluster, its network and proxies can do to a load, and what comes of it: the answers
 * and faults of docs/starrocks-answers.md, one line each.
 */
enum {
	LABELS = 1, /* before 4.0: a load is a transaction */
	MULTI = 2,  /* 4.0: one transaction over the tables */
	BOTH = LABELS | MULTI,
};

struct load_line {
	const char *name;
	unsigned where;
	const char *fault; /* LOAD is the path of loads, FRONT and STRANGER are ports */
	int rc;            /* EZ_OK: it arrives */
	const char *says;  /* the error and its hint */
};

extern const struct load_line load_lines[];
extern const size_t n_load_lines;

#endif
