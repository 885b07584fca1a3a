/* SPDX-License-Identifier: MIT */
/* map: page tables and frames of the machine as text, out of the kernel's public tables and /proc/PID/tables. With
 * --raw the same in the form that `aril map` on the host makes pictures of (test/aril/map.py). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <exo/env.h>
#include <exo/page.h>

#define STATUS_OWN 125 /* as env(1): what is this program's fault */
#define the_info   ((const volatile struct exo_info *)EXO_INFO)
#define the_envs   ((const volatile struct exo_env *)EXO_ENVS)
#define the_homes  ((const volatile struct exo_home *)EXO_HOMES)
#define the_frames ((const volatile struct exo_frame_rec *)EXO_FRAMES)

static const char usage[] =
	"usage: map [--raw] [--pid N] [-- COMMAND [ARG]...]\n"
	"       map [--raw] --fork | --frames | --boot\n"
	"Shows page tables and frames, out of the kernel's public tables. Without options: the address space in figures.\n"
	"  --pid N      the tables of process N, from its root down\n"
	"  -- COMMAND   first starts COMMAND, until it waits for something or stops; without --pid the tables are its own\n"
	"  --fork       the tables of a process before it forks, of it and its child after that, and after one write\n"
	"  --frames     which frames of the machine are what, and whose\n"
	"  --boot       how long firmware, loader, kernel and library took to this program; what the firmware said of\n"
	"               memory, the same as the loader cleaned it, and what became of it\n"
	"  --raw        for programs: an entry a line\n";

static int is_raw;

static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void fail(const char *format, ...)
{
	va_list list;

	fputs("map: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	exit(STATUS_OWN);
}

/* A file of /proc/PID. NULL: there is none. */
static FILE *proc_open(int pid, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

static void name_of(int pid, char name[32])
{
	FILE *f = proc_open(pid, "comm");

	if (!f || !fgets(name, 32, f))
		strcpy(name, "?");
	name[strcspn(name, "\n")] = 0;
	if (f)
		(void)fclose(f);
}

/* ---- tables */
struct entry {
	unsigned level, owner, account, refs, used;
	unsigned long va, count;
	char kind[8], rights[8], state[8], frame[16];
};

static int entry_read(const char *line, struct entry *e)
{
	return sscanf(line, "%u %lx %lu %7s %7s %7s %15s %u %u %u %u", &e->level, &e->va, &e->count, e->kind, e->rights,
		e->state, e->frame, &e->owner, &e->account, &e->refs, &e->used) == 11;
}

/* ---- regions */
#define REGIONS 512
static struct region { unsigned long start, end; char rights[8], name[128]; } regions[REGIONS];
static unsigned region_count;

static void regions_read(int pid)
{
	char line[512];
	FILE *f = proc_open(pid, "maps");

	for (region_count = 0; f && region_count < REGIONS && fgets(line, sizeof line, f); region_count++) {
		struct region *r = regions + region_count;

		strcpy(r->name, "-");
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %127s", &r->start, &r->end, r->rights, r->name) < 3)
			break;
	}
	if (f)
		(void)fclose(f);
}

/* The name of the region that an address lies in, behind two blanks. In none: the library's own data, or a home's. */
static const char *region_of(unsigned long va, char text[48])
{
	const char *name = va < EXO_HOMES_BASE ? "library" : NULL;

	for (unsigned i = 0; i < region_count; i++)
		if (va >= regions[i].start && va < regions[i].end)
			name = strcmp(regions[i].name, "-") ? regions[i].name : "anonymous";
	(void)snprintf(text, 48, name ? "  %s" : "", name);
	return text;
}

static void entry_show(const struct entry *e)
{
	char place[48] = "", whose[24];

	if (e->level == 4)
		(void)snprintf(place, sizeof place, "  slot %lu", e->va >> EXO_SLOT_SHIFT);
	else if (e->level == 3 && e->va >= EXO_HOMES_BASE && the_homes[EXO_HOME_OF(e->va)].owner)
		(void)snprintf(place, sizeof place, "  home %lu of env %u", EXO_HOME_OF(e->va),
			the_homes[EXO_HOME_OF(e->va)].owner);
	(void)snprintf(whose, sizeof whose, e->owner ? "env %u's" : "nobody's", e->owner);
	printf("%*s%012lx %s", 2 * (int)(4 - e->level), "", e->va, e->kind);
	if (e->kind[0] == 't')
		printf(" %s %s frame %s %s, %u links, %u entries%s\n", e->rights, e->state, e->frame, whose, e->refs, e->used,
			place);
	else
		printf(" x %lu %s %s frame %s %s, in %u entries%s\n", e->count, e->rights, e->state, e->frame, whose, e->refs,
			region_of(e->va, place));
}

/* What regions there are, for who draws. */
static void regions_show(void)
{
	for (unsigned i = 0; i < region_count; i++)
		printf("region %lx %lx %s %s\n", regions[i].start, regions[i].end, regions[i].rights, regions[i].name);
}

/* The tables of one process as one state of the story. */
static void state_show(const char *label, int pid)
{
	char line[256], name[32];
	struct entry e;
	unsigned long lines = 0;
	FILE *f = proc_open(pid, "tables");

	if (!f)
		fail("process %d: %s", pid, errno == ENOENT ? "there is none" : strerror(errno));
	name_of(pid, name);
	regions_read(pid);
	printf(is_raw ? "state %s\nname %s\n" : "%s: %s\n", label, name);
	for (; fgets(line, sizeof line, f); lines++) {
		if (is_raw)
			fputs(line, stdout);
		else if (entry_read(line, &e))
			entry_show(&e);
		else if (!strncmp(line, "root ", 5))
			fputs(line, stdout);
	}
	(void)fclose(f);
	if (lines < 3)
		fail("process %d does not tell of its tables", pid);
	if (is_raw)
		regions_show();
}

/* Who owns: homes, and envs by the names of their processes. */
static void owners_show(void)
{
	DIR *d = opendir("/proc");
	char line[256], name[32];

	if (!is_raw)
		return;
	for (unsigned long i = 0; i < EXO_HOME_COUNT; i++)
		if (the_homes[i].owner)
			printf("home %lu %u\n", i, the_homes[i].owner);
	for (unsigned i = 1; i < EXO_ENV_MAX; i++)
		if (the_envs[i].name)
			printf("env %u %u %u %u\n", i, the_envs[i].account, the_envs[i].creator, the_envs[i].frames);
	for (struct dirent *at; d && (at = readdir(d));) {
		int pid = atoi(at->d_name);
		unsigned env;
		FILE *f = pid > 0 ? proc_open(pid, "tables") : NULL;

		if (!f)
			continue;
		if (fgets(line, sizeof line, f) && sscanf(line, "root %*x env %u", &env) == 1) {
			name_of(pid, name);
			printf("process %u %d %s\n", env, pid, name);
		}
		(void)fclose(f);
	}
	if (d)
		(void)closedir(d);
}

/* ---- COMMAND, up to the first place where it waits */
static char state_of(int pid)
{
	char line[512], *end;
	FILE *f = proc_open(pid, "stat");
	char state = 'X';

	if (f && fgets(line, sizeof line, f) && (end = strrchr(line, ')')) && end[1])
		state = end[2];
	if (f)
		(void)fclose(f);
	return state;
}

static int command_start(char **argv)
{
	int begun[2], error;
	pid_t pid;

	if (pipe2(begun, O_CLOEXEC) < 0)
		fail("no pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		execvp(argv[0], argv);
		error = errno;
		(void)!write(begun[1], &error, sizeof error);
		_exit(127);
	}
	(void)close(begun[1]);
	if (pid < 0 || read(begun[0], &error, sizeof error) > 0)
		fail("%s: %s", argv[0], strerror(pid < 0 ? errno : error));
	(void)close(begun[0]);
	for (char state; (state = state_of(pid)) != 'S' && state != 'T'; usleep(10000))
		if (state == 'Z' || state == 'X')
			fail("%s ended before it waited for anything", argv[0]);
	return pid;
}

/* ---- fork: a process that stops, forks, stops with its child, and a child that writes one byte */
#define STORY       (64ul << 30) /* a GiB of slot 0 in which nothing else lies */
#define STORY_PARTS 3            /* tables of level 1 */
#define STORY_PAGES 4            /* in each */
#define PART        (1ul << 21)

/* By registers alone: a call would write its stack, and what is to be seen is a process that writes nothing. */
static inline __attribute__((always_inline)) long bare(long number, long a, long b)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return result;
}

static inline __attribute__((always_inline)) void stop(void) { (void)bare(SYS_kill, bare(SYS_getpid, 0, 0), SIGSTOP); }

static __attribute__((noreturn)) void subject(volatile char *p)
{
	for (unsigned long i = 0; i < STORY_PARTS; i++)
		for (unsigned long k = 0; k < STORY_PAGES; k++)
			p[i * PART + k * EXO_PAGE_SIZE] = 1;
	stop();
	if (bare(SYS_fork, 0, 0) == 0) {
		stop();
		p[PART + EXO_PAGE_SIZE] = 2;
		stop();
	}
	for (;;)
		stop();
}

static void stopped_wait(int pid)
{
	while (state_of(pid) != 'T')
		usleep(1000);
}

static int child_of(int pid)
{
	int child = 0;

	while (!child) {
		FILE *f = proc_open(pid, "children");

		if (f && fscanf(f, "%d", &child) != 1)
			usleep(1000);
		if (f)
			(void)fclose(f);
	}
	return child;
}

static void fork_show(void)
{
	int pid, child;
	char *p = mmap((void *)STORY, STORY_PARTS * PART, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p != (void *)STORY)
		fail("no memory");
	if (is_raw)
		printf("focus %lx %lx\n", STORY, STORY + STORY_PARTS * PART);
	(void)fflush(stdout);
	pid = fork();
	if (!pid)
		subject(p);
	if (pid < 0)
		fail("no process: %s", strerror(errno));
	stopped_wait(pid);
	state_show("before the fork|parent", pid);
	(void)kill(pid, SIGCONT);
	child = child_of(pid);
	stopped_wait(child);
	stopped_wait(pid);
	state_show("after the fork|parent", pid);
	state_show("after the fork|child", child);
	(void)kill(child, SIGCONT);
	stopped_wait(child);
	state_show("after one write of the child|parent", pid);
	state_show("after one write of the child|child", child);
	owners_show();
	(void)kill(child, SIGKILL);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

/* ---- the machine's frames */
static const char *const types[] = {
	[EXO_FREE] = "free", [EXO_NONE] = "absent", [EXO_KERNEL] = "kernel", [EXO_DATA] = "data", [EXO_PT1] = "table1",
	[EXO_PT2] = "table2", [EXO_PT3] = "table3", [EXO_PT4] = "root", [EXO_ENV] = "env", [EXO_RUN] = "run",
	[EXO_PART] = "run",
};
#define TYPES (sizeof types / sizeof *types)

/* The owner that is meant: a run's other frames say nothing of their own, and a page without an owner is somebody's
 * who disowned it. */
static unsigned owner_of(const volatile struct exo_frame_rec *f, unsigned before)
{
	return f->type == EXO_PART ? before : f->owner;
}

static void frames_raw(void)
{
	unsigned long start = 0, end = the_info->frame_count;
	unsigned type = 0, owner = 0;

	for (unsigned long i = 0; i <= end; i++) {
		unsigned now = i < end ? the_frames[i].type : 0, whose = i < end ? owner_of(&the_frames[i], owner) : 0;

		if (i && (i == end || types[now] != types[type] || whose != owner)) {
			printf("frames %lx %lu %s %u\n", start, i - start, types[type], owner);
			start = i;
		}
		type = now;
		owner = whose;
	}
}

static void frames_show(void)
{
	static unsigned long count[TYPES][EXO_ENV_MAX];
	unsigned long end = the_info->frame_count;
	unsigned owner = 0;

	if (is_raw) {
		frames_raw();
		owners_show();
		return;
	}
	for (unsigned long i = 0; i < end; i++) {
		owner = owner_of(&the_frames[i], owner);
		count[the_frames[i].type % TYPES][owner % EXO_ENV_MAX]++;
	}
	printf("%-8s %6s %10s %12s\n", "TYPE", "ENV", "FRAMES", "KIB");
	for (unsigned type = 0; type < TYPES; type++)
		for (unsigned env = 0; env < EXO_ENV_MAX; env++)
			if (count[type][env])
				printf("%-8s %6u %10lu %12lu\n", types[type], env, count[type][env], 4 * count[type][env]);
}

/* How long each part of the boot took, by the CPU's counter, which runs from the machine's start. */
static void stages_show(uint64_t now, uint64_t loader)
{
	const uint64_t left = the_info->tsc_exit_boot, user = the_info->tsc_first_user;
	const struct { const char *name; uint64_t ticks; } stage[] = {
		{ "firmware", loader }, { "loader", left - loader }, { "kernel", user - left },
		{ "library-to-here", now - user },
	};

	for (unsigned i = 0; i < sizeof stage / sizeof *stage; i++)
		printf(is_raw ? "boot %s %llu %llu\n" : "%-20s %14llu ticks %12llu us\n", stage[i].name,
			(unsigned long long)stage[i].ticks,
			(unsigned long long)(is_raw ? the_info->tsc_hz : stage[i].ticks * 1000000 / the_info->tsc_hz));
}

/* "given:     0+1 boot code, 1+9f free": a range a line, by addresses. */
static void ranges_show(char *line)
{
	const char *whose = strtok(line, ":");
	char type[32];
	unsigned long pfn, count;

	for (char *at; (at = strtok(NULL, ",\n"));)
		if (sscanf(at, " %lx+%lx %31[^,\n]", &pfn, &count, type) == 3)
			printf("%s %010lx to %010lx %s\n", whose, pfn * EXO_PAGE_SIZE, (pfn + count) * EXO_PAGE_SIZE, type);
}

/* The boot: its parts in time; and memory as the firmware named it, in the loader's words. */
static void boot_show(void)
{
	static const char title[] = "memory:";
	const uint64_t now = __builtin_ia32_rdtsc();
	unsigned long long loader;
	unsigned long count[TYPES] = { 0 };
	char line[512];
	FILE *f = fopen("/proc/aril-hardware", "re");

	for (unsigned long i = 0; i < the_info->frame_count; i++)
		count[the_frames[i].type % TYPES]++;
	while (f && fgets(line, sizeof line, f)) {
		if (sscanf(line, "loader: began at tick %llu", &loader) == 1)
			stages_show(now, loader);
		else if (!strncmp(line, title, sizeof title - 1))
			printf("%s %s", is_raw ? "firmware" : "firmware:",
				line + sizeof title - 1 + strspn(line + sizeof title - 1, " "));
		else if (!strncmp(line, "given: ", 7) || !strncmp(line, "clean: ", 7))
			ranges_show(line);
	}
	if (f)
		(void)fclose(f);
	for (unsigned type = 0; type < TYPES; type++)
		if (count[type])
			printf(is_raw ? "became %s %lu\n" : "now %-16s %14lu KiB\n", types[type], 4 * count[type]);
}

/* The address space in figures, as the library counts it. */
static void figures_show(void)
{
	static const char title[] = "address space:";
	char line[256];
	FILE *f = fopen("/proc/aril", "re");

	if (!f)
		fail("/proc/aril: %s", strerror(errno));
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, title, sizeof title - 1))
			fputs(line + sizeof title - 1 + strspn(line + sizeof title - 1, " "), stdout);
	(void)fclose(f);
}

static int pid_read(const char *text)
{
	char *end;
	long pid = text ? strtol(text, &end, 10) : 0;

	if (!text || pid < 1 || *end || pid > 1000000)
		fail("--pid wants the number of a process");
	return (int)pid;
}

int main(int argc, char **argv)
{
	int pid = 0, is_fork = 0, is_frames = 0, is_boot = 0, command = 0;

	(void)argc;
	for (argv++; *argv && **argv == '-'; argv++) {
		if (!strcmp(*argv, "--")) {
			argv++;
			break;
		}
		if (!strcmp(*argv, "--raw"))
			is_raw = 1;
		else if (!strcmp(*argv, "--fork"))
			is_fork = 1;
		else if (!strcmp(*argv, "--frames"))
			is_frames = 1;
		else if (!strcmp(*argv, "--boot"))
			is_boot = 1;
		else if (!strcmp(*argv, "--pid"))
			pid = pid_read(*++argv);
		else if (!strcmp(*argv, "--help"))
			return fputs(usage, stdout) < 0;
		else
			return fputs(usage, stderr), STATUS_OWN;
	}
	if (is_fork + is_frames + is_boot > 1 || ((is_fork || is_frames || is_boot) && (pid || *argv)))
		return fputs(usage, stderr), STATUS_OWN;
	if (*argv)
		command = command_start(argv);
	if (is_fork)
		fork_show();
	else if (is_frames)
		frames_show();
	else if (is_boot)
		boot_show();
	else if (pid || command) {
		state_show("as it is|process", pid ? pid : command);
		owners_show();
	} else
		figures_show();
	if (command)
		(void)kill(command, SIGKILL);
	return fflush(stdout) ? STATUS_OWN : 0;
}
