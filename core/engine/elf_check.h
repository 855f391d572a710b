/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ENGINE_ELF_CHECK_H
#define ENGINE_ELF_CHECK_H

#include "base/attr.h"

/*
 * Whether a file can be handed to the dynamic linker without harm.
 *
 * The linker maps what the headers promise and reads it: a file that was cut short ends the
 * process with SIGBUS. So this looks at the headers first. It opens nothing but regular
 * files and never blocks.
 *
 * NULL: a shared object of this machine, as long as its headers say. Else why not.
 */
_must_check_ const char *elf_check(const char *path);

#endif
