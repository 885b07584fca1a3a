/* SPDX-License-Identifier: MIT */
/* Built with -fsanitize=address. `sort` sorts the lines of its input, with threads and a child, and does nothing wrong; each other word is a mistake that the sanitizer
 * must find: heap, stack, global (one byte too far), freed (read after free), twice (freed twice), thread, child (a mistake there; the parent tells the status), leak. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char global[12] = "twelve bytes";
static volatile int past = 12;

struct part { char **line; size_t count; };

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void *part_sort(void *of)
{
	struct part *p = of;

	qsort(p->line, p->count, sizeof *p->line, compare);
	return 0;
}

/* Two halves in a thread each, then the whole. */
static void lines_sort(char **line, size_t n)
{
	struct part part[2] = { { line, n / 2 }, { line + n / 2, n - n / 2 } };
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], 0, part_sort, &part[i]))
			exit(2);
	for (int i = 0; i < 2; i++)
		(void)pthread_join(t[i], 0);
	qsort(line, n, sizeof *line, compare);
}

static void sort(void)
{
	char **line = 0, buffer[256];
	size_t n = 0;
	pid_t pid;

	while (fgets(buffer, sizeof buffer, stdin)) {
		line = realloc(line, (n + 1) * sizeof *line);
		line[n++] = strdup(buffer);
	}
	lines_sort(line, n);
	for (size_t i = 0; i < n / 2; i++)
		fputs(line[i], stdout);
	fflush(stdout);
	/* The second half is the child's to print, from memory that it writes. */
	pid = fork();
	for (size_t i = 0; i < n; i++) {
		if (pid == 0 && i >= n / 2) {
			line[i][0] ^= 1;
			line[i][0] ^= 1;
			fputs(line[i], stdout);
		}
		free(line[i]);
	}
	free(line);
	if (pid == 0)
		exit(0);
	(void)waitpid(pid, 0, 0);
}

static int heap(void)
{
	char *volatile m = calloc(1, 12);
	int byte = m[past];

	free(m);
	return byte;
}

static int stack(void)
{
	volatile char local[12] = "here";

	return local[past];
}

static int freed(void)
{
	char *volatile m = malloc(40);

	free(m);
	return m[3];
}

static void twice(void)
{
	char *volatile m = malloc(100);

	free(m);
	free(m);
}

static void *thread(void *nothing)
{
	return heap() ? 0 : nothing;
}

static void child(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		exit(stack());
	(void)waitpid(pid, &status, 0);
	printf("the child ended with %d, and the parent goes on\n", WEXITSTATUS(status));
}

static void leak(void)
{
	char *volatile m = malloc(1234);

	m[0] = 1;
	m = 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	pthread_t t;
	int byte = 0;

	if (!strcmp(what, "sort"))
		sort();
	else if (!strcmp(what, "heap"))
		byte = heap();
	else if (!strcmp(what, "stack"))
		byte = stack();
	else if (!strcmp(what, "global"))
		byte = global[past];
	else if (!strcmp(what, "freed"))
		byte = freed();
	else if (!strcmp(what, "twice"))
		twice();
	else if (!strcmp(what, "child"))
		child();
	else if (!strcmp(what, "leak"))
		leak();
	else if (!strcmp(what, "thread") && !pthread_create(&t, 0, thread, 0))
		(void)pthread_join(t, 0);
	return byte ? 5 : 0;
}
