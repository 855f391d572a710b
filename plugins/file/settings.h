/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_SETTINGS_H
#define FILE_SETTINGS_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

/*
 * The options of one instance as the plugin uses them, and the table they come from.
 *
 * Owned by the instance; everything is constant after settings_read().
 */
enum layout { LAYOUT_STREAM, LAYOUT_PER_TABLE };
enum format { FORMAT_JSONL, FORMAT_CSV };
enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

struct settings {
	char *path;   /* absolute, without a slash at the end */
	char *job;    /* as it stands in names of files: percent-encoded */
	char *source; /* as it stands in rows: the job's name in JSON, without quotes */
	const char *suffix; /* ".jsonl.gz" */
	enum layout layout;
	enum format format;
	enum compression compression;
	int level; /* of the compression */
	bool json_inline;
	bool sync;
	mode_t file_mode, dir_mode;
	uint64_t rotate_bytes;
	int64_t rotate_age_us;
};

extern const struct ez_option *const settings_options[];

/* On failure too the settings must be released. */
_must_check_ int settings_read(struct settings *s, const struct ez_open *open,
			       struct ez_error *err);

void settings_release(struct settings *s);

#endif
