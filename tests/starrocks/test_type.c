/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "type.h"

#include "base/buf.h"

#include "sqlc.h"
#include "tabletest.h"

static const char *name_of(const struct type *t)
{
	static char text[64];
	struct buf b = BUF_INIT(sizeof(text) - 1);

	type_add(&b, t);
	ck_assert_uint_lt(b.len, sizeof(text));
	memcpy(text, buf_cstr(&b), b.len + 1);
	buf_release(&b);
	return text;
}

/* precision, scale and length: 0 is "not given". */
static const struct mapping {
	uint32_t type;
	const char *native;
	int32_t precision, scale, length;
	const char *plain, *key;
	enum value_form form;
} MAPPINGS[] = {
	{ EZ_TYPE_BOOL, "boolean", 0, 0, 0, "BOOLEAN", "BOOLEAN", FORM_BOOL },
	{ EZ_TYPE_INT2, "smallint", 0, 0, 0, "SMALLINT", "SMALLINT", FORM_INT },
	{ EZ_TYPE_INT4, "integer", 0, 0, 0, "INT", "INT", FORM_INT },
	{ EZ_TYPE_INT8, "bigint", 0, 0, 0, "BIGINT", "BIGINT", FORM_INT },
	{ EZ_TYPE_OTHER, "oid", 0, 0, 0, "BIGINT", "BIGINT", FORM_INT },
	{ EZ_TYPE_OTHER, "xid", 0, 0, 0, "BIGINT", "BIGINT", FORM_INT },
	{ EZ_TYPE_OTHER, "xid8", 0, 0, 0, "LARGEINT", "LARGEINT", FORM_INT },
	{ EZ_TYPE_OTHER, "regclass", 0, 0, 0, "VARCHAR(256)", "VARCHAR(256)", FORM_TEXT },
	{ EZ_TYPE_FLOAT4, "real", 0, 0, 0, "FLOAT", "VARCHAR(32)", FORM_FLOAT },
	{ EZ_TYPE_FLOAT8, "double precision", 0, 0, 0, "DOUBLE", "VARCHAR(32)",
	  FORM_FLOAT },
	{ EZ_TYPE_NUMERIC, "numeric(10,2)", 10, 2, 0, "DECIMAL(10,2)", "VARCHAR(13)",
	  FORM_DECIMAL },
	{ EZ_TYPE_NUMERIC, "numeric(9,0)", 9, 0, 0, "DECIMAL(9,0)", "BIGINT",
	  FORM_DECIMAL },
	{ EZ_TYPE_NUMERIC, "numeric(30,0)", 30, 0, 0, "DECIMAL(30,0)", "LARGEINT",
	  FORM_DECIMAL },
	{ EZ_TYPE_NUMERIC, "numeric(38,0)", 38, 0, 0, "DECIMAL(38,0)", "LARGEINT",
	  FORM_DECIMAL },
	{ EZ_TYPE_NUMERIC, "numeric(40,10)", 40, 10, 0, "VARCHAR(43)", "VARCHAR(43)",
	  FORM_TEXT },
	{ EZ_TYPE_NUMERIC, "numeric(5,-2)", 5, -2, 0, "DECIMAL(7,0)", "BIGINT",
	  FORM_DECIMAL },
	{ EZ_TYPE_NUMERIC, "numeric(2,4)", 2, 4, 0, "DECIMAL(4,4)", "VARCHAR(9)",
	  FORM_DECIMAL },
	{ EZ_TYPE_NUMERIC, "numeric", 0, 0, 0, "VARCHAR(1048576)", "VARCHAR(128)",
	  FORM_TEXT },
	{ EZ_TYPE_OTHER, "money", 0, 0, 0, "DECIMAL(20,2)", "VARCHAR(64)", FORM_MONEY },
	{ EZ_TYPE_TEXT, "text", 0, 0, 0, "VARCHAR(1048576)", "VARCHAR(1024)", FORM_TEXT },
	{ EZ_TYPE_TEXT, "character varying(10)", 0, 0, 10, "VARCHAR(40)", "VARCHAR(40)",
	  FORM_TEXT },
	{ EZ_TYPE_TEXT, "character varying(1000000)", 0, 0, 1000000, "VARCHAR(1048576)",
	  "VARCHAR(1048576)", FORM_TEXT },
	{ EZ_TYPE_TEXT, "name", 0, 0, 0, "VARCHAR(63)", "VARCHAR(63)", FORM_TEXT },
	{ EZ_TYPE_TEXT, "\"char\"", 0, 0, 0, "VARCHAR(4)", "VARCHAR(4)", FORM_TEXT },
	{ EZ_TYPE_ENUM, "mood", 0, 0, 0, "VARCHAR(63)", "VARCHAR(63)", FORM_TEXT },
	{ EZ_TYPE_UUID, "uuid", 0, 0, 0, "VARCHAR(36)", "VARCHAR(36)", FORM_TEXT },
	{ EZ_TYPE_BYTES, "bytea", 0, 0, 0, "VARBINARY", "VARCHAR(1024)", FORM_BYTES },
	{ EZ_TYPE_OTHER, "bit(5)", 0, 0, 5, "VARCHAR(5)", "VARCHAR(5)", FORM_TEXT },
	{ EZ_TYPE_DATE, "date", 0, 0, 0, "DATE", "DATE", FORM_DATE },
	{ EZ_TYPE_TIMESTAMP, "timestamp", 0, 0, 0, "DATETIME", "DATETIME",
	  FORM_DATETIME },
	{ EZ_TYPE_TIMESTAMPTZ, "timestamptz", 0, 0, 0, "DATETIME", "DATETIME",
	  FORM_DATETIME_UTC },
	{ EZ_TYPE_TIME, "time", 0, 0, 0, "VARCHAR(15)", "VARCHAR(15)", FORM_TEXT },
	{ EZ_TYPE_TIMETZ, "timetz", 0, 0, 0, "VARCHAR(24)", "VARCHAR(24)", FORM_TEXT },
	{ EZ_TYPE_INTERVAL, "interval", 0, 0, 0, "VARCHAR(64)", "VARCHAR(64)",
	  FORM_TEXT },
	{ EZ_TYPE_JSON, "jsonb", 0, 0, 0, "JSON", "VARCHAR(1024)", FORM_JSON },
	{ EZ_TYPE_ARRAY, "integer[]", 0, 0, 0, "JSON", "VARCHAR(1024)", FORM_ARRAY },
	{ EZ_TYPE_RANGE, "int4range", 0, 0, 0, "VARCHAR(1048576)", "VARCHAR(1024)",
	  FORM_TEXT },
	{ EZ_TYPE_COMPOSITE, "pair", 0, 0, 0, "VARCHAR(1048576)", "VARCHAR(1024)",
	  FORM_TEXT },
	{ EZ_TYPE_OTHER, "inet", 0, 0, 0, "VARCHAR(50)", "VARCHAR(50)", FORM_TEXT },
	{ EZ_TYPE_OTHER, "macaddr8", 0, 0, 0, "VARCHAR(23)", "VARCHAR(23)", FORM_TEXT },
	{ EZ_TYPE_OTHER, "pg_lsn", 0, 0, 0, "VARCHAR(17)", "VARCHAR(17)", FORM_TEXT },
	{ EZ_TYPE_OTHER, "point", 0, 0, 0, "VARCHAR(1048576)", "VARCHAR(1024)",
	  FORM_TEXT },
	{ EZ_TYPE_OTHER, "public.vector(3)", 0, 0, 0, "ARRAY<FLOAT>", "VARCHAR(1024)",
	  FORM_FLOATS },
	{ EZ_TYPE_OTHER, "public.geometry", 0, 0, 0, "VARCHAR(1048576)", "VARCHAR(1024)",
	  FORM_TEXT },
};

static struct ez_column column_for(const struct mapping *m)
{
	struct ez_column c = make_column(m->type, m->native);

	c.precision = m->precision ? m->precision : -1;
	c.scale = m->scale;
	c.length = m->length ? m->length : -1;
	return c;
}

START_TEST(each_source_type_has_its_target_type)
{
	const struct mapping *m = &MAPPINGS[_i];
	struct ez_column c = column_for(m);
	struct settings s;
	struct type_rules rules = { .settings = &s, .version = SQLC_VERSION(3, 3, 2) };
	struct type plain, key;

	test_settings(&s);
	plain = type_of(&c, false, &rules);
	ck_assert_msg(strcmp(name_of(&plain), m->plain) == 0, "%s: %s", m->native,
		      name_of(&plain));
	key = type_of(&c, true, &rules);
	ck_assert_msg(strcmp(name_of(&key), m->key) == 0, "%s as key: %s", m->native,
		      name_of(&key));
	ck_assert_msg(type_form(&c, &plain) == m->form, "%s: form %d", m->native,
		      (int)type_form(&c, &plain));
	ck_assert(type_form(&c, &key) != FORM_NONE);
	/* What a table says of itself is understood, so what was made also fits. */
	if (plain.kind != TYPE_VARBINARY)
		ck_assert(type_eq(&plain, &(struct type){ 0 }) ||
			  type_compare(&c, &plain, &plain) == TYPE_FITS);
}
END_TEST

START_TEST(wide_decimals_need_version_4)
{
	struct ez_column c = make_column(EZ_TYPE_NUMERIC, "numeric(40,10)");
	struct settings s;
	struct type_rules rules = { .settings = &s, .version = SQLC_VERSION(4, 0, 0) };
	struct type t;

	test_settings(&s);
	c.precision = 40;
	c.scale = 10;
	t = type_of(&c, false, &rules);
	ck_assert_str_eq(name_of(&t), "DECIMAL(40,10)");
	c.precision = 77;
	t = type_of(&c, false, &rules);
	ck_assert_str_eq(name_of(&t), "VARCHAR(80)");
}
END_TEST

START_TEST(the_policy_text_makes_columns_of_text)
{
	static const struct {
		uint32_t type;
		enum range_class class;
		const char *is;
	} cases[] = {
		{ EZ_TYPE_NUMERIC, RANGE_NUMERIC, "VARCHAR(13)" },
		{ EZ_TYPE_FLOAT8, RANGE_FLOAT, "VARCHAR(32)" },
		{ EZ_TYPE_DATE, RANGE_DATE, "VARCHAR(40)" },
		{ EZ_TYPE_TIMESTAMPTZ, RANGE_TIMESTAMP, "VARCHAR(40)" },
	};
	struct settings s;
	struct type_rules rules = { .settings = &s, .version = SQLC_VERSION(4, 0, 0) };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ez_column c = make_column(cases[i].type, "");
		struct type t;

		test_settings(&s);
		c.precision = 10;
		c.scale = 2;
		s.out_of_range[cases[i].class] = RANGE_TEXT;
		t = type_of(&c, false, &rules);
		ck_assert_str_eq(name_of(&t), cases[i].is);
		ck_assert_int_eq(type_form(&c, &t), FORM_TEXT);
	}
}
END_TEST

START_TEST(bytes_are_hex_text_where_varbinary_is_unknown)
{
	struct ez_column c = make_column(EZ_TYPE_BYTES, "bytea");
	struct settings s;
	struct type_rules rules = { .settings = &s, .version = SQLC_VERSION(2, 5, 3) };
	struct type t;

	test_settings(&s);
	t = type_of(&c, false, &rules);
	ck_assert_str_eq(name_of(&t), "VARCHAR(1048576)");
	ck_assert_int_eq(type_form(&c, &t), FORM_HEX);
}
END_TEST

START_TEST(types_are_read_as_servers_write_them)
{
	static const struct {
		const char *text, *is;
	} cases[] = {
		{ "bigint(20)", "BIGINT" },
		{ "BIGINT", "BIGINT" },
		{ "bigint(20) unsigned", "LARGEINT" },
		{ "largeint(40)", "LARGEINT" },
		{ "decimal(10, 2)", "DECIMAL(10,2)" },
		{ "DECIMAL128(38,9)", "DECIMAL(38,9)" },
		{ "varchar(65533)", "VARCHAR(65533)" },
		{ "string", "VARCHAR(65533)" },
		{ "boolean", "BOOLEAN" },
		{ "varbinary", "VARBINARY" },
		{ "varbinary(1048576)", "VARBINARY" },
		{ "json", "JSON" },
		{ "datetime", "DATETIME" },
		{ "array<float>", "ARRAY<FLOAT>" },
		{ "array<int(11)>", "ARRAY" },
		{ "map<int,int>", "another type" },
		{ "bitmap", "another type" },
		{ "", "another type" },
		{ "varchar(99999999999)", "another type" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct type t = type_parse(view_str(cases[i].text));

		ck_assert_msg(strcmp(name_of(&t), cases[i].is) == 0, "%s: %s",
			      cases[i].text, name_of(&t));
	}
}
END_TEST

START_TEST(tables_made_by_others_are_judged)
{
	static const struct {
		uint32_t type;
		int32_t precision, scale;
		const char *have;
		enum type_fit fit;
	} cases[] = {
		{ EZ_TYPE_INT4, 0, 0, "bigint", TYPE_FITS },
		{ EZ_TYPE_INT8, 0, 0, "int", TYPE_NARROW },
		{ EZ_TYPE_INT8, 0, 0, "decimal(19,0)", TYPE_FITS },
		{ EZ_TYPE_INT8, 0, 0, "decimal(18,0)", TYPE_WRONG },
		{ EZ_TYPE_INT4, 0, 0, "varchar(20)", TYPE_FITS },
		{ EZ_TYPE_INT4, 0, 0, "datetime", TYPE_WRONG },
		{ EZ_TYPE_BOOL, 0, 0, "tinyint", TYPE_FITS },
		{ EZ_TYPE_FLOAT8, 0, 0, "float", TYPE_NARROW },
		{ EZ_TYPE_FLOAT4, 0, 0, "double", TYPE_FITS },
		{ EZ_TYPE_NUMERIC, 10, 2, "decimal(12,2)", TYPE_FITS },
		{ EZ_TYPE_NUMERIC, 10, 2, "decimal(12,4)", TYPE_FITS },
		{ EZ_TYPE_NUMERIC, 10, 2, "decimal(10,4)", TYPE_WRONG },
		{ EZ_TYPE_NUMERIC, 10, 2, "decimal(12,1)", TYPE_WRONG },
		{ EZ_TYPE_NUMERIC, 10, 2, "double", TYPE_WRONG },
		{ EZ_TYPE_NUMERIC, 0, 0, "decimal(38,9)", TYPE_FITS },
		{ EZ_TYPE_NUMERIC, 5, 0, "smallint", TYPE_WRONG },
		{ EZ_TYPE_NUMERIC, 5, 0, "int", TYPE_FITS },
		{ EZ_TYPE_TEXT, 0, 0, "varchar(65533)", TYPE_NARROW },
		{ EZ_TYPE_TEXT, 0, 0, "char(10)", TYPE_WRONG },
		{ EZ_TYPE_TEXT, 0, 0, "bigint", TYPE_NARROW },
		{ EZ_TYPE_DATE, 0, 0, "date", TYPE_FITS },
		{ EZ_TYPE_TIMESTAMP, 0, 0, "date", TYPE_NARROW },
		{ EZ_TYPE_DATE, 0, 0, "datetime", TYPE_WRONG },
		{ EZ_TYPE_JSON, 0, 0, "varchar(65533)", TYPE_FITS },
		{ EZ_TYPE_JSON, 0, 0, "map<int,int>", TYPE_WRONG },
		{ EZ_TYPE_BYTES, 0, 0, "varbinary", TYPE_FITS },
		{ EZ_TYPE_TEXT, 0, 0, "varbinary", TYPE_WRONG },
	};
	struct settings s;
	struct type_rules rules = { .settings = &s, .version = SQLC_VERSION(4, 0, 0) };

	test_settings(&s);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ez_column c = make_column(cases[i].type, "");
		struct type have = type_parse(view_str(cases[i].have)), want;

		c.precision = cases[i].precision ? cases[i].precision : -1;
		c.scale = cases[i].scale;
		want = type_of(&c, false, &rules);
		ck_assert_msg(type_compare(&c, &have, &want) == cases[i].fit,
			      "case %zu: %s for %s is %d", i, cases[i].have,
			      name_of(&want), (int)type_compare(&c, &have, &want));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("starrocks types");
	TCase *t = tcase_create("types");

	tcase_add_loop_test(t, each_source_type_has_its_target_type, 0,
			    (int)ARRAY_LEN(MAPPINGS));
	tcase_add_test(t, wide_decimals_need_version_4);
	tcase_add_test(t, the_policy_text_makes_columns_of_text);
	tcase_add_test(t, bytes_are_hex_text_where_varbinary_is_unknown);
	tcase_add_test(t, types_are_read_as_servers_write_them);
	tcase_add_test(t, tables_made_by_others_are_judged);
	suite_add_tcase(s, t);
	return run_suite(s);
}
