/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/parse.h"
#include "base/view.h"
#include "plugins/pgoutput/catalog.h"
#include "plugins/pgoutput/conn.h"
#include "plugins/pgoutput/pgoutput.h"
#include "plugins/pgoutput/shape.h"
#include "plugins/pgoutput/sql.h"
#include "sql_kit.h"

static struct kit *k;
static struct pg_shape *shape;
static struct pg_published_list list;

static void setup(void)
{
	kit_need_server();
	k = kit_new("t_shape");
	kit_open(k, EZ_ROLE_CHECK);
}

static void forget(void)
{
	pg_shape_free(shape);
	shape = NULL;
	pg_published_list_release(&list);
}

static void teardown(void)
{
	forget();
	kit_free(k);
}

/* The shape that the snapshot uses for table `name`. */
static const struct ez_table *shape_of(const char *name)
{
	PGconn *conn;

	forget();
	kit_sql(k,
		"DROP PUBLICATION IF EXISTS ezcdc_shop; CREATE PUBLICATION ezcdc_shop FOR ALL"
		" TABLES");
	ck_assert_msg(pg_sql_conn(k->inst, &conn, &k->err) == EZ_OK, "%s", k->err.text);
	ck_assert_int_eq(pg_list_published(k->inst, conn, &list, &k->err), EZ_OK);
	for (size_t i = 0; i < list.n; i++) {
		if (!view_eq_str(list.tables[i].rel.name, name))
			continue;
		ck_assert_msg(pg_shape_of(k->inst, &list.tables[i].rel, &shape,
					  &k->err) == EZ_OK,
			      "%s", k->err.text);
		return &shape->table;
	}
	ck_abort_msg("%s is not published", name);
}

static const struct ez_column *column(const char *name)
{
	for (uint32_t i = 0; i < shape->table.n_columns; i++) {
		if (view_eq_str(shape->table.columns[i]->name, name))
			return shape->table.columns[i];
	}
	ck_abort_msg("no column %s", name);
}

static const struct {
	const char *type; /* as in CREATE TABLE */
	const char *native;
	uint32_t ez, element;
	int32_t precision, scale, length;
} types[] = {
	{ "boolean", "boolean", EZ_TYPE_BOOL, 0, -1, 0, -1 },
	{ "int2", "smallint", EZ_TYPE_INT2, 0, -1, 0, -1 },
	{ "int4", "integer", EZ_TYPE_INT4, 0, -1, 0, -1 },
	{ "int8", "bigint", EZ_TYPE_INT8, 0, -1, 0, -1 },
	{ "float4", "real", EZ_TYPE_FLOAT4, 0, -1, 0, -1 },
	{ "float8", "double precision", EZ_TYPE_FLOAT8, 0, -1, 0, -1 },
	{ "numeric", "numeric", EZ_TYPE_NUMERIC, 0, -1, 0, -1 },
	{ "numeric(10,2)", "numeric(10,2)", EZ_TYPE_NUMERIC, 0, 10, 2, -1 },
	{ "text", "text", EZ_TYPE_TEXT, 0, -1, 0, -1 },
	{ "varchar(40)", "character varying(40)", EZ_TYPE_TEXT, 0, -1, 0, 40 },
	{ "char(3)", "character(3)", EZ_TYPE_TEXT, 0, -1, 0, 3 },
	{ "\"char\"", "\"char\"", EZ_TYPE_TEXT, 0, -1, 0, -1 },
	{ "name", "name", EZ_TYPE_TEXT, 0, -1, 0, -1 },
	{ "bytea", "bytea", EZ_TYPE_BYTES, 0, -1, 0, -1 },
	{ "date", "date", EZ_TYPE_DATE, 0, -1, 0, -1 },
	{ "time", "time without time zone", EZ_TYPE_TIME, 0, -1, 0, -1 },
	{ "timetz", "time with time zone", EZ_TYPE_TIMETZ, 0, -1, 0, -1 },
	{ "timestamp(3)", "timestamp(3) without time zone", EZ_TYPE_TIMESTAMP, 0, -1, 0,
	  -1 },
	{ "timestamptz", "timestamp with time zone", EZ_TYPE_TIMESTAMPTZ, 0, -1, 0, -1 },
	{ "interval", "interval", EZ_TYPE_INTERVAL, 0, -1, 0, -1 },
	{ "uuid", "uuid", EZ_TYPE_UUID, 0, -1, 0, -1 },
	{ "json", "json", EZ_TYPE_JSON, 0, -1, 0, -1 },
	{ "jsonb", "jsonb", EZ_TYPE_JSON, 0, -1, 0, -1 },
	{ "mood", "public.mood", EZ_TYPE_ENUM, 0, -1, 0, -1 },
	{ "pair", "public.pair", EZ_TYPE_COMPOSITE, 0, -1, 0, -1 },
	{ "int4range", "int4range", EZ_TYPE_RANGE, 0, -1, 0, -1 },
	{ "floatrange", "public.floatrange", EZ_TYPE_RANGE, 0, -1, 0, -1 },
	{ "int4[]", "integer[]", EZ_TYPE_ARRAY, EZ_TYPE_INT4, -1, 0, -1 },
	{ "text[]", "text[]", EZ_TYPE_ARRAY, EZ_TYPE_TEXT, -1, 0, -1 },
	{ "mood[]", "public.mood[]", EZ_TYPE_ARRAY, EZ_TYPE_ENUM, -1, 0, -1 },
	{ "posint", "public.posint", EZ_TYPE_INT4, 0, -1, 0, -1 },
	{ "price", "public.price", EZ_TYPE_NUMERIC, 0, 8, 3, -1 },
	{ "dearer", "public.dearer", EZ_TYPE_NUMERIC, 0, 8, 3, -1 },
	{ "price[]", "public.price[]", EZ_TYPE_ARRAY, EZ_TYPE_NUMERIC, -1, 0, -1 },
	{ "moods", "public.moods", EZ_TYPE_ARRAY, EZ_TYPE_ENUM, -1, 0, -1 },
	{ "inet", "inet", EZ_TYPE_OTHER, 0, -1, 0, -1 },
	{ "money", "money", EZ_TYPE_OTHER, 0, -1, 0, -1 },
	{ "bit(5)", "bit(5)", EZ_TYPE_OTHER, 0, -1, 0, 5 },
	{ "point", "point", EZ_TYPE_OTHER, 0, -1, 0, -1 },
	{ "oidvector", "oidvector", EZ_TYPE_OTHER, 0, -1, 0, -1 },
	{ "tsvector", "tsvector", EZ_TYPE_OTHER, 0, -1, 0, -1 },
};

/* Traps E10, E12: domains over domains, arrays of domains, and what nobody knows. */
START_TEST(types_are_resolved_to_what_they_are)
{
	struct buf sql = BUF_INIT(65536);
	const struct ez_table *t;

	kit_sql(k,
		"CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a int, b text);"
		"CREATE TYPE floatrange AS RANGE (subtype = float8);"
		"CREATE DOMAIN posint AS int CHECK (VALUE > 0);"
		"CREATE DOMAIN price AS numeric(8,3); CREATE DOMAIN dearer AS price;"
		"CREATE DOMAIN moods AS mood[]");
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		buf_addf(&sql, "%s c%zu %s", i ? "," : "CREATE TABLE many (", i,
			 types[i].type);
	buf_add_str(&sql, "); ALTER TABLE many REPLICA IDENTITY FULL");
	kit_sql(k, buf_cstr(&sql));
	buf_release(&sql);
	t = shape_of("many");
	ck_assert_uint_eq(t->n_columns, ARRAY_LEN(types));
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const struct ez_column *c = t->columns[i];

		ck_assert_msg(view_eq_str(c->native, types[i].native), "%s: \"%.*s\"",
			      types[i].type, VIEW_ARG(c->native));
		ck_assert_msg(c->type == types[i].ez && c->element == types[i].element,
			      "%s: type %u of %u", types[i].type, c->type, c->element);
		ck_assert_msg(c->precision == types[i].precision &&
				      c->scale == types[i].scale &&
				      c->length == types[i].length,
			      "%s: precision %d scale %d length %d", types[i].type,
			      c->precision, c->scale, c->length);
		ck_assert_uint_eq(c->id, i + 1);
	}
}
END_TEST

START_TEST(numeric_may_have_a_negative_scale)
{
	if (k->version < 150000)
		return;
	kit_sql(k, "CREATE TABLE n (id numeric(4,-2) PRIMARY KEY, v numeric(3,5))");
	(void)shape_of("n");
	ck_assert_int_eq(column("id")->precision, 4);
	ck_assert_int_eq(column("id")->scale, -2);
	ck_assert_int_eq(column("v")->scale, 5);
}
END_TEST

static const char *keys(const struct ez_table *t)
{
	static char text[128];
	size_t len = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < t->n_columns; i++) {
		const struct ez_column *c = t->columns[i];

		if (!(c->flags & EZ_COL_KEY))
			continue;
		memcpy(text + len, c->name.ptr, c->name.len);
		len += c->name.len;
		text[len++] = ' ';
		text[len] = '\0';
	}
	return text;
}

START_TEST(keys_follow_the_replica_identity)
{
	const struct ez_table *t;

	kit_sql(k, "CREATE TABLE a (x int, y int NOT NULL, z int NOT NULL, w int,"
		   " PRIMARY KEY (z, x) INCLUDE (w)); CREATE UNIQUE INDEX a_y ON a (y)");
	t = shape_of("a");
	ck_assert_str_eq(keys(t), "x z ");
	ck_assert_uint_eq(t->n_keys, 2);
	ck_assert_uint_eq(t->flags, 0);
	kit_sql(k, "ALTER TABLE a REPLICA IDENTITY USING INDEX a_y");
	ck_assert_str_eq(keys(shape_of("a")), "y ");
	kit_sql(k, "ALTER TABLE a REPLICA IDENTITY FULL");
	t = shape_of("a");
	ck_assert_str_eq(keys(t), "x z ");
	ck_assert_uint_eq(t->flags, EZ_TABLE_FULL_IDENTITY);
	kit_sql(k, "ALTER TABLE a REPLICA IDENTITY NOTHING");
	t = shape_of("a");
	ck_assert_str_eq(keys(t), "x z ");
	ck_assert_uint_eq(t->flags, EZ_TABLE_NO_IDENTITY);
	kit_sql(k, "CREATE TABLE b (x int)");
	t = shape_of("b");
	ck_assert_uint_eq(t->n_keys, 0);
	ck_assert_uint_eq(t->flags, EZ_TABLE_NO_IDENTITY);
}
END_TEST

START_TEST(defaults_that_are_constants_are_known)
{
	kit_sql(k,
		"CREATE TABLE d (id int PRIMARY KEY, t text DEFAULT 'it''s', n int DEFAULT -1,"
		" f numeric DEFAULT 1.50, b boolean DEFAULT true, c timestamptz DEFAULT now(),"
		" s bigserial, e text DEFAULT 'a' || 'b', j jsonb NOT NULL DEFAULT '{}',"
		" z varchar(9) DEFAULT NULL, q text);"
		"ALTER TABLE d ADD COLUMN late date DEFAULT '2024-02-29';"
		"INSERT INTO d (id) VALUES (1);"
		"ALTER TABLE d ADD COLUMN later text DEFAULT 'x' || 'y'");
	(void)shape_of("d");
	ck_assert(view_eq_str(column("t")->fallback, "it's"));
	ck_assert(view_eq_str(column("n")->fallback, "-1"));
	ck_assert(view_eq_str(column("f")->fallback, "1.50"));
	ck_assert(view_eq_str(column("b")->fallback, "t"));
	ck_assert(view_eq_str(column("j")->fallback, "{}"));
	ck_assert(view_eq_str(column("late")->fallback, "2024-02-29"));
	ck_assert(view_eq_str(column("later")->fallback, "xy"));
	ck_assert_uint_eq(column("c")->fallback.len, 0);
	ck_assert_uint_eq(column("s")->fallback.len, 0);
	ck_assert_uint_eq(column("e")->fallback.len, 0);
	ck_assert_uint_eq(column("z")->fallback.len, 0);
	ck_assert_uint_eq(column("q")->fallback.len, 0);
	ck_assert(column("j")->flags & EZ_COL_NOT_NULL);
	ck_assert(!(column("t")->flags & EZ_COL_NOT_NULL));
}
END_TEST

/* A RELATION of yesterday, with names that the catalog of today may not have. */
static const struct ez_table *relation(const char *table, const char *const *names,
				       uint32_t n)
{
	struct pg_relation_column columns[8];
	struct pg_relation rel = { .schema = VIEW("public"),
				   .name = view_str(table),
				   .identity = 'd',
				   .n_columns = n,
				   .columns = columns };
	struct buf sql = BUF_INIT(256);
	uint64_t oid;

	buf_addf(&sql, "SELECT '%s'::regclass::oid", table);
	ck_assert(parse_u64(view_str(kit_ask(k, buf_cstr(&sql))), &oid));
	buf_release(&sql);
	rel.oid = (uint32_t)oid;
	for (uint32_t i = 0; i < n; i++)
		columns[i] = (struct pg_relation_column){ .name = view_str(names[i]),
							  .type = 25,
							  .type_mod = -1,
							  .key = i == 0 };
	forget();
	ck_assert_msg(pg_shape_of(k->inst, &rel, &shape, &k->err) == EZ_OK, "%s",
		      k->err.text);
	return &shape->table;
}

#define RELATION(table, ...)                           \
 relation(table, (const char *const[]){ __VA_ARGS__ }, \
	  ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))

/* Trap B2: the log tells of a commit before other sessions see it. */
START_TEST(a_transaction_must_be_visible)
{
	PGconn *other = PQconnectdb(k->conninfo);
	const struct pg_relation_column column_a = { .name = VIEW("a"), .type = 25, .type_mod = -1 };
	struct pg_relation rel = { .schema = VIEW("public"),
				   .name = VIEW("b2"),
				   .identity = 'd',
				   .n_columns = 1,
				   .columns = &column_a };
	uint64_t oid, xid;
	PGresult *res;

	kit_sql(k, "CREATE TABLE b2 (a int)");
	ck_assert(parse_u64(view_str(kit_ask(k, "SELECT 'b2'::regclass::oid")), &oid));
	rel.oid = (uint32_t)oid;
	PQclear(PQexec(other, "BEGIN"));
	PQclear(PQexec(other, "ALTER TABLE b2 DROP a"));
	PQclear(PQexec(other, "ALTER TABLE b2 ADD a text DEFAULT 'new'"));
	res = PQexec(other, "SELECT pg_current_xact_id()::text::int8 & 4294967295");
	ck_assert(parse_u64(view_str(PQgetvalue(res, 0, 0)), &xid));
	PQclear(res);
	rel.xid = (uint32_t)xid;
	forget();
	ck_assert_int_eq(pg_shape_of(k->inst, &rel, &shape, &k->err), EZ_E_TRANSIENT);
	shape = NULL;
	/* One that has not even begun. */
	rel.xid += 1000;
	ck_assert_int_eq(pg_shape_of(k->inst, &rel, &shape, &k->err), EZ_E_TRANSIENT);
	shape = NULL;
	rel.xid = (uint32_t)xid;
	PQclear(PQexec(other, "COMMIT"));
	ck_assert_msg(pg_shape_of(k->inst, &rel, &shape, &k->err) == EZ_OK, "%s", k->err.text);
	ck_assert_uint_eq(column("a")->id, 2);
	ck_assert(view_eq_str(column("a")->fallback, "new"));
	PQfinish(other);
}
END_TEST

/* Traps D4, D5. */
START_TEST(a_renamed_column_keeps_its_number)
{
	kit_sql(k, "CREATE TABLE r (a text PRIMARY KEY, b text, c text);"
		   "ALTER TABLE r RENAME b TO renamed");
	(void)RELATION("r", "a", "b", "c");
	ck_assert_uint_eq(column("b")->id, 2);
	(void)RELATION("r", "a", "renamed", "c");
	ck_assert_uint_eq(column("renamed")->id, 2);
	kit_sql(k, "ALTER TABLE r RENAME c TO last");
	(void)RELATION("r", "a", "renamed", "c");
	ck_assert_uint_eq(column("c")->id, 3);
}
END_TEST

START_TEST(a_dropped_column_is_not_taken_for_another)
{
	kit_sql(k, "CREATE TABLE r (a text PRIMARY KEY, b text);"
		   "ALTER TABLE r DROP b; ALTER TABLE r ADD c text");
	(void)RELATION("r", "a", "b");
	ck_assert_uint_eq(column("b")->id, 0);
	(void)RELATION("r", "a", "c");
	ck_assert_uint_eq(column("c")->id, 3);
	kit_sql(k, "ALTER TABLE r ALTER c TYPE int USING 1");
	(void)RELATION("r", "a", "c");
	ck_assert_uint_eq(column("c")->type, EZ_TYPE_TEXT);
}
END_TEST

/* The catalog keeps the numbers of dropped columns: with one in the gap there is no choice. */
START_TEST(the_only_number_in_the_gap_is_the_columns)
{
	kit_sql(k, "CREATE TABLE g (a text PRIMARY KEY, b text, c text, d text, e text);"
		   "ALTER TABLE g DROP b; ALTER TABLE g DROP d;"
		   "ALTER TABLE g RENAME e TO z; ALTER TABLE g ALTER z TYPE int USING 1");
	(void)RELATION("g", "a", "b", "c", "d", "z");
	ck_assert_uint_eq(column("b")->id, 2);
	ck_assert_uint_eq(column("d")->id, 4);
	(void)RELATION("g", "a", "b", "c", "z");
	ck_assert_uint_eq(column("b")->id, 2);
	ck_assert_uint_eq(column("z")->id, 5);
	(void)RELATION("g", "a", "b", "c", "d", "e");
	ck_assert_uint_eq(column("b")->id, 2);
	ck_assert_uint_eq(column("d")->id, 4);
	ck_assert_uint_eq(column("e")->id, 5);
	kit_sql(k, "ALTER TABLE g ADD more text");
	(void)RELATION("g", "a", "b", "c", "d", "e");
	ck_assert_uint_eq(column("d")->id, 0);
	ck_assert_uint_eq(column("e")->id, 0);
}
END_TEST

/* The engine knows from the shape before which is which; a wrong number would mislead it. */
START_TEST(a_name_that_has_passed_to_another_column_says_nothing)
{
	kit_sql(k, "CREATE TABLE p (k text PRIMARY KEY, a text, b text, c text, d text);"
		   "ALTER TABLE p RENAME b TO x; ALTER TABLE p RENAME a TO b");
	(void)RELATION("p", "k", "a", "b", "c", "d");
	ck_assert_uint_eq(column("b")->id, 0);
	ck_assert_uint_eq(column("a")->id, 0);
	ck_assert_uint_eq(column("c")->id, 4);
	(void)RELATION("p", "k", "b", "x", "c", "d");
	ck_assert_uint_eq(column("b")->id, 2);
	ck_assert_uint_eq(column("x")->id, 3);
	kit_sql(k, "ALTER TABLE p RENAME c TO y; ALTER TABLE p RENAME d TO c;"
		   "ALTER TABLE p RENAME y TO d");
	(void)RELATION("p", "k", "b", "x", "c", "d");
	ck_assert_uint_eq(column("x")->id, 3);
	ck_assert_uint_eq(column("c")->id, 4);
	ck_assert_uint_eq(column("d")->id, 5);
}
END_TEST

START_TEST(both_ways_give_the_same_shape)
{
	struct pg_shape *first;
	const struct ez_table *t;

	kit_sql(k, "CREATE TABLE s (a text PRIMARY KEY, b text DEFAULT 'x')");
	t = shape_of("s");
	first = pg_shape_dup(t);
	t = RELATION("s", "a", "b");
	ck_assert_uint_eq(t->id, first->table.id);
	ck_assert_uint_eq(t->flags, first->table.flags);
	for (uint32_t i = 0; i < t->n_columns; i++) {
		struct ez_column x = *t->columns[i], y = *first->table.columns[i];

		ck_assert(view_eq(x.name, y.name) && view_eq(x.native, y.native) &&
			  view_eq(x.fallback, y.fallback));
		x.name = x.native = x.fallback = y.name = y.native = y.fallback =
			VIEW("");
		ck_assert_mem_eq(&x, &y, sizeof(x));
	}
	pg_shape_free(first);
}
END_TEST

/* Trap D14. */
START_TEST(a_table_may_have_very_many_columns)
{
	struct buf sql = BUF_INIT(65536);

	for (int i = 0; i < 1600; i++)
		buf_addf(&sql, "%s c%d bool", i ? "," : "CREATE TABLE wide (", i);
	buf_add_char(&sql, ')');
	kit_sql(k, buf_cstr(&sql));
	buf_release(&sql);
	ck_assert_uint_eq(shape_of("wide")->n_columns, 1600);
	ck_assert_uint_eq(column("c1599")->id, 1600);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sql_shape");
	TCase *c = tcase_create("shape");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, types_are_resolved_to_what_they_are);
	tcase_add_test(c, numeric_may_have_a_negative_scale);
	tcase_add_test(c, keys_follow_the_replica_identity);
	tcase_add_test(c, defaults_that_are_constants_are_known);
	tcase_add_test(c, a_transaction_must_be_visible);
	tcase_add_test(c, a_renamed_column_keeps_its_number);
	tcase_add_test(c, a_dropped_column_is_not_taken_for_another);
	tcase_add_test(c, a_name_that_has_passed_to_another_column_says_nothing);
	tcase_add_test(c, the_only_number_in_the_gap_is_the_columns);
	tcase_add_test(c, both_ways_give_the_same_shape);
	tcase_add_test(c, a_table_may_have_very_many_columns);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	kit_need_server();
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
