/* SPDX-License-Identifier: MIT */
/* Raw system calls, most of them wrong: prints what each gives, by number of error. The host's output is the reference. A fresh folder is the working directory. */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include "check.h"
#include "try.h"

static long fd, dir, pipes[2], wronly, rdonly, pathfd;

static void descriptors(void)
{
	TRY(read, NOFD, buffer, 1);
	TRY(read, fd, BAD, 1);
	TRY(read, dir, buffer, 1);
	TRY(read, wronly, buffer, 1);
	TRY(read, pathfd, buffer, 1);
	TRY(write, NOFD, buffer, 1);
	TRY(write, rdonly, buffer, 1);
	TRY(write, fd, BAD, 1);
	TRY(write, fd, BAD, 0);
	TRY(readv, fd, BAD, 1);
	TRY(readv, fd, buffer, -1);
	TRY(readv, fd, buffer, 1025);
	TRY(writev, fd, buffer, 0);
	TRY(pread64, pipes[0], buffer, 1, 0);
	TRY(pread64, fd, buffer, 1, -1L);
	TRY(pwrite64, fd, buffer, 1, -1L);
	TRY(pwrite64, rdonly, buffer, 1, 0);
	TRY(pread64, pipes[1], buffer, 1, 0);
	TRY(pwrite64, pipes[0], buffer, 1, 0);
	TRY(pwritev, pipes[0], &(struct iovec){ buffer, 1 }, 1, 0, 0);
	TRY(preadv, fd, BAD, 1, 0, 0);
	TRY(lseek, NOFD, 0, 0);
	TRY(lseek, pipes[0], 0, 0);
	TRY(lseek, fd, 0, 9);
	TRY(lseek, fd, -5L, SEEK_SET);
	TRY(lseek, fd, 10, SEEK_SET);
	TRY(lseek, fd, 1L << 40, SEEK_DATA);
	TRY(close, NOFD);
	TRY(close, -1);
	TRY(dup, NOFD);
	TRY(dup2, NOFD, 5);
	TRY(dup2, fd, -1);
	TRY(dup2, fd, 1 << 30);
	TRY(dup3, fd, fd, 0);
	TRY(dup3, fd, 60, 1);
	TRY(dup3, NOFD, 60, 0);
	TRY(fcntl, NOFD, F_GETFD, 0);
	TRY(fcntl, fd, 9999, 0);
	TRY(fcntl, fd, F_DUPFD, -1);
	TRY(fcntl, fd, F_SETLK, BAD);
	TRY(fcntl, fd, F_GETFD, 0);
	TRY(ioctl, NOFD, 0x5401, buffer);
	TRY(ioctl, fd, 0x5401, buffer);
	TRY(ioctl, pipes[0], 0x541b, BAD);
	TRY(pipe2, BAD, 0);
	TRY(pipe2, buffer, 1);
	TRY(pipe, BAD);
	TRY(close_range, 9, 5, 0);
	TRY(close_range, 1000, 2000, 64);
	TRY(ftruncate, NOFD, 0);
	TRY(ftruncate, fd, -1L);
	TRY(ftruncate, rdonly, 0);
	TRY(ftruncate, dir, 0);
	TRY(ftruncate, pipes[1], 0);
	TRY(fallocate, fd, 0, 0, 0);
	TRY(fallocate, fd, 0, -1L, 5);
	TRY(fallocate, rdonly, 0, 0, 5);
	TRY(fallocate, pipes[1], 0, 0, 5);
	TRY(fsync, NOFD);
	TRY(fsync, pipes[0]);
	TRY(fdatasync, fd);
	TRY(flock, NOFD, 2);
	TRY(flock, fd, 77);
	TRY(sendfile, fd, pipes[0], 0, 5);
	TRY(sendfile, NOFD, fd, 0, 5);
	TRY(sendfile, fd, wronly, 0, 5);
	TRY(sendfile, pipes[1], rdonly, BAD, 5);
	TRY(copy_file_range, fd, 0, pipes[1], 0, 5, 0);
	TRY(copy_file_range, fd, 0, fd, 0, 5, 1);
	TRY(copy_file_range, NOFD, 0, fd, 0, 5, 0);
	TRY(copy_file_range, dir, 0, fd, 0, 5, 0);
	TRY(fadvise64, NOFD, 0, 0, 0);
	TRY(fadvise64, fd, 0, 0, 77);
	TRY(fadvise64, pipes[0], 0, 0, 0);
	TRY(getdents64, fd, buffer, 100);
	TRY(getdents64, dir, buffer, 5);
	TRY(getdents64, dir, BAD, 1000);
	TRY(getdents64, NOFD, buffer, 1000);
}

static void paths(void)
{
	TRY(open, BAD, O_RDONLY, 0);
	TRY(open, "", O_RDONLY, 0);
	TRY(open, "nothing", O_RDONLY, 0);
	TRY(open, "file/x", O_RDONLY, 0);
	TRY(open, "file/", O_RDONLY, 0);
	TRY(open, "nothing/", O_CREAT | O_WRONLY, 0600);
	TRY(open, "folder", O_WRONLY, 0);
	TRY(open, "folder", O_CREAT | O_RDONLY, 0600);
	TRY(open, "file", O_DIRECTORY, 0);
	TRY(open, "file", O_CREAT | O_EXCL, 0600);
	TRY(open, "link", O_CREAT | O_EXCL, 0600);
	TRY(open, "link", O_NOFOLLOW, 0);
	TRY(open, "loop", O_RDONLY, 0);
	TRY(open, longest, O_RDONLY, 0);
	TRY(open, name256, O_RDONLY, 0);
	TRY(open, name256, O_CREAT | O_WRONLY, 0600);
	TRY(open, "fifo", O_WRONLY | O_NONBLOCK, 0);
	TRY(openat, NOFD, "file", O_RDONLY, 0);
	TRY(openat, fd, "file", O_RDONLY, 0);
	TRY(openat, NOFD, "/", O_RDONLY, 0);
	TRY(creat, "folder", 0600);
	TRY(stat, "nothing", buffer);
	TRY(stat, "file", BAD);
	TRY(stat, BAD, buffer);
	TRY(stat, "loop", buffer);
	TRY(lstat, "loop", buffer);
	TRY(fstat, NOFD, buffer);
	TRY(fstat, fd, BAD);
	TRY(newfstatat, AT_FDCWD, "", buffer, 0);
	TRY(newfstatat, fd, "", buffer, AT_EMPTY_PATH);
	TRY(newfstatat, fd, "x", buffer, 0);
	TRY(newfstatat, AT_FDCWD, "file", buffer, 0x8000000);
	TRY(statx, AT_FDCWD, "file", 0, 0xfff, BAD);
	TRY(statx, AT_FDCWD, "file", 0, 0x80000000, buffer);
	TRY(statx, AT_FDCWD, "file", 0x6000, 0xfff, buffer);
	TRY(statx, AT_FDCWD, "file", 0, 0xfff, buffer);
	TRY(access, "nothing", 0);
	TRY(access, "file", 9);
	TRY(access, "file", 4);
	TRY(access, BAD, 0);
	TRY(faccessat2, AT_FDCWD, "file", 0, 0x8000);
	TRY(chdir, "file");
	TRY(chdir, "nothing");
	TRY(chdir, BAD);
	TRY(fchdir, fd);
	TRY(fchdir, NOFD);
	TRY(getcwd, buffer, 1);
	TRY(getcwd, BAD, 4096);
	TRY(mkdir, "folder", 0700);
	TRY(mkdir, "file/x", 0700);
	TRY(mkdir, "nothing/x", 0700);
	TRY(mkdir, "", 0700);
	TRY(mkdir, BAD, 0700);
	TRY(mkdir, "/", 0700);
	TRY(rmdir, "file");
	TRY(rmdir, "nothing");
	TRY(rmdir, "full");
	TRY(rmdir, "folder/.");
	TRY(rmdir, "full/..");
	TRY(rmdir, "/");
	TRY(unlink, "folder");
	TRY(unlink, "nothing");
	TRY(unlink, "file/");
	TRY(unlink, "");
	TRY(unlink, BAD);
	TRY(unlinkat, AT_FDCWD, "file", 0x8000);
	TRY(unlinkat, AT_FDCWD, "file", AT_REMOVEDIR);
	TRY(link, "nothing", "x");
	TRY(link, "file", "folder");
	TRY(link, "folder", "x");
	TRY(link, "file", "nothing/x");
	TRY(link, BAD, "x");
	TRY(linkat, AT_FDCWD, "file", AT_FDCWD, "x", 0x8000);
	TRY(symlink, "", "x");
	TRY(symlink, "x", "file");
	TRY(symlink, "x", "nothing/x");
	TRY(symlink, BAD, "x");
	TRY(readlink, "file", buffer, 10);
	TRY(readlink, "link", buffer, 0);
	TRY(readlink, "link", BAD, 10);
	TRY(readlink, "nothing", buffer, 10);
	TRY(readlink, "link", buffer, 2);
	TRY(rename, "nothing", "x");
	TRY(rename, "file", "folder");
	TRY(rename, "folder", "file");
	TRY(rename, "full", "full/x");
	TRY(rename, "folder", "full");
	TRY(rename, "file", "nothing/x");
	TRY(rename, ".", "x");
	TRY(rename, "file", "file");
	TRY(rename, BAD, "x");
	TRY(renameat2, AT_FDCWD, "file", AT_FDCWD, "link", 1);
	TRY(renameat2, AT_FDCWD, "file", AT_FDCWD, "x", 99);
	TRY(truncate, "folder", 0);
	TRY(truncate, "nothing", 0);
	TRY(truncate, "file", -1L);
	TRY(truncate, BAD, 0);
	TRY(chmod, "nothing", 0);
	TRY(chmod, BAD, 0);
	TRY(fchmod, NOFD, 0);
	TRY(fchmod, pathfd, 0600);
	TRY(chown, "nothing", 0, 0);
	TRY(fchown, NOFD, 0, 0);
	TRY(fchownat, AT_FDCWD, "file", 0, 0, 0x8000);
	TRY(mknod, "file", S_IFIFO | 0600, 0);
	TRY(mknod, "nod", S_IFDIR | 0600, 0);
	TRY(mknod, "nod", 0770000, 0);
	TRY(utimensat, AT_FDCWD, "nothing", 0, 0);
	TRY(utimensat, AT_FDCWD, "file", BAD, 0);
	TRY(utimensat, AT_FDCWD, "file", 0, 0x8000);
	TRY(utimensat, NOFD, 0, 0, 0);
	TRY(statfs, "nothing", buffer);
	TRY(statfs, "file", BAD);
	TRY(fstatfs, NOFD, buffer);
	TRY(memfd_create, BAD, 0);
	TRY(memfd_create, "x", 0x8000);
	TRY(memfd_create, name256, 0);
	TRY(listxattr, "nothing", buffer, 100);
}

static void memory(void)
{
	char *page = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED && munmap(page + 2 * 4096, 4096) == 0);
	TRY(mmap, 0, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TRY(mmap, 0, 4096, PROT_READ, MAP_ANONYMOUS, -1, 0);
	TRY(mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	TRY(mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, fd, 0);
	TRY(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, NOFD, 0);
	TRY(mmap, 0, 0, PROT_READ, MAP_PRIVATE, NOFD, 0);
	TRY(mmap, 0, 4096, PROT_READ, 0, NOFD, 0);
	TRY(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, NOFD, 5);
	TRY(mmap, 0, 0, PROT_READ, MAP_PRIVATE, fd, 0);
	TRY(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, fd, 5);
	TRY(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, wronly, 0);
	TRY(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, rdonly, 0);
	TRY(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, dir, 0);
	TRY(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, pipes[0], 0);
	TRY(mmap, 1, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	TRY(mmap, 0, -4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TRY(mmap, page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	TRY(munmap, 1, 4096);
	TRY(munmap, page, 0);
	TRY(munmap, page + 2 * 4096, 4096);
	TRY(mprotect, page + 1, 4096, PROT_READ);
	TRY(mprotect, page, 4 * 4096, PROT_READ);
	TRY(mprotect, page, 4096, 0x100);
	TRY(mprotect, page, 0, PROT_READ);
	TRY(mremap, page + 1, 4096, 8192, 1, 0);
	TRY(mremap, page + 2 * 4096, 4096, 8192, 1, 0);
	TRY(mremap, page, 4096, 0, 1, 0);
	TRY(mremap, page, 4096, 4096, 8, 0);
	TRY(mremap, page, 8192, 16384, 0, 0);
	TRY(msync, page + 1, 4096, MS_SYNC);
	TRY(msync, page, 4096, MS_SYNC | MS_ASYNC);
	TRY(msync, page + 2 * 4096, 4096, MS_SYNC);
	TRY(mincore, page + 1, 4096, buffer);
	TRY(mincore, page, 4096, BAD);
	TRY(mincore, page + 2 * 4096, 4096, buffer);
	TRY(madvise, page + 1, 4096, MADV_DONTNEED);
	TRY(madvise, page, 4096, 99);
	TRY(madvise, page + 2 * 4096, 4096, MADV_DONTNEED);
	TRY(mlock, page + 2 * 4096, 4096);
	TRY(munlock, page, 4096);
}

static void processes(void)
{
	struct rlimit low = { 10, 5 };

	TRY(kill, 1L << 30, 0);
	TRY(kill, getpid(), 65);
	TRY(kill, getpid(), 0);
	TRY(tkill, -1, 0);
	TRY(tgkill, getpid(), 1L << 29, 0);
	TRY(rt_sigaction, 0, 0, buffer, 8);
	TRY(rt_sigaction, SIGKILL, buffer, 0, 8);
	TRY(rt_sigaction, SIGUSR1, BAD, 0, 8);
	TRY(rt_sigaction, SIGUSR1, 0, BAD, 8);
	TRY(rt_sigaction, SIGUSR1, 0, 0, 4);
	TRY(rt_sigaction, 65, 0, 0, 8);
	TRY(rt_sigprocmask, 9, buffer, 0, 8);
	TRY(rt_sigprocmask, 0, BAD, 0, 8);
	TRY(rt_sigprocmask, 0, 0, BAD, 8);
	TRY(rt_sigprocmask, 0, 0, 0, 16);
	TRY(rt_sigpending, BAD, 8);
	TRY(rt_sigsuspend, BAD, 8);
	TRY(rt_sigsuspend, buffer, 4);
	TRY(rt_sigtimedwait, BAD, 0, 0, 8);
	TRY(rt_sigtimedwait, buffer, 0, BAD, 8);
	TRY(rt_sigqueueinfo, getpid(), SIGUSR1, BAD);
	TRY(sigaltstack, BAD, 0);
	TRY(wait4, -1, 0, 0, 0);
	TRY(wait4, 1L << 29, 0, 0, 0);
	TRY(wait4, -1, 0, 0x10000, 0);
	TRY(wait4, 0x80000000L, 0, 0, 0);
	TRY(waitid, 9, 0, 0, 4, 0);
	TRY(waitid, P_ALL, 0, 0, 0, 0);
	TRY(waitid, P_ALL, 0, 0, 4 | 0x100, 0);
	TRY(waitid, P_ALL, 0, 0, 4, 0);
	TRY(setpgid, 1L << 29, 0);
	TRY(setpgid, 0, -1);
	TRY(getpgid, 1L << 29);
	TRY(getsid, 1L << 29);
	TRY(getpriority, 9, 0);
	TRY(setpriority, 9, 0, 0);
	TRY(getpriority, 0, 1L << 29);
	TRY(getrlimit, 99, buffer);
	TRY(getrlimit, 3, BAD);
	TRY(setrlimit, 3, &low);
	TRY(prlimit64, 1L << 29, 3, 0, buffer);
	TRY(getrusage, 9, buffer);
	TRY(getrusage, 0, BAD);
	TRY(times, BAD);
	TRY(sysinfo, BAD);
	TRY(uname, BAD);
	TRY(execve, "nothing", 0, 0);
	TRY(execve, "folder", 0, 0);
	TRY(execve, "file", 0, 0);
	TRY(execve, "file/x", 0, 0);
	TRY(execve, BAD, 0, 0);
	TRY(execve, "loop", 0, 0);
	TRY(execve, longest, 0, 0);
	TRY(execve, "/proc/self/exe", BAD, 0);
	TRY(execveat, NOFD, "file", 0, 0, 0);
	TRY(execveat, dir, "file", 0, 0, 0);
	TRY(execveat, dir, "nothing", 0, 0, 0);
	TRY(execveat, pathfd, "file", 0, 0, 0);
	TRY(execveat, fd, "file", 0, 0, 0);
	TRY(execveat, dir, "", 0, 0, 0);
	TRY(clone3, BAD, 64);
	TRY(clone3, buffer, 8);
	memset(buffer, 0, 200);
	buffer[88] = buffer[97] = 1;
	TRY(clone3, buffer, 89);
	TRY(clone3, buffer, 98);
	TRY(clone3, buffer, 112);
	TRY(nanosleep, BAD, 0);
	TRY(nanosleep, &(struct timespec){ -1, 0 }, 0);
	TRY(nanosleep, &(struct timespec){ 0, 1000000000 }, 0);
	TRY(clock_gettime, 99, buffer);
	TRY(clock_gettime, 0, BAD);
	TRY(clock_getres, 99, buffer);
	TRY(clock_nanosleep, 99, 0, buffer, 0);
	TRY(gettimeofday, BAD, 0);
	TRY(time, BAD);
	TRY(setitimer, 9, 0, 0);
	TRY(setitimer, 0, BAD, 0);
	TRY(getitimer, 9, buffer);
	TRY(getitimer, 0, BAD);
	TRY(timer_create, 0, BAD, buffer);
	TRY(timer_create, 0, 0, BAD);
	TRY(getrandom, BAD, 16, 0);
	TRY(getrandom, buffer, 16, 0x100);
	TRY(prctl, 9999, 0, 0, 0, 0);
	TRY(prctl, 16, BAD, 0, 0, 0);
	TRY(sched_getaffinity, 1L << 29, 128, buffer);
	TRY(sched_getaffinity, 0, 1, buffer);
	TRY(sched_getparam, 0, BAD);
	TRY(sched_get_priority_max, 99);
	TRY(sched_setscheduler, 0, 99, buffer);
	TRY(getgroups, -1, buffer);
	TRY(futex, BAD, 0, 0, 0, 0, 0);
	TRY(futex, 1, 1, 0, 0, 0, 0);
	TRY(futex, buffer, 99, 0, 0, 0, 0);
	TRY(futex, buffer, 0, 1, 0, 0, 0);
	*(int *)buffer = getpid(); /* held, by us; by nobody that there is */
	TRY(futex, buffer, 6, 0, 0, 0, 0);
	*(int *)buffer = 0x3ffffff0;
	TRY(futex, buffer, 6, 0, 0, 0, 0);
	TRY(futex, buffer, 7, 0, 0, 0, 0);
	TRY(arch_prctl, 0x9999, 0);
	TRY(arch_prctl, 0x1011, 0); /* ARCH_GET_CPUID */
	TRY(arch_prctl, 0x1003, BAD);
	TRY(set_robust_list, buffer, 5);
}

static void waiting(void)
{
	struct timespec wrong = { 0, -1 };

	TRY(poll, BAD, 1, 0);
	TRY(poll, buffer, 0, 0);
	TRY(ppoll, buffer, 0, BAD, 0, 8);
	TRY(ppoll, buffer, 0, &wrong, 0, 8);
	TRY(ppoll, buffer, 0, 0, buffer, 4);
	TRY(select, -1, 0, 0, 0, 0);
	TRY(select, 1, BAD, 0, 0, 0);
	TRY(select, 0, 0, 0, 0, BAD);
	memset(buffer, 0xff, 128);
	TRY(select, 64, buffer, 0, 0, 0);
	memset(buffer, 0, 128);
	TRY(epoll_create1, 1);
	TRY(epoll_ctl, NOFD, 1, fd, buffer);
	TRY(epoll_wait, fd, buffer, 1, 0);
	TRY(eventfd2, 0, 99);
	TRY(timerfd_create, 99, 0);
	TRY(timerfd_gettime, fd, buffer);
	TRY(signalfd4, -1, BAD, 8, 0);
	TRY(socket, 99, 1, 0);
	TRY(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD);
	TRY(bind, fd, buffer, 10);
	TRY(listen, NOFD, 1);
	TRY(accept4, fd, 0, 0, 0);
	TRY(getsockopt, fd, 1, 3, buffer, buffer);
}

int main(void)
{
	char folder[] = "errorsXXXXXX";
	int p[2];

	CHECK(mkdtemp(folder) && chdir(folder) == 0);
	memset(longest, 'a', sizeof(longest) - 1);
	memset(name256, 'b', 256);
	fd = open("file", O_CREAT | O_RDWR, 0644);
	CHECK(fd >= 0 && write((int)fd, "some text of a file\n", 20) == 20 && mkdir("folder", 0755) == 0 && mkdir("full", 0755) == 0 && mkdir("full/in", 0755) == 0);
	CHECK(symlink("file", "link") == 0 && symlink("loop", "loop") == 0 && mkfifo("fifo", 0600) == 0 && pipe(p) == 0);
	pipes[0] = p[0];
	pipes[1] = p[1];
	dir = open(".", O_RDONLY);
	wronly = open("file", O_WRONLY);
	rdonly = open("file", O_RDONLY);
	pathfd = open("file", O_PATH);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	descriptors();
	paths();
	memory();
	processes();
	waiting();
	return 0;
}
