/* SPDX-License-Identifier: MIT */
/* Open file descriptions, and the two ways into a file. The tables of descriptors that name them are fd_table.c's. */
#include "async.h"
#include "tell.h"

static int is_writer(const struct file *f) { return f->ops->is_regular && f->flags & O_ACCMODE; }

static void opens_count(const struct file *f, int by)
{
	if (!f->ops->is_regular)
		return;
	if (f->flags & O_ACCMODE)
		f->ip->writers += by;
	else
		f->ip->readers += (uint32_t)by;
}

int files_room(void)
{
	uint32_t size = current_files()->size;

	if (size > FD_SOFT)
		return fam_room(ROOM_FILES) > 0;
	return fam_room(size > FD_FEW ? ROOM_SOME : ROOM_FEW) > 0;
}

struct file *file_new(struct inode *ip, const struct file_ops *ops, unsigned flags)
{
	struct file *f = files_room() ? fam_alloc(sizeof(*f)) : NULL;

	if (!f)
		return NULL;
	f->refs = 1;
	f->flags = flags & ~(unsigned)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	f->ops = ops;
	f->ip = ip;
	inode_get(ip);
	opens_count(f, 1);
	return f;
}

void file_mount(struct file *f, struct mount *m)
{
	if (!m || f->mount)
		return;
	f->mount = m;
	m->writers += is_writer(f);
	m->is_expired = 0;
	mount_get(m);
}

void file_get(struct file *f)
{
	f->refs++;
}

void file_put(struct file *f)
{
	if (--f->refs)
		return;
	if (!(f->flags & O_PATH))
		inode_tell(f->ip, f->flags & O_ACCMODE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	locks_release(f->ip, f);
	if (f->ops->release)
		f->ops->release(f);
	if (f->watches || f->async)
		file_gone(f);
	opens_count(f, -1);
	if (f->mount) {
		f->mount->writers -= is_writer(f);
		mount_put(f->mount);
	}
	inode_put(f->ip);
	fam_free(f);
}

const struct file_ops directory_ops = { .seek = SEEK_FILE };
const struct file_ops path_ops = { .seek = SEEK_NONE };

int inode_open(struct inode *ip, unsigned flags, struct file **out)
{
	const struct file_ops *ops = NULL;
	int error;

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
			error = leases_break(ip, flags);
			if (!error)
				error = ip->kind == KIND_OPS ? kind_open(ip, flags) : 0;
			if (error)
				return error;
			ops = ip->kind == KIND_OPS ? ip->volume->ops->regular : &regular_ops;
			ops = ops ? ops : &kind_file_ops;
			break;
		case S_IFIFO:
			if (ip->kind == KIND_OPS)
				return -ENXIO; /* where nobody could keep its pipe */
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

static int copy_of(struct file *f, struct inode **out)
{
	if (f->ip->kind != KIND_OPS || !f->ip->volume->ops->is_copied)
		return -ENODEV;
	return (f->flags & O_ACCMODE) == O_WRONLY ? -EACCES : kind_copy(f->ip, out);
}

int inode_of_fd(int fd, struct inode **out, int *open_flags)
{
	struct file *f = fd_file(fd);
	int error;

	if (!f)
		return -EBADF;
	if (dev_is_zero(f)) {
		*out = NULL;
		*open_flags = (int)f->flags;
		file_put(f);
		return 0;
	}
	*open_flags = (int)f->flags;
	error = IS(f->ip, S_IFREG) ? 0 : -ENODEV;
	if (!error && f->ip->kind == KIND_TREE)
		inode_get(*out = f->ip);
	else if (!error)
		error = copy_of(f, out);
	file_put(f);
	return error;
}

long file_read(struct file *f, struct io *io, uint64_t *at)
{
	uint64_t from = at ? *at : f->pos;
	long done;

	if (f->flags & O_PATH)
		return -EBADF;
	if (at && f->ops->seek == SEEK_NONE)
		return -ESPIPE;
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if (!f->ops->read)
		return IS(f->ip, S_IFDIR) ? -EISDIR : -EINVAL;
	done = f->ops->read(f, io, from);
	if (done > 0 && f->ops->seek == SEEK_FILE)
		*(at ? at : &f->pos) = from + (uint64_t)done;
	if (done > 0)
		inode_tell(f->ip, IN_ACCESS);
	return done;
}

long file_write(struct file *f, struct io *io, uint64_t *at)
{
	uint64_t to = at ? *at : f->pos;
	long done;

	if (f->flags & O_PATH)
		return -EBADF;
	if (at && f->ops->seek == SEEK_NONE)
		return -ESPIPE;
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	if (f->ops->seek == SEEK_FILE && (f->flags & O_APPEND))
		to = f->ip->size;
	done = f->ops->write(f, io, to);
	if (done > 0 && f->ops->seek == SEEK_FILE) {
		uint64_t *pos = at ? at : &f->pos;

		*pos = f->flags & O_APPEND ? f->ip->size : to + (uint64_t)done; /* others may append too */
	}
	if (done > 0)
		inode_tell(f->ip, IN_MODIFY);
	return done;
}
