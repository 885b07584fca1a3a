/* SPDX-License-Identifier: MIT */
/* fcntl's leases: who may have which, what another's open or cut does to them, who is told by which signal, and what
 * happens when he does nothing. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>
#include "try.h"

static volatile sig_atomic_t told, code, from;

static void note(int sig, siginfo_t *info, void *context)
{
	(void)context;
	told = sig;
	code = info->si_code;
	from = info->si_fd;
}

static void wait_told(int sig)
{
	for (int i = 0; i < 20000 && told != sig; i++)
		usleep(1000);
	CHECK(told == sig);
	told = 0;
}

static int has(int fd)
{
	return fcntl(fd, F_GETLEASE);
}

/* Which lease may be had of a file that is open so, and once more so. */
static void table(void)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };

	for (int mine = 0; mine < 3; mine++)
		for (int other = -1; other < 3; other++)
			for (int lease = 0; lease < 3; lease++) {
				int fd = open("f", modes[mine]), more = other < 0 ? -1 : open("f", modes[other]);
				int r = fcntl(fd, F_SETLEASE, lease), e = r ? errno : 0;

				printf("open %d beside %d, lease %d: %d, has %d\n", mine, other, lease, e, has(fd));
				close(fd);
				close(more);
			}
}

static void errors(void)
{
	int fd = open("f", O_RDONLY), dir = open(".", O_RDONLY | O_DIRECTORY), path = open("f", O_PATH), pipes[2];

	CHECK(fd >= 0 && dir >= 0 && path >= 0 && pipe(pipes) == 0);
	TRY(fcntl, NOFD, F_SETLEASE, F_RDLCK);
	TRY(fcntl, fd, F_SETLEASE, 7);
	TRY(fcntl, fd, F_SETLEASE, F_UNLCK);
	TRY(fcntl, dir, F_SETLEASE, F_RDLCK);
	TRY(fcntl, pipes[0], F_SETLEASE, F_RDLCK);
	TRY(fcntl, path, F_SETLEASE, F_RDLCK);
	TRY(fcntl, path, F_GETLEASE);
	TRY(fcntl, fd, F_GETLEASE);
	TRY(fcntl, fd, F_SETLEASE, F_RDLCK);
	TRY(fcntl, fd, F_GETLEASE);
	close(fd);
	close(dir);
	close(path);
}

static void opens(int mode)
{
	int fd = open("f", mode | O_NONBLOCK);

	printf("open %d: %d\n", mode, fd < 0 ? errno : 0);
	close(fd);
}

/* Two leases to read; one to write gives way to none. */
static void several(void)
{
	int a = open("f", O_RDONLY), b = open("f", O_RDONLY);

	TRY(fcntl, a, F_SETLEASE, F_RDLCK);
	TRY(fcntl, b, F_SETLEASE, F_RDLCK);
	TRY(fcntl, a, F_SETLEASE, F_WRLCK);
	close(b);
	TRY(fcntl, a, F_SETLEASE, F_WRLCK);
	opens(O_RDONLY);
	printf("then %d\n", has(a));
	opens(O_WRONLY);
	printf("then %d\n", has(a));
	told = 0;
	TRY(fcntl, a, F_SETLEASE, F_UNLCK);
	opens(O_WRONLY);
	close(a);
}

/* What a child does meanwhile, and its status: 0, an errno. */
static pid_t begins(int what, int holder)
{
	pid_t pid = fork();

	if (pid == 0) {
		int fd = close(holder), done = 0;

		if (what == 't')
			done = truncate("f", 3);
		else
			fd = open("f", what == 'w' ? O_WRONLY : O_RDONLY);
		_exit(fd < 0 || done ? errno : 0);
	}
	return pid;
}

/* The holder is told, and gives up, or keeps what it may. */
static void broken(int lease, int other, int answer)
{
	int fd = open("f", O_RDONLY), status;
	pid_t pid;

	CHECK(fcntl(fd, F_SETSIG, SIGUSR1) == 0 && fcntl(fd, F_SETLEASE, lease) == 0);
	pid = begins(other, fd);
	wait_told(SIGUSR1);
	status = waitpid(pid, NULL, WNOHANG);
	printf("lease %d against %c: code %d, of that file %d, waits %d, becomes %d\n", lease, other, code, from == fd,
		status == 0, has(fd));
	status = fcntl(fd, F_SETLEASE, answer) ? errno : 0;
	printf("answer %d: %d, is %d\n", answer, status, has(fd));
	if (status)
		close(fd);
	printf("then it did it: %d\n", wait_status(pid));
	if (!status)
		close(fd);
}

/* Nobody answers: after its time it is gone, or what it may be. */
static void late(int lease, int other)
{
	struct timespec begin, end;
	int fd = open("f", O_RDONLY);
	long ms;
	pid_t pid;

	CHECK(fcntl(fd, F_SETSIG, SIGUSR1) == 0 && fcntl(fd, F_SETLEASE, lease) == 0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	pid = begins(other, fd);
	wait_told(SIGUSR1);
	printf("late: lease %d against %c: %d\n", lease, other, wait_status(pid));
	clock_gettime(CLOCK_MONOTONIC, &end);
	ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
	printf("is %d, after a second %d\n", has(fd), ms >= 990);
	close(fd);
}

static void setting(const char *name, const char *value)
{
	int fd = open(name, O_WRONLY);

	CHECK(fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value));
	close(fd);
}

/* A line of its own in /proc/locks, while somebody has one. */
static int is_listed(const char *word)
{
	char line[200];
	FILE *f = fopen("/proc/locks", "r");
	struct stat st;
	int found = 0;

	CHECK(f && stat("f", &st) == 0);
	while (fgets(line, sizeof line, f)) {
		char kind[20], state[20], type[20];
		unsigned long inode = 0;

		if (sscanf(line, "%*d: %19s %19s %19s %*d %*x:%*x:%lu", kind, state, type, &inode) == 4)
			found |= inode == st.st_ino && !strcmp(kind, "LEASE") && !strcmp(state, word);
	}
	fclose(f);
	return found;
}

int main(void)
{
	struct sigaction act = { .sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART };
	int fd;

	CHECK(chdir("/tmp") == 0 && (mkdir("leases.d", 0700) == 0 || errno == EEXIST) && chdir("leases.d") == 0);
	CHECK((fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0600)) >= 0 && write(fd, "hello", 5) == 5 && close(fd) == 0);
	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGIO, &act, NULL);
	errors();
	table();
	several();
	broken(F_WRLCK, 'r', F_RDLCK);
	broken(F_WRLCK, 'r', F_UNLCK);
	broken(F_WRLCK, 'w', F_RDLCK);
	broken(F_WRLCK, 'w', F_UNLCK);
	broken(F_RDLCK, 'w', F_RDLCK);
	broken(F_RDLCK, 't', F_UNLCK);
	fd = open("f", O_RDONLY);
	CHECK(fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
	printf("listed: %d\n", is_listed("ACTIVE"));
	opens(O_RDONLY);
	wait_told(SIGIO);
	printf("listed: %d\n", is_listed("BREAKING"));
	close(fd);
	printf("listed: %d %d\n", is_listed("ACTIVE"), is_listed("BREAKING"));
	setting("/proc/sys/fs/lease-break-time", "1");
	late(F_WRLCK, 'r');
	late(F_WRLCK, 'w');
	late(F_RDLCK, 't');
	setting("/proc/sys/fs/lease-break-time", "45");
	setting("/proc/sys/fs/leases-enable", "0");
	fd = open("f", O_RDONLY);
	TRY(fcntl, fd, F_SETLEASE, F_RDLCK);
	setting("/proc/sys/fs/leases-enable", "1");
	TRY(fcntl, fd, F_SETLEASE, F_RDLCK);
	CHECK(unlink("f") == 0 && chdir("..") == 0 && rmdir("leases.d") == 0);
	return 0;
}
