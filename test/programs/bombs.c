/* SPDX-License-Identifier: MIT */
/* Bombs beside a shell. `bombs KIND SECONDS`: something that wants all that there is of something, and goes on wanting
 * it, runs for so long; then a shell that was there before is asked: its prompt, and a command that it must fork for.
 * Afterwards nothing of the bomb is left. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include "check.h"

#define MS 1000000l
#define SEVERAL 4

static long now_ms(void)
{
	struct timespec t;

	CHECK(!clock_gettime(CLOCK_MONOTONIC, &t));
	return t.tv_sec * 1000 + t.tv_nsec / MS;
}

/* ---- the bombs: none of them returns */

/* Pages, until it is killed. */
static void memory_take(void)
{
	for (const size_t size = 16ul << 20;;) {
		char *m = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (size_t i = 0; m != MAP_FAILED && i < size; i += 4096)
			m[i] = 1;
	}
}

/* As often as it is killed, there is another one. */
static void bomb_memory(void)
{
	for (;;) {
		pid_t pid = fork();

		if (!pid)
			memory_take();
		while (wait(0) < 0 && errno == EINTR)
			;
	}
}

static void bomb_tree(void)
{
	static char piece[65536];
	char name[64];

	for (unsigned n = 0;; n++) {
		int fd;

		(void)snprintf(name, sizeof name, "/tmp/bomb/%d-%u", (int)getpid(), n % 100000);
		fd = open(name, O_CREAT | O_WRONLY | O_APPEND, 0600);
		while (fd >= 0 && n % 2 && write(fd, piece, sizeof piece) > 0)
			;
		if (fd >= 0)
			close(fd);
	}
}

static void bomb_fork(void)
{
	for (;;)
		(void)fork();
}

static void bomb_descriptors(void)
{
	int end[2];

	CHECK(!setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 1 << 20, 1 << 20 }));
	for (;;)
		if (!pipe2(end, O_NONBLOCK))
			(void)!write(end[1], "", 1);
}

static void bomb_mappings(void)
{
	for (int right = PROT_READ;; right ^= PROT_READ | PROT_WRITE)
		(void)mmap(0, 4096, right, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static const struct bomb { const char *name; void (*run)(void); } bombs[] = {
	{ "memory", bomb_memory }, { "tree", bomb_tree }, { "fork", bomb_fork }, { "descriptors", bomb_descriptors },
	{ "mappings", bomb_mappings },
};

/* ---- the shell */
static int to_shell[2], from_shell[2];
static pid_t shell;

static void shell_start(void)
{
	CHECK(!pipe2(to_shell, O_CLOEXEC) && !pipe2(from_shell, O_CLOEXEC));
	shell = fork();
	CHECK(shell >= 0);
	if (shell)
		return;
	CHECK(setsid() > 0 && dup2(to_shell[0], 0) == 0 && dup2(from_shell[1], 1) == 1);
	execl("/bin/sh", "sh", (char *)0);
	_exit(1);
}

/* Milliseconds until it has said what is expected. */
static long asked(const char *command, const char *wanted)
{
	const long before = now_ms();
	char line[128];
	size_t n = 0;

	CHECK(write(to_shell[1], command, strlen(command)) == (ssize_t)strlen(command));
	while (n < sizeof line - 1 && (!n || line[n - 1] != '\n')) {
		struct pollfd p = { from_shell[0], POLLIN, 0 };

		if (poll(&p, 1, 60000) != 1 || read(from_shell[0], line + n, 1) != 1)
			break;
		n++;
	}
	line[n] = 0;
	if (strcmp(line, wanted))
		printf("the shell says `%s` instead of `%s`\n", line, wanted);
	return now_ms() - before;
}

static void bomb(const struct bomb *b, long seconds)
{
	pid_t first = 0;
	long prompt, work;

	CHECK(!mkdir("/tmp/bomb", 0700) && !close(open("/tmp/file", O_CREAT | O_WRONLY, 0600)));
	shell_start();
	CHECK(asked("echo here\n", "here\n") >= 0);
	for (int i = 0; i < SEVERAL; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0 && !setpgid(pid, first) | !pid);
		if (!pid) {
			(void)setpgid(0, first);
			b->run();
		}
		if (!first)
			first = pid;
	}
	(void)sleep((unsigned)seconds);
	prompt = asked("echo so\n", "so\n");
	work = asked("rm /tmp/file && echo /tmp/*\n", "/tmp/bomb\n");
	printf("%s: prompt %ld ms, work %ld ms\n", b->name, prompt, work);
	CHECK(!kill(-first, SIGKILL));
	for (int i = 0; i < SEVERAL; i++)
		CHECK(waitpid(-first, 0, 0) > 0);
	for (int left = 100; left && !kill(-first, 0); left--)
		(void)usleep(100000);
	CHECK(kill(-first, 0) == -1 && errno == ESRCH); /* none was made behind the signal's back */
	CHECK(asked("rm -rf /tmp/bomb; ls /tmp | wc -l; exit 7\n", "0\n") >= 0);
	CHECK(wait_status(shell) == 7);
}

int main(int argc, char **argv)
{
	CHECK(argc == 3 && !setvbuf(stdout, 0, _IONBF, 0));
	for (unsigned i = 0; i < sizeof bombs / sizeof bombs[0]; i++)
		if (!strcmp(bombs[i].name, argv[1]))
			bomb(&bombs[i], atol(argv[2]));
	return 0;
}
