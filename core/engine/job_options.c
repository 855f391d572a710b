/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/job_options.h"

#include <stddef.h>

#include "base/attr.h"

#define MIB    (INT64_C(1) << 20)
#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)

#define OPTION(...) \
 (&(const struct ez_option){ .size = sizeof(struct ez_option), __VA_ARGS__ })

const char *const job_section_names[] = {
	"source", "transforms", "sink", "batch",   "state",
	"errors", "retry",      "log",  "metrics", NULL,
};

static const struct ez_option *const top_options[] = {
	OPTION(.type = EZ_OPT_STRING, .flags = EZ_OPTF_REQUIRED, .name = "name",
	       .label = "Name",
	       .help = "Name of the job: a lower-case letter, then at most 39 lower-case "
		       "letters, digits and underscores."),
	OPTION(.type = EZ_OPT_SIZE, .name = "memory", .label = "Memory",
	       .fallback = "64MiB",
	       .help = "Ceiling for everything that waits to be written: queue, spill "
		       "buffers, encoded batches.",
	       .min = 8 * MIB, .max = INT64_MAX),
	OPTION(.type = EZ_OPT_DURATION, .flags = EZ_OPTF_LIVE, .name = "shutdown_timeout",
	       .label = "Time to stop", .fallback = "30s",
	       .help = "How long a stop waits for what is in flight. Nothing is lost when it "
		       "is over: it is sent again at the next start.",
	       .max = 24 * HOUR),
	NULL,
};

static const struct ez_option *const batch_options[] = {
	OPTION(.type = EZ_OPT_SIZE, .name = "max_bytes", .label = "Size of a batch",
	       .group = "Batches", .fallback = "32MiB",
	       .help = "A batch ends at this size; a quarter of the memory if that is less.",
	       .min = 4096, .max = 4096 * MIB),
	OPTION(.type = EZ_OPT_INT, .name = "max_rows", .label = "Rows of a batch",
	       .group = "Batches", .fallback = "500000",
	       .help = "A batch ends at this number of rows.", .min = 1,
	       .max = 100000000),
	OPTION(.type = EZ_OPT_DURATION, .name = "max_age", .label = "Age of a batch",
	       .group = "Batches", .fallback = "1s",
	       .help = "A batch ends when its first row is this old; 0ms: at once.", .min = 0,
	       .max = 24 * HOUR),
	OPTION(.type = EZ_OPT_INT, .name = "max_inflight", .label = "Batches in flight",
	       .group = "Batches", .fallback = "8",
	       .help = "At most so many batches wait to become durable, fewer if the memory "
		       "does not hold them.",
	       .min = 1, .max = 1024),
	NULL,
};

static const struct ez_option *const state_options[] = {
	OPTION(.type = EZ_OPT_STRING, .name = "store", .label = "Checkpoint store",
	       .group = "State", .fallback = JOB_STORE_FILE,
	       .help = "\"file\" in the state folder, or a plugin of kind store, whose options "
		       "stand beside it."),
	OPTION(.type = EZ_OPT_INT, .name = "epoch", .label = "Epoch", .group = "State",
	       .fallback = "0",
	       .help = "Number of the job's lease. A checkpoint of a newer epoch stops this "
		       "one. Set by the worker.",
	       .max = INT64_MAX),
	NULL,
};

static const struct ez_option *const errors_options[] = {
	OPTION(.type = EZ_OPT_ENUM, .name = "policy",
	       .label = "Rows that cannot be written", .group = "Errors",
	       .fallback = "stop", .choices = "stop|dead-letter",
	       .help = "Stop the job, or put such a row into the dead-letter file and go on."),
	OPTION(.type = EZ_OPT_STRING, .name = "path", .label = "Dead-letter file",
	       .group = "Errors",
	       .help = "Default: dead-letter.jsonl in the state folder."),
	OPTION(.type = EZ_OPT_INT, .name = "limit", .label = "Limit", .group = "Errors",
	       .fallback = "1000",
	       .help = "The job stops when more dead letters than this were written.",
	       .min = 1, .max = INT64_MAX),
	NULL,
};

static const struct ez_option *const retry_options[] = {
	OPTION(.type = EZ_OPT_DURATION, .name = "give_up_after", .label = "Give up after",
	       .group = "Retries", .fallback = "0",
	       .help = "End the job after failing for so long; 0: never.",
	       .max = 8760 * HOUR),
	OPTION(.type = EZ_OPT_DURATION, .name = "min", .label = "Shortest wait",
	       .group = "Retries", .fallback = "200ms",
	       .help = "Wait before the first retry.", .min = 1000, .max = HOUR),
	OPTION(.type = EZ_OPT_DURATION, .name = "max", .label = "Longest wait",
	       .group = "Retries", .fallback = "30s",
	       .help = "The wait doubles with each retry up to this.", .min = 1000,
	       .max = 24 * HOUR),
	NULL,
};

static const struct ez_option *const log_options[] = {
	OPTION(.type = EZ_OPT_ENUM, .flags = EZ_OPTF_LIVE, .name = "level",
	       .label = "Level", .group = "Log",
	       .choices = "error|warning|notice|info|debug",
	       .help = "What is logged; --log-level comes first. Default: info."),
	OPTION(.type = EZ_OPT_ENUM, .name = "format", .label = "Format", .group = "Log",
	       .choices = "text|json",
	       .help = "--log-format comes first. Default: text."),
	NULL,
};

static const struct ez_option *const metrics_options[] = {
	OPTION(.type = EZ_OPT_STRING, .name = "listen", .label = "Address",
	       .group = "Metrics",
	       .help = "HOST:PORT that serves metrics for Prometheus; --metrics comes first. "
		       "Default: off."),
	NULL,
};

static const struct ez_option *const snapshot_options[] = {
	OPTION(.type = EZ_OPT_ENUM, .name = "snapshot", .label = "Snapshot",
	       .group = "Snapshot", .fallback = "initial",
	       .choices = "initial|never|only",
	       .help = "Copy what the tables hold before streaming changes, stream only, or "
		       "copy only."),
	OPTION(.type = EZ_OPT_INT, .name = "snapshot_workers", .label = "Readers",
	       .group = "Snapshot", .fallback = "2",
	       .help = "Connections that copy tables side by side.", .min = 1, .max = 64),
	NULL,
};

static const struct ez_option *const target_options[] = {
	OPTION(.type = EZ_OPT_ENUM, .name = "target", .label = "Target",
	       .group = "Snapshot", .fallback = "empty", .choices = "empty|append",
	       .help = "A copy is refused if the target already holds rows, unless it may "
		       "append to them."),
	NULL,
};

static const struct ez_option *const no_options[] = { NULL };

const struct ez_option *const *job_section_options(enum job_section which)
{
	static const struct ez_option *const *const tables[_JOB_SECTION_MAX] = {
		[JOB_TOP] = top_options,         [JOB_BATCH] = batch_options,
		[JOB_STATE] = state_options,     [JOB_ERRORS] = errors_options,
		[JOB_RETRY] = retry_options,     [JOB_LOG] = log_options,
		[JOB_METRICS] = metrics_options,
	};

	return tables[which];
}

const char *job_section_title(enum job_section which)
{
	static const char *const titles[_JOB_SECTION_MAX] = {
		[JOB_TOP] = "",
		[JOB_BATCH] = "batch",
		[JOB_STATE] = "state",
		[JOB_ERRORS] = "errors",
		[JOB_RETRY] = "retry",
		[JOB_LOG] = "log",
		[JOB_METRICS] = "metrics",
	};

	return titles[which];
}

const struct ez_option *const *job_plugin_options(enum ez_kind kind, uint64_t caps)
{
	if (!(caps & EZ_CAP_SNAPSHOT))
		return no_options;
	if (kind == EZ_SOURCE)
		return snapshot_options;
	return kind == EZ_SINK ? target_options : no_options;
}
