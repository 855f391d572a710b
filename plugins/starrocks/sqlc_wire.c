/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sqlc_wire.h"

#include "host.h"
#include "sqlc.h"

#ifdef HAVE_MARIADB

# include <pthread.h>
# include <stdlib.h>
# include <string.h>
# include <unistd.h>

# include <mysql.h>

# include "base/alloc.h"
# include "base/str.h"
# include "base/view.h"

enum {
	WRITE_TIMEOUT_S = 60,
	US_PER_S = 1000000,
	CLIENT_ERROR_FIRST = 2000, /* numbers of the library itself */
	CLIENT_ERROR_LAST = 2999,
	ERROR_TEXT_MAX = 320,
};

struct wire_session {
	MYSQL *mysql;
	MYSQL_RES *result;
	struct ez_view *row;
	size_t n_columns;
	bool is_broken;
};

bool sqlc_is_available(void)
{
	return true;
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void begin_library(void)
{
	(void)mysql_library_init(0, NULL, NULL);
}

/* ------------------------------------------------------------------ errors */

static bool is_client_error(unsigned number)
{
	return number >= CLIENT_ERROR_FIRST && number <= CLIENT_ERROR_LAST;
}

static bool says(const char *text, const char *what)
{
	return strcasestr(text, what) != NULL;
}

/* Errors of StarRocks have MySQL's numbers where it has them, and a text. */
static int class_of(unsigned number, const char *text)
{
	switch (number) {
	case 1044: /* access to the database */
	case 1045: /* password */
	case 1142: /* a right on a table */
	case 1227: /* another right */
	case 5203:
	case 5204:
		return EZ_E_PERMISSION;
	case 2026: /* TLS */
	case 2059: /* no way to log in that both know */
	case 2061:
		return EZ_E_CONFIG;
	default:
		break;
	}
	if (is_client_error(number))
		return EZ_E_TRANSIENT;
	if (says(text, "replication num"))
		return EZ_E_CONFIG; /* names the back ends too, but none will come by itself */
	if (says(text, "access denied") || says(text, "denied"))
		return EZ_E_PERMISSION;
	if (says(text, "in progress") || says(text, "not NORMAL") ||
	    says(text, "timeout") || says(text, "timed out") || says(text, "leader") ||
	    says(text, "not ready") || says(text, "backend") ||
	    says(text, "compute node") || says(text, "rpc"))
		return EZ_E_TRANSIENT;
	return EZ_E_CONFIG;
}

/* A refusal goes on about roles; who reads the error has the statement that helps. */
static int length_of(const char *text)
{
	const char *end = strstr(text, ". Please ask the admin");
	size_t len = end ? (size_t)(end - text) : strlen(text);

	return (int)MIN(len, (size_t)ERROR_TEXT_MAX);
}

static int fail(MYSQL *mysql, const char *what, bool quiet, struct ez_error *err)
{
	unsigned number = mysql_errno(mysql);
	const char *text = mysql_error(mysql);
	int class = class_of(number, text);
	char code[16];

	if (!str_format(code, sizeof(code), "%u", number))
		code[0] = '\0';
	if (quiet && !is_client_error(number) && class != EZ_E_PERMISSION)
		host->fail(err, class, code, "%s: error %u of the front end", what,
			   number);
	else
		host->fail(err, class, code, "%s: %.*s (%u)", what, length_of(text), text,
			   number);
	if (number == 1045)
		host->hint(err, "check user and password of the sink");
	else if (number == 2026)
		host->hint(err,
			   "check ca_file, and that the front end's certificate is for "
			   "the host name in the option mysql");
	return class;
}

/* ------------------------------------------------------------------ connecting */

static void set_timeout(MYSQL *mysql, enum mysql_option option, unsigned s)
{
	(void)mysql_options(mysql, option, &s);
}

static const char *system_ca(void)
{
	static const char *const files[] = { "/etc/ssl/certs/ca-certificates.crt",
					     "/etc/pki/tls/certs/ca-bundle.crt" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (access(files[i], R_OK) == 0)
			return files[i];
	return NULL;
}

static void set_options(MYSQL *mysql, const struct wire_options *o)
{
	unsigned off = 0;
	my_bool yes = 1;

	set_timeout(mysql, MYSQL_OPT_CONNECT_TIMEOUT,
		    (unsigned)MAX((o->connect_timeout_us + US_PER_S - 1) / US_PER_S,
				  (int64_t)1));
	set_timeout(mysql, MYSQL_OPT_READ_TIMEOUT, o->read_timeout_s);
	set_timeout(mysql, MYSQL_OPT_WRITE_TIMEOUT, WRITE_TIMEOUT_S);
	(void)mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
	(void)mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	(void)mysql_options(mysql, MYSQL_DEFAULT_AUTH, "mysql_native_password");
	if (!o->uses_tls)
		return;
	(void)mysql_ssl_set(mysql, NULL, NULL,
			    o->ca_file && o->ca_file[0] ? o->ca_file : system_ca(), NULL,
			    NULL);
	(void)mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
	(void)mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
}

int wire_open(const struct wire_options *o, struct wire_session **ret,
	      struct ez_error *err)
{
	char what[320];
	MYSQL *mysql;
	int rc;

	(void)pthread_once(&library_once, begin_library);
	mysql = mysql_init(NULL);
	if (!mysql)
		return host->fail(err, EZ_E_TRANSIENT, "ENOMEM",
				  "no memory for a connection to StarRocks");
	set_options(mysql, o);
	if (!mysql_real_connect(mysql, o->host, o->user, o->password, NULL, o->port, NULL,
				0)) {
		if (!str_format(what, sizeof(what), "cannot connect to front end %s:%u",
				o->host, o->port))
			what[0] = '\0';
		rc = fail(mysql, what, false, err);
		mysql_close(mysql);
		return rc;
	}
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->mysql = mysql;
	return EZ_OK;
}

static void drop_result(struct wire_session *w)
{
	if (w->result)
		mysql_free_result(w->result);
	w->result = NULL;
	free(w->row);
	w->row = NULL;
	w->n_columns = 0;
}

void wire_close(struct wire_session *w)
{
	if (!w)
		return;
	drop_result(w);
	mysql_close(w->mysql);
	free(w);
}

int wire_fd(struct wire_session *w)
{
	return mysql_get_socket(w->mysql);
}

/* ------------------------------------------------------------------ asking */

static int fail_query(struct wire_session *w, bool quiet, struct ez_error *err)
{
	w->is_broken = is_client_error(mysql_errno(w->mysql));
	return fail(w->mysql, "StarRocks refused a statement", quiet, err);
}

int wire_query(struct wire_session *w, struct ez_view sql, bool quiet,
	       struct ez_error *err)
{
	drop_result(w);
	w->is_broken = false;
	if (mysql_real_query(w->mysql, sql.ptr, (unsigned long)sql.len) != 0)
		return fail_query(w, quiet, err);
	w->result = mysql_store_result(w->mysql);
	if (!w->result)
		return mysql_errno(w->mysql) ? fail_query(w, quiet, err) : EZ_OK;
	w->n_columns = mysql_num_fields(w->result);
	w->row = xcalloc(w->n_columns + 1, sizeof(*w->row));
	return EZ_OK;
}

size_t wire_n_columns(const struct wire_session *w)
{
	return w->n_columns;
}

int wire_row(struct wire_session *w, const struct ez_view **ret_row, struct ez_error *err)
{
	MYSQL_ROW row = w->result ? mysql_fetch_row(w->result) : NULL;
	const unsigned long *lengths;

	(void)err; /* the whole result is here */
	if (!row) {
		drop_result(w);
		return EZ_EOF;
	}
	lengths = mysql_fetch_lengths(w->result);
	for (size_t i = 0; i < w->n_columns; i++)
		w->row[i] = view_of(row[i], row[i] ? lengths[i] : 0);
	*ret_row = w->row;
	return EZ_OK;
}

bool wire_is_broken(const struct wire_session *w)
{
	return w->is_broken;
}

#else /* HAVE_MARIADB */

bool sqlc_is_available(void)
{
	return false;
}

int wire_open(const struct wire_options *o, struct wire_session **ret,
	      struct ez_error *err)
{
	(void)o;
	(void)ret;
	host->fail(err, EZ_E_CONFIG, "", "this build cannot speak SQL to StarRocks");
	return host->hint(err, "build with libmariadb (Debian: libmariadb-dev)");
}

void wire_close(struct wire_session *w)
{
	(void)w;
}

int wire_fd(struct wire_session *w)
{
	(void)w;
	return -1;
}

int wire_query(struct wire_session *w, struct ez_view sql, bool quiet,
	       struct ez_error *err)
{
	(void)w;
	(void)sql;
	(void)quiet;
	return wire_open(NULL, NULL, err);
}

size_t wire_n_columns(const struct wire_session *w)
{
	(void)w;
	return 0;
}

int wire_row(struct wire_session *w, const struct ez_view **ret_row, struct ez_error *err)
{
	(void)w;
	(void)ret_row;
	return wire_open(NULL, NULL, err);
}

bool wire_is_broken(const struct wire_session *w)
{
	(void)w;
	return true;
}

#endif
