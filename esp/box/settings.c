/* SPDX-License-Identifier: MIT */
/* What is to run in a box, as settings of its run, and the files that it has, too. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "box.h"

static void setting(struct box *b, const char *key, const char *value)
{
	static const char digits[] = "0123456789ABCDEF";

	b->text_size += (size_t)snprintf(b->text + b->text_size, TEXT_MAX - b->text_size, "%s = ", key);
	for (; *value && b->text_size + 5 < TEXT_MAX; value++) {
		char *to = b->text + b->text_size;

		if (*value > ' ' && *value <= '~' && *value != '%' && *value != '#') {
			*to = *value;
			b->text_size++;
			continue;
		}
		to[0] = '%';
		to[1] = digits[(unsigned char)*value >> 4];
		to[2] = digits[*value & 15];
		b->text_size += 3;
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

void file_add(char **names, size_t n, const char *path)
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
	if (value) {
		*value++ = 0;
		setting(b, text, value);
	} else {
		setting(b, "arg", text);
	}
}

/* The box's own tools make its tree read-only, when what --file names is there. */
static void readonly_send(struct box *b)
{
	static const char *const words[] = { "/bin/sh", "-c",
		"mount --bind /tmp /tmp && mount -o remount,bind,ro / || exit 125; exec \"$@\"", "box" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		setting(b, "arg", words[i]);
}

void settings_send(struct box *b, char **argv)
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
		frame_write(b->fd, 'A', b->text + at, b->text_size - at < PAYLOAD ? b->text_size - at : PAYLOAD);
}

void go_send(struct box *b)
{
	struct timespec now;
	uint64_t words[5];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	words[0] = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	if (getrandom(words + 1, 32, 0) != 32)
		fail("no random bytes: %s", strerror(errno));
	frame_write(b->fd, 'G', words, sizeof words);
}
