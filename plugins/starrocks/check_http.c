/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <string.h>

#include "check_sql.h"
#include "host.h"
#include "loader.h"
#include "sink.h"

/* Whether the cluster takes loads; what only SQL can tell is in check_sql.c. */

int sink_check(struct sink *k, struct ez_report *report, struct ez_error *err)
{
	struct loader *l = &k->uploader.loader;
	struct ez_error why = { .size = sizeof(why) };
	bool is_any_good = false;

	for (size_t i = 0; i < k->s.n_fe; i++) {
		enum label_state state;
		int rc = loader_ask(l, "ezcdc_check", &state, &why);

		/* The database may be yet to be made: check_sql() tells. */
		if (rc == EZ_OK || strstr(why.text, "unknown database")) {
			is_any_good = true;
			http_next_front_end(l->http);
			continue;
		}
		if (rc == EZ_E_CANCELLED || rc == EZ_E_PERMISSION)
			return error_copy(err, &why);
		host->finding(report, EZ_FINDING_WARNING, "front end",
			      why.hint[0] ? why.hint
					  : "is the address right, and the server up?",
			      "%s", why.text);
	}
	host->finding(report, is_any_good ? EZ_FINDING_OK : EZ_FINDING_FAILED, "loading",
		      NULL,
		      is_any_good ? "a front end takes requests over HTTP"
				  : "no front end takes requests over HTTP");
	return check_sql(&k->s, k->sql, report, err);
}
