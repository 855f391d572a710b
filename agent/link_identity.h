/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_LINK_IDENTITY_H
#define AGENT_LINK_IDENTITY_H

#include "base/attr.h"

struct ez_error;
struct link;

/*
 * The file agent.json: who this worker is to its control plane. Another part of link.h.
 */

/* Reads it, or makes an identity that is not registered yet. Without the file, or when the
 * address of the control plane is another, the new one is written at once. */
_must_check_ int link_load_identity(struct link *l, struct ez_error *err);

/* 0 or -errno. */
_must_check_ int link_save_identity(struct link *l);

#endif
