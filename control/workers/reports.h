/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_WORKERS_REPORTS_H
#define CONTROL_WORKERS_REPORTS_H

struct request;

/* init, snapshot or streaming, from the daemon's own words; NULL: it says nothing of it. */
const char *report_phase(const struct request *r);

#endif
