/* SPDX-License-Identifier: MIT */
/* Every bit of the flags of calls, by itself and beside what the call wants: taken or refused, and by which errno.
 * Linux is the judge; what only newer ones know than Debian's is left out. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "try.h"

static int file, folder, pair[2], pipes[2];
static char *page;

/* what: the call; each bit that `with` does not have, but for those of `but`, which are newer or the machine's. */
static void sweep(const char *what, uint32_t with, uint32_t but, long (*call)(uint32_t flags))
{
	printf("%s:", what);
	for (int bit = 0; bit < 32; bit++) {
		uint32_t flag = 1u << bit;
		long r;

		if ((with | but) & flag)
			continue;
		errno = 0;
		r = call(with | flag);
		if (r < 0)
			printf(" %x=%d", flag, errno);
		else
			printf(" %x", flag);
	}
	printf("\n");
}

static long closes(long fd)
{
	if (fd >= 0)
		close((int)fd);
	return fd;
}

static long opened(uint32_t f) { return closes(syscall(SYS_openat, AT_FDCWD, "file", f, 0600)); }
static long mapped(uint32_t f)
{
	long at = syscall(SYS_mmap, 0, 4096l, PROT_READ | PROT_WRITE, f, -1l, 0l);

	if (at != -1)
		munmap((void *)at, 4096);
	return at == -1 ? -1 : 0;
}
static long map_file(uint32_t f)
{
	long at = syscall(SYS_mmap, 0, 4096l, PROT_READ, f, (long)file, 0l);

	if (at != -1)
		munmap((void *)at, 4096);
	return at == -1 ? -1 : 0;
}
static long protected(uint32_t f) { return syscall(SYS_mprotect, page, 4096l, f); }
static long synced(uint32_t f) { return syscall(SYS_msync, page, 4096l, f); }
static long moved(uint32_t f) { return syscall(SYS_mremap, page, 4096l, 4096l, f, page) == -1 ? -1 : 0; }
static long renamed(uint32_t f) { return syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "file", f); }
static long waited(uint32_t f) { return syscall(SYS_waitid, P_ALL, 0, 0l, f, 0l); }
static long wait_four(uint32_t f) { return syscall(SYS_wait4, -1l, 0l, f, 0l); }
static long socket_made(uint32_t f) { return closes(syscall(SYS_socket, AF_UNIX, f, 0)); }
static long pair_made(uint32_t f)
{
	int p[2];
	long r = syscall(SYS_socketpair, AF_UNIX, f, 0, p);

	if (r == 0)
		close(p[0]), close(p[1]);
	return r;
}
static long sent(uint32_t f) { return syscall(SYS_sendto, pair[0], "x", 1l, f, 0l, 0l); }
static long received(uint32_t f) { return syscall(SYS_recvfrom, pair[1], buffer, 1l, f, 0l, 0l); }
static long piped(uint32_t f)
{
	int p[2];
	long r = syscall(SYS_pipe2, p, f);

	if (r == 0)
		close(p[0]), close(p[1]);
	return r;
}
static long duplicated(uint32_t f) { return closes(syscall(SYS_dup3, file, 90, f)); }
static long event_made(uint32_t f) { return closes(syscall(SYS_eventfd2, 0, f)); }
static long timer_made(uint32_t f) { return closes(syscall(SYS_timerfd_create, 0, f)); }
static long inotify_made(uint32_t f) { return closes(syscall(SYS_inotify_init1, f)); }
static long epoll_made(uint32_t f) { return closes(syscall(SYS_epoll_create1, f)); }
static long memory_made(uint32_t f) { return closes(syscall(SYS_memfd_create, "m", f)); }
static long signal_made(uint32_t f) { return closes(syscall(SYS_signalfd4, -1l, &(uint64_t){ 1 }, 8l, f)); }
static long unlinked(uint32_t f) { return syscall(SYS_unlinkat, AT_FDCWD, "nothing", f); }
static long accessed(uint32_t f) { return syscall(SYS_faccessat2, AT_FDCWD, "file", 0, f); }
static long stated(uint32_t f) { return syscall(SYS_newfstatat, AT_FDCWD, "file", buffer, f); }
static long statx_of(uint32_t f) { return syscall(SYS_statx, AT_FDCWD, "file", f, 0, buffer); }
static long linked(uint32_t f) { return syscall(SYS_linkat, AT_FDCWD, "nothing", AT_FDCWD, "other", f); }
static long owned(uint32_t f) { return syscall(SYS_fchownat, AT_FDCWD, "file", -1l, -1l, f); }
static long timed(uint32_t f) { return syscall(SYS_utimensat, AT_FDCWD, "file", 0l, f); }
static long drawn(uint32_t f) { return syscall(SYS_getrandom, buffer, 1l, f); }
static long spliced(uint32_t f) { return syscall(SYS_splice, file, 0l, pipes[1], 0l, 1l, f); }
static long teed(uint32_t f) { return syscall(SYS_tee, pipes[0], pipes[0], 1l, f); }
static long closed_range(uint32_t f) { return syscall(SYS_close_range, 500l, 501l, f); }
static long pidfd_made(uint32_t f) { return closes(syscall(SYS_pidfd_open, (long)getpid(), f)); }
static long unshared(uint32_t f) { return syscall(SYS_unshare, f); }

int main(void)
{
	char name[] = "flagsXXXXXX";

	CHECK(mkdtemp(name) && chdir(name) == 0);
	file = open("file", O_RDWR | O_CREAT, 0600);
	folder = open(".", O_RDONLY);
	CHECK(file >= 0 && folder >= 0 && write(file, buffer, 8192) == 8192 && pipe(pipes) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0);
	page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED && write(pipes[1], "abcdefgh", 8) == 8);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	sweep("open", O_RDONLY, O_DIRECT, opened);
	sweep("open to write", O_WRONLY, O_DIRECT, opened);
	sweep("open a path", O_PATH, 0, opened);
	sweep("mmap", MAP_PRIVATE | MAP_ANONYMOUS, 0x8 | MAP_HUGETLB | MAP_FIXED | MAP_FIXED_NOREPLACE, mapped);
	sweep("mmap a file", MAP_SHARED,
		0x8 | 0x80 | MAP_SYNC | MAP_HUGETLB | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS, map_file);
	sweep("mmap validated", MAP_SHARED_VALIDATE,
		0x8 | 0x80 | MAP_SYNC | MAP_HUGETLB | MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_ANONYMOUS,
		map_file);
	sweep("mprotect", PROT_READ, PROT_GROWSDOWN | PROT_GROWSUP | 0x10, protected);
	sweep("mprotect, back", PROT_READ | PROT_WRITE, -1u & ~PROT_EXEC, protected);
	sweep("msync", 0, 0, synced);
	sweep("mremap", 0, MREMAP_FIXED | MREMAP_MAYMOVE, moved);
	sweep("renameat2", 0, 4, renamed); /* RENAME_WHITEOUT is the file system's */
	sweep("waitid", WEXITED, 0, waited);
	sweep("waitid, no kind", 0, 0, waited);
	sweep("wait4", 0, 0, wait_four);
	sweep("socket", SOCK_STREAM, 0, socket_made);
	sweep("socketpair", SOCK_DGRAM, 0, pair_made);
	sweep("send", 0, MSG_OOB | 0x08000000 | MSG_FASTOPEN, sent);
	sweep("recv", MSG_DONTWAIT, MSG_OOB | MSG_ERRQUEUE, received);
	sweep("pipe2", 0, 0, piped);
	sweep("dup3", 0, 0, duplicated);
	sweep("eventfd2", 0, 0, event_made);
	sweep("timerfd_create", 0, 0, timer_made);
	sweep("inotify_init1", 0, 0, inotify_made);
	sweep("epoll_create1", 0, 0, epoll_made);
	sweep("memfd_create", 0, MFD_HUGETLB | 0x18, memory_made);
	sweep("signalfd4", 0, 0, signal_made);
	sweep("unlinkat", 0, 0, unlinked);
	sweep("faccessat2", 0, 0, accessed);
	sweep("newfstatat", 0, 0, stated);
	sweep("statx", 0, 0, statx_of);
	sweep("linkat", 0, 0, linked);
	sweep("fchownat", 0, 0, owned);
	sweep("utimensat", 0, 0, timed);
	sweep("getrandom", 0, 0, drawn);
	sweep("splice", 0, 0, spliced);
	sweep("tee", 0, 0, teed);
	sweep("close_range", 0, 0, closed_range);
	sweep("pidfd_open", 0, 0x80, pidfd_made);
	sweep("unshare", 0, 0x7e020080, unshared);
	for (int advice = 0; advice < 30; advice++) {
		int r = (int)syscall(SYS_madvise, page, 4096l, advice);

		printf("madvise %d: %d\n", advice, r ? errno : 0);
	}
	return 0;
}
