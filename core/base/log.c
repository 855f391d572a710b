/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/utf8.h"

/*
 * There is no lock: a record is built on the stack of its thread and leaves in one write,
 * which the kernel keeps whole. A lock would make every thread wait for a reader of
 * stderr that has stopped reading, and would be held for ever in a child forked in
 * between.
 */

enum {
	TEXT_MAX = 3072, /* of the message, before escaping */
	TAIL_BYTES = 8,  /* kept free for what closes a record */
	NAME_BYTES = 64,
	JOURNAL_UNKNOWN = -1,
};

static _Atomic int max_level = EZL_INFO;
static _Atomic int to_journal = JOURNAL_UNKNOWN;
static enum log_format record_format = LOG_TEXT;
static char job_name[NAME_BYTES];
static _Thread_local int last_level = EZL_INFO;

static const char *const level_names[] = {
	[EZL_ERROR] = "error", [EZL_WARNING] = "warning", [EZL_NOTICE] = "notice",
	[EZL_INFO] = "info",   [EZL_DEBUG] = "debug",
};

static const char *const format_names[_LOG_FORMAT_MAX] = {
	[LOG_TEXT] = "text",
	[LOG_JSON] = "json",
};

/* A record being built. `cut` says that something did not fit. */
struct record {
	char text[LOG_RECORD_MAX];
	size_t len;
	bool cut;
};

void log_set_level(int level)
{
	atomic_store_explicit(&max_level, level, memory_order_relaxed);
}

int log_get_level(void)
{
	return atomic_load_explicit(&max_level, memory_order_relaxed);
}

void log_set_format(enum log_format format)
{
	record_format = format;
}

void log_set_name(struct ez_view name)
{
	bool whole = str_copy(job_name, sizeof(job_name), name);

	(void)whole;
}

bool log_is_shown(int level)
{
	return level <= log_get_level();
}

static int clamp_level(int level)
{
	return MAX(MIN(level, (int)EZL_DEBUG), (int)EZL_ERROR);
}

const char *log_level_to_str(int level)
{
	return level_names[clamp_level(level)];
}

bool log_level_parse(struct ez_view v, int *ret_level)
{
	for (int i = EZL_ERROR; i <= EZL_DEBUG; i++) {
		if (view_eq_str(v, level_names[i])) {
			*ret_level = i;
			return true;
		}
	}
	return false;
}

bool log_format_parse(struct ez_view v, enum log_format *ret_format)
{
	for (int i = 0; i < _LOG_FORMAT_MAX; i++) {
		if (view_eq_str(v, format_names[i])) {
			*ret_format = (enum log_format)i;
			return true;
		}
	}
	return false;
}

/* JOURNAL_STREAM is "device:inode" of the socket that systemd gave us as stderr. */
static bool stderr_is_journal(void)
{
	struct ez_view rest = view_str(secure_getenv("JOURNAL_STREAM")), part;
	uint64_t device, inode;
	struct stat st;

	return view_split(&rest, ':', &part) && parse_u64(part, &device) &&
	       view_split(&rest, ':', &part) && parse_u64(part, &inode) &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	       st.st_ino == inode;
}

static bool writes_to_journal(void)
{
	int known = atomic_load_explicit(&to_journal, memory_order_relaxed);

	if (known == JOURNAL_UNKNOWN) {
		known = stderr_is_journal();
		atomic_store_explicit(&to_journal, known, memory_order_relaxed);
	}
	return known != 0;
}

/* Adds the bytes whole or not at all. Once something was cut, nothing follows. */
static void put(struct record *r, const char *p, size_t n)
{
	if (r->cut || n > sizeof(r->text) - TAIL_BYTES - r->len) {
		r->cut = true;
		return;
	}
	memcpy(r->text + r->len, p, n);
	r->len += n;
}

static void put_str(struct record *r, const char *s)
{
	put(r, s, strlen(s));
}

/* Goes into the bytes that put() keeps free. */
static void put_tail(struct record *r, const char *s)
{
	size_t n = strlen(s);

	memcpy(r->text + r->len, s, n);
	r->len += n;
}

/* U+0080 to U+009F: control characters that a terminal may obey. */
static bool is_c1(const char *p, size_t n)
{
	return n == 2 && (unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0;
}

static void put_escape(struct record *r, unsigned char c, bool json)
{
	char text[8];
	bool fits;

	if (c == '\n')
		fits = str_copy(text, sizeof(text), VIEW("\\n"));
	else if (c == '\t')
		fits = str_copy(text, sizeof(text), VIEW("\\t"));
	else
		fits = str_format(text, sizeof(text), json ? "\\u%04x" : "\\x%02x", c);
	ASSERT(fits);
	put_str(r, text);
}

/* Control characters and bytes that are no UTF-8 leave as escapes, in both formats. */
static void put_data(struct record *r, struct ez_view v, bool json)
{
	while (v.len > 0) {
		unsigned char c = (unsigned char)v.ptr[0];
		size_t n = utf8_char_len(v.ptr, v.len);

		if (n == 0 && json)
			put_str(r, "\\ufffd");
		else if (n == 0 || c < 0x20 || c == 0x7f)
			put_escape(r, c, json);
		else if (is_c1(v.ptr, n))
			put_escape(r, (unsigned char)v.ptr[1], json);
		else if (json && (c == '"' || c == '\\'))
			put(r, (const char[]){ '\\', (char)c }, 2);
		else
			put(r, v.ptr, n);
		n = MAX(n, (size_t)1);
		v = view_of(v.ptr + n, v.len - n);
	}
}

static void put_name(struct record *r)
{
	if (job_name[0] == '\0')
		return;
	put_str(r, "[");
	put_data(r, view_str(job_name), false);
	put_str(r, "] ");
}

static void build_text(struct record *r, int level, bool is_hint, const char *text,
		       bool cut)
{
	if (writes_to_journal()) {
		put(r, (const char[]){ '<', (char)('0' + level), '>' }, 3);
	} else {
		put_str(r, format_rfc3339_us(now_us()).text);
		put_str(r, " ");
		put_str(r, level_names[level]);
		put_str(r, " ");
	}
	put_name(r);
	if (is_hint)
		put_str(r, "hint: ");
	put_data(r, view_str(text), false);
	put_tail(r, r->cut || cut ? "...\n" : "\n");
}

static void build_json(struct record *r, int level, bool is_hint, const char *text,
		       bool cut)
{
	put_str(r, "{\"time\":\"");
	put_str(r, format_rfc3339_us(now_us()).text);
	put_str(r, "\",\"level\":\"");
	put_str(r, level_names[level]);
	if (job_name[0] != '\0') {
		put_str(r, "\",\"job\":\"");
		put_data(r, view_str(job_name), true);
	}
	put_str(r, is_hint ? "\",\"hint\":\"" : "\",\"message\":\"");
	put_data(r, view_str(text), true);
	put_tail(r, r->cut || cut ? "...\"}\n" : "\"}\n");
}

_printf_(3, 0) static void emit(int level, bool is_hint, const char *fmt, va_list ap)
{
	int saved_errno = errno;
	char text[TEXT_MAX];
	struct record r;
	bool cut = !str_formatv(text, sizeof(text), fmt, ap);
	ssize_t n;

	r.len = 0;
	r.cut = false;
	if (record_format == LOG_JSON)
		build_json(&r, clamp_level(level), is_hint, text, cut);
	else
		build_text(&r, clamp_level(level), is_hint, text, cut);
	do
		n = write(STDERR_FILENO, r.text, r.len);
	while (n < 0 && errno == EINTR);
	errno = saved_errno;
}

void log_msg(int level, const char *fmt, ...)
{
	va_list ap;

	last_level = level;
	if (!log_is_shown(level))
		return;
	va_start(ap, fmt);
	emit(level, false, fmt, ap);
	va_end(ap);
}

void log_hint(const char *fmt, ...)
{
	va_list ap;

	if (!log_is_shown(last_level))
		return;
	va_start(ap, fmt);
	emit(last_level, true, fmt, ap);
	va_end(ap);
}
