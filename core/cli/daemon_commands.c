/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "engine/checkpoint.h"
#include "engine/control.h"
#include "engine/exit_code.h"
#include "engine/host.h"
#include "engine/json.h"
#include "load.h"

/* The commands that speak to a running daemon through its control socket. */
enum {
	ANSWER_MAX = 64 * 1024 * 1024,
	CHECKPOINT_MAX = 64 * 1024 * 1024,
	REQUEST_MAX = 4096,
	TIMEOUT_MS = 10000,
};

static int ask(const char *state, const char *cmd, struct buf *answer, struct ez_error *err)
{
	_cleanup_(freep) char *socket = xasprintf("%s/control.sock", state);
	_cleanup_(freep) char *request = xasprintf("{\"cmd\":\"%s\"}", cmd);

	return control_ask(socket, view_str(request), TIMEOUT_MS, answer, err);
}

/* ----------------------------------------------------------------------------- status */

static int read_checkpoint(const char *state, struct checkpoint *ret, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(CHECKPOINT_MAX);
	_cleanup_(freep) char *path = xasprintf("%s/checkpoint", state);
	int rc = fs_read_file(path, CHECKPOINT_MAX, &text);

	if (rc < 0) {
		host_table.fail(err, EZ_E_TRANSIENT, "",
				"no daemon runs in %s and there is no checkpoint", state);
		return host_table.hint(err, "is the name right? ezcdc top lists running jobs");
	}
	return checkpoint_parse(buf_view(&text), ret, err);
}

static void stopped_json(const struct checkpoint *cp, struct buf *out)
{
	const struct mark *at = checkpoint_resume(cp);
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	jsonw_key(&w, "name");
	jsonw_str(&w, cp->job);
	jsonw_key(&w, "state");
	jsonw_str(&w, "stopped");
	jsonw_key(&w, "phase");
	jsonw_str(&w, phase_to_str(cp->phase));
	jsonw_key(&w, "paused");
	jsonw_bool(&w, cp->paused);
	jsonw_key(&w, "positions");
	jsonw_begin_object(&w);
	jsonw_key(&w, "durable");
	jsonw_str(&w, at ? at->text : NULL);
	jsonw_end_object(&w);
	jsonw_key(&w, "dead_letters");
	jsonw_u64(&w, cp->dead_letters);
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}

static void stopped_text(const struct checkpoint *cp, struct buf *out)
{
	const struct mark *at = checkpoint_resume(cp);

	buf_addf(out, "job          %s\nstate        stopped%s\nphase        %s\nposition     %s\n",
		 cp->job, cp->paused ? ", paused when it starts" : "", phase_to_str(cp->phase),
		 at ? at->text : "-");
}

/* Why the job's worker, if it has one, does not run it. */
static void add_worker_text(const struct cli *c, const char *state, struct buf *out)
{
	_cleanup_(buf_release) struct buf answer = BUF_INIT(ANSWER_MAX);
	_cleanup_(freep) char *socket = xasprintf("%s/worker.sock", c->state_root);
	_cleanup_(json_freep) struct json *json = NULL;
	const struct json *jobs;
	struct ez_error err = ERROR_INIT;

	if (control_ask(socket, VIEW("{\"cmd\":\"status\"}"), TIMEOUT_MS, &answer, &err) < 0)
		return;
	json = json_parse(buf_view(&answer), NULL);
	jobs = json_get(json, "jobs");
	for (size_t i = 0; i < json_len(jobs); i++) {
		const struct json *j = json_at(jobs, i);
		struct ez_view why = json_str(j, "error");

		if (view_eq_str(json_str(j, "folder"), state))
			buf_addf(out, "worker       %.*s%s%.*s\n", VIEW_ARG(json_str(j, "state")),
				 why.len > 0 ? ": " : "", VIEW_ARG(why));
	}
}

static int show_stopped(const struct cli *c, const char *state)
{
	struct checkpoint cp = CHECKPOINT_INIT;
	struct buf text = BUF_INIT(ANSWER_MAX);
	struct ez_error err = ERROR_INIT;

	if (read_checkpoint(state, &cp, &err) < 0) {
		if (!c->json)
			add_worker_text(c, state, &text);
		if (text.len == 0)
			return conclude_error(&err);
		cli_print(&text);
		return EXIT_DONE;
	}
	if (c->json) {
		stopped_json(&cp, &text);
	} else {
		stopped_text(&cp, &text);
		add_worker_text(c, state, &text);
	}
	cli_print(&text);
	checkpoint_release(&cp);
	return EXIT_DONE;
}

static void show_running(const struct cli *c, struct buf *answer)
{
	_cleanup_(json_freep) struct json *status = json_parse(buf_view(answer), NULL);
	struct buf text = BUF_INIT(ANSWER_MAX);

	if (c->json || !status) {
		buf_add_char(answer, '\n');
		cli_print(answer);
		return;
	}
	show_status(status, &text);
	cli_print(&text);
}

int cmd_status(const struct command *self, int argc, char **argv)
{
	struct buf answer = BUF_INIT(ANSWER_MAX);
	struct ez_error err = ERROR_INIT;
	struct cli c;
	char *state;
	int rc, code = cli_options(&c, self, CLI_JSON | CLI_STATE_ROOT, 1, 1, argc, argv);

	if (code >= 0)
		return code;
	state = cli_state_path(&c, c.rest[0]);
	rc = ask(state, "status", &answer, &err);
	code = EXIT_DONE;
	if (rc >= 0)
		show_running(&c, &answer);
	else if (rc == EZ_E_TRANSIENT)
		code = show_stopped(&c, state);
	else
		code = conclude_error(&err);
	buf_release(&answer);
	free(state);
	return code;
}

/* -------------------------------------------------------------- pause, resume and stop */

/* The worker looks after jobs without a daemon. -1: there is none; else the exit code. */
static int ask_worker(const struct cli *c, const char *cmd)
{
	_cleanup_(buf_release) struct buf answer = BUF_INIT(ANSWER_MAX);
	_cleanup_(buf_release) struct buf request = BUF_INIT(REQUEST_MAX);
	_cleanup_(freep) char *socket = xasprintf("%s/worker.sock", c->state_root);
	_cleanup_(json_freep) struct json *json = NULL;
	struct jsonw w = JSONW_INIT(&request);
	struct ez_error err = ERROR_INIT;
	struct ez_view why;

	jsonw_begin_object(&w);
	jsonw_key(&w, "cmd");
	jsonw_str(&w, cmd);
	jsonw_key(&w, "job");
	jsonw_str(&w, c->rest[0]);
	jsonw_end_object(&w);
	if (!buf_ok(&request) ||
	    control_ask(socket, buf_view(&request), TIMEOUT_MS, &answer, &err) < 0)
		return -1;
	json = json_parse(buf_view(&answer), NULL);
	why = json_str(json, "error");
	if (why.len == 0)
		return EXIT_DONE;
	fprintf(stderr, "ezcdc %s: %.*s\n", c->command->name, VIEW_ARG(why));
	return EXIT_UNAVAILABLE;
}

int cmd_start(const struct command *self, int argc, char **argv)
{
	struct cli c;
	int code = cli_options(&c, self, CLI_STATE_ROOT, 1, 1, argc, argv);

	if (code >= 0)
		return code;
	code = ask_worker(&c, "start");
	if (code >= 0)
		return code;
	fprintf(stderr, "ezcdc start: no worker answers on %s/worker.sock; to run a job without "
			"one: dbmazz JOBFILE\n", c.state_root);
	return EXIT_UNAVAILABLE;
}

int cmd_tell(const struct command *self, int argc, char **argv)
{
	_cleanup_(buf_release) struct buf answer = BUF_INIT(ANSWER_MAX);
	_cleanup_(json_freep) struct json *json = NULL;
	_cleanup_(freep) char *state = NULL;
	struct ez_error err = ERROR_INIT;
	struct ez_view why;
	struct cli c;
	int code = cli_options(&c, self, CLI_STATE_ROOT, 1, 1, argc, argv);

	if (code >= 0)
		return code;
	state = cli_state_path(&c, c.rest[0]);
	if (ask(state, self->name, &answer, &err) < 0) {
		if (strcmp(self->name, "stop") == 0 && !strchr(c.rest[0], '/') &&
		    ask_worker(&c, "stop") == EXIT_DONE)
			return EXIT_DONE;
		host_table.hint(&err, "is the job running? see: ezcdc status %s", c.rest[0]);
		return conclude_error(&err);
	}
	json = json_parse(buf_view(&answer), NULL);
	why = json_str(json, "error");
	if (why.len > 0) {
		fprintf(stderr, "ezcdc %s: %.*s\n", self->name, VIEW_ARG(why));
		return EXIT_UNAVAILABLE;
	}
	return EXIT_DONE;
}
