/* SPDX-License-Identifier: MIT */
/* Rows of whole programs that nobody here wrote, started from an image without an environment of its own. */
#include <fcntl.h>
#include "measure.h"

#define BUSYBOX "/bin/busybox"
#define TEXT "/tmp/bench.text"
#define SQL "/tmp/bench.sql"

/* A program with its input, output thrown away. */
static int program_run(const char *input, char *const av[])
{
	pid_t child = vfork();

	if (child == 0) {
		int in = open(input, O_RDONLY), out = open("/dev/null", O_WRONLY);

		if (in < 0 || out < 0)
			_exit(errno & 127);
		(void)dup2(in, 0);
		(void)dup2(out, 1);
		(void)execv(av[0], av);
		_exit(errno & 127);
	}
	return ended_well(child);
}

static int program_row(unsigned n, const char *input, char *const av[])
{
	int e = program_run(input, av);

	if (e)
		return e;
	EACH(n, , (void)program_run(input, av), );
	samples_say("");
	return 0;
}

/* Lines whose order is that of a pseudo-random number: the same on every system. */
static int text_write(unsigned lines)
{
	FILE *f = fopen(TEXT, "w");
	uint32_t x = 12345;

	NEED(f != 0);
	for (unsigned i = 0; i < lines; i++) {
		x = x * 1664525u + 1013904223u;
		fprintf(f, "%08x line %u\n", x, i);
	}
	NEED(fclose(f) == 0);
	return 0;
}

int row_sh_loop(void)
{
	char *const av[] = { BUSYBOX, "sh", "-c", "i=0; while [ $i -lt 100 ]; do echo line $i | cat; i=$((i+1)); done", 0 };

	return program_row(3, "/dev/null", av);
}

int row_sort(void)
{
	char *const av[] = { BUSYBOX, "sort", "-o", "/tmp/bench.sorted", TEXT, 0 };
	int e = text_write(20000);

	return e ? e : program_row(3, "/dev/null", av);
}

int row_gzip(void)
{
	char *const av[] = { BUSYBOX, "gzip", "-kf", TEXT, 0 };
	int e = text_write(20000);

	return e ? e : program_row(3, "/dev/null", av);
}

int row_sqlite(void)
{
	char *const av[] = { "/usr/bin/sqlite3", "/tmp/bench.db", 0 };
	FILE *f = fopen(SQL, "w");

	NEED(f != 0);
	fprintf(f, "drop table if exists t; create table t (id integer primary key, n integer, s text); create index t_n on t (n); begin;\n");
	for (unsigned i = 0; i < 2000; i++)
		fprintf(f, "insert into t (n, s) values (%u, 'row %u of the table');\n", i * 7919 % 2003, i);
	fprintf(f, "commit;\n");
	for (unsigned i = 0; i < 200; i++)
		fprintf(f, "select count(*), sum(n) from t where n between %u and %u;\n", i * 10, i * 10 + 100);
	NEED(fclose(f) == 0);
	return program_row(3, SQL, av);
}
