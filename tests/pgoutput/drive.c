/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/view.h"
#include "recording_host.h"

/*
 * Runs the source alone against a real server and prints what it says.
 *
 *	drive [-q] [-i] [-n EVENTS] [-t SECONDS] [-r EVENTS] [-w MS] FROM OPTION=VALUE...
 *
 * FROM is a position, or "slot" for the slot's confirmed one. Ends after so many events or
 * seconds. -q counts only, -i prints the result of info() and ends, -r stalls (idle()
 * instead of poll()) for 200 ms, or what -w says, after every so many events. Everything
 * that was committed is acknowledged at once.
 */
static volatile sig_atomic_t is_stopped;

struct drive {
	struct recording *r;
	void *inst;
	const struct ez_source *ops;
	uint64_t most_events;
	double most_seconds;
	uint64_t stall_events;
	uint32_t stall_ms;
	bool info_only;
	const char *from;
	struct fake_setting settings[64];
};

static void on_signal(int number)
{
	(void)number;
	is_stopped = 1;
}

static int complain(const char *what, const struct ez_error *err)
{
	fflush(stdout);
	fprintf(stderr, "%s: class %d, code %s: %s\n", what, err->rc, err->code,
		err->text);
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", err->hint);
	return 1;
}

static void ack(struct drive *d)
{
	char text[32];
	uint64_t order = d->r->last_order;
	struct ez_position p = { .bytes = { text, 0 }, .order = order };

	if (order == 0)
		return;
	p.bytes.len = (size_t)snprintf(text, sizeof(text), "%X/%X",
				       (unsigned)(order >> 32), (unsigned)order);
	if (d->ops->ack(d->inst, p, &d->r->fake->err) != EZ_OK)
		complain("ack", &d->r->fake->err);
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void report(const struct drive *d, int64_t began_us, double cpu)
{
	double seconds = (double)(mono_us() - began_us) / 1e6;
	struct ez_source_status st = { .size = sizeof(st) };

	d->ops->status(d->inst, &st);
	fprintf(stderr,
		"events=%" PRIu64 " commits=%" PRIu64 " idle=%" PRIu64
		" seconds=%.2f rate=%.0f cpu_us_per_event=%.2f reconnects=%" PRIu64
		" held=%u held_bytes=%" PRId64 "\n",
		d->r->n_events, d->r->n_commits, d->r->n_idle, seconds,
		(double)d->r->n_events / seconds,
		d->r->n_events ? cpu * 1e6 / (double)d->r->n_events : 0, st.reconnects,
		st.held, st.held_bytes);
}

static void flush_text(struct drive *d)
{
	fwrite(d->r->text.ptr ? d->r->text.ptr : "", 1, d->r->text.len, stdout);
	fflush(stdout);
	buf_reset(&d->r->text);
}

static int stream(struct drive *d)
{
	int64_t began_us = mono_us(),
		end_us = began_us + (int64_t)(d->most_seconds * 1e6);
	struct ez_error *err = &d->r->fake->err;
	uint64_t stall_at = d->stall_events;
	double cpu = cpu_seconds();
	int rc = EZ_OK;

	while (!is_stopped && mono_us() < end_us && d->r->n_events < d->most_events) {
		rc = d->ops->poll(d->inst, &d->r->out, 100, err);
		if (d->r->text.len)
			flush_text(d);
		if (rc < 0)
			break;
		if (arena_bytes(&d->r->arena) > 8u << 20)
			recording_recycle(d->r);
		ack(d);
		if (d->stall_events && d->r->n_events >= stall_at) {
			stall_at += d->stall_events;
			rc = d->ops->idle(d->inst, d->stall_ms, err);
			if (rc < 0)
				break;
		}
	}
	report(d, began_us, cpu_seconds() - cpu);
	return rc < 0 ? complain("poll", err) : 0;
}

static int run(struct drive *d)
{
	struct ez_error *err = &d->r->fake->err;
	struct ez_source_info info = { .size = sizeof(info) };
	struct ez_position from;

	if (d->ops->info(d->inst, &info, err) != EZ_OK)
		return complain("info", err);
	fprintf(stderr, "server %.*s, slot %.*s state %u confirmed %.*s, now %.*s\n",
		VIEW_ARG(info.server), VIEW_ARG(info.slot_name), info.slot,
		VIEW_ARG(info.confirmed.bytes), VIEW_ARG(info.now.bytes));
	if (d->info_only)
		return 0;
	from = info.confirmed;
	if (strcmp(d->from, "slot") != 0 &&
	    d->ops->position(d->inst, view_str(d->from), &from, err) != EZ_OK)
		return complain("position", err);
	if (d->ops->start(d->inst, from, 0, err) != EZ_OK)
		return complain("start", err);
	return stream(d);
}

static void take_settings(struct drive *d, char **argv, int n)
{
	for (int i = 0; i < n && i < 60; i++) {
		char *eq = strchr(argv[i], '=');

		if (!eq)
			continue;
		*eq = '\0';
		d->settings[i] =
			(struct fake_setting){ .name = argv[i], .value = eq + 1 };
	}
}

static bool take_options(struct drive *d, int argc, char **argv, bool *ret_is_silent)
{
	int c;

	while ((c = getopt(argc, argv, "qin:t:r:w:")) != -1) {
		switch (c) {
		case 'q':
			*ret_is_silent = true;
			break;
		case 'i':
			d->info_only = true;
			break;
		case 'n':
			d->most_events = strtoull(optarg, NULL, 10);
			break;
		case 't':
			d->most_seconds = (double)strtoll(optarg, NULL, 10);
			break;
		case 'w':
			d->stall_ms = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			d->stall_events = strtoull(optarg, NULL, 10);
			break;
		default:
			return false;
		}
	}
	return optind < argc;
}

int main(int argc, char **argv)
{
	struct drive d = { .most_events = UINT64_MAX,
			   .most_seconds = 1e9,
			   .stall_ms = 200,
			   .ops = ez_plugin.ops.source };
	bool is_silent = false;
	int rc;

	if (!take_options(&d, argc, argv, &is_silent)) {
		fprintf(stderr, "usage: drive [-q] [-i] [-n EVENTS] [-t SECONDS] "
				"[-r EVENTS] [-w MS] FROM OPTION=VALUE...\n");
		return 64;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	d.from = argv[optind];
	take_settings(&d, argv + optind + 1, argc - optind - 1);
	d.r = recording_new(ez_plugin.options, d.settings);
	d.r->is_silent = is_silent;
	ez_plugin.load(&d.r->host);
	if (d.ops->open(&d.r->fake->open, &d.inst, &d.r->fake->err) != EZ_OK)
		return complain("open", &d.r->fake->err);
	rc = run(&d);
	d.ops->close(d.inst);
	recording_free(d.r);
	return rc;
}
