/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_HTTP_PORTAL_H
#define CONTROL_HTTP_PORTAL_H

#include <stdbool.h>

#include <microhttpd.h>

struct request;

/*
 * The portal's static files: a folder of ours, and the three files of Bootstrap and
 * Chart.js that Debian installs, under /vendor/. A path without a dot in its last part is
 * a page of the portal and gets index.html. Nothing is held in memory: the kernel sends
 * the files. Made once, read by the network thread.
 */
struct portal;

struct portal *portal_new(const char *folder, bool is_https);
void portal_free(struct portal *p);

enum MHD_Result portal_answer(const struct portal *p, struct request *r,
			      struct MHD_Connection *c);

/* Those that every answer carries: what a browser may do with it. */
void portal_add_headers(const struct portal *p, struct MHD_Response *m);

#endif
