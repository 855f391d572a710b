/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "base/view.h"

#include "fuzz.h"
#include "host.h"
#include "value.h"
#include "value_text.h"

/*
 * Any text as a value of any column: the first bytes choose the column, the rest is the value.
 * What comes out as CSV has no separator in it and is not NULL's sign; what comes out as JSON
 * is JSON, on one line; the short way agrees with the long one; what was clamped fits.
 */
enum { TEXT_MAX = 16 * 1024 * 1024 };

const struct ez_host *host;

static const char *const TYPES[] = {
	"varchar(16)", "int",  "largeint",  "double",       "decimal(10,3)", "date",
	"datetime",    "json", "varbinary", "array<float>", "boolean",
};

static void check_csv(struct ez_view v)
{
	ENSURE(text_is_safe(v), "a separator in a field");
	ENSURE(!view_eq(v, VIEW("\\N")), "a value that reads as NULL");
}

static void check_json(struct ez_view v)
{
	ENSURE(value_is_json(v), "a member that is not JSON");
	ENSURE(!memchr(v.ptr, '\n', v.len), "a row of two lines");
}

static void try_clamp(const struct field *f, struct ez_view v)
{
	struct buf scratch = BUF_INIT(TEXT_MAX), b = BUF_INIT(TEXT_MAX);

	if (value_clamp(f, &v, &scratch))
		ENSURE(value_csv(&b, f, v) != VALUE_OUT, "clamped out of range");
	buf_release(&scratch);
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct field f = { .kind = FIELD_SOURCE };
	struct buf b = BUF_INIT(TEXT_MAX), s = BUF_INIT(TEXT_MAX);
	enum value_state state;
	struct ez_view v;
	char *end;

	if (size < 4 || size > 1 << 20)
		return 0;
	f.form = (enum value_form)(1 + data[0] % FORM_FLOATS);
	f.type = type_parse(view_str(TYPES[data[1] % ARRAY_LEN(TYPES)]));
	f.element = data[2];
	f.delimiter = data[3] & 1 ? ',' : ';';
	f.policy = (enum range_policy)(data[3] >> 1 & 3);
	v = view_of(data + 4, size - 4);
	/* A source's text holds no NUL and is UTF-8. */
	if (memchr(v.ptr, '\0', v.len) || !utf8_is_valid(v))
		return 0;
	state = value_csv(&b, &f, v);
	if (state == VALUE_OK)
		check_csv(buf_view(&b));
	if (state == VALUE_OUT)
		try_clamp(&f, v);
	end = value_put(buf_reserve(&s, v.len + VALUE_FRAME), &f, v);
	if (end)
		check_csv(view_of(s.ptr, (size_t)(end - s.ptr)));
	if (end && state == VALUE_OK)
		ENSURE(view_eq(view_of(s.ptr, (size_t)(end - s.ptr)), buf_view(&b)),
		       "two ways, two values");
	buf_reset(&b);
	if (value_json(&b, &f, v) == VALUE_OK)
		check_json(buf_view(&b));
	buf_release(&b);
	buf_release(&s);
	return 0;
}
