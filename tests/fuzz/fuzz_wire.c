/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fuzz.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "base/wire.h"

/*
 * The input is a program: a byte chooses what is read next, its value is then used with
 * every other function that takes data from outside. What can be said of any input is
 * asserted: the cursor stays inside, JSON comes out as UTF-8, numbers come back as they
 * went in.
 */

enum {
	CAP_BYTES = 1 << 20,
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void use_number(struct buf *b, uint64_t v)
{
	uint64_t u = ~v;
	int64_t i = 0;

	buf_reset(b);
	buf_add_u64(b, v);
	check(parse_u64(buf_view(b), &u) && u == v);
	buf_reset(b);
	buf_add_i64(b, (int64_t)v);
	check(parse_i64(buf_view(b), &i) && i == (int64_t)v);
	check(format_size(v).text[0] != '\0');
	check(format_duration_ms((int64_t)v).text[0] != '\0');
}

static void use_text(struct buf *b, struct ez_view v)
{
	uint64_t u;
	int64_t i;
	bool flag;

	if (parse_u64(v, &u) || parse_size(v, &u))
		use_number(b, u);
	if (parse_i64(v, &i) || parse_duration(v, &i))
		use_number(b, (uint64_t)i);
	if (parse_bool(v, &flag))
		use_number(b, flag);
	buf_reset(b);
	json_add_string(b, v);
	check(!buf_ok(b) || utf8_is_valid(buf_view(b)));
	check(!buf_ok(b) || b->len >= v.len + 2);
	check(!buf_ok(b) || !utf8_is_valid(v) || view_ends(buf_view(b), VIEW("\"")));
	buf_reset(b);
	json_add_base64(b, v);
	check(!buf_ok(b) || b->len == (v.len + 2) / 3 * 4 + 2);
	buf_reset(b);
	if (!json_add_base64_from_hex(b, v))
		check(b->len == 0 && buf_ok(b));
}

static bool read_number(struct wire *w, uint8_t what, uint64_t *ret_v)
{
	uint8_t u8 = 0;
	uint16_t u16 = 0;
	uint32_t u32 = 0;
	bool ok;

	switch (what % 4) {
	case 0:
		ok = wire_u8(w, &u8);
		break;
	case 1:
		ok = wire_u16(w, &u16);
		break;
	case 2:
		ok = wire_u32(w, &u32);
		break;
	default:
		return wire_u64(w, ret_v);
	}
	*ret_v = (uint64_t)u8 + u16 + u32;
	return ok;
}

/* One step of the program. False at the end of the input. */
static bool step(struct buf *b, struct wire *w)
{
	uint8_t what;
	uint32_t n;
	uint64_t v;
	struct ez_view text;

	if (!wire_u8(w, &what))
		return false;
	switch (what >> 5) {
	case 0:
	case 1:
		if (!read_number(w, what, &v))
			return false;
		use_number(b, v);
		return true;
	case 2:
		/* A length from the wire, as large as it likes. */
		if (!wire_u32(w, &n) || !wire_bytes(w, n, &text))
			return false;
		break;
	case 3:
		if (!wire_cstr(w, &text))
			return false;
		break;
	case 4:
		return wire_u32(w, &n) && wire_skip(w, n);
	default:
		if (!wire_bytes(w, MIN((size_t)what & 31, wire_left(w)), &text))
			return false;
	}
	use_text(b, text);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT(CAP_BYTES);
	struct wire w = wire_of(data, size);

	use_text(&b, view_of(data, size));
	for (size_t left = size; step(&b, &w); left = wire_left(&w))
		check(wire_left(&w) < left && w.pos <= w.end);
	buf_release(&b);
	return 0;
}
