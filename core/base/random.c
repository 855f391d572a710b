/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/random.h"

#include <sys/random.h>

#include "base/clock.h"

uint64_t random_u64(void)
{
	uint64_t v = random_mix((uint64_t)mono_us());
	ssize_t n = getrandom(&v, sizeof(v), 0);

	(void)n;
	return v;
}
