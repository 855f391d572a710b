/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sqltest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static struct cluster *cluster;
static struct sql_session session;
static struct arena_pool pool;
static char last_text[65536];

struct cluster *sqltest_begin(const char *version, unsigned n_be)
{
	struct profile profile;

	ck_assert(profile_parse(view_str(version), &profile));
	arena_pool_init(&pool);
	cluster = cluster_new(&profile, 2, n_be);
	sql_setup(cluster);
	session = (struct sql_session){
		.cluster = cluster,
		.connection_id = 7,
		.user = VIEW("root"),
	};
	return cluster;
}

void sqltest_end(void)
{
	cluster_free(cluster);
	arena_pool_release(&pool);
}

static void add_rows(struct buf *b, struct sql_result *r)
{
	list_for_each(at, &r->rows) {
		const struct sql_row *row = LIST_OF(at, struct sql_row, link);

		for (size_t i = 0; i < r->n_columns; i++) {
			buf_add_str(b, i ? "|" : "");
			if (row->cells[i].ptr)
				buf_add_view(b, row->cells[i]);
			else
				buf_add_str(b, "NULL");
		}
		buf_add_char(b, '\n');
	}
}

/* The number of the error, 0 when it worked. */
static unsigned run(struct ez_view sql)
{
	struct buf text = BUF_INIT(sizeof(last_text) - 1);
	struct sql_result r;
	struct arena arena;
	unsigned code;
	bool is_good;

	arena_init(&arena, &pool, 0);
	sql_result_init(&r, &arena);
	cluster_lock(cluster);
	is_good = sql_run(&session, sql, &r);
	cluster_unlock(cluster);
	ck_assert_int_eq(is_good, !sql_failed(&r));
	if (is_good)
		add_rows(&text, &r);
	else
		buf_add_view(&text, r.text);
	snprintf(last_text, sizeof(last_text), "%s", buf_cstr(&text));
	code = is_good ? 0 : r.code;
	buf_release(&text);
	arena_release(&arena);
	return code;
}

bool sql_try(struct ez_view sql)
{
	return run(sql) == 0;
}

void sqltest_user(const char *name)
{
	session.user = view_str(name);
}

const char *sqltest_text(void)
{
	return last_text;
}

void sql_ok(const char *fmt, ...)
{
	struct buf sql = BUF_INIT(1 << 26);
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&sql, fmt, ap);
	va_end(ap);
	ck_assert_msg(run(buf_view(&sql)) == 0, "%.200s: %s", buf_cstr(&sql), last_text);
	buf_release(&sql);
}

void sql_refused(unsigned code, const char *part, const char *sql)
{
	unsigned got = run(view_str(sql));

	ck_assert_msg(got == code, "%s: error %u, not %u: %s", sql, got, code, last_text);
	ck_assert_msg(strstr(last_text, part) != NULL, "%s: %s, not %s", sql, last_text,
		      part);
}

void sql_gives(const char *sql, const char *rows)
{
	unsigned got = run(view_str(sql));

	ck_assert_msg(got == 0, "%s: %s", sql, last_text);
	ck_assert_msg(strcmp(last_text, rows) == 0, "%s gives\n%s", sql, last_text);
}

struct table *sqltest_table(const char *database, const char *table)
{
	struct database *db = database_find(cluster, view_str(database));
	struct table *t = db ? table_find(db, view_str(table)) : NULL;

	ck_assert_msg(t != NULL, "no table %s.%s", database, table);
	return t;
}

void sqltest_row(const char *database, const char *table, ...)
{
	struct table *t = sqltest_table(database, table);
	struct buf cells = BUF_INIT(1 << 26);
	struct row *row;
	size_t key_len = 0;
	va_list ap;

	va_start(ap, table);
	for (size_t i = 0; i < t->schema->n_columns; i++) {
		const char *value = va_arg(ap, const char *);
		uint32_t len = value ? (uint32_t)strlen(value) : CELL_NULL;

		buf_add(&cells, &len, sizeof(len));
		if (value)
			buf_add_str(&cells, value);
		if (i + 1 == t->schema->n_keys)
			key_len = cells.len;
	}
	va_end(ap);
	row = xmalloc(sizeof(*row) + cells.len);
	row->schema = t->schema;
	row->key_len = (uint32_t)key_len;
	row->len = (uint32_t)cells.len;
	memcpy(row->cells, cells.ptr, cells.len);
	free(map_put(&t->rows, view_of(row->cells, key_len), row));
	buf_release(&cells);
}

void sqltest_wait_ms(int64_t ms)
{
	cluster_lock(cluster);
	cluster->clock_ms += ms;
	cluster_unlock(cluster);
}

void sqltest_case(Suite *suite, const char *name, const TTest *const *tests, int n_loops)
{
	TCase *c = tcase_create(name);

	tcase_set_timeout(c, 60);
	for (; *tests; tests++) {
		if (n_loops > 1)
			tcase_add_loop_test(c, *tests, 0, n_loops);
		else
			tcase_add_test(c, *tests);
	}
	suite_add_tcase(suite, c);
}

int sqltest_run(Suite *suite)
{
	SRunner *r = srunner_create(suite);
	int n_failed;

	srunner_run_all(r, CK_ENV);
	n_failed = srunner_ntests_failed(r);
	srunner_free(r);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
