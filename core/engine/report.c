/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/jsonw.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/view.h"

enum { TEXT_MAX = 1024 };

void report_release(struct ez_report *r)
{
	for (size_t i = 0; i < r->n_findings; i++) {
		struct report_finding *f = &r->findings[i];

		free(f->section);
		free(f->what);
		free(f->text);
		free(f->remedy);
	}
	for (size_t i = 0; i < r->n_tables; i++) {
		struct report_table *t = &r->tables[i];

		free(t->schema);
		free(t->name);
		free(t->key);
		free(t->reason);
	}
	free(r->findings);
	free(r->tables);
	free(r->section);
	*r = (struct ez_report){ .section = NULL };
}

void report_section(struct ez_report *r, const char *section)
{
	free(r->section);
	r->section = xstrdup(section);
}

static void add(struct ez_report *r, int status, const char *what, const char *text,
		const char *remedy)
{
	if (status != EZ_FINDING_OK && status != EZ_FINDING_WARNING)
		status = EZ_FINDING_FAILED; /* a plugin may say anything */
	r->findings = xrealloc(r->findings, (r->n_findings + 1) * sizeof(*r->findings));
	r->findings[r->n_findings++] = (struct report_finding){
		.status = status,
		.section = xstrdup(r->section ? r->section : ""),
		.what = xstrdup(what),
		.text = xstrdup(text),
		.remedy = remedy && remedy[0] ? xstrdup(remedy) : NULL,
	};
	r->n_failed += status == EZ_FINDING_FAILED;
	r->n_warnings += status == EZ_FINDING_WARNING;
}

void report_finding(struct ez_report *r, int status, const char *what, const char *remedy,
		    const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (!str_formatv(text, sizeof(text), fmt, ap))
		text[sizeof(text) - 1] = '\0';
	va_end(ap);
	add(r, status, what, text, remedy);
}

void report_error(struct ez_report *r, const char *what, const struct ez_error *err)
{
	add(r, EZ_FINDING_FAILED, what, err->text, err->hint);
}

void report_found(struct ez_report *r, const struct ez_found *f)
{
	r->tables = xrealloc(r->tables, (r->n_tables + 1) * sizeof(*r->tables));
	r->tables[r->n_tables++] = (struct report_table){
		.schema = view_dup(f->schema),
		.name = view_dup(f->name),
		.key = view_dup(f->key),
		.reason = view_dup(f->reason),
		.rows_estimate = f->rows_estimate,
		.bytes = f->bytes,
		.ready = f->ready != 0,
	};
}

/* ---------------------------------------------------------------------------- printing */

static const char *mark_of(int status, bool color)
{
	static const char *const plain[] = { "ok  ", "warn", "FAIL" };
	static const char *const colored[] = { "\033[32mok  \033[0m", "\033[33mwarn\033[0m",
					       "\033[31mFAIL\033[0m" };

	return color ? colored[status] : plain[status];
}

void report_print(const struct ez_report *r, bool color, struct buf *out)
{
	const char *section = "";

	for (size_t i = 0; i < r->n_findings; i++) {
		const struct report_finding *f = &r->findings[i];

		if (strcmp(section, f->section) != 0)
			buf_addf(out, "%s%s\n", i > 0 ? "\n" : "", f->section);
		section = f->section;
		buf_addf(out, "  %s  %s: %s\n", mark_of(f->status, color), f->what, f->text);
		if (f->remedy)
			buf_addf(out, "        %s\n", f->remedy);
	}
	buf_addf(out, "\n%zu checked, %zu failed, %zu warnings\n", r->n_findings, r->n_failed,
		 r->n_warnings);
}

static void json_member(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_str(w, value);
}

void report_json(const struct ez_report *r, struct buf *out)
{
	static const char *const names[] = { "ok", "warning", "failed" };
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	jsonw_key(&w, "ok");
	jsonw_bool(&w, r->n_failed == 0);
	jsonw_key(&w, "findings");
	jsonw_begin_array(&w);
	for (size_t i = 0; i < r->n_findings; i++) {
		const struct report_finding *f = &r->findings[i];

		jsonw_begin_object(&w);
		json_member(&w, "section", f->section);
		json_member(&w, "what", f->what);
		json_member(&w, "status", names[f->status]);
		json_member(&w, "text", f->text);
		json_member(&w, "remedy", f->remedy);
		jsonw_end_object(&w);
	}
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}

void report_tables_print(const struct ez_report *r, struct buf *out)
{
	size_t width = 5;

	for (size_t i = 0; i < r->n_tables; i++)
		width = MAX(width, strlen(r->tables[i].schema) + strlen(r->tables[i].name) + 1);
	buf_addf(out, "%-*s  %12s  %10s  %-5s  %s\n", (int)width, "table", "rows", "size", "ready",
		 "key");
	for (size_t i = 0; i < r->n_tables; i++) {
		const struct report_table *t = &r->tables[i];
		char *name = xasprintf("%s.%s", t->schema, t->name);
		char *rows = t->rows_estimate < 0 ? xstrdup("?") :
						    xasprintf("%lld", (long long)t->rows_estimate);

		buf_addf(out, "%-*s  %12s  %10s  %-5s  %s%s%s\n", (int)width, name, rows,
			 t->bytes < 0 ? "?" : format_size((uint64_t)t->bytes).text,
			 t->ready ? "yes" : "no", t->key[0] ? t->key : "-",
			 t->reason[0] ? "  " : "", t->reason);
		free(rows);
		free(name);
	}
}

void report_tables_json(const struct ez_report *r, struct buf *out)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_begin_object(&w);
	jsonw_key(&w, "tables");
	jsonw_begin_array(&w);
	for (size_t i = 0; i < r->n_tables; i++) {
		const struct report_table *t = &r->tables[i];

		jsonw_begin_object(&w);
		json_member(&w, "schema", t->schema);
		json_member(&w, "name", t->name);
		json_member(&w, "key", t->key);
		jsonw_key(&w, "rows");
		jsonw_i64(&w, t->rows_estimate);
		jsonw_key(&w, "bytes");
		jsonw_i64(&w, t->bytes);
		jsonw_key(&w, "ready");
		jsonw_bool(&w, t->ready);
		json_member(&w, "reason", t->reason);
		jsonw_end_object(&w);
	}
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	buf_add_char(out, '\n');
}
