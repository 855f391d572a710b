/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "route/template.h"

#include "base/view.h"

bool template_init(struct template *t, struct ez_view text, size_t n_groups,
		   const char **ret_why)
{
	for (size_t i = 0; i < text.len; i++) {
		char c;

		if (text.ptr[i] != '$')
			continue;
		c = ++i < text.len ? text.ptr[i] : '\0';
		if (c == '$')
			continue;
		if (c < '1' || c > '9') {
			*ret_why = "after $ a digit from 1 to 9 is wanted, or another $";
			return false;
		}
		if ((size_t)(c - '0') > n_groups) {
			*ret_why = "from has not that many groups";
			return false;
		}
	}
	t->text = text;
	return true;
}

void template_expand(const struct template *t, const char *subject,
		     const regmatch_t *groups, struct buf *to)
{
	for (size_t i = 0; i < t->text.len; i++) {
		char c = t->text.ptr[i];
		const regmatch_t *g;

		if (c != '$') {
			buf_add_char(to, c);
			continue;
		}
		c = t->text.ptr[++i];
		if (c == '$') {
			buf_add_char(to, c);
			continue;
		}
		g = &groups[c - '0'];
		if (g->rm_so >= 0)
			buf_add(to, subject + g->rm_so, (size_t)(g->rm_eo - g->rm_so));
	}
}
