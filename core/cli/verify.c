/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/verify.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "base/parse.h"
#include "cli/cli.h"
#include "engine/exit_code.h"
#include "engine/host.h"
#include "engine/job.h"
#include "engine/loader.h"
#include "load.h"

/* ezcdc verify: what engine/verify.h finds, for people and for machines. */
enum {
	OUTPUT_MAX = 64 * 1024 * 1024,
	RESULT_MAX = 512,
	TABLES_MAX = 100000,
};

static const char *kind_to_str(uint32_t kind)
{
	return kind == EZ_DIFFERENCE_MISSING ? "missing"
	       : kind == EZ_DIFFERENCE_EXTRA ? "extra"
					     : "changed";
}

/* ------------------------------------------------------------------------- for people */

static void add_count(struct buf *b, uint64_t n, const char *what)
{
	if (n > 0)
		buf_addf(b, "%s%llu %s", b->len > 0 ? ", " : "", (unsigned long long)n,
			 what);
}

/* "equal"; "different: at least 2 missing, 1 changed". */
static void add_result(const struct verify_table *t, struct buf *out)
{
	struct buf counts = BUF_INIT(RESULT_MAX);

	add_count(&counts, t->missing, "missing");
	add_count(&counts, t->extra, "extra");
	add_count(&counts, t->changed, "changed");
	buf_add_str(out, verify_verdict_to_str(t->verdict));
	if (counts.len > 0)
		buf_addf(out, ": %s%s", t->partial ? "at least " : "", buf_cstr(&counts));
	buf_release(&counts);
}

static void add_details(const struct verify_table *t, struct buf *out)
{
	uint64_t all = t->missing + t->extra + t->changed;

	for (size_t i = 0; i < t->n_differences; i++)
		buf_addf(out, "    %-8s %s\n", kind_to_str(t->differences[i].kind),
			 t->differences[i].key);
	if (all > t->n_differences)
		buf_addf(out, "    and %s%llu more\n", t->partial ? "at least " : "",
			 (unsigned long long)(all - t->n_differences));
	if (t->unsettled > 0)
		buf_addf(
			out,
			"    %llu rows were changed again and again while they were compared\n",
			(unsigned long long)t->unsettled);
	else if (t->verdict == VERIFY_UNSETTLED)
		buf_add_str(
			out,
			"    more rows differ than could be looked into; do it again\n");
	if (t->refused > 0)
		buf_addf(
			out,
			"    %llu rows of the source cannot be loaded and were left out\n",
			(unsigned long long)t->refused);
	if (t->unchecked && t->unchecked[0])
		buf_addf(out, "    compared for NULL alone: %s\n", t->unchecked);
}

static int width_of(const struct verify_report *r, bool target)
{
	size_t width = 6;

	for (size_t i = 0; i < r->n_tables; i++) {
		const char *name = target ? r->tables[i].target : r->tables[i].source;

		width = MAX(width, name ? strlen(name) : 0);
	}
	return (int)width;
}

static void add_place(const struct verify_place *p, struct buf *out)
{
	const char *state =
		strcmp(p->state, "snapshot") == 0 ? "still copying its tables" : p->state;

	if (!p->lags)
		return;
	buf_addf(out, "the job is %s%s%s", state, p->text[0] ? " at " : "", p->text);
	if (p->behind > 0)
		buf_addf(out, ", %s of the source's log behind",
			 format_size(p->behind).text);
	buf_add_str(out, ": what it has not replicated yet counts as a difference\n");
}

static void print(const struct verify_report *r, struct buf *out)
{
	int source = width_of(r, false), target = width_of(r, true);

	buf_addf(out, "%-*s  %-*s  %12s  %12s  %s\n", source, "SOURCE", target, "TARGET",
		 "ROWS", "ROWS THERE", "RESULT");
	for (size_t i = 0; i < r->n_tables; i++) {
		const struct verify_table *t = &r->tables[i];

		buf_addf(out, "%-*s  %-*s  %12llu  %12llu  ", source, t->source, target,
			 t->target ? t->target : "", (unsigned long long)t->source_rows,
			 (unsigned long long)t->target_rows);
		add_result(t, out);
		buf_add_char(out, '\n');
		add_details(t, out);
	}
	add_place(&r->place, out);
}

/* ----------------------------------------------------------------------- for machines */

static void json_text(struct jsonw *w, const char *key, const char *text)
{
	jsonw_key(w, key);
	jsonw_str(w, text && text[0] ? text : NULL);
}

static void json_count(struct jsonw *w, const char *key, uint64_t n)
{
	jsonw_key(w, key);
	jsonw_u64(w, n);
}

static void json_table(struct jsonw *w, const struct verify_table *t)
{
	jsonw_begin_object(w);
	json_text(w, "source", t->source);
	json_text(w, "target", t->target);
	json_text(w, "result", verify_verdict_to_str(t->verdict));
	json_count(w, "source_rows", t->source_rows);
	json_count(w, "target_rows", t->target_rows);
	json_count(w, "missing", t->missing);
	json_count(w, "extra", t->extra);
	json_count(w, "changed", t->changed);
	json_count(w, "unsettled", t->unsettled);
	json_count(w, "refused", t->refused);
	jsonw_key(w, "partial");
	jsonw_bool(w, t->partial);
	json_text(w, "compared_for_null_alone", t->unchecked);
	jsonw_key(w, "differences");
	jsonw_begin_array(w);
	for (size_t i = 0; i < t->n_differences; i++) {
		jsonw_begin_object(w);
		json_text(w, "kind", kind_to_str(t->differences[i].kind));
		json_text(w, "key", t->differences[i].key);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	jsonw_end_object(w);
}

static void print_json(const struct verify_report *r, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	json_text(&w, "result", verify_verdict_to_str(verify_verdict(r)));
	json_count(&w, "rounds", r->rounds);
	jsonw_key(&w, "job");
	jsonw_begin_object(&w);
	json_text(&w, "state", r->place.state);
	json_text(&w, "position", r->place.text);
	json_text(&w, "snapshot", r->place.snapshot);
	jsonw_key(&w, "lags");
	jsonw_bool(&w, r->place.lags);
	json_count(&w, "behind_bytes", r->place.behind);
	jsonw_end_object(&w);
	jsonw_key(&w, "tables");
	jsonw_begin_array(&w);
	for (size_t i = 0; i < r->n_tables; i++)
		json_table(&w, &r->tables[i]);
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}

/* ------------------------------------------------------------------------ the command */

/* One line that is written over again and again. */
static void show_progress(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "\r\033[K%s", text);
	fflush(stderr);
}

static int verify(const struct cli *c, const struct job *job)
{
	int first = c->config_fd >= 0 ? 0 : 1;
	bool shows = isatty(STDERR_FILENO);
	const struct verify_request request = {
		.state_dir = c->state_dir,
		.names = c->rest + first,
		.n_names = (size_t)(c->n_rest - first),
		.progress = shows ? show_progress : NULL,
	};
	struct verify_report report = { .tables = NULL };
	struct buf text = BUF_INIT(OUTPUT_MAX);
	struct ez_error err = ERROR_INIT;
	enum verify_verdict verdict;
	int rc = engine_verify(job, &request, &report, &err);

	if (shows)
		fputs("\r\033[K", stderr);
	if (rc < 0)
		return conclude_error(&err);
	if (c->json)
		print_json(&report, &text);
	else
		print(&report, &text);
	cli_print(&text);
	verdict = verify_verdict(&report);
	verify_release(&report);
	return verdict == VERIFY_DIFFERENT ? EXIT_DIFFERENT : EXIT_DONE;
}

int cmd_verify(const struct command *self, int argc, char **argv)
{
	struct job *job = NULL;
	struct cli c;
	int code = cli_options(&c, self,
			       CLI_JSON | CLI_STATE_DIR | CLI_PLUGIN_DIR | CLI_WORKER, 1,
			       TABLES_MAX, argc, argv);

	if (code >= 0)
		return code;
	code = cli_load(&c, &job);
	if (code < 0 && !plugin_can(job->sink.plugin, EZ_CAP_COMPARE)) {
		fprintf(stderr,
			"ezcdc verify: the sink \"%s\" cannot read back what it wrote, so "
			"there is nothing to compare the source with\n",
			job->sink.plugin->name);
		code = EXIT_UNAVAILABLE;
	}
	if (code < 0)
		code = verify(&c, job);
	job_free(job);
	cli_release(&c);
	return code;
}
