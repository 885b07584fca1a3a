/* SPDX-License-Identifier: MIT */
/* The measuring program: the same ELF file on every system. Each row runs in a fresh image of it, so no row sees another's memory.
 * bench all|quick [ROW,ROW...]: runs rows. bench row ROW. bench profile ROW, bench command ARG...: with a window for a profiler. */
#include <signal.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/reboot.h>
#include "measure.h"

static const struct row { const char *id; int (*run)(void); } rows[] = {
#define ROW(id, title, function, includes) { #id, function },
#include "rows.def"
#undef ROW
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])
/* No row takes longer than this, of the machine's own time. */
#define ROW_SECONDS 60

static const char *current;
static uint64_t taken[SAMPLES], overhead;
static double result[SAMPLES];
static unsigned count;
static int quick, profiled;

unsigned rounds(unsigned full) { return profiled || quick ? (full + 9) / 10 : full; }
const char *row_mode(void) { return quick ? "quick-row" : "row"; }

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

void sample(uint64_t from, uint64_t to, double operations)
{
	uint64_t t = to - from;

	if (count < SAMPLES)
		result[count++] = t > overhead ? (double)(t - overhead) / operations : 0;
}

void sample_value(double value)
{
	if (count < SAMPLES)
		result[count++] = value;
}

static void samples_sort(void)
{
	qsort(result, count, sizeof result[0], by_size);
}

void samples_say(const char *part)
{
	samples_sort();
	if (count)
		printf("row %s%s %.2f %.2f\n", current, part, result[count / 2], result[0]);
	count = 0;
}

void samples_worst(void)
{
	samples_sort();
	if (count)
		printf("row %s %.2f %.2f\n", current, result[count / 2], result[count - 1]);
	count = 0;
}

void samples_point(const char *curve, double x)
{
	samples_sort();
	if (count)
		printf("point %s %.0f %.2f\n", curve, x, result[count / 2]);
	fflush(stdout);
	count = 0;
}

static void overhead_measure(void)
{
	for (int i = 0; i < 101; i++) {
		uint64_t from = ticks();
		taken[i] = ticks() - from;
	}
	overhead = taken[100];
	for (int i = 0; i < 101; i++)
		if (taken[i] < overhead)
			overhead = taken[i];
}

/* The profiler reads the marker, starts to look, and answers with one byte. */
static void marker(const char *text)
{
	char byte;

	if (!profiled)
		return;
	(void)!write(1, text, strlen(text));
	(void)!read(0, &byte, 1);
}
void window_open(void) { marker("\n<window open>\n"); }
void window_close(void) { marker("\n<window close>\n"); }

char *touched(size_t size)
{
	char *m = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		return 0;
	for (size_t i = 0; i < size; i += PAGE)
		m[i] = 1;
	return m;
}

int ended_well(pid_t child)
{
	int status;

	if (child < 0)
		return errno;
	if (waitpid(child, &status, 0) != child)
		return errno ? errno : ECHILD;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : WIFEXITED(status) ? WEXITSTATUS(status) : EFAULT;
}

static int row_run(const char *id)
{
	for (unsigned i = 0; i < ROW_COUNT; i++)
		if (strcmp(rows[i].id, id) == 0) {
			int e;

			current = id;
			overhead_measure();
			window_open();
			e = rows[i].run();
			window_close();
			if (e)
				printf("absent %s %s\n", id, strerror(e));
			return e;
		}
	printf("absent %s unknown row\n", id);
	return 1;
}

static void nothing(int signal) { (void)signal; }

/* One row in a fresh image, with a limit. */
static void row_start(char *self, const char *mode, const char *id)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		char *av[] = { self, (char *)mode, (char *)id, 0 };
		(void)setsid();
		execve(self, av, environ);
		_exit(126);
	}
	alarm(ROW_SECONDS);
	if (child < 0 || (waitpid(child, &status, 0) != child && kill(-child, SIGKILL) + kill(child, SIGKILL) > -3 && waitpid(child, &status, 0) != child))
		printf("absent %s cannot be run\n", id);
	else if (WIFSIGNALED(status))
		printf("absent %s %s %d\n", id, WTERMSIG(status) == SIGKILL ? "no end within the time, signal" : "ended by signal", WTERMSIG(status));
	alarm(0);
	/* What a broken row left behind. */
	while (waitpid(-1, 0, WNOHANG) > 0)
		;
	fflush(stdout);
}

/* When the loader began, by this processor's counter: the system that has one says it. */
static void image_say(void)
{
	FILE *f = fopen("/proc/aril-hardware", "r");
	char line[512];
	unsigned long began;

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "loader: began at tick %lu", &began) == 1)
			printf("image %lu\n", began);
	if (f)
		(void)fclose(f);
}

/* The rows named after the mode, or all. A list is one argument, with commas: Linux gives an init no more than 32. */
static void rows_start(int argc, char **argv, const char *mode)
{
	struct sigaction on_alarm = { .sa_handler = nothing };

	(void)sigaction(SIGALRM, &on_alarm, 0);
	printf("start %lu\n", ticks());
	if (argc > 2)
		for (char *id = strtok(argv[2], ","); id; id = strtok(0, ","))
			row_start(argv[0], mode, id);
	else
		for (unsigned i = 0; i < ROW_COUNT; i++)
			row_start(argv[0], mode, rows[i].id);
	image_say();
	printf("end\n");
	fflush(stdout);
}

/* As the first process of a bare Linux: what a distribution's init would have done. */
static void init_begin(void)
{
	(void)mount("proc", "/proc", "proc", 0, 0);
	(void)mount("tmpfs", "/tmp", "tmpfs", 0, 0);
	setenv("PATH", "/usr/bin:/bin", 1);
}

int main(int argc, char **argv)
{
	uint64_t first = ticks();
	int status = 0;

	if (getpid() == 1)
		init_begin();
	(void)personality(ADDR_NO_RANDOMIZE); /* rows, which are images of their own, cost the same from run to run */
	if (argc >= 3 && strcmp(argv[1], "profile") == 0) {
		profiled = 1;
		status = row_run(argv[2]);
	} else if (argc >= 3 && strcmp(argv[1], "command") == 0) {
		profiled = 1;
		window_open();
		pid_t child = vfork();
		if (child == 0) {
			execvp(argv[2], argv + 2);
			_exit(127);
		}
		status = ended_well(child);
		window_close();
	} else if (argc == 3 && strcmp(argv[1], "row") == 0) {
		status = row_run(argv[2]);
	} else if (argc == 3 && strcmp(argv[1], "quick-row") == 0) {
		quick = 1;
		status = row_run(argv[2]);
	} else if (argc >= 2) {
		printf("first %lu\n", first);
		rows_start(argc, argv, strcmp(argv[1], "quick") == 0 ? "quick-row" : "row");
	}
	if (getpid() == 1) {
		sleep(1);
		(void)reboot(RB_POWER_OFF);
	}
	fflush(stdout);
	return status;
}
