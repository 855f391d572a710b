/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_CONFIG_SCAN_H
#define ENGINE_CONFIG_SCAN_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"

struct problems;

/*
 * Goes over a file in libconfig's syntax before libconfig does (R21).
 *
 * It reads every token, follows the grammar, resolves `@include`, and writes a plain text
 * that libconfig can only accept: no comments, no escapes, no includes, numbers that fit.
 * Strings are taken out on the way (they may be secrets, and libconfig does not wipe): the
 * text has `"0"`, `"1"`... instead, the places of the strings in `strings`. The lines of
 * the plain text are told back to files and lines by scan_where().
 *
 * A value type; scan_release() wipes and frees it. Not thread safe.
 */
struct scan_string {
	char *ptr; /* NUL-terminated, without a NUL inside */
	size_t len;
};

/* From line `first` of the plain text on, lines are those of `file` from `line` on. */
struct scan_span {
	unsigned first, line;
	size_t file;
};

struct scan {
	struct buf text;
	struct scan_string *strings;
	size_t n_strings;
	struct scan_span *spans;
	size_t n_spans;
	char **files; /* names for messages */
	size_t n_files;
};

/* With a fault, false, the fault in `p`, and nothing to release. */
_must_check_ bool scan_path(const char *path, struct scan *ret_scan, struct problems *p);
_must_check_ bool scan_fd(int fd, const char *name, struct scan *ret_scan,
			  struct problems *p);
_must_check_ bool scan_text(const char *name, struct ez_view text, struct scan *ret_scan,
			    struct problems *p);
void scan_release(struct scan *s);

/* Where line `line` of the plain text came from. */
void scan_where(const struct scan *s, unsigned line, const char **ret_file,
		unsigned *ret_line);

#endif
