/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "conn.h"
#include "pgoutput.h"
#include "publication.h"
#include "slot.h"
#include "sql.h"

/* Ends no session: a slot that is in use belongs to a daemon that runs. */
int pg_drop(struct pg *pg, struct ez_error *err)
{
	PGconn *conn = NULL;
	int rc = pg_slot_drop(pg, err);

	if (rc == EZ_OK)
		rc = pg_sql_conn(pg, &conn, err);
	if (rc == EZ_OK)
		rc = pg_publication_drop(pg, conn, err);
	if (rc == EZ_SKIP)
		pg->host->log(5, "publication %s was not made by this job: it stays",
			      pg->opt.publication);
	return rc == EZ_SKIP ? EZ_OK : rc;
}
