/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "types.h"

/* OIDs of built-in types, from the server's pg_type.dat: they never change. */
enum {
	OID_NUMERIC = 1700,
	OID_BPCHAR = 1042,
	OID_VARCHAR = 1043,
	OID_BIT = 1560,
	OID_VARBIT = 1562
};

static const struct {
	uint32_t oid, type;
} SCALARS[] = {
	{ 16, EZ_TYPE_BOOL },          { 17, EZ_TYPE_BYTES },
	{ 18, EZ_TYPE_TEXT },          { 19, EZ_TYPE_TEXT },
	{ 20, EZ_TYPE_INT8 },          { 21, EZ_TYPE_INT2 },
	{ 23, EZ_TYPE_INT4 },          { 25, EZ_TYPE_TEXT },
	{ 114, EZ_TYPE_JSON },         { 700, EZ_TYPE_FLOAT4 },
	{ 701, EZ_TYPE_FLOAT8 },       { OID_BPCHAR, EZ_TYPE_TEXT },
	{ OID_VARCHAR, EZ_TYPE_TEXT }, { 1082, EZ_TYPE_DATE },
	{ 1083, EZ_TYPE_TIME },        { 1114, EZ_TYPE_TIMESTAMP },
	{ 1184, EZ_TYPE_TIMESTAMPTZ }, { 1186, EZ_TYPE_INTERVAL },
	{ 1266, EZ_TYPE_TIMETZ },      { OID_NUMERIC, EZ_TYPE_NUMERIC },
	{ 2950, EZ_TYPE_UUID },        { 3802, EZ_TYPE_JSON },
};

uint32_t pg_type_to_ez(const struct pg_type *t)
{
	for (size_t i = 0; i < ARRAY_LEN(SCALARS); i++) {
		if (SCALARS[i].oid == t->oid)
			return SCALARS[i].type;
	}
	switch (t->kind) {
	case 'e':
		return EZ_TYPE_ENUM;
	case 'c':
		return EZ_TYPE_COMPOSITE;
	case 'r':
	case 'm':
		return EZ_TYPE_RANGE;
	default:
		return view_eq(t->name, VIEW("citext")) ? EZ_TYPE_TEXT : EZ_TYPE_OTHER;
	}
}

/* The header of a varlena counts into these modifiers. */
enum { MOD_HEADER = 4 };

static void describe_numeric(struct ez_column *c, int32_t mod)
{
	if (mod < MOD_HEADER)
		return;
	mod -= MOD_HEADER;
	c->precision = (mod >> 16) & 0xffff;
	/* 11 bits with a sign since version 15; before, 0 to 1000: the same bits. */
	c->scale = ((mod & 0x7ff) ^ 1024) - 1024;
}

void pg_type_describe(struct ez_column *c, const struct pg_type *base,
		      const struct pg_type *element)
{
	c->type = element ? EZ_TYPE_ARRAY : pg_type_to_ez(base);
	c->element = element ? pg_type_to_ez(element) : 0;
	c->precision = -1;
	c->scale = 0;
	c->length = -1;
	if (base->oid == OID_NUMERIC)
		describe_numeric(c, base->mod);
	else if ((base->oid == OID_BPCHAR || base->oid == OID_VARCHAR) &&
		 base->mod >= MOD_HEADER)
		c->length = base->mod - MOD_HEADER;
	else if ((base->oid == OID_BIT || base->oid == OID_VARBIT) && base->mod > 0)
		c->length = base->mod;
}
