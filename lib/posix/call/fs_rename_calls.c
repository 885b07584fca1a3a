/* SPDX-License-Identifier: MIT */
/* The rename calls and their many refusals. */
#include <posix/file/inotify.h>

#define NOREPLACE 1u /* linux/fs.h is not freestanding */
#define EXCHANGE  2u

/* May `new` be replaced by `old`? */
static int replace_check(const struct walk *old, const struct walk *new)
{
	if (!IS(old->inode, S_IFDIR))
		return IS(new->inode, S_IFDIR) ? -EISDIR : 0;
	return IS(new->inode, S_IFDIR) ? 0 : -ENOTDIR;
}

static int names_change(const struct walk *old, const struct walk *new, unsigned flags)
{
	struct fs_name from = walk_name(old), to = walk_name(new);

	return name_rename(&from, &to, flags);
}

/* ip has got the second name for the first, maybe in place of another inode. */
static void rename_tell(const struct walk *from, const struct walk *to, struct inode *ip, struct inode *replaced)
{
	uint32_t cookie = ++fs_family()->rename_cookie;

	name_tell(from->dir, from->name, from->name_size, ip, IN_MOVED_FROM, cookie);
	name_tell(to->dir, to->name, to->name_size, ip, IN_MOVED_TO, cookie);
	if (replaced)
		inode_tell_own(replaced, IN_ATTRIB);
	inode_tell_own(ip, IN_MOVE_SELF);
}

/* Both names stay, each with what the other had. */
static int names_swap(struct walk *a, struct walk *b)
{
	int a_folder, b_folder, error = 0;

	if (!a->inode || !b->inode)
		return -ENOENT;
	if (a->last != LAST_NAME || b->last != LAST_NAME)
		return -EBUSY;
	a_folder = IS(a->inode, S_IFDIR);
	b_folder = IS(b->inode, S_IFDIR);
	if ((a->slash && !a_folder) || (b->slash && !b_folder))
		return -ENOTDIR;
	if (a->mount != b->mount)
		return -EXDEV;
	if (mount_may_change(a->mount))
		return -EROFS;
	if (mount_is_at(a->inode) || mount_is_at(b->inode))
		return -EBUSY;
	if ((a_folder && dir_is_within(b->dir, a->inode)) || (b_folder && dir_is_within(a->dir, b->inode)))
		return -EINVAL;
	if (a->inode != b->inode) {
		error = names_change(a, b, FS_EXCHANGE);
		if (error)
			return error;
		rename_tell(a, b, a->inode, NULL);
		rename_tell(b, a, b->inode, NULL);
	}
	return 0;
}

static int rename_walked(struct walk *old, struct walk *new, unsigned flags)
{
	struct inode *ip = old->inode;
	int error;

	if (old->last != LAST_NAME)
		return -EBUSY;
	if (new->last != LAST_NAME)
		return flags & NOREPLACE ? -EEXIST : -EBUSY;
	if (!ip)
		return -ENOENT;
	if (new->inode && (flags & NOREPLACE))
		return -EEXIST;
	if (!IS(ip, S_IFDIR) && (old->slash || new->slash))
		return -ENOTDIR;
	if (old->mount != new->mount)
		return -EXDEV;
	if (mount_may_change(old->mount))
		return -EROFS;
	if (mount_is_at(ip) || (new->inode && mount_is_at(new->inode)))
		return -EBUSY;
	if (IS(ip, S_IFDIR) && dir_is_within(new->dir, ip))
		return -EINVAL;
	if (new->inode && dir_is_within(old->dir, new->inode))
		return -ENOTEMPTY;
	if (new->inode == ip)
		return 0;
	error = new->inode ? replace_check(old, new) : 0;
	if (!error)
		error = names_change(old, new, 0);
	if (!error)
		rename_tell(old, new, ip, new->inode);
	return error;
}

/* The name still is what the walk found, though another one may have slept since. */
static int is_fresh(const struct walk *w)
{
	const struct entry *e;

	if (w->last != LAST_NAME || w->dir->kind != KIND_TREE)
		return 1;
	e = entry_find(w->dir, w->name, w->name_size);
	return (e ? e->inode : NULL) == w->inode;
}

static long rename_once(int old_dirfd, uint64_t old_path, int new_dirfd, uint64_t new_path, uint64_t flags)
{
	char old_buffer[PATH_MAX], new_buffer[PATH_MAX];
	struct walk old, new;
	int error;

	for (;;) {
		error = path_at(old_dirfd, old_path, WALK_PARENT, old_buffer, &old);
		if (error)
			return error;
		error = path_at(new_dirfd, new_path, WALK_PARENT, new_buffer, &new);
		if (error || is_fresh(&old))
			break;
		walk_end(&new);
		walk_end(&old);
	}
	if (!error) {
		error = flags & EXCHANGE ? names_swap(&old, &new) : rename_walked(&old, &new, (unsigned)flags);
		walk_end(&new);
	}
	walk_end(&old);
	return error;
}

static long rename_at(int old_dirfd, uint64_t old_path, int new_dirfd, uint64_t new_path, uint64_t flags)
{
	int tries = LOOK_AGAIN;
	long result;

	/* RENAME_WHITEOUT: as of a file system that knows none. */
	if (flags & ~(uint64_t)(NOREPLACE | EXCHANGE) || flags == (NOREPLACE | EXCHANGE))
		return -EINVAL;
	do
		result = rename_once(old_dirfd, old_path, new_dirfd, new_path, flags);
	while (result == -ESTALE && --tries);
	return result;
}

CALL2(rename, old, new) { return rename_at(AT_FDCWD, old, AT_FDCWD, new, 0); }
CALL4(renameat, old_dirfd, old, new_dirfd, new) { return rename_at((int)old_dirfd, old, (int)new_dirfd, new, 0); }
CALL5(renameat2, old_dirfd, old, new_dirfd, new, flags) { return rename_at((int)old_dirfd, old, (int)new_dirfd, new, flags); }
