/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "locks.h"

#include <string.h>

#include "base/buf.h"
#include "base/view.h"

#include "conn.h"
#include "pgoutput.h"
#include "quote.h"
#include "sql.h"

enum { SQL_CAP_BYTES = 16 * 1024 * 1024 };

bool pg_lock_is_timeout(const struct ez_error *err)
{
	return strcmp(err->code, "55P03") == 0;
}

int pg_lock_patience(struct pg *pg, PGconn *conn, struct ez_error *err)
{
	bool in_tx = PQtransactionStatus(conn) == PQTRANS_INTRANS;

	return pg_query(pg, conn, "limit waits for locks",
			in_tx ? "SET LOCAL lock_timeout = '3s'" : "SET lock_timeout = '3s'",
			NULL, err);
}

int pg_lock_no_patience(struct pg *pg, PGconn *conn, struct ez_error *err)
{
	return pg_query(pg, conn, "wait for locks again", "SET lock_timeout = 0", NULL, err);
}

static int lock_each(struct pg *pg, PGconn *conn, const PGresult *tables,
		     struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);

	for (int i = 0; i < PQntuples(tables); i++) {
		buf_add_str(&sql, "SELECT FROM ONLY ");
		quote_table(&sql, pg_field(tables, i, 0), pg_field(tables, i, 1));
		buf_add_str(&sql, " LIMIT 0;");
	}
	if (sql.len == 0)
		return EZ_OK;
	if (!buf_ok(&sql))
		return pg->host->fail(err, EZ_E_CONFIG, "",
				      "too many tables for one snapshot");
	return pg_query(pg, conn, "lock the tables", buf_cstr(&sql), NULL, err);
}

/* The entry as the snapshot shows it, the function as it is now. */
static int compare(struct pg *pg, PGconn *conn, int64_t pid, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	_cleanup_(pg_clear) PGresult *res = NULL;
	int rc;

	buf_addf(&sql,
		 "SELECT NOT EXISTS (SELECT FROM pg_locks l LEFT JOIN pg_class c"
		 " ON c.oid = l.relation WHERE l.pid = %lld AND l.locktype = 'relation'"
		 " AND l.relation >= 16384 AND l.mode = 'AccessShareLock' AND (c.oid IS NULL"
		 " OR c.relkind = 'r' AND c.relfilenode <> pg_relation_filenode(c.oid)))",
		 (long long)pid);
	rc = pg_query(pg, conn, "compare the tables", buf_cstr(&sql), &res, err);
	if (rc < 0)
		return rc;
	if (PQntuples(res) != 1 || !pg_field_bool(res, 0, 0))
		return pg->host->fail(err, EZ_E_GONE, "",
				      "a table was altered while the snapshot was taken");
	return EZ_OK;
}

int pg_lock_like(struct pg *pg, PGconn *conn, int64_t pid, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf sql = BUF_INIT(SQL_CAP_BYTES);
	_cleanup_(pg_clear) PGresult *res = NULL;
	int rc = pg_lock_patience(pg, conn, err);

	buf_addf(&sql,
		 "SELECT n.nspname, c.relname FROM pg_locks l"
		 " JOIN pg_class c ON c.oid = l.relation"
		 " JOIN pg_namespace n ON n.oid = c.relnamespace"
		 " WHERE l.pid = %lld AND l.locktype = 'relation' AND l.granted"
		 " AND l.mode = 'AccessShareLock' AND c.oid >= 16384"
		 " AND c.relkind IN ('r', 'p') ORDER BY c.oid",
		 (long long)pid);
	if (rc == EZ_OK)
		rc = pg_query(pg, conn, "list the locks", buf_cstr(&sql), &res, err);
	if (rc == EZ_OK)
		rc = lock_each(pg, conn, res, err);
	if (rc == EZ_OK)
		rc = compare(pg, conn, pid, err);
	if (rc < 0 && pg_lock_is_timeout(err))
		return pg->host->fail(err, EZ_E_GONE, "",
				      "somebody waits to alter a table that is to be copied");
	return rc;
}
