/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/http/portal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/str.h"
#include "base/view.h"
#include "control/http/request.h"

struct portal {
	char *folder;
	bool is_https;
};

/* The folders of Debian's libjs packages. */
static const struct vendor_file {
	const char *url, *path;
} vendor_files[] = {
	{ "/vendor/bootstrap.min.css",
	  "/usr/share/javascript/bootstrap5/css/bootstrap.min.css" },
	{ "/vendor/bootstrap.bundle.min.js",
	  "/usr/share/javascript/bootstrap5/js/bootstrap.bundle.min.js" },
	{ "/vendor/chart.min.js", "/usr/share/javascript/chart.js/chart.min.js" },
};

static const struct media_type {
	const char *ending, *type;
} media_types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".ico", "image/vnd.microsoft.icon" },
	{ ".json", "application/json" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".webmanifest", "application/manifest+json" },
	{ ".woff2", "font/woff2" },
};

/* Inline scripts and styles are refused, and so is every other host. */
static const char content_policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
	"form-action 'self'; frame-ancestors 'none'";

struct portal *portal_new(const char *folder, bool is_https)
{
	struct portal *p = xcalloc(1, sizeof(*p));

	p->folder = xstrdup(folder);
	p->is_https = is_https;
	return p;
}

void portal_free(struct portal *p)
{
	if (!p)
		return;
	free(p->folder);
	free(p);
}

void portal_add_headers(const struct portal *p, struct MHD_Response *m)
{
	MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(m, "X-Frame-Options", "DENY");
	MHD_add_response_header(m, "Referrer-Policy", "same-origin");
	MHD_add_response_header(m, "Cross-Origin-Opener-Policy", "same-origin");
	MHD_add_response_header(m, "Cross-Origin-Resource-Policy", "same-origin");
	MHD_add_response_header(m, "Content-Security-Policy", content_policy);
	if (p->is_https)
		MHD_add_response_header(m, "Strict-Transport-Security",
					"max-age=31536000");
}

static const char *media_type_of(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(media_types); i++) {
		if (view_ends(view_str(path), view_str(media_types[i].ending)))
			return media_types[i].type;
	}
	return "application/octet-stream";
}

/* No hidden files, no way up. */
static bool is_plain(const char *path)
{
	return path[0] == '/' && !strstr(path, "/.") && !strchr(path, '\\') &&
	       strlen(path) < 512;
}

static bool is_page(const char *path)
{
	return !strchr(strrchr(path, '/'), '.');
}

static int open_file(const struct portal *p, const char *url, struct stat *st)
{
	_cleanup_(freep) char *path = NULL;
	int fd;

	for (size_t i = 0; i < ARRAY_LEN(vendor_files); i++) {
		if (strcmp(url, vendor_files[i].url) == 0)
			path = xstrdup(vendor_files[i].path);
	}
	if (!path)
		path = xasprintf("%s%s", p->folder, url);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static enum MHD_Result send_error(const struct portal *p, struct MHD_Connection *c,
				  int status, const char *text)
{
	struct MHD_Response *m = MHD_create_response_from_buffer(
		strlen(text), xstrdup(text), MHD_RESPMEM_MUST_FREE);
	enum MHD_Result rc;

	MHD_add_response_header(m, "Content-Type", "text/plain; charset=utf-8");
	portal_add_headers(p, m);
	if (status == 405)
		MHD_add_response_header(m, "Allow", "GET, HEAD");
	rc = MHD_queue_response(c, (unsigned)status, m);
	MHD_destroy_response(m);
	return rc;
}

enum MHD_Result portal_answer(const struct portal *p, struct request *r,
			      struct MHD_Connection *c)
{
	const char *url = r->path, *seen = r->headers[HEADER_IF_NONE_MATCH];
	struct MHD_Response *m;
	struct stat st;
	enum MHD_Result rc;
	char tag[64];
	int fd = -1;
	bool same;

	if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0)
		return send_error(p, c, 405, "this path takes GET\n");
	if (is_plain(url)) {
		url = is_page(url) ? "/index.html" : url;
		fd = open_file(p, url, &st);
	}
	if (fd < 0)
		return send_error(p, c, 404, "there is no such page\n");
	same = str_format(tag, sizeof(tag), "\"%llx-%llx.%lx\"",
			  (unsigned long long)st.st_size,
			  (unsigned long long)st.st_mtim.tv_sec,
			  (unsigned long)st.st_mtim.tv_nsec) &&
	       seen && strcmp(seen, tag) == 0;
	if (same) {
		close(fd);
		m = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	} else {
		m = MHD_create_response_from_fd64((uint64_t)st.st_size, fd);
	}
	MHD_add_response_header(m, "Content-Type", media_type_of(url));
	MHD_add_response_header(m, "ETag", tag);
	MHD_add_response_header(m, "Cache-Control", "no-cache");
	portal_add_headers(p, m);
	rc = MHD_queue_response(c, same ? 304 : 200, m);
	MHD_destroy_response(m);
	return rc;
}
