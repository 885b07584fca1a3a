/* SPDX-License-Identifier: MIT */
/* Lists of what processes hold together: locks of files, sockets by name. */
#include <family/family.h>
#include "lease.h"
#include "proc.h"
#include "socket.h"

/* Each open file of all processes, once: by the first descriptor that has it. */
static int is_first(const struct task *upto, int fd, const struct inode *ip, const struct file *file)
{
	for (struct task *t = task_first(); t; t = task_next(t)) {
		struct task_view v;

		task_look(t, &v);
		for (int i = -1; v.files && (i = fd_next(v.files, (uint32_t)i + 1)) >= 0;) {
			const struct file *f = fd_at(v.files, (uint32_t)i);

			if (t == upto && i == fd)
				return 1;
			if (ip ? f->ip == ip : f == file)
				return 0;
		}
		if (t == upto)
			return 1;
	}
	return 1;
}

void text_locks(struct text *t, const struct proc_node *of)
{
	size_t number = 1;

	(void)of;
	for (struct task *task = task_first(); task; task = task_next(task)) {
		struct task_view v;

		task_look(task, &v);
		for (int fd = -1; v.files && (fd = fd_next(v.files, (uint32_t)fd + 1)) >= 0;) {
			const struct inode *ip = fd_at(v.files, (uint32_t)fd)->ip;

			if ((!ip->locks && !ip->extra) || !is_first(task, fd, ip, 0))
				continue;
			number += locks_text(ip, number, t->to, t->max, &t->n);
			if (ip->extra)
				number += leases_text(ip, number, t->to, t->max, &t->n);
		}
	}
}

static void say_socket(struct text *t, const struct file *f)
{
	const struct socket *s = f->own;
	const struct socket_name *name = &s->name;

	say(t, "0000000000000000: %08X 00000000 %08X %04X %02X %5lu", s->refs + 1, s->listens ? 0x10000u : 0u, s->type,
		s->peer || s->shut ? 3u : 1u, (unsigned long)f->ip->ino);
	if (name->size) {
		say(t, " ");
		for (size_t i = 0; i < name->size && (name->text[i] || !name->text[0]); i++)
			say(t, "%c", name->text[i] ? name->text[i] : '@');
	}
	say(t, "\n");
}

void text_net_unix(struct text *t, const struct proc_node *of)
{
	(void)of;
	say(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	for (struct task *task = task_first(); task; task = task_next(task)) {
		struct task_view v;

		task_look(task, &v);
		for (int fd = -1; v.files && (fd = fd_next(v.files, (uint32_t)fd + 1)) >= 0;) {
			const struct file *f = fd_at(v.files, (uint32_t)fd);

			if (f->ops == &socket_ops && is_first(task, fd, 0, f))
				say_socket(t, f);
		}
	}
}
