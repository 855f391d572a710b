/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "decode_kit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/view.h"
#include "plugins/pgoutput/protocol.h"

struct recording *r;
struct pg pg;
struct decode d;
struct buf b;
struct ez_error err = { .size = sizeof(err) };
uint64_t lsn;

void setup(void)
{
	r = recording_new(NULL, NULL);
	pg = (struct pg){ .host = &r->host, .ctx = &r->fake->ctx };
	pg.opt.messages = true;
	decode_init(&d, &pg);
	decode_start(&d, 0x100);
	d.out = &r->out;
	b = BUF_INIT(1 << 20);
	lsn = 0x1000;
}

void teardown(void)
{
	decode_release(&d);
	recording_free(r);
	buf_release(&b);
}

int send_one(bool is_streamed)
{
	char *copy = malloc(b.len);
	struct decode_message m = { .lsn = lsn,
				    .bytes = { copy, b.len },
				    .owner = copy,
				    .owner_bytes = b.len,
				    .release = free };
	int rc;

	memcpy(copy, b.ptr, b.len);
	rc = decode_change(&d, &m, is_streamed, &err);
	free(m.owner);
	buf_reset(&b);
	return rc;
}

void sends(void)
{
	int rc = send_one(false);

	ck_assert_msg(rc == EZ_OK, "%d: %s", rc, err.text);
}

void describe(void)
{
	msg_relation(&b, 0, T, "t", 'd', "id:23:k v:25 w:25");
	sends();
	msg_relation(&b, 0, F, "f", 'f', "id:23:k v:25:k w:25:k");
	sends();
	msg_relation(&b, 0, SKIPPED, "skip_me", 'd', "id:23:k");
	sends();
	msg_relation(&b, 0, INDEXED, "i", 'i', "id:23 code:25:k");
	sends();
}

void begins(uint64_t final_lsn, uint32_t xid)
{
	ck_assert_int_eq(decode_begin(&d, final_lsn, xid, 1000, &err), EZ_OK);
}

int commit_at(uint64_t end_lsn)
{
	struct protocol_commit c = { .commit_lsn = d.tx.lsn, .end_lsn = end_lsn };

	return decode_commit(&d, &c, &err);
}

void commits(uint64_t end_lsn)
{
	ck_assert_int_eq(commit_at(end_lsn), EZ_OK);
}

void says(const char *want)
{
	const char *got = recording_take(r);

	ck_assert_msg(strcmp(got, want) == 0, "\n--- want\n%s--- got\n%s", want, got);
}

void says_of_rows(const char *want)
{
	struct ez_view rest = view_str(recording_take(r)), line;
	struct buf got = BUF_INIT(1 << 20);

	while (view_split(&rest, '\n', &line))
		if (line.len && !view_starts(line, VIEW("table ")))
			buf_addf(&got, "%.*s\n", VIEW_ARG(line));
	ck_assert_msg(strcmp(buf_cstr(&got), want) == 0, "\n--- want\n%s--- got\n%s",
		      want, buf_cstr(&got));
	buf_release(&got);
}

void inserts(const char *id)
{
	msg_insert(&b, 0, T, MSG_ROW(id, "x", NULL));
	sends();
}
