# SPDX-License-Identifier: Apache-2.0
#
# The portal: static files, served by ezcdc-control as they are.

if CONTROL
dist_portal_DATA = \
	control/portal/index.html \
	control/portal/favicon.svg
portalcssdir = $(portaldir)/css
dist_portalcss_DATA = \
	control/portal/css/boxes.css \
	control/portal/css/controls.css \
	control/portal/css/figures.css \
	control/portal/css/forms.css \
	control/portal/css/lists.css \
	control/portal/css/pages.css \
	control/portal/css/portal.css
portaljsdir = $(portaldir)/js
dist_portaljs_DATA = \
	control/portal/js/api.js \
	control/portal/js/chart.js \
	control/portal/js/dom.js \
	control/portal/js/findings.js \
	control/portal/js/form.js \
	control/portal/js/format.js \
	control/portal/js/keys.js \
	control/portal/js/live.js \
	control/portal/js/main.js \
	control/portal/js/plugins.js \
	control/portal/js/prefs.js \
	control/portal/js/rules.js \
	control/portal/js/shell.js \
	control/portal/js/ui.js \
	control/portal/js/view.js
portaljobdir = $(portaldir)/js/job
dist_portaljob_DATA = \
	control/portal/js/job/actions.js \
	control/portal/js/job/configuration.js \
	control/portal/js/job/copy.js \
	control/portal/js/job/dead-letters.js \
	control/portal/js/job/history.js \
	control/portal/js/job/log.js \
	control/portal/js/job/overview.js \
	control/portal/js/job/tables.js \
	control/portal/js/job/trouble.js
portalpagesdir = $(portaldir)/js/pages
dist_portalpages_DATA = \
	control/portal/js/pages/alerts.js \
	control/portal/js/pages/audit.js \
	control/portal/js/pages/datasource.js \
	control/portal/js/pages/datasources.js \
	control/portal/js/pages/door.js \
	control/portal/js/pages/job.js \
	control/portal/js/pages/jobs.js \
	control/portal/js/pages/overview.js \
	control/portal/js/pages/tokens.js \
	control/portal/js/pages/users.js \
	control/portal/js/pages/wizard.js \
	control/portal/js/pages/worker-add.js \
	control/portal/js/pages/worker.js \
	control/portal/js/pages/workers.js
portalwizarddir = $(portaldir)/js/wizard
dist_portalwizard_DATA = \
	control/portal/js/wizard/ends.js \
	control/portal/js/wizard/patterns.js \
	control/portal/js/wizard/review.js \
	control/portal/js/wizard/settings-form.js \
	control/portal/js/wizard/settings-step.js \
	control/portal/js/wizard/tables-step.js
endif
