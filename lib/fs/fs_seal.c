/* SPDX-License-Identifier: MIT */
/* memfd_create(2), and the seals by which such a file is promised not to change: fcntl(2), "File Sealing". */
#include "files.h"

#define SEALS_ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
#define MEMFD_CLOEXEC 1u
#define MEMFD_SEALING 2u

long seals_of(const struct file *f)
{
	return f->ops == &regular_ops && f->ip->marks & INODE_SEALS ? f->ip->seals : -EINVAL;
}

long seals_add(struct file *f, uint32_t seals)
{
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EPERM;
	if (seals & ~(uint32_t)SEALS_ALL || seals_of(f) < 0)
		return -EINVAL;
	if (f->ip->seals & F_SEAL_SEAL)
		return -EPERM;
	if (seals & F_SEAL_WRITE && !(f->ip->seals & F_SEAL_WRITE) && f->ip->writable_maps)
		return -EBUSY;
	f->ip->seals |= (uint8_t)seals;
	return 0;
}

int seals_allow_size(const struct inode *ip, uint64_t size)
{
	if ((ip->seals & F_SEAL_SHRINK && size < ip->size) || (ip->seals & F_SEAL_GROW && size > ip->size))
		return -EPERM;
	return 0;
}

int seals_allow_write(const struct inode *ip, uint64_t end)
{
	return ip->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) || (ip->seals & F_SEAL_GROW && end > ip->size) ? -EPERM : 0;
}

int inode_written_by_map(const struct inode *ip) { return !(ip->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)); }

void inode_maps_count(struct inode *ip, int n)
{
	ip->writable_maps += (uint32_t)n;
}

/* An unnamed file. */
CALL2(memfd_create, name, flags)
{
	char text[NAME_MAX + 1];
	long n = user_str(text, name, sizeof(text));
	struct inode *ip;
	struct file *f;

	if (n == -EFAULT)
		return n;
	if (n < 0 || n > 249 || flags & ~(uint64_t)(MEMFD_CLOEXEC | MEMFD_SEALING))
		return -EINVAL;
	ip = inode_new(S_IFREG | 0777);
	if (!ip)
		return -ENOMEM;
	ip->nlink = 0;
	ip->marks = INODE_SEALS;
	ip->seals = flags & MEMFD_SEALING ? 0 : F_SEAL_SEAL;
	f = file_new(ip, &regular_ops, O_RDWR | O_LARGEFILE);
	inode_put(ip);
	return f ? fd_new(current_files(), f, 0, !!(flags & MEMFD_CLOEXEC)) : -ENOMEM;
}
