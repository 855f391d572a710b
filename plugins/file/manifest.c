/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/parse.h"
#include "base/str.h"

#include "host.h"
#include "names.h"

/*
 * How manifest and files stay in step.
 *
 * A durable point is made in this order, and each step is on the disk before the next:
 *
 *	1. the data of all files, and their folder entries when they are new
 *	2. the manifest: position, length of each open file; files that are complete stand in
 *	   it as "finished", with their lengths
 *	3. finished files are renamed from X.part to X, and their folders synced
 *	4. if there were any: the manifest again, without them
 *
 * What a crash leaves, and what the next start makes of it:
 *
 *	before 2   The old manifest holds. Open files are longer than it says, or there are
 *	           .part files that it does not know: the former are cut back, the latter
 *	           removed. The source sends the changes again.
 *	2 to 3     X.part is there: its renaming is made up for.
 *	3 to 4     X.part is gone, so it was renamed; X itself may be gone as well, because
 *	           readers may take final files away. Nothing to do but step 4.
 *
 * Renaming first and then saving the manifest was rejected: a crash in between shows a file
 * to readers whose changes the old manifest makes the source send again. So was a manifest
 * that says "finished" for ever: X.part and X both missing would then mean, for any file of
 * the past, either a reader who took it or a loss, and no start could tell them apart. As it
 * is, that doubt is confined to the instant between 2 and 4.
 *
 * Numbers of files are given out by the manifest (next_seq), not by looking into the
 * folder: a file that a reader has taken away must not make its number free. Nothing is
 * ever renamed onto an existing file.
 *
 * A snapshot's files wait for snapshot_end(), which makes all of them "finished" in one
 * durable point.
 *
 * The document ends in a CRC-32 of all before it: a manifest that was damaged is an error
 * that a person resolves. It is never guessed around, since a wrong length cuts data off.
 */

enum {
	TEXT_CAP = 64 * 1024 * 1024,
	FORMAT_VERSION = 1,
	FILE_NAME_CAP = 128,
};

#define CRC_MEMBER ",\"crc32\":\""
#define TMP_SUFFIX ".tmp"

static const char *const phases[_SNAPSHOT_PHASE_MAX] = {
	[SNAPSHOT_NONE] = "none",
	[SNAPSHOT_COPYING] = "copying",
	[SNAPSHOT_DONE] = "done",
};

void manifest_release(struct manifest *m)
{
	for (size_t i = 0; i < m->n_files; i++)
		free(m->files[i].name);
	for (size_t i = 0; i < m->n_streams; i++)
		free(m->streams[i].folder);
	free(m->files);
	free(m->streams);
	free(m->position);
	*m = (struct manifest){ 0 };
}

/* ------------------------------------------------------------------ writing */

/* JSON readers often know no 64-bit unsigned numbers. */
static void write_u64(struct jsonw *w, const char *key, uint64_t v)
{
	char text[32];

	ENSURE(str_format(text, sizeof(text), "%" PRIu64, v), "digits of a number");
	jsonw_key(w, key);
	jsonw_str(w, text);
}

static void write_file(struct jsonw *w, const struct manifest_file *f)
{
	jsonw_begin_object(w);
	jsonw_key(w, "name");
	jsonw_str(w, f->name);
	jsonw_key(w, "length");
	jsonw_u64(w, f->len);
	jsonw_key(w, "opened_us");
	jsonw_i64(w, f->opened_us);
	jsonw_end_object(w);
}

static void write_files(struct jsonw *w, const struct manifest *m, const char *key,
			bool finished)
{
	jsonw_key(w, key);
	jsonw_begin_array(w);
	for (size_t i = 0; i < m->n_files; i++)
		if (m->files[i].finished == finished)
			write_file(w, &m->files[i]);
	jsonw_end_array(w);
}

static void write_body(struct jsonw *w, const struct manifest *m, const char *job)
{
	jsonw_key(w, "ezcdc_file_sink");
	jsonw_i64(w, FORMAT_VERSION);
	jsonw_key(w, "job");
	jsonw_str(w, job);
	jsonw_key(w, "position");
	jsonw_str(w, m->position);
	write_u64(w, "order", m->order);
	jsonw_key(w, "snapshot");
	jsonw_begin_object(w);
	jsonw_key(w, "number");
	jsonw_u64(w, m->snapshot);
	jsonw_key(w, "phase");
	jsonw_str(w, phases[m->phase]);
	write_u64(w, "order", m->snapshot_order);
	jsonw_end_object(w);
	jsonw_key(w, "next");
	jsonw_begin_object(w);
	for (size_t i = 0; i < m->n_streams; i++) {
		jsonw_key(w, m->streams[i].folder);
		jsonw_u64(w, m->streams[i].next_seq);
	}
	jsonw_end_object(w);
	write_files(w, m, "open", false);
	write_files(w, m, "finished", true);
}

static uint32_t checksum(struct ez_view v)
{
	return (uint32_t)crc32_z(0, (const Bytef *)v.ptr, v.len);
}

void manifest_format(const struct manifest *m, const char *job, struct buf *ret_text)
{
	struct jsonw w = JSONW_INIT(ret_text);

	buf_reset(ret_text);
	jsonw_begin_object(&w);
	write_body(&w, m, job);
	buf_addf(ret_text, CRC_MEMBER "%08" PRIx32 "\"}\n", checksum(buf_view(ret_text)));
	ENSURE(buf_ok(ret_text),
	       "the manifest of the file sink does not fit into memory");
}

static int write_tmp(int notes_fd, const char *tmp, struct ez_view text, bool sync)
{
	_cleanup_(fs_closep) int fd =
		openat(notes_fd, tmp,
		       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	int rc;

	if (fd < 0)
		return -errno;
	rc = fs_write_all(fd, text.ptr, text.len);
	if (rc == 0 && sync && fsync(fd) != 0)
		rc = -errno;
	return rc;
}

static bool file_name(char *to, size_t size, const char *job, const char *suffix)
{
	return str_format(to, size, "%s.json%s", job, suffix);
}

int manifest_save(int notes_fd, const char *job, struct ez_view text, bool sync)
{
	char name[FILE_NAME_CAP], tmp[FILE_NAME_CAP];
	int rc;

	if (!file_name(name, sizeof(name), job, "") ||
	    !file_name(tmp, sizeof(tmp), job, TMP_SUFFIX))
		return -ENAMETOOLONG;
	rc = write_tmp(notes_fd, tmp, text, sync);
	CRASH_POINT("manifest written");
	if (rc == 0 && renameat(notes_fd, tmp, notes_fd, name) != 0)
		rc = -errno;
	if (rc != 0) {
		(void)unlinkat(notes_fd, tmp, 0);
		return rc;
	}
	CRASH_POINT("manifest renamed");
	if (sync && fsync(notes_fd) != 0)
		return -errno;
	return 0;
}

int manifest_remove(int notes_fd, const char *job, bool sync)
{
	char name[FILE_NAME_CAP], tmp[FILE_NAME_CAP];

	if (!file_name(name, sizeof(name), job, "") ||
	    !file_name(tmp, sizeof(tmp), job, TMP_SUFFIX))
		return -ENAMETOOLONG;
	if (unlinkat(notes_fd, name, 0) != 0 && errno != ENOENT)
		return -errno;
	if (unlinkat(notes_fd, tmp, 0) != 0 && errno != ENOENT)
		return -errno;
	return sync && fsync(notes_fd) != 0 ? -errno : 0;
}

/* ------------------------------------------------------------------ reading */

static int fail_damaged(struct ez_error *err, const char *where, const char *what)
{
	host->fail(err, EZ_E_IO, "", "the manifest %s is damaged: %s", where, what);
	return host->hint(err,
			  "restore the file from a backup; or copy everything again: "
			  "empty the folder, then `ezcdc drop` and start the job");
}

static bool read_u64(const json_t *o, const char *key, uint64_t *ret)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text && parse_u64(view_str(text), ret);
}

static bool read_length(const json_t *o, const char *key, uint64_t *ret)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

/* "name" or "folder/name" of this job: what is renamed or cut must be nothing else. */
static bool is_own_name(const char *name, const char *job)
{
	struct ez_view v = view_str(name);
	const char *slash = memchr(v.ptr, '/', v.len);
	struct names_parsed p;

	if (slash && (slash == name || name[0] == '.'))
		return false;
	if (slash)
		v = view_str(slash + 1);
	return !memchr(v.ptr, '/', v.len) && names_parse(v, job, &p) && !p.is_part;
}

static bool read_files(const json_t *root, const char *key, bool finished,
		       const char *job, struct manifest *m)
{
	const json_t *list = json_object_get(root, key);
	size_t n = json_array_size(list);

	if (!json_is_array(list))
		return false;
	m->files = xreallocarray(m->files, m->n_files + n + 1, sizeof(*m->files));
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(o, "name"));
		struct manifest_file f = { .finished = finished };

		f.opened_us = json_integer_value(json_object_get(o, "opened_us"));
		if (!name || !is_own_name(name, job) || !read_length(o, "length", &f.len))
			return false;
		f.name = xstrdup(name);
		m->files[m->n_files++] = f;
	}
	return true;
}

static bool read_streams(json_t *root, struct manifest *m)
{
	json_t *list = json_object_get(root, "next");
	const char *folder;
	json_t *v;

	if (!json_is_object(list))
		return false;
	m->streams = xcalloc(json_object_size(list) + 1, sizeof(*m->streams));
	json_object_foreach(list, folder, v)
	{
		struct manifest_stream s = { .next_seq = 0 };

		if (!read_length(list, folder, &s.next_seq) || folder[0] == '.' ||
		    strchr(folder, '/'))
			return false;
		s.folder = xstrdup(folder);
		m->streams[m->n_streams++] = s;
	}
	return true;
}

static bool read_snapshot(const json_t *root, struct manifest *m)
{
	const json_t *o = json_object_get(root, "snapshot");
	const char *phase = json_string_value(json_object_get(o, "phase"));

	if (!phase || !read_length(o, "number", &m->snapshot) ||
	    !read_u64(o, "order", &m->snapshot_order))
		return false;
	for (unsigned i = 0; i < _SNAPSHOT_PHASE_MAX; i++) {
		if (strcmp(phases[i], phase) == 0) {
			m->phase = (enum snapshot_phase)i;
			return true;
		}
	}
	return false;
}

static bool read_members(json_t *root, const char *job, struct manifest *m)
{
	const json_t *position = json_object_get(root, "position");

	if (!json_is_null(position)) {
		if (!json_is_string(position) ||
		    json_string_length(position) > EZ_POSITION_MAX)
			return false;
		m->position = xstrdup(json_string_value(position));
	}
	return read_u64(root, "order", &m->order) && read_snapshot(root, m) &&
	       read_streams(root, m) && read_files(root, "open", false, job, m) &&
	       read_files(root, "finished", true, job, m);
}

/* The checksum covers all before its own member. */
static bool has_right_checksum(struct ez_view text)
{
	const size_t tail = sizeof(CRC_MEMBER) - 1 + 8 + sizeof("\"}\n") - 1;
	_cleanup_(buf_release) struct buf want = BUF_INIT(64);
	struct ez_view body;

	if (text.len <= tail)
		return false;
	body = view_of(text.ptr, text.len - tail);
	buf_addf(&want, CRC_MEMBER "%08" PRIx32 "\"}\n", checksum(body));
	return view_ends(text, buf_view(&want));
}

static int parse_root(json_t *root, const char *job, const char *where,
		      struct manifest *m, struct ez_error *err)
{
	const json_t *version = json_object_get(root, "ezcdc_file_sink");
	const char *name = json_string_value(json_object_get(root, "job"));

	if (!json_is_integer(version) || !name)
		return fail_damaged(err, where, "it is not one of the file sink");
	if (json_integer_value(version) != FORMAT_VERSION)
		return host->fail(err, EZ_E_CONFIG, "",
				  "the manifest %s was written by another version of the "
				  "file sink: format %" JSON_INTEGER_FORMAT
				  ", this one knows %d",
				  where, json_integer_value(version), FORMAT_VERSION);
	if (strcmp(name, job) != 0)
		return host->fail(err, EZ_E_CONFIG, "",
				  "the manifest %s belongs to the job \"%s\"", where,
				  name);
	if (!read_members(root, job, m))
		return fail_damaged(err, where, "a member is missing or makes no sense");
	return EZ_OK;
}

int manifest_parse(struct ez_view text, const char *job, const char *where,
		   struct manifest *ret, struct ez_error *err)
{
	struct manifest m = { 0 };
	json_error_t why;
	json_t *root;
	int rc;

	if (!has_right_checksum(text))
		return fail_damaged(err, where, "its checksum is wrong");
	root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		return fail_damaged(err, where, why.text);
	rc = parse_root(root, job, where, &m, err);
	json_decref(root);
	if (rc != EZ_OK) {
		manifest_release(&m);
		return rc;
	}
	*ret = m;
	return EZ_OK;
}

int manifest_load(int notes_fd, const char *job, const char *where, struct manifest *ret,
		  struct ez_error *err)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(TEXT_CAP);
	_cleanup_(fs_closep) int fd = -1;
	char name[FILE_NAME_CAP];
	int rc;

	if (!file_name(name, sizeof(name), job, ""))
		return fail_errno(err, ENAMETOOLONG, "cannot read", where);
	fd = openat(notes_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? EZ_EOF
				       : fail_errno(err, errno, "cannot read", where);
	rc = fs_read_fd(fd, TEXT_CAP, &text);
	if (rc != 0)
		return fail_errno(err, -rc, "cannot read", where);
	return manifest_parse(buf_view(&text), job, where, ret, err);
}
