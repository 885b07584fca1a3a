/* SPDX-License-Identifier: MIT */
/* System calls that ask: stat and its kin, access, readlink, statfs, extended attributes (of which there are none). */
#include <asm/statfs.h>
#include <fs/files.h>

#define STAT_EMPTY(flags) ((flags) & AT_EMPTY_PATH ? WALK_EMPTY : 0)
#define STAT_LINK(flags)  ((flags) & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0)

static long stat_write(struct inode *ip, uint64_t to)
{
	struct stat st;

	inode_stat(ip, &st);
	inode_put(ip);
	return user_write(to, &st, sizeof(st));
}

/* A look-up brings what is true now; of what is held already (an open file, a folder people are in, the root of a
 * mount) the kind is asked. */
static int asked_at(int dirfd, uint64_t path, unsigned flags, struct inode **out)
{
	char buffer[PATH_MAX];
	struct walk w;
	int error = path_at(dirfd, path, flags, buffer, &w), is_held;

	if (error)
		return error;
	is_held = !w.dir || (w.mount && w.inode == w.mount->root);
	inode_get(*out = w.inode);
	walk_end(&w);
	error = is_held ? inode_refresh(*out) : 0;
	if (error)
		inode_put(*out);
	return error;
}

static long stat_at(int dirfd, uint64_t path, uint64_t to, unsigned flags)
{
	struct inode *ip;
	int error = asked_at(dirfd, path, flags, &ip);

	return error ? error : stat_write(ip, to);
}

CALL2(stat, path, to) { return stat_at(AT_FDCWD, path, to, 0); }
CALL2(lstat, path, to) { return stat_at(AT_FDCWD, path, to, WALK_NOFOLLOW); }

CALL2(fstat, fd, to)
{
	struct file *f = fd_any((int)fd);
	struct inode *ip;
	int error;

	if (!f)
		return -EBADF;
	ip = f->ip;
	inode_get(ip);
	file_put(f);
	error = inode_refresh(ip);
	if (!error)
		return stat_write(ip, to);
	inode_put(ip);
	return error;
}

CALL4(newfstatat, dirfd, path, to, flags)
{
	if (flags & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	return stat_at((int)dirfd, path, to, STAT_EMPTY(flags) | STAT_LINK(flags));
}

static struct statx_timestamp stamp(unsigned long seconds, unsigned long ns)
{
	return (struct statx_timestamp){ .tv_sec = (long)seconds, .tv_nsec = (uint32_t)ns };
}

CALL5(statx, dirfd, path, flags, mask, to)
{
	struct statx x;
	struct stat st;
	struct inode *ip;
	int error;

	if ((flags & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || (mask & STATX__RESERVED))
		return -EINVAL;
	error = asked_at((int)dirfd, path, STAT_EMPTY(flags) | STAT_LINK(flags), &ip);
	if (error)
		return error;
	inode_stat(ip, &st);
	inode_put(ip);
	memset(&x, 0, sizeof(x));
	x.stx_mask = STATX_BASIC_STATS;
	x.stx_blksize = (uint32_t)st.st_blksize;
	x.stx_nlink = (uint32_t)st.st_nlink;
	x.stx_uid = st.st_uid;
	x.stx_gid = st.st_gid;
	x.stx_mode = (uint16_t)st.st_mode;
	x.stx_ino = st.st_ino;
	x.stx_size = (uint64_t)st.st_size;
	x.stx_blocks = (uint64_t)st.st_blocks;
	x.stx_atime = stamp(st.st_atime, st.st_atime_nsec);
	x.stx_mtime = stamp(st.st_mtime, st.st_mtime_nsec);
	x.stx_ctime = stamp(st.st_ctime, st.st_ctime_nsec);
	x.stx_rdev_major = (uint32_t)st.st_rdev >> 8 & 0xfff;
	x.stx_rdev_minor = ((uint32_t)st.st_rdev & 0xff) | ((uint32_t)st.st_rdev >> 12 & 0xfff00);
	x.stx_dev_major = (uint32_t)st.st_dev >> 8;
	x.stx_dev_minor = (uint32_t)st.st_dev & 0xff;
	return user_write(to, &x, sizeof(x));
}

_Static_assert(MAY_EXEC == 1 && MAY_WRITE == 2 && MAY_READ == 4, "access(2)'s");

static long access_at(int dirfd, uint64_t path, uint64_t mode, unsigned flags)
{
	struct place p;
	int error;

	if (mode & ~7ul)
		return -EINVAL;
	error = place_at(dirfd, path, flags, &p);
	if (error)
		return error;
	error = place_may(&p, (unsigned)mode);
	place_put(&p);
	return error;
}

CALL2(access, path, mode) { return access_at(AT_FDCWD, path, mode, 0); }
CALL3(faccessat, dirfd, path, mode) { return access_at((int)dirfd, path, mode, 0); }

CALL4(faccessat2, dirfd, path, mode, flags)
{
	if (flags & ~(uint64_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return access_at((int)dirfd, path, mode, STAT_EMPTY(flags) | STAT_LINK(flags));
}

/* Where a link leads, in words. */
static long ops_link(struct inode *ip, char *to, size_t max)
{
	const struct fs_ops *ops = ip->volume->ops;
	struct place place;
	const char *text;
	int jump = ops->jump ? ops->jump(ip, &place) : 1;
	long n;

	if (jump < 0)
		return jump;
	if (jump == 0) {
		n = place.mount ? place_path(&place, 0, to, max) : inode_path(place.inode, to, max);
		place_put(&place);
		return n;
	}
	n = ops->link_text(ip, &text);
	if (n > 0)
		memcpy(to, text, (size_t)n < max ? (size_t)n : max);
	return n;
}

static long readlink_at(int dirfd, uint64_t path, uint64_t to, uint64_t max)
{
	char text[PATH_MAX];
	struct inode *ip;
	long n;
	int error;

	if ((int)max <= 0)
		return -EINVAL;
	error = inode_at(dirfd, path, WALK_NOFOLLOW | WALK_EMPTY, &ip);
	if (error)
		return error;
	if (!IS(ip, S_IFLNK)) {
		/* With an empty path the descriptor itself had to be a link. */
		error = user_str(text, path, sizeof(text)) == 0 ? -ENOENT : -EINVAL;
		inode_put(ip);
		return error;
	}
	if (ip->kind == KIND_OPS) {
		n = ops_link(ip, text, sizeof(text));
		error = n < 0 ? (int)n : 0;
		if (n > 0) {
			n = (long)min_u64((uint64_t)n, (uint32_t)max);
			error = user_write(to, text, (size_t)n);
		}
	} else {
		n = (long)min_u64(ip->size, (uint32_t)max);
		error = user_write(to, ip->target, (size_t)n);
	}
	inode_put(ip);
	return error ? error : n;
}

CALL3(readlink, path, to, max) { return readlink_at(AT_FDCWD, path, to, max); }
CALL4(readlinkat, dirfd, path, to, max) { return readlink_at((int)dirfd, path, to, max); }

/* Linux's ST_ from what is mounted how. */
static long mount_status(const struct mount *m)
{
	const unsigned same = MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC | MOUNT_NOATIME | MOUNT_NODIRATIME;
	long status = 0x20 | (long)(m->flags & same); /* ST_VALID */

	if (m->flags & MOUNT_READ_ONLY || m->volume->is_read_only)
		status |= 1; /* ST_RDONLY */
	return m->flags & MOUNT_RELATIME ? status | 0x1000 : status;
}

static void room_tell(const struct volume *v, struct statfs *st)
{
	const struct volume_room *room = &v->room;
	uint64_t left = fam_room(ROOM_CONTENT);

	st->f_blocks = st->f_files = (long)(left + data_pages_used() + fs_family()->image_size / PAGE);
	st->f_bfree = st->f_ffree = (long)left;
	if (room->pages_max) {
		st->f_blocks = (long)room->pages_max;
		st->f_bfree = (long)min_u64(left, room->pages_max - room->pages);
	}
	if (room->inodes_max) {
		st->f_files = (long)room->inodes_max;
		st->f_ffree = (long)(room->inodes_max - room->inodes);
	}
	st->f_bavail = st->f_bfree;
}

/* What the kind says of its volume, when it says anything. MAY SLEEP */
static int size_tell(struct volume *v, struct statfs *st)
{
	struct fs_size size;
	int error;

	if (!v || !v->ops->size)
		return 0;
	error = v->ops->size(v, &size);
	if (error)
		return error;
	st->f_type = size.magic;
	st->f_bsize = st->f_frsize = size.block;
	st->f_blocks = (long)size.blocks;
	st->f_bfree = (long)size.free;
	st->f_bavail = (long)size.available;
	st->f_files = (long)size.files;
	st->f_ffree = (long)size.files_free;
	st->f_fsid.val[0] = (int)size.id;
	st->f_fsid.val[1] = (int)(size.id >> 32);
	st->f_namelen = size.name_max;
	return 0;
}

static long statfs_write(const struct place *p, uint64_t to)
{
	const struct inode *ip = p->inode;
	const struct mount *m = p->mount ? p->mount : mount_of(ip);
	struct statfs st;
	int error;

	memset(&st, 0, sizeof(st));
	st.f_type = ip->kind == KIND_PIPE ? 0x50495045 : 0x01021994; /* PIPEFS, TMPFS */
	if (ip->volume)
		st.f_type = ip->volume->ops->magic;
	st.f_bsize = st.f_frsize = PAGE;
	st.f_namelen = NAME_MAX;
	st.f_flags = m ? mount_status(m) : 0x20;
	if (ip->kind == KIND_TREE && st.f_type == 0x01021994)
		room_tell(ip->volume ? ip->volume : fs_family()->root->volume, &st);
	error = size_tell(ip->volume, &st);
	place_put(p);
	return error ? error : user_write(to, &st, sizeof(st));
}

CALL2(statfs, path, to)
{
	struct place p;
	int error = place_at(AT_FDCWD, path, 0, &p);

	return error ? error : statfs_write(&p, to);
}

CALL2(fstatfs, fd, to)
{
	struct file *f = fd_any((int)fd);
	struct place p;

	if (!f)
		return -EBADF;
	p = (struct place){ f->mount, f->ip };
	place_get(&p);
	file_put(f);
	return statfs_write(&p, to);
}

/* What ustat(2) tells of a device's volume: struct ustat of Linux's linux/types.h. */
struct device_room { int32_t free; uint64_t inodes_free; char name[6], pack[6]; };

CALL2(ustat, device, to)
{
	uint32_t number = (uint32_t)(device & 0xff) | (uint32_t)(device >> 12 & 0xfff00), major = device >> 8 & 0xfff;
	const struct mount *m = fs_family()->mounts;
	struct device_room room = { 0 };
	struct statfs st;
	int error;

	while (m && (major || m->volume->device != number))
		m = m->next;
	if (!m)
		return -EINVAL;
	memset(&st, 0, sizeof st);
	room_tell(m->volume, &st);
	error = size_tell(m->volume, &st);
	room.free = (int32_t)st.f_bfree;
	room.inodes_free = (uint64_t)st.f_ffree;
	return error ? error : user_write(to, &room, sizeof room);
}
