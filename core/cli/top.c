/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "engine/control.h"
#include "engine/exit_code.h"
#include "engine/host.h"
#include "engine/json.h"

/*
 * A live screen with plain escape codes: the terminal's alternate screen, redrawn once a
 * second as a whole. Without a terminal one frame is printed.
 */
enum {
	FRAME_MAX = 4 * 1024 * 1024,
	ASK_MS = 1000,
	REFRESH_MS = 1000,
};

struct jobs {
	struct json **status;
	size_t n;
};

static struct json *ask_status(const char *state)
{
	_cleanup_(buf_release) struct buf answer = BUF_INIT(FRAME_MAX);
	_cleanup_(freep) char *socket = xasprintf("%s/control.sock", state);
	struct ez_error err = ERROR_INIT;

	if (control_ask(socket, VIEW("{\"cmd\":\"status\"}"), ASK_MS, &answer, &err) < 0)
		return NULL;
	return json_parse(buf_view(&answer), NULL);
}

static void add(struct jobs *jobs, struct json *status)
{
	if (!status)
		return;
	jobs->status = xrealloc(jobs->status, (jobs->n + 1) * sizeof(struct json *));
	jobs->status[jobs->n++] = status;
}

static int by_lag(const void *a, const void *b)
{
	int64_t x = show_lag_bytes(*(struct json *const *)a);
	int64_t y = show_lag_bytes(*(struct json *const *)b);

	return (x < y) - (x > y);
}

static struct jobs collect(const struct cli *c)
{
	struct jobs jobs = { .status = NULL };
	DIR *d = opendir(c->state_root);
	const struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		char *state;

		if (e->d_name[0] == '.')
			continue;
		state = xasprintf("%s/%s", c->state_root, e->d_name);
		add(&jobs, ask_status(state));
		free(state);
	}
	if (d)
		closedir(d);
	if (jobs.n > 0)
		qsort(jobs.status, jobs.n, sizeof(struct json *), by_lag);
	return jobs;
}

static void draw_all(const struct cli *c, struct buf *out)
{
	struct jobs jobs = collect(c);

	show_line_heading(out);
	for (size_t i = 0; i < jobs.n; i++) {
		show_line(jobs.status[i], out);
		json_free(jobs.status[i]);
	}
	if (jobs.n == 0)
		buf_addf(out, "no job is running below %s\n", c->state_root);
	free(jobs.status);
}

static void draw_one(const struct cli *c, struct buf *out)
{
	_cleanup_(freep) char *state = cli_state_path(c, c->rest[0]);
	_cleanup_(json_freep) struct json *status = ask_status(state);

	if (status)
		show_status(status, out);
	else
		buf_addf(out, "job %s is not running\n", c->rest[0]);
}

static void draw(const struct cli *c, struct buf *out)
{
	if (c->n_rest > 0)
		draw_one(c, out);
	else
		draw_all(c, out);
}

/* False: the user wants to leave. */
static bool wait_for_key(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;

	if (poll(&p, 1, REFRESH_MS) <= 0)
		return true;
	return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q' && key != 3;
}

static void live(const struct cli *c)
{
	struct termios old, raw;
	struct buf frame = BUF_INIT(FRAME_MAX);

	if (tcgetattr(STDIN_FILENO, &old) != 0)
		return;
	raw = old;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs("\033[?1049h\033[?25l", stdout);
	do {
		buf_reset(&frame);
		draw(c, &frame);
		fputs("\033[H\033[2J", stdout);
		fwrite(buf_cstr(&frame), 1, frame.len, stdout);
		fflush(stdout);
	} while (wait_for_key());
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &old);
	buf_release(&frame);
}

int cmd_top(const struct command *self, int argc, char **argv)
{
	struct cli c;
	int code = cli_options(&c, self, CLI_STATE_ROOT, 0, 1, argc, argv);

	if (code >= 0)
		return code;
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
		live(&c);
	} else {
		struct buf frame = BUF_INIT(FRAME_MAX);

		draw(&c, &frame);
		cli_print(&frame);
	}
	return EXIT_DONE;
}
