/* SPDX-License-Identifier: MIT */
/* The unit tests' harness: runs the tests that its arguments name (all without any), prints `ok NAME` or `not ok NAME: reason`. */
#include "check.h"
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_MAX = 60, REASON_MAX = 512 };

static struct test *first, **last = &first;
static int reason_pipe[2];
static uint64_t random_state;

void test_add(struct test *t)
{
	*last = t;
	last = &t->next;
}

void test_fail(const char *format, ...)
{
	char text[REASON_MAX];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n > (int)sizeof text - 1)
		n = sizeof text - 1;
	if (write(reason_pipe[1], text, (size_t)n) != n)
		_exit(3);
	_exit(2);
}

void random_seed(uint64_t seed)
{
	random_state = seed * 0x9e3779b97f4a7c15u | 1;
}

uint64_t random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1du;
}

void random_mutate(uint8_t *bytes, size_t size)
{
	static const uint64_t nasty[] = { 0, 1, 0x7f, 0xff, 0xfff, 0x1000, 0x7fffffff, 0x80000000, 0xffffffff, 1ul << 47, ~0ul, ~0xffful, 1ul << 63, 12, 0xffff };

	for (uint64_t n = 1 + random_below(8); n; n--) {
		size_t at = random_below(size), width = 1u << random_below(4);
		uint64_t word = random_below(2) ? nasty[random_below(sizeof nasty / sizeof *nasty)] : random_next();

		switch (random_below(4)) {
		case 0:
			bytes[at] ^= (uint8_t)(1u << random_below(8));
			break;
		case 1:
			bytes[at] = (uint8_t)random_next();
			break;
		case 2:
			at &= ~(width - 1);
			if (at + width <= size)
				memcpy(bytes + at, &word, width);
			break;
		case 3:
			width = 1 + random_below(64);
			if (width < size)
				memmove(bytes + random_below(size - width), bytes + random_below(size - width), width);
			break;
		}
	}
}

double test_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint8_t *guarded(size_t n)
{
	size_t room = (n + 4095) / 4096 * 4096;
	uint8_t *p = mmap(NULL, room + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + room, 4096, PROT_NONE))
		test_fail("mmap refused");
	return p + room - n;
}

uint8_t *file_load(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p;
	long n;

	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0)
		test_fail("%s cannot be read", path);
	rewind(f);
	p = malloc((size_t)n);
	if (!p || fread(p, 1, (size_t)n, f) != (size_t)n)
		test_fail("%s cannot be read", path);
	fclose(f);
	*size = (size_t)n;
	return p;
}

static int test_run(const struct test *t)
{
	char reason[REASON_MAX];
	int status;
	ssize_t n;
	pid_t child;

	fflush(stdout);
	if (pipe(reason_pipe) || (child = fork()) < 0)
		return perror("fork"), 1;
	if (!child) {
		close(reason_pipe[0]);
		alarm(SECONDS_MAX);
		random_seed(1);
		t->run();
		_exit(0);
	}
	close(reason_pipe[1]);
	n = read(reason_pipe[0], reason, sizeof reason - 1);
	close(reason_pipe[0]);
	waitpid(child, &status, 0);
	reason[n > 0 ? n : 0] = 0;
	if (!status)
		printf("ok %s\n", t->name);
	else if (n > 0)
		printf("not ok %s: %s\n", t->name, reason);
	else if (WIFSIGNALED(status))
		printf("not ok %s: died of signal %d\n", t->name, WTERMSIG(status));
	else
		printf("not ok %s: ended with status %d (a sanitizer's report stands above)\n", t->name, WEXITSTATUS(status));
	return status != 0;
}

static int is_wanted(const char *name, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return 1;
	return !count;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (struct test *t = first; t; t = t->next)
		if (is_wanted(t->name, argc - 1, argv + 1))
			failed += test_run(t);
	return failed != 0;
}
