/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_LABEL_H
#define STARROCKS_LABEL_H

#include <ezcdc/plugin.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Names of loads and transactions, in one place: what loads uses them, and the next run
 * makes them up again to find out what became of them.
 *
 *   ezcdc_shop_r7           run 7 of the job; a snapshot writer has _w2 behind that
 *   ezcdc_shop_r7_s12v1     group 12, encoded once
 *   ezcdc_shop_r7_s12v1_3   its load number 3 (below 4.0)
 *   ezcdc_shop_r7_s12v1p0a2 its first part, second attempt (4.0 and later)
 *
 * A label is at most LABEL_MAX long and of letters, digits and "_". Each function makes one
 * of a shorter one; EZ_E_CONFIG: it would be too long, or the job's name has other letters.
 */
enum { LABEL_MAX = 128 };

struct label {
	char text[LABEL_MAX + 1];
};

_must_check_ int label_run(struct label *l, struct ez_view job, uint64_t run,
			   struct ez_error *err);
_must_check_ int label_add(struct label *l, const struct label *base, const char *what,
			   uint64_t number, struct ez_error *err);
_must_check_ int label_group(struct label *l, const struct label *run, uint64_t seq,
			     unsigned version, struct ez_error *err);

/* What stands before the number, for label_add(). */
#define LABEL_LOAD    "_"
#define LABEL_PART    "p"
#define LABEL_ATTEMPT "a"
#define LABEL_WRITER  "_w"
#define LABEL_NOTE    "_n"
#define LABEL_PROBE   "_t"
#define LABEL_FENCE   "_e"

#endif
