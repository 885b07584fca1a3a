/* SPDX-License-Identifier: MIT */
/* Lab 5, what is wanted: an ordinary program of Linux's, and processes that it makes, which call the server in the box
 * `lab`. One process does the checks; the first one sees whether it gets on, for who waits in a call can do nothing. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <kv/client.h>
#include <lab5.h>

#define NO_ANSWER 10    /* seconds without the end of a call: it never comes */
#define ROUNDS    50    /* of each of the processes that share a lock */
#define SHARERS   8
#define BATCH     20    /* calls whose cost is taken together */

static exo_name server;
static struct shared {
	volatile uint64_t calls; /* that have ended */
	volatile uint64_t inside, sum, overlaps;
} *shared;

static void said(int is_so, const char *name, const char *why)
{
	if (is_so) {
		printf("lab: ok %s\n", name);
	} else {
		printf("lab: not ok %s: %s\n", name, why);
		fflush(stdout);
		_exit(1);
	}
}

/* The answer's first word; its second one to *name. */
static uint64_t call(uint64_t what, uint64_t lock, exo_name *name)
{
	uint64_t m[2];
	int64_t r;

	do {
		m[0] = what | lock << 8;
		m[1] = 0;
		r = gate_pct_say(server, 0, m);
		if (r == -EXO_EAGAIN)
			(void)gate_yield(server, 0); /* it has not begun, or serves another */
	} while (r == -EXO_EAGAIN);
	shared->calls++;
	if (r < 0)
		said(0, "lives", "the server's env has ended");
	if (name)
		*name = m[1];
	return m[0];
}

static uint64_t take(uint64_t lock) { return call(LOCK_TAKE, lock, NULL); }
static uint64_t give(uint64_t lock) { return call(LOCK_GIVE, lock, NULL); }

static exo_name holder(uint64_t lock)
{
	exo_name name;

	return call(LOCK_HOLDER, lock, &name) ? ~0ul : name;
}

/* In a process of its own: the status that the function returns. */
static int elsewhere(int (*function)(exo_name mother))
{
	exo_name mother = rt_self();
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(function(mother));
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static int theirs(exo_name mother)
{
	int wrong = take(3) != EXO_EBUSY;

	wrong |= (give(3) != EXO_EPERM) << 1;
	return wrong | (holder(3) != mother) << 2;
}

static int takes_three(exo_name mother)
{
	(void)mother;
	return (int)take(3);
}

static int shares(exo_name mother)
{
	(void)mother;
	for (int i = 0; i < ROUNDS; i++) {
		while (take(1))
			(void)usleep(100);
		shared->overlaps += shared->inside++;
		shared->sum++;
		if (i % 8 == 0)
			(void)usleep(100); /* others run, and find it taken */
		shared->inside--;
		if (give(1))
			return 1;
	}
	return 0;
}

static int sharers(exo_name mother)
{
	int wrong = 0, status;

	for (int i = 0; i < SHARERS; i++)
		if (!fork())
			_exit(shares(mother));
	while (wait(&status) > 0)
		wrong |= status;
	return wrong != 0;
}

/* What the server's env ran, in TSC ticks: of the calls, its side. */
static uint64_t cost(void)
{
	const volatile uint64_t *ran = &rt_envs[EXO_NAME_INDEX(server)].run_time;
	uint64_t least = UINT64_MAX;

	for (int batch = 0; batch < 20; batch++) {
		uint64_t start = *ran;

		for (int i = 0; i < BATCH; i += 2) {
			(void)take(2);
			(void)give(2);
		}
		start = *ran - start;
		least = start < least ? start : least;
	}
	return least;
}

static int checks(exo_name mother)
{
	uint64_t r;
	exo_name name;

	(void)mother;
	r = take(3);
	name = holder(3);
	printf("lab: ok answers\n");
	said(!r && name == rt_self(), "takes", "lock 3 was taken, and its holder is not who took it");
	said(take(3) == EXO_EBUSY && holder(3) == name, "held", "a lock that is held was taken again");
	said(!holder(5) && !take(5) && holder(3) == name, "apart", "lock 5 has to do with lock 3");
	r = (uint64_t)elsewhere(theirs);
	said(!(r & 1), "theirs", "another process took a lock that is held");
	said(!(r & 2) && r < 8 && holder(3) == name, "owned", "another process gave what it does not hold");
	said(!(r & 4), "told", "another process is told of another holder");
	said(!give(3) && !holder(3) && give(3) == EXO_EPERM, "gives", "lock 3 was given back, and is held or given again");
	said(holder(5) == name, "alone", "with lock 3 lock 5 was given back");
	said(!elsewhere(takes_three), "free", "lock 3 was given back, and another process did not get it");
	for (int i = 0; i < 2000 && (r = take(3)) != 0; i++)
		(void)usleep(1000); /* the last of its env goes when there is time */
	said(!r, "ended", "who held lock 3 has ended, and it is still held");
	said(call(LOCK_TAKE, LOCKS, NULL) == EXO_EINVAL && call(LOCK_GIVE, 1ul << 40, NULL) == EXO_EINVAL, "locks",
		"a lock that there is none of was not refused with EXO_EINVAL");
	said(call(LOCK_HOLDER + 1, 0, NULL) == EXO_EINVAL && call(255, 0, NULL) == EXO_EINVAL, "wishes",
		"a wish that there is none of was not refused with EXO_EINVAL");
	said(!sharers(rt_self()) && shared->sum == SHARERS * ROUNDS && !shared->overlaps, "excludes",
		"processes that share a lock were inside at one time, or did not get it");
	printf("lab: cost %lu\n", cost());
	return 0;
}

int main(void)
{
	int status;
	pid_t pid;

	server = kv_server("lab");
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!server || shared == MAP_FAILED) {
		printf("lab: there is no box\n");
		return 2;
	}
	pid = fork();
	if (!pid) {
		status = checks(0);
		fflush(stdout);
		_exit(status);
	}
	for (uint64_t before = 0, since = rt_now(); !waitpid(pid, &status, WNOHANG);) {
		(void)usleep(1000);
		if (shared->calls != before)
			before = shared->calls, since = rt_now();
		if (rt_now() - since > NO_ANSWER * 1000000000ul) {
			(void)kill(pid, SIGKILL);
			printf("lab: not ok answers: after %lu calls one was not answered\n", before);
			return 1;
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
