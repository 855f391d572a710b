/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/config_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/view.h"
#include "engine/cfg.h"
#include "engine/config_grammar.h"
#include "engine/config_lex.h"
#include "engine/problems.h"

/* A file that is being read, and the one that includes it. */
struct source {
	const struct source *parent;
	const char *name;
	dev_t dev; /* with ino: which file it is, not what it is called */
	ino_t ino;
	bool may_include;
};

struct scanner {
	struct scan out;
	struct grammar grammar;
	struct problems *problems;
	const struct source *source;
	size_t depth; /* of includes */
	size_t total_bytes;
};

static bool read_source(struct scanner *s, const struct source *src, struct ez_view text);

void scan_release(struct scan *s)
{
	for (size_t i = 0; i < s->n_strings; i++) {
		explicit_bzero(s->strings[i].ptr, s->strings[i].len);
		free(s->strings[i].ptr);
	}
	free(s->strings);
	for (size_t i = 0; i < s->n_files; i++)
		free(s->files[i]);
	free(s->files);
	free(s->spans);
	buf_release(&s->text);
	*s = (struct scan){ .n_files = 0 };
}

void scan_where(const struct scan *s, unsigned line, const char **ret_file,
		unsigned *ret_line)
{
	const struct scan_span *span = &s->spans[0];

	for (size_t i = 1; i < s->n_spans && s->spans[i].first <= line; i++)
		span = &s->spans[i];
	*ret_file = s->files[span->file];
	*ret_line = line < span->first ? span->line : span->line + (line - span->first);
}

/* ---------------------------------------------------------------------- including */

static bool fail_include(struct scanner *s, const struct token *t, const char *text)
{
	problem_add(s->problems, s->source->name, t->line, "@include: %s", text);
	return false;
}

/* "dir/a.conf" that includes "b.conf" means "dir/b.conf". */
static char *resolve(const struct source *from, const char *path)
{
	const char *slash = strrchr(from->name, '/');

	if (*path == '/' || !slash)
		return xstrdup(path);
	return xasprintf("%.*s/%s", (int)(slash - from->name), from->name, path);
}

static bool is_open_already(const struct source *src, const struct stat *st)
{
	for (; src; src = src->parent) {
		if (src->dev == st->st_dev && src->ino == st->st_ino)
			return true;
	}
	return false;
}

static size_t add_file(struct scanner *s, char *name)
{
	struct scan *out = &s->out;

	out->files = xreallocarray(out->files, out->n_files + 1, sizeof(*out->files));
	out->files[out->n_files] = name;
	return out->n_files++;
}

/* Reserves all at once, so that no copy of a secret stays behind in freed memory. */
static int read_text(int fd, struct buf *ret_text)
{
	if (!buf_reserve(ret_text, CFG_FILE_MAX_BYTES))
		return -ENOMEM;
	return fs_read_fd(fd, CFG_FILE_MAX_BYTES, ret_text);
}

static void release_text(struct buf *text)
{
	if (text->ptr)
		explicit_bzero(text->ptr, text->len);
	buf_release(text);
}

static bool read_included(struct scanner *s, const struct token *t, const char *name)
{
	_cleanup_(fs_closep) int fd =
		open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_(release_text) struct buf text = BUF_INIT(CFG_FILE_MAX_BYTES);
	struct source src = { .parent = s->source, .name = name, .may_include = true };
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) != 0) {
		problem_add(s->problems, s->source->name, t->line,
			    "@include: cannot read \"%s\": %m", name);
		return false;
	}
	if (!S_ISREG(st.st_mode))
		return fail_include(s, t, "not a regular file");
	if (is_open_already(s->source, &st))
		return fail_include(s, t, "the file includes itself");
	src.dev = st.st_dev;
	src.ino = st.st_ino;
	r = read_text(fd, &text);
	if (r < 0) {
		errno = -r;
		problem_add(s->problems, s->source->name, t->line,
			    "@include: cannot read \"%s\": %m", name);
		return false;
	}
	return read_source(s, &src, buf_view(&text));
}

static bool include(struct scanner *s, const struct token *t)
{
	const struct source *parent = s->source;
	size_t parent_file = s->out.spans[s->out.n_spans - 1].file, file;
	bool ok;

	if (!parent->may_include)
		return fail_include(s, t, "not possible here, this text has no folder");
	if (s->depth == CFG_INCLUDE_DEPTH_MAX || s->out.n_files == CFG_FILES_MAX)
		return fail_include(s, t, "too many files");
	if (t->len == 0)
		return fail_include(s, t, "the path is empty");
	if (!grammar_begin_settings(&s->grammar, t->line))
		return fail_include(s, t, "allowed only where a setting may begin");
	s->depth++;
	file = add_file(s, resolve(parent, t->str));
	grammar_begin_span(&s->grammar, file, 1);
	ok = read_included(s, t, s->out.files[file]);
	s->depth--;
	s->source = parent;
	s->grammar.file = parent->name;
	grammar_begin_span(&s->grammar, parent_file, t->line);
	return ok;
}

/* --------------------------------------------------------------------- whole files */

static bool check_bytes(struct scanner *s, const struct source *src, struct ez_view text)
{
	const char *nul = text.len > 0 ? memchr(text.ptr, '\0', text.len) : NULL;
	unsigned line = 1;

	s->total_bytes += text.len;
	if (text.len > CFG_FILE_MAX_BYTES || s->total_bytes > CFG_TOTAL_MAX_BYTES) {
		problem_add(s->problems, src->name, 0, "the file is too large");
		return false;
	}
	if (!nul)
		return true;
	for (const char *p = text.ptr; p < nul; p++)
		line += *p == '\n';
	problem_add(s->problems, src->name, line,
		    "a NUL byte; the file must be plain text in UTF-8");
	return false;
}

static bool read_source(struct scanner *s, const struct source *src, struct ez_view text)
{
	struct lexer lexer = lexer_init(text, src->name, s->problems);
	struct token t;
	size_t depth = s->grammar.depth;
	bool ok;

	if (!check_bytes(s, src, text))
		return false;
	s->source = src;
	s->grammar.file = src->name;
	for (;;) {
		if (!lexer_next(&lexer, &t))
			return false;
		if (t.kind == TOKEN_END)
			return grammar_end_file(&s->grammar, &t, depth);
		ok = t.kind == TOKEN_INCLUDE ? include(s, &t)
					     : grammar_step(&s->grammar, &t);
		if (t.str)
			explicit_bzero(t.str, t.len);
		free(t.str);
		if (!ok)
			return false;
	}
}

static bool run(struct source *src, struct ez_view text, struct scan *ret_scan,
		struct problems *p)
{
	struct scanner s = {
		.problems = p,
		.out.text = BUF_INIT((size_t)8 * CFG_TOTAL_MAX_BYTES),
	};
	size_t n_before = p->n, file = add_file(&s, xstrdup(src->name));

	grammar_init(&s.grammar, &s.out, p);
	src->name = s.out.files[file];
	grammar_begin_span(&s.grammar, file, 1);
	if (read_source(&s, src, text) && !buf_ok(&s.out.text))
		problem_add(p, src->name, 0, "the text is too large");
	grammar_release(&s.grammar);
	if (p->n > n_before) {
		scan_release(&s.out);
		return false;
	}
	*ret_scan = s.out;
	return true;
}

static bool read_open(int fd, struct source *src, struct scan *ret_scan,
		      struct problems *p)
{
	_cleanup_(release_text) struct buf text = BUF_INIT(CFG_FILE_MAX_BYTES);
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : 0;

	if (r == 0 && S_ISDIR(st.st_mode))
		r = -EISDIR;
	if (r == 0) {
		src->dev = st.st_dev;
		src->ino = st.st_ino;
		r = read_text(fd, &text);
	}
	if (r < 0) {
		errno = -r;
		problem_add(p, src->name, 0, "cannot be read: %m");
		return false;
	}
	return run(src, buf_view(&text), ret_scan, p);
}

bool scan_path(const char *path, struct scan *ret_scan, struct problems *p)
{
	_cleanup_(fs_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct source src = { .name = path, .may_include = true };

	if (fd < 0) {
		problem_add(p, path, 0, "cannot be read: %m");
		return false;
	}
	return read_open(fd, &src, ret_scan, p);
}

bool scan_fd(int fd, const char *name, struct scan *ret_scan, struct problems *p)
{
	struct source src = { .name = name };

	return read_open(fd, &src, ret_scan, p);
}

bool scan_text(const char *name, struct ez_view text, struct scan *ret_scan,
	       struct problems *p)
{
	struct source src = { .name = name };

	return run(&src, text, ret_scan, p);
}
