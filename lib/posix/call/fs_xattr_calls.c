/* SPDX-License-Identifier: MIT */
/* Extended attributes (xattr(7)) of the spaces user, trusted and security, of whatever lies in memory. Those of space
 * system, which are access control lists, are refused as on a file system without them: nothing here obeys. */
#include <linux/xattr.h>
#include <posix/file/inotify.h>

#define VALUE_MAX 65536 /* XATTR_SIZE_MAX: linux/limits.h names more than this room can have twice */

static int starts(const char *name, const char *with)
{
	return !memcmp(name, with, strlen(with)); /* a name is read into more bytes than the longest prefix */
}

/* The name that an attribute may have: 0; text holds it. */
static long name_read(char text[NAME_MAX + 2], uint64_t name)
{
	long n;

	memset(text, 0, NAME_MAX + 2);
	n = user_str(text, name, NAME_MAX + 1);
	if (n == -EFAULT)
		return n;
	return n <= 0 ? -ERANGE : 0;
}

/* Whether the inode can have an attribute of that name. absent: what Linux says of a user's on a device or link. */
static long name_check(const struct inode *ip, const char *name, long absent)
{
	static const char *const spaces[] = { "user.", "trusted.", "security." };

	for (int i = 0; i < 3; i++) {
		if (!starts(name, spaces[i]))
			continue;
		if (i == 0 && !IS(ip, S_IFREG) && !IS(ip, S_IFDIR))
			return absent;
		if (ip->kind != KIND_TREE)
			return -EOPNOTSUPP;
		return name[strlen(spaces[i])] ? 0 : -EINVAL;
	}
	return -EOPNOTSUPP;
}

static struct xattr **find(const struct inode *ip, const char *name)
{
	struct xattr **link = &ip->extra->xattrs;

	while (*link && strcmp((*link)->text, name))
		link = &(*link)->next;
	return link;
}

static const struct xattr *found(const struct inode *ip, const char *name)
{
	return ip->extra ? *find(ip, name) : NULL;
}

/* What a call asks for, its name read. */
struct asked { char name[NAME_MAX + 2]; uint64_t value, size; unsigned flags; };
typedef long deed(const struct place *p, struct asked *a);

static void changed(struct inode *ip)
{
	inode_touch(ip, TOUCH_C);
	inode_tell(ip, IN_ATTRIB);
}

static long set(const struct place *p, struct asked *a)
{
	struct inode *ip = p->inode;
	size_t name_size = strlen(a->name);
	struct xattr *x, **link;
	long error = mount_may_change(p->mount) ? -EROFS : name_check(ip, a->name, -EPERM);

	if (error)
		return error;
	if (a->flags & XATTR_CREATE && found(ip, a->name))
		return -EEXIST;
	if (a->flags & XATTR_REPLACE && !found(ip, a->name))
		return -ENODATA;
	if (fam_room(ROOM_CONTENT) < a->size / PAGE + 2 || !inode_extra(ip))
		return -ENOSPC;
	x = fam_alloc(sizeof(*x) + name_size + 1 + a->size);
	if (!x)
		return -ENOSPC;
	memcpy(x->text, a->name, name_size + 1);
	x->name_size = (uint32_t)name_size;
	x->size = (uint32_t)a->size;
	if (user_read(x->text + name_size + 1, a->value, a->size) < 0) {
		fam_free(x);
		return -EFAULT;
	}
	link = find(ip, a->name);
	if (*link) {
		x->next = (*link)->next;
		fam_free(*link);
	}
	*link = x;
	changed(ip);
	return 0;
}

static long get(const struct place *p, struct asked *a)
{
	const struct xattr *x;
	long error = name_check(p->inode, a->name, -ENODATA);

	if (error)
		return error;
	x = found(p->inode, a->name);
	if (!x)
		return -ENODATA;
	if (a->size && a->size < x->size)
		return -ERANGE;
	if (a->size && user_write(a->value, x->text + x->name_size + 1, x->size) < 0)
		return -EFAULT;
	return x->size;
}

static long list(const struct place *p, struct asked *a)
{
	const struct xattr *x = p->inode->extra ? p->inode->extra->xattrs : NULL;
	uint64_t total = 0;

	for (const struct xattr *all = x; all; all = all->next)
		total += all->name_size + 1;
	if (a->size && a->size < total)
		return -ERANGE;
	for (uint64_t at = a->value; a->size && x; x = x->next) {
		if (user_write(at, x->text, x->name_size + 1) < 0)
			return -EFAULT;
		at += x->name_size + 1;
	}
	return (long)total;
}

static long drop(const struct place *p, struct asked *a)
{
	struct xattr *x, **link;
	long error = mount_may_change(p->mount) ? -EROFS : name_check(p->inode, a->name, -EPERM);

	if (error)
		return error;
	if (!found(p->inode, a->name))
		return -ENODATA;
	link = find(p->inode, a->name);
	x = *link;
	*link = x->next;
	fam_free(x);
	changed(p->inode);
	return 0;
}

/* name 0: the call has none. */
static long asked_read(struct asked *a, deed *what, uint64_t name, uint64_t value, uint64_t size, uint64_t flags)
{
	long error = flags & ~(uint64_t)(XATTR_CREATE | XATTR_REPLACE) ? -EINVAL : 0;

	a->value = value;
	a->size = size;
	a->flags = (unsigned)flags;
	if (!error && what != list)
		error = name_read(a->name, name);
	return !error && what == set && size > VALUE_MAX ? -E2BIG : error;
}

static long at_path(deed *what, uint64_t path, unsigned how, uint64_t name, uint64_t value, uint64_t size,
	uint64_t flags)
{
	struct asked a;
	struct place p;
	long result = asked_read(&a, what, name, value, size, flags);

	if (!result)
		result = place_at(AT_FDCWD, path, how, &p);
	if (result)
		return result;
	result = what(&p, &a);
	place_put(&p);
	return result;
}

static long at_fd(deed *what, uint64_t fd, uint64_t name, uint64_t value, uint64_t size, uint64_t flags)
{
	struct file *f = fd_file((int)fd);
	struct asked a;
	long result;

	if (!f)
		return -EBADF;
	result = asked_read(&a, what, name, value, size, flags);
	if (!result)
		result = what(&(struct place){ f->mount, f->ip }, &a);
	file_put(f);
	return result;
}

CALL5(setxattr, path, name, value, size, flags) { return at_path(set, path, 0, name, value, size, flags); }
CALL5(lsetxattr, path, name, value, size, flags) { return at_path(set, path, WALK_NOFOLLOW, name, value, size, flags); }
CALL5(fsetxattr, fd, name, value, size, flags) { return at_fd(set, fd, name, value, size, flags); }
CALL4(getxattr, path, name, value, size) { return at_path(get, path, 0, name, value, size, 0); }
CALL4(lgetxattr, path, name, value, size) { return at_path(get, path, WALK_NOFOLLOW, name, value, size, 0); }
CALL4(fgetxattr, fd, name, value, size) { return at_fd(get, fd, name, value, size, 0); }
CALL3(listxattr, path, to, size) { return at_path(list, path, 0, 0, to, size, 0); }
CALL3(llistxattr, path, to, size) { return at_path(list, path, WALK_NOFOLLOW, 0, to, size, 0); }
CALL3(flistxattr, fd, to, size) { return at_fd(list, fd, 0, to, size, 0); }
CALL2(removexattr, path, name) { return at_path(drop, path, 0, name, 0, 0, 0); }
CALL2(lremovexattr, path, name) { return at_path(drop, path, WALK_NOFOLLOW, name, 0, 0, 0); }
CALL2(fremovexattr, fd, name) { return at_fd(drop, fd, name, 0, 0, 0); }
