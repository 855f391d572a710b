/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "label.h"

#include "base/str.h"
#include "base/view.h"

#include "host.h"

static int is_too_long(struct ez_error *err)
{
	return host->fail(err, EZ_E_CONFIG, "", "the job's name is too long for a label");
}

int label_run(struct label *l, struct ez_view job, uint64_t run, struct ez_error *err)
{
	for (size_t i = 0; i < job.len; i++) {
		char c = job.ptr[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		    (i > 0 && c >= '0' && c <= '9'))
			continue;
		return host->fail(
			err, EZ_E_CONFIG, "",
			"the job's name \"%.*s\" cannot be part of a label: it has other "
			"characters than letters, digits and \"_\"",
			VIEW_ARG(job));
	}
	if (!str_format(l->text, sizeof(l->text), "%.*s_r%llu", VIEW_ARG(job),
			(unsigned long long)run))
		return is_too_long(err);
	return EZ_OK;
}

int label_add(struct label *l, const struct label *base, const char *what,
	      uint64_t number, struct ez_error *err)
{
	struct label made;

	if (!str_format(made.text, sizeof(made.text), "%s%s%llu", base->text, what,
			(unsigned long long)number))
		return is_too_long(err);
	*l = made;
	return EZ_OK;
}

int label_group(struct label *l, const struct label *run, uint64_t seq, unsigned version,
		struct ez_error *err)
{
	if (!str_format(l->text, sizeof(l->text), "%s_s%lluv%u", run->text,
			(unsigned long long)seq, version))
		return is_too_long(err);
	return EZ_OK;
}
