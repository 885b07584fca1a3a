/* SPDX-License-Identifier: MIT */
/* name_to_handle_at, open_by_handle_at: files by a number that stays when they are renamed. Of what lies in memory: a
 * number of an inode is never used again, so nothing more tells two of them apart. */
#include <fs/files.h>

#define HANDLE_MAX  128u /* bytes behind the head, Linux's MAX_HANDLE_SZ */
#define HANDLE_SIZE 12u  /* of tmpfs's: generation, number in two halves */
#define HANDLE_TYPE 1

struct handle { uint32_t bytes; int32_t type; uint32_t generation, low, high; };
#define HANDLE_HEAD (sizeof(struct handle) - HANDLE_SIZE)

static long handle_write(const struct place *p, uint64_t to, uint64_t mount_id)
{
	struct handle h = { .bytes = 0 };
	uint32_t room, id = p->mount ? p->mount->id : 0;

	if (p->inode->kind != KIND_TREE || !p->inode->volume)
		return -EOPNOTSUPP;
	if (user_read(&room, to, sizeof room))
		return -EFAULT;
	if (room > HANDLE_MAX)
		return -EINVAL;
	h = (struct handle){ HANDLE_SIZE, HANDLE_TYPE, 0, (uint32_t)p->inode->ino, (uint32_t)(p->inode->ino >> 32) };
	if (room < HANDLE_SIZE)
		h.type = 255; /* FILEID_INVALID */
	if (user_write(mount_id, &id, sizeof id) || user_write(to, &h, room < HANDLE_SIZE ? HANDLE_HEAD : sizeof h))
		return -EFAULT;
	return room < HANDLE_SIZE ? -EOVERFLOW : 0;
}

CALL5(name_to_handle_at, dirfd, path, to, mount_id, flags)
{
	unsigned how = flags & AT_SYMLINK_FOLLOW ? 0 : WALK_NOFOLLOW;
	struct place p;
	long e;

	if (flags & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		how |= WALK_EMPTY;
	e = place_at((int)dirfd, path, how, &p);
	if (e)
		return e;
	e = handle_write(&p, to, mount_id);
	place_put(&p);
	return e;
}

/* Whatever was named once stays in its directory. */
static struct inode *inode_below(struct inode *top, uint64_t ino)
{
	struct inode *dir = top;
	struct entry *e = top->dir.first;

	if (top->ino == ino)
		return top;
	for (;;) {
		struct inode *ip = e ? e->inode : NULL;

		family_progress(); /* it may be one of many */
		if (ip && ip->ino == ino)
			return ip;
		if (ip && IS(ip, S_IFDIR) && ip->kind == KIND_TREE && ip->dir.first) {
			dir = ip;
			e = ip->dir.first;
			continue;
		}
		while (!(e = e ? e->next : NULL)) {
			if (dir == top || !dir->entry)
				return NULL;
			e = dir->entry;
			dir = e->dir;
		}
	}
}

/* References held. */
static int mount_of_fd(int fd, struct place *p)
{
	struct file *f = fd == AT_FDCWD ? NULL : fd_any(fd);

	if (!f && fd != AT_FDCWD)
		return -EBADF;
	*p = f ? (struct place){ f->mount, f->ip } : current_places()->cwd;
	place_get(p);
	if (f)
		file_put(f);
	return 0;
}

/* The inode that a handle names, of the volume of that place: no reference. */
static int inode_of_handle(const struct place *at, uint64_t from, struct inode **out)
{
	struct handle h;
	uint32_t bytes;

	if (user_read(&bytes, from, sizeof bytes))
		return -EFAULT;
	if (!bytes || bytes > HANDLE_MAX)
		return -EINVAL;
	if (bytes < HANDLE_SIZE || !at->mount || !at->inode->volume || at->inode->kind != KIND_TREE)
		return -ESTALE;
	if (user_read(&h, from, sizeof h))
		return -EFAULT;
	*out = NULL;
	if (!h.generation)
		*out = inode_below(at->inode->volume->root, (uint64_t)h.high << 32 | h.low);
	return *out ? 0 : -ESTALE;
}

CALL3(open_by_handle_at, mount_fd, from, flags)
{
	unsigned open_flags = (unsigned)flags;
	struct place at, p;
	struct file *f;
	int e = mount_of_fd((int)mount_fd, &at);

	if (e)
		return e;
	p.mount = at.mount;
	e = inode_of_handle(&at, from, &p.inode);
	if (!e) {
		place_get(&p);
		if (open_flags & O_DIRECTORY && !IS(p.inode, S_IFDIR))
			e = -ENOTDIR;
		if (!e && !(open_flags & O_PATH))
			e = place_may_open(&p, open_flags);
		if (!e)
			e = inode_open(p.inode, open_flags, &f);
		if (!e)
			file_mount(f, p.mount);
		place_put(&p);
	}
	place_put(&at);
	return e ? e : fd_new(current_files(), f, 0, !!(open_flags & O_CLOEXEC));
}
