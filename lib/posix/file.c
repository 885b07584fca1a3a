/* SPDX-License-Identifier: MIT */
/* Open file descriptions and the descriptor tables of processes. */
#include <linux/resource.h>
#include "files.h"

static int is_writer(const struct file *f) { return f->ops == &regular_ops && f->flags & O_ACCMODE; }

struct file *file_new(struct inode *ip, const struct file_ops *ops, unsigned flags)
{
	struct file *f = fam_alloc(sizeof(*f));

	if (!f)
		return NULL;
	f->refs = 1;
	f->flags = flags & ~(unsigned)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	f->ops = ops;
	f->ip = ip;
	inode_get(ip);
	ip->writers += is_writer(f);
	return f;
}

void file_get(struct file *f)
{
	f->refs++;
}

void file_put(struct file *f)
{
	if (--f->refs)
		return;
	locks_release(f->ip, f);
	if (f->ops->release)
		f->ops->release(f);
	if (f->watches)
		watches_drop(f);
	f->ip->writers -= is_writer(f);
	inode_put(f->ip);
	fam_free(f);
}

const struct file_ops directory_ops = { .seek = SEEK_FILE };
const struct file_ops path_ops = { .seek = SEEK_NONE };

int inode_open(struct inode *ip, unsigned flags, struct file **out)
{
	const struct file_ops *ops = NULL;

	if (flags & O_PATH) {
		ops = &path_ops;
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	} else {
		switch (ip->mode & S_IFMT) {
		case S_IFDIR:
			if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT))
				return -EISDIR;
			ops = &directory_ops;
			break;
		case S_IFREG:
			if (ip->writers < 0 && flags & (O_ACCMODE | O_TRUNC))
				return -ETXTBSY;
			ops = ip->kind == KIND_PROC ? &proc_ops : &regular_ops;
			break;
		case S_IFIFO:
			return fifo_open(ip, flags, out);
		case S_IFCHR:
			return dev_open(ip, flags, out);
		case S_IFLNK:
			return -ELOOP;
		default:
			return -ENXIO;
		}
	}
	*out = file_new(ip, ops, flags);
	return *out ? 0 : -ENOMEM;
}

static void cloexec_set(struct file_state *fs, int fd, int on)
{
	uint64_t bit = 1ul << (fd % 64);

	if (on)
		fs->cloexec[fd / 64] |= bit;
	else
		fs->cloexec[fd / 64] &= ~bit;
}

int fd_limit(void)
{
	return (int)min_u64(current_limit(RLIMIT_NOFILE), FD_MAX);
}

int fd_free(struct file_state *fs, int from)
{
	for (int fd = from, limit = fd_limit(); fd < limit; fd++)
		if (!fs->fd[fd])
			return fd;
	return -EMFILE;
}

int fd_new(struct file_state *fs, struct file *f, int from, int cloexec)
{
	int fd = fd_free(fs, from);

	if (fd < 0) {
		file_put(f);
		return fd;
	}
	fs->fd[fd] = f;
	if (fd >= fs->top)
		fs->top = fd + 1;
	cloexec_set(fs, fd, cloexec);
	return fd;
}

void fd_close(struct file_state *fs, int fd)
{
	struct file *f = fs->fd[fd];

	fs->fd[fd] = NULL;
	while (fs->top && !fs->fd[fs->top - 1])
		fs->top--;
	cloexec_set(fs, fd, 0);
	if (f->ip->locks)
		locks_release(f->ip, fs);
	file_put(f);
}

struct file *fd_any(int fd)
{
	struct file *f = (unsigned)fd < FD_MAX ? current_files()->fd[fd] : NULL;

	if (f)
		file_get(f);
	return f;
}

struct file *fd_file(int fd)
{
	struct file *f = fd_any(fd);

	if (f && (f->flags & O_PATH)) {
		file_put(f);
		f = NULL;
	}
	return f;
}

struct file_state *files_new(void)
{
	struct file_state *fs = fam_alloc(sizeof(*fs));

	if (!fs)
		return NULL;
	fs->umask = 022;
	fs->cwd = fs_family()->root;
	inode_get(fs->cwd);
	return fs;
}

struct file_state *files_fork(struct file_state *of)
{
	struct file_state *fs = fam_alloc(sizeof(*fs));

	if (!fs)
		return NULL;
	fs->cwd = of->cwd;
	fs->umask = of->umask;
	fs->top = of->top;
	memcpy(fs->cloexec, of->cloexec, sizeof(fs->cloexec));
	inode_get(fs->cwd);
	for (int fd = 0; fd < fs->top; fd++)
		if ((fs->fd[fd] = of->fd[fd]))
			file_get(fs->fd[fd]);
	return fs;
}

void files_exec(struct file_state *fs)
{
	for (int fd = fs->top - 1; fd >= 0; fd--)
		if (fs->fd[fd] && (fs->cloexec[fd / 64] >> (fd % 64) & 1))
			fd_close(fs, fd);
}

void files_free(struct file_state *fs)
{
	for (int fd = fs->top - 1; fd >= 0; fd--)
		if (fs->fd[fd])
			fd_close(fs, fd);
	inode_put(fs->cwd);
	lock_waits_drop(fs);
	fam_free(fs);
}

int files_open_inode(struct file_state *fs, struct inode *ip)
{
	struct file *f;
	int error = inode_open(ip, O_RDONLY, &f);

	return error ? error : fd_new(fs, f, 0, 0);
}

int inode_of_fd(int fd, struct inode **out, int *open_flags)
{
	struct file *f = fd_file(fd);

	if (!f)
		return -EBADF;
	if (!IS(f->ip, S_IFREG) || f->ip->kind != KIND_TREE) {
		file_put(f);
		return -ENODEV;
	}
	inode_get(f->ip);
	*out = f->ip;
	*open_flags = (int)f->flags;
	file_put(f);
	return 0;
}
