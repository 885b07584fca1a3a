/* SPDX-License-Identifier: MIT */
/* /proc and /sys: which files are there, the names in them (values differ from machine to machine), and what a
 * process is told of itself and of others. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include "try.h"

static char text[1 << 20];

/* The whole file, with a NUL; its length, or -1. */
static long slurp(const char *name)
{
	int fd = open(name, O_RDONLY);
	long n = 0, part;

	if (fd < 0)
		return -1;
	while ((part = read(fd, text + n, sizeof text - 1 - (size_t)n)) > 0)
		n += part;
	close(fd);
	text[n] = 0;
	return part < 0 ? -1 : n;
}

/* The names at its lines' starts, in order. */
static void keys(const char *name, char separator)
{
	long n = slurp(name);

	printf("%s:", name);
	for (char *line = text; n > 0 && line < text + n;) {
		char *end = strchr(line, '\n'), *stop;

		if (!end)
			end = text + n;
		stop = memchr(line, separator, (size_t)(end - line));
		if (stop)
			printf(" %.*s", (int)(stop - line), line);
		line = end + 1;
	}
	printf("\n");
}

/* Those of these names that are at no line's start: newer kernels have more. */
static void lacks(const char *name, const char *const *wanted)
{
	char start[80];

	CHECK(slurp(name) > 0);
	printf("%s lacks:", name);
	for (; *wanted; wanted++) {
		snprintf(start, sizeof start, "\n%s:", *wanted);
		if (!strstr(text, start))
			printf(" %s", *wanted);
	}
	printf("\n");
}

static const char *value(const char *key)
{
	char *at = strstr(text, key);

	return at ? at + strlen(key) : "(none)";
}

static void print_line(const char *what)
{
	const char *v = value(what);

	printf("%s %.*s\n", what, (int)strcspn(v, "\n"), v);
}

static void there(void)
{
	static const char *const names[] = {
		"/proc/vmstat", "/proc/locks", "/proc/devices", "/proc/interrupts", "/proc/swaps", "/proc/partitions",
			"/proc/filesystems",
		"/proc/sysvipc/msg", "/proc/sysvipc/sem", "/proc/sysvipc/shm", "/proc/net/unix", "/proc/self/auxv",
			"/proc/self/environ",
		"/proc/self/fdinfo/0", "/proc/self/ns/mnt", "/proc/self/ns/pid_for_children", "/proc/self/wchan",
			"/proc/self/mountinfo",
		"/proc/self/coredump_filter", "/proc/self/timerslack_ns", "/proc/self/oom_score", "/proc/self/task",
			"/proc/self/uid_map",
		"/proc/sys/kernel/osrelease", "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/pid_max",
			"/proc/sys/kernel/core_pattern",
		"/proc/sys/vm/overcommit_memory", "/proc/sys/vm/max_map_count", "/proc/sys/fs/file-max", "/proc/sys/fs/nr_open",
		"/proc/sys/fs/pipe-max-size", "/proc/sys/net/core/somaxconn", "/sys/devices/system/cpu/online",
		"/sys/devices/system/cpu/cpu0/topology/core_id", "/sys/devices/system/node/node0/cpulist",
			"/sys/kernel/mm/transparent_hugepage/enabled",
		"/sys/fs/cgroup", "/sys/class", "/sys/block", "/proc/self/nothing", "/proc/sys/kernel/nothing", "/sys/nothing",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		printf("%s: %d\n", names[i], access(names[i], F_OK) ? errno : 0);
}

static void self(void)
{
	struct utsname u;
	struct statfs fs;
	unsigned long aux[2];
	char id[64];
	int fd;

	keys("/proc/self/limits", ' ');
	CHECK(slurp("/proc/self/limits") > 0 && setrlimit(RLIMIT_CORE, &(struct rlimit){ 4096, RLIM_INFINITY }) == 0);
	CHECK(slurp("/proc/self/limits") > 0);
	print_line("Max core file size");
	keys("/proc/self/io", ':');
	CHECK(slurp("/proc/self/cgroup") > 0);
	printf("group: %d\n", strstr(text, "::/") != NULL);
	CHECK(slurp("/proc/self/environ") == 10 && !memcmp(text, "A=1\0B=two\0", 10));
	fd = open("/proc/self/auxv", O_RDONLY);
	CHECK(fd >= 0 && read(fd, aux, sizeof aux) == sizeof aux);
	for (int found = 0; aux[0]; found += aux[0] == 6) {
		CHECK(read(fd, aux, sizeof aux) == sizeof aux);
		if (aux[0] == 6)
			printf("AT_PAGESZ %lu\n", aux[1]);
	}
	close(fd);
	CHECK(uname(&u) == 0 && slurp("/proc/sys/kernel/osrelease") > 0);
	printf("release: %d\n", !strncmp(text, u.release, strlen(u.release)) && text[strlen(u.release)] == '\n');
	CHECK(slurp("/proc/sys/kernel/random/boot_id") == 37);
	memcpy(id, text, 37);
	CHECK(slurp("/proc/sys/kernel/random/boot_id") == 37);
	printf("the same boot: %d, version %c\n", !memcmp(id, text, 37), id[14]);
	CHECK(slurp("/proc/sys/kernel/random/uuid") == 37);
	memcpy(id, text, 37);
	CHECK(slurp("/proc/sys/kernel/random/uuid") == 37);
	printf("the same uuid: %d\n", !memcmp(id, text, 37));
	CHECK(statfs("/proc", &fs) == 0);
	printf("proc %lx", (unsigned long)fs.f_type);
	CHECK(statfs("/sys", &fs) == 0);
	printf(", sys %lx\n", (unsigned long)fs.f_type);
	fd = open("/proc/self/coredump_filter", O_RDWR);
	CHECK(fd >= 0 && write(fd, "0x13\n", 5) == 5 && slurp("/proc/self/coredump_filter") > 0);
	printf("coredump_filter %s", text);
	printf("wrong: %d\n", write(fd, "none", 4) < 0 ? errno : 0);
	close(fd);
	CHECK(prctl(PR_SET_TIMERSLACK, 12345) == 0 && slurp("/proc/self/timerslack_ns") > 0);
	printf("slack %s", text);
	CHECK(prctl(PR_SET_TIMERSLACK, 0) == 0);
	printf("usual slack %d\n", prctl(PR_GET_TIMERSLACK));
	fd = open("/proc/self/oom_score_adj", O_RDWR);
	CHECK(fd >= 0 && write(fd, "500", 3) == 3 && slurp("/proc/self/oom_score_adj") > 0);
	printf("oom_score_adj %s", text);
	printf("too much: %d\n", write(fd, "2000", 4) < 0 ? errno : 0);
	CHECK(write(fd, "0", 1) == 1);
	close(fd);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_APPEND);
	snprintf(id, sizeof id, "/proc/self/fdinfo/%d", fd);
	CHECK(slurp(id) > 0);
	print_line("flags:");
	close(fd);
	CHECK(readlink("/proc/self/ns/uts", id, sizeof id) > 5 && !memcmp(id, "uts:[", 5));
}

static volatile int handled;
static void on_signal(int sig) { (void)sig; handled++; }

static void said(const char *who)
{
	char *line;

	CHECK(slurp("/proc/self/status") > 0 && (line = strstr(text, "NoNewPrivs:")));
	printf("%s: %c %d\n", who, line[12], prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	fflush(stdout);
}

/* For good, and for whoever comes from it. */
static void no_new_privs(void)
{
	said("before");
	for (int i = 0; i < 6; i++)
		printf("%d ", prctl(PR_SET_NO_NEW_PRIVS, i != 1, i == 2, i == 3, i == 4 ? 1 : i == 5));
	printf("%d\n", prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	said("after");
	if (fork() == 0) {
		said("child");
		execl("/proc/self/exe", "procfs", "said", "executed", NULL);
		_exit(1);
	}
	wait(0);
}

static void status(void)
{
	static const char *const lines[] = {
		"Umask", "State", "Tgid", "Ngid", "Pid", "PPid", "TracerPid", "Uid", "Gid", "FDSize", "Groups", "NStgid",
			"NSpid", "NSpgid",
		"NSsid", "VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem", "VmData",
			"VmStk", "VmExe",
		"VmLib", "VmPTE", "VmSwap", "HugetlbPages", "CoreDumping", "THP_enabled", "Threads", "SigQ", "SigPnd",
			"ShdPnd", "SigBlk",
		"SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
			"Seccomp_filters",
		"Speculation_Store_Bypass", "SpeculationIndirectBranch", "Cpus_allowed", "Cpus_allowed_list", "Mems_allowed",
		"Mems_allowed_list", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches", NULL,
	};
	static const char *const pages[] = {
		"Rss", "Pss", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty", "Referenced", "Anonymous",
			"LazyFree",
		"AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss",
			"Locked", NULL,
	};
	static const char *const memory[] = {
		"MemFree", "MemAvailable", "Buffers", "Cached", "SwapCached", "Active", "Inactive", "SwapTotal", "SwapFree",
			"Dirty",
		"AnonPages", "Mapped", "Shmem", "Slab", "CommitLimit", "Committed_AS", "HugePages_Total", "Hugepagesize", NULL,
	};
	sigset_t set;

	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR && signal(SIGUSR2, SIG_IGN) != SIG_ERR);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	CHECK(sigprocmask(SIG_BLOCK, &set, 0) == 0 && kill(getpid(), SIGHUP) == 0);
	lacks("/proc/self/status", lines);
	print_line("ShdPnd:");
	print_line("SigBlk:");
	/* Without the C library's own two, which nobody can set back: make leaves them ignored. */
	printf("SigIgn: %lx\n", strtoul(value("SigIgn:"), NULL, 16) & ~(3ul << 31));
	print_line("SigCgt:");
	print_line("Threads:");
	lacks("/proc/self/smaps_rollup", pages);
	lacks("/proc/meminfo", memory);
	signal(SIGHUP, SIG_IGN);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, 0) == 0);
}

/* What there is to see of a child that sleeps, one that runs, and one that is stopped. */
static void others(void)
{
	for (int how = 0; how < 3; how++) {
		unsigned long at = 0x40000000ul + (unsigned long)how * 0x1000000ul;
		int pipes[2];
		char name[64], map[64], byte;
		pid_t pid;

		CHECK(pipe(pipes) == 0);
		pid = fork();
		if (pid == 0) {
			CHECK(mmap((void *)at, 3 << 12, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)at);
			CHECK(write(pipes[1], "x", 1) == 1);
			if (how == 2)
				raise(SIGSTOP);
			while (how != 1)
				pause();
			for (;;)
				;
		}
		CHECK(read(pipes[0], &byte, 1) == 1);
		snprintf(name, sizeof name, "/proc/%d/status", pid);
		while (how == 0 && slurp(name) > 0 && value("State:\t")[0] != 'S')
			usleep(1000);
		if (how == 2) {
			int st;

			CHECK(waitpid(pid, &st, WUNTRACED) == pid);
		}
		snprintf(name, sizeof name, "/proc/%d/maps", pid);
		snprintf(map, sizeof map, "%lx-%lx r--p", at, at + (3 << 12));
		CHECK(slurp(name) > 0);
		printf("child %d: its mapping: %d", how, strstr(text, map) != NULL);
		snprintf(name, sizeof name, "/proc/%d/environ", pid);
		printf(", its environment: %d", slurp(name) == 10 && !memcmp(text, "A=1\0B=two\0", 10));
		snprintf(name, sizeof name, "/proc/%d/smaps", pid);
		CHECK(slurp(name) > 0);
		printf(", a size: %d", strstr(text, "Size:                 12 kB") != NULL);
		snprintf(name, sizeof name, "/proc/%d/status", pid);
		CHECK(slurp(name) > 0);
		printf(", state %c, peak: %d\n", value("State:\t")[0], atol(value("VmPeak:")) > 12);
		CHECK(kill(pid, SIGKILL) == 0 && wait_status(pid) == 128 + SIGKILL);
		printf("gone: %d\n", slurp(name) < 0 ? errno : 0);
		close(pipes[0]);
		close(pipes[1]);
	}
}

static void counted(void)
{
	char data[4096] = "";
	long before[4], after[4];
	int fd = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_RDONLY);
	static const char *const names[] = { "rchar: ", "wchar: ", "syscr: ", "syscw: " };

	CHECK(fd >= 0 && zero >= 0 && slurp("/proc/self/io") > 0);
	for (int i = 0; i < 4; i++)
		before[i] = atol(value(names[i]));
	for (int i = 0; i < 10; i++)
		CHECK(write(fd, data, sizeof data) == sizeof data && read(zero, data, 1000) == 1000);
	CHECK(slurp("/proc/self/io") > 0);
	for (int i = 0; i < 4; i++)
		after[i] = atol(value(names[i])) - before[i];
	printf("read %d, written %ld, calls %d %ld\n", after[0] >= 10000 && after[0] < 12000, after[1], after[2] >= 10
		&& after[2] < 16, after[3]);
	close(fd);
	close(zero);
}

static void locked(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10 };
	int fd = open("locked", O_CREAT | O_RDWR, 0600);
	struct stat st;
	char line[128];

	CHECK(fd >= 0 && fcntl(fd, F_SETLK, &l) == 0 && fstat(fd, &st) == 0 && slurp("/proc/locks") > 0);
	snprintf(line, sizeof line, "POSIX  ADVISORY  WRITE %d ", getpid());
	printf("lock: %d", strstr(text, line) != NULL);
	snprintf(line, sizeof line, ":%lu 5 14\n", (unsigned long)st.st_ino);
	printf(" %d\n", strstr(text, line) != NULL);
	close(fd);
	unlink("locked");
}

/* Where a name is listed it is found, down to the last of both trees' fixed parts. */
static long walk(const char *folder, int depth)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	long n = 0;

	CHECK(d);
	while ((e = readdir(d))) {
		char name[512];
		struct stat st;

		if (e->d_name[0] == '.' || strchr("0123456789", e->d_name[0]))
			continue;
		snprintf(name, sizeof name, "%s/%s", folder, e->d_name);
		if (lstat(name, &st)) {
			printf("%s: listed, and error %d\n", name, errno);
			continue;
		}
		if (e->d_type != DT_UNKNOWN && (unsigned)e->d_type != st.st_mode >> 12)
			printf("%s: listed as of type %d\n", name, e->d_type);
		n++;
		if (S_ISDIR(st.st_mode) && depth)
			n += walk(name, depth - 1);
	}
	closedir(d);
	return n;
}

/* Who writes over its arguments and on has another command line (setproctitle(3)), and its child the same one. */
static void titled(char **argv)
{
	char name[40], *last = argv[3] + strlen(argv[3]);
	int pid;

	memcpy(argv[0], "P", 1);
	printf("changed: %ld", slurp("/proc/self/cmdline"));
	printf(" %s %s\n", text, text + 2);
	strcpy(argv[0], "a title that is longer than they were");
	printf("titled: %d %ld", argv[0] + strlen(argv[0]) > last, slurp("/proc/self/cmdline"));
	printf(" %s\n", text);
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	snprintf(name, sizeof name, "/proc/%d/cmdline", pid);
	printf("its child: %ld", slurp(name));
	printf(" %s\n", text);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	char *const environment[] = { "A=1", "B=two", NULL };
	char *const room[] = { "ROOM=for what comes behind the arguments", NULL };

	if (argc == 4) {
		setvbuf(stdout, 0, _IONBF, 0);
		titled(argv);
		return 0;
	}
	if (argc == 3) {
		said(argv[2]);
		return 0;
	}
	if (argc == 1) {
		execve("/proc/self/exe", (char *[]){ argv[0], "again", NULL }, environment);
		return 1;
	}
	setvbuf(stdout, 0, _IOLBF, 0);
	there();
	self();
	status();
	others();
	counted();
	locked();
	no_new_privs();
	if (!fork())
		_exit(execve("/proc/self/exe", (char *[]){ "p", "with", "new", "title", NULL }, room));
	wait(NULL);
	printf("walk: %d %d\n", walk("/proc/self", 2) > 30, walk("/proc/sys/kernel", 3) > 15);
	return 0;
}
