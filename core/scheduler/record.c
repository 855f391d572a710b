/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/json.h"

enum { RECORD_MAX = 16 * 1024 };

void record_release(struct record *r)
{
	free(r->key);
	free(r->name);
	free(r->path);
	free(r->boot_id);
	*r = (struct record){ .key = NULL };
}

/* 64 bits do not fit the numbers of JSON. */
static void add_number(struct jsonw *w, const char *key, uint64_t n)
{
	char text[24];

	jsonw_key(w, key);
	if (str_format(text, sizeof(text), "%" PRIu64, n))
		jsonw_str(w, text);
	else
		jsonw_null(w);
}

int record_save(const char *path, const struct record *r)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(RECORD_MAX);
	struct jsonw w = JSONW_INIT(&text);

	jsonw_begin_object(&w);
	jsonw_key(&w, "key");
	jsonw_str(&w, r->key);
	jsonw_key(&w, "name");
	jsonw_str(&w, r->name);
	jsonw_key(&w, "path");
	jsonw_str(&w, r->path ? r->path : "");
	jsonw_key(&w, "boot_id");
	jsonw_str(&w, r->boot_id ? r->boot_id : "");
	jsonw_key(&w, "pid");
	jsonw_i64(&w, r->pid);
	add_number(&w, "start_time", r->start_time);
	add_number(&w, "epoch", r->epoch);
	add_number(&w, "revision", r->revision);
	add_number(&w, "fingerprint", r->fingerprint);
	jsonw_key(&w, "held");
	jsonw_bool(&w, r->held);
	jsonw_end_object(&w);
	buf_add_char(&text, '\n');
	return buf_ok(&text) ? fs_write_atomic(path, text.ptr, text.len, 0600) : -EFBIG;
}

static bool read_number(const struct json *j, const char *key, uint64_t *ret)
{
	return parse_u64(json_str(j, key), ret);
}

static bool read_members(const struct json *j, struct record *r)
{
	struct ez_view key = json_str(j, "key"), name = json_str(j, "name");
	int64_t pid = json_i64(j, "pid");

	if (key.len == 0 || name.len == 0 || pid < 0 || pid > INT32_MAX)
		return false;
	r->pid = (pid_t)pid;
	r->held = json_bool(j, "held");
	if (!read_number(j, "start_time", &r->start_time) ||
	    !read_number(j, "epoch", &r->epoch) ||
	    !read_number(j, "revision", &r->revision) ||
	    !read_number(j, "fingerprint", &r->fingerprint))
		return false;
	r->key = view_dup(key);
	r->name = view_dup(name);
	r->path = view_dup(json_str(j, "path"));
	r->boot_id = view_dup(json_str(j, "boot_id"));
	return true;
}

int record_load(const char *path, struct record *ret)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(RECORD_MAX);
	_cleanup_(json_freep) struct json *j = NULL;
	struct record r = { .key = NULL };
	int rc = fs_read_file(path, RECORD_MAX, &text);

	if (rc < 0)
		return rc;
	j = json_parse(buf_view(&text), NULL);
	if (!j || !read_members(j, &r))
		return -EPROTO;
	*ret = r;
	return 0;
}
