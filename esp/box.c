/* SPDX-License-Identifier: MIT */
/* box: a command in a family of its own (lib/fs/box.h). An ordinary Linux program: it speaks with the box's monitor as
 * the host does with the machine's, by frames of the channel: type, 16 bits of length (little-endian), payload. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>
#include "box/box.h"

#define ENVS_MORE   16  /* beside processes: monitor, process 1, and what they keep */
#define HOMES_MORE  24
#define PAGE        4096ul
#define MEMORY      (64ul << 20)

static const char usage[] =
	"usage: box [OPTION]... [--] COMMAND [ARG]...\n"
	"       box [OPTION]... --app NAME|PATH [KEY=VALUE]...\n"
	"       box list | box kill NAME | box memory NAME SIZE [SECONDS]\n"
	"       box exec [--terminal] NAME COMMAND [ARG]...\n"
	"Runs COMMAND in a machine of its own: own memory, processes and files above the root image, own time.\n"
	"  --memory SIZE    memory, as 64M (which is the default) or 1G; at least 8M\n"
	"  --time PERCENT   share of the time that there is here, in 64ths of the machine's (10%)\n"
	"  --processes N    processes that it may have (64)\n"
	"  --name NAME      what `box list` calls it (boxN, N the process id of `box`)\n"
	"  --file PATH      a file or folder that it has, too, at the same place; as often as wanted, up to 64\n"
	"  --readonly       of its files only those below /tmp can be written\n"
	"  --app NAME|PATH  another library OS than this one: the app /aril/NAME of the root image, or that file, with\n"
	"                   these settings; another build of this one runs a COMMAND, too\n"
	"  --terminal       COMMAND gets a terminal of its own, shown in this one\n"
	"`box memory` changes what a box has, up to what it began with. For memory that it uses it is asked: it gives\n"
	"back what it can spare, ends processes, or loses pages when SECONDS (1) are over.\n"
	"`box exec` runs another COMMAND in a box that is there.\n"
	"The status is COMMAND's; 125 is a failure of box itself.\n";

/* ---- options */

static unsigned long size_read(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	static const char units[] = "kKmMgG";
	const char *unit = *end ? strchr(units, *end) : NULL;

	unsigned shift = unit ? 10 * (1 + (unsigned)(unit - units) / 2) : 0;

	n = n > 1ul << 40 ? 0 : n << shift; /* pages are 32 bits */
	if (end == text || (*end && (!unit || end[1])) || n < 8ul << 20 || n / PAGE > UINT32_MAX)
		fail("`%s` is no size of at least 8M, or none that there is", text);
	return n;
}

static unsigned long number_read(const char *text, const char *unit, unsigned long least, unsigned long most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || (*end && strcmp(end, unit)) || n < least || n > most)
		fail("`%s` is no number from %lu to %lu", text, least, most);
	return n;
}

static int dev_open(void)
{
	int fd = open("/dev/box", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("/dev/box: %s", strerror(errno));
	return fd;
}

static void list(void)
{
	static const char *const states[] = { "is made", "runs", "has ended" };
	struct box_tells t;
	int fd = dev_open();

	printf("%-15s %8s %8s %8s %6s %6s %6s %s\n", "NAME", "MEMORY", "USED", "TAKEN", "ENVS", "USED", "TIME", "STATE");
	for (unsigned n = 0; n < BOX_PLACES; n++) {
		t.state = n;
		if (ioctl(fd, BOX_LIST, &t) < 0)
			continue;
		printf("%-15s %7uK %7uK %7uK %6u %6u %5.1f%% %s\n", t.name, 4 * t.limit[0], 4 * t.used[0], 4 * t.taken,
			t.limit[1], t.used[1], 100.0 * t.limit[3] / t.slices, states[t.state % 3]);
	}
}

static void kill_named(const char *name)
{
	char text[BOX_NAME_SIZE] = "";

	strncpy(text, name, sizeof text - 1);
	if (ioctl(dev_open(), BOX_KILL, text) < 0)
		fail("%s: %s", name, errno == ESRCH ? "there is no box of that name" : strerror(errno));
}

static void memory_set(const char *name, const char *size, const char *seconds)
{
	struct box_sizes s = { "", (uint32_t)(size_read(size) / PAGE), 1000 };

	strncpy(s.name, name, sizeof s.name - 1);
	if (seconds)
		s.within_ms = 1000 * (uint32_t)number_read(seconds, "s", 0, 3600);
	if (ioctl(dev_open(), BOX_SIZE, &s) >= 0)
		return;
	switch (errno) {
	case ESRCH: fail("%s: there is no box of that name, or it has ended", name);
	case EINVAL: fail("%s: it began with less, and cannot have more than that", name);
	case ENOMEM: fail("%s: not so much memory is left", name);
	default: fail("%s: %s", name, strerror(errno));
	}
}

static const char *value_of(char ***argv, const char *option)
{
	size_t n = strlen(option);
	const char *value;

	if ((**argv)[n] == '=')
		return *(*argv)++ + n + 1;
	value = (*argv)[1];
	if (!value)
		fail("%s wants a value", option);
	*argv += 2;
	return value;
}

static int is_option(const char *arg, const char *option)
{
	size_t n = strlen(option);

	return !strncmp(arg, option, n) && (!arg[n] || arg[n] == '=');
}

static char **options(struct box *b, struct box_wants *w, char **argv)
{
	while (*argv && **argv == '-') {
		if (!strcmp(*argv, "--"))
			return argv + 1;
		if (is_option(*argv, "--memory"))
			w->frames = (uint32_t)(size_read(value_of(&argv, "--memory")) / PAGE);
		else if (is_option(*argv, "--time"))
			w->percent = (uint32_t)number_read(value_of(&argv, "--time"), "%", 1, 100);
		else if (is_option(*argv, "--processes"))
			w->envs = (uint32_t)number_read(value_of(&argv, "--processes"), "", 1, 4000) + ENVS_MORE;
		else if (is_option(*argv, "--name"))
			strncpy(w->name, value_of(&argv, "--name"), sizeof w->name - 1);
		else if (is_option(*argv, "--app"))
			app_find(b, w->app, value_of(&argv, "--app"));
		else if (is_option(*argv, "--file") && b->file_count < FILES)
			file_add(b->files, TAR_FIRST + b->file_count++, value_of(&argv, "--file"));
		else if (is_option(*argv, "--terminal") && argv++)
			b->is_terminal = 1;
		else if (is_option(*argv, "--readonly") && argv++)
			b->is_readonly = 1;
		else if (is_option(*argv, "--help")) {
			fputs(usage, stdout);
			exit(0);
		} else {
			fprintf(stderr, "box: there is no option `%s`\n%s", *argv, usage);
			exit(STATUS_OWN);
		}
	}
	return argv;
}

static const char *why(int error)
{
	switch (error) {
	case EEXIST: return "another box has that name";
	case EAGAIN: return "there is no place for another box, or not so much time left";
	case ENOMEM: return "not so much memory, or not so many processes, are left";
	case EINVAL: return "it is too small to begin with, or its name has other than printable letters";
	default: return strerror(error);
	}
}

int main(int argc, char **argv)
{
	static struct box b;
	struct box_wants w = { "", "", MEMORY / PAGE, 64 + ENVS_MORE, HOMES_MORE, 10 };
	unsigned random[2];

	if (argc == 2 && !strcmp(argv[1], "list")) {
		list();
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "kill")) {
		kill_named(argv[2]);
		return 0;
	}
	if ((argc == 4 || argc == 5) && !strcmp(argv[1], "memory")) {
		memory_set(argv[2], argv[3], argv[4]);
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "exec"))
		return exec_run(argv + 2);
	b.app = -1;
	argv = options(&b, &w, argv + 1);
	if (b.is_app && (b.file_count || b.is_terminal || b.is_readonly))
		fail("an app has neither files nor a terminal");
	if (!*argv && !b.is_app) {
		fputs(usage, stderr);
		return STATUS_OWN;
	}
	w.homes += w.envs;
	b.archive = -1;
	if (getrandom(random, sizeof random, 0) != sizeof random)
		fail("no random bytes: %s", strerror(errno));
	(void)snprintf(b.nonce, sizeof b.nonce, "%08x%08x", random[0], random[1]);
	b.fd = dev_open();
	strcpy(b.name, w.name[0] ? w.name : "it");
	if (!w.name[0])
		(void)snprintf(w.name, sizeof w.name, "box%d", (int)getpid());
	if (ioctl(b.fd, BOX_MAKE, &w) < 0)
		fail("it cannot be made: %s", why(errno));
	b.execs.listener = -1;
	if (!b.is_app)
		execs_open(&b.execs, w.name);
	return box_run(&b, argv);
}
