/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/workers/lot.h"

#include "control/http/queue.h"
#include "control/http/request.h"

char *lot_ids(struct request **all, int n)
{
	struct buf ids = BUF_INIT(LOT_MAX * 37 + 2);

	buf_add_char(&ids, '{');
	for (int i = 0; i < n; i++)
		buf_addf(&ids, "%s%s", i > 0 ? "," : "", all[i]->who.id);
	buf_add_char(&ids, '}');
	return buf_take(&ids);
}

void lot_reply(struct request **all, int n, const char *json)
{
	for (int i = 0; i < n; i++)
		reply(all[i], 200, json);
}
