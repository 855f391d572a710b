/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>

#include "base/parse.h"
#include "base/str.h"
#include "model.h"

bool profile_parse(struct ez_view v, struct profile *ret_profile)
{
	static const struct {
		int major, minor;
		const char *text;
	} known[] = {
		{ 2, 5, "2.5.22" }, { 3, 0, "3.0.9" },  { 3, 1, "3.1.17" },
		{ 3, 2, "3.2.16" }, { 3, 3, "3.3.22" }, { 3, 4, "3.4.10" },
		{ 3, 5, "3.5.20" }, { 4, 0, "4.0.14" }, { 4, 1, "4.1.3" },
	};
	struct profile p = { .major = 0 };
	struct ez_view rest = v, part;
	uint64_t major, minor, patch = 99;
	size_t i;
	int n;

	if (!view_split(&rest, '.', &part) || !parse_u64(part, &major) ||
	    !view_split(&rest, '.', &part) || !parse_u64(part, &minor))
		return false;
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].major == (int)major && known[i].minor == (int)minor)
			break;
	if (i == ARRAY_LEN(known))
		return false;
	p.major = known[i].major;
	p.minor = known[i].minor;
	snprintf(p.text, sizeof(p.text), "%s", known[i].text);
	if (rest.len > 0) {
		if (!parse_u64(rest, &patch) || patch > 99)
			return false;
		snprintf(p.text, sizeof(p.text), "%d.%d.%u", p.major, p.minor,
			 (unsigned)patch);
	}
	n = p.major * 100 + p.minor;
	p.has_multi_table = n >= 400;
	p.has_prepared_timeout = n >= 305;
	p.has_merge_commit = n >= 304;
	p.has_json_compression = n >= 303 || (n == 302 && patch >= 7);
	p.has_rename_column = n >= 303;
	p.has_base64_varbinary = n >= 302;
	p.has_fast_evolution = n >= 302;
	p.has_prepare = n >= 302;
	p.has_sql_api = n >= 302;
	p.has_column_mode = n >= 301;
	p.has_map_type = n >= 301;
	p.has_enclose = n >= 300;
	p.closes_307 = n >= 301;
	p.decimal_precision_max = n >= 400 ? 76 : 38;
	p.varchar_max = 1048576;
	*ret_profile = p;
	return true;
}
