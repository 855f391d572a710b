/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/attr.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

void ensure_failed(const char *file, int line, const char *cond, const char *text)
{
	char msg[512];
	bool whole =
		str_format(msg, sizeof(msg), "%s:%d: %s: %s\n", file, line, text, cond);
	ssize_t n = write(STDERR_FILENO, msg, whole ? strlen(msg) : sizeof(msg) - 1);

	(void)n;
	abort();
}
