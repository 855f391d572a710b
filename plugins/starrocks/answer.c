/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "answer.h"

#include <jansson.h>
#include <string.h>

#include "base/str.h"

/*
 * A rule holds when the HTTP status, the Status (any letter case), the state of the job that
 * holds the label and a part of the message are as it says; NULL and 0 stand for anything.
 * A part is looked for without regard to case: versions differ.
 */
struct rule {
	int http;
	const char *status, *existing, *part;
	enum reaction reaction;
};

/* clang-format off */
static const struct rule rules[] = {
	{ 401, NULL, NULL, NULL,                                 REACT_PERMISSION },
	{ 403, NULL, NULL, NULL,                                 REACT_PERMISSION },
	{ 404, NULL, NULL, NULL,                                 REACT_CONFIG },

	{ 200, "Success",              NULL,       NULL,         REACT_DONE },
	{ 200, "OK",                   NULL,       NULL,         REACT_DONE },
	{ 200, "Publish Timeout",      NULL,       NULL,         REACT_DONE },
	{ 200, "Label Already Exists", "FINISHED", NULL,         REACT_DONE },
	{ 200, "Label Already Exists", "VISIBLE",  NULL,         REACT_DONE },
	{ 200, "Label Already Exists", "COMMITTED", NULL,        REACT_DONE },
	{ 200, "Label Already Exists", NULL,       NULL,         REACT_WAIT },
	{ 200, "LABEL_ALREADY_EXISTS", NULL,       NULL,         REACT_ANEW },
	{ 200, "TXN_NOT_EXISTS",       NULL,       NULL,         REACT_ANEW },
	{ 200, "TXN_IN_PROCESSING",    NULL,       NULL,         REACT_RETRY },

	/* rows */
	{ 200, NULL, NULL, "too many filtered rows",             REACT_DATA },

	/* load */
	{ 200, NULL, NULL, "too many versions",                  REACT_SLOW },
	{ 200, NULL, NULL, "too large compaction score",         REACT_SLOW },
	{ 200, NULL, NULL, "exceed limit usage",                 REACT_PAUSE },
	{ 200, NULL, NULL, "memory limit",                       REACT_SHRINK },
	{ 200, NULL, NULL, "Memory of ",                         REACT_SHRINK },
	{ 200, "MEM_LIMIT_EXCEEDED", NULL, NULL,                 REACT_SHRINK },
	{ 200, NULL, NULL, "current running txns on db",         REACT_RETRY },
	{ 200, NULL, NULL, "cuncurrent limit",                   REACT_RETRY },
	{ 200, NULL, NULL, "concurrent limit",                   REACT_RETRY },

	/* unknown outcomes */
	{ 200, NULL, NULL, "Transaction status unknown",         REACT_ASK },
	{ 200, NULL, NULL, "transaction in processing",          REACT_RETRY },
	{ 200, NULL, NULL, "No transaction found",               REACT_ANEW },
	{ 200, NULL, NULL, "Can't find the transaction",         REACT_ANEW },
	{ 200, NULL, NULL, "transaction not found",              REACT_ANEW },
	{ 200, NULL, NULL, "aborted by timeout",                 REACT_ANEW },
	{ 200, "ABORTED", NULL, NULL,                            REACT_ANEW },

	/* what an operator must change */
	{ 200, NULL, NULL, "Access denied",                      REACT_PERMISSION },
	{ 200, NULL, NULL, "no valid Basic authorization",       REACT_PERMISSION },
	{ 200, NULL, NULL, "100-continue",                       REACT_CONFIG },
	{ 200, NULL, NULL, "unknown column",                     REACT_CONFIG },
	{ 200, NULL, NULL, "Unknown table",                      REACT_CONFIG },
	{ 200, NULL, NULL, "unknown table",                      REACT_CONFIG },
	{ 200, NULL, NULL, "Unknown database",                   REACT_CONFIG },
	{ 200, NULL, NULL, "unknown database",                   REACT_CONFIG },
	{ 200, NULL, NULL, "table not found",                    REACT_CONFIG },
	{ 200, NULL, NULL, "cannot be resolved",                 REACT_CONFIG },
	{ 200, NULL, NULL, "backend",                            REACT_RETRY },
	{ 200, NULL, NULL, "compute node",                       REACT_RETRY },
	{ 200, NULL, NULL, "tablet",                             REACT_RETRY },
	{ 200, NULL, NULL, "does not exist",                     REACT_CONFIG },
	{ 200, NULL, NULL, "Column has no default value",        REACT_CONFIG },
	{ 200, NULL, NULL, "Only primary key table",             REACT_CONFIG },
	{ 200, NULL, NULL, "primary key size exceed",            REACT_DATA },
	{ 200, NULL, NULL, "not in partial update columns",      REACT_CONFIG },
	{ 200, NULL, NULL, "unknown data format",                REACT_CONFIG },
	{ 200, NULL, NULL, "body size",                          REACT_SHRINK },
	{ 200, NULL, NULL, "size of this batch exceed",          REACT_SHRINK },
	{ 200, NULL, NULL, "Invalid timeout",                    REACT_CONFIG },
	{ 200, NULL, NULL, "Unsupported operation",              REACT_CONFIG },

	/* the rest of what an application or a proxy says passes, we hope */
	{ 200, "Fail",   NULL, NULL,                             REACT_RETRY },
	{ 200, "FAILED", NULL, NULL,                             REACT_RETRY },
	{ 200, NULL,     NULL, NULL,                             REACT_ASK },
	{ 400, NULL,     NULL, NULL,                             REACT_CONFIG },
	{ 0,   NULL,     NULL, NULL,                             REACT_ASK },
};
/* clang-format on */

static const char *const names[_REACT_MAX] = {
	[REACT_DONE] = "done",
	[REACT_ASK] = "ask",
	[REACT_WAIT] = "wait",
	[REACT_RETRY] = "retry",
	[REACT_SLOW] = "slow",
	[REACT_SHRINK] = "shrink",
	[REACT_PAUSE] = "pause",
	[REACT_ANEW] = "anew",
	[REACT_DATA] = "data",
	[REACT_CONFIG] = "config",
	[REACT_PERMISSION] = "permission",
};

const char *reaction_to_str(enum reaction r)
{
	return (unsigned)r < _REACT_MAX ? names[r] : "unknown";
}

static void copy_text(char *to, size_t size, const json_t *object, const char *key,
		      const char *other)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text && other)
		text = json_string_value(json_object_get(object, other));
	if (!str_copy(to, size, view_str(text ? text : "")))
		to[size - 1] = '\0';
}

static int64_t get_count(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return json_is_integer(v) ? json_integer_value(v) : -1;
}

void answer_parse(struct ez_view text, struct answer *ret)
{
	json_error_t unused;
	json_t *o;

	*ret = (struct answer){ .total_rows = -1,
				.loaded_rows = -1,
				.filtered_rows = -1 };
	if (view_starts(text, VIEW("\xef\xbb\xbf")))
		text = view_of(text.ptr + 3, text.len - 3);
	o = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_ALLOW_NUL, &unused);
	if (!json_is_object(o)) {
		json_decref(o);
		return;
	}
	ret->is_json = true;
	copy_text(ret->status, sizeof(ret->status), o, "Status", "status");
	copy_text(ret->existing, sizeof(ret->existing), o, "ExistingJobStatus", NULL);
	copy_text(ret->state, sizeof(ret->state), o, "state", "data");
	copy_text(ret->message, sizeof(ret->message), o, "Message", "msg");
	if (!ret->message[0])
		copy_text(ret->message, sizeof(ret->message), o, "message", NULL);
	copy_text(ret->error_url, sizeof(ret->error_url), o, "ErrorURL", NULL);
	ret->is_unseen = strcasecmp(ret->status, "Publish Timeout") == 0 ||
			 strcasecmp(ret->status, "Label Already Exists") == 0 ||
			 strcasecmp(ret->state, "COMMITTED") == 0;
	ret->total_rows = get_count(o, "NumberTotalRows");
	ret->loaded_rows = get_count(o, "NumberLoadedRows");
	ret->filtered_rows = get_count(o, "NumberFilteredRows");
	json_decref(o);
}

static bool holds(const struct rule *r, int http_status, const struct answer *a)
{
	return (r->http == 0 || r->http == http_status) &&
	       (!r->status || strcasecmp(r->status, a->status) == 0) &&
	       (!r->existing || strcasecmp(r->existing, a->existing) == 0) &&
	       (!r->part || strcasestr(a->message, r->part));
}

enum reaction answer_to_load(int http_status, const struct answer *a)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (holds(&rules[i], http_status, a))
			return rules[i].reaction;
	return REACT_ASK;
}

enum reaction answer_to_label(int http_status, const struct answer *a, bool *ret_is_open)
{
	*ret_is_open = false;
	if (http_status == 401 || http_status == 403)
		return REACT_PERMISSION;
	if (http_status != 200 || !a->state[0])
		return REACT_ASK;
	if (strcasecmp(a->state, "VISIBLE") == 0 ||
	    strcasecmp(a->state, "COMMITTED") == 0)
		return REACT_DONE;
	if (strcasecmp(a->state, "ABORTED") == 0 || strcasecmp(a->state, "UNKNOWN") == 0)
		return REACT_ANEW;
	*ret_is_open = true;
	return REACT_WAIT;
}
