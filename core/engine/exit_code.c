/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/exit_code.h"

#include <ezcdc/plugin.h>
#include <string.h>

int exit_code_of(const struct ez_error *err)
{
	switch ((enum ez_result)err->rc) {
	case EZ_E_TRANSIENT:
		return EXIT_UNAVAILABLE;
	case EZ_E_DATA:
		return EXIT_DATA;
	case EZ_E_CONFIG:
	case EZ_E_GONE:
		return EXIT_CONFIG;
	case EZ_E_PERMISSION:
		return EXIT_PERMISSION;
	case EZ_E_BUSY:
		return EXIT_BUSY;
	case EZ_E_IO:
		return strcmp(err->code, "CANTCREAT") == 0 ? EXIT_CANTCREAT : EXIT_IO;
	case EZ_E_FATAL:
		return EXIT_INTERNAL;
	case EZ_OK:
	case EZ_AGAIN:
	case EZ_EOF:
	case EZ_SKIP:
	case EZ_E_CANCELLED:
		break;
	}
	return err->rc < 0 && err->rc != EZ_E_CANCELLED ? EXIT_INTERNAL : EXIT_DONE;
}
