/* SPDX-License-Identifier: MIT */
/* What /proc tells of file systems: what is mounted where, and which kinds there are. proc(5). */
#include "proc.h"

/* White space and what else would break a line, as octal numbers. */
static void say_escaped(struct text *t, const char *p, size_t n)
{
	for (; n--; p++) {
		if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\\' || *p == '#')
			say(t, "\\%03o", (unsigned char)*p);
		else
			say_bytes(t, p, 1);
	}
}

static void say_place(struct text *t, const struct mount *m)
{
	struct place at = { m->parent, m->point };
	char path[PATH_MAX];
	struct place root = places_root(current_places());
	int is_top = !m->parent || (m == root.mount && m->root == root.inode);
	long n = is_top ? fmt(path, sizeof(path), "/") : place_path(&at, 0, path, sizeof(path));

	if (n > 0)
		say_escaped(t, path, (size_t)n);
}

static void say_source(struct text *t, const struct mount *m)
{
	const char *source = m->source && *m->source ? m->source : "none";

	say_escaped(t, source, strlen(source));
}

static void say_flags(struct text *t, const struct mount *m)
{
	static const struct { unsigned flag; const char *word; } words[] = {
		{ MOUNT_NOSUID, ",nosuid" }, { MOUNT_NODEV, ",nodev" }, { MOUNT_NOEXEC, ",noexec" },
		{ MOUNT_NOATIME, ",noatime" }, { MOUNT_NODIRATIME, ",nodiratime" }, { MOUNT_RELATIME, ",relatime" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (m->flags & words[i].flag)
			say(t, "%s", words[i].word);
}

static void say_options(struct text *t, const struct mount *m)
{
	char options[128];

	if (m->volume->ops->show)
		say_bytes(t, options, m->volume->ops->show(m->volume, options, sizeof(options)));
}

static const char *access_of(int is_read_only) { return is_read_only ? "ro" : "rw"; }

void text_mounts(struct text *t, const struct proc_node *of)
{
	(void)of;
	for (const struct mount *m = fs_family()->mounts; m; m = m->next) {
		if (!mount_is_reachable(m))
			continue;
		say_source(t, m);
		say(t, " ");
		say_place(t, m);
		say(t, " %s %s", m->volume->ops->name, access_of(m->flags & MOUNT_READ_ONLY || m->volume->is_read_only));
		say_flags(t, m);
		say_options(t, m);
		say(t, " 0 0\n");
	}
}

void text_mountinfo(struct text *t, const struct proc_node *of)
{
	char path[PATH_MAX];

	(void)of;
	for (const struct mount *m = fs_family()->mounts; m; m = m->next) {
		long n = mount_root_path(m, path, sizeof(path));

		if (!mount_is_reachable(m))
			continue;
		say(t, "%u %u 0:%u ", m->id, m->parent ? m->parent->id : m->id, m->volume->device);
		say_escaped(t, path, n > 0 ? (size_t)n : 0);
		say(t, " ");
		say_place(t, m);
		say(t, " %s", access_of(m->flags & MOUNT_READ_ONLY));
		say_flags(t, m);
		say(t, " - %s ", m->volume->ops->name);
		say_source(t, m);
		say(t, " %s", access_of(m->volume->is_read_only));
		say_options(t, m);
		say(t, "\n");
	}
}

void text_filesystems(struct text *t, const struct proc_node *of)
{
	(void)of;
	for (const struct fs_ops *const *kind = fs_family()->kinds; *kind; kind++)
		say(t, "nodev\t%s\n", (*kind)->name);
	say(t, "\terofs\n");
}
