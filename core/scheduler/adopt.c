/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "scheduler/internal.h"
#include "scheduler/record.h"
#include "scheduler/settings.h"

/*
 * Finding the daemons of an earlier worker, which may have been killed, updated, or have
 * executed itself anew. They went on without it (R24, R25): what they run is compared with
 * what is wanted once that is known, and only a difference touches them.
 */
static void adopt_folder(struct scheduler *s, const char *name)
{
	_cleanup_(freep) char *dir = xasprintf("%s/%s", s->settings->state_root, name);
	_cleanup_(freep) char *path = xasprintf("%s/" RECORD_NAME, dir);
	struct record r = { .key = NULL };
	int e = record_load(path, &r);
	struct unit *u;

	if (e < 0) {
		errno = -e;
		if (e != -ENOENT && e != -ENOTDIR)
			log_msg(EZL_WARNING, "cannot read the note %s: %m", path);
		return;
	}
	if (!map_find(&s->units, view_str(r.key))) {
		u = unit_adopt(&s->tools, &r, dir);
		(void)map_put(&s->units, view_str(u->key), u);
	}
	record_release(&r);
}

void adopt_all(struct scheduler *s)
{
	struct dirent **list = NULL;
	int n = scandir(s->settings->state_root, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.')
			adopt_folder(s, list[i]->d_name);
		free(list[i]);
	}
	free(list);
}
