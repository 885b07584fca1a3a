/* SPDX-License-Identifier: MIT */
/* What a core file is called: kernel.core_pattern with its words filled in (core(5)). */
#include <linux/resource.h>
#include <base/fmt.h>
#include <fs/files.h>
#include <posix/library.h>
#include "core.h"

struct name { char *to; size_t max, n; };

/* What does not fit is cut. */
static void put(struct name *name, const char *text)
{
	size_t n = (size_t)fmt(name->to + name->n, name->max - name->n, "%s", text);

	name->n = min_u64(name->n + n, name->max - 1);
}

static void put_number(struct name *name, uint64_t n)
{
	char text[24];

	(void)fmt(text, sizeof text, "%lu", (unsigned long)n);
	put(name, text);
}

/* A name that begins a folder's does not begin one here. */
static void put_flat(struct name *name, const char *text)
{
	size_t from = name->n;

	put(name, text);
	for (; from < name->n; from++)
		if (name->to[from] == '/')
			name->to[from] = '!';
}

static void put_program(struct name *name, int whole)
{
	struct inode *exe = P->task->exe;
	char *path = fam_pages(1), *last;
	long n = -ENOMEM;

	if (exe && path)
		n = place_path(&(struct place){ mount_of(exe), exe }, 1, path, PAGE);
	if (n < 0) {
		put_flat(name, P->task->name);
	} else {
		last = strrchr(path, '/');
		put_flat(name, whole || !last ? path : last + 1);
	}
	if (path)
		fam_pages_free(path, 1);
}

/* One word: whether it is the number of the process. What Linux does not know is left out there, too. */
static int put_word(struct name *name, char letter, int sig)
{
	char host[65];

	switch (letter) {
	case '%': put(name, "%"); break;
	case 'p': case 'P': put_number(name, (uint64_t)P->task->pid); return letter == 'p';
	case 'i': case 'I': put_number(name, (uint64_t)P->thread->tid); break;
	case 'u': case 'g': put(name, "0"); break;
	case 'd': put(name, "1"); break;
	case 's': put_number(name, (uint64_t)sig); break;
	case 't': put_number(name, clock_wall_ns() / NS); break;
	case 'h': put_flat(name, system_name("hostname", host)); break;
	case 'e': put_flat(name, P->task->name); break;
	case 'f': case 'E': put_program(name, letter == 'E'); break;
	case 'c': put_number(name, P->task->limit[RLIMIT_CORE][0]); break;
	default: break;
	}
	return 0;
}

void core_name(char *to, size_t max, int sig)
{
	const struct fs_family *fs = fs_family();
	struct name name = { to, max, 0 };
	int has_number = 0;

	to[0] = '\0';
	for (const char *p = fs->core_pattern; *p; p++) {
		char one[2] = { *p, '\0' };

		if (*p != '%')
			put(&name, one);
		else if (p[1])
			has_number |= put_word(&name, *++p, sig);
	}
	if (!has_number && fs->core_uses_pid) {
		put(&name, ".");
		put_number(&name, (uint64_t)P->task->pid);
	}
}
