/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "settings.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/view.h"

#include "host.h"
#include "parcel.h"

#define OPTION(...) { .size = sizeof(struct ez_option), __VA_ARGS__ }

enum { TEXT_CAP = 64 * 1024 };

/* clang-format off */
static const struct ez_option
	opt_fe = OPTION(.type = EZ_OPT_LIST, .flags = EZ_OPTF_REQUIRED | EZ_OPTF_CONNECTION,
		.name = "fe", .label = "Front ends", .group = "Connection",
		.help = "HTTP addresses of the front ends, like \"http://fe1:8030\"; https too. "
			"When one fails the next is asked."),
	opt_mysql = OPTION(.type = EZ_OPT_LIST, .flags = EZ_OPTF_CONNECTION,
		.name = "mysql", .label = "MySQL addresses", .group = "Connection",
		.help = "Where the front ends take SQL, like \"fe1:9030\". By default the hosts "
			"of fe with port 9030."),
	opt_mysql_tls = OPTION(.type = EZ_OPT_ENUM, .flags = EZ_OPTF_CONNECTION,
		.name = "mysql_tls", .label = "TLS for SQL", .group = "Connection",
		.fallback = "auto", .choices = "auto|on|off",
		.help = "Whether SQL must go over TLS. auto: if the front ends are https."),
	opt_user = OPTION(.type = EZ_OPT_STRING, .flags = EZ_OPTF_REQUIRED | EZ_OPTF_CONNECTION,
		.name = "user", .label = "User", .group = "Connection",
		.help = "A user with INSERT and SELECT on the tables, and with the rights to "
			"create and alter them if that is wanted."),
	opt_password = OPTION(.type = EZ_OPT_SECRET, .flags = EZ_OPTF_CONNECTION | EZ_OPTF_LIVE,
		.name = "password", .label = "Password", .group = "Connection",
		.help = "The user's password. It is read again for each connection."),
	opt_database = OPTION(.type = EZ_OPT_STRING, .flags = EZ_OPTF_REQUIRED,
		.name = "database", .label = "Database", .group = "Tables",
		.help = "The database that gets the tables. Made if it is missing and create is "
			"true."),
	opt_table = OPTION(.type = EZ_OPT_STRING, .name = "table", .label = "Table name pattern",
		.group = "Tables", .fallback = "{table}",
		.help = "What tables are called: any text with {schema} and {table} in it."),
	opt_create = OPTION(.type = EZ_OPT_BOOL, .name = "create", .label = "Create tables",
		.group = "Tables", .fallback = "true",
		.help = "Make tables that are missing."),
	opt_evolve = OPTION(.type = EZ_OPT_BOOL, .name = "evolve",
		.label = "Follow schema changes", .group = "Tables", .fallback = "true",
		.help = "Add, widen, rename and drop columns as the source does."),
	opt_replication = OPTION(.type = EZ_OPT_INT, .name = "replication_num",
		.label = "Replicas", .group = "New tables", .fallback = "3",
		.help = "Copies that StarRocks keeps of tables the sink makes; not more than the "
			"cluster has back ends.", .min = 1, .max = 32),
	opt_buckets = OPTION(.type = EZ_OPT_INT, .name = "buckets", .label = "Buckets",
		.group = "New tables", .fallback = "0",
		.help = "Buckets of tables the sink makes; 0 lets StarRocks choose.",
		.min = 0, .max = 10000),
	opt_properties = OPTION(.type = EZ_OPT_LIST, .name = "properties",
		.label = "Properties", .group = "New tables",
		.help = "Further properties of tables the sink makes, like \"compression=LZ4\"."),
	opt_delete = OPTION(.type = EZ_OPT_ENUM, .name = "delete", .label = "Deleted rows",
		.group = "Rows", .fallback = "hard", .choices = "hard|soft",
		.help = "hard removes them; soft keeps them and sets the audit column "
			"_ez_deleted."),
	opt_audit = OPTION(.type = EZ_OPT_LIST, .name = "audit", .label = "Audit columns",
		.group = "Rows",
		.help = "Any of op, deleted, commit_ts, lsn, loaded_at: each adds a column "
			"_ez_NAME to every table."),
	opt_range = OPTION(.type = EZ_OPT_LIST, .name = "out_of_range",
		.label = "Values out of range", .group = "Rows",
		.help = "What becomes of a value that StarRocks cannot hold: error (the default), "
			"null, clamp or text; or by class, like \"numeric=text\", "
			"\"timestamp=null\"."),
	opt_compression = OPTION(.type = EZ_OPT_ENUM, .name = "compression",
		.label = "Compression", .group = "Loading", .fallback = "none",
		.choices = "none|gzip|lz4|zstd",
		.help = "Of what is sent. Worth its time when the network is slow. JSON is "
			"compressed for StarRocks 3.2.7 and newer only."),
	opt_inflight = OPTION(.type = EZ_OPT_INT, .name = "max_inflight",
		.label = "Loads in flight", .group = "Loading", .fallback = "8",
		.help = "How many tables are loaded at the same time.", .min = 1, .max = 64),
	opt_address_map = OPTION(.type = EZ_OPT_LIST, .flags = EZ_OPTF_CONNECTION,
		.name = "address_map", .label = "Addresses of back ends", .group = "Connection",
		.help = "Where back ends are reached from here, like "
			"\"10.0.0.5:8040=be1.example.com:8040\". What stands behind the = may be "
			"an https URL."),
	opt_ca_file = OPTION(.type = EZ_OPT_STRING, .flags = EZ_OPTF_CONNECTION,
		.name = "ca_file", .label = "CA certificates", .group = "Connection",
		.fallback = "",
		.help = "File with the certificates that https servers are checked against. By "
			"default the system's."),
	opt_connect_timeout = OPTION(.type = EZ_OPT_DURATION, .flags = EZ_OPTF_CONNECTION,
		.name = "connect_timeout", .label = "Time to connect", .group = "Connection",
		.fallback = "10s",
		.help = "How long to wait for a connection before the next address is tried.",
		.min = 1000, .max = INT64_C(3600000000)),
	opt_continue_timeout = OPTION(.type = EZ_OPT_DURATION, .name = "continue_timeout",
		.label = "Time to be let in", .group = "Loading", .fallback = "30s",
		.help = "How long a server may take to say that it is ready for the rows of a "
			"load.", .min = 1000, .max = INT64_C(3600000000)),
	opt_load_timeout = OPTION(.type = EZ_OPT_DURATION, .name = "load_timeout",
		.label = "Time for a load", .group = "Loading", .fallback = "10m",
		.help = "How long a load or transaction may take before StarRocks gives it up.",
		.min = 1000000, .max = INT64_C(259200000000));
/* clang-format on */

const struct ez_option *const settings_options[] = {
	&opt_fe,          &opt_mysql,       &opt_mysql_tls,
	&opt_user,
	&opt_password,    &opt_database,    &opt_table,
	&opt_create,      &opt_evolve,      &opt_replication,
	&opt_buckets,     &opt_properties,  &opt_delete,
	&opt_audit,       &opt_range,       &opt_compression,
	&opt_inflight,    &opt_address_map, &opt_ca_file,
	&opt_connect_timeout, &opt_continue_timeout, &opt_load_timeout,
	NULL
};

static bool is_url(struct ez_view v)
{
	return view_starts(v, VIEW("http://")) || view_starts(v, VIEW("https://"));
}

static struct ez_view without_slash(struct ez_view v)
{
	while (v.len > 0 && v.ptr[v.len - 1] == '/')
		v.len--;
	return v;
}

static int read_front_ends(struct settings *s, struct ez_error *err)
{
	s->n_fe = host->count(s->config, opt_fe.name);
	if (s->n_fe == 0)
		return host->fail(err, EZ_E_CONFIG, "", "fe of the StarRocks sink is empty");
	s->fe = xcalloc(s->n_fe, sizeof(*s->fe));
	for (size_t i = 0; i < s->n_fe; i++) {
		struct ez_view v = without_slash(host->item(s->config, opt_fe.name, i));
		size_t scheme = view_starts(v, VIEW("https://")) ? 8 : 7;

		if (!is_url(v) || v.len <= scheme || memchr(v.ptr + scheme, '/', v.len - scheme) ||
		    memchr(v.ptr, '@', v.len)) {
			host->fail(err, EZ_E_CONFIG, "",
				   "fe \"%.*s\" of the StarRocks sink is not an address",
				   VIEW_ARG(v));
			return host->hint(err, "write it like \"http://fe1:8030\"");
		}
		s->fe[i] = v;
	}
	return EZ_OK;
}

/* The host of a front end, with the port that takes SQL. */
static void add_sql_address(struct buf *b, struct ez_view fe)
{
	const char *start = strstr(fe.ptr, "//") + 2, *colon;
	struct ez_view host_part = view_of(start, (size_t)(fe.ptr + fe.len - start));

	colon = memrchr(host_part.ptr, ':', host_part.len);
	if (colon && !memchr(colon, ']', (size_t)(host_part.ptr + host_part.len - colon)))
		host_part.len = (size_t)(colon - host_part.ptr);
	buf_add_view(b, host_part);
	buf_add_str(b, ":9030");
	buf_add_char(b, '\0');
}

static void read_sql_addresses(struct settings *s)
{
	size_t n = host->count(s->config, opt_mysql.name);
	_cleanup_(buf_release) struct buf b = BUF_INIT(TEXT_CAP);
	struct ez_view tls = host->str(s->config, opt_mysql_tls.name);
	const char *p;

	s->mysql_tls = view_eq(tls, VIEW("on")) ||
		       (view_eq(tls, VIEW("auto")) &&
			view_starts(s->fe[0], VIEW("https://")));
	s->n_mysql = n ? n : s->n_fe;
	s->mysql = xcalloc(s->n_mysql, sizeof(*s->mysql));
	for (size_t i = 0; i < n; i++)
		s->mysql[i] = host->item(s->config, opt_mysql.name, i);
	if (n > 0)
		return;
	for (size_t i = 0; i < s->n_fe; i++)
		add_sql_address(&b, s->fe[i]);
	p = s->memory = buf_take(&b);
	for (size_t i = 0; i < s->n_fe; i++) {
		s->mysql[i] = view_str(p);
		p += s->mysql[i].len + 1;
	}
}

/* A list of "a=b", whose first parts are not empty. */
static int read_pairs(const struct settings *s, const char *name, const char *example,
		      struct setting_pair **ret, size_t *ret_n, struct ez_error *err)
{
	size_t n = host->count(s->config, name);

	*ret = xcalloc(n + 1, sizeof(**ret));
	*ret_n = n;
	for (size_t i = 0; i < n; i++) {
		struct ez_view v = host->item(s->config, name, i);
		struct setting_pair *p = &(*ret)[i];

		p->value = v;
		if (view_split(&p->value, '=', &p->key) && p->key.len > 0 &&
		    p->value.len > 0)
			continue;
		host->fail(err, EZ_E_CONFIG, "", "%s \"%.*s\" of the StarRocks sink has no "
			   "\"=\" between two texts", name, VIEW_ARG(v));
		return host->hint(err, "write it like \"%s\"", example);
	}
	return EZ_OK;
}

static int read_address_map(struct settings *s, struct ez_error *err)
{
	int rc = read_pairs(s, opt_address_map.name, "10.0.0.5:8040=be1.example.com:8040",
			    &s->address_map, &s->n_address_map, err);

	for (size_t i = 0; rc == EZ_OK && i < s->n_address_map; i++)
		s->address_map[i].value = without_slash(s->address_map[i].value);
	return rc;
}

static int read_properties(struct settings *s, struct ez_error *err)
{
	return read_pairs(s, opt_properties.name, "compression=LZ4", &s->properties,
			  &s->n_properties, err);
}

/* The place of a word in a list of words. False: it is not there. */
static bool find_word(struct ez_view v, const char *const *words, size_t n, unsigned *ret)
{
	for (unsigned i = 0; i < n; i++)
		if (view_eq_str(v, words[i])) {
			*ret = i;
			return true;
		}
	return false;
}

static int read_audit(struct settings *s, struct ez_error *err)
{
	static const char *const names[] = { "op", "deleted", "commit_ts", "lsn", "loaded_at" };
	unsigned bit;

	for (size_t i = 0; i < host->count(s->config, opt_audit.name); i++) {
		struct ez_view v = host->item(s->config, opt_audit.name, i);

		if (!find_word(v, names, ARRAY_LEN(names), &bit)) {
			host->fail(err, EZ_E_CONFIG, "", "the StarRocks sink knows no audit column "
				   "\"%.*s\"", VIEW_ARG(v));
			return host->hint(err, "choose from op, deleted, commit_ts, lsn and "
					       "loaded_at");
		}
		s->audit |= 1u << bit;
	}
	if (s->delete_mode == DELETE_SOFT)
		s->audit |= AUDIT_DELETED;
	return EZ_OK;
}

static int read_range_item(struct settings *s, struct ez_view v)
{
	static const char *const policies[] = { "error", "null", "clamp", "text" };
	static const char *const classes[] = { "numeric", "float", "date", "timestamp",
					       "string" };
	struct ez_view class = { .len = 0 }, policy = v;
	unsigned p, c;

	if (v.len > 0 && memchr(v.ptr, '=', v.len) && !view_split(&policy, '=', &class))
		return -1;
	if (!find_word(policy, policies, ARRAY_LEN(policies), &p))
		return -1;
	if (class.ptr && !find_word(class, classes, ARRAY_LEN(classes), &c))
		return -1;
	for (unsigned i = 0; i < _RANGE_CLASS_MAX; i++)
		if (!class.ptr || i == c)
			s->out_of_range[i] = (enum range_policy)p;
	return 0;
}

static int read_range(struct settings *s, struct ez_error *err)
{
	for (size_t i = 0; i < host->count(s->config, opt_range.name); i++) {
		struct ez_view v = host->item(s->config, opt_range.name, i);

		if (read_range_item(s, v) == 0)
			continue;
		host->fail(err, EZ_E_CONFIG, "", "out_of_range \"%.*s\" of the StarRocks sink is "
			   "no policy", VIEW_ARG(v));
		return host->hint(err, "write error, null, clamp or text, or one of them behind "
				       "a class: \"numeric=text\"; classes are numeric, float, "
				       "date, timestamp and string");
	}
	return EZ_OK;
}

static int read_compression(struct settings *s, struct ez_error *err)
{
	static const char *const names[] = { [BODY_PLAIN] = "none", [BODY_GZIP] = "gzip",
					     [BODY_LZ4] = "lz4", [BODY_ZSTD] = "zstd" };
	unsigned i = BODY_PLAIN;

	if (!find_word(host->str(s->config, opt_compression.name), names, ARRAY_LEN(names),
		       &i))
		i = BODY_PLAIN;
	s->compression = (enum body_compression)i;
	if (parcel_can(s->compression))
		return EZ_OK;
	host->fail(err, EZ_E_CONFIG, "", "this build cannot compress with %s", names[i]);
	return host->hint(err, "build with liblz4 (Debian: liblz4-dev), or choose gzip or "
			       "zstd");
}

/* A database is part of a URL's path and of SQL: StarRocks allows no more than this. */
static int check_database(struct ez_view v, struct ez_error *err)
{
	bool is_good = v.len > 0 && v.len <= 256;

	for (size_t i = 0; i < v.len; i++) {
		char c = v.ptr[i];

		is_good = is_good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				      (c >= '0' && c <= '9') || c == '_');
	}
	if (!is_good)
		return host->fail(err, EZ_E_CONFIG, "",
				  "database \"%.*s\" of the StarRocks sink is not a name of "
				  "letters, digits and \"_\"", VIEW_ARG(v));
	return EZ_OK;
}

int settings_read(struct settings *s, const struct ez_config *config, struct ez_error *err)
{
	int rc;

	s->config = config;
	s->user = host->str(config, opt_user.name);
	s->database = host->str(config, opt_database.name);
	s->create = host->num(config, opt_create.name) != 0;
	s->max_inflight = (unsigned)host->num(config, opt_inflight.name);
	s->replication_num = (uint32_t)host->num(config, opt_replication.name);
	s->connect_timeout_us = host->num(config, opt_connect_timeout.name);
	s->continue_timeout_us = host->num(config, opt_continue_timeout.name);
	s->load_timeout_us = host->num(config, opt_load_timeout.name);
	s->ca_file = host->str(config, opt_ca_file.name);
	s->table = host->str(config, opt_table.name);
	s->evolve = host->num(config, opt_evolve.name) != 0;
	s->buckets = (uint32_t)host->num(config, opt_buckets.name);
	if (view_eq(host->str(config, opt_delete.name), VIEW("soft")))
		s->delete_mode = DELETE_SOFT;
	rc = check_database(s->database, err);
	if (rc == EZ_OK)
		rc = read_front_ends(s, err);
	if (rc == EZ_OK)
		rc = read_address_map(s, err);
	if (rc == EZ_OK)
		rc = read_properties(s, err);
	if (rc == EZ_OK)
		rc = read_audit(s, err);
	if (rc == EZ_OK)
		rc = read_range(s, err);
	if (rc == EZ_OK)
		rc = read_compression(s, err);
	if (rc == EZ_OK)
		read_sql_addresses(s);
	return rc;
}

void settings_release(struct settings *s)
{
	free(s->fe);
	free(s->mysql);
	free(s->address_map);
	free(s->properties);
	free(s->memory);
	*s = (struct settings){ .config = NULL };
}

int settings_password(const struct settings *s, char *buf, size_t cap, size_t *ret_len,
		      struct ez_error *err)
{
	return host->secret(s->config, opt_password.name, buf, cap, ret_len, err);
}
