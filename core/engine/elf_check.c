/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "engine/elf_check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

enum {
	SEGMENTS_MAX = 64,
};

/* What our own program was built for, taken from its own header. */
extern const ElfW(Ehdr) __ehdr_start;

static bool read_at(int fd, void *to, size_t n, off_t at)
{
	return pread(fd, to, n, at) == (ssize_t)n;
}

static const char *check_header(const ElfW(Ehdr) * h)
{
	const ElfW(Ehdr) *own = &__ehdr_start;

	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
		return "not a shared object";
	if (h->e_ident[EI_CLASS] != own->e_ident[EI_CLASS] ||
	    h->e_ident[EI_DATA] != own->e_ident[EI_DATA] ||
	    h->e_machine != own->e_machine)
		return "built for another kind of machine";
	if (h->e_type != ET_DYN)
		return "an ELF file, but not a shared object";
	if (h->e_phentsize != sizeof(ElfW(Phdr)) || h->e_phnum == 0 ||
	    h->e_phnum > SEGMENTS_MAX)
		return "a shared object with a damaged header";
	return NULL;
}

static const char *check_segments(int fd, const ElfW(Ehdr) * h, uint64_t file_bytes)
{
	ElfW(Phdr) segments[SEGMENTS_MAX];
	bool is_dynamic = false;

	if (h->e_phoff > file_bytes ||
	    !read_at(fd, segments, h->e_phnum * sizeof(segments[0]), (off_t)h->e_phoff))
		return "a shared object that was cut short";
	for (size_t i = 0; i < h->e_phnum; i++) {
		is_dynamic = is_dynamic || segments[i].p_type == PT_DYNAMIC;
		if (segments[i].p_offset > file_bytes ||
		    segments[i].p_filesz > file_bytes - segments[i].p_offset)
			return "a shared object that was cut short";
	}
	return is_dynamic ? NULL : "an ELF file, but not a shared object";
}

const char *elf_check(const char *path)
{
	_cleanup_(fs_closep) int fd = -1;
	const char *reason;
	struct stat st;
	ElfW(Ehdr) h;

	/* Opening a device may do something; looking at its type does not. */
	if (stat(path, &st) < 0)
		return errno == ENOENT ? "a link to nowhere" : strerrordesc_np(errno);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	if (st.st_size == 0)
		return "the file is empty";
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return strerrordesc_np(errno);
	if (!read_at(fd, &h, sizeof(h), 0))
		return "not a shared object";
	reason = check_header(&h);
	return reason ? reason : check_segments(fd, &h, (uint64_t)st.st_size);
}
