/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTKIT_SCRIPTED_LIBPQ_H
#define TESTKIT_SCRIPTED_LIBPQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * libpq without a server: a program that links this file instead of libpq talks to a script.
 *
 * A script is a list of steps, added before or while it plays. A connection takes them in
 * order: dialling takes a dial step, a query takes a query step whose text it must begin
 * with, reading takes messages. A step of another kind than the call wants, or none, means
 * "nothing yet" for reading, and ends the test for everything else. What the program under test
 * sends on the stream is kept for the test to look at.
 *
 * The socket is a real descriptor, readable while the script has something to read, so
 * poll(2) and FIONREAD work. One connection at a time; the script outlives it. One thread.
 */

/* Forgets script and records. */
void scripted_reset(void);

/* The server's version, 150004; for connections made from now on. */
void scripted_version(int version);

/* The next dial succeeds, or fails with a text as libpq has it. */
void scripted_dial(void);
void scripted_dial_fails(const char *text);

/* A query that begins so is answered by one row, by an error, or by streaming. */
void scripted_row(const char *query, const char *const *values, size_t n);
void scripted_error(const char *query, const char *sqlstate, const char *text);
void scripted_streams(const char *query);

#define SCRIPTED_ROW(...)              \
 (const char *const[]){ __VA_ARGS__ }, \
	 sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)

/* A CopyData message; copied. */
void scripted_data(const void *bytes, size_t n);

/* The connection breaks: the text is libpq's. */
void scripted_cut(const char *text);

/* The server ends the stream: with an error, or (NULL) by CopyDone. */
void scripted_ends(const char *sqlstate, const char *text);

/* ---- what the program did */

/* Every step was taken. */
bool scripted_is_done(void);

/* The newest query, "" before the first; and how many dials there were. */
const char *scripted_last_query(void);
unsigned scripted_dials(void);

/* Status messages ('r'). */
struct scripted_status {
	uint64_t received, flushed, applied;
	bool wants_reply;
};
size_t scripted_n_statuses(void);
struct scripted_status scripted_status_at(size_t i);

/* CopyDone was sent on the newest connection; it is open. */
bool scripted_is_finished(void);
bool scripted_is_open(void);

/* The secret of the newest dial. */
const char *scripted_password(void);

/* So many calls of PQgetCopyData returned a message, ever. */
size_t scripted_n_read(void);

#endif
