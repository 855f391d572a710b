/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/view.h"
#include "engine/loader.h"
#include "engine/plugin_list.h"

/*
 *	list_plugins FOLDER SINK
 *
 * Loads the sink SINK from FOLDER and prints its options; 1 with a line on stderr if the
 * loader refuses it.
 */
int main(int argc, char **argv)
{
	static const struct ez_host host = { .size = sizeof(host) };
	struct ez_error err = { .size = sizeof(err) };
	struct buf out = BUF_INIT(1 << 20);
	struct loader *l = loader_new(&host);
	int rc = EXIT_FAILURE;

	if (argc == 3) {
		loader_add_dir(l, argv[1]);
		if (!loader_get(l, EZ_SINK, view_str(argv[2]), &err) ||
		    plugin_list_one(l, view_str(argv[2]), false, &out, &err) != EZ_OK)
			fprintf(stderr, "%s\n", err.text);
		else
			rc = printf("%s", buf_cstr(&out)) > 0 ? EXIT_SUCCESS
							      : EXIT_FAILURE;
	}
	buf_release(&out);
	loader_free(l);
	return rc;
}
