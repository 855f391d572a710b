/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_SETTINGS_H
#define CONTROL_SETTINGS_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"

/* An Auto Scaling group of AWS whose instances are the workers of a deployment. */
struct scaling_group {
	char *deployment, *group, *region, *endpoint; /* none is NULL */
	int min, max;
	int cooldown_seconds; /* fewer must be wanted for so long */
};

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
	int headroom;          /* jobs for which each deployment keeps room */
	char *aws_credentials; /* a path; NULL: the role of the instance */
	char *aws_metadata;    /* URL of the instance's metadata */
	struct scaling_group *scaling;
	int n_scaling;
};

/* False with a sentence in `why` that names file and line. */
_must_check_ bool settings_read(struct settings *s, const char *path, struct buf *why);
void settings_release(struct settings *s);

bool settings_is_https(const struct settings *s);

#endif
