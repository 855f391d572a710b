/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "link_identity.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/view.h"
#include "link.h"

enum { FILE_MAX = 16 * 1024 };

static int make_instance(struct link *l, struct ez_error *err)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(64);

	if (fs_read_file("/proc/sys/kernel/random/uuid", 64, &text) < 0)
		return l->host->fail(err, EZ_E_IO, "", "the system makes no random ids");
	l->id.instance = view_dup(view_trim(buf_view(&text)));
	return EZ_OK;
}

int link_save_identity(struct link *l)
{
	struct buf text = BUF_INIT(FILE_MAX);
	int r;

	identity_format(&l->id, &text);
	r = buf_ok(&text) ? fs_write_atomic(l->path, text.ptr, text.len, 0600) : -EFBIG;
	if (text.ptr)
		explicit_bzero(text.ptr, text.alloc);
	buf_release(&text);
	return r;
}

int link_load_identity(struct link *l, struct ez_error *err)
{
	struct buf text = BUF_INIT(FILE_MAX);
	int r = fs_read_file(l->path, FILE_MAX, &text), rc = EZ_OK;
	bool ok = r == 0 && identity_parse(buf_view(&text), &l->id);

	if (text.ptr)
		explicit_bzero(text.ptr, text.alloc);
	buf_release(&text);
	if (r < 0 && r != -ENOENT) {
		errno = -r;
		return l->host->fail(err, EZ_E_IO, "", "cannot read %s: %m", l->path);
	}
	if (r == 0 && !ok)
		return l->host->fail(err, EZ_E_CONFIG, "",
				     "%s is damaged: remove it, and give the worker a deployment "
				     "token", l->path);
	if (!ok)
		rc = make_instance(l, err);
	/* Another control plane gave no secret yet, and must not learn that of this one. */
	if (rc == EZ_OK && (!l->id.url || strcmp(l->id.url, l->url) != 0)) {
		char *instance = TAKE_PTR(l->id.instance);

		identity_release(&l->id);
		l->id = (struct identity){ .instance = instance, .url = xstrdup(l->url) };
		r = link_save_identity(l);
		errno = -r;
		if (r < 0)
			rc = l->host->fail(err, EZ_E_IO, "", "cannot write %s: %m", l->path);
	}
	return rc;
}
