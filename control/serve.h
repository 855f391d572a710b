/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_SERVE_H
#define CONTROL_SERVE_H

struct settings;

/* Serves until SIGTERM or SIGINT; an exit code of sysexits.h. */
int serve(const struct settings *s);

#endif
