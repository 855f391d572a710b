# SPDX-License-Identifier: Apache-2.0
#
# The pretended StarRocks cluster; README.md describes it.

EXTRA_DIST += tests/testkit/starrocks.sh tests/testkit/starrocks/README.md

STARROCKS_SERVER_FILES = \
	tests/testkit/starrocks/accounts.c \
	tests/testkit/starrocks/accounts.h \
	tests/testkit/starrocks/array.c \
	tests/testkit/starrocks/array.h \
	tests/testkit/starrocks/be.c \
	tests/testkit/starrocks/be_load.c \
	tests/testkit/starrocks/be_load.h \
	tests/testkit/starrocks/cluster.c \
	tests/testkit/starrocks/codec.c \
	tests/testkit/starrocks/codec.h \
	tests/testkit/starrocks/columns.c \
	tests/testkit/starrocks/columns.h \
	tests/testkit/starrocks/control.c \
	tests/testkit/starrocks/control.h \
	tests/testkit/starrocks/control_data.c \
	tests/testkit/starrocks/control_nodes.c \
	tests/testkit/starrocks/convert.c \
	tests/testkit/starrocks/convert.h \
	tests/testkit/starrocks/csv.c \
	tests/testkit/starrocks/csv.h \
	tests/testkit/starrocks/datetime.c \
	tests/testkit/starrocks/decimal.c \
	tests/testkit/starrocks/dump.c \
	tests/testkit/starrocks/dump.h \
	tests/testkit/starrocks/exchange.c \
	tests/testkit/starrocks/exchange.h \
	tests/testkit/starrocks/fault.c \
	tests/testkit/starrocks/fault.h \
	tests/testkit/starrocks/fe.c \
	tests/testkit/starrocks/fe.h \
	tests/testkit/starrocks/http.c \
	tests/testkit/starrocks/http.h \
	tests/testkit/starrocks/journal.c \
	tests/testkit/starrocks/journal.h \
	tests/testkit/starrocks/json.c \
	tests/testkit/starrocks/json.h \
	tests/testkit/starrocks/load.c \
	tests/testkit/starrocks/load.h \
	tests/testkit/starrocks/load_json.c \
	tests/testkit/starrocks/model.h \
	tests/testkit/starrocks/node.c \
	tests/testkit/starrocks/node.h \
	tests/testkit/starrocks/options.c \
	tests/testkit/starrocks/options.h \
	tests/testkit/starrocks/plan.c \
	tests/testkit/starrocks/plan.h \
	tests/testkit/starrocks/profile.c \
	tests/testkit/starrocks/publish.c \
	tests/testkit/starrocks/publish.h \
	tests/testkit/starrocks/rowset.c \
	tests/testkit/starrocks/rowset.h \
	tests/testkit/starrocks/schema.c \
	tests/testkit/starrocks/send.c \
	tests/testkit/starrocks/send.h \
	tests/testkit/starrocks/table.c \
	tests/testkit/starrocks/tls.c \
	tests/testkit/starrocks/tls.h \
	tests/testkit/starrocks/txn.c \
	tests/testkit/starrocks/txn.h \
	tests/testkit/starrocks/txn_api.h \
	tests/testkit/starrocks/txn_be.c \
	tests/testkit/starrocks/txn_fe.c \
	tests/testkit/starrocks/types.c \
	tests/testkit/starrocks/types.h
STARROCKS_SQL_FILES = \
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
	tests/testkit/starrocks/sql_func.c \
	tests/testkit/starrocks/sql_source.c \
	tests/testkit/starrocks/sql_exec.c \
	tests/testkit/starrocks/sql_expr.c \
	tests/testkit/starrocks/sql_grant.c \
	tests/testkit/starrocks/sql_grant.h \
	tests/testkit/starrocks/sql_parse_grant.c \
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

# The SQL side hashes passwords.
if HAVE_CRYPTO
# Both parts, for the server and for the unit tests.
check_LTLIBRARIES += libstarrocksserver.la
libstarrocksserver_la_SOURCES = $(STARROCKS_SERVER_FILES) $(STARROCKS_SQL_FILES)
libstarrocksserver_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/testkit/starrocks
libstarrocksserver_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS) -pthread
libstarrocksserver_la_LIBADD = libbase.la $(JANSSON_LIBS) $(CRYPTO_LIBS)
if HAVE_ZLIB
libstarrocksserver_la_CPPFLAGS += -DSTARROCKS_ZLIB=1
libstarrocksserver_la_CFLAGS += $(ZLIB_CFLAGS)
libstarrocksserver_la_LIBADD += $(ZLIB_LIBS)
endif
if HAVE_ZSTD
libstarrocksserver_la_CPPFLAGS += -DSTARROCKS_ZSTD=1
libstarrocksserver_la_CFLAGS += $(ZSTD_CFLAGS)
libstarrocksserver_la_LIBADD += $(ZSTD_LIBS)
endif

if HAVE_LZ4
libstarrocksserver_la_CPPFLAGS += -DSTARROCKS_LZ4=1
libstarrocksserver_la_CFLAGS += $(LZ4_CFLAGS)
libstarrocksserver_la_LIBADD += $(LZ4_LIBS)
endif
if HAVE_SSL
libstarrocksserver_la_CPPFLAGS += -DSTARROCKS_TLS=1
libstarrocksserver_la_CFLAGS += $(SSL_CFLAGS)
libstarrocksserver_la_LIBADD += $(SSL_LIBS)
endif

check_PROGRAMS += tests/testkit/starrocks/server
tests_testkit_starrocks_server_SOURCES = tests/testkit/starrocks/server.c
tests_testkit_starrocks_server_CPPFLAGS = $(libstarrocksserver_la_CPPFLAGS)
tests_testkit_starrocks_server_CFLAGS = $(libstarrocksserver_la_CFLAGS)
tests_testkit_starrocks_server_LDADD = libstarrocksserver.la $(libstarrocksserver_la_LIBADD)
tests_testkit_starrocks_server_LDFLAGS = $(AM_LDFLAGS) -pthread

if HAVE_CHECK
STARROCKS_UNIT_TESTS = \
	tests/testkit/starrocks/test_convert \
	tests/testkit/starrocks/test_csv \
	tests/testkit/starrocks/test_load \
	tests/testkit/starrocks/test_txn
check_PROGRAMS += $(STARROCKS_UNIT_TESTS)
TESTS += $(STARROCKS_UNIT_TESTS)
STARROCKS_UNIT_CFLAGS = $(libstarrocksserver_la_CFLAGS) $(CHECK_CFLAGS)
STARROCKS_UNIT_LIBS = libstarrocksserver.la $(libstarrocksserver_la_LIBADD) $(CHECK_LIBS)
STARROCKS_UNIT_COMMON = tests/testkit/starrocks/tests.c tests/testkit/starrocks/tests.h

tests_testkit_starrocks_test_convert_SOURCES = tests/testkit/starrocks/test_convert.c $(STARROCKS_UNIT_COMMON)
tests_testkit_starrocks_test_convert_CPPFLAGS = $(libstarrocksserver_la_CPPFLAGS)
tests_testkit_starrocks_test_convert_CFLAGS = $(STARROCKS_UNIT_CFLAGS)
tests_testkit_starrocks_test_convert_LDADD = $(STARROCKS_UNIT_LIBS)

tests_testkit_starrocks_test_csv_SOURCES = tests/testkit/starrocks/test_csv.c $(STARROCKS_UNIT_COMMON)
tests_testkit_starrocks_test_csv_CPPFLAGS = $(libstarrocksserver_la_CPPFLAGS)
tests_testkit_starrocks_test_csv_CFLAGS = $(STARROCKS_UNIT_CFLAGS)
tests_testkit_starrocks_test_csv_LDADD = $(STARROCKS_UNIT_LIBS)

tests_testkit_starrocks_test_load_SOURCES = tests/testkit/starrocks/test_load.c $(STARROCKS_UNIT_COMMON)
tests_testkit_starrocks_test_load_CPPFLAGS = $(libstarrocksserver_la_CPPFLAGS)
tests_testkit_starrocks_test_load_CFLAGS = $(STARROCKS_UNIT_CFLAGS)
tests_testkit_starrocks_test_load_LDADD = $(STARROCKS_UNIT_LIBS)

tests_testkit_starrocks_test_txn_SOURCES = tests/testkit/starrocks/test_txn.c $(STARROCKS_UNIT_COMMON)
tests_testkit_starrocks_test_txn_CPPFLAGS = $(libstarrocksserver_la_CPPFLAGS)
tests_testkit_starrocks_test_txn_CFLAGS = $(STARROCKS_UNIT_CFLAGS)
tests_testkit_starrocks_test_txn_LDADD = $(STARROCKS_UNIT_LIBS)
endif
endif

include tests/testkit/starrocks/sql.mk
