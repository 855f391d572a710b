/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "host.h"

#include <errno.h>
#include <string.h>

const struct ez_host *host;

#ifdef FILE_CRASH_POINTS
void (*crash_hook)(const char *place);
#endif

int errno_class(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return EZ_E_TRANSIENT;
	case EACCES:
	case EPERM:
	case EROFS:
		return EZ_E_PERMISSION;
	default:
		return EZ_E_IO;
	}
}

static const char *remedy(int error)
{
	switch (error) {
	case ENOSPC:
		return "free space in the sink's folder; the job goes on by itself";
	case EDQUOT:
		return "raise the disk quota; the job goes on by itself";
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files (LimitNOFILE)";
	case EACCES:
	case EPERM:
		return "let the user that runs the job write there";
	case EROFS:
		return "mount the file system writable";
	default:
		return NULL;
	}
}

int fail_errno(struct ez_error *err, int error, const char *what, const char *object)
{
	const char *name = strerrorname_np(error), *text = strerrordesc_np(error);
	const char *hint = remedy(error);

	host->fail(err, errno_class(error), name ? name : "", "%s %s: %s", what, object,
		   text ? text : "unknown error");
	if (hint)
		host->hint(err, "%s", hint);
	return errno_class(error);
}
