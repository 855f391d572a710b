/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "load.h"

#include "base/log.h"
#include "engine/exit_code.h"
#include "engine/job.h"
#include "engine/loader.h"
#include "engine/problems.h"

int load_job(const struct load_args *a, struct job **ret, struct ez_error *err)
{
	const struct job_load how = {
		.lookup = loader_lookup,
		.arg = a->loader,
		.rules = {
			.fds = a->fds,
			.secrets_dir = a->secrets_dir,
			.flags = a->secrets_dir ? OPTIONS_REMOTE : 0,
		},
		.flags = a->flags,
	};
	struct problems problems = PROBLEMS_INIT;
	int rc;

	if (a->fd >= 0)
		rc = job_load_fd(&how, a->fd, &problems, ret, err);
	else
		rc = job_load_file(&how, a->path, &problems, ret, err);
	for (size_t i = 1; rc < 0 && i < problems.n_lines; i++)
		log_msg(EZL_ERROR, "%s", problems.lines[i]);
	problems_release(&problems);
	return rc;
}

int conclude_error(const struct ez_error *err)
{
	log_msg(EZL_ERROR, "%s%s%s", err->text, err->hint[0] ? "; " : "", err->hint);
	return exit_code_of(err);
}
