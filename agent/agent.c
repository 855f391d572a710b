/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ezcdc/plugin.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "http.h"
#include "link.h"

/*
 * The plugin `agent`: brings a worker the jobs of a control plane.
 *
 * What is said and when stands in link.h and docs/worker-protocol.md. Here is the plugin's
 * face: it turns the host's calls into turns of the link. Outages are not errors: they are
 * logged once, and poll() says that there is nothing new.
 */
enum { FAREWELL_MS = 3000 };

static const struct ez_host *host;

struct agent {
	struct link link;
	_Atomic bool interrupted, woken;
};

#define OPTION(...) \
 (&(const struct ez_option){ .size = sizeof(struct ez_option), __VA_ARGS__ })

static const struct ez_option *const options[] = {
	OPTION(.type = EZ_OPT_STRING, .flags = EZ_OPTF_REQUIRED, .name = "control_url",
	       .label = "Control plane",
	       .help = "Address of the control plane, https://. http:// is for addresses of this "
		       "machine alone."),
	OPTION(.type = EZ_OPT_SECRET, .name = "token", .label = "Deployment token",
	       .help = "Registers the worker. Needed only until that is done: the secret it earns "
		       "is kept in state_root."),
	OPTION(.type = EZ_OPT_STRING, .name = "name", .label = "Name",
	       .help = "What the control plane calls this worker. Default: the host's name."),
	OPTION(.type = EZ_OPT_STRING, .name = "ca_file", .label = "Certificate authority",
	       .group = "TLS",
	       .help = "File of certificates to trust, PEM. Default: the system's."),
	OPTION(.type = EZ_OPT_STRING, .name = "cert_file", .label = "Client certificate",
	       .group = "TLS", .help = "The worker's own certificate, PEM, if it is asked for."),
	OPTION(.type = EZ_OPT_STRING, .name = "key_file", .label = "Client key", .group = "TLS",
	       .help = "The key of that certificate, PEM, without a passphrase."),
	OPTION(.type = EZ_OPT_STRING, .name = "proxy", .label = "Proxy",
	       .help = "http://, https:// or socks5h:// address of a proxy; empty: none. Default: "
		       "as the variable https_proxy says."),
	NULL,
};

static void agent_close(void *inst)
{
	struct agent *a = inst;

	link_farewell(&a->link, FAREWELL_MS);
	link_release(&a->link);
	free(a);
}

static int agent_open(const struct ez_open *open, void **ret_inst, struct ez_error *err)
{
	struct agent *a = xcalloc(1, sizeof(*a));
	int rc = link_init(&a->link, host, open, err);

	if (rc < 0) {
		link_release(&a->link);
		free(a);
		return rc;
	}
	*ret_inst = a;
	return EZ_OK;
}

/* Never longer than until something is due. */
static unsigned wait_of(struct agent *a, int64_t until_us)
{
	int64_t left_us = MIN(until_us, link_due_us(&a->link)) - mono_us();

	return left_us <= 0 ? 0 : (unsigned)((left_us + 999) / US_PER_MS);
}

static int agent_poll(void *inst, struct ez_desired *d, uint32_t wait_ms, struct ez_error *err)
{
	struct agent *a = inst;
	int64_t until_us = mono_us() + (int64_t)wait_ms * US_PER_MS;

	do {
		if (atomic_load(&a->interrupted))
			return host->fail(err, EZ_E_CANCELLED, "", "the worker ends");
		link_step(&a->link);
		http_wait(a->link.http, wait_of(a, until_us));
		if (link_hand_over(&a->link, d))
			return EZ_OK;
	} while (mono_us() < until_us && !atomic_exchange(&a->woken, false));
	return EZ_AGAIN;
}

static int agent_report(void *inst, const struct ez_job_status *const *list, size_t n,
			struct ez_error *err)
{
	struct agent *a = inst;

	(void)err;
	for (size_t i = 0; i < n; i++)
		link_put_status(&a->link, list[i]);
	return EZ_OK;
}

static int agent_result(void *inst, struct ez_view task, int rc, struct ez_view json,
			struct ez_error *err)
{
	struct agent *a = inst;

	(void)err;
	link_put_result(&a->link, task, rc, json);
	return EZ_OK;
}

static int agent_plugins(void *inst, struct ez_view json, struct ez_error *err)
{
	struct agent *a = inst;

	(void)err;
	link_put_plugins(&a->link, json);
	return EZ_OK;
}

static void agent_interrupt(void *inst)
{
	struct agent *a = inst;

	atomic_store(&a->interrupted, true);
	http_wake(a->link.http);
}

static void agent_wake(void *inst)
{
	struct agent *a = inst;

	atomic_store(&a->woken, true);
	http_wake(a->link.http);
}

static int agent_load(const struct ez_host *h)
{
	host = h;
	return EZ_OK;
}

static const struct ez_agent ops = {
	.size = sizeof(ops),
	.open = agent_open,
	.close = agent_close,
	.poll = agent_poll,
	.report = agent_report,
	.result = agent_result,
	.plugins = agent_plugins,
	.interrupt = agent_interrupt,
	.wake = agent_wake,
};

const struct ez_plugin ez_plugin = {
	EZ_PLUGIN_HEAD,
	.kind = EZ_AGENT,
	.name = "agent",
	.version = PACKAGE_VERSION,
	.summary = "Brings a worker the jobs of a control plane, over HTTPS.",
	.options = options,
	.load = agent_load,
	.ops = { .agent = &ops },
};
