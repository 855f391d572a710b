/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "load_lines.h"

#include <ezcdc/plugin.h>

#include "base/attr.h"

#define ANSWER(json) "\"kind\": \"answer\", \"status\": 200, \"body\": \"" json "\""
#define FAIL(text) \
 "\"kind\": \"fail_early\", \"node\": \"be*\", \"subject\": \"LOAD\", \"text\": \"" text \
 "\", \"count\": 1"

const struct load_line load_lines[] = {
	/* the answers, as docs/starrocks-answers.md has them */
	{ "Publish Timeout", BOTH, "\"kind\": \"publish_timeout\", \"ms\": 300, \"count\": 1",
	  EZ_OK, NULL },
	{ "label exists, FINISHED", LABELS,
	  "\"kind\": \"reset_before_answer\", \"node\": \"be*\", \"subject\": \"LOAD\", "
	  "\"committed\": true",
	  EZ_OK, NULL },
	{ "label exists, RUNNING, then committed", LABELS,
	  "\"kind\": \"late_finish\", \"ms\": 400, \"committed\": true", EZ_OK, NULL },
	{ "label exists, RUNNING, then aborted", LABELS,
	  "\"kind\": \"late_finish\", \"ms\": 400, \"committed\": false", EZ_OK, NULL },
	{ "label exists, PREPARED", LABELS,
	  ANSWER("{\\\"Status\\\": \\\"Label Already Exists\\\", \\\"ExistingJobStatus\\\": "
		 "\\\"PREPARED\\\", \\\"Message\\\": \\\"Label [x] has already been used.\\\"}")
	  ", \"node\": \"be*\", \"subject\": \"LOAD\"",
	  EZ_OK, NULL },
	{ "label of a transaction exists", MULTI,
	  ANSWER("{\\\"Status\\\": \\\"LABEL_ALREADY_EXISTS\\\", \\\"ExistingJobStatus\\\": "
		 "\\\"RUNNING\\\"}")
	  ", \"subject\": \"/api/transaction/begin\"",
	  EZ_OK, NULL },
	{ "too many versions", BOTH,
	  FAIL("Failed to load data into tablet 10, because of too many versions, "
	       "current/limit: 1002/1000."),
	  EZ_OK, NULL },
	{ "compaction score", BOTH,
	  FAIL("Failed to load data into partition 10, because of too large compaction "
	       "score, current/limit: 2001/2000."),
	  EZ_OK, NULL },
	{ "memory limit", BOTH, FAIL("memory limit exceeded, please reduce load frequency"),
	  EZ_OK, NULL },
	{ "memory of process", BOTH, FAIL("Memory of process exceed limit. Used: 2"),
	  EZ_OK, NULL },
	{ "running transactions", BOTH,
	  FAIL("current running txns on db 1 is 1000, larger than limit 1000"), EZ_OK,
	  NULL },
	{ "concurrent loads", BOTH,
	  FAIL("Stream Load exceed http cuncurrent limit 48, please try again later"),
	  EZ_OK, NULL },
	{ "status unknown", BOTH,
	  FAIL("Commit transaction fail cause rpc, Transaction status unknown, you can "
	       "retry with same label."),
	  EZ_OK, NULL },
	{ "shutting down", BOTH, FAIL("Service is shutting down, please retry later!"),
	  EZ_OK, NULL },
	{ "cancelled", BOTH, FAIL("cancelled"), EZ_OK, NULL },
	{ "a back end that does not exist", BOTH, FAIL("backend 10003 does not exist"),
	  EZ_OK, NULL },
	{ "No backend alive", BOTH,
	  ANSWER("{\\\"Status\\\": \\\"FAILED\\\", \\\"Message\\\": \\\"class "
		 "com.starrocks.common.DdlException: No backend alive.\\\"}")
	  ", \"node\": \"fe*\", \"subject\": \"LOAD\"",
	  EZ_OK, NULL },
	{ "in processing", MULTI,
	  ANSWER("{\\\"Status\\\": \\\"TXN_IN_PROCESSING\\\", \\\"Message\\\": "
		 "\\\"Transaction in processing, please retry later\\\"}")
	  ", \"subject\": \"/api/transaction/commit\", \"count\": 2",
	  EZ_OK, NULL },
	{ "transaction gone at the load", MULTI,
	  ANSWER("{\\\"Status\\\": \\\"TXN_NOT_EXISTS\\\", \\\"Message\\\": \\\"transaction "
		 "with label x not exists\\\"}")
	  ", \"node\": \"be*\", \"subject\": \"LOAD\"",
	  EZ_OK, NULL },
	{ "transaction gone at the commit", MULTI,
	  ANSWER("{\\\"Status\\\": \\\"FAILED\\\", \\\"Message\\\": \\\"No transaction found, "
		 "label is x\\\"}")
	  ", \"subject\": \"/api/transaction/commit\"",
	  EZ_OK, NULL },
	{ "transaction expired", MULTI,
	  ANSWER("{\\\"Status\\\": \\\"ABORTED\\\", \\\"Message\\\": \\\"transaction is aborted "
		 "by timeout 10 seconds\\\"}")
	  ", \"node\": \"be*\", \"subject\": \"LOAD\"",
	  EZ_OK, NULL },

	/* connections and proxies */
	{ "front end resets", BOTH, "\"kind\": \"reset\", \"node\": \"fe0\", \"count\": 3",
	  EZ_OK, NULL },
	{ "front end slower than we wait for 100", BOTH,
	  "\"kind\": \"no_continue\", \"node\": \"be*\", \"subject\": \"LOAD\"", EZ_OK,
	  NULL },
	{ "307 to a port that is closed", BOTH,
	  "\"kind\": \"redirect\", \"subject\": \"LOAD\", \"text\": \"http://127.0.0.1:1\", "
	  "\"count\": 2",
	  EZ_OK, NULL },
	{ "307 to a name that nobody knows", BOTH,
	  "\"kind\": \"redirect\", \"subject\": \"LOAD\", \"text\": \"http://be.invalid:8040\"",
	  EZ_OK, NULL },
	{ "307 in a circle", BOTH,
	  "\"kind\": \"redirect\", \"node\": \"fe*\", \"subject\": \"LOAD\", \"text\": "
	  "\"http://127.0.0.1:FRONT\", \"count\": 5",
	  EZ_OK, NULL },
	{ "307 without Location", BOTH,
	  "\"kind\": \"redirect\", \"subject\": \"LOAD\", \"text\": \"none\", \"count\": 2",
	  EZ_OK, NULL },
	{ "307 to another path", BOTH,
	  "\"kind\": \"redirect\", \"subject\": \"LOAD\", \"text\": "
	  "\"http://127.0.0.1:STRANGER/login\", \"count\": 2",
	  EZ_OK, NULL },
	{ "302 to a page", BOTH,
	  "\"kind\": \"redirect\", \"subject\": \"LOAD\", \"status\": 302, \"text\": "
	  "\"http://127.0.0.1:STRANGER\", \"count\": 2",
	  EZ_OK, NULL },
	{ "308", BOTH,
	  "\"kind\": \"redirect\", \"subject\": \"LOAD\", \"status\": 308, \"text\": "
	  "\"http://127.0.0.1:STRANGER\", \"count\": 2",
	  EZ_OK, NULL },
	{ "front end loads by itself", LABELS, "\"kind\": \"proxy\", \"count\": 2", EZ_OK,
	  NULL },
	{ "back end resets", BOTH, "\"kind\": \"reset\", \"node\": \"be*\", \"count\": 2",
	  EZ_OK, NULL },
	{ "back end resets in the body", BOTH,
	  "\"kind\": \"reset_body\", \"node\": \"be*\", \"bytes\": 100, \"count\": 2", EZ_OK,
	  NULL },
	{ "answer lost, not committed", BOTH,
	  "\"kind\": \"reset_before_answer\", \"node\": \"be*\", \"subject\": \"LOAD\", "
	  "\"committed\": false",
	  EZ_OK, NULL },
	{ "commit lost, committed", MULTI,
	  "\"kind\": \"reset_before_answer\", \"subject\": \"/api/transaction/commit\", "
	  "\"committed\": true",
	  EZ_OK, NULL },
	{ "commit lost, not committed", MULTI,
	  "\"kind\": \"reset_before_answer\", \"subject\": \"/api/transaction/commit\", "
	  "\"committed\": false",
	  EZ_OK, NULL },
	{ "begin lost", MULTI,
	  "\"kind\": \"reset_before_answer\", \"subject\": \"/api/transaction/begin\", "
	  "\"committed\": true",
	  EZ_OK, NULL },
	{ "answer cut", BOTH,
	  "\"kind\": \"truncate_answer\", \"node\": \"be*\", \"bytes\": 20, \"count\": 2",
	  EZ_OK, NULL },
	{ "answer empty", BOTH, "\"kind\": \"empty_answer\", \"node\": \"be*\"", EZ_OK,
	  NULL },
	{ "byte order mark", BOTH, "\"kind\": \"bom_answer\", \"node\": \"be*\"", EZ_OK,
	  NULL },
	{ "answer in chunks", BOTH, "\"kind\": \"chunked_answer\", \"node\": \"be*\"",
	  EZ_OK, NULL },
	{ "answer after a while", BOTH,
	  "\"kind\": \"slow_answer\", \"node\": \"be*\", \"ms\": 200", EZ_OK, NULL },
	{ "body read in drops", BOTH,
	  "\"kind\": \"slow_body\", \"node\": \"be*\", \"bytes\": 4096, \"ms\": 5", EZ_OK,
	  NULL },
	{ "html with 200", BOTH,
	  "\"kind\": \"answer\", \"node\": \"be*\", \"status\": 200, \"body\": \"<html>\"",
	  EZ_OK, NULL },
	{ "html with 503", BOTH,
	  "\"kind\": \"answer\", \"node\": \"fe*\", \"status\": 503, \"count\": 2", EZ_OK,
	  NULL },
	{ "html with 404", BOTH,
	  "\"kind\": \"answer\", \"node\": \"fe*\", \"subject\": \"LOAD\", \"status\": 404, "
	  "\"count\": 2",
	  EZ_OK, NULL },
	{ "html with 403", BOTH,
	  "\"kind\": \"answer\", \"node\": \"fe*\", \"subject\": \"LOAD\", \"status\": 403",
	  EZ_OK, NULL },
	{ "500", BOTH,
	  "\"kind\": \"answer\", \"node\": \"fe*\", \"status\": 500, \"body\": "
	  "\"{\\\"status\\\": \\\"FAILED\\\", \\\"msg\\\": \\\"x\\\"}\"",
	  EZ_OK, NULL },
	{ "a kept connection ends when it is used", BOTH,
	  "\"kind\": \"close_idle\", \"node\": \"be*\", \"count\": 2", EZ_OK, NULL },
	{ "401 once", BOTH, "\"kind\": \"auth\", \"node\": \"fe*\", \"subject\": \"LOAD\"",
	  EZ_OK, NULL },

	/* what a person must do */
	{ "401 again and again", BOTH, "\"kind\": \"auth\", \"node\": \"fe*\", \"count\": -1",
	  EZ_E_PERMISSION, "check user and password" },
	{ "access denied at the back end", BOTH,
	  "\"kind\": \"auth\", \"node\": \"be*\", \"count\": -1", EZ_E_PERMISSION,
	  "check user and password" },
	{ "unknown table", BOTH, FAIL("unknown table, table=t"), EZ_E_CONFIG,
	  "behind the job's back" },
	{ "unknown column", BOTH, FAIL("unknown column 'v' in table t"), EZ_E_CONFIG,
	  "unknown column 'v'" },
	{ "no default value", BOTH, FAIL("Column has no default value, column=x"),
	  EZ_E_CONFIG, "no default value" },
	{ "no primary key", BOTH, FAIL("Only primary key table support partial update"),
	  EZ_E_CONFIG, "primary key" },
	{ "JSON with 404", BOTH,
	  "\"kind\": \"answer\", \"node\": \"fe*\", \"subject\": \"LOAD\", \"status\": 404, "
	  "\"body\": \"{\\\"msg\\\": \\\"Not implemented\\\"}\", \"count\": -1",
	  EZ_E_CONFIG, "Not implemented" },
	{ "Success without all rows", LABELS,
	  ANSWER("{\\\"Status\\\": \\\"Success\\\", \\\"NumberTotalRows\\\": 20, "
		 "\\\"NumberLoadedRows\\\": 19, \\\"NumberFilteredRows\\\": 1}")
	  ", \"node\": \"be*\", \"subject\": \"LOAD\"",
	  EZ_E_CONFIG, "took 19 of 20 rows" },
};

const size_t n_load_lines = ARRAY_LEN(load_lines);
