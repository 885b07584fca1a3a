/* SPDX-License-Identifier: MIT */
/* Settings below /proc/sys: what is taken, what is refused, and what each does. It sets what is the machine's, so it
 * runs in one of its own alone; on Linux `test/foreign programs FOLDER` gives the same, but for what is refused here: a
 * command that takes core files, and numbers above the first ones. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include "check.h"

#define SYSCTL "/proc/sys/"
static char text[300];

static const char *get(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	CHECK(n > 0 && close(fd) == 0);
	text[n - (text[n - 1] == '\n')] = 0;
	return text;
}

/* 0 or the errno. */
static int set(const char *name, const char *value)
{
	int fd = open(name, O_WRONLY), e;

	CHECK(fd >= 0);
	e = write(fd, value, strlen(value)) == (ssize_t)strlen(value) ? 0 : errno;
	close(fd);
	return e;
}
#define IS(name, value)      CHECK(!strcmp(get(SYSCTL name), value))
#define SET(name, value)     CHECK(set(SYSCTL name, value) == 0)
#define WRONG(name, value)   CHECK(set(SYSCTL name, value) == EINVAL)

/* ---- how many files a table holds */
static void files(void)
{
	struct rlimit most = { 1 << 20, 1 << 20 }, more = { 128, 128 };
	pid_t pid;

	IS("fs/nr_open", "1048576");
	WRONG("fs/nr_open", "63");
	WRONG("fs/nr_open", "x");
	SET("fs/nr_open", "64");
	IS("fs/nr_open", "64");
	CHECK(setrlimit(RLIMIT_NOFILE, &most) == -1 && errno == EPERM);
	CHECK(setrlimit(RLIMIT_NOFILE, &more) == -1 && errno == EPERM);
	CHECK(dup2(1, 63) == 63 && dup2(1, 64) == -1 && errno == EBADF);
	CHECK(fcntl(1, F_DUPFD, 63) == -1 && errno == EMFILE);
	SET("fs/nr_open", "1048576");
	CHECK(dup2(1, 64) == 64);
	SET("fs/nr_open", "64");
	/* Nor is a table copied that has more. */
	CHECK(fork() == -1 && errno == EMFILE);
	CHECK(close(64) == 0 && close(63) == 0);
	pid = fork();
	if (!pid)
		_exit(0);
	CHECK(wait_status(pid) == 0);
	SET("fs/nr_open", "1048576");
}

/* ---- how many mappings there may be */
static int maps_until_full(void)
{
	int n = 0;

	/* None joins the one before. */
	while (mmap(NULL, 4096, n & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		n++;
	CHECK(errno == ENOMEM);
	return n;
}
static void maps(void)
{
	int few, more;
	pid_t pid;

	IS("vm/max_map_count", "65530");
	WRONG("vm/max_map_count", "-1");
	SET("vm/max_map_count", "100");
	pid = fork();
	if (!pid)
		_exit(maps_until_full());
	few = wait_status(pid);
	SET("vm/max_map_count", "150");
	pid = fork();
	if (!pid)
		_exit(maps_until_full());
	more = wait_status(pid);
	CHECK(few > 50 && few <= 100 && more == few + 50);
	SET("vm/max_map_count", "65530");
}

/* ---- a pipe's size */
static void pipes(void)
{
	IS("fs/pipe-max-size", "1048576");
	SET("fs/pipe-max-size", "0");
	IS("fs/pipe-max-size", "4096");
	SET("fs/pipe-max-size", "5000\n");
	IS("fs/pipe-max-size", "8192");
	WRONG("fs/pipe-max-size", "-1");
	WRONG("fs/pipe-max-size", "2x");
	SET("fs/pipe-max-size", "1048576");
}

/* ---- where core files go */
static pid_t crashes(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	CHECK(WCOREDUMP(status));
	return pid;
}

static int is_there(const char *name)
{
	struct stat st;
	int is = stat(name, &st) == 0 && st.st_size > 4096;

	if (is)
		CHECK(unlink(name) == 0);
	return is;
}

static void cores(const char *self)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	const char *last = strrchr(self, '/');
	struct utsname names;
	char name[300], long_one[200];
	pid_t pid;

	CHECK(setrlimit(RLIMIT_CORE, &all) == 0 && uname(&names) == 0 && mkdir("in", 0700) == 0);
	last = last ? last + 1 : self;
	SET("kernel/core_pattern", "core");
	SET("kernel/core_uses_pid", "0");
	(void)crashes();
	CHECK(is_there("core"));
	SET("kernel/core_uses_pid", "1");
	snprintf(name, sizeof name, "core.%d", crashes());
	CHECK(is_there(name));
	SET("kernel/core_pattern", "in/%e-%p-%s-%%-%q\nmore");
	IS("kernel/core_pattern", "in/%e-%p-%s-%%-%q");
	snprintf(name, sizeof name, "in/%.15s-%d-11-%%-", last, crashes());
	CHECK(is_there(name));
	SET("kernel/core_uses_pid", "0");
	SET("kernel/core_pattern", "in/of %P by %u in %g at %h, %");
	pid = crashes();
	snprintf(name, sizeof name, "in/of %d by 0 in 0 at %s, ", pid, names.nodename);
	CHECK(is_there(name));
	CHECK(getcwd(name, sizeof name - 20) != NULL);
	strcat(name, "/in/%f");
	SET("kernel/core_pattern", name);
	(void)crashes();
	strcpy(strrchr(name, '/') + 1, last);
	CHECK(is_there(name));
	memset(long_one, 'x', sizeof long_one);
	long_one[199] = 0;
	SET("kernel/core_pattern", long_one);
	CHECK(strlen(get(SYSCTL "kernel/core_pattern")) == 127);
	if (access("/proc/aril", F_OK) == 0)
		WRONG("kernel/core_pattern", "|/bin/cat");
	SET("kernel/core_pattern", "core");
	CHECK(rmdir("in") == 0);
}

int main(int argc, char **argv)
{
	(void)argc;
	files();
	maps();
	pipes();
	cores(argv[0]);
	puts("all as told");
	return 0;
}
