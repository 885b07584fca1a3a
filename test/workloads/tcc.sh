# SPDX-License-Identifier: MIT
# Debian's tcc: -run compiles into memory that is then executed; and files: a program of two units, a static library, preprocessing; qsort, malloc, stdio over 50 kB.
cat >m.c <<'E'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int by(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int square(int);
int main(int argc, char **argv)
{
	int n = 20000, *v = malloc(n * sizeof *v);
	unsigned x = 12345;
	for (int i = 0; i < n; i++) v[i] = (x = x * 1103515245 + 12345) >> 8 & 0xffff;
	qsort(v, n, sizeof *v, by);
	for (int i = 0; i < n; i += 4000) printf("%d ", v[i]);
	double s = 0; for (int i = 1; i < 10000; i++) s += 1.0 / i;
	printf("%.9f %s %d %d\n", s, argv[1], argc, square(12));
	return 5;
}
E
echo 'int square(int x) { return x * x; }' >s.c
tcc s.c -run m.c arg; echo $?
tcc -c m.c; tcc -c s.c; tcc -o prog m.o s.o; ./prog built; echo $?; tcc -ar rcs libs.a s.o; tcc -o p2 m.c libs.a; ./p2 lib; echo $?
echo 'int main(){return x;}' >bad.c; tcc bad.c; echo $?; tcc -E -P s.c; for i in $(seq 1 600); do echo "int f$i(int a) { return a * $i + $i; }"; done >big.c; wc -c <big.c; tcc -c big.c && echo compiled
