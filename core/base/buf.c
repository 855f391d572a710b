/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/buf.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/checked.h"

enum {
	FIRST_BYTES = 64,
};

void buf_release(struct buf *b)
{
	free(b->ptr);
	*b = BUF_INIT(b->cap);
}

void buf_reset(struct buf *b)
{
	buf_truncate(b, 0);
}

void buf_truncate(struct buf *b, size_t len)
{
	ASSERT(len <= b->len);
	b->len = len;
	b->size = b->alloc ? b->alloc - 1 : 0;
	b->overflow = false;
}

char *buf_take(struct buf *b)
{
	char *text = b->ptr;

	if (!text)
		text = xstrdup("");
	else
		text[b->len] = '\0';
	*b = BUF_INIT(b->cap);
	return text;
}

void buf_swap(struct buf *a, struct buf *b)
{
	struct buf kept = *a;

	*a = *b;
	*b = kept;
}

/* From here on nothing fits, so that what is there stays a prefix. */
static char *mark_overflow(struct buf *b)
{
	b->overflow = true;
	b->size = b->len;
	return NULL;
}

char *buf_grow(struct buf *b, size_t n)
{
	size_t need, size;
	char *ptr;

	if (b->overflow)
		return NULL;
	if (add_overflows_size(b->len, n, &need) || need > b->cap ||
	    need > PTRDIFF_MAX / 2)
		return mark_overflow(b);
	size = MIN(MAX(b->size * 2, (size_t)FIRST_BYTES),
		   MIN(b->cap, (size_t)PTRDIFF_MAX / 2));
	size = MAX(size, need);
	ptr = try_realloc(b->ptr, size + 1);
	if (!ptr)
		return mark_overflow(b);
	b->ptr = ptr;
	b->size = size;
	b->alloc = size + 1;
	return ptr + b->len;
}

static const char digit_pairs[] = "00010203040506070809"
				  "10111213141516171819"
				  "20212223242526272829"
				  "30313233343536373839"
				  "40414243444546474849"
				  "50515253545556575859"
				  "60616263646566676869"
				  "70717273747576777879"
				  "80818283848586878889"
				  "90919293949596979899";

static size_t count_digits(uint64_t v)
{
	static const uint64_t powers[] = {
		0,
		10,
		100,
		1000,
		10000,
		100000,
		1000000,
		10000000,
		100000000,
		1000000000,
		10000000000,
		100000000000,
		1000000000000,
		10000000000000,
		100000000000000,
		1000000000000000,
		10000000000000000,
		100000000000000000,
		1000000000000000000,
		10000000000000000000ULL,
	};
	/* Bits times log10(2) is the number of digits, or one less. */
	size_t n = (size_t)(64 - __builtin_clzll(v | 1)) * 1233 >> 12;

	return n + (v >= powers[n]);
}

/*
 * Writes the digits straight to where they belong: text written two bytes at a time and
 * then copied would make the copy wait for the stores.
 */
static void add_decimal(struct buf *b, uint64_t v, bool negative)
{
	size_t n = count_digits(v) + negative;
	char *to = buf_reserve(b, n), *end;

	if (!to)
		return;
	for (end = to + n; v >= 100; v /= 100) {
		end -= 2;
		memcpy(end, digit_pairs + v % 100 * 2, 2);
	}
	if (v >= 10)
		memcpy(end - 2, digit_pairs + v * 2, 2);
	else
		end[-1] = (char)('0' + v);
	if (negative)
		to[0] = '-';
	b->len += n;
}

void buf_add_u64(struct buf *b, uint64_t v)
{
	add_decimal(b, v, false);
}

void buf_add_i64(struct buf *b, int64_t v)
{
	add_decimal(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

void buf_addv(struct buf *b, const char *fmt, va_list ap)
{
	char *to = buf_reserve(b, 0);
	size_t room = to ? b->size - b->len : 0;
	va_list again;
	int n;

	if (!to)
		return;
	va_copy(again, ap);
	n = vsnprintf(to, room + 1, fmt, ap);
	if (n >= 0 && (size_t)n > room) {
		to = buf_reserve(b, (size_t)n);
		if (to)
			n = vsnprintf(to, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (n < 0)
		mark_overflow(b);
	else if (to)
		b->len += (size_t)n;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_addv(b, fmt, ap);
	va_end(ap);
}

const char *buf_cstr(struct buf *b)
{
	if (!b->ptr)
		return "";
	b->ptr[b->len] = '\0';
	return b->ptr;
}
