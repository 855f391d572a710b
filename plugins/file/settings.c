/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "settings.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/jsonw.h"
#include "base/view.h"

#include "host.h"
#include "names.h"

enum {
	PATH_CAP = 2048, /* leaves room for the names below it within PATH_MAX */
	JOB_CAP = 60,    /* a job's name has at most 40 characters */
};

static const struct ez_option
	opt_path = { .size = sizeof(struct ez_option),
		     .type = EZ_OPT_STRING,
		     .flags = EZ_OPTF_REQUIRED | EZ_OPTF_CONNECTION,
		     .name = "path",
		     .label = "Folder",
		     .help = "Where the files go. Made if it is missing." },
	opt_layout = { .size = sizeof(struct ez_option),
		       .type = EZ_OPT_ENUM,
		       .name = "layout",
		       .label = "Layout",
		       .group = "Files",
		       .fallback = "stream",
		       .choices = "stream|per-table",
		       .help = "One ordered stream of files for the whole job, or one per "
			       "table in a folder of its own." },
	opt_format = { .size = sizeof(struct ez_option),
		       .type = EZ_OPT_ENUM,
		       .name = "format",
		       .label = "Format",
		       .group = "Files",
		       .fallback = "jsonl",
		       .choices = "jsonl|csv",
		       .help = "One JSON object a line, or CSV with a header line. CSV needs "
			       "the layout per-table." },
	opt_compression = { .size = sizeof(struct ez_option),
			    .type = EZ_OPT_ENUM,
			    .name = "compression",
			    .label = "Compression",
			    .group = "Files",
			    .fallback = "none",
			    .choices = "none|gzip|zstd",
			    .help = "zstd costs a quarter of gzip's time and makes smaller "
				    "files." },
	opt_level = { .size = sizeof(struct ez_option),
		      .type = EZ_OPT_INT,
		      .name = "compression_level",
		      .label = "Compression level",
		      .group = "Files",
		      .fallback = "1",
		      .help = "Higher is smaller and slower; gzip stops at 9.",
		      .min = 1,
		      .max = 19 },
	opt_rotate_bytes = { .size = sizeof(struct ez_option),
			     .type = EZ_OPT_SIZE,
			     .name = "rotate_bytes",
			     .label = "Size of a file",
			     .group = "Files",
			     .fallback = "256MiB",
			     .help = "A file that has reached this size is complete at the "
				     "end of the transaction at hand.",
			     .min = 1,
			     .max = INT64_MAX },
	opt_rotate_age = { .size = sizeof(struct ez_option),
			   .type = EZ_OPT_DURATION,
			   .name = "rotate_age",
			   .label = "Age of a file",
			   .group = "Files",
			   .fallback = "1h",
			   .help = "A file that was begun this long ago is complete at the "
				   "next durable point.",
			   .min = 1,
			   .max = INT64_MAX },
	opt_json = { .size = sizeof(struct ez_option),
		     .type = EZ_OPT_ENUM,
		     .name = "json",
		     .label = "JSON columns",
		     .group = "Values",
		     .fallback = "string",
		     .choices = "string|inline",
		     .help = "json and jsonb columns as a string that holds the server's text, "
			     "or embedded as JSON." },
	opt_sync = { .size = sizeof(struct ez_option),
		     .type = EZ_OPT_BOOL,
		     .name = "sync",
		     .label = "Wait for the disk",
		     .group = "Durability",
		     .fallback = "true",
		     .help = "Without it a crash of the machine, unlike one of the program, "
			     "may lose changes that were confirmed to the source." },
	opt_mode = {
		.size = sizeof(struct ez_option),
		.type = EZ_OPT_STRING,
		.name = "mode",
		.label = "Permissions",
		.group = "Files",
		.fallback = "0640",
		.help = "Permissions of the files, octal. Folders get the right to enter "
			"where files get the right to read."
	};

const struct ez_option *const settings_options[] = {
	&opt_path,        &opt_layout, &opt_format,
	&opt_compression, &opt_level,  &opt_rotate_bytes,
	&opt_rotate_age,  &opt_json,   &opt_sync,
	&opt_mode,        NULL
};

static int read_path(struct settings *s, struct ez_view v, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf b = BUF_INIT(PATH_CAP);

	if (v.len == 0 || memchr(v.ptr, '\0', v.len))
		return host->fail(err, EZ_E_CONFIG, "", "path of the file sink is empty");
	if (v.ptr[0] != '/') {
		_cleanup_(freep) char *cwd = getcwd(NULL, 0);

		if (!cwd)
			return host->fail(err, EZ_E_CONFIG, "",
					  "path of the file sink is relative and the "
					  "working directory is gone");
		buf_add_str(&b, cwd);
		buf_add_char(&b, '/');
	}
	buf_add_view(&b, v);
	while (b.len > 1 && b.ptr[b.len - 1] == '/')
		buf_truncate(&b, b.len - 1);
	if (!buf_ok(&b))
		return host->fail(err, EZ_E_CONFIG, "",
				  "path of the file sink is too long");
	s->path = buf_take(&b);
	return EZ_OK;
}

static int read_mode(struct settings *s, struct ez_view v, struct ez_error *err)
{
	mode_t mode = 0;

	if (v.len < 3 || v.len > 4)
		goto bad;
	for (size_t i = 0; i < v.len; i++) {
		if (v.ptr[i] < '0' || v.ptr[i] > '7')
			goto bad;
		mode = mode << 3 | (mode_t)(v.ptr[i] - '0');
	}
	if ((mode & ~(mode_t)0666) != 0 || (mode & 0600) != 0600)
		goto bad;
	s->file_mode = mode;
	s->dir_mode = mode | (mode & 0444) >> 2;
	return EZ_OK;
bad:
	return host->fail(err, EZ_E_CONFIG, "",
			  "mode \"%.*s\" of the file sink is not like \"0640\"",
			  VIEW_ARG(v));
}

static void read_job(struct settings *s, struct ez_view job)
{
	_cleanup_(buf_release) struct buf encoded = BUF_INIT(3 * JOB_CAP);
	_cleanup_(buf_release) struct buf json = BUF_INIT(6 * JOB_CAP);

	names_add_encoded(&encoded, view_of(job.ptr, MIN(job.len, (size_t)JOB_CAP)));
	json_add_escaped(&json, view_of(job.ptr, MIN(job.len, (size_t)JOB_CAP)));
	s->job = buf_take(&encoded);
	s->source = buf_take(&json);
}

static const char *suffix_of(const struct settings *s)
{
	static const char *const suffixes[2][3] = {
		{ ".jsonl", ".jsonl.gz", ".jsonl.zst" },
		{ ".csv", ".csv.gz", ".csv.zst" },
	};

	return suffixes[s->format][s->compression];
}

/* The place of an enum option's value among its choices. */
static unsigned choice(const struct ez_open *open, const struct ez_option *o)
{
	struct ez_view rest = view_str(o->choices), part;
	struct ez_view value = host->str(open->config, o->name);
	unsigned n = 0;

	while (view_split(&rest, '|', &part) && !view_eq(part, value))
		n++;
	return n;
}

int settings_read(struct settings *s, const struct ez_open *open, struct ez_error *err)
{
	int rc;

	read_job(s, open->job);
	s->layout = choice(open, &opt_layout) == 1 ? LAYOUT_PER_TABLE : LAYOUT_STREAM;
	s->format = choice(open, &opt_format) == 1 ? FORMAT_CSV : FORMAT_JSONL;
	s->compression = (enum compression)MIN(choice(open, &opt_compression), 2U);
	s->level = (int)host->num(open->config, opt_level.name);
	if (s->compression == COMPRESSION_GZIP)
		s->level = MIN(s->level, 9);
	s->json_inline = choice(open, &opt_json) == 1;
	s->sync = host->num(open->config, opt_sync.name) != 0;
	s->rotate_bytes = (uint64_t)host->num(open->config, opt_rotate_bytes.name);
	s->rotate_age_us = host->num(open->config, opt_rotate_age.name);
	s->suffix = suffix_of(s);
	rc = read_path(s, host->str(open->config, opt_path.name), err);
	if (rc == EZ_OK)
		rc = read_mode(s, host->str(open->config, opt_mode.name), err);
	if (rc == EZ_OK && s->format == FORMAT_CSV && s->layout != LAYOUT_PER_TABLE) {
		host->fail(
			err, EZ_E_CONFIG, "",
			"the file sink writes format \"csv\" only with layout \"per-table\"");
		rc = host->hint(err, "set layout = \"per-table\" or format = \"jsonl\"");
	}
	return rc;
}

void settings_release(struct settings *s)
{
	free(s->path);
	free(s->job);
	free(s->source);
	*s = (struct settings){ 0 };
}
