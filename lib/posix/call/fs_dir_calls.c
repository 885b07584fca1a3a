/* SPDX-License-Identifier: MIT */
/* System calls about directories: listing them, which one the caller is in, and where its names begin. */
#include <fs/tell.h>

struct record { uint64_t ino, next; uint16_t size; uint8_t type; char name[NAME_MAX + 1 + 12]; };
_Static_assert(__builtin_offsetof(struct record, name) == 19, "linux_dirent64");

struct listing { uint64_t to, left; long done, error; int old; };

/* The old form keeps the type in a record's last byte and the name one place earlier. */
static int list_entry(void *context, const char *name, size_t n, uint64_t ino, unsigned type, uint64_t next)
{
	struct listing *l = context;
	struct record r;
	size_t size = (19 + n + 1 + 7) & ~7ul;
	char *place = l->old ? (char *)&r + 18 : r.name;

	if (l->old)
		size = (18 + n + 2 + 7) & ~7ul;
	if (size > l->left) {
		if (!l->done)
			l->error = -EINVAL;
		return 1;
	}
	memset(&r, 0, sizeof(r));
	r.ino = ino;
	r.next = next;
	r.size = (uint16_t)size;
	r.type = (uint8_t)type;
	memcpy(place, name, n);
	place[n] = 0;
	if (l->old)
		((char *)&r)[size - 1] = (char)type;
	if (user_write(l->to, &r, size) < 0) {
		l->error = -EFAULT;
		return 1;
	}
	l->to += size;
	l->left -= size;
	l->done += (long)size;
	return 0;
}

static long list_dir(uint64_t fd, uint64_t to, uint64_t max, int old)
{
	struct file *f = fd_file((int)fd);
	struct listing l = { to, (uint32_t)max, 0, 0, old };
	long error;

	if (!f)
		return -EBADF;
	error = f->ops == &directory_ops ? dir_read(f->ip, &f->pos, list_entry, &l) : -ENOTDIR;
	if (!error)
		inode_tell(f->ip, IN_ACCESS);
	file_put(f);
	if (error)
		return error;
	return l.done ? l.done : l.error;
}

CALL3(getdents, fd, to, max) { return list_dir(fd, to, max, 1); }
CALL3(getdents64, fd, to, max) { return list_dir(fd, to, max, 0); }

CALL2(getcwd, to, max)
{
	char path[PATH_MAX];
	const struct place *cwd = &current_places()->cwd;
	long n;

	if (!cwd->inode->nlink)
		return -ENOENT;
	n = place_path(cwd, 1, path, sizeof(path));
	if (n < 0)
		return n;
	if ((uint64_t)n + 1 > max)
		return -ERANGE;
	return user_write(to, path, (size_t)n + 1) < 0 ? -EFAULT : n + 1;
}

/* Takes over the references. */
static void cwd_set(const struct place *p)
{
	struct places *own = current_places();
	struct place before = own->cwd;

	own->cwd = *p;
	if (p->mount)
		p->mount->is_expired = 0;
	place_put(&before);
}

CALL1(chdir, path)
{
	struct place p;
	int error = place_at(AT_FDCWD, path, 0, &p);

	if (error)
		return error;
	if (!IS(p.inode, S_IFDIR)) {
		place_put(&p);
		return -ENOTDIR;
	}
	cwd_set(&p);
	return 0;
}

CALL1(fchdir, fd)
{
	struct file *f = fd_any((int)fd);
	struct place p;
	int error = 0;

	if (!f)
		return -EBADF;
	p = (struct place){ f->mount, f->ip };
	if (IS(f->ip, S_IFDIR)) {
		place_get(&p);
		cwd_set(&p);
	} else {
		error = -ENOTDIR;
	}
	file_put(f);
	return error;
}

CALL1(chroot, path)
{
	struct places *own = current_places();
	struct place p, before = own->root;
	int error = place_at(AT_FDCWD, path, 0, &p);

	if (!error && !IS(p.inode, S_IFDIR)) {
		place_put(&p);
		error = -ENOTDIR;
	}
	if (error)
		return error;
	own->root = p;
	if (before.inode)
		place_put(&before);
	return 0;
}

CALL1(umask, mask)
{
	struct places *own = current_places();
	uint32_t before = own->umask;

	own->umask = (uint32_t)mask & 0777;
	return before;
}

