/* SPDX-License-Identifier: MIT */
/* What may be done: the one place that says so. Everybody is root, who may read and write whatever is not mounted
 * otherwise, but executes only what somebody may execute. */
#include "files.h"

int mount_may_change(const struct mount *m)
{
	return m && (m->flags & MOUNT_READ_ONLY || m->volume->is_read_only) ? -EROFS : 0;
}

int place_may(const struct place *p, unsigned want)
{
	const struct inode *ip = p->inode;

	if (want & MAY_EXEC && !IS(ip, S_IFDIR)) {
		if (!(ip->mode & 0111))
			return -EACCES;
		if (IS(ip, S_IFREG) && p->mount && p->mount->flags & MOUNT_NOEXEC)
			return -EACCES;
	}
	/* Pipes, sockets and devices are written where nothing may be changed. */
	if (want & MAY_WRITE && (IS(ip, S_IFREG) || IS(ip, S_IFDIR) || IS(ip, S_IFLNK)))
		return mount_may_change(p->mount);
	return 0;
}

int place_may_open(const struct place *p, unsigned flags)
{
	if (flags & O_PATH)
		return 0;
	if ((IS(p->inode, S_IFCHR) || IS(p->inode, S_IFBLK)) && p->mount && p->mount->flags & MOUNT_NODEV)
		return -EACCES;
	if ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC)
		return IS(p->inode, S_IFDIR) ? -EISDIR : place_may(p, MAY_WRITE);
	return 0;
}
