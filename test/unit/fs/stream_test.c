/* SPDX-License-Identifier: MIT */
/* Pipes, fifos, devices, poll and /proc. */
#include "calls.h"
#include <asm/ioctls.h>
#include <asm/poll.h>
#include <linux/time_types.h>

static char buffer[200000];
static int pair[2], sleeps;

TEST(fs_pipe)
{
	shim_start();
	CHECK_EQ(SYS(pipe2, pair, 0x40), -EINVAL);
	CHECK_EQ(SYS(pipe2, pair, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQ(SYS(fcntl, pair[1], F_GETFD), 1);
	CHECK_EQ(SYS(read, pair[0], buffer, 10), -EAGAIN);
	CHECK_EQ(SYS(write, pair[0], buffer, 10), -EBADF);
	CHECK_EQ(SYS(pread64, pair[0], buffer, 10, 0), -ESPIPE);
	CHECK_EQ(SYS(lseek, pair[0], 0, 0), -ESPIPE);
	for (int i = 0; i < 100000; i++)
		buffer[i] = (char)(i * 7);
	CHECK_EQ(SYS(write, pair[1], buffer, 100000), 65536);
	CHECK_EQ(SYS(write, pair[1], buffer, 1), -EAGAIN);
	CHECK_EQ(SYS(read, pair[0], buffer + 100000, 4095), 4095);
	CHECK_EQ(SYS(write, pair[1], buffer, 4096), -EAGAIN);
	CHECK_EQ(SYS(write, pair[1], buffer, 4097), 4095);
	CHECK_EQ(SYS(read, pair[0], buffer + 104095, 70000), 65536);
	for (int i = 0; i < 65536; i++)
		CHECK_EQ(buffer[100000 + i], (char)(i * 7));
	int fill;
	CHECK_EQ(SYS(write, pair[1], buffer, 30), 30);
	CHECK_EQ(SYS(ioctl, pair[0], FIONREAD, &fill), 0);
	CHECK_EQ(fill, 30);
	CHECK_EQ(SYS(write, pair[1], 16, 30), -EFAULT);
	CHECK_EQ(SYS(close, pair[1]), 0);
	CHECK_EQ(SYS(read, pair[0], buffer, 100), 30);
	CHECK_EQ(SYS(read, pair[0], buffer, 100), 0);
	CHECK_EQ(SYS(pipe, pair), 0);
}

TEST(fs_pipe_broken)
{
	shim_start();
	CHECK_EQ(SYS(pipe, pair), 0);
	CHECK_EQ(SYS(close, pair[0]), 0);
	CHECK_EQ(SYS(write, pair[1], buffer, 10), -EPIPE);
	CHECK_EQ(shim_signals[13], 1);
}

/* While the caller sleeps, another writes, reads, and at last closes. */
static int other_side(void *channel, uint64_t deadline)
{
	(void)channel;
	(void)deadline;
	switch (sleeps++) {
	case 0:
		CHECK_EQ(SYS(write, pair[1], "abc", 3), 3);
		return 0;
	case 1:
		return 0; /* woken for nothing */
	case 2:
		return -EINTR;
	default:
		CHECK(SYS(read, pair[0], buffer + 100000, 30000) > 0);
		return 0;
	}
}

TEST(fs_pipe_sleep)
{
	shim_start();
	CHECK_EQ(SYS(pipe, pair), 0);
	shim_sleep = other_side;
	CHECK_EQ(SYS(read, pair[0], buffer, 10), 3);
	CHECK_EQ(SYS(read, pair[0], buffer, 10), -ERESTARTSYS);
	CHECK_EQ(SYS(write, pair[1], buffer, 100000), 100000);
	CHECK(sleeps > 4);
}

/* Makes room in the pipe, and the file whose bytes are on their way into it is cut. */
static int file_is_cut(void *channel, uint64_t deadline)
{
	(void)channel;
	(void)deadline;
	CHECK_EQ(SYS(truncate, "/tmp/cut", 0), 0);
	CHECK(SYS(read, pair[0], buffer + 100000, 65536) > 0);
	return 0;
}

TEST(fs_pipe_sendfile_cut)
{
	int fd;

	shim_start();
	memset(buffer, 'c', 8192);
	fd = opened("/tmp/cut", O_CREAT | O_RDWR);
	CHECK_EQ(SYS(write, fd, buffer, 8192), 8192);
	CHECK_EQ(SYS(lseek, fd, 0, 0), 0);
	CHECK_EQ(SYS(pipe, pair), 0);
	CHECK_EQ(SYS(write, pair[1], buffer + 100000, 65536), 65536);
	shim_sleep = file_is_cut;
	CHECK_EQ(SYS(sendfile, pair[1], fd, NULL, 8192), 4096); /* what had been read before; the rest is gone */
	CHECK_EQ(SYS(lseek, fd, 0, 1), 4096);
	CHECK_EQ(SYS(read, pair[0], buffer + 100000, 65536), 4096);
	CHECK(!memcmp(buffer, buffer + 100000, 4096));
	CHECK_EQ(SYS(close, fd), 0);
}

static int fifo_peer(void *channel, uint64_t deadline)
{
	int fd;

	(void)channel;
	(void)deadline;
	if (sleeps++)
		return -EINTR;
	fd = (int)SYS(open, "/tmp/p", O_WRONLY | O_NONBLOCK, 0);
	CHECK(fd >= 0);
	CHECK_EQ(SYS(write, fd, "hi", 2), 2);
	CHECK_EQ(SYS(close, fd), 0);
	return 0;
}

TEST(fs_fifo)
{
	struct pollfd p;
	long pages;
	int fd;

	shim_start();
	pages = shim_pages;
	CHECK_EQ(SYS(mknod, "/tmp/p", S_IFIFO | 0644, 0), 0);
	CHECK_EQ(SYS(open, "/tmp/p", O_WRONLY | O_NONBLOCK, 0), -ENXIO);
	CHECK_EQ(SYS(open, "/tmp/p", O_WRONLY, 0), -ERESTARTSYS);
	shim_sleep = fifo_peer;
	fd = opened("/tmp/p", O_RDONLY); /* the peer is gone again when it returns */
	CHECK_EQ(SYS(read, fd, buffer, 10), 2);
	CHECK_EQ(SYS(read, fd, buffer, 10), 0);
	CHECK_EQ(SYS(close, fd), 0);
	fd = opened("/tmp/p", O_RDONLY | O_NONBLOCK);
	CHECK_EQ(SYS(read, fd, buffer, 10), 0);
	p = (struct pollfd){ fd, POLLIN, 0 };
	CHECK_EQ(SYS(poll, &p, 1, 0), 0);
	CHECK_EQ(SYS(close, fd), 0);
	fd = opened("/tmp/p", O_RDWR);
	CHECK_EQ(SYS(write, fd, "self", 4), 4);
	CHECK_EQ(SYS(close, fd), 0);
	CHECK_EQ(SYS(unlink, "/tmp/p"), 0);
	CHECK_EQ(shim_pages, pages);
}

TEST(fs_init_pipes)
{
	struct pipe *in, *out, *err;

	shim_start();
	in = pipe_new();
	out = pipe_new();
	err = pipe_new();
	CHECK_EQ(files_open_pipes(current_files(), in, out, err), 0);
	CHECK_EQ(pipe_put(in, "input", 5), 5);
	CHECK_EQ(SYS(read, 0, buffer, 100), 5);
	pipe_close_writer(in);
	CHECK_EQ(SYS(read, 0, buffer, 100), 0);
	CHECK_EQ(SYS(write, 1, "out", 3), 3);
	CHECK_EQ(SYS(write, 2, "error", 5), 5);
	CHECK_EQ(pipe_fill(err), 5);
	CHECK_EQ(pipe_take(out, buffer, 100), 3);
	CHECK_EQ(pipe_has_writer(out), 1);
	SYS(close, 1);
	CHECK_EQ(pipe_has_writer(out), 0);
	SYS(close, 0);
	CHECK_EQ(pipe_has_reader(in), 0);
	CHECK_EQ(pipe_room(err), 65531);
}

TEST(fs_devices)
{
	int fd;

	shim_start();
	fd = opened("/dev/null", O_RDWR);
	CHECK_EQ(SYS(write, fd, buffer, 1000), 1000);
	CHECK_EQ(SYS(read, fd, buffer, 10), 0);
	CHECK_EQ(SYS(lseek, fd, 100, 0), 0);
	fd = opened("/dev/zero", O_RDWR);
	memset(buffer, 1, 10000);
	CHECK_EQ(SYS(read, fd, buffer, 10000), 10000);
	CHECK_EQ(buffer[9999], 0);
	fd = opened("/dev/full", O_RDWR);
	CHECK_EQ(SYS(write, fd, buffer, 1), -ENOSPC);
	fd = opened("/dev/urandom", O_RDONLY);
	CHECK_EQ(SYS(read, fd, buffer, 1000), 1000);
	CHECK_EQ(buffer[999], 0x5a);
	CHECK_EQ(SYS(open, "/dev/stdin", 0, 0) >= 0, 1);
	CHECK_EQ(SYS(mknod, "/tmp/n", S_IFCHR | 0666, 0x103), 0);
	CHECK_EQ(SYS(write, opened("/tmp/n", O_WRONLY), buffer, 7), 7);
	CHECK_EQ(SYS(mknod, "/tmp/u", S_IFCHR | 0666, 0x7703), 0);
	CHECK_EQ(SYS(open, "/tmp/u", 0, 0), -ENXIO);
	CHECK_EQ(SYS(ioctl, fd, TCGETS, buffer), -EINVAL);
	CHECK_EQ(SYS(mknod, "/tmp/d", S_IFDIR | 0666, 0), -EPERM);
	CHECK_EQ(stat_of("/dev/null").st_rdev, 0x103);
}

TEST(fs_poll)
{
	struct pollfd p[4];
	uint64_t in[4] = { 0 }, out[4] = { 0 };
	struct __kernel_timespec t = { 0, 5000000 };
	long tv[2] = { 1, 0 };
	uint64_t before;
	uint64_t mask = 0xff, mask_arg[2] = { (uint64_t)&mask, 8 };

	shim_start();
	CHECK_EQ(SYS(pipe, pair), 0);
	p[0] = (struct pollfd){ pair[0], POLLIN, 0 };
	p[1] = (struct pollfd){ pair[1], POLLOUT, 0 };
	p[2] = (struct pollfd){ 99, POLLIN, 0 };
	p[3] = (struct pollfd){ -1, POLLIN, 7 };
	CHECK_EQ(SYS(poll, p, 4, 100), 2);
	CHECK_EQ(p[0].revents, 0);
	CHECK_EQ(p[1].revents, POLLOUT);
	CHECK_EQ(p[2].revents, POLLNVAL);
	CHECK_EQ(p[3].revents, 0);
	before = shim_clock;
	CHECK_EQ(SYS(poll, p, 1, 100), 0);
	CHECK(shim_clock - before >= 100000000);
	CHECK_EQ(SYS(poll, p, 1, -1), -ERESTARTNOHAND);
	CHECK_EQ(SYS(ppoll, p, 1, &t, 0, 8), 0);
	in[0] = 1ul << pair[0];
	out[0] = 1ul << pair[1];
	CHECK_EQ(SYS(select, 8, in, out, 0, tv), 1);
	CHECK_EQ(in[0], 0);
	CHECK_EQ(out[0], 1ul << pair[1]);
	CHECK(tv[0] == 0 || (tv[0] == 1 && tv[1] == 0)); /* what is left of it */
	in[0] = 1ul << pair[0];
	CHECK_EQ(SYS(pselect6, 8, in, 0, 0, &t, 0), 0);
	current_thread()->signals.blocked = 0x11;
	in[0] = 1ul << pair[0];
	CHECK_EQ(SYS(pselect6, 8, in, 0, 0, &t, mask_arg), 0);
	CHECK_EQ(current_thread()->signals.blocked, 0x11);
	in[0] = 1ul << pair[0];
	CHECK_EQ(SYS(pselect6, 8, in, 0, 0, 0, mask_arg), -ERESTARTNOHAND);
	CHECK_EQ(current_thread()->signals.restore, 1);
	CHECK_EQ(current_thread()->signals.restore_mask, 0x11);
	in[0] = 1ul << 60;
	CHECK_EQ(SYS(select, 64, in, 0, 0, tv), -EBADF);
	CHECK_EQ(SYS(write, pair[1], "x", 1), 1);
	SYS(close, pair[1]);
	CHECK_EQ(SYS(poll, p, 1, 100), 1);
	CHECK_EQ(p[0].revents, POLLIN | POLLHUP);
}

TEST(fs_proc)
{
	struct stat st;
	int fd, child;

	shim_start();
	CHECK_EQ(SYS(readlink, "/proc/self", buffer, 100), 3);
	CHECK(!memcmp(buffer, "100", 3));
	CHECK(!strncmp(get_file("/proc/self/stat"), "100 (tester) R 1 100 100 0 -1 ", 30));
	CHECK(strstr(get_file("/proc/100/status"), "\nPPid:\t1\n") != NULL);
	CHECK_STR(get_file("/proc/self/comm"), "tester\n");
	CHECK_STR(get_file("/proc/self/task/100/comm"), "tester\n");
	CHECK_EQ(SYS(open, "/proc/self/task/100/task", 0, 0), -ENOENT);
	CHECK(strstr(get_file("/proc/meminfo"), "MemTotal:         262144 kB\n") != NULL);
	CHECK(strstr(get_file("/proc/mounts"), "proc /proc proc") != NULL);
	CHECK(strstr(get_file("/proc/cpuinfo"), "model name\t: ") != NULL);
	CHECK(strstr(get_file("/proc/uptime"), ".") != NULL);
	CHECK_EQ(SYS(open, "/proc/999", 0, 0), -ENOENT);
	CHECK_EQ(SYS(open, "/proc/self/stat", O_WRONLY, 0) >= 0, 1);
	fd = opened("/etc/passwd", O_RDONLY);
	snprintf(buffer, sizeof buffer, "/proc/self/fd/%d", fd);
	CHECK_EQ(SYS(readlink, buffer, buffer + 100, 100), 11);
	CHECK(!memcmp(buffer + 100, "/etc/passwd", 11));
	CHECK_STR(get_file(buffer), "root:x:0:0\n");
	CHECK_EQ(SYS(stat, buffer, &st), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(SYS(lstat, buffer, &st), 0);
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(SYS(open, "/proc/self/fd/77", 0, 0), -ENOENT);
	CHECK_EQ(SYS(pipe, pair), 0);
	snprintf(buffer, sizeof buffer, "/proc/self/fd/%d", pair[0]);
	CHECK(SYS(readlink, buffer, buffer + 100, 100) > 7);
	CHECK(!memcmp(buffer + 100, "pipe:[", 6));
	CHECK_EQ(SYS(chdir, "/many"), 0);
	CHECK_EQ(SYS(readlink, "/proc/self/cwd", buffer, 100), 5);
	CHECK_STR(get_file("/proc/self/cwd/../etc/passwd"), "root:x:0:0\n");
	CHECK_EQ(SYS(chdir, "/proc/self/fd"), 0);
	CHECK(SYS(getcwd, buffer, 100) > 0);
	CHECK_STR(buffer, "/proc/100/fd");
	child = shim_fork();
	snprintf(buffer, sizeof buffer, "/proc/%d/stat", shim_task[child].pid);
	fd = opened(buffer, O_RDONLY);
	shim_task[child].pid = 0;
	CHECK_EQ(SYS(read, fd, buffer, 100), -ESRCH);
	CHECK_EQ(inode_lookup("/bin/tool", &shim_task[0].exe), 0);
	CHECK_EQ(SYS(readlink, "/proc/self/exe", buffer, 100), 9);
	CHECK(!memcmp(buffer, "/bin/tool", 9));
	CHECK_STR(get_file("/proc/self/exe"), "tool!");
	fd = opened("/proc", O_RDONLY);
	CHECK(SYS(getdents64, fd, buffer, 10000) > 300);
}
