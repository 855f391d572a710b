/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/*
 * Random numbers for jitter, seeds and tests, never for keys or tokens: those come from
 * the component that owns the crypto library.
 */

/* From the kernel; when it has none to give, from the clock. */
uint64_t random_u64(void);

/* splitmix64's finaliser: a bijection in which every input bit moves every output bit. */
static inline uint64_t random_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* A sequence that its seed decides. One owner. */
struct prng {
	uint64_t state;
};

#define PRNG_INIT(seed) ((struct prng){ .state = (seed) })

static inline uint64_t prng_next(struct prng *p)
{
	p->state += 0x9e3779b97f4a7c15ULL;
	return random_mix(p->state);
}

/* Uniform in 0 .. n - 1; 0 for n = 0. */
static inline uint64_t prng_below(struct prng *p, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)prng_next(p) * n) >> 64);
}

#endif
