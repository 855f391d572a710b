/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_STATE_DIR_H
#define ENGINE_STATE_DIR_H

#include <ezcdc/plugin.h>
#include <stdbool.h>

#include "base/attr.h"

/*
 * A job's state folder: checkpoint, lock, control socket, dead letters, exit.json. Made
 * with mode 0700. The lock (flock on <dir>/lock, holding the pid as text) keeps a second
 * daemon out; it goes away with the process, so a crash leaves nothing to clean up.
 */
struct state_dir {
	char *path;
	int lock_fd;
};

/* option, else $STATE_DIRECTORY, else /var/lib/ezcdc/<job>. Heap string. */
char *state_dir_path(const char *option, const char *job);

/* EZ_E_IO: cannot be made or written (73 or 74 by err->code "CANTCREAT" or "IOERR");
 * EZ_E_BUSY: another daemon holds it, its pid is in the text. */
_must_check_ int state_dir_open(const char *path, struct state_dir *ret, struct ez_error *err);
void state_dir_close(struct state_dir *d);

/* <dir>/<name>; heap string. */
char *state_dir_file(const struct state_dir *d, const char *name);

/* exit.json: code, sentence, time; for the worker that adopted the daemon, and for it to tell
 * a stop that a person asked for, which holds until further notice (R14). */
#define EXIT_TOLD_TO_STOP "stopped by command"
#define EXIT_BY_SIGNAL    "stopped by a signal"
void state_dir_leave_exit(const struct state_dir *d, int code, const char *sentence);

#endif
