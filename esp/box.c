/* SPDX-License-Identifier: MIT */
/* box: a command in a family of its own (lib/fs/box.h). An ordinary Linux program: it speaks with the box's monitor as
 * the host does with the machine's, by frames of the channel: type, 16 bits of length (little-endian), payload. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <fs/box.h>

#define STATUS_OWN  125 /* as env(1) and timeout(1): what is this program's fault */
#define PAYLOAD     8192
#define TEXT_MAX    16384
#define ENVS_MORE   16  /* beside processes: monitor, process 1, and what they keep */
#define HOMES_MORE  24
#define PAGE        4096ul
#define FILES       64
#define FRONT_LOOK_MS 200 /* nobody says when a job comes to the front */
#define TAR_FIRST   7
#define MEMORY      (64ul << 20)

static const char usage[] =
	"usage: box [OPTION]... [--] COMMAND [ARG]...\n"
	"       box [OPTION]... --app NAME [KEY=VALUE]...\n"
	"       box list | box kill NAME | box memory NAME SIZE [SECONDS]\n"
	"Runs COMMAND in a machine of its own: own memory, processes and files above the root image, own time.\n"
	"  --memory SIZE    memory, as 64M (which is the default) or 1G; at least 8M\n"
	"  --time PERCENT   share of the time that there is here, in 64ths of the machine's (10%)\n"
	"  --processes N    processes that it may have (64)\n"
	"  --name NAME      what `box list` calls it\n"
	"  --file PATH      a file or folder that it has, too, at the same place; as often as wanted, up to 64\n"
	"  --readonly       of its files only those below /tmp can be written\n"
	"  --app NAME       another library OS than Linux's: the app /aril/NAME, with these settings\n"
	"  --terminal       COMMAND gets a terminal of its own, shown in this one\n"
	"`box memory` changes what a box has, up to what it began with. For memory that it uses it is asked: it gives\n"
	"back what it can spare, ends processes, or loses pages when SECONDS (1) are over.\n"
	"The status is COMMAND's; 125 is a failure of box itself.\n";

struct box {
	int fd, is_terminal, is_app, is_readonly, input_ended, is_over;
	int archive; /* -1: none, or all of it is sent */
	size_t file_count;
	char *files[TAR_FIRST + FILES + 1]; /* tar's arguments, the first ones for its options */
	uint32_t credit;
	int status;
	char name[BOX_NAME_SIZE], nonce[17];
	size_t text_size;
	char text[TEXT_MAX];
	size_t in_fill;
	uint8_t in[3 + PAYLOAD];
};

static struct termios terminal_before;
static int terminal_is_raw, resized, pipe_signal[2];

static void terminal_restore(void)
{
	if (terminal_is_raw)
		(void)tcsetattr(0, TCSADRAIN, &terminal_before);
	terminal_is_raw = 0;
}

static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void fail(const char *format, ...)
{
	va_list list;

	terminal_restore();
	fputs("box: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	exit(STATUS_OWN);
}

static void all_write(int fd, const void *from, size_t n)
{
	const char *at = from;

	while (n) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* its reader is gone: what is read of the box says why */
		at += done;
		n -= (size_t)done;
	}
}

static void frame(struct box *b, char type, const void *data, size_t n)
{
	uint8_t out[3 + PAYLOAD] = { (uint8_t)type, (uint8_t)n, (uint8_t)(n >> 8) };

	memcpy(out + 3, data, n);
	all_write(b->fd, out, 3 + n);
}

/* ---- what is to run */

static void setting(struct box *b, const char *key, const char *value)
{
	b->text_size += (size_t)snprintf(b->text + b->text_size, TEXT_MAX - b->text_size, "%s = ", key);
	for (; *value && b->text_size + 5 < TEXT_MAX; value++) {
		int is_plain = *value > ' ' && *value <= '~' && *value != '%' && *value != '#';

		b->text_size += (size_t)snprintf(b->text + b->text_size, TEXT_MAX - b->text_size,
			is_plain ? "%c" : "%%%02X", (unsigned char)*value);
	}
	if (*value || b->text_size + 2 > TEXT_MAX)
		fail("the arguments are too long: %d bytes is all that fits", TEXT_MAX);
	b->text[b->text_size++] = '\n';
}

static void number_setting(struct box *b, const char *key, unsigned value)
{
	char text[16];

	(void)snprintf(text, sizeof text, "%u", value);
	setting(b, key, text);
}

/* From the root on, as tar wants to find it again. */
static void name_add(char **names, size_t n, const char *path)
{
	char here[4096];

	if (*path != '/' && !getcwd(here, sizeof here))
		fail("no current folder: %s", strerror(errno));
	if (*path == '/')
		names[n] = strdup(path + strspn(path, "/"));
	else if (asprintf(&names[n], "%s/%s", here + 1, path) < 0)
		names[n] = NULL;
	if (!names[n])
		fail("no memory");
	if (access(path, R_OK) < 0)
		fail("%s: %s", path, strerror(errno));
}

static void archive_make(struct box *b, char **names)
{
	char file[32];
	int status;
	off_t size;
	pid_t tar;

	b->archive = memfd_create("box", 0);
	if (b->archive < 0)
		fail("no memory for --file: %s", strerror(errno));
	(void)snprintf(file, sizeof file, "/proc/self/fd/%d", b->archive);
	names[0] = "tar";
	names[1] = "-c";
	names[2] = "-C";
	names[3] = "/";
	names[4] = "-f";
	names[5] = file;
	names[6] = "--";
	tar = fork();
	if (!tar) {
		execvp(names[0], names);
		_exit(127);
	}
	if (tar < 0 || waitpid(tar, &status, 0) < 0 || status)
		fail("tar could not take what --file names");
	size = lseek(b->archive, 0, SEEK_END);
	if (size < 1 || size > INT32_MAX - 10)
		fail("what --file names is too much: 2 GiB at most");
	number_setting(b, "unpack", (unsigned)size);
	(void)lseek(b->archive, 0, SEEK_SET);
}

/* Of a command; an app's are settings. */
static void argument(struct box *b, char *text)
{
	char *value = b->is_app ? strchr(text, '=') : NULL;

	if (b->is_app && (!value || value == text))
		fail("`%s` is no setting of the app: KEY=VALUE", text);
	if (value)
		*value++ = 0;
	setting(b, value ? text : "arg", value ? value : text);
}

/* The box's own tools make its tree read-only, when what --file names is there. */
static void readonly_send(struct box *b)
{
	static const char *const words[] = { "/bin/sh", "-c",
		"mount --bind /tmp /tmp && mount -o remount,bind,ro / || exit 125; exec \"$@\"", "box" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		setting(b, "arg", words[i]);
}

static void settings_send(struct box *b, char **argv)
{
	struct winsize size = { 24, 80, 0, 0 };
	const char *term = getenv("TERM");

	setting(b, "mode", b->is_terminal ? "tty" : "pipe");
	setting(b, "nonce", b->nonce);
	if (b->is_terminal) {
		(void)ioctl(0, TIOCGWINSZ, &size);
		setting(b, "term", term ? term : "dumb");
		number_setting(b, "rows", size.ws_row ? size.ws_row : 24);
		number_setting(b, "columns", size.ws_col ? size.ws_col : 80);
	}
	if (b->file_count)
		archive_make(b, b->files);
	if (b->is_readonly)
		readonly_send(b);
	for (; *argv; argv++)
		argument(b, *argv);
	for (size_t at = 0; at < b->text_size; at += PAYLOAD)
		frame(b, 'A', b->text + at, b->text_size - at < PAYLOAD ? b->text_size - at : PAYLOAD);
}

static void go_send(struct box *b)
{
	struct timespec now;
	uint64_t words[5];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	words[0] = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	if (getrandom(words + 1, 32, 0) != 32)
		fail("no random bytes: %s", strerror(errno));
	frame(b, 'G', words, sizeof words);
}

/* ---- while it runs */

static void frame_take(struct box *b, char type, const uint8_t *data, size_t n)
{
	uint32_t grant;
	int32_t status;

	switch (type) {
	case 'O':
	case 'T':
		all_write(1, data, n);
		break;
	case 'E':
		all_write(2, data, n);
		break;
	case 'L':
		terminal_restore();
		fprintf(stderr, "box: %.*s\n", (int)n, (const char *)data);
		break;
	case 'W':
		if (n == 4) {
			memcpy(&grant, data, 4);
			b->credit += grant;
		}
		break;
	case 'X':
		if (n == 20 && !memcmp(data, b->nonce, 16)) {
			memcpy(&status, data + 16, 4);
			b->status = status & 255;
			b->is_over = 1;
		}
		break;
	}
}

/* False: it has ended. */
static int output_take(struct box *b)
{
	ssize_t n = read(b->fd, b->in + b->in_fill, sizeof b->in - b->in_fill);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	b->in_fill += (size_t)n;
	while (b->in_fill >= 3) {
		size_t size = b->in[1] | (size_t)b->in[2] << 8;

		if (size > PAYLOAD)
			fail("%s says what is no frame", b->name);
		if (b->in_fill < 3 + size)
			break;
		frame_take(b, (char)b->in[0], b->in + 3, size);
		b->in_fill -= 3 + size;
		memmove(b->in, b->in + 3 + size, b->in_fill);
	}
	return 1;
}

/* Who reads from a terminal in the background is stopped. */
static int is_in_background(void)
{
	pid_t front = tcgetpgrp(0);

	return front > 0 && front != getpgrp();
}

/* -1: nothing can be sent. */
static int input_of(const struct box *b)
{
	if (!b->credit || b->input_ended || (b->archive < 0 && is_in_background()))
		return -1;
	return b->archive < 0 ? 0 : b->archive;
}

static void input_give(struct box *b)
{
	uint8_t data[PAYLOAD];
	size_t most = b->credit < PAYLOAD ? b->credit : PAYLOAD;
	ssize_t n = read(input_of(b), data, most);

	if (n < 0 && errno == EINTR)
		return;
	if (n < 0 && b->archive >= 0)
		fail("its archive cannot be read: %s", strerror(errno));
	if (n <= 0 && b->archive >= 0) {
		(void)close(b->archive);
		b->archive = -1;
		return;
	}
	if (n <= 0) {
		b->input_ended = 1;
		frame(b, 'Z', "", 0);
		return;
	}
	b->credit -= (uint32_t)n;
	frame(b, 'I', data, (size_t)n);
}

static void size_send(struct box *b)
{
	struct winsize size;
	uint8_t word[4];

	resized = 0;
	if (ioctl(0, TIOCGWINSZ, &size) < 0)
		return;
	word[0] = (uint8_t)size.ws_row;
	word[1] = (uint8_t)(size.ws_row >> 8);
	word[2] = (uint8_t)size.ws_col;
	word[3] = (uint8_t)(size.ws_col >> 8);
	frame(b, 'S', word, sizeof word);
}

static void on_resize(int sig)
{
	(void)sig;
	resized = 1;
	(void)!write(pipe_signal[1], "", 1);
}

static void on_end(int sig)
{
	terminal_restore();
	(void)signal(sig, SIG_DFL);
	(void)raise(sig); /* the last close of the file ends the box */
}

static void signals_set(const struct box *b)
{
	if (pipe2(pipe_signal, O_CLOEXEC | O_NONBLOCK) < 0)
		fail("no pipe: %s", strerror(errno));
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGTERM, on_end);
	(void)signal(SIGHUP, on_end);
	(void)signal(SIGINT, on_end);
	if (b->is_terminal)
		(void)signal(SIGWINCH, on_resize);
}

static void terminal_take(void)
{
	struct termios raw;

	if (tcgetattr(0, &terminal_before) < 0)
		fail("--terminal: standard input is no terminal");
	raw = terminal_before;
	cfmakeraw(&raw);
	(void)tcsetattr(0, TCSADRAIN, &raw);
	terminal_is_raw = 1;
}

static int box_run(struct box *b)
{
	struct box_tells tells;

	for (;;) {
		struct pollfd p[3] = { { b->fd, POLLIN, 0 }, { pipe_signal[0], POLLIN, 0 },
			{ input_of(b), POLLIN, 0 } };
		char rest[16];

		if (poll(p, 3, is_in_background() ? FRONT_LOOK_MS : -1) < 0 && errno != EINTR)
			fail("poll: %s", strerror(errno));
		if (p[1].revents)
			(void)!read(pipe_signal[0], rest, sizeof rest);
		if (resized)
			size_send(b);
		if (p[0].revents && !output_take(b))
			break;
		if (p[2].revents)
			input_give(b);
	}
	terminal_restore();
	if (b->is_over)
		return b->status;
	(void)ioctl(b->fd, BOX_TELL, &tells);
	fail("%s has ended before its command: %s", b->name, tells.why);
}

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
			strncpy(w->app, value_of(&argv, "--app"), sizeof w->app - 1);
		else if (is_option(*argv, "--file") && b->file_count < FILES)
			name_add(b->files, TAR_FIRST + b->file_count++, value_of(&argv, "--file"));
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
	argv = options(&b, &w, argv + 1);
	b.is_app = w.app[0] != 0;
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
	if (ioctl(b.fd, BOX_MAKE, &w) < 0)
		fail("it cannot be made: %s", why(errno));
	strcpy(b.name, w.name[0] ? w.name : "it");
	signals_set(&b);
	if (b.is_terminal)
		terminal_take();
	settings_send(&b, argv);
	go_send(&b);
	return box_run(&b);
}
