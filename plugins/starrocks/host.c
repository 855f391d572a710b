/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "host.h"

const struct ez_host *host;
