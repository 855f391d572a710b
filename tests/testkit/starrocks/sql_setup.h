/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_SQL_SETUP_H
#define STARROCKS_SQL_SETUP_H

#include "model.h"

/* Sets the sql_ members of the cluster. */
void sql_setup(struct cluster *c);

#endif
