/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_JOB_H
#define ENGINE_JOB_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "engine/options.h"

struct buf;
struct plugin;
struct problems;

/*
 * A job file, read and validated: what one daemon does.
 *
 * All sections are described by option tables: those of the plugins, and the built-in ones
 * of job.c for everything else. The plain members of struct job are what the built-in
 * sections say, so that the engine needs no look-ups.
 *
 * A job belongs to whoever loaded it and is freed after the pipeline. It is read by all
 * threads and changed by job_apply_live() alone, which the main thread calls and which
 * touches only the members marked "live".
 */
enum job_snapshot {
	JOB_SNAPSHOT_INITIAL,
	JOB_SNAPSHOT_NEVER,
	JOB_SNAPSHOT_ONLY,
	_JOB_SNAPSHOT_MAX,
};

enum job_policy {
	JOB_POLICY_STOP,
	JOB_POLICY_DEAD_LETTER,
	_JOB_POLICY_MAX,
};

/* One plugin with its section. */
struct job_plugin {
	const struct plugin *plugin; /* NULL: the built-in store "file" */
	char *name;
	struct ez_config *config;
};

/* The sections that the engine itself understands. */
enum job_section {
	JOB_TOP,
	JOB_BATCH,
	JOB_STATE,
	JOB_ERRORS,
	JOB_RETRY,
	JOB_LOG,
	JOB_METRICS,
	_JOB_SECTION_MAX,
};

struct job {
	char *name; /* R16 */
	char *file; /* as named by the user */
	char *id;   /* base for slots, labels; NULL: "ezcdc_<name>" (R16) */
	struct job_plugin source, sink, store;
	struct job_plugin *transforms;
	size_t n_transforms;

	/* Of the source section, for sources with EZ_CAP_SNAPSHOT; else NEVER and 1. */
	enum job_snapshot snapshot;
	uint32_t snapshot_workers;
	bool append; /* of the sink section: the target may already hold rows (R4) */

	struct {
		uint64_t max_bytes, max_rows;
		int64_t max_age_us;
		uint32_t max_inflight;
	} batch;
	uint64_t memory_bytes;
	uint64_t epoch; /* of the state section */
	struct {
		enum job_policy policy;
		const char *path; /* NULL: in the state folder */
		uint64_t limit;
	} errors;
	struct {
		int64_t give_up_after_us; /* 0: never */
		int64_t min_us, max_us;
	} retry;
	int64_t shutdown_timeout_us; /* live */
	struct {
		int level;  /* enum log_level; -1: the file does not say; live */
		int format; /* enum log_format; -1: the file does not say */
	} log;
	const char *metrics_listen; /* "HOST:PORT"; NULL: off */

	struct ez_config *sections[_JOB_SECTION_MAX];
};

enum job_load_flag {
	JOB_LOAD_NO_SOURCE = 1 << 0, /* the section may be missing: only the rest is looked at */
	JOB_LOAD_NO_SINK = 1 << 1,
};

/* What loading needs from outside. */
struct job_load {
	/* loader_lookup, or a test's own. NULL with err filled: no such plugin. */
	const struct plugin *(*lookup)(void *arg, enum ez_kind kind, struct ez_view name,
				       struct ez_error *err);
	void *arg;
	struct options_rules rules;
	unsigned flags; /* enum job_load_flag */
};

/*
 * Each returns 0, or EZ_E_CONFIG with err filled and every fault of the file added to `p`.
 * @include works with a path only. The descriptor stays open.
 */
_must_check_ int job_load_file(const struct job_load *how, const char *path,
			       struct problems *p, struct job **ret_job,
			       struct ez_error *err);
_must_check_ int job_load_fd(const struct job_load *how, int fd, struct problems *p,
			     struct job **ret_job, struct ez_error *err);
_must_check_ int job_load_text(const struct job_load *how, const char *name,
			       struct ez_view text, struct problems *p,
			       struct job **ret_job, struct ez_error *err);
void job_free(struct job *job);
void job_freep(struct job **job);

/* R16: [a-z][a-z0-9_]{0,39} */
bool job_name_is_valid(struct ez_view name);

/* The base for slots, publications and labels, into an array of JOB_ID_MAX bytes. */
enum { JOB_ID_MAX = 64 };
void job_id_copy(const struct job *job, char *to);

/* The effective configuration as a job file; secrets as "***". */
void job_format(const struct job *job, struct buf *out);

/* As config_compare, over all sections; another plugin or name is CONFIG_RESTART. */
enum config_change job_compare(const struct job *now, const struct job *next,
			       struct buf *changed);

/* Moves over what job_compare called live; `next` is then good for job_free() only. */
void job_apply_live(struct job *now, struct job *next);

/*
 * What the engine adds to the options of a plugin of that kind and with those capabilities:
 * "snapshot" of sources, "target" of sinks. Ends with NULL.
 */
const struct ez_option *const *job_plugin_options(enum ez_kind kind, uint64_t caps);

#endif
