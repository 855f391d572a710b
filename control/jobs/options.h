/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTROL_JOBS_OPTIONS_H
#define CONTROL_JOBS_OPTIONS_H

#include <stdbool.h>

#include "base/attr.h"
#include "control/catalog/db.h"
#include "control/json/fields.h"

struct json_t;
struct keyring;
struct secret;

/*
 * Options of plugins: what the tables that workers have sent say about them, and keeping
 * their secrets apart.
 *
 * A configuration in the catalog holds {"set": true} where a secret belongs; the value
 * stands sealed in the vault. {"file": "name"} refers to a file of the worker and is no
 * secret. While no worker has told of a plugin, an option counts as secret by its name.
 */

/* The newest table of a plugin ("source", "sink", "transform", "store"); NULL if unknown. */
_must_check_ enum db_result options_load(struct db *d, const char *kind,
					 const char *plugin, struct json_t **ret_options);

/*
 * Names and types; what is required only when `complete`. Fields are named
 * "<prefix><option>". A NULL table checks names alone.
 */
_must_check_ bool options_check(const struct json_t *options, struct json_t *config,
				const char *prefix, bool complete, struct field_error *e);

/* Secrets that were taken out of a configuration. */
struct taken {
	struct {
		char *name;
		char *value; /* NULL: the stored one stays */
	} items[64];
	int n;
};
void taken_release(struct taken *t);

/*
 * Takes the secrets out of `config`. An object that says {"set": true} keeps what is
 * stored, if `may_keep`.
 */
_must_check_ bool options_take_secrets(const struct json_t *options,
				       struct json_t *config, const char *prefix,
				       bool may_keep, struct taken *t,
				       struct field_error *e);

/* Stores them for the owner and drops those under `prefix` that are no more. */
_must_check_ enum db_result taken_store(struct db *d, struct keyring *k,
					const char *owner, const char *prefix,
					const struct taken *t);

/* For vault_each: puts a secret to its place in the tree `arg`. */
void options_put_secret(void *arg, const char *name, const struct secret *value);

/* An option of a connection that has secrets, which a datasource alone may hold: NULL when
 * `config` has none. */
const char *options_of_connection(const struct json_t *options, struct json_t *config);

/*
 * A stored secret is kept only where it was meant to go: false when `config` keeps one and
 * another option of the connection differs from `old`.
 */
_must_check_ bool options_keep_place(const struct json_t *options, struct json_t *config,
				     const struct json_t *old, struct field_error *e);

#endif
