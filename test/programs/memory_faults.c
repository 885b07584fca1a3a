/* SPDX-License-Identifier: MIT */
/* What valgrind.sh looks at: a program with faults of memory, without, with a leak, or with two threads that race. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int shared;

static void *race(void *unused)
{
	(void)unused;
	for (int i = 0; i < 100; i++)
		shared++;
	return 0;
}

static int faults(void)
{
	char *volatile bytes = malloc(10);
	int *volatile given = malloc(sizeof(int));

	bytes[10] = 1;
	if (*given == 5)
		puts("five");
	free(bytes);
	printf("%d\n", bytes[3] != 0);
	free(given);
	return 0;
}

static int right(void)
{
	char *all[1000];
	size_t sum = 0;

	for (int i = 0; i < 1000; i++) {
		all[i] = malloc((size_t)i + 1);
		memset(all[i], 'x', (size_t)i);
		all[i][i] = 0;
	}
	for (int i = 0; i < 1000; i++) {
		sum += strlen(all[i]);
		free(all[i]);
	}
	printf("%zu\n", sum);
	return 0;
}

int main(int n, char **args)
{
	const char *what = n > 1 ? args[1] : "faults";

	if (!strcmp(what, "right"))
		return right();
	if (!strcmp(what, "leak")) {
		char *volatile lost = malloc(1234);

		lost[0] = 1;
		lost = 0;
		return 0;
	}
	if (!strcmp(what, "threads")) {
		pthread_t a, b;

		pthread_create(&a, 0, race, 0);
		pthread_create(&b, 0, race, 0);
		pthread_join(a, 0);
		pthread_join(b, 0);
		printf("%d\n", shared);
		return 0;
	}
	return faults();
}
