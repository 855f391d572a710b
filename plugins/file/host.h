/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_HOST_H
#define FILE_HOST_H

#include <ezcdc/plugin.h>

/*
 * What the whole plugin shares: the engine's functions and the wording of system errors.
 *
 * `host` is set once, when the plugin is loaded, before any instance exists.
 */
extern const struct ez_host *host;

/*
 * The class of a failed system call. A full disk, a spent quota and a shortage of memory or
 * descriptors pass; a missing right needs a person; anything else is an error of the disk.
 */
int errno_class(int error);

/*
 * Fills err with "<what> <object>: <reason>" and returns errno_class(error). `error` is an
 * errno value, positive.
 */
int fail_errno(struct ez_error *err, int error, const char *what, const char *object);

/*
 * Marks a place where the process may die. Nothing in the plugin; tests compile the sources
 * with FILE_CRASH_POINTS and stop the process there.
 */
#ifdef FILE_CRASH_POINTS
extern void (*crash_hook)(const char *place);
# define CRASH_POINT(place) (crash_hook ? crash_hook(place) : (void)0)
#else
# define CRASH_POINT(place) ((void)0)
#endif

#endif
