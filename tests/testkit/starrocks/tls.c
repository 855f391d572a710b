/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tls.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#ifdef STARROCKS_TLS
# include <openssl/ssl.h>

void *tls_context_new(const char *certificate, const char *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx)
		return NULL;
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

void tls_context_free(void *context)
{
	SSL_CTX_free(context);
}

void *tls_accept(void *context, int fd)
{
	SSL *ssl = SSL_new(context);

	if (!ssl)
		return NULL;
	if (SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

void tls_free(void *tls)
{
	if (!tls)
		return;
	SSL_shutdown(tls);
	SSL_free(tls);
}

ssize_t tls_read(void *tls, char *to, size_t n)
{
	errno = 0;
	return SSL_read(tls, to, n > INT_MAX ? INT_MAX : (int)n);
}

ssize_t tls_write(void *tls, const char *data, size_t n)
{
	errno = 0;
	return SSL_write(tls, data, n > INT_MAX ? INT_MAX : (int)n);
}
#else
void *tls_context_new(const char *certificate, const char *key)
{
	(void)certificate;
	(void)key;
	return NULL;
}

void tls_context_free(void *context)
{
	(void)context;
}

void *tls_accept(void *context, int fd)
{
	(void)context;
	(void)fd;
	return NULL;
}

void tls_free(void *tls)
{
	(void)tls;
}

ssize_t tls_read(void *tls, char *to, size_t n)
{
	(void)tls;
	(void)to;
	(void)n;
	errno = ENOTSUP;
	return -1;
}

ssize_t tls_write(void *tls, const char *data, size_t n)
{
	(void)tls;
	(void)data;
	(void)n;
	errno = ENOTSUP;
	return -1;
}
#endif
