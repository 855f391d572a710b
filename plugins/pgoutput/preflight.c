/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "preflight.h"

#include <string.h>

#include "base/str.h"
#include "base/view.h"
#include "catalog.h"
#include "conn.h"
#include "pgoutput.h"
#include "slot.h"
#include "sql.h"
#include "tables.h"

#define FINDING(p, status, what, remedy, ...) \
 (p)->pg->host->finding((p)->report, status, what, remedy, __VA_ARGS__)

static const char SERVER_SQL[] =
	"SELECT current_setting('wal_level'), current_setting('max_replication_slots')::int8,"
	" (SELECT count(*) FROM pg_replication_slots), current_setting('max_wal_senders')::int8,"
	" (SELECT count(*) FROM pg_stat_replication), current_setting('wal_sender_timeout'),"
	" current_setting('max_slot_wal_keep_size'),"
	" current_setting('logical_decoding_work_mem'), pg_is_in_recovery(), pg_backend_pid(),"
	" has_database_privilege(current_database(), 'CREATE'),"
	" (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), current_user";

enum {
	F_WAL_LEVEL,
	F_MAX_SLOTS,
	F_SLOTS,
	F_MAX_SENDERS,
	F_SENDERS,
	F_SENDER_TIMEOUT,
	F_KEEP_SIZE,
	F_WORK_MEM,
	F_STANDBY,
	F_PID,
	F_MAY_CREATE,
	F_SUPERUSER,
	F_ROLE
};

static void check_wal_level(const struct preflight *p, const PGresult *res)
{
	const char *level = PQgetvalue(res, 0, F_WAL_LEVEL);

	if (strcmp(level, "logical") == 0)
		FINDING(p, EZ_FINDING_OK, "wal_level", NULL, "wal_level is logical");
	else
		FINDING(p, EZ_FINDING_FAILED, "wal_level",
			"ALTER SYSTEM SET wal_level = logical, then restart the server",
			"wal_level is %s", level);
}

static void check_standby(const struct preflight *p, const PGresult *res)
{
	if (!pg_field_bool(res, 0, F_STANDBY))
		return;
	if (PQserverVersion(p->conn) < 160000)
		FINDING(p, EZ_FINDING_FAILED, "standby", "connect to the primary",
			"this is a standby: changes can be read from one from PostgreSQL 16 on");
	else
		FINDING(p, EZ_FINDING_WARNING, "standby",
			"run SELECT pg_log_standby_snapshot() at the primary while the slot is "
			"being made",
			"this is a standby: a slot is made only after the primary has logged "
			"which transactions run");
}

/* Without the setting the walsender may tell us of a commit that no standby has yet: after a
 * failover the job would be ahead of its source. */
static int check_failover(const struct preflight *p, bool is_standby, struct ez_error *err)
{
	_cleanup_(pg_clear) PGresult *res = NULL;
	int rc;

	if (!p->pg->opt.failover)
		return EZ_OK;
	if (pg_slot_check_failover(p->pg, PQserverVersion(p->conn), err) < 0) {
		FINDING(p, EZ_FINDING_FAILED, "failover", err->hint, "%s", err->text);
		return EZ_OK;
	}
	if (is_standby) {
		FINDING(p, EZ_FINDING_FAILED, "failover", "connect to the primary",
			"a failover slot is made at the primary, and this is a standby");
		return EZ_OK;
	}
	rc = pg_query(p->pg, p->conn, "read the server's settings",
		      "SELECT current_setting('synchronized_standby_slots')", &res, err);
	if (rc < 0)
		return rc;
	if (pg_field(res, 0, 0).len > 0)
		FINDING(p, EZ_FINDING_OK, "failover", NULL,
			"nothing is read before it is at the standbys of the slots %s",
			PQgetvalue(res, 0, 0));
	else
		FINDING(p, EZ_FINDING_WARNING, "failover",
			"ALTER SYSTEM SET synchronized_standby_slots = 'SLOT' (the standby's own, "
			"primary_slot_name there)",
			"synchronized_standby_slots is empty: a standby that takes over may lack "
			"what the job has read");
	return EZ_OK;
}

static void check_room(const struct preflight *p, const PGresult *res, bool slot_exists)
{
	int64_t slots = pg_field_i64(res, 0, F_MAX_SLOTS) - pg_field_i64(res, 0, F_SLOTS);
	int64_t senders =
		pg_field_i64(res, 0, F_MAX_SENDERS) - pg_field_i64(res, 0, F_SENDERS);

	if (!slot_exists && slots < 1)
		FINDING(p, EZ_FINDING_FAILED, "max_replication_slots",
			"raise max_replication_slots and restart the server, or drop a slot that "
			"nobody needs",
			"all %s replication slots are in use",
			PQgetvalue(res, 0, F_MAX_SLOTS));
	if (senders < 1)
		FINDING(p, EZ_FINDING_FAILED, "max_wal_senders",
			"raise max_wal_senders and restart the server",
			"all %s WAL senders are in use",
			PQgetvalue(res, 0, F_MAX_SENDERS));
}

/* Nothing here keeps a job from running. */
static void check_settings(const struct preflight *p, const PGresult *res)
{
	const char *keep = PQgetvalue(res, 0, F_KEEP_SIZE);
	const char *encoding = PQparameterStatus(p->conn, "server_encoding");

	if (strcmp(keep, "-1") == 0)
		FINDING(p, EZ_FINDING_WARNING, "max_slot_wal_keep_size",
			"ALTER SYSTEM SET max_slot_wal_keep_size = '100GB' (what the disk can "
			"spare), and watch the slot",
			"a job that stands still makes the server keep its log without limit");
	else
		FINDING(p, EZ_FINDING_OK, "max_slot_wal_keep_size", NULL,
			"the server keeps up to %s of log for a slot, then the slot is lost",
			keep);
	if (strcmp(PQgetvalue(res, 0, F_SENDER_TIMEOUT), "0") == 0)
		FINDING(p, EZ_FINDING_WARNING, "wal_sender_timeout",
			"ALTER SYSTEM SET wal_sender_timeout = '60s'",
			"wal_sender_timeout is 0: after a cut line the slot stays in use until TCP "
			"notices");
	FINDING(p, EZ_FINDING_OK, "logical_decoding_work_mem", NULL,
		"transactions over %s are streamed or spilled by the server",
		PQgetvalue(res, 0, F_WORK_MEM));
	if (encoding && strcmp(encoding, "SQL_ASCII") == 0)
		FINDING(p, EZ_FINDING_WARNING, "encoding", NULL,
			"the database declares no encoding (SQL_ASCII): text is passed on as it "
			"is and may not be UTF-8");
	if (pg_field_i64(res, 0, F_PID) != PQbackendPID(p->conn))
		FINDING(p, EZ_FINDING_WARNING, "pooler",
			"connect to the server itself where you can",
			"a connection pooler or proxy stands in front of the server");
}

/* Only the attempt shows whether the role may replicate: managed services have roles of
 * their own for it. EZ_OK also when it may not: that is a finding. */
static int check_replication(const struct preflight *p, const char *role,
			     struct ez_error *err)
{
	char remedy[256];
	PGconn *conn = NULL;
	int rc = pg_connect(p->pg, "check", true, &conn, err);

	pg_disconnect(&conn);
	if (rc == EZ_OK) {
		FINDING(p, EZ_FINDING_OK, "replication", NULL,
			"role %s may open a replication connection", role);
	} else if (rc == EZ_E_PERMISSION || rc == EZ_E_CONFIG) {
		if (strcmp(err->code, "42501") != 0 ||
		    !str_format(remedy, sizeof(remedy),
				"ALTER ROLE \"%s\" REPLICATION (on Amazon RDS: GRANT "
				"rds_replication TO \"%s\")",
				role, role))
			remedy[0] = '\0';
		FINDING(p, EZ_FINDING_FAILED, "replication",
			remedy[0] ? remedy : err->hint, "%s", err->text);
		rc = EZ_OK;
	}
	return rc;
}

static int check_slot(const struct preflight *p, struct pg_slot *ret,
		      struct ez_error *err)
{
	struct pg *pg = p->pg;
	int rc = pg_slot_read(pg, p->conn, ret, err);

	if (rc < 0)
		return rc;
	if (pg_slot_check(pg, ret, err) < 0)
		FINDING(p, EZ_FINDING_FAILED, "slot", err->hint, "%s", err->text);
	else if (ret->is_lost)
		FINDING(p, EZ_FINDING_FAILED, "slot",
			"ezcdc drop, then start the job: everything is copied again",
			"slot %s is lost: %s", pg->opt.slot, ret->reason);
	else if (ret->is_active)
		FINDING(p, EZ_FINDING_WARNING, "slot", NULL,
			"slot %s is in use by pid %d", pg->opt.slot,
			(int)ret->active_pid);
	else if (ret->exists)
		FINDING(p, EZ_FINDING_OK, "slot", NULL, "slot %s exists", pg->opt.slot);
	else if (pg->opt.create)
		FINDING(p, EZ_FINDING_OK, "slot", NULL, "slot %s will be made",
			pg->opt.slot);
	else
		FINDING(p, EZ_FINDING_FAILED, "slot", "set create = true",
			"slot %s does not exist and create is false", pg->opt.slot);
	return EZ_OK;
}

static void check_made_publication(const struct preflight *p,
				   const struct pg_publication *pub)
{
	const char *name = p->pg->opt.publication;

	FINDING(p, EZ_FINDING_OK, "publication", NULL, "publication %s exists", name);
	if (!pub->insert || !pub->update || !pub->delete || !pub->truncate)
		FINDING(p, EZ_FINDING_WARNING, "publication", NULL,
			"publication %s leaves out%s%s%s%s", name,
			pub->insert ? "" : " inserts", pub->update ? "" : " updates",
			pub->delete ? "" : " deletes", pub->truncate ? "" : " truncates");
}

static void check_unmade_publication(const struct preflight *p, const PGresult *res)
{
	struct pg *pg = p->pg;
	bool is_super = pg_field_bool(res, 0, F_SUPERUSER);
	char remedy[256];

	if (!pg->opt.create) {
		FINDING(p, EZ_FINDING_FAILED, "publication",
			"set create = true, or create it",
			"publication %s does not exist and create is false",
			pg->opt.publication);
	} else if (pg_tables_is_all(pg->sql->tables) && !is_super) {
		FINDING(p, EZ_FINDING_FAILED, "publication",
			"name the tables in the option tables, or let a superuser create the "
			"publication",
			"a publication of all tables takes a superuser");
	} else if (!is_super && !pg_field_bool(res, 0, F_MAY_CREATE)) {
		if (!str_format(remedy, sizeof(remedy),
				"GRANT CREATE ON DATABASE \"%s\" TO \"%s\"",
				PQdb(p->conn), PQgetvalue(res, 0, F_ROLE)))
			remedy[0] = '\0';
		FINDING(p, EZ_FINDING_FAILED, "publication", remedy,
			"role %s may not create a publication",
			PQgetvalue(res, 0, F_ROLE));
	} else {
		FINDING(p, EZ_FINDING_OK, "publication", NULL,
			"publication %s will be made", pg->opt.publication);
	}
}

static int check_all(const struct preflight *p, struct ez_error *err)
{
	_cleanup_(pg_clear) PGresult *res = NULL;
	struct pg_publication pub;
	struct pg_slot slot;
	int rc = pg_query(p->pg, p->conn, "read the server's settings", SERVER_SQL, &res,
			  err);

	if (rc < 0)
		return rc;
	FINDING(p, EZ_FINDING_OK, "server", NULL, "PostgreSQL %s%s",
		PQparameterStatus(p->conn, "server_version"),
		pg_field_bool(res, 0, F_STANDBY) ? ", a standby" : "");
	check_wal_level(p, res);
	check_standby(p, res);
	rc = check_failover(p, pg_field_bool(res, 0, F_STANDBY), err);
	if (rc == EZ_OK)
		rc = check_replication(p, PQgetvalue(res, 0, F_ROLE), err);
	if (rc == EZ_OK)
		rc = check_slot(p, &slot, err);
	if (rc == EZ_OK)
		rc = pg_read_publication(p->pg, p->conn, &pub, err);
	if (rc < 0)
		return rc;
	check_room(p, res, slot.exists);
	if (pub.exists)
		check_made_publication(p, &pub);
	else
		check_unmade_publication(p, res);
	rc = preflight_tables(p, &pub, err);
	check_settings(p, res);
	return rc;
}

int pg_check(struct pg *pg, struct ez_report *report, struct ez_error *err)
{
	struct preflight p = { .pg = pg, .report = report };
	int rc = pg_sql_conn(pg, &p.conn, err);

	return rc < 0 ? rc : check_all(&p, err);
}
