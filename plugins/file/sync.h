/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_SYNC_H
#define FILE_SYNC_H

#include "base/attr.h"

#include "shared.h"

/*
 * Durable points: the thread that makes them, and the one that does it by hand.
 *
 * flush() leaves word in the shared state; the thread takes what all writers have left, makes
 * it durable in the order that manifest.c describes, tells the writers and wakes the engine.
 * Work that comes in meanwhile is taken together the next time.
 *
 * Failures. A full disk while the manifest is written loses nothing: it is EZ_E_TRANSIENT and
 * tried again when the writer asks. A failed fsync of data or of a folder is final for the
 * session, whatever its errno: the kernel may have dropped the pages and calls them
 * clean, so a second fsync that succeeds would prove nothing, and there is nobody who could
 * write them again. The next start cuts back to the last durable point instead.
 */

/* Starts the thread. */
_must_check_ int sync_start(struct shared *sh, struct ez_error *err);

/* Lets it finish what it is at, and ends it. Fine when it does not run. */
void sync_stop(struct shared *sh);

/* Makes a durable point of what was flushed. `disk` is held. */
_must_check_ int sync_point(struct shared *sh, struct ez_error *err);

/* Gives the thread work. `lock` is held. */
void sync_request(struct shared *sh);

#endif
