/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz.h - the one function that a fuzz target defines.
 *
 * It must return 0 for every input, leak nothing and keep nothing from one call to the next. libFuzzer calls it with
 * inputs of its own making; fuzz_main.c calls it with the files of a corpus.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
