/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scheduler/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/parse.h"
#include "base/str.h"
#include "scheduler/limits.h"

enum {
	CONFIG_FD = 3,
	STAT_MAX = 4096,
	FIELD_START_TIME = 22, /* of /proc/PID/stat, counted from 1 */
	NOT_STARTED = 127,
};

/* ------------------------------------------------------------------------ identity */

/* The name in field 2 may hold anything, so fields are counted from behind it. */
static int read_start_time(pid_t pid, uint64_t *ret)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(STAT_MAX);
	char path[32];
	struct ez_view rest, field;
	const char *end;
	int r;

	if (!str_format(path, sizeof(path), "/proc/%ld/stat", (long)pid))
		return -EINVAL;
	r = fs_read_file(path, STAT_MAX, &text);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	end = memrchr(text.ptr, ')', text.len);
	if (!end || end + 2 > text.ptr + text.len)
		return -EPROTO;
	rest = view_of(end + 2, text.len - (size_t)(end + 2 - text.ptr));
	for (int i = 3; view_split(&rest, ' ', &field); i++) {
		if (i == FIELD_START_TIME)
			return parse_u64(field, ret) ? 0 : -EPROTO;
	}
	return -EPROTO;
}

struct boot_id process_boot_id(void)
{
	_cleanup_(buf_release) struct buf text = BUF_INIT(64);
	struct boot_id id = { .text = "" };

	if (fs_read_file("/proc/sys/kernel/random/boot_id", 64, &text) < 0 ||
	    !str_copy(id.text, sizeof(id.text), view_trim(buf_view(&text))))
		id.text[0] = '\0';
	return id;
}

int process_adopt(pid_t pid, uint64_t start_time, struct process *ret)
{
	uint64_t started = 0;
	int fd, r;

	if (pid <= 1)
		return -ESRCH;
	fd = pidfd_open(pid, 0);
	if (fd < 0)
		return -errno;
	r = read_start_time(pid, &started);
	if (r == 0 && started != start_time)
		r = -ESRCH;
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret = (struct process){ .pid = pid, .pidfd = fd, .start_time = started };
	return 0;
}

/* --------------------------------------------------------------------------- start */

/* In the child, where only plain system calls are safe. A descriptor that is where it belongs
 * already only loses its flag. */
static bool place(int fd, int at)
{
	if (fd == at)
		return fcntl(fd, F_SETFD, 0) == 0;
	return dup2(fd, at) == at;
}

/* Out of the way of the numbers that are handed out below. */
static int lift(int fd)
{
	return fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, CONFIG_FD + 1);
}

static void fresh_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_noreturn_ static void become(const struct spawn *how)
{
	static const char text[] = "cannot start the program\n";
	int null_fd = lift(open("/dev/null", O_RDONLY | O_CLOEXEC));
	int out = lift(how->out_fd), err = lift(how->err_fd), config = lift(how->config_fd);

	(void)setsid();
	if (how->cgroup_fd >= 0)
		(void)!write(how->cgroup_fd, "0", 1);
	if (how->limits)
		limits_apply(how->limits, how->cgroup_fd >= 0);
	if (place(null_fd, STDIN_FILENO) && place(out, STDOUT_FILENO) &&
	    place(err, STDERR_FILENO) && (config < 0 || place(config, CONFIG_FD))) {
		(void)close_range(config < 0 ? CONFIG_FD : CONFIG_FD + 1, UINT_MAX, 0);
		fresh_signals();
		execvpe(how->argv[0], how->argv, how->envp);
	}
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(NOT_STARTED);
}

int process_spawn(const struct spawn *how, struct process *ret)
{
	struct process p = PROCESS_NONE;
	sigset_t all, before;

	/* No handler of ours may run in the child. */
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	p.pid = fork();
	if (p.pid == 0)
		become(how);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (p.pid < 0)
		return -errno;
	/* Nobody else reaps our children, so the number is still its own. */
	p.pidfd = pidfd_open(p.pid, 0);
	if (p.pidfd < 0) {
		int r = -errno;

		(void)kill(p.pid, SIGKILL);
		(void)waitpid(p.pid, NULL, 0);
		return r;
	}
	(void)!read_start_time(p.pid, &p.start_time);
	*ret = p;
	return 0;
}

int process_memory_file(const void *data, size_t len)
{
	int fd = memfd_create("ezcdc", MFD_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = fs_write_all(fd, data, len);
	if (r == 0 && lseek(fd, 0, SEEK_SET) != 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* ----------------------------------------------------------------------------- end */

int process_poll(const struct process *p)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG) == 0) {
		if (info.si_pid == 0)
			return PROCESS_RUNS;
		return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	}
	/* An earlier worker's child: it is gone once nobody can be signalled. */
	return pidfd_send_signal(p->pidfd, 0, NULL, 0) == 0 ? PROCESS_RUNS : PROCESS_UNKNOWN;
}

void process_signal(const struct process *p, int signal)
{
	if (process_is_set(p))
		(void)pidfd_send_signal(p->pidfd, signal, NULL, 0);
}

void process_release(struct process *p)
{
	fs_closep(&p->pidfd);
	*p = PROCESS_NONE;
}
