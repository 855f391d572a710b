/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sinktest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/view.h"

enum {
	CONTENT_CAP = 1 << 30,
	FOLDERS_MAX = 64,
};

static struct {
	char *paths[FOLDERS_MAX];
	size_t n;
	pid_t owner;
} folders;

static char position[EZ_POSITION_MAX + 1];

static void die(const char *what, const char *object)
{
	fprintf(stderr, "%s %s: %s\n", what, object,
		strerror_r(errno, (char[64]){ 0 }, 64));
	abort();
}

/* ------------------------------------------------------------------ folders */

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_folders(void)
{
	if (getpid() != folders.owner)
		return;
	for (size_t i = 0; i < folders.n; i++) {
		nftw(folders.paths[i], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
		free(folders.paths[i]);
	}
	folders.n = 0;
}

const char *test_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path;

	/* In memory, where an fsync costs nothing: no test here can see whether it happens. */
	if (!tmp)
		tmp = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
	path = xasprintf("%s/ezcdc-file-XXXXXX", tmp);

	if (!mkdtemp(path))
		die("cannot make", path);
	if (folders.n == FOLDERS_MAX)
		die("too many", "folders");
	/* Check forks: whoever makes a folder removes it. */
	if (folders.owner != getpid()) {
		folders.owner = getpid();
		folders.n = 0;
		atexit(remove_folders);
	}
	folders.paths[folders.n++] = path;
	return path;
}

/* ------------------------------------------------------------------ the sink */

/* Once per process, as the engine does. */
static void load_plugin(void)
{
	static bool is_loaded;

	if (!is_loaded)
		ez_plugin.load(fake_host_table());
	is_loaded = true;
}

void sink_set(struct sinktest *t, const char *name, const char *value)
{
	for (size_t i = 0; i < t->n_settings; i++) {
		if (strcmp(t->settings[i].name, name) == 0) {
			t->settings[i].value = value;
			return;
		}
	}
	t->settings[t->n_settings++] =
		(struct fake_setting){ .name = name, .value = value };
}

void sink_start(struct sinktest *t, const char *path)
{
	*t = (struct sinktest){ .ops = ez_plugin.ops.sink, .end_lsn = 0x1000 };
	sink_set(t, "path", path);
}

int sink_open(struct sinktest *t, uint32_t role)
{
	struct ez_position p = { .order = 0 };
	int rc;

	load_plugin();
	t->fake = fake_host_new(ez_plugin.options, t->settings);
	t->fake->open.role = role;
	t->inst = NULL;
	rc = t->ops->open(&t->fake->open, &t->inst, &t->fake->err);
	if (rc != EZ_OK || role != EZ_ROLE_MAIN)
		return rc;
	position[0] = '\0';
	rc = t->ops->recover(t->inst, &p, &t->fake->err);
	if (rc == EZ_OK)
		snprintf(position, sizeof(position), "%.*s", VIEW_ARG(p.bytes));
	return rc;
}

const char *sink_position(const struct sinktest *t)
{
	(void)t;
	return position;
}

void sink_close(struct sinktest *t)
{
	if (t->inst)
		t->ops->close(t->inst);
	t->inst = NULL;
	fake_host_free(t->fake);
	t->fake = NULL;
}

int sink_write(struct sinktest *t, const struct ez_batch *b)
{
	int rc = t->ops->write(t->inst, b, &t->fake->err);

	if (rc == EZ_OK)
		t->number = b->number;
	return rc;
}

int sink_flush(struct sinktest *t)
{
	return t->ops->flush(t->inst, &t->fake->err);
}

int sink_settle(struct sinktest *t)
{
	uint64_t number = 0;
	int rc = sink_flush(t);

	while (rc == EZ_OK && number < t->number)
		rc = t->ops->durable(t->inst, 10000, &number, &t->fake->err);
	return rc;
}

int sink_insert(struct sinktest *t, const struct ez_table *table, int first_id, int n)
{
	struct fake_batch *b = fake_batch(t->fake, t->number + 1, 0);
	char id[16], note[32];

	fake_begin(b, t->end_lsn, 700, 1732270000119123, 0);
	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%d", first_id + i);
		snprintf(note, sizeof(note), "note %d", first_id + i);
		fake_event(b, EZ_OP_INSERT, table, NULL, FAKE_ROW(id, note));
	}
	t->end_lsn += 0x100;
	fake_commit(b, t->end_lsn);
	return sink_write(t, fake_finish(b));
}

/* ------------------------------------------------------------------ files */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t collect(const char *folder, const char *below, char **names, size_t n)
{
	char *path = xasprintf("%s/%s", folder, below);
	DIR *dir = opendir(path);
	const struct dirent *d;

	if (!dir)
		die("cannot read", path);
	while ((d = readdir(dir)) != NULL) {
		char *name = xasprintf("%s%s%s", below, below[0] ? "/" : "", d->d_name);

		if (d->d_name[0] == '.')
			free(name);
		else if (d->d_type == DT_DIR)
			n = collect(folder, name, names, n), free(name);
		else
			names[n++] = name;
		if (n == 4096)
			die("too many files in", path);
	}
	closedir(dir);
	free(path);
	return n;
}

static size_t sorted_names(const char *folder, char ***ret)
{
	char **names = xcalloc(4097, sizeof(*names));
	size_t n = collect(folder, "", names, 0);

	qsort(names, n, sizeof(*names), by_name);
	*ret = names;
	return n;
}

const char *list_names(const char *folder)
{
	static char text[65536];
	char **names;
	size_t n = sorted_names(folder, &names), at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s ", names[i]);
		free(names[i]);
	}
	free(names);
	return text;
}

static void inflate_all(struct buf *raw, struct buf *to)
{
	z_stream z = { .next_in = (Bytef *)raw->ptr, .avail_in = (uInt)raw->len };
	char block[4096];
	int rc = Z_OK;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		die("inflate", "init");
	while (rc == Z_OK && (z.avail_in > 0 || to->len == 0)) {
		z.next_out = (Bytef *)block;
		z.avail_out = sizeof(block);
		rc = inflate(&z, Z_NO_FLUSH);
		buf_add(to, block, sizeof(block) - z.avail_out);
		/* A member ends: another one may follow. */
		if (rc == Z_STREAM_END && z.avail_in > 0)
			rc = inflateReset(&z);
	}
	if (rc != Z_STREAM_END)
		die("inflate", "data");
	inflateEnd(&z);
}

static void unzstd_all(struct buf *raw, struct buf *to)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	ZSTD_inBuffer in = { .src = raw->ptr, .size = raw->len };
	char block[4096];
	size_t left = 0;

	while (in.pos < in.size) {
		ZSTD_outBuffer out = { .dst = block, .size = sizeof(block) };

		left = ZSTD_decompressStream(z, &out, &in);
		if (ZSTD_isError(left))
			die("zstd", ZSTD_getErrorName(left));
		buf_add(to, block, out.pos);
	}
	while (left != 0) {
		ZSTD_outBuffer out = { .dst = block, .size = sizeof(block) };

		left = ZSTD_decompressStream(z, &out, &in);
		if (ZSTD_isError(left) || (left != 0 && out.pos == 0))
			die("zstd", "data is cut off");
		buf_add(to, block, out.pos);
	}
	ZSTD_freeDCtx(z);
}

char *read_file(const char *folder, const char *name, size_t *ret_len)
{
	struct buf raw = BUF_INIT(CONTENT_CAP), plain = BUF_INIT(CONTENT_CAP);
	char *path = xasprintf("%s/%s", folder, name);
	int rc = fs_read_file(path, CONTENT_CAP, &raw);

	if (rc != 0) {
		errno = -rc;
		die("cannot read", path);
	}
	free(path);
	if (raw.len > 0 && strstr(name, ".gz"))
		inflate_all(&raw, &plain);
	else if (raw.len > 0 && strstr(name, ".zst"))
		unzstd_all(&raw, &plain);
	else
		buf_swap(&raw, &plain);
	buf_release(&raw);
	if (ret_len)
		*ret_len = plain.len;
	return buf_take(&plain);
}

void write_file(const char *folder, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || fs_write_all(fd, text, strlen(text)) != 0)
		die("cannot write", path);
	close(fd);
	free(path);
}

char *read_finished(const char *folder)
{
	struct buf all = BUF_INIT(CONTENT_CAP);
	char **names;
	size_t n = sorted_names(folder, &names);

	for (size_t i = 0; i < n; i++) {
		if (!view_ends(view_str(names[i]), VIEW(".part"))) {
			size_t len;
			char *text = read_file(folder, names[i], &len);

			buf_add(&all, text, len);
			free(text);
		}
		free(names[i]);
	}
	free(names);
	return buf_take(&all);
}

bool file_exists(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s", folder, name);
	bool yes = access(path, F_OK) == 0;

	free(path);
	return yes;
}

size_t count_lines(const char *content, const char *text)
{
	size_t n = 0;

	while ((content = strstr(content, text)) != NULL) {
		n++;
		content += strcspn(content, "\n");
	}
	return n;
}

int run_suite(Suite *s)
{
	SRunner *runner = srunner_create(s);
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
