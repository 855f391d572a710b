/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_REPORT_H
#define ENGINE_REPORT_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * What check() and discover() find: a list of findings ("replication slots: 2 of 10 in
 * use", with a remedy if something is wrong) and a list of tables. Filled through the host
 * functions `finding` and `found`, printed for people or as JSON.
 *
 * A value; report_release() frees. One thread.
 */
struct report_finding {
	int status;   /* enum ez_finding */
	char *section; /* "source pgoutput", "sink file": what was being checked */
	char *what, *text, *remedy; /* remedy may be NULL */
};

struct report_table {
	char *schema, *name, *key, *reason;
	int64_t rows_estimate, bytes;
	bool ready;
};

struct ez_report {
	char *section; /* for the findings that follow */
	struct report_finding *findings;
	struct report_table *tables;
	size_t n_findings, n_tables;
	size_t n_failed, n_warnings;
};

void report_release(struct ez_report *r);
void report_section(struct ez_report *r, const char *section);

/* The host functions. */
void report_finding(struct ez_report *r, int status, const char *what, const char *remedy,
		    const char *fmt, ...) _printf_(5, 6);
void report_found(struct ez_report *r, const struct ez_found *f);

/* An error that ended a check, as a failed finding. */
void report_error(struct ez_report *r, const char *what, const struct ez_error *err);

/* For people: aligned, with a mark per line and remedies indented below. */
void report_print(const struct ez_report *r, bool color, struct buf *out);
void report_json(const struct ez_report *r, struct buf *out);
void report_tables_print(const struct ez_report *r, struct buf *out);
void report_tables_json(const struct ez_report *r, struct buf *out);

#endif
