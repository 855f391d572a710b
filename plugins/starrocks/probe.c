/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "probe.h"

#include <ctype.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/view.h"

#include "group.h"
#include "host.h"
#include "http.h"
#include "settings.h"
#include "table.h"
#include "txn.h"
#include "uploader.h"

enum {
	REASON_CAP = 300,
	LOG_TIMEOUT_US = 5 * US_PER_SEC,
};

struct probe {
	struct uploader *u;
	struct group *g;
	const struct load *load;
	struct buf reason;
	size_t n_found;
};

/* -------------------------------------------------------------------------- reasons */

/* Everything in quotes may be a value, and what follows these words is one. */
void probe_reason(struct ez_view log, struct buf *ret)
{
	static const char *const ends[] = { "Value:", "Row:", "Src line", "src line",
					    "Column values" };
	struct ez_view line = { .len = 0 };
	bool in_quotes = false;
	size_t len;

	while (view_split(&log, '\n', &line) && view_trim(line).len == 0)
		;
	line = view_trim(line);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const char *at =
			line.len ? memmem(line.ptr, line.len, ends[i], strlen(ends[i]))
				 : NULL;

		if (at)
			line.len = (size_t)(at - line.ptr);
	}
	len = MIN(line.len, (size_t)REASON_CAP);
	for (size_t i = 0; i < len; i++) {
		char c = line.ptr[i];

		if (c == '\'' || c == '"') {
			in_quotes = !in_quotes;
			buf_add_char(ret, c);
		} else if (!in_quotes) {
			buf_add_char(ret, isprint((unsigned char)c) ? c : ' ');
		}
	}
}

/* The log is on a back end, which is told of by the name it has for itself; when it cannot
 * be read the row is found all the same. */
static void fetch_reason(struct probe *p, const char *url)
{
	_cleanup_(exchange_release) struct exchange x;
	struct exchange *xs[] = { &x };

	if (!*url)
		return;
	exchange_init(&x, "GET");
	x.path = "";
	x.url = url;
	x.is_anonymous = true;
	x.timeout_us = LOG_TIMEOUT_US;
	http_run(p->u->loader.http, xs, 1, 1);
	if (x.fault == HTTP_ANSWERED && x.status == 200)
		probe_reason(buf_view(&x.answer), &p->reason);
}

/* -------------------------------------------------------------------------- halving */

static int found(struct probe *p, size_t row, struct ez_error *err)
{
	host->fail(err, EZ_E_DATA, "", "table %s: StarRocks refuses a row%s%.*s",
		   target_name(p->load->target), p->reason.len ? ": " : "",
		   VIEW_ARG(buf_view(&p->reason)));
	p->n_found++;
	return group_reject(p->g, p->load, row, err);
}

static int is_refused(struct probe *p, size_t from, size_t to, bool *ret,
		      struct ez_error *err)
{
	struct refusal refusal = { .load = 0 };
	struct label label;
	int rc = label_add(&label, &p->u->loader.run, LABEL_PROBE, ++p->u->probes, err);

	if (rc == EZ_OK)
		rc = txn_try(&p->u->loader, p->load, from, to, &label, ret, &refusal,
			     err);
	if (rc == EZ_OK && *ret && to - from == 1) {
		buf_reset(&p->reason);
		fetch_reason(p, refusal.error_url);
	}
	return rc;
}

/* At least one of the rows [from, to) is refused; finds all of them. */
static int halve(struct probe *p, size_t from, size_t to, struct ez_error *err)
{
	while (to - from > 1) {
		size_t middle = from + (to - from) / 2;
		bool left = false, right = true;
		int rc = is_refused(p, from, middle, &left, err);

		if (rc == EZ_OK && left)
			rc = is_refused(p, middle, to, &right, err);
		if (rc == EZ_OK && left && right)
			rc = halve(p, from, middle, err);
		if (rc < 0)
			return rc;
		if (right)
			from = middle;
		else
			to = middle;
	}
	return found(p, from, err);
}

static int probe_load(struct probe *p, const struct load *load, struct ez_error *err)
{
	bool refused = false;
	int rc;

	p->load = load;
	rc = is_refused(p, 0, load->n_rows, &refused, err);
	return rc < 0 || !refused ? rc : halve(p, 0, load->n_rows, err);
}

int probe_group(struct uploader *u, struct group *g, const struct load *bad,
		const struct refusal *refusal, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf reason = BUF_INIT(REASON_CAP * 2);
	struct probe p = { .u = u, .g = g, .reason = reason };
	int rc = EZ_OK;

	fetch_reason(&p, refusal->error_url);
	for (size_t i = 0; rc == EZ_OK && i < g->loads.n; i++)
		if (!bad || bad == g->loads.items[i])
			rc = probe_load(&p, g->loads.items[i], err);
	if (rc == EZ_OK && p.n_found == 0)
		rc = host->fail(err, EZ_E_CONFIG, "",
				"StarRocks refused rows%s%.*s, but each of "
				"them alone is accepted",
				p.reason.len ? ": " : "", VIEW_ARG(buf_view(&p.reason)));
	reason = p.reason;
	return rc;
}
