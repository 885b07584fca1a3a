/* SPDX-License-Identifier: MIT */
/* An interpreter that prints its arguments and the first line of the file that it finds open (AT_EXECFD). */
#include <sys/auxv.h>
#include "check.h"

int main(int argc, char **argv)
{
	unsigned long fd = getauxval(AT_EXECFD);
	char text[100] = "nothing\n";
	long n;

	for (int i = 1; i < argc; i++)
		printf("%s%s", i > 1 ? " " : "", argv[i]);
	errno = 0;
	if (fd || (getauxval(AT_EXECFD) == 0 && errno == 0)) {
		n = read((int)fd, text, sizeof text - 1);
		CHECK(n > 0);
		text[n] = 0;
	}
	printf(": %.*s\n", (int)strcspn(text, "\n"), text);
	return 0;
}
