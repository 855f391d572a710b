/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SETTINGS_H
#define STARROCKS_SETTINGS_H

#include <ezcdc/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * The options of one instance as the plugin uses them, and the table they come from.
 *
 * Owned by the instance and constant after settings_read(), so any of its threads may
 * read them. The password is not in here: whoever needs it asks for its newest value with
 * settings_password() and wipes it after use (R22).
 */
enum delete_mode { DELETE_HARD, DELETE_SOFT };

enum audit_column {
	AUDIT_OP = 1u << 0,        /* _ez_op VARCHAR(1): c, u, d, r */
	AUDIT_DELETED = 1u << 1,   /* _ez_deleted BOOLEAN */
	AUDIT_COMMIT_TS = 1u << 2, /* _ez_commit_ts DATETIME */
	AUDIT_LSN = 1u << 3,       /* _ez_lsn BIGINT */
	AUDIT_LOADED_AT = 1u << 4, /* _ez_loaded_at DATETIME */
};

enum body_compression { BODY_PLAIN, BODY_GZIP, BODY_LZ4, BODY_ZSTD };

/* What becomes of a value that the target's type cannot hold. */
enum range_policy { RANGE_ERROR, RANGE_NULL, RANGE_CLAMP, RANGE_TEXT };

/* The classes of values that have one. */
enum range_class {
	RANGE_NUMERIC, /* numeric: too many digits, NaN, infinity */
	RANGE_FLOAT,   /* NaN, infinity */
	RANGE_DATE,
	RANGE_TIMESTAMP, /* with and without time zone */
	RANGE_STRING,    /* text or bytes too long */
	_RANGE_CLASS_MAX
};

/* A pair "a=b" of a list option. */
struct setting_pair {
	struct ez_view key, value;
};

struct settings {
	const struct ez_config *config;
	struct ez_view *fe; /* "http://fe1:8030", without a slash at the end */
	size_t n_fe;
	struct ez_view *mysql; /* "fe1:9030" */
	size_t n_mysql;
	bool mysql_tls; /* SQL goes over TLS, or not at all */
	struct ez_view user, database;
	struct ez_view table; /* pattern with {schema} and {table} */
	bool create, evolve;
	uint32_t replication_num;
	uint32_t buckets; /* 0: the server chooses */
	struct setting_pair *properties;
	size_t n_properties;
	enum delete_mode delete_mode;
	uint32_t audit; /* enum audit_column */
	enum range_policy out_of_range[_RANGE_CLASS_MAX];
	enum body_compression compression;
	unsigned max_inflight;
	struct setting_pair *address_map; /* "host:port" to "host:port" or a base URL */
	size_t n_address_map;
	struct ez_view ca_file; /* len 0: the system's; NUL-terminated */
	int64_t connect_timeout_us, load_timeout_us, continue_timeout_us;
	char *memory; /* of texts above that are not the configuration's */
};

extern const struct ez_option *const settings_options[];

/* On failure too the settings must be released. */
_must_check_ int settings_read(struct settings *s, const struct ez_config *config,
			       struct ez_error *err);
void settings_release(struct settings *s);

enum { PASSWORD_MAX = 1024 };

/* The newest password, NUL-terminated; *ret_len 0: none. Wipe buf after use. */
_must_check_ int settings_password(const struct settings *s, char *buf, size_t cap,
				   size_t *ret_len, struct ez_error *err);

#endif
