/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/secret_ref.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/view.h"
#include "engine/cfg.h"
#include "engine/problems.h"

struct secret_fds {
	pthread_mutex_t lock;
	struct map secrets; /* by descriptor: struct secret */
};

enum place {
	PLACE_TEXT,
	PLACE_FILE,
	PLACE_ENV,
	PLACE_FD,
};

struct secret_ref {
	enum place place;
	char *name; /* of the file or variable */
	int fd;
	bool was_read; /* once at least, so a failure may pass */
	struct secret_fds *fds;
	pthread_mutex_t lock; /* guards text and was_read */
	struct secret text;
};

/* --------------------------------------------------------------------- descriptors */

struct secret_fds *secret_fds_new(void)
{
	struct secret_fds *s = xcalloc(1, sizeof(*s));

	(void)pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void free_secret(void *p)
{
	secret_release(p);
	free(p);
}

void secret_fds_free(struct secret_fds *s)
{
	if (!s)
		return;
	map_release(&s->secrets, free_secret);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

bool secret_fds_replace(struct secret_fds *s, int fd, struct ez_view bytes)
{
	struct secret *known;
	bool ok;

	(void)pthread_mutex_lock(&s->lock);
	known = fd < 0 ? NULL : map_get_u64(&s->secrets, (uint64_t)fd);
	ok = known && secret_set(known, bytes) == 0;
	(void)pthread_mutex_unlock(&s->lock);
	return ok;
}

/* Nobody else shall get hold of it; the standard streams stay open. */
static int read_and_close(int fd, struct secret *ret)
{
	int flags = fcntl(fd, F_GETFD), r;

	if (flags < 0)
		return -errno;
	if (flags & FD_CLOEXEC)
		return -EBADF; /* our own, not inherited */
	r = secret_read_fd(ret, fd);
	if (fd > STDERR_FILENO)
		(void)close(fd);
	return r < 0 ? r : 0;
}

/* 0 or -errno. What was read once is there for all later references. */
static int remember_fd(struct secret_fds *s, int fd)
{
	struct secret *fresh;
	int r = 0;

	(void)pthread_mutex_lock(&s->lock);
	if (!map_find_u64(&s->secrets, (uint64_t)fd)) {
		fresh = xcalloc(1, sizeof(*fresh));
		r = read_and_close(fd, fresh);
		if (r == 0)
			(void)map_put_u64(&s->secrets, (uint64_t)fd, fresh);
		else
			free_secret(fresh);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return r;
}

/* -------------------------------------------------------------------------- making */

static struct secret_ref *make(enum place place)
{
	struct secret_ref *r = xcalloc(1, sizeof(*r));

	r->place = place;
	r->fd = -1;
	(void)pthread_mutex_init(&r->lock, NULL);
	return r;
}

void secret_ref_free(struct secret_ref *r)
{
	if (!r)
		return;
	secret_release(&r->text);
	(void)pthread_mutex_destroy(&r->lock);
	free(r->name);
	free(r);
}

struct secret_ref *secret_ref_new_text(struct ez_view text)
{
	struct secret_ref *r = make(PLACE_TEXT);

	if (text.len > 0 && secret_set(&r->text, text) < 0)
		alloc_failed(text.len);
	return r;
}

static void refuse(struct problems *p, const struct cfg_node *n, const char *label,
		   const char *text)
{
	problem_add(p, n->file, n->line, "%s: %s", label, text);
}

/* Relative to the folder of the file it stands in; remote jobs: a name in secrets_dir. */
static char *resolve_path(const struct cfg_node *n, const char *label,
			  const struct options_rules *rules, struct problems *p)
{
	const char *path = n->str.ptr, *slash = strrchr(n->file, '/');

	if (n->str.len == 0) {
		refuse(p, n, label, "the path is empty");
		return NULL;
	}
	if (rules->flags & OPTIONS_REMOTE) {
		if (!rules->secrets_dir || strchr(path, '/') || *path == '.') {
			refuse(p, n, label,
			       "a job from the control plane may name a secret of this "
			       "worker's secrets_dir, not a path");
			return NULL;
		}
		return xasprintf("%s/%s", rules->secrets_dir, path);
	}
	if (*path == '/' || !slash)
		return xstrdup(path);
	return xasprintf("%.*s/%s", (int)(slash - n->file), n->file, path);
}

static struct secret_ref *from_file(const struct cfg_node *n, const char *label,
				    const struct options_rules *rules, struct problems *p)
{
	_cleanup_(secret_release) struct secret probe = SECRET_INIT;
	char *path = resolve_path(n, label, rules, p);
	struct secret_ref *ref;
	int r = 0;

	if (!path)
		return NULL;
	if (!(rules->flags & OPTIONS_NO_SECRETS))
		r = secret_read_file(&probe, path);
	if (r < 0) {
		errno = -r;
		problem_add(p, n->file, n->line, "%s: cannot read the file \"%s\": %m",
			    label, path);
		free(path);
		return NULL;
	}
	if (r == SECRET_EXPOSED)
		log_msg(EZL_WARNING, "%s: other users can read the file \"%s\"", label,
			path);
	ref = make(PLACE_FILE);
	ref->name = path;
	ref->was_read = !(rules->flags & OPTIONS_NO_SECRETS);
	return ref;
}

static struct secret_ref *from_env(const struct cfg_node *n, const char *label,
				   const struct options_rules *rules, struct problems *p)
{
	struct secret_ref *ref;

	if (rules->flags & OPTIONS_REMOTE) {
		refuse(p, n, label, "a job from the control plane cannot use env");
		return NULL;
	}
	if (!(rules->flags & OPTIONS_NO_SECRETS) && !secure_getenv(n->str.ptr)) {
		problem_add(p, n->file, n->line,
			    "%s: the environment has no variable \"%s\"", label,
			    n->str.ptr);
		return NULL;
	}
	ref = make(PLACE_ENV);
	ref->name = xstrdup(n->str.ptr);
	return ref;
}

static struct secret_ref *from_fd(const struct cfg_node *n, const char *label,
				  const struct options_rules *rules, struct problems *p)
{
	struct secret_ref *ref;
	int r = 0;

	if ((rules->flags & OPTIONS_REMOTE) ||
	    (!rules->fds && !(rules->flags & OPTIONS_NO_SECRETS))) {
		refuse(p, n, label, "descriptors cannot be used here");
		return NULL;
	}
	if (n->num < 0 || n->num > INT16_MAX || n->num == STDOUT_FILENO ||
	    n->num == STDERR_FILENO) {
		refuse(p, n, label, "not the number of an inherited descriptor");
		return NULL;
	}
	if (!(rules->flags & OPTIONS_NO_SECRETS))
		r = remember_fd(rules->fds, (int)n->num);
	if (r < 0) {
		errno = -r;
		problem_add(p, n->file, n->line,
			    "%s: cannot read descriptor %" PRId64 ": %m", label, n->num);
		return NULL;
	}
	ref = make(PLACE_FD);
	ref->fd = (int)n->num;
	ref->fds = rules->fds;
	return ref;
}

struct secret_ref *secret_ref_new(const struct cfg_node *n, const char *label,
				  const struct options_rules *rules, struct problems *p)
{
	const struct cfg_node *item;

	if (n->kind == CFG_STRING)
		return secret_ref_new_text(n->str);
	item = n->kind == CFG_GROUP && n->n_items == 1 ? &n->items[0] : NULL;
	if (item && item->kind == CFG_STRING && strcmp(item->name, "file") == 0)
		return from_file(item, label, rules, p);
	if (item && item->kind == CFG_STRING && strcmp(item->name, "env") == 0)
		return from_env(item, label, rules, p);
	if (item && item->kind == CFG_INT && strcmp(item->name, "fd") == 0)
		return from_fd(item, label, rules, p);
	refuse(p, n, label,
	       "must be \"text\", { file = \"path\"; }, { env = \"NAME\"; } or { fd = number; }");
	return NULL;
}

/* ------------------------------------------------------------------------- reading */

/* The present value into `ret`; 0 or -errno. */
static int load(struct secret_ref *r, struct secret *ret)
{
	const struct secret *known;
	const char *value;
	int rc = 0;

	switch (r->place) {
	case PLACE_FILE:
		rc = secret_read_file(ret, r->name);
		return rc < 0 ? rc : 0;
	case PLACE_ENV:
		value = secure_getenv(r->name);
		return value ? secret_set(ret, view_str(value)) : -ENOENT;
	case PLACE_FD:
		if (!r->fds)
			return -EBADF;
		(void)pthread_mutex_lock(&r->fds->lock);
		known = map_get_u64(&r->fds->secrets, (uint64_t)r->fd);
		rc = known ? secret_set(ret, secret_view(known)) : -EBADF;
		(void)pthread_mutex_unlock(&r->fds->lock);
		return rc;
	default:
		(void)pthread_mutex_lock(&r->lock);
		if (secret_is_set(&r->text))
			rc = secret_set(ret, secret_view(&r->text));
		(void)pthread_mutex_unlock(&r->lock);
		return rc;
	}
}

/* True the second time: a file may be missing while someone replaces it. */
static bool note_read(struct secret_ref *r, bool ok)
{
	bool before;

	(void)pthread_mutex_lock(&r->lock);
	before = r->was_read;
	r->was_read = before || ok;
	(void)pthread_mutex_unlock(&r->lock);
	return before;
}

int secret_ref_read(struct secret_ref *r, const char *label, char *buf, size_t cap,
		    size_t *ret_len, struct ez_error *err)
{
	_cleanup_(secret_release) struct secret now = SECRET_INIT;
	int rc = load(r, &now);
	bool before = note_read(r, rc == 0);
	struct ez_view v = secret_view(&now);

	if (rc < 0) {
		errno = -rc;
		return error_fill(err, before ? EZ_E_TRANSIENT : EZ_E_CONFIG, "",
				  "%s: cannot read the secret from %s: %m", label,
				  r->name ? r->name : "its descriptor");
	}
	if (v.len >= cap)
		return error_fill(err, EZ_E_CONFIG, "",
				  "%s: the secret is too long, at most %zu bytes fit",
				  label, cap > 0 ? cap - 1 : 0);
	if (v.len > 0 && memchr(v.ptr, '\0', v.len))
		return error_fill(err, EZ_E_CONFIG, "", "%s: the secret holds a NUL byte",
				  label);
	if (v.len > 0)
		memcpy(buf, v.ptr, v.len);
	buf[v.len] = '\0';
	*ret_len = v.len;
	return EZ_OK;
}

bool secret_ref_eq(const struct secret_ref *a, const struct secret_ref *b)
{
	if (!a || !b || a->place != b->place)
		return a == b;
	switch (a->place) {
	case PLACE_FILE:
	case PLACE_ENV:
		return strcmp(a->name, b->name) == 0;
	case PLACE_FD:
		return a->fd == b->fd;
	default:
		return secret_is_set(&a->text) == secret_is_set(&b->text) &&
		       (!secret_is_set(&a->text) ||
			secret_eq(&a->text, secret_view(&b->text)));
	}
}

bool secret_ref_replace(struct secret_ref *r, struct ez_view bytes)
{
	int rc;

	if (r->place == PLACE_FD)
		return r->fds && secret_fds_replace(r->fds, r->fd, bytes);
	if (r->place != PLACE_TEXT)
		return false;
	(void)pthread_mutex_lock(&r->lock);
	rc = secret_set(&r->text, bytes);
	(void)pthread_mutex_unlock(&r->lock);
	return rc == 0;
}

void secret_ref_format(const struct secret_ref *r, struct buf *out)
{
	if (r->place == PLACE_FD) {
		buf_addf(out, "{ fd = %d; }", r->fd);
	} else if (r->place == PLACE_TEXT) {
		buf_add_str(out, "\"***\"");
	} else {
		buf_add_str(out, r->place == PLACE_FILE ? "{ file = " : "{ env = ");
		cfg_format_string(view_str(r->name), out);
		buf_add_str(out, "; }");
	}
}
