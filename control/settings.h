/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_SETTINGS_H
#define CONTROL_SETTINGS_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

/*
 * The file control.conf. Read once at the start; constant afterwards. All text is owned by
 * the struct, NULL where a setting is absent and has no default.
 */
struct settings {
	char *catalog; /* conninfo */
	char *address, *port;
	char *keyring;
	char *certificate, *key; /* paths */
	char *public_url;        /* without a slash at its end */
	char *portal_dir;
	char *setup_file;
	bool trust_proxy;         /* believe the last entry of X-Forwarded-For */
	bool webhooks_to_private; /* webhooks may reach private addresses */
	int threads;
};

/* False with a sentence in `why` that names file and line. */
_must_check_ bool settings_read(struct settings *s, const char *path, struct buf *why);
void settings_release(struct settings *s);

bool settings_is_https(const struct settings *s);

#endif
