/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/tasks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "engine/json.h"
#include "scheduler/agent.h"
#include "scheduler/children.h"
#include "scheduler/process.h"
#include "scheduler/refuse.h"
#include "scheduler/ring.h"
#include "scheduler/settings.h"
#include "scheduler/unit_start.h"
#include "scheduler/want.h"

enum {
	RESULT_MAX = 8 * 1024 * 1024 - 4096,
	TIMEOUT_MS = 60 * 1000,
	LINES_DEFAULT = 200,
	LINES_MAX = 2000,
	LETTERS_DEFAULT = 100,
	LETTERS_MAX = 1000,
	LETTERS_FILE_MAX = 64 * 1024 * 1024,
};

struct running {
	struct agent *agent;
	struct agent_task *task;
};

/* -------------------------------------------------------------------------- answers */

static void answer(struct agent *agent, const struct agent_task *task, int code,
		   struct ez_view result, const char *error)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(RESULT_MAX + 4096);
	struct jsonw w = JSONW_INIT(&text);

	jsonw_begin_object(&w);
	jsonw_key(&w, "exit_code");
	if (code < 0)
		jsonw_null(&w);
	else
		jsonw_i64(&w, code);
	jsonw_key(&w, "result");
	jsonw_raw(&w, result.len > 0 && result.len < RESULT_MAX ? result : VIEW("null"));
	jsonw_key(&w, "error");
	jsonw_str(&w, result.len < RESULT_MAX ? error : "the result is too long");
	jsonw_end_object(&w);
	agent_put_result(agent, task->id, error || result.len >= RESULT_MAX ? EZ_E_CONFIG : EZ_OK,
			 buf_view(&text));
}

static void refuse(const struct tasks *t, struct agent_task *task, const char *error)
{
	answer(t->agent, task, -1, view_of(NULL, 0), error);
	agent_task_free(task);
}

/* The text of a log line: without the time and the level in front. */
static struct ez_view sentence_of(struct ez_view line)
{
	const char *at = line.len > 0 ? memmem(line.ptr, line.len, " error ", 7) : NULL;

	if (!at)
		return line;
	at += 7;
	return view_of(at, line.len - (size_t)(at - line.ptr));
}

static char *last_sentence(struct ez_view text)
{
	struct ez_view last = view_of(NULL, 0), line;

	while (view_split(&text, '\n', &line))
		if (line.len > 0)
			last = line;
	return last.len > 0 ? view_dup(sentence_of(last)) : NULL;
}

/* A report is a result even if what it says is bad. */
static bool is_json(struct ez_view text)
{
	struct json *j = json_parse(text, NULL);
	bool is = j != NULL;

	json_free(j);
	return is;
}

static void on_child(void *arg, const struct child_result *r)
{
	struct running *run = arg;
	_cleanup_(freep) char *why = NULL;
	bool has_report = !r->timed_out && is_json(r->out);

	if (r->timed_out)
		why = xstrdup("the task took too long");
	else if (!has_report && r->code != 0)
		why = last_sentence(r->err);
	if (!why && !has_report && r->code != 0)
		why = xasprintf("the task ended with %d", r->code);
	answer(run->agent, run->task, r->timed_out ? -1 : r->code,
	       has_report ? view_trim(r->out) : view_of(NULL, 0), why);
	agent_task_free(run->task);
	free(run);
}

/* ------------------------------------------------------------------------- children */

static void run_child(const struct tasks *t, struct agent_task *task, struct args *args,
		      struct ez_view config)
{
	_cleanup_(freep) char **envp = unit_environment(true);
	struct running *run;
	struct child_job job = { .config = config, .timeout_ms = TIMEOUT_MS, .done = on_child };
	int r;

	run = xcalloc(1, sizeof(*run));
	*run = (struct running){ t->agent, task };
	job.argv = args->items;
	job.envp = envp;
	job.arg = run;
	r = children_start(t->children, &job);
	if (r < 0) {
		errno = -r;
		log_msg(EZL_ERROR, "cannot start %s: %m", t->ezcdc);
		free(run);
		refuse(t, task, "the worker cannot start a program");
	}
}

/* The same with a job file, which must keep to the rules. */
static void run_with_config(const struct tasks *t, struct agent_task *task, struct args *args,
			    struct ez_view config)
{
	const struct refuse_rules rules = { t->settings->top, t->settings->state_root };
	_cleanup_(freep) char *why = refuse_config(&rules, config);

	if (why) {
		refuse(t, task, why);
		return;
	}
	args_add(args, xasprintf("--config-fd=3"));
	args_add(args, xasprintf("--secrets-dir=%s", t->settings->secrets_dir));
	args_add_plugin_dirs(args, t->settings);
	run_child(t, task, args, config);
}

static void begin_check(const struct tasks *t, struct agent_task *task)
{
	struct args args = { .n = 0 };

	args_add(&args, xstrdup(t->ezcdc));
	args_add(&args, xstrdup(strcmp(task->kind, "discover") == 0 ? "discover" : "check"));
	args_add(&args, xstrdup("--json"));
	if (strcmp(task->kind, "check-source") == 0)
		args_add(&args, xstrdup("--only=source"));
	if (strcmp(task->kind, "check-sink") == 0)
		args_add(&args, xstrdup("--only=sink"));
	run_with_config(t, task, &args, view_str(task->config));
	args_release(&args);
}

/* The state folder of a job of the control plane, or NULL. */
static char *folder_of(const struct tasks *t, const struct json *j)
{
	_cleanup_(freep) char *base = want_base_of(json_str(j, "job_id"));

	return base ? xasprintf("%s/%s", t->settings->state_root, base) : NULL;
}

static void begin_drop(const struct tasks *t, struct agent_task *task)
{
	_cleanup_(json_freep) struct json *j = json_parse(view_str(task->config), NULL);
	_cleanup_(freep) char *base = want_base_of(json_str(j, "job_id"));
	_cleanup_(freep) char *dir = folder_of(t, j);
	struct ez_view config = json_str(j, "config");
	struct args args = { .n = 0 };

	if (!base || !config.ptr) {
		refuse(t, task, "drop needs job_id and config");
		return;
	}
	args_add(&args, xstrdup(t->ezcdc));
	args_add(&args, xstrdup("drop"));
	args_add(&args, xstrdup("--yes"));
	args_add(&args, xasprintf("--state-dir=%s", dir));
	args_add(&args, xasprintf("--id=%s", base));
	args_add(&args, xasprintf("--epoch=%" PRId64, json_i64(j, "epoch")));
	run_with_config(t, task, &args, config);
	args_release(&args);
}

static void begin_snapshot(const struct tasks *t, struct agent_task *task)
{
	_cleanup_(json_freep) struct json *j = json_parse(view_str(task->config), NULL);
	_cleanup_(freep) char *dir = folder_of(t, j);
	const struct json *tables = json_get(j, "tables");
	struct args args = { .n = 0 };

	if (!dir || json_len(tables) == 0) {
		refuse(t, task, "snapshot needs job_id and tables");
		return;
	}
	args_add(&args, xstrdup(t->ezcdc));
	args_add(&args, xstrdup("snapshot"));
	args_add(&args, xstrdup("--"));
	args_add(&args, xstrdup(dir));
	for (size_t i = 0; i < json_len(tables); i++)
		args_add(&args, view_dup(json_item_str(tables, i)));
	run_child(t, task, &args, view_of(NULL, 0));
	args_release(&args);
}

/* ---------------------------------------------------------------------- log and letters */

static void copy_member(struct jsonw *w, const struct json *j, const char *key)
{
	jsonw_key(w, key);
	jsonw_view(w, json_str(j, key));
}

static void add_line(struct jsonw *w, struct ez_view line)
{
	_cleanup_(json_freep) struct json *j = json_parse(line, NULL);

	jsonw_begin_object(w);
	if (j) {
		copy_member(w, j, "time");
		copy_member(w, j, "level");
		jsonw_key(w, "message");
		jsonw_view(w, json_has(j, "message") ? json_str(j, "message") :
						       json_str(j, "hint"));
	} else {
		jsonw_key(w, "time");
		jsonw_null(w);
		jsonw_key(w, "level");
		jsonw_str(w, "notice");
		jsonw_key(w, "message");
		jsonw_view(w, line);
	}
	jsonw_end_object(w);
}

static int64_t bounded(const struct json *j, const char *key, int64_t fallback, int64_t most)
{
	int64_t n = json_has(j, key) ? json_i64(j, key) : fallback;

	return n < 1 ? 1 : MIN(n, most);
}

static void begin_log(const struct tasks *t, struct agent_task *task)
{
	_cleanup_(json_freep) struct json *j = json_parse(view_str(task->config), NULL);
	_cleanup_(freep) char *dir = folder_of(t, j);
	_cleanup_(buf_release) struct buf text = BUF_INIT(4 * RING_BYTES);
	_cleanup_(buf_release) struct buf out = BUF_INIT(RESULT_MAX);
	struct jsonw w = JSONW_INIT(&out);
	struct ez_view rest, line;

	if (!dir) {
		refuse(t, task, "log needs job_id");
		return;
	}
	ring_tail(dir, (size_t)bounded(j, "lines", LINES_DEFAULT, LINES_MAX), &text);
	rest = buf_view(&text);
	jsonw_begin_object(&w);
	jsonw_key(&w, "lines");
	jsonw_begin_array(&w);
	while (view_split(&rest, '\n', &line))
		if (line.len > 0)
			add_line(&w, line);
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	answer(t->agent, task, 0, buf_view(&out), buf_ok(&out) ? NULL : "the log is too long");
	agent_task_free(task);
}

/* What happened to which row, but nothing of the row (R27). */
static void add_letter(struct jsonw *w, struct ez_view line)
{
	_cleanup_(json_freep) struct json *j = json_parse(line, NULL);
	_cleanup_(freep) char *table = NULL;

	if (!j)
		return;
	table = xasprintf("%.*s.%.*s", VIEW_ARG(json_str(j, "schema")),
			  VIEW_ARG(json_str(j, "table")));
	jsonw_begin_object(w);
	copy_member(w, j, "time");
	jsonw_key(w, "table");
	jsonw_str(w, table);
	jsonw_key(w, "lsn");
	jsonw_view(w, json_str(j, "commit_lsn"));
	jsonw_key(w, "seq");
	jsonw_i64(w, json_i64(j, "seq"));
	copy_member(w, j, "reason");
	jsonw_end_object(w);
}

static void begin_letters(const struct tasks *t, struct agent_task *task)
{
	_cleanup_(json_freep) struct json *j = json_parse(view_str(task->config), NULL);
	_cleanup_(freep) char *dir = folder_of(t, j), *path = NULL;
	_cleanup_(buf_release) struct buf text = BUF_INIT(LETTERS_FILE_MAX);
	_cleanup_(buf_release) struct buf out = BUF_INIT(RESULT_MAX);
	struct jsonw w = JSONW_INIT(&out);
	struct ez_view rest, line;
	int64_t count = 0, most = bounded(j, "limit", LETTERS_DEFAULT, LETTERS_MAX);

	if (!dir) {
		refuse(t, task, "dead-letters needs job_id");
		return;
	}
	path = xasprintf("%s/dead-letter.jsonl", dir);
	if (fs_read_file(path, LETTERS_FILE_MAX, &text) < 0)
		buf_reset(&text);
	rest = buf_view(&text);
	jsonw_begin_object(&w);
	jsonw_key(&w, "path");
	jsonw_str(&w, path);
	jsonw_key(&w, "letters");
	jsonw_begin_array(&w);
	while (view_split(&rest, '\n', &line))
		if (line.len > 0 && count++ < most)
			add_letter(&w, line);
	jsonw_end_array(&w);
	jsonw_key(&w, "count");
	jsonw_i64(&w, count);
	jsonw_end_object(&w);
	answer(t->agent, task, 0, buf_view(&out), NULL);
	agent_task_free(task);
}

/* ---------------------------------------------------------------------------- kinds */

void tasks_begin(const struct tasks *t, struct agent_task *task)
{
	static const struct {
		const char *kind;
		void (*begin)(const struct tasks *t, struct agent_task *task);
	} kinds[] = {
		{ "check", begin_check },      { "check-source", begin_check },
		{ "check-sink", begin_check }, { "discover", begin_check },
		{ "drop", begin_drop },        { "snapshot", begin_snapshot },
		{ "log", begin_log },
		{ "dead-letters", begin_letters },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(task->kind, kinds[i].kind) == 0) {
			log_msg(EZL_INFO, "task for the control plane: %s", task->kind);
			kinds[i].begin(t, task);
			return;
		}
	}
	refuse(t, task, "this worker does not know such tasks");
}
