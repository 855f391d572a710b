/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STARROCKS_DIALECT_H
#define STARROCKS_DIALECT_H

/*
 * Where StarRocks and Apache Doris differ in how rows are loaded. Everything else that the
 * sink does (hops, labels, folding, bodies of CSV with \x01 and \x02 or JSON) fits both, so a
 * sink for Doris is a second row here, and a second writer of CREATE TABLE.
 */
#define STARROCKS_DELETE_COLUMN "__op" /* for texts that are made of it */

struct dialect {
	const char *name;
	const char *row_delimiter;  /* name of the header */
	const char *partial_update; /* header, takes "true" */
	const char *compression;    /* header, for JSON; parcel.c says what it holds */
	const char *delete_column;  /* holds 0 or 1 in each row */
	const char *
		hidden_columns; /* header that has to name the delete column; NULL: none */
	unsigned
		multi_table_since; /* first version with transactions over tables; 0: none */
};

static const struct dialect dialect_starrocks = {
	.name = "starrocks",
	.row_delimiter = "row_delimiter",
	.partial_update = "partial_update",
	.compression = "compression",
	.delete_column = STARROCKS_DELETE_COLUMN,
	.multi_table_since = 40000,
};

/* As of its documentation; no sink uses it yet. */
__attribute__((unused)) static const struct dialect dialect_doris = {
	.name = "doris",
	.row_delimiter = "line_delimiter",
	.partial_update = "partial_columns",
	.compression = "compress_type",
	.delete_column = "__DORIS_DELETE_SIGN__",
	.hidden_columns = "hidden_columns",
};

#endif
