/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/parse.h"
#include "http.h"

enum {
	TIMEOUT_MAX_S = 259200,
	TIMEOUT_DEFAULT_S = 600,
};

/* Known to StarRocks, and not to this server. */
static const char *const not_emulated[] = {
	"where",    "jsonpaths", "json_root",  "envelope",
	"negative", "load_dop",  "partitions", "temporary_partitions",
};

static bool is_word(struct ez_view v, const char *word)
{
	return v.len == strlen(word) && strncasecmp(v.ptr, word, v.len) == 0;
}

bool label_is_valid(struct ez_view label)
{
	if (label.len < 1 || label.len > 128)
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!isalnum((unsigned char)label.ptr[i]) && label.ptr[i] != '_' &&
		    label.ptr[i] != '-')
			return false;
	return true;
}

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

bool delimiter_parse(struct ez_view v, char *dst, size_t *ret_len)
{
	bool is_hex = v.len >= 2 && (v.ptr[0] == '\\' || v.ptr[0] == '0') &&
		      (v.ptr[1] | 32) == 'x';
	size_t n = 0;

	if (v.len == 0)
		return false;
	if (!is_hex) {
		if (v.len > CSV_DELIMITER_MAX)
			return false;
		memcpy(dst, v.ptr, v.len);
		*ret_len = v.len;
		return true;
	}
	if (v.len < 4 || v.len % 2 != 0 || v.len / 2 - 1 > CSV_DELIMITER_MAX)
		return false;
	for (size_t i = 2; i < v.len; i += 2) {
		int high = hex_digit(v.ptr[i]), low = hex_digit(v.ptr[i + 1]);

		/* Bytes from 0x80 are damaged by the server's converter. */
		if (high < 0 || high > 7 || low < 0)
			return false;
		dst[n++] = (char)(high << 4 | low);
	}
	*ret_len = n;
	return true;
}

/* True or false in any case; the message when it is neither. An absent header leaves `ret`. */
static bool flag(const struct request *r, const char *name, bool *ret, char *text,
		 size_t size)
{
	struct ez_view v = request_header(r, name);

	if (v.len == 0)
		return true;
	if (!is_word(v, "true") && !is_word(v, "false")) {
		snprintf(text, size, "Invalid %s flag format. Must be bool type", name);
		return false;
	}
	*ret = is_word(v, "true");
	return true;
}

/* Whether CSV is compressed stands in its format; most versions look at no header. */
static void take_codec_header(struct load_options *o, struct ez_view name)
{
	o->has_vain_header = name.len > 0 && !o->is_json;
	if (name.len > 0 && o->is_json)
		o->codec = codec_parse(name);
}

static bool parse_format(struct load_options *o, const struct request *r,
			 const struct profile *p, char *text, size_t size)
{
	struct ez_view format = request_header(r, "format");
	struct ez_view compression = request_header(r, "compression");
	struct ez_view encoding = request_header(r, "content-encoding");

	o->is_json = is_word(format, "json");
	if (compression.len > 0 && encoding.len > 0) {
		snprintf(
			text, size,
			"Only one of \"compression\" and \"Content-Encoding\" may be set");
		return false;
	}
	if (format.len > 0 && !o->is_json && !is_word(format, "csv")) {
		o->codec = codec_parse(format);
		if (o->codec == CODEC_UNKNOWN || o->codec == CODEC_NONE) {
			snprintf(text, size, "unknown data format, format=%.*s",
				 VIEW_ARG(format));
			return false;
		}
	}
	if (encoding.len > 0)
		compression = encoding;
	take_codec_header(o, compression);
	if (o->codec == CODEC_UNKNOWN) {
		snprintf(text, size, "Unsupported compression type: %.*s",
			 VIEW_ARG(compression));
		return false;
	}
	if (o->codec != CODEC_NONE && o->is_json && !p->has_json_compression) {
		snprintf(text, size, "compressed JSON is not supported");
		return false;
	}
	return true;
}

static bool check_sizes(struct load_options *o, const struct request *r,
			const struct settings *s, char *text, size_t size)
{
	int64_t n = r->content_length;

	if (!flag(r, "ignore_json_size", &o->ignores_json_size, text, size))
		return false;
	if (n > s->body_max_bytes) {
		snprintf(text, size, "body size %lld exceed limit: %lld", (long long)n,
			 (long long)s->body_max_bytes);
		return false;
	}
	if (o->is_json && !o->ignores_json_size && n > s->json_max_bytes) {
		snprintf(
			text, size,
			"The size of this batch exceed the max size [%lld] of json type data "
			"data [%lld]. Set ignore_json_size to skip check, although it may lead "
			"huge memory consuming.",
			(long long)s->json_max_bytes, (long long)n);
		return false;
	}
	return true;
}

bool options_parse_early(struct load_options *o, const struct request *r,
			 const struct profile *p, const struct settings *s, char *text,
			 size_t size)
{
	struct ez_view timeout = request_header(r, "timeout");
	int64_t seconds = TIMEOUT_DEFAULT_S;

	*o = (struct load_options){ .max_filter_ratio = 0 };
	if (is_word(request_header(r, "enable_merge_commit"), "true")) {
		snprintf(text, size, "not emulated: enable_merge_commit");
		return false;
	}
	if (!parse_format(o, r, p, text, size) || !check_sizes(o, r, s, text, size))
		return false;
	if (timeout.len > 0 &&
	    (!parse_i64(timeout, &seconds) || seconds < 1 || seconds > TIMEOUT_MAX_S)) {
		snprintf(text, size, "Invalid timeout format: %.*s", VIEW_ARG(timeout));
		return false;
	}
	o->timeout_ms = seconds * 1000;
	return true;
}

static bool delimiter(const struct request *r, const char *name, const char *preset,
		      char *dst, size_t *ret_len, char *text, size_t size)
{
	struct ez_view v = request_header(r, name);

	if (delimiter_parse(v.len > 0 ? v : view_str(preset), dst, ret_len))
		return true;
	snprintf(text, size, "Invalid %s: %.*s", name, VIEW_ARG(v));
	return false;
}

static bool one_byte(const struct request *r, const char *name, int *ret, char *text,
		     size_t size)
{
	struct ez_view v = request_header(r, name);
	char bytes[CSV_DELIMITER_MAX + 1];
	size_t n;

	*ret = -1;
	if (v.len == 0)
		return true;
	if (!delimiter_parse(v, bytes, &n) || n != 1) {
		snprintf(text, size, "Invalid %s: %.*s, it must be one character", name,
			 VIEW_ARG(v));
		return false;
	}
	*ret = (unsigned char)bytes[0];
	return true;
}

static bool parse_csv(struct load_options *o, const struct request *r,
		      const struct profile *p, char *text, size_t size)
{
	struct csv_format *f = &o->csv;
	struct ez_view skip = request_header(r, "skip_header");

	if (!delimiter(r, "column_separator", "\t", f->separator, &f->separator_len, text,
		       size) ||
	    !delimiter(r, "row_delimiter", "\n", f->delimiter, &f->delimiter_len, text,
		       size) ||
	    !one_byte(r, "enclose", &f->enclose, text, size) ||
	    !one_byte(r, "escape", &f->escape, text, size) ||
	    !flag(r, "trim_space", &f->trims, text, size))
		return false;
	if (skip.len > 0 && (!parse_i64(skip, &f->skip) || f->skip < 0)) {
		snprintf(text, size, "Invalid csv load skip_header format: %.*s",
			 VIEW_ARG(skip));
		return false;
	}
	if (!p->has_enclose) {
		f->enclose = f->escape = -1;
		f->trims = false;
		f->skip = 0;
	}
	return true;
}

static bool parse_partial(struct load_options *o, const struct request *r,
			  const struct profile *p, char *text, size_t size)
{
	struct ez_view mode = request_header(r, "partial_update_mode");

	if (!flag(r, "partial_update", &o->is_partial, text, size))
		return false;
	if (mode.len == 0)
		return true;
	o->is_column_mode = is_word(mode, "column");
	if (is_word(mode, "row") || is_word(mode, "auto") ||
	    (o->is_column_mode && p->has_column_mode))
		return true;
	snprintf(text, size, "Invalid partial update mode: %.*s", VIEW_ARG(mode));
	return false;
}

static bool parse_numbers(struct load_options *o, const struct request *r, char *text,
			  size_t size)
{
	struct ez_view ratio = request_header(r, "max_filter_ratio");
	struct ez_view rejected = request_header(r, "log_rejected_record_num");
	int64_t n = 0;

	if (ratio.len > 0) {
		char copy[32] = "", *end = copy;

		if (ratio.len < sizeof(copy))
			memcpy(copy, ratio.ptr, ratio.len);
		o->max_filter_ratio = strtod(copy, &end);
		if (end == copy || *end != '\0' || !(o->max_filter_ratio >= 0) ||
		    o->max_filter_ratio > 1) {
			snprintf(text, size, "Invalid max_filter_ratio: %.*s",
				 VIEW_ARG(ratio));
			return false;
		}
	}
	if (rejected.len > 0 && (!parse_i64(rejected, &n) || n < -1)) {
		snprintf(text, size,
			 "log_rejected_record_num should be equal or greater than -1");
		return false;
	}
	return true;
}

bool options_parse_late(struct load_options *o, const struct request *r,
			const struct profile *p, char *text, size_t size)
{
	if (request_header(r, "partitions").len > 0 &&
	    request_header(r, "temporary_partitions").len > 0) {
		snprintf(text, size,
			 "Can't specify both partitions and temporary partitions");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(not_emulated); i++)
		if (request_header(r, not_emulated[i]).len > 0) {
			snprintf(text, size, "not emulated: %s", not_emulated[i]);
			return false;
		}
	o->columns = request_header(r, "columns");
	o->has_columns = o->columns.len > 0;
	o->merge_condition = request_header(r, "merge_condition");
	return parse_csv(o, r, p, text, size) &&
	       flag(r, "strip_outer_array", &o->strips_outer_array, text, size) &&
	       flag(r, "strict_mode", &o->is_strict, text, size) &&
	       parse_partial(o, r, p, text, size) && parse_numbers(o, r, text, size);
}

void options_fingerprint(const struct request *r, struct buf *out)
{
	static const char *const names[] = {
		"format",
		"columns",
		"column_separator",
		"row_delimiter",
		"enclose",
		"escape",
		"skip_header",
		"trim_space",
		"strip_outer_array",
		"max_filter_ratio",
		"strict_mode",
		"timezone",
		"partial_update",
		"partial_update_mode",
		"merge_condition",
		"compression",
		"content-encoding",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		buf_addf(out, "%s=", names[i]);
		buf_add_view(out, request_header(r, names[i]));
		buf_add_char(out, '\n');
	}
}
