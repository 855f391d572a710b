/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_API_API_H
#define CONTROL_API_API_H

#include "control/json/fields.h"

struct request;

/*
 * The handlers of the people's API and the tables of what they take; routes.c puts them
 * together. Each file of this folder is one kind of object.
 */

/* session.c */
extern const struct field session_fields[], setup_fields[];
void session_create(struct request *r);
void session_delete(struct request *r);
void setup(struct request *r);
void me_get(struct request *r);

/* users.c */
extern const struct field user_fields[], user_patch_fields[], password_fields[];
extern const struct field token_fields[], token_query[];
void users_list(struct request *r);
void user_create(struct request *r);
void user_get(struct request *r);
void user_patch(struct request *r);
void user_delete(struct request *r);
void password_change(struct request *r);
void tokens_list(struct request *r);
void token_create(struct request *r);
void token_delete(struct request *r);

/* deployments.c */
extern const struct field deployment_fields[], deployment_token_fields[], workers_query[],
	drain_fields[];
void deployments_list(struct request *r);
void deployment_create(struct request *r);
void deployment_get(struct request *r);
void deployment_patch(struct request *r);
void deployment_delete(struct request *r);
void deployment_tokens_list(struct request *r);
void deployment_token_create(struct request *r);
void deployment_token_revoke(struct request *r);
void workers_list(struct request *r);
void worker_get(struct request *r);
void worker_drain(struct request *r);
void worker_delete(struct request *r);

/* datasources.c */
extern const struct field datasource_fields[], datasource_patch_fields[],
	datasources_query[];
void datasources_list(struct request *r);
void datasource_create(struct request *r);
void datasource_get(struct request *r);
void datasource_patch(struct request *r);
void datasource_delete(struct request *r);

/* tasks.c */
extern const struct field tables_query[], log_query[], letters_query[], snapshot_fields[];
extern const struct field empty_fields[];
void datasource_test(struct request *r);
void datasource_tables(struct request *r);
void task_get(struct request *r);
void job_log(struct request *r);
void job_dead_letters(struct request *r);
void job_snapshot(struct request *r);

/* jobs.c */
extern const struct field job_fields[], job_patch_fields[], job_create_query[];
extern const struct field jobs_query[], job_delete_query[];
void jobs_list(struct request *r);
void job_create(struct request *r);
void job_get(struct request *r);
void job_patch(struct request *r);
void job_delete(struct request *r);
void job_act(struct request *r);
void job_config(struct request *r);

/* history.c */
extern const struct field metrics_query[], audit_query[], overview_query[];
void job_metrics(struct request *r);
void job_events(struct request *r);
void overview_get(struct request *r);
void events_stream(struct request *r);
void audit_list(struct request *r);
void plugins_list(struct request *r);

/* alerts.c */
extern const struct field alerts_query[], rule_fields[], rule_patch_fields[],
	channel_fields[];
void alerts_list(struct request *r);
void rules_list(struct request *r);
void rule_create(struct request *r);
void rule_patch(struct request *r);
void rule_delete(struct request *r);
void channels_list(struct request *r);
void channel_create(struct request *r);
void channel_delete(struct request *r);
void channel_test(struct request *r);

/* service.c */
void health_get(struct request *r);
void ready_get(struct request *r);
void prometheus_get(struct request *r);
void openapi_get(struct request *r);

#endif
