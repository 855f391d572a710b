/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/view.h"

/*
 * The log of the process: one line a record, to stderr.
 *
 * Text format: with the journal at the other end of stderr (JOURNAL_STREAM names it) a
 * record is "<N>[name] text", N the syslog number of the level; otherwise it is time,
 * level, "[name]" and text. JSON format: one object a line with "time", "level", "job"
 * (when a name is set) and "message" or "hint".
 *
 * A record is one write(2) of at most LOG_RECORD_MAX bytes, which keeps it whole on a
 * pipe that others write to as well; a longer text is cut and ends in "...". Control
 * characters and bytes that are not UTF-8 are escaped, so data in a message cannot forge
 * a line or speak to a terminal. A record that stderr does not take is lost, never
 * retried.
 *
 * Text style: lower case, no final stop, what happened and to which object, then
 * key=value. Any thread may log and set the level; format and name are set before the
 * second thread starts.
 */

enum log_level {
	EZL_ERROR = 3,
	EZL_WARNING = 4,
	EZL_NOTICE = 5,
	EZL_INFO = 6,
	EZL_DEBUG = 7,
};

enum log_format {
	LOG_TEXT,
	LOG_JSON,
	_LOG_FORMAT_MAX,
};

enum {
	LOG_RECORD_MAX = 4096, /* PIPE_BUF */
};

/* Records with a higher number are dropped. EZL_INFO at the start. */
void log_set_level(int level);
int log_get_level(void);
void log_set_format(enum log_format format);

/* Shown with every record; empty for none. Cut at 63 bytes. */
void log_set_name(struct ez_view name);

/* "error", "warning", "notice", "info", "debug". */
const char *log_level_to_str(int level);
_must_check_ bool log_level_parse(struct ez_view v, int *ret_level);

/* "text", "json". */
_must_check_ bool log_format_parse(struct ez_view v, enum log_format *ret_format);

/* For work that is only worth doing when the record is shown. */
bool log_is_shown(int level);

/* Leaves errno as it was; "%m" works. */
_printf_(2, 3) void log_msg(int level, const char *fmt, ...);

/*
 * A second record with what the operator can do, at the level of the last message of this
 * thread; dropped when that one was dropped.
 */
_printf_(1, 2) void log_hint(const char *fmt, ...);

#endif
