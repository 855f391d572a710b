/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_MD5_H
#define STARROCKS_MD5_H

#include <stdint.h>

#include "base/view.h"

/*
 * MD5 (RFC 1321), because it is the one digest that every StarRocks computes in SQL. It tells
 * rows apart that differ by accident; it protects nothing.
 */
enum {
	MD5_BYTES = 16,
	MD5_HEX = 32,
};

void md5(struct ez_view v, unsigned char ret[MD5_BYTES]);

/* Lower-case digits without a terminator, as StarRocks' md5() gives them. */
void md5_hex(struct ez_view v, char ret[MD5_HEX]);

#endif
