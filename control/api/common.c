/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/api/common.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/parse.h"

enum { PAGE_DEFAULT = 100 };

const struct field page_fields[] = {
	{ .name = "limit",
	  .type = FIELD_INT,
	  .min = 1,
	  .max = 1000,
	  .help = "rows of a page; 100" },
	{ .name = "after",
	  .type = FIELD_STRING,
	  .max = 40,
	  .help = "`next` of the page before" },
	{ .name = NULL },
};

static bool is_cursor(const char *after, bool by_serial)
{
	uint64_t n;

	return !after || (by_serial ? parse_u64(view_str(after), &n) && n < INT64_MAX
				    : is_uuid(after));
}

void reply_list(struct request *r, const struct list_of *l)
{
	_cleanup_(freep) char *limit =
		xasprintf("%lld", (long long)doc_int(r->query, "limit", PAGE_DEFAULT));
	const char *after = query_str(r, "after");
	_cleanup_(freep) char *order = NULL, *beyond = NULL, *sql = NULL;
	struct pg_result *rows = NULL;
	enum db_result rc;

	if (!is_cursor(after, l->by_serial)) {
		reply_error(r, 400, "bad_query", "after",
			    "after: is not the `next` of a page");
		return;
	}
	order = xstrdup(l->by_serial ? "t.id desc" : "t.created_at desc, t.id desc");
	beyond =
		l->by_serial
			? xstrdup("t.id < $2::bigint")
			: xasprintf(
				  "(t.created_at, t.id) < (select x.created_at, x.id from %s x"
				  " where x.id = $2::uuid)",
				  l->from);
	sql = xasprintf(
		"with page as (select (%s)::jsonb as doc, t.id as id,"
		" row_number() over (order by %s) as n from %s t where (%s)"
		" and ($2::text is null or %s) order by %s limit $1::int + 1)"
		" select jsonb_build_object('items', coalesce(jsonb_agg(doc order by n)"
		" filter (where n <= $1::int), '[]'), 'next', (select id::text from page"
		" where n = $1::int and exists (select 1 from page where n = $1::int + 1)))"
		" from page where $3::text is null or true or $4::text is null",
		l->doc, order, l->from, l->where, beyond, order);
	rc = db_run(r->db, &rows, sql, limit, after, l->filter, l->filter2);
	reply_row(r, 200, rc, rows);
}

const char *actor_of(const struct request *r)
{
	return r->who.name[0] ? r->who.name : "anonymous";
}

enum db_result audit(struct request *r, const struct audit *a)
{
	return db_run(
		r->db, NULL,
		"insert into audit (actor, actor_id, address, action, object_type, object_id,"
		" object_name, details) values ($1, $2, nullif($3, ''), $4, $5, $6,"
		" coalesce($7, object_name($5, $6)), coalesce($8, '{}')::jsonb)",
		actor_of(r), r->who.id[0] ? r->who.id : NULL, r->address, a->action,
		a->type, a->id, a->name, a->details);
}

enum db_result audit_command(struct db *d, const struct audit *a)
{
	return db_run(
		d, NULL,
		"insert into audit (actor, action, object_type, object_id, object_name, details)"
		" values ('ezcdc-control', $1, $2, $3, $4, coalesce($5, '{}')::jsonb)",
		a->action, a->type, a->id, a->name, a->details);
}

bool finish_change(struct request *r, enum db_result rc, const struct audit *a)
{
	if (rc == DB_OK)
		rc = audit(r, a);
	if (rc == DB_OK)
		rc = db_commit(r->db);
	if (rc == DB_OK)
		return true;
	db_rollback(r->db);
	reply_db(r, rc);
	return false;
}

void reply_field(struct request *r, const struct field_error *e)
{
	reply_error(r, 400, "bad_request", e->field, "%s%s%s", e->field,
		    e->field[0] ? ": " : "", e->text);
}

void delete_by_id(struct request *r, const char *sql, const char *action,
		  const char *type)
{
	_cleanup_(db_rows_freep) struct pg_result *rows = NULL;
	enum db_result rc = db_begin(r->db);

	if (rc == DB_OK)
		rc = db_run(r->db, &rows, sql, r->ids[0]);
	if (rc == DB_OK && db_rows(rows) == 0) {
		reply_not_found(r);
		return;
	}
	if (finish_change(
		    r, rc,
		    &(struct audit){ .action = action,
				     .type = type,
				     .id = r->ids[0],
				     .name = rc == DB_OK ? db_text(rows, 0, 0) : NULL }))
		r->status = 204;
}

char *interval_of(const char *duration)
{
	int64_t us;

	if (!duration || !parse_duration(view_str(duration), &us))
		return NULL;
	return xasprintf("%" PRId64 " microseconds", us);
}
