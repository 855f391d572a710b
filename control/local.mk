# SPDX-License-Identifier: Apache-2.0

if CONTROL
sbin_PROGRAMS += ezcdc-control
noinst_LTLIBRARIES += libcontrol.la

CONTROL_MIGRATIONS = control/migrations/0001_initial.sql control/migrations/0002_many_workers.sql \
	control/migrations/functions.sql

# All but main.c, so that tests can call it.
libcontrol_la_SOURCES = \
	control/app.h \
	control/aws.c control/aws.h \
	control/commands.c control/commands.h \
	control/rotate.c \
	control/hub.c control/hub.h \
	control/orchestrator.c control/orchestrator.h \
	control/scaling.c control/scaling.h \
	control/serve.c control/serve.h \
	control/settings.c control/settings.h \
	control/alerts/alerts.c control/alerts/alerts.h \
	control/alerts/webhook.c control/alerts/webhook.h \
	control/api/api.h \
	control/api/actions.c \
	control/api/alerts.c \
	control/api/common.c control/api/common.h \
	control/api/datasources.c \
	control/api/deployments.c \
	control/api/history.c \
	control/api/jobs.c control/api/jobs.h \
	control/api/openapi.c control/api/openapi.h \
	control/api/routes.c \
	control/api/service.c \
	control/api/session.c \
	control/api/tasks.c \
	control/api/users.c \
	control/auth/authenticate.c control/auth/authenticate.h \
	control/auth/limiter.c control/auth/limiter.h \
	control/catalog/db.c control/catalog/db.h \
	control/catalog/migrate.c control/catalog/migrate.h \
	control/catalog/vault.c control/catalog/vault.h \
	control/crypto/digest.c control/crypto/digest.h \
	control/crypto/keyring.c control/crypto/keyring.h \
	control/crypto/password.c control/crypto/password.h \
	control/http/dispatch.c control/http/dispatch.h \
	control/http/exchange.c control/http/exchange.h \
	control/http/portal.c control/http/portal.h \
	control/http/queue.c control/http/queue.h \
	control/http/request.c control/http/request.h \
	control/http/route.c control/http/route.h \
	control/http/server.c control/http/server.h \
	control/http/guests.c control/http/guests.h \
	control/http/stream.c control/http/stream.h \
	control/jobs/change.c control/jobs/change.h \
	control/jobs/config.c control/jobs/config.h \
	control/jobs/options.c control/jobs/options.h \
	control/jobs/render.c control/jobs/render.h \
	control/jobs/spec.c control/jobs/spec.h \
	control/jobs/state.c control/jobs/state.h \
	control/jobs/tasks.c control/jobs/tasks.h \
	control/jobs/upkeep.c control/jobs/upkeep.h \
	control/json/doc.c control/json/doc.h \
	control/json/fields.c control/json/fields.h \
	control/workers/api.h \
	control/workers/beats.c \
	control/workers/lot.c control/workers/lot.h \
	control/workers/poll.c \
	control/workers/register.c \
	control/workers/release.c control/workers/release.h \
	control/workers/report.c \
	control/workers/reports.c control/workers/reports.h \
	control/workers/sets.c control/workers/sets.h
nodist_libcontrol_la_SOURCES = control/migrations.c
CONTROL_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -DEZ_PORTALDIR='"$(portaldir)"'
CONTROL_CFLAGS = $(AM_CFLAGS) $(MICROHTTPD_CFLAGS) $(LIBPQ_CFLAGS) $(CRYPTO_CFLAGS) $(CURL_CFLAGS) \
	$(JANSSON_CFLAGS) $(LIBCONFIG_CFLAGS)
libcontrol_la_CPPFLAGS = $(CONTROL_CPPFLAGS)
libcontrol_la_CFLAGS = $(CONTROL_CFLAGS)
libcontrol_la_LIBADD = libbase.la $(MICROHTTPD_LIBS) $(LIBPQ_LIBS) $(CRYPTO_LIBS) $(CURL_LIBS) \
	$(JANSSON_LIBS) $(LIBCONFIG_LIBS)

ezcdc_control_SOURCES = control/main.c
ezcdc_control_CPPFLAGS = $(CONTROL_CPPFLAGS)
ezcdc_control_LDADD = libcontrol.la libbase.la

control/migrations.c: $(CONTROL_MIGRATIONS) control/migrations/embed.sh
	$(AM_V_GEN)$(MKDIR_P) control && cd $(srcdir) && \
		sh control/migrations/embed.sh $(CONTROL_MIGRATIONS) >$(abs_builddir)/$@.tmp && mv $(abs_builddir)/$@.tmp $(abs_builddir)/$@
CLEANFILES += control/migrations.c
dist_man_MANS += docs/man/ezcdc-control.8
dist_doc_DATA += docs/control-plane.md
endif

EXTRA_DIST += deploy/systemd/ezcdc-control.service control/migrations/embed.sh control/migrations/0001_initial.sql \
	control/migrations/0002_many_workers.sql control/migrations/functions.sql
EXTRA_DIST += deploy/aws/README.md deploy/aws/ezcdc-drain deploy/aws/ezcdc-drain.service deploy/aws/workers.yaml
