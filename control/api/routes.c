/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "control/api/api.h"
#include "control/api/common.h"
#include "control/http/route.h"
#include "control/workers/api.h"

/* clang-format off */
#define PUBLIC   .access = ACCESS_PUBLIC
#define VIEWER   .access = ACCESS_VIEWER
#define OPERATOR .access = ACCESS_OPERATOR
#define ADMIN    .access = ACCESS_ADMIN
#define OF_WORKER .access = ACCESS_WORKER
#define CREATED  .success = 201
#define ACCEPTED .success = 202
#define NO_BODY  .success = 204

enum { SPEC_MAX_BYTES = 256 * 1024, MIB = 1024 * 1024 };

const struct route routes[] = {
	{ "GET", "/healthz", PUBLIC, .handler = health_get, .summary = "Whether the process lives" },
	{ "GET", "/readyz", PUBLIC, .handler = ready_get, .summary = "Whether the catalog answers" },
	{ "GET", "/metrics", PUBLIC, .handler = prometheus_get, .summary = "Counts for Prometheus" },
	{ "GET", "/api/openapi.json", PUBLIC, .handler = openapi_get, .summary = "This document" },

	{ "POST", "/api/setup", PUBLIC, .handler = setup, .body = setup_fields, .same_site = true, CREATED,
	  .summary = "Make the first admin, with the token of the set-up link" },
	{ "POST", "/api/session", PUBLIC, .handler = session_create, .body = session_fields, .same_site = true, CREATED,
	  .summary = "Log in; the answer holds the CSRF token" },
	{ "DELETE", "/api/session", VIEWER, .handler = session_delete, NO_BODY, .summary = "Log out" },
	{ "GET", "/api/me", VIEWER, .handler = me_get, .summary = "Who am I" },
	{ "POST", "/api/me/password", VIEWER, .handler = password_change, .body = password_fields, NO_BODY,
	  .summary = "Change one's own password; ends other sessions" },

	{ "GET", "/api/users", ADMIN, .handler = users_list, .query = page_fields, .summary = "List people" },
	{ "POST", "/api/users", ADMIN, .handler = user_create, .body = user_fields, CREATED, .summary = "Add a person" },
	{ "GET", "/api/users/{id}", ADMIN, .handler = user_get, .summary = "One person" },
	{ "PATCH", "/api/users/{id}", ADMIN, .handler = user_patch, .body = user_patch_fields,
	  .summary = "Change role or password, disable" },
	{ "DELETE", "/api/users/{id}", ADMIN, .handler = user_delete, NO_BODY, .summary = "Remove a person" },

	{ "GET", "/api/tokens", VIEWER, .handler = tokens_list, .query = page_fields,
	  .summary = "List API tokens: one's own, all for admins" },
	{ "POST", "/api/tokens", VIEWER, .handler = token_create, .body = token_fields, CREATED,
	  .summary = "Make an API token, shown once" },
	{ "DELETE", "/api/tokens/{id}", VIEWER, .handler = token_delete, NO_BODY, .summary = "Revoke an API token" },

	{ "GET", "/api/deployments", VIEWER, .handler = deployments_list, .query = page_fields,
	  .summary = "List groups of workers" },
	{ "POST", "/api/deployments", ADMIN, .handler = deployment_create, .body = deployment_fields, CREATED,
	  .summary = "Make a group of workers" },
	{ "GET", "/api/deployments/{id}", VIEWER, .handler = deployment_get, .summary = "One group" },
	{ "PATCH", "/api/deployments/{id}", ADMIN, .handler = deployment_patch, .body = deployment_fields,
	  .summary = "Rename a group" },
	{ "DELETE", "/api/deployments/{id}", ADMIN, .handler = deployment_delete, NO_BODY,
	  .summary = "Remove a group that has neither jobs nor datasources nor workers online" },
	{ "GET", "/api/deployments/{id}/tokens", ADMIN, .handler = deployment_tokens_list, .query = page_fields,
	  .summary = "List registration tokens" },
	{ "POST", "/api/deployments/{id}/tokens", ADMIN, .handler = deployment_token_create,
	  .body = deployment_token_fields, CREATED, .summary = "Make a registration token, shown once" },
	{ "DELETE", "/api/deployments/{id}/tokens/{id}", ADMIN, .handler = deployment_token_revoke, NO_BODY,
	  .summary = "Revoke a registration token" },

	{ "GET", "/api/workers", VIEWER, .handler = workers_list, .query = workers_query, .summary = "List workers" },
	{ "GET", "/api/workers/{id}", VIEWER, .handler = worker_get, .summary = "One worker and its jobs" },
	{ "POST", "/api/workers/{id}/drain", OPERATOR, .handler = worker_drain, .body = drain_fields,
	  .summary = "Give its jobs to others, and it no new ones" },
	{ "DELETE", "/api/workers/{id}", ADMIN, .handler = worker_delete, NO_BODY,
	  .summary = "Revoke its secret; its jobs go to others" },

	{ "GET", "/api/datasources", VIEWER, .handler = datasources_list, .query = datasources_query,
	  .summary = "List connection configurations" },
	{ "POST", "/api/datasources", OPERATOR, .handler = datasource_create, .body = datasource_fields, CREATED,
	  .body_max_bytes = SPEC_MAX_BYTES, .summary = "Make a connection configuration" },
	{ "GET", "/api/datasources/{id}", VIEWER, .handler = datasource_get, .summary = "One, without its secrets" },
	{ "PATCH", "/api/datasources/{id}", OPERATOR, .handler = datasource_patch, .body = datasource_patch_fields,
	  .body_max_bytes = SPEC_MAX_BYTES, .summary = "Change it; its jobs take it over, starting anew if need be" },
	{ "DELETE", "/api/datasources/{id}", OPERATOR, .handler = datasource_delete, NO_BODY,
	  .summary = "Remove one that no job uses" },
	{ "POST", "/api/datasources/{id}/test", OPERATOR, .handler = datasource_test, .body = empty_fields, ACCEPTED,
	  .summary = "Let a worker try the connection" },
	{ "GET", "/api/datasources/{id}/tables", OPERATOR, .handler = datasource_tables, .query = tables_query,
	  .summary = "Its tables, as a worker finds them" },
	{ "GET", "/api/tasks/{id}", VIEWER, .handler = task_get, .summary = "What has become of a task" },

	{ "GET", "/api/jobs", VIEWER, .handler = jobs_list, .query = jobs_query, .summary = "List jobs" },
	{ "POST", "/api/jobs", OPERATOR, .handler = job_create, .body = job_fields, .query = job_create_query, CREATED,
	  .body_max_bytes = SPEC_MAX_BYTES, .summary = "Make a job" },
	{ "GET", "/api/jobs/{id}", VIEWER, .handler = job_get, .summary = "One job" },
	{ "PATCH", "/api/jobs/{id}", OPERATOR, .handler = job_patch, .body = job_patch_fields,
	  .body_max_bytes = SPEC_MAX_BYTES, .summary = "Change it; its daemon takes it over, starting anew if need be" },
	{ "DELETE", "/api/jobs/{id}", OPERATOR, .handler = job_delete, .query = job_delete_query, NO_BODY,
	  .summary = "Remove it; with drop=true slot and publication too" },
	{ "POST", "/api/jobs/{id}/start", OPERATOR, .handler = job_act, .body = empty_fields, .arg = "start",
	  .summary = "Start a job that was made or stopped" },
	{ "POST", "/api/jobs/{id}/pause", OPERATOR, .handler = job_act, .body = empty_fields, .arg = "pause",
	  .summary = "Let its daemon read nothing for a while" },
	{ "POST", "/api/jobs/{id}/resume", OPERATOR, .handler = job_act, .body = empty_fields, .arg = "resume",
	  .summary = "Go on after a pause" },
	{ "POST", "/api/jobs/{id}/stop", OPERATOR, .handler = job_act, .body = empty_fields, .arg = "stop",
	  .summary = "Drain and stop it" },
	{ "POST", "/api/jobs/{id}/retry", OPERATOR, .handler = job_act, .body = empty_fields, .arg = "retry",
	  .summary = "Try again after a failure" },
	{ "POST", "/api/jobs/{id}/restart", OPERATOR, .handler = job_act, .body = empty_fields, .arg = "restart",
	  .summary = "Stop and start in one" },
	{ "POST", "/api/jobs/{id}/snapshot", OPERATOR, .handler = job_snapshot, .body = snapshot_fields, ACCEPTED,
	  .summary = "Copy tables again" },
	{ "GET", "/api/jobs/{id}/config", VIEWER, .handler = job_config, .summary = "Its job file, without secrets" },
	{ "GET", "/api/jobs/{id}/metrics", VIEWER, .handler = job_metrics, .query = metrics_query,
	  .summary = "Time series" },
	{ "GET", "/api/jobs/{id}/events", VIEWER, .handler = job_events, .query = page_fields, .summary = "Its history" },
	{ "GET", "/api/jobs/{id}/log", VIEWER, .handler = job_log, .query = log_query,
	  .summary = "Recent lines of its log, fetched from its worker" },
	{ "GET", "/api/jobs/{id}/dead-letters", VIEWER, .handler = job_dead_letters, .query = letters_query,
	  .summary = "Rows that were put aside: metadata, never values" },

	{ "GET", "/api/overview", VIEWER, .handler = overview_get, .query = overview_query, .summary = "All at a glance" },
	{ "GET", "/api/events", VIEWER, .handler = events_stream, .summary = "News, as server-sent events" },
	{ "GET", "/api/plugins", VIEWER, .handler = plugins_list, .summary = "Option tables of the workers' plugins" },
	{ "GET", "/api/audit", ADMIN, .handler = audit_list, .query = audit_query, .summary = "Who did what" },

	{ "GET", "/api/alerts", VIEWER, .handler = alerts_list, .query = alerts_query, .summary = "What fires, what did" },
	{ "GET", "/api/alerts/rules", VIEWER, .handler = rules_list, .query = page_fields, .summary = "List rules" },
	{ "POST", "/api/alerts/rules", OPERATOR, .handler = rule_create, .body = rule_fields, CREATED,
	  .summary = "Make a rule" },
	{ "PATCH", "/api/alerts/rules/{id}", OPERATOR, .handler = rule_patch, .body = rule_patch_fields,
	  .summary = "Change a rule" },
	{ "DELETE", "/api/alerts/rules/{id}", OPERATOR, .handler = rule_delete, NO_BODY, .summary = "Remove a rule" },
	{ "GET", "/api/alerts/channels", VIEWER, .handler = channels_list, .query = page_fields,
	  .summary = "List webhooks" },
	{ "POST", "/api/alerts/channels", ADMIN, .handler = channel_create, .body = channel_fields, CREATED,
	  .summary = "Make a webhook" },
	{ "DELETE", "/api/alerts/channels/{id}", ADMIN, .handler = channel_delete, NO_BODY,
	  .summary = "Remove a webhook" },
	{ "POST", "/api/alerts/channels/{id}/test", ADMIN, .handler = channel_test, .body = empty_fields, ACCEPTED,
	  .summary = "Send something to a webhook" },

	{ "POST", "/api/worker/register", .access = ACCESS_REGISTER, .handler = worker_register,
	  .body = register_fields, .body_max_bytes = 4 * MIB, .summary = "Become known, or known again" },
	{ "POST", "/api/worker/heartbeat", OF_WORKER, .handler = worker_heartbeat, .body = heartbeat_fields,
	  .lane = LANE_BEAT, .together = worker_heartbeats, .summary = "Renew the leases" },
	{ "POST", "/api/worker/poll", OF_WORKER, .handler = worker_poll, .body = poll_fields, .body_max_bytes = MIB,
	  .lane = LANE_POLL, .together = worker_polls, .summary = "What to run, and tasks" },
	{ "POST", "/api/worker/jobs/{id}/status", OF_WORKER, .handler = worker_status, .body = status_fields,
	  .lane = LANE_REPORT, .together = worker_statuses, .body_max_bytes = MIB, .summary = "How a job does" },
	{ "POST", "/api/worker/metrics", OF_WORKER, .handler = worker_metrics, .body = samples_fields,
	  .lane = LANE_SAMPLES, .together = worker_metrics_of_many, .body_max_bytes = MIB, .summary = "Samples of the time series" },
	{ "POST", "/api/worker/tasks/{id}/result", OF_WORKER, .handler = worker_result, .body = result_fields,
	  .body_max_bytes = 8 * MIB, .summary = "What came of a task" },
	{ "POST", "/api/worker/deregister", OF_WORKER, .handler = worker_deregister, .body = deregister_fields,
	  .summary = "Leave; the leases are free at once" },
	{ .method = NULL },
};
/* clang-format on */
