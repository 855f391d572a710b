/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "md5.h"

#include <endian.h>
#include <string.h>

enum {
	BLOCK = 64,
	LENGTH_AT = 56, /* of the last block: the number of bits */
	STEPS = 64,
};

/* The first 32 bits of the fraction of |sin(step + 1)|. */
static const uint32_t SINES[STEPS] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
	0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
	0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
	0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
	0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
	0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
	0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
	0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

/* By round and step modulo four. */
static const uint8_t SHIFTS[4][4] = {
	{ 7, 12, 17, 22 },
	{ 5, 9, 14, 20 },
	{ 4, 11, 16, 23 },
	{ 6, 10, 15, 21 },
};

static uint32_t rotate(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void add_block(uint32_t state[4], const unsigned char *block)
{
	uint32_t words[16], a = state[0], b = state[1], c = state[2], d = state[3];

	memcpy(words, block, BLOCK);
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned word = i;
		uint32_t mixed, before = d;

		switch (i / 16) {
		case 0:
			mixed = (b & c) | (~b & d);
			break;
		case 1:
			mixed = (d & b) | (~d & c);
			word = 5 * i + 1;
			break;
		case 2:
			mixed = b ^ c ^ d;
			word = 3 * i + 5;
			break;
		default:
			mixed = c ^ (b | ~d);
			word = 7 * i;
			break;
		}
		mixed += a + SINES[i] + le32toh(words[word % 16]);
		d = c;
		c = b;
		b += rotate(mixed, SHIFTS[i / 16][i % 4]);
		a = before;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

void md5(struct ez_view v, unsigned char ret[MD5_BYTES])
{
	uint32_t state[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
	uint64_t bits = htole64((uint64_t)v.len * 8);
	unsigned char tail[2 * BLOCK] = { 0 };
	size_t rest = v.len % BLOCK, n_tail;

	for (size_t at = 0; at + BLOCK <= v.len; at += BLOCK)
		add_block(state, (const unsigned char *)v.ptr + at);
	if (rest > 0)
		memcpy(tail, v.ptr + (v.len - rest), rest);
	tail[rest] = 0x80;
	n_tail = rest < LENGTH_AT ? BLOCK : 2 * BLOCK;
	memcpy(tail + n_tail - sizeof(bits), &bits, sizeof(bits));
	for (size_t at = 0; at < n_tail; at += BLOCK)
		add_block(state, tail + at);
	for (unsigned i = 0; i < 4; i++)
		state[i] = htole32(state[i]);
	memcpy(ret, state, MD5_BYTES);
}

void md5_hex(struct ez_view v, char ret[MD5_HEX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char sum[MD5_BYTES];

	md5(v, sum);
	for (unsigned i = 0; i < MD5_BYTES; i++) {
		ret[2 * i] = digits[sum[i] >> 4];
		ret[2 * i + 1] = digits[sum[i] & 15];
	}
}
