# SPDX-License-Identifier: Apache-2.0
#
# The pretended StarRocks cluster, tests/testkit/starrocks/README.md. Sources of the MySQL side: STARROCKS_SQL_SOURCES.

STARROCKS_SERVER_SOURCES =
STARROCKS_SQL_SOURCES = \
	tests/testkit/starrocks/ddl.h \
	tests/testkit/starrocks/ddl_alter.c \
	tests/testkit/starrocks/ddl_check.c \
	tests/testkit/starrocks/ddl_create.c \
	tests/testkit/starrocks/ddl_job.c \
	tests/testkit/starrocks/mysql.c \
	tests/testkit/starrocks/mysql.h \
	tests/testkit/starrocks/mysql_wire.c \
	tests/testkit/starrocks/mysql_wire.h \
	tests/testkit/starrocks/sql.h \
	tests/testkit/starrocks/sql_ast.h \
	tests/testkit/starrocks/sql_eval.c \
	tests/testkit/starrocks/sql_exec.c \
	tests/testkit/starrocks/sql_expr.c \
	tests/testkit/starrocks/sql_http.c \
	tests/testkit/starrocks/sql_lex.c \
	tests/testkit/starrocks/sql_lex.h \
	tests/testkit/starrocks/sql_parse.c \
	tests/testkit/starrocks/sql_parse_table.c \
	tests/testkit/starrocks/sql_parser.c \
	tests/testkit/starrocks/sql_parser.h \
	tests/testkit/starrocks/sql_result.c \
	tests/testkit/starrocks/sql_result.h \
	tests/testkit/starrocks/sql_rows.c \
	tests/testkit/starrocks/sql_rows.h \
	tests/testkit/starrocks/sql_schema.c \
	tests/testkit/starrocks/sql_schema.h \
	tests/testkit/starrocks/sql_select.c \
	tests/testkit/starrocks/sql_show.c
