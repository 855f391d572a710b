/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/chain.h"

#include <stdlib.h>

#include "base/alloc.h"

/* What a transform's table() writes to through host->reshape. */
struct ez_shape {
	struct registry *uids;
	struct table *made;
};

void chain_reshape(struct ez_shape *shape, const struct ez_table *table)
{
	table_unref(shape->made);
	shape->made = table_new(table, registry_uid(shape->uids), table->version);
}

static int add_link(struct chain_plan *p, const struct chain *c,
		    const struct transform *t, const struct ez_table *in,
		    struct ez_error *err)
{
	struct ez_shape shape = { .uids = c->uids };
	void *state = NULL;
	int rc = t->ops->table(t->inst, in, &shape, &state, err);

	if (rc != EZ_OK) {
		table_unref(shape.made);
		return rc == EZ_SKIP ? EZ_OK : rc;
	}
	if (!p->links)
		p->links = xcalloc(c->n, sizeof(*p->links));
	p->links[p->n_links++] = (struct link){
		.transform = t,
		.state = state,
		.out = shape.made ? shape.made : table_new(in, in->uid, in->version),
	};
	return EZ_OK;
}

int chain_plan_make(const struct chain *c, const struct ez_table *in,
		    struct chain_plan *ret, struct ez_error *err)
{
	struct chain_plan plan = { .links = NULL };

	for (size_t i = 0; i < c->n; i++) {
		const struct ez_table *shape = chain_plan_shape(&plan, in);
		int rc = add_link(&plan, c, &c->transforms[i], shape, err);

		if (rc < 0) {
			chain_plan_release(&plan);
			return rc;
		}
	}
	*ret = plan;
	return EZ_OK;
}

void chain_plan_release(struct chain_plan *p)
{
	for (size_t i = 0; i < p->n_links; i++) {
		const struct link *l = &p->links[i];

		if (l->transform->ops->table_free)
			l->transform->ops->table_free(l->transform->inst, l->state);
		table_unref(l->out);
	}
	free(p->links);
	*p = (struct chain_plan){ .links = NULL };
}

const struct ez_table *chain_plan_shape(const struct chain_plan *p,
					const struct ez_table *in)
{
	return p->n_links > 0 ? &p->links[p->n_links - 1].out->desc : in;
}

int chain_apply(const struct chain_plan *p, struct ez_event *ev, struct ez_out *out,
		struct ez_error *err)
{
	for (size_t i = 0; i < p->n_links; i++) {
		const struct link *l = &p->links[i];
		int rc;

		ev->table = &l->out->desc;
		rc = l->transform->ops->apply(l->transform->inst, l->state, ev, out, err);
		if (rc != EZ_OK)
			return rc;
	}
	return EZ_OK;
}

int chain_apply_message(const struct chain *c, struct ez_event *ev, struct ez_out *out,
			struct ez_error *err)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct transform *t = &c->transforms[i];
		int rc = t->ops->apply(t->inst, NULL, ev, out, err);

		if (rc != EZ_OK)
			return rc;
	}
	return EZ_OK;
}

void chain_release(struct chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->transforms[i].inst)
			c->transforms[i].ops->close(c->transforms[i].inst);
	free(c->transforms);
	*c = (struct chain){ .n = 0 };
}
