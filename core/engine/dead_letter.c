/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/dead_letter.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/host.h"
#include "engine/json.h"

/*
 * The file is read once, at the start: records that will be made again are cut off by
 * writing the rest anew. It is small by nature (errors.limit), so that is done in memory.
 */
enum {
	FILE_MAX_BYTES = 1024 * 1024 * 1024,
	RECORD_MAX_BYTES = 1024 * 1024 * 1024,
};

/* A record that was cut off, in case its row is passed over when it comes again. */
struct cut {
	uint64_t lsn, seq;
	char *line;
};

struct dead_letters {
	pthread_mutex_t lock;
	struct cut *cuts;
	size_t n_cuts;
	char *path;
	int fd; /* -1: not made yet */
	bool stop, dirty;
	uint64_t limit, count;
};

static int failed(struct ez_error *err, const char *path, const char *what, int error)
{
	errno = error;
	host_table.fail(err, EZ_E_IO, "IOERR", "dead letter file %s: cannot %s: %m", path, what);
	return host_table.hint(err, "make the folder writable and free space there");
}

/* ----------------------------------------------------------------------- cutting back */

/* Upper-case hexadecimal digits; 0 for anything else. */
static uint64_t hex_of(struct ez_view v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v.len; i++) {
		char c = v.ptr[i];

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint64_t)(c - '0');
		else if (c >= 'A' && c <= 'F')
			n = n << 4 | (uint64_t)(c - 'A' + 10);
		else
			return 0;
	}
	return n;
}

static uint64_t lsn_of(const struct json *j)
{
	struct ez_view rest = json_str(j, "commit_lsn"), high, low;

	if (!view_split(&rest, '/', &high) || !view_split(&rest, '/', &low))
		return 0;
	return hex_of(high) << 32 | hex_of(low);
}

static void remember(struct dead_letters *d, const struct json *j, struct ez_view line)
{
	d->cuts = xreallocarray(d->cuts, d->n_cuts + 1, sizeof(*d->cuts));
	d->cuts[d->n_cuts++] = (struct cut){ .lsn = lsn_of(j),
					     .seq = (uint64_t)json_i64(j, "seq"),
					     .line = view_dup(line) };
}

enum fate { KEPT, COMES_AGAIN, UNREADABLE };

static enum fate fate_of(struct dead_letters *d, struct ez_view line, uint64_t start,
			 bool drop_snapshot_rows)
{
	_cleanup_(json_freep) struct json *j = json_parse(line, NULL);

	if (!j)
		return UNREADABLE;
	if (json_bool(j, "snapshot"))
		return drop_snapshot_rows ? COMES_AGAIN : KEPT;
	if (start == 0 || lsn_of(j) < start)
		return KEPT;
	remember(d, j, line);
	return COMES_AGAIN;
}

static int append_durably(const char *path, struct ez_view text)
{
	_cleanup_(fs_closep) int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (fd < 0)
		return -errno;
	rc = fs_write_all(fd, text.ptr, text.len);
	if (rc == 0 && fsync(fd) != 0)
		rc = -errno;
	return rc < 0 ? rc : fs_sync_parent(path);
}

/* A record torn by a crash was not durable and comes again; what else it may be is for a
 * person to look at. */
static int set_aside(const struct dead_letters *d, struct ez_view lines, struct ez_error *err)
{
	char *path;
	int rc;

	if (lines.len == 0)
		return EZ_OK;
	path = xasprintf("%s.unreadable", d->path);
	rc = append_durably(path, lines);
	if (rc < 0)
		(void)failed(err, path, "write it", -rc);
	else
		log_msg(EZL_WARNING,
			"dead letter file %s: what is no whole record was moved to %s bytes=%zu",
			d->path, path, lines.len);
	free(path);
	return rc < 0 ? EZ_E_IO : EZ_OK;
}

static int rewrite(struct dead_letters *d, struct ez_view all, uint64_t start,
		   bool drop_snapshot_rows, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf keep = BUF_INIT(FILE_MAX_BYTES);
	_cleanup_(buf_release) struct buf aside = BUF_INIT(FILE_MAX_BYTES);
	struct ez_view line, rest = all;
	int rc;

	while (rest.len > 0 && view_split(&rest, '\n', &line)) {
		enum fate fate = line.len == 0 ? COMES_AGAIN :
						 fate_of(d, line, start, drop_snapshot_rows);

		if (fate == COMES_AGAIN)
			continue;
		buf_add_view(fate == KEPT ? &keep : &aside, line);
		buf_add_char(fate == KEPT ? &keep : &aside, '\n');
		d->count += fate == KEPT;
	}
	if (view_eq(buf_view(&keep), all))
		return EZ_OK;
	/* A file of the largest size without its last line end does not fit with it. */
	if (!buf_ok(&keep) || !buf_ok(&aside))
		return failed(err, d->path, "read it", EFBIG);
	rc = set_aside(d, buf_view(&aside), err);
	if (rc < 0)
		return rc;
	rc = fs_write_atomic(d->path, keep.ptr ? keep.ptr : "", keep.len, 0600);
	return rc < 0 ? failed(err, d->path, "write it", -rc) : EZ_OK;
}

static int cut_back(struct dead_letters *d, uint64_t start, bool drop_snapshot_rows,
		    struct ez_error *err)
{
	_cleanup_(buf_release) struct buf all = BUF_INIT(FILE_MAX_BYTES);
	int rc = fs_read_file(d->path, FILE_MAX_BYTES, &all);

	if (rc == -ENOENT)
		return EZ_OK;
	if (rc < 0)
		return failed(err, d->path, "read it", -rc);
	return rewrite(d, buf_view(&all), start, drop_snapshot_rows, err);
}

int dead_letters_open(const char *path, bool stop, uint64_t limit, uint64_t start_lsn,
		      bool drop_snapshot_rows, struct dead_letters **ret, struct ez_error *err)
{
	struct dead_letters *d = xcalloc(1, sizeof(*d));
	int rc;

	pthread_mutex_init(&d->lock, NULL);
	d->path = xstrdup(path);
	d->fd = -1;
	d->stop = stop;
	d->limit = limit;
	rc = cut_back(d, start_lsn, drop_snapshot_rows, err);
	if (rc < 0) {
		dead_letters_close(d);
		return rc;
	}
	*ret = d;
	return EZ_OK;
}

int dead_letters_forget_snapshot(struct dead_letters *d, struct ez_error *err)
{
	int rc;

	pthread_mutex_lock(&d->lock);
	fs_closep(&d->fd); /* the file is about to be another one */
	d->dirty = false;
	d->count = 0;
	rc = cut_back(d, 0, true, err);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

void dead_letters_close(struct dead_letters *d)
{
	if (!d)
		return;
	fs_closep(&d->fd);
	pthread_mutex_destroy(&d->lock);
	for (size_t i = 0; i < d->n_cuts; i++)
		free(d->cuts[i].line);
	free(d->cuts);
	free(d->path);
	free(d);
}

/* --------------------------------------------------------------------------- writing */

static void add_cells(struct jsonw *w, const char *key, const struct ez_table *t,
		      const struct ez_cell *cells)
{
	if (!cells || !t)
		return;
	jsonw_key(w, key);
	jsonw_begin_object(w);
	for (uint32_t i = 0; i < t->n_columns; i++) {
		if (cells[i].kind == EZ_CELL_UNCHANGED || cells[i].kind == EZ_CELL_ABSENT)
			continue;
		jsonw_key_view(w, t->columns[i]->name);
		if (cells[i].kind == EZ_CELL_NULL)
			jsonw_null(w);
		else
			jsonw_view(w, (struct ez_view){ cells[i].ptr, cells[i].len });
	}
	jsonw_end_object(w);
}

static void add_key(struct jsonw *w, const struct ez_event *ev, uint32_t part,
		    bool is_snapshot)
{
	char lsn[32];

	if (str_format(lsn, sizeof(lsn), "%X/%X", (unsigned)(ev->tx->lsn >> 32),
		       (unsigned)ev->tx->lsn)) {
		jsonw_key(w, "commit_lsn");
		jsonw_str(w, lsn);
	}
	jsonw_key(w, "part");
	jsonw_u64(w, part);
	jsonw_key(w, "seq");
	jsonw_u64(w, ev->seq);
	jsonw_key(w, "snapshot");
	jsonw_bool(w, is_snapshot);
}

static void format_record(struct buf *b, const struct ez_event *ev, uint32_t part,
			  bool is_snapshot, const struct ez_error *why)
{
	struct jsonw w = JSONW_INIT(b);
	char op[2] = { (char)ev->op, '\0' };

	jsonw_begin_object(&w);
	add_key(&w, ev, part, is_snapshot);
	if (ev->table) {
		jsonw_key(&w, "schema");
		jsonw_view(&w, ev->table->schema);
		jsonw_key(&w, "table");
		jsonw_view(&w, ev->table->name);
	}
	jsonw_key(&w, "op");
	jsonw_str(&w, op);
	jsonw_key(&w, "code");
	jsonw_str(&w, why->code);
	jsonw_key(&w, "reason");
	jsonw_str(&w, why->text);
	jsonw_key(&w, "time");
	jsonw_str(&w, format_rfc3339_us(now_us()).text);
	add_cells(&w, "before", ev->table, ev->before);
	add_cells(&w, "after", ev->table, ev->after);
	jsonw_end_object(&w);
	buf_add_char(b, '\n');
}

/* What is left of a record that could not be written must not run into the next one. */
static int write_record(int fd, struct ez_view record)
{
	off_t end = lseek(fd, 0, SEEK_END);
	int rc = fs_write_all(fd, record.ptr, record.len);

	if (rc < 0 && end >= 0)
		(void)!ftruncate(fd, end);
	return rc;
}

static int append(struct dead_letters *d, struct ez_view record, struct ez_error *err)
{
	int rc;

	if (d->fd < 0)
		d->fd = open(d->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->fd < 0)
		return failed(err, d->path, "open it", errno);
	rc = write_record(d->fd, record);
	if (rc < 0)
		return failed(err, d->path, "write to it", -rc);
	d->dirty = true;
	d->count++;
	return EZ_OK;
}

static int over_limit(const struct dead_letters *d, struct ez_error *err)
{
	char why[sizeof(err->text)];

	memcpy(why, err->text, sizeof(why));
	host_table.fail(err, EZ_E_DATA, "", "more than %llu rows cannot be loaded, the last: "
			"%.300s", (unsigned long long)d->limit, why);
	return host_table.hint(err, "look into %s, then raise errors.limit or mend the target",
			       d->path);
}

int dead_letters_add(struct dead_letters *d, const struct ez_event *ev, uint32_t part,
		     bool is_snapshot, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf record = BUF_INIT(RECORD_MAX_BYTES);
	int rc;

	if (d->stop) {
		if (err->hint[0] == '\0')
			host_table.hint(err, "mend the target, or set errors.policy = "
					     "\"dead-letter\" to put such rows aside");
		return EZ_E_DATA;
	}
	format_record(&record, ev, part, is_snapshot, err);
	pthread_mutex_lock(&d->lock);
	rc = d->count >= d->limit ? over_limit(d, err) : append(d, buf_view(&record), err);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

int dead_letters_pass_over(struct dead_letters *d, const struct ez_event *ev,
			   struct ez_error *err)
{
	int rc = EZ_OK, n = 0;

	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < d->n_cuts && rc >= 0; i++) {
		_cleanup_(buf_release) struct buf line = BUF_INIT(RECORD_MAX_BYTES);

		if (d->cuts[i].lsn != ev->tx->lsn || d->cuts[i].seq != ev->seq)
			continue;
		buf_add_str(&line, d->cuts[i].line);
		buf_add_char(&line, '\n');
		rc = append(d, buf_view(&line), err);
		n++;
	}
	pthread_mutex_unlock(&d->lock);
	return rc < 0 ? rc : n;
}

int dead_letters_sync(struct dead_letters *d, struct ez_error *err)
{
	int rc = EZ_OK, sync = 0;

	pthread_mutex_lock(&d->lock);
	if (d->dirty && fdatasync(d->fd) != 0)
		rc = failed(err, d->path, "sync it", errno);
	else if (d->dirty)
		sync = fs_sync_parent(d->path);
	if (sync < 0)
		rc = failed(err, d->path, "sync its folder", -sync);
	if (rc >= 0)
		d->dirty = false;
	pthread_mutex_unlock(&d->lock);
	return rc;
}

uint64_t dead_letters_count(struct dead_letters *d)
{
	uint64_t n;

	pthread_mutex_lock(&d->lock);
	n = d->count;
	pthread_mutex_unlock(&d->lock);
	return n;
}
