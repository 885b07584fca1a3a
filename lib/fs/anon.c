/* SPDX-License-Identifier: MIT */
/* Files that no path leads to, each with an inode of its own: what eventfd, timerfd, signalfd, epoll and sockets are made of. */
#include "files.h"

struct file *anon_file(const char *what, uint32_t mode, const struct file_ops *ops, void *own, unsigned flags)
{
	struct inode *ip = inode_new(mode);
	struct file *f;

	if (!ip)
		return NULL;
	ip->kind = KIND_ANON;
	ip->what = what;
	f = file_new(ip, ops, flags);
	inode_put(ip); /* the file holds it now */
	if (f)
		f->own = own;
	return f;
}

int anon_fd(const char *what, uint32_t mode, const struct file_ops *ops, void *own, unsigned flags)
{
	struct file *f = anon_file(what, mode, ops, own, flags);

	if (!f) {
		struct file gone = { .own = own };

		ops->release(&gone);
		return -ENFILE;
	}
	return fd_new(current_files(), f, 0, !!(flags & O_CLOEXEC));
}
