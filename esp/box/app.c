/* SPDX-License-Identifier: MIT */
/* The library OS of a box where it is not the one that this runs on: an app with settings of its own, or another build
 * of the Linux library OS, which takes a command as ever (it has a note, lib/posix/entry.S). */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "box.h"

#define NOTE_COMMANDS 1
#define HEADERS 64 /* program headers that an app may have */

static int has_note(int fd, const Elf64_Phdr *p)
{
	struct { Elf64_Nhdr head; char name[8]; } note;

	return pread(fd, &note, sizeof note, (off_t)p->p_offset) == sizeof note && note.head.n_namesz == 5 &&
		note.head.n_type == NOTE_COMMANDS && !memcmp(note.name, "Aril", 5);
}

/* What of it is mapped comes first: *size. True: it takes a command. */
static int file_look(int fd, const char *name, size_t *size)
{
	Elf64_Phdr p[HEADERS];
	Elf64_Ehdr e;
	int takes_command = 0;

	if (pread(fd, &e, sizeof e, 0) != sizeof e || memcmp(e.e_ident, ELFMAG, SELFMAG) || e.e_phnum > HEADERS ||
		e.e_phentsize != sizeof *p ||
		pread(fd, p, e.e_phnum * sizeof *p, (off_t)e.e_phoff) != (ssize_t)(e.e_phnum * sizeof *p))
		fail("%s: it is no app", name);
	*size = e.e_phoff + e.e_phnum * sizeof *p;
	for (unsigned i = 0; i < e.e_phnum; i++) {
		if (p[i].p_type == PT_LOAD && p[i].p_offset + p[i].p_filesz > *size)
			*size = p[i].p_offset + p[i].p_filesz;
		takes_command |= p[i].p_type == PT_NOTE && has_note(fd, p + i);
	}
	return takes_command;
}

void app_find(struct box *b, char *text, const char *name)
{
	char path[32];
	int fd, is_path = strchr(name, '/') != NULL;

	(void)snprintf(path, sizeof path, "/aril/%.*s", BOX_NAME_SIZE - 1, name);
	fd = open(is_path ? name : path, O_RDONLY | O_CLOEXEC);
	if (is_path && fd < 0)
		fail("%s: %s", name, strerror(errno));
	b->is_app = fd < 0 || !file_look(fd, name, &b->app_size); /* the box says that there is none of that name */
	strncpy(text, is_path ? BOX_APP_SENT : name, BOX_NAME_SIZE - 1);
	if (is_path)
		b->app = fd;
	else if (fd >= 0)
		(void)close(fd);
}

void app_send(struct box *b)
{
	uint8_t data[PAYLOAD];
	size_t left = b->app_size;

	if (b->app < 0)
		return;
	while (left) {
		ssize_t n = read(b->app, data, left < PAYLOAD ? left : PAYLOAD);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			fail("the app's file cannot be read: %s", n ? strerror(errno) : "it is too short");
		frame_write(b->fd, 'B', data, (size_t)n);
		left -= (size_t)n;
	}
	frame_write(b->fd, 'B', "", 0);
	(void)close(b->app);
	b->app = -1;
}
