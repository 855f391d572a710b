/* SPDX-License-Identifier: Apache-2.0
 *
 * follow FILE COUNT SECONDS - reads a file as it grows, and for every line that holds
 * `"sent":MICROSECONDS` (or the number as a string) prints how many microseconds ago that
 * was. Ends after COUNT such lines or SECONDS. FILE may appear later; a name that ends in
 * a star stands for the newest file that begins so.
 */
#include "config.h"

#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/view.h"

enum { NAP_US = 50, BUFFER = 4096, LINE_CAP = 1024 * 1024 };

static int open_newest(const char *pattern)
{
	glob_t found;
	int fd = -1;

	if (glob(pattern, 0, NULL, &found) == 0)
		fd = open(found.gl_pathv[found.gl_pathc - 1], O_RDONLY | O_CLOEXEC);
	globfree(&found);
	return fd;
}

/* 1 if the line was one of those that count. */
static int report(const char *line, int64_t now)
{
	static const char mark[] = "\"sent\":";
	const char *at = strstr(line, mark);

	if (!at)
		return 0;
	at += sizeof(mark) - 1;
	at += *at == '"';
	printf("%" PRId64 "\n", now - (int64_t)strtoll(at, NULL, 10));
	return 1;
}

/* Cuts what has come into lines; what is left of the last one stays. */
static long take_lines(struct buf *b, const char *data, size_t len, int64_t now)
{
	long n = 0;

	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\n') {
			buf_add_char(b, data[i]);
			continue;
		}
		n += report(buf_cstr(b), now);
		buf_reset(b);
	}
	return n;
}

int main(int argc, char **argv)
{
	struct buf line = BUF_INIT(LINE_CAP);
	char data[BUFFER];
	int64_t deadline;
	long left;
	int fd = -1;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: follow FILE COUNT SECONDS\n");
		return 64;
	}
	left = strtol(argv[2], NULL, 10);
	deadline = mono_us() + strtol(argv[3], NULL, 10) * US_PER_SEC;
	while (left > 0 && mono_us() < deadline) {
		ssize_t n = 0;

		if (fd < 0)
			fd = open_newest(argv[1]);
		if (fd >= 0)
			n = read(fd, data, sizeof(data));
		if (n > 0)
			left -= take_lines(&line, data, (size_t)n, now_us());
		else
			sleep_us(NAP_US);
	}
	buf_release(&line);
	if (fd >= 0)
		(void)close(fd);
	return left > 0;
}
