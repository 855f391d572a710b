/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "convert.h"
#include "dump.h"
#include "http.h"

int tests_run(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}

struct profile tests_profile(const char *version)
{
	struct profile p;

	ck_assert(profile_parse(view_str(version), &p));
	return p;
}

struct column_type tests_type(const char *text)
{
	struct ez_view rest = view_str(text);
	struct column_type t;

	ck_assert_msg(column_type_parse(&rest, &t), "%s", text);
	ck_assert_uint_eq(rest.len, 0);
	return t;
}

static void read_column(const struct profile *p, const char *text, struct column *col)
{
	struct ez_view rest = view_str(text), name;
	struct buf preset = BUF_INIT(1000);

	ck_assert(view_split(&rest, ' ', &name));
	col->name = view_dup(name);
	ck_assert(column_type_parse(&rest, &col->type));
	rest = view_trim(rest);
	col->is_key = view_eq_str(rest, "key");
	col->is_nullable = !col->is_key && !view_eq_str(rest, "not null");
	if (!view_starts(rest, VIEW("default ")))
		return;
	col->has_default = true;
	ck_assert(convert_literal(p, &col->type, view_of(rest.ptr + 8, rest.len - 8),
				  &preset));
	col->default_text = buf_take(&preset);
}

struct cluster *tests_cluster(const char *version, const char *const *columns)
{
	struct profile p = tests_profile(version);
	struct cluster *c = cluster_new(&p, 1, 1);
	struct table *t = table_new(c, VIEW("t"));
	struct schema *s;
	size_t n = 0;

	while (columns[n])
		n++;
	s = schema_new(n);
	for (size_t i = 0; i < n; i++) {
		read_column(&p, columns[i], &s->columns[i]);
		s->n_keys += s->columns[i].is_key;
	}
	t->model = s->n_keys > 0 ? TABLE_PRIMARY_KEY : TABLE_DUPLICATE_KEY;
	table_set_schema(t, s);
	table_add(database_add(c, VIEW("d")), t);
	return c;
}

struct table *tests_table(struct cluster *c)
{
	return table_find(database_find(c, VIEW("d")), VIEW("t"));
}

static void read_headers(struct request *r, const char *headers)
{
	struct ez_view rest, line;

	*r = (struct request){ .content_length = 10 };
	buf_init(&r->head, 100000);
	buf_add_str(&r->head, headers);
	rest = buf_view(&r->head);
	while (view_split(&rest, '\n', &line)) {
		struct header *h = &r->headers[r->n_headers];
		struct ez_view value = line;

		if (!view_split(&value, ':', &h->name) || h->name.len == 0)
			continue;
		h->value = view_trim(value);
		r->n_headers++;
	}
}

static bool plan(struct cluster *c, struct sub_load *sub, const char *headers, char *text,
		 size_t size)
{
	struct load_options o;
	struct request r;

	read_headers(&r, headers);
	if (options_parse_early(&o, &r, &c->profile, &c->settings, text, size) &&
	    options_parse_late(&o, &r, &c->profile, text, size))
		sub->load = load_new(c, sub->table, &o, text, size);
	http_release(&r);
	return sub->load != NULL;
}

const char *tests_load(struct cluster *c, const char *label, const char *headers,
		       const char *body)
{
	static char text[1024];
	struct begin_args args = { .db = database_find(c, VIEW("d")),
				   .label = view_str(label),
				   .kind = TXN_STREAM_LOAD,
				   .timeout_ms = 60000 };
	struct txn *x;
	struct sub_load *sub;

	text[0] = '\0';
	cluster_lock(c);
	if (txn_begin(c, &args, &x, text, sizeof(text)) == BEGIN_OK) {
		sub = txn_sub(x, tests_table(c));
		if (!plan(c, sub, headers, text, sizeof(text))) {
			txn_abort(c, x, text);
		} else if (!load_feed(sub->load, body, strlen(body)) ||
			   !load_end_body(sub->load) || !load_finish(sub->load)) {
			snprintf(text, sizeof(text), "%s%s%s", sub->load->failure,
				 sub->load->errors.len > 0 ? ": " : "",
				 buf_cstr(&sub->load->errors));
			txn_abort(c, x, text);
		} else {
			(void)!txn_commit(c, x, text, sizeof(text));
		}
	}
	cluster_unlock(c);
	return text;
}

const char *tests_dump(struct cluster *c)
{
	static char *text;
	struct buf out = BUF_INIT(1 << 20);

	free(text);
	cluster_lock(c);
	dump_table(tests_table(c), &out);
	cluster_unlock(c);
	text = buf_take(&out);
	return text;
}
