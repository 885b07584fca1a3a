/* SPDX-License-Identifier: MIT */
/* Built with -fsanitize=undefined: what this program does wrong is found and told while it runs. */
#include <limits.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	volatile int big = INT_MAX, shift = 40, minus = -1;
	int list[4] = { 1, 2, 3, 4 };
	char bytes[16] = { 0 };
	volatile unsigned long odd = 1, size = 4;

	(void)argv;
	printf("overflow %d\n", big + argc);
	printf("shift %d\n", 1 << shift);
	printf("length %d\n", (int)sizeof(char[minus + 2]));
	printf("misaligned %d\n", *(volatile int *)(void *)(bytes - ((unsigned long)bytes & 3) + odd) * 0);
	printf("index %d\n", (list[size] == list[0]) * 0);
	return 3;
}
