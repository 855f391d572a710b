/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGOUTPUT_READER_H
#define PGOUTPUT_READER_H

/*
 * Copies parts of a snapshot: what an EZ_ROLE_READER instance does between pg_part_open()
 * and pg_part_close() (pgoutput.h).
 *
 * One connection serves all parts of an instance, each in a transaction of its own that
 * imports the snapshot anew: so every part begins with the proof that the snapshot and the
 * locks that belong to it are still there.
 */
struct pg_reader;

/* Closes its connection; NULL is fine. */
void pg_reader_free(struct pg_reader *r);

#endif
