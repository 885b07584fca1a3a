/* SPDX-License-Identifier: MIT */
/* Swap to compressed memory. `swapped pages`: what becomes of pages that were put there, by each call that knows
 * pages. `swapped fork`: of those that a fork shares. `swapped ended`: of those of a process that was ended from
 * outside. `swapped off`: swapoff under load. `swapped others`: sleepers
 * give up theirs for who has none to give. `swapped big N`: N MiB of data that can be packed, more than there is
 * memory; the sum of it. Aril only: it counts frames. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include "check.h"
#include <rt/gate.h>
#include "spare.h"

#define SWAP "/dev/zram0"
#define SIZE 4096ul
#define PAGES 600ul /* over the border of a table, and of a span */

static uint64_t meminfo(const char *name)
{
	char line[128];
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long kb = ~0ul;

	CHECK(f);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, name, strlen(name)))
			kb = strtoul(line + strlen(name), 0, 10);
	fclose(f);
	CHECK(kb != ~0ul);
	return kb / 4;
}

static uint64_t used(void) { return meminfo("SwapTotal:") - meminfo("SwapFree:"); }

/* Pages that stayed at the last look, since a fork shares their tables: /proc/aril. */
static unsigned long stayed(void)
{
	char line[256];
	FILE *f = fopen("/proc/aril", "r");
	unsigned long n = ~0ul;

	CHECK(f);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, "swap:", 5))
			CHECK(sscanf(line, "swap: %*u pages packed, %*u of zeros, %*u times %*[^;]; %lu", &n) == 1);
	fclose(f);
	return n;
}

/* What VmSwap of this process says, in pages. */
static uint64_t own(void)
{
	char line[128];
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long kb = ~0ul;

	CHECK(f);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, "VmSwap:", 7))
			kb = strtoul(line + 7, 0, 10);
	fclose(f);
	return kb / 4;
}

/* Page i of three kinds: of zeros, one that can be packed, one that cannot. */
static int kind(unsigned long i) { return (int)(i % 3); }

static uint64_t word(unsigned long i, unsigned long k)
{
	uint64_t x = i * 512 + k + 1;

	if (kind(i) == 0)
		return 0;
	if (kind(i) == 1)
		return i * 0x10001 + k / 64;
	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15u;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return x ^ x >> 32;
}

static void fill(char *m, unsigned long from, unsigned long n)
{
	for (unsigned long i = from; i < from + n; i++)
		for (unsigned long k = 0; k < 512; k++)
			((volatile uint64_t *)(m + (i - from) * SIZE))[k] = word(i, k);
}

static void same(const char *m, unsigned long from, unsigned long n)
{
	for (unsigned long i = from; i < from + n; i++)
		for (unsigned long k = 0; k < 512; k++)
			CHECK(((const volatile uint64_t *)(m + (i - from) * SIZE))[k] == word(i, k));
}

static char *area(unsigned long n)
{
	char *m = mmap(0, n * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(m != MAP_FAILED);
	return m;
}

static char *filled(unsigned long n)
{
	char *m = area(n);

	fill(m, 0, n);
	return m;
}

static unsigned long present(char *m, unsigned long n)
{
	static unsigned char vec[1 << 16];
	unsigned long count = 0;

	CHECK(!mincore(m, n * SIZE, vec));
	for (unsigned long i = 0; i < n; i++)
		count += vec[i] & 1;
	return count;
}

/* Two thirds of them go. */
static void out(char *m, unsigned long n)
{
	CHECK(!madvise(m, n * SIZE, MADV_PAGEOUT));
	CHECK(present(m, n) == n / 3 && own() == n - n / 3);
}

static void back(char *m, unsigned long n)
{
	same(m, 0, n);
	CHECK(present(m, n) == n && own() == 0);
}

static volatile sig_atomic_t faults;
static char *guarded;

static void on_fault(int sig)
{
	(void)sig;
	faults++;
	CHECK(!mprotect(guarded, SIZE, PROT_READ | PROT_WRITE));
}

static void pages(void)
{
	char *m = filled(PAGES), *to, byte[2] = { 0 };
	uint64_t entry;
	int fd, pipes[2];

	out(m, PAGES);
	CHECK(used() == PAGES - PAGES / 3);
	back(m, PAGES);
	CHECK(used() == 0);

	/* read and write by the library */
	out(m, PAGES);
	CHECK(!pipe(pipes) && write(pipes[1], m + SIZE + 8, 1) == 1 && read(pipes[0], m + 4 * SIZE + 8, 1) == 1);
	CHECK(m[4 * SIZE + 8] == m[SIZE + 8]);
	fill(m, 0, PAGES);

	/* what is gone is zeros, also where it was swapped */
	out(m, PAGES);
	CHECK(!madvise(m, PAGES * SIZE, MADV_DONTNEED) && own() == 0 && used() == 0);
	for (unsigned long i = 0; i < PAGES * SIZE; i += 512)
		CHECK(!m[i]);
	fill(m, 0, PAGES);

	/* mprotect: to nothing and back, and to read only */
	out(m, PAGES);
	CHECK(!mprotect(m, PAGES * SIZE, PROT_NONE) && own() == PAGES - PAGES / 3);
	CHECK(!mprotect(m, PAGES * SIZE, PROT_READ | PROT_WRITE));
	same(m, 0, PAGES);
	out(m, PAGES);
	CHECK(!mprotect(m, PAGES * SIZE, PROT_READ));
	same(m, 0, PAGES);
	guarded = m + SIZE;
	signal(SIGSEGV, on_fault);
	*(volatile char *)guarded = *(volatile char *)guarded;
	CHECK(faults == 1);
	CHECK(!mprotect(m, PAGES * SIZE, PROT_READ | PROT_WRITE));
	back(m, PAGES);

	/* a part goes, and its neighbours stay */
	out(m, PAGES);
	CHECK(!munmap(m + 30 * SIZE, 300 * SIZE) && own() == PAGES - PAGES / 3 - 200);
	same(m, 0, 30);
	same(m + 330 * SIZE, 330, PAGES - 330);
	to = m + 30 * SIZE;
	CHECK(mmap(to, 300 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == to);
	for (unsigned long i = 30 * SIZE; i < 330 * SIZE; i += 512)
		CHECK(!m[i]);
	fill(m, 0, PAGES);

	/* mapped over */
	out(m, PAGES);
	CHECK(mmap(m, 3 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == m);
	CHECK(!m[SIZE + 8] && own() == PAGES - PAGES / 3 - 2);
	fill(m, 0, 3);

	/* mremap, by distances that are and are not whole spans */
	for (unsigned long shift = 0; shift < 3; shift++) {
		char *room = area(4 * PAGES);

		out(m, PAGES);
		to = mremap(m, PAGES * SIZE, PAGES * SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, room + shift * 77 * SIZE);
		CHECK(to == room + shift * 77 * SIZE && own() == PAGES - PAGES / 3);
		m = to;
		back(m, PAGES);
	}
	/* while nothing may touch it */
	out(m, PAGES);
	CHECK(!mprotect(m, PAGES * SIZE, PROT_NONE));
	to = mremap(m, PAGES * SIZE, 2 * PAGES * SIZE, MREMAP_MAYMOVE);
	CHECK(to != MAP_FAILED && !mprotect(to, PAGES * SIZE, PROT_READ | PROT_WRITE));
	same(to, 0, PAGES);
	CHECK(!munmap(to + PAGES * SIZE, PAGES * SIZE));
	m = to;

	/* mlock brings all back, and holds it */
	out(m, PAGES);
	CHECK(!mlock(m, PAGES * SIZE) && present(m, PAGES) == PAGES && own() == 0);
	CHECK(madvise(m, PAGES * SIZE, MADV_PAGEOUT) == -1 && errno == EINVAL);
	CHECK(!munlock(m, PAGES * SIZE));

	/* what pagemap says: bit 62, and not bit 63 */
	out(m, PAGES);
	fd = open("/proc/self/pagemap", O_RDONLY);
	CHECK(fd >= 0 && pread(fd, &entry, 8, (long)((uintptr_t)m / SIZE * 8 + 8)) == 8 && entry >> 62 == 1);
	CHECK(pread(fd, &entry, 8, (long)((uintptr_t)m / SIZE * 8 + 16)) == 8 && entry >> 62 == 2);
	close(fd);

	/* huge pages do not come where something is swapped */
	CHECK(!madvise(m, PAGES * SIZE, MADV_HUGEPAGE));
	same(m, 0, PAGES);
	CHECK(!munmap(m, PAGES * SIZE) && own() == 0 && used() == 0);

	/* changed pages of a file; pages that are the file's are no business of swap's */
	fd = open("/tmp/swapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && ftruncate(fd, PAGES * SIZE) == 0 && pwrite(fd, "abc", 3, 9 * SIZE) == 3);
	m = mmap(0, PAGES * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(m != MAP_FAILED);
	fill(m, 0, 9);
	CHECK(m[9 * SIZE] == 'a' && !madvise(m, PAGES * SIZE, MADV_PAGEOUT) && own() == 6);
	same(m, 0, 9);
	CHECK(!madvise(m, 9 * SIZE, MADV_PAGEOUT) && own() == 6 && !ftruncate(fd, 2 * SIZE));
	CHECK(pread(fd, byte, 1, 9 * SIZE) == 0 && own() == 2); /* who is cut off is gone */
	same(m, 0, 2);
	CHECK(!munmap(m, PAGES * SIZE) && !close(fd) && !unlink("/tmp/swapped"));
	CHECK(own() == 0 && used() == 0);
	puts("pages are what they were");
}

static void shared_by_fork(void)
{
	char *m = filled(PAGES);
	pid_t pid;

	out(m, PAGES);
	for (int round = 0; round < 3; round++) {
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			CHECK(own() == PAGES - PAGES / 3 && used() >= own());
			if (round == 0)
				back(m, PAGES);
			if (round == 1)
				memset(m, 7, PAGES * SIZE);
			if (round == 2) /* ended from outside, with all its pages there */
				pause();
			if (!fork()) {
				if (round == 0)
					same(m, 0, PAGES);
				_exit(0);
			}
			wait(0);
			_exit(own() != 0);
		}
		if (round == 2) {
			usleep(50000);
			CHECK(!kill(pid, SIGKILL));
		}
		CHECK(wait_status(pid) == (round == 2 ? 128 + SIGKILL : 0));
		CHECK(own() == PAGES - PAGES / 3);
	}
	same(m, 0, PAGES);
	CHECK(own() == 0 && used() == 0);
	/* what fork has sealed stays, and goes again when the other is gone */
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	CHECK(!madvise(m, PAGES * SIZE, MADV_PAGEOUT));
	CHECK(own() == 0 && stayed() == PAGES);
	CHECK(!kill(pid, SIGKILL) && wait_status(pid) == 128 + SIGKILL);
	out(m, PAGES);
	CHECK(stayed() == 0);
	pid = vfork();
	if (!pid)
		_exit(m[SIZE + 8] != ((char *)&(uint64_t){ word(1, 1) })[0]);
	CHECK(wait_status(pid) == 0);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "swapped", "nothing", (char *)0);
		_exit(1);
	}
	CHECK(wait_status(pid) == 0);
	back(m, PAGES);
	CHECK(used() == 0);
	puts("forks have what they had");
}

/* Ended with pages there, without a word of its own: it spins with its upcalls off. And who made one that has not begun
 * yet is gone by then. */
static void ended(void)
{
	char *m = filled(PAGES), byte;
	int told[2];
	pid_t pid;

	for (int round = 0; round < 3; round++) {
		out(m, PAGES);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			memset(m, 7, 50 * SIZE); /* slots that it alone has */
			(void)madvise(m, PAGES * SIZE, MADV_PAGEOUT);
			((volatile struct exo_page *)rt_exo(rt_self()))->disabled = 1;
			for (;;)
				;
		}
		usleep(50000);
		CHECK(!kill(pid, SIGKILL) && wait_status(pid) == 128 + SIGKILL);
		CHECK(own() == PAGES - PAGES / 3);
		back(m, PAGES);
		for (int left = 300; left && used(); left--)
			usleep(10000);
		CHECK(used() == 0);
	}
	for (int round = 0; round < 3; round++) {
		out(m, PAGES);
		CHECK(!pipe(told));
		pid = fork();
		if (!pid) {
			if (fork())
				_exit(0);
			CHECK(own() == PAGES - PAGES / 3);
			back(m, PAGES);
			CHECK(write(told[1], "", 1) == 1);
			_exit(0);
		}
		CHECK(!close(told[1]) && wait_status(pid) == 0 && read(told[0], &byte, 1) == 1 && !close(told[0]));
		back(m, PAGES);
		for (int left = 300; left && used(); left--)
			usleep(10000);
		CHECK(used() == 0);
	}
	puts("who is ended leaves nothing");
}

static uint64_t sum_of(const char *m, unsigned long n)
{
	uint64_t sum = 0;

	for (unsigned long i = 0; i < n * SIZE; i += 64)
		sum = sum * 31 + *(const volatile uint64_t *)(m + i);
	return sum;
}

/* Page i has a few words of its own, again and again. */
static uint64_t big(unsigned long mib, int passes)
{
	const unsigned long n = mib << 8;
	char *m = area(n);
	uint64_t sum = 0, want = 0;

	for (unsigned long i = 0; i < n; i++)
		for (unsigned long k = 0; k < 512; k++)
			((volatile uint64_t *)(m + i * SIZE))[k] = i * 0x9e3779b97f4a7c15u ^ k % 16;
	for (unsigned long i = 0; i < n; i++)
		for (unsigned long k = 0; k < 512; k += 8)
			want = want * 31 + (i * 0x9e3779b97f4a7c15u ^ k % 16);
	while (passes--) {
		sum = sum_of(m, n);
		CHECK(sum == want);
	}
	printf("%lu MiB of %lu: the sum is right\n", mib, (unsigned long)(meminfo("MemTotal:") >> 8));
	CHECK(own() > 0);
	munmap(m, n * SIZE);
	return sum;
}

static void off(void)
{
	char *m = filled(PAGES), *hidden = filled(PAGES);
	unsigned long total = meminfo("MemTotal:");
	int pipes[2];
	char byte;
	pid_t pid;

	/* all comes back, also to who sleeps, and where nothing may be touched */
	CHECK(!pipe(pipes));
	out(m, PAGES);
	pid = fork();
	if (!pid) {
		CHECK(read(pipes[0], &byte, 1) == 1 && own() == 0 && present(m, PAGES) == PAGES);
		same(m, 0, PAGES);
		_exit(0);
	}
	CHECK(!madvise(hidden, PAGES * SIZE, MADV_PAGEOUT));
	CHECK(!mprotect(hidden, PAGES * SIZE, PROT_NONE) && !swapoff(SWAP));
	CHECK(own() == 0 && meminfo("SwapTotal:") == 0 && present(m, PAGES) == PAGES);
	same(m, 0, PAGES);
	CHECK(write(pipes[1], "x", 1) == 1 && wait_status(pid) == 0);
	CHECK(!mprotect(hidden, PAGES * SIZE, PROT_READ));
	same(hidden, 0, PAGES);
	CHECK(swapoff(SWAP) == -1 && errno == EINVAL && !swapon(SWAP, 0));
	CHECK(swapon(SWAP, 0) == -1 && errno == EBUSY);

	/* more than there is room for: nothing is lost */
	pid = fork();
	if (!pid) {
		const unsigned long n = 2 * total;
		char *huge = area(n);

		for (unsigned long i = 0; i < n; i++)
			*(volatile uint64_t *)(huge + i * SIZE) = i + 1;
		for (int round = 0; round < 3; round++)
			CHECK(swapoff(SWAP) == -1 && errno == ENOMEM && own() > total / 2);
		for (unsigned long i = 0; i < n; i++)
			CHECK(*(volatile uint64_t *)(huge + i * SIZE) == i + 1);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	puts("swapoff loses nothing");
}

/* Four sleepers have two thirds of the memory, and it can be packed; who comes then has as much that cannot be. */
static void others(void)
{
	const unsigned long n = meminfo("MemFree:") / 6 / 3 * 3;
	unsigned long gone = 0;
	pid_t pid[4];
	int go[2], told[2];
	char *m;

	CHECK(!pipe(go) && !pipe(told));
	for (int k = 0; k < 4; k++) {
		pid[k] = fork();
		if (!pid[k]) {
			m = area(n);
			for (unsigned long i = 0; i < n; i++)
				*(volatile uint64_t *)(m + i * SIZE) = i + 1;
			CHECK(write(told[1], &n, sizeof n) == sizeof n);
			CHECK(read(go[0], &gone, 1) == 1);
			gone = own();
			for (unsigned long i = 0; i < n; i++)
				CHECK(*(volatile uint64_t *)(m + i * SIZE) == i + 1);
			CHECK(write(told[1], &gone, sizeof gone) == sizeof gone);
			_exit(0);
		}
		CHECK(read(told[0], &gone, sizeof gone) == sizeof gone && gone == n);
	}
	m = area(3 * n);
	for (unsigned long i = 0; i < 3 * n; i++)
		for (unsigned long k = 0; k < 512; k++)
			((volatile uint64_t *)(m + i * SIZE))[k] = word(3 * i + 2, k);
	for (unsigned long i = 0; i < 3 * n; i++)
		for (unsigned long k = 0; k < 512; k++)
			CHECK(((volatile uint64_t *)(m + i * SIZE))[k] == word(3 * i + 2, k));
	CHECK(used() >= n && own() == 0);
	munmap(m, 3 * n * SIZE);
	for (int k = 0; k < 4; k++)
		CHECK(write(go[1], "", 1) == 1);
	for (int k = 0, sum = 0; k < 4; k++) {
		CHECK(wait_status(pid[k]) == 0);
		CHECK(read(told[0], &gone, sizeof gone) == sizeof gone);
		sum += gone != 0;
		CHECK(k < 3 || sum);
	}
	puts("sleepers gave, and lost nothing");
}

static void wrong(void)
{
	struct sysinfo s;

	CHECK(swapon("/nowhere", 0) == -1 && errno == ENOENT);
	CHECK(swapon("/bin", 0) == -1 && errno == EINVAL);
	CHECK(swapon("/dev/null", 0) == -1 && errno == EINVAL);
	CHECK(swapon((char *)8, 0) == -1 && errno == EFAULT);
	CHECK(swapon(SWAP, 1 << 20) == -1 && errno == EINVAL);
	CHECK(swapoff(SWAP) == -1 && errno == EINVAL);
	CHECK(!swapon(SWAP, 0) && !sysinfo(&s) && s.totalswap == s.freeswap && s.totalswap);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	uint64_t before;
	pid_t pid;

	if (!strcmp(what, "nothing"))
		return 0;
	if (!strcmp(what, "leave")) {
		out(filled(PAGES), PAGES);
		return 0;
	}
	wrong();
	CHECK(used() == 0 && !swapoff(SWAP)); /* once all that this program needs for itself */
	before = frames_free();
	CHECK(!swapon(SWAP, 0));
	pid = fork();
	if (!pid) {
		if (!strcmp(what, "pages"))
			pages();
		else if (!strcmp(what, "fork"))
			shared_by_fork();
		else if (!strcmp(what, "ended"))
			ended();
		else if (!strcmp(what, "off"))
			off();
		else if (!strcmp(what, "others"))
			others();
		else if (!strcmp(what, "big") && argc > 2)
			big(strtoul(argv[2], 0, 10), 2);
		else
			_exit(2);
		fflush(stdout);
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
	CHECK(used() == 0 && !swapoff(SWAP));
	frames_back_tell(before);
	return 0;
}
