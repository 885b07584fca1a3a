/* SPDX-License-Identifier: MIT */
/* What must not break a family: `stress many N` processes alive at once; `row N` forks one after the other; `bomb` forks
 * until it is refused, in every child; `hog` touches memory until it is refused or ended; `hold N` touches N MiB, says so
 * and waits; `full` fills the tree, then pipes, until both are refused; `pipes` has pipes alone, until no file can be
 * opened; `maps` mappings; `signals` takes signals where no page is, while another one has all pages; `reads`
 * the same of bytes;
 * `kill SEED N` ends workers (with all that they have started) at times drawn from the seed. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include "check.h"

static uint64_t state = 1;
static unsigned draw(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state >> 11) % n);
}

static void many(int n)
{
	pid_t *pid = calloc((size_t)n, sizeof *pid);
	int go[2], sum = 0;
	char byte = 0;

	CHECK(pid && pipe(go) == 0);
	for (int i = 0; i < n; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			close(go[1]);
			(void)!read(go[0], &byte, 1);
			_exit(i % 100);
		}
	}
	close(go[1]);
	for (int i = 0; i < n; i++)
		sum += wait_status(pid[i]) == i % 100;
	CHECK(sum == n);
	printf("%d processes were alive at once\n", n);
}

static void row(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0)
			_exit(i % 100);
		CHECK(wait_status(pid) == i % 100);
	}
	printf("%d forks in a row\n", n);
}

/* As `:(){ :|:& };:` does it, but it ends: who is refused says so by its status. */
static void bomb(void)
{
	struct rlimit r = { 200, 200 };
	int refused = 0;

	CHECK(setrlimit(RLIMIT_NPROC, &r) == 0);
	for (int depth = 0; depth < 20; depth++) {
		pid_t a = fork(), b = a == 0 ? 0 : fork();

		if (a == 0 || b == 0)
			continue;
		refused = a < 0 || b < 0;
		CHECK(!refused || errno == EAGAIN || errno == ENOMEM);
		for (int st; wait(&st) > 0; )
			refused |= WEXITSTATUS(st);
		break;
	}
	if (refused)
		_exit(1);
	_exit(0);
}

/* Keeps so many MiB until it is killed; a line when it has them. */
static void hold(size_t mib)
{
	char *m = mmap(0, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		return;
	for (size_t i = 0; i < mib << 20; i += 4096)
		m[i] = 1;
	puts("held");
	fflush(stdout);
	for (;;)
		pause();
}

static void hog(void)
{
	for (size_t size = 64ul << 20;; ) {
		char *m = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (m == MAP_FAILED) {
			printf("refused: %s\n", strerror(errno));
			return;
		}
		for (size_t i = 0; i < size; i += 4096)
			m[i] = 1;
	}
}

static void *thread_main(void *fd)
{
	for (int i = 0; i < 20; i++)
		(void)!write((int)(long)fd, "0123456789", 10);
	return 0;
}

static void on_alarm(int sig) { (void)sig; }

/* A bit of everything, for ever. */
static void work(void)
{
	char name[64], buffer[4096];
	struct sigaction a = { .sa_handler = on_alarm };

	(void)sigaction(SIGUSR1, &a, 0);
	for (;;) {
		int fd[2];
		char *m;
		pid_t pid;
		pthread_t t;

		switch (draw(8)) {
		case 0:
			if (pipe(fd) < 0)
				break;
			if ((pid = fork()) == 0) {
				(void)!write(fd[1], buffer, sizeof buffer);
				_exit(0);
			}
			close(fd[1]);
			while (read(fd[0], buffer, 1000) > 0)
				;
			close(fd[0]);
			(void)waitpid(pid, 0, 0);
			break;
		case 1:
			snprintf(name, sizeof name, "/tmp/stress/%u", draw(8));
			fd[0] = open(name, O_RDWR | O_CREAT, 0600);
			(void)!write(fd[0], buffer, 1 + draw(4000));
			(void)!lseek(fd[0], 0, SEEK_SET);
			(void)!read(fd[0], buffer, sizeof buffer);
			close(fd[0]);
			if (draw(2))
				(void)unlink(name);
			break;
		case 2:
			m = mmap(0, 65536, PROT_READ | PROT_WRITE, (draw(2) ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS, -1, 0);
			for (int i = 0; i < 65536; i += 4096)
				m[i] = 1;
			(void)munmap(m + 4096 * draw(8), 4096 * draw(8) + 4096);
			break;
		case 3:
			if (pipe(fd) < 0)
				break;
			if (pthread_create(&t, 0, thread_main, (void *)(long)fd[1]) == 0) {
				(void)!read(fd[0], buffer, 30);
				(void)pthread_join(t, 0);
			}
			close(fd[0]);
			close(fd[1]);
			break;
		case 4:
			if ((pid = vfork()) == 0) {
				execl("/proc/self/exe", "stress", "none", (char *)0);
				_exit(1);
			}
			(void)waitpid(pid, 0, 0);
			break;
		case 5:
			(void)raise(SIGUSR1);
			break;
		case 6:
			fd[0] = open("/proc/self/maps", O_RDONLY);
			(void)!read(fd[0], buffer, sizeof buffer);
			close(fd[0]);
			break;
		default:
			fd[0] = open("/proc/self/exe", O_RDONLY);
			m = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd[0], 0);
			close(fd[0]);
			m[draw(65536)] = 1;
			(void)munmap(m, 65536);
		}
	}
}

/* Others go on: forks, execs, pipes. */
static void others_go_on(void)
{
	char line[8] = "";
	FILE *f;

	row(20);
	f = popen("echo so | cat | cat", "r");
	CHECK(f && fgets(line, sizeof line, f) && !strcmp(line, "so\n") && pclose(f) == 0);
}

static void full(void)
{
	enum { PIECE = 65536 };
	static char piece[PIECE];
	int end[2], status;
	long files = 0;
	char name[64];
	int fd = open("/tmp/full", O_CREAT | O_WRONLY | O_EXCL, 0600);

	CHECK(fd >= 0 && !mkdir("/tmp/small", 0700));
	CHECK(!setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 1 << 20, 1 << 20 }));
	while (write(fd, piece, PIECE) > 0)
		;
	CHECK(errno == ENOSPC);
	others_go_on();
	/* Room for small ones, which must end too. */
	CHECK(!ftruncate(fd, lseek(fd, 0, SEEK_CUR) - (4 << 20)));
	for (int one; snprintf(name, sizeof name, "/tmp/small/%ld", files), (one = open(name, O_CREAT | O_WRONLY, 0600)) >= 0; files++)
		close(one);
	CHECK(errno == ENOSPC && files > 1000);
	others_go_on();
	/* A process that fills pipes, too: it is refused, and its parent goes on. */
	pid_t pid = fork();

	if (pid == 0) {
		while (!pipe2(end, O_NONBLOCK))
			while (write(end[1], piece, 4096) > 0)
				;
		raise(SIGSTOP);
		_exit(errno == ENFILE ? 0 : errno == EMFILE ? 1 : 2);
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	others_go_on();
	CHECK(!kill(pid, SIGCONT) && wait_status(pid) == 0);
	while (files--) {
		snprintf(name, sizeof name, "/tmp/small/%ld", files);
		CHECK(!unlink(name));
	}
	CHECK(!rmdir("/tmp/small") && !unlink("/tmp/full") && !close(fd));
	puts("full, and nobody was stopped");
}

static void opens(int n)
{
	int end[2];
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < n; i += 2)
			CHECK(!pipe(end));
		_exit(0);
	}
	CHECK(wait_status(pid) == 0);
}

/* Pipes until they are refused, held by one that sleeps on them until it is killed. */
static void pipes(void)
{
	int end[2], status;
	pid_t pid;

	CHECK(!setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 1 << 20, 1 << 20 }));
	pid = fork();
	if (pid == 0) {
		CHECK(!prctl(PR_SET_PDEATHSIG, SIGKILL));
		while (!pipe(end))
			;
		CHECK(errno == ENFILE && end[1] > 100000 && !raise(SIGSTOP));
		_exit(0);
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	for (int n = 10; n <= 1000; n *= 10)
		opens(n);
	others_go_on();
	CHECK(!pipe(end)); /* which lies behind all of the bomb's */
	CHECK(!kill(pid, SIGKILL) && wait_status(pid) == 128 + SIGKILL);
	opens(10000);
	others_go_on();
	puts("pipes, and nobody was stopped");
}

/* Children of one with as many mappings as there can be, until there is no memory for one more: a fork is refused, or
 * the last of them is killed, since all are as large. */
static void maps_children(void)
{
	pid_t pid[200], self = getpid();
	int n = 0, status;

	for (; n < 200 && (pid[n] = fork()) >= 0; n++)
		if (pid[n] == 0) {
			CHECK(!prctl(PR_SET_PDEATHSIG, SIGKILL));
			if (getppid() == self)
				raise(SIGSTOP);
			_exit(0);
		}
	CHECK(n > 3 && n < 200 && (errno == ENOMEM || errno == EAGAIN));
	for (int i = 0; i < n; i++) {
		CHECK(waitpid(pid[i], &status, WUNTRACED) == pid[i]);
		if (WIFSTOPPED(status))
			continue;
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		pid[i] = 0;
	}
	for (int i = 0; i < n; i++)
		CHECK(!pid[i] || (!kill(pid[i], SIGKILL) && wait_status(pid[i]) == 128 + SIGKILL));
}

#define MAPPERS 6

/* Mappings until they are refused, by several processes at once, each of which sleeps on them until it is killed. */
static void maps(void)
{
	pid_t pid[MAPPERS];
	int status;

	for (int i = 0; i < MAPPERS; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			CHECK(!prctl(PR_SET_PDEATHSIG, SIGKILL));
			for (int right = PROT_READ; mmap(0, 4096, right, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;)
				right ^= PROT_READ | PROT_WRITE;
			CHECK(errno == ENOMEM && !raise(SIGSTOP));
			maps_children();
			_exit(0);
		}
	}
	for (int i = 0; i < MAPPERS; i++)
		CHECK(waitpid(pid[i], &status, WUNTRACED) == pid[i] && WIFSTOPPED(status));
	others_go_on();
	for (int i = 1; i < MAPPERS; i++)
		CHECK(!kill(pid[i], SIGKILL) && wait_status(pid[i]) == 128 + SIGKILL);
	CHECK(!kill(pid[0], SIGCONT));
	status = wait_status(pid[0]);
	CHECK(status == 0 || status == 128 + SIGKILL);
	puts("mappings, and nobody was stopped");
}

#define STEP   (64ul << 10) /* of the hog, while much is free */
#define LITTLE (16ul << 20)
#define STACK  (16ul << 10) /* of a handler */
#define STACKS 1500

static volatile sig_atomic_t taken;

static void take(int sig)
{
	(void)sig;
	taken++;
}

static size_t memory_free(void)
{
	struct sysinfo s;

	CHECK(sysinfo(&s) == 0);
	return s.freeram * s.mem_unit;
}

/* Touches another piece for each byte that comes, and says so. */
static void eat(int from, int to)
{
	char *p = mmap(0, 1ul << 36, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), byte;

	CHECK(p != MAP_FAILED);
	while (memory_free() > LITTLE)
		for (char *end = p + STEP; p < end; p += 4096)
			*p = 1;
	while (write(to, "", 1) == 1 && read(from, &byte, 1) == 1)
		for (char *end = p + STACK; p < end; p += 4096)
			*p = 1;
	_exit(0);
}

static void signal_on(char *stack)
{
	stack_t s = { .ss_sp = stack, .ss_size = STACK };
	int before = taken;

	CHECK(sigaltstack(&s, 0) == 0 && raise(SIGUSR1) == 0 && taken == before + 1);
}

/* A byte into each page. */
static void read_to(char *to)
{
	static int zero = -1;

	if (zero < 0)
		zero = open("/dev/zero", O_RDONLY);
	for (char *end = to + STACK; to < end; to += 4096)
		CHECK(read(zero, to, 1) == 1);
}

/* In step with a hog, that has all the rest: whoever asks for the last page, it is the hog that ends. */
static void step_with(char *stacks, void (*step)(char *at))
{
	int go[2], done[2];
	char byte;
	pid_t pid;

	CHECK(pipe(go) == 0 && pipe(done) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(go[1]);
		close(done[0]);
		eat(go[0], done[1]);
	}
	close(go[0]);
	close(done[1]);
	for (int i = 0; read(done[0], &byte, 1) == 1; i++) {
		CHECK(i < STACKS);
		step(stacks + (size_t)i * STACK);
		(void)!write(go[1], "", 1);
	}
	close(go[1]);
	close(done[0]);
	CHECK(wait_status(pid) == 128 + SIGKILL && madvise(stacks, STACKS * STACK, MADV_DONTNEED) == 0);
}

/* The one that comes to the last page is the hog as often as the other: so several times. */
static void starved(const char *what, void (*step)(char *at))
{
	char *stacks = mmap(0, STACKS * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct sigaction a = { .sa_handler = take, .sa_flags = SA_ONSTACK };

	CHECK(stacks != MAP_FAILED && sigaction(SIGUSR1, &a, 0) == 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	for (int i = 0; i < 16; i++)
		step_with(stacks, step);
	printf("%s, and nobody else was stopped\n", what);
}

static void kills(int n)
{
	CHECK(mkdir("/tmp/stress", 0700) == 0 || errno == EEXIST);
	for (int i = 0; i < n; i++) {
		struct timespec t = { 0, 1000 * (long)draw(4000) };
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			(void)setpgid(0, 0);
			state += (uint64_t)i * 977;
			work();
		}
		(void)setpgid(pid, pid);
		(void)nanosleep(&t, 0);
		CHECK(kill(-pid, SIGKILL) == 0);
		CHECK(wait_status(pid) == 128 + SIGKILL);
	}
	for (int i = 0; i < 8; i++) {
		char name[64];

		snprintf(name, sizeof name, "/tmp/stress/%d", i);
		(void)unlink(name);
	}
	CHECK(rmdir("/tmp/stress") == 0);
	printf("%d were killed\n", n);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int n = argc > 2 ? atoi(argv[argc - 1]) : 0;

	if (!strcmp(what, "many"))
		many(n);
	else if (!strcmp(what, "row"))
		row(n);
	else if (!strcmp(what, "bomb"))
		bomb();
	else if (!strcmp(what, "hog"))
		hog();
	else if (!strcmp(what, "pipes"))
		pipes();
	else if (!strcmp(what, "maps"))
		maps();
	else if (!strcmp(what, "signals"))
		starved(what, signal_on);
	else if (!strcmp(what, "reads"))
		starved(what, read_to);
	else if (!strcmp(what, "hold"))
		hold((size_t)n);
	else if (!strcmp(what, "full"))
		full();
	else if (!strcmp(what, "kill")) {
		state = strtoull(argv[2], 0, 0) * 2654435761u | 1;
		kills(n);
	}
	return 0;
}
