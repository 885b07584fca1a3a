/* SPDX-License-Identifier: MIT */
/* mount and umount2. Mounts pass nothing on to one another: all are private, as mount_namespaces(7) calls it. */
#include <fs/files.h>

enum ms { MS_REMOUNT = 32, MS_BIND = 4096, MS_MOVE = 8192, MS_REC = 16384, MS_UNBINDABLE = 1 << 17,
	MS_PRIVATE = 1 << 18, MS_SLAVE = 1 << 19, MS_SHARED = 1 << 20, MS_STRICTATIME = 1 << 24 };
#define MS_MAGIC      0xc0ed0000u
#define MS_MAGIC_MASK 0xffff0000u
#define MS_PASSED     (MS_SHARED | MS_SLAVE | MS_PRIVATE | MS_UNBINDABLE)

/* Of what a mount is asked to be: times of use are kept as relatime says, unless it says otherwise. */
static unsigned flags_of(unsigned ms)
{
	return (ms & MOUNT_FLAGS) | (ms & (MOUNT_NOATIME | MS_STRICTATIME) ? 0 : MOUNT_RELATIME);
}

static int flags_change(struct mount *m, unsigned ms)
{
	if (ms & MOUNT_READ_ONLY && m->writers)
		return -EBUSY;
	m->flags = flags_of(ms);
	return 0;
}

/* All mounts of a volume are read-only with it. */
static int volume_is_written(const struct volume *v)
{
	for (const struct mount *m = fs_family()->mounts; m; m = m->next)
		if (m->volume == v && m->writers)
			return 1;
	return 0;
}

static int remount(struct mount *m, unsigned ms, char *options)
{
	struct volume *v = m->volume;
	int error = 0;

	if (ms & MOUNT_READ_ONLY && !v->is_read_only && volume_is_written(v))
		return -EBUSY;
	if (*options)
		error = v->ops->remake ? v->ops->remake(v, options) : -EINVAL;
	if (error)
		return error;
	if (!v->ops->is_single)
		v->is_read_only = !!(ms & MOUNT_READ_ONLY);
	m->flags = flags_of(ms);
	return 0;
}

static const struct fs_ops *kind_named(const char *name)
{
	for (const struct fs_ops *const *kind = fs_family()->kinds; *kind; kind++)
		if (!strcmp((*kind)->name, name))
			return *kind;
	return NULL;
}

static int new_mount(const struct place *at, const char *source, const char *type, unsigned ms, char *options)
{
	const struct fs_ops *kind = kind_named(type);
	struct volume *v;
	int error;

	if (!kind)
		return -ENODEV;
	error = volume_make(kind, source, options, &v);
	if (error)
		return error;
	if (at->mount && at->mount->volume == v && at->inode == v->root) /* the same once more */
		error = -EBUSY;
	if (!error)
		error = mount_hang(at, v, NULL, flags_of(ms), source, NULL);
	if (error)
		volume_drop(v);
	else if (!kind->is_single)
		v->is_read_only = !!(ms & MOUNT_READ_ONLY);
	return error;
}

/* What mount(2) was told in words: a page holds them. */
struct words { char source[PATH_MAX], type[64], options[1536]; };

static long mount_at_place(const struct place *at, uint64_t source, unsigned ms, struct words *w, int has_type)
{
	struct place from;
	int is_root = mount_hangs(at->mount) && at->inode == at->mount->root;
	long error;

	if ((ms & (MS_REMOUNT | MS_BIND)) == (MS_REMOUNT | MS_BIND))
		return is_root ? flags_change(at->mount, ms) : -EINVAL;
	if (ms & MS_REMOUNT)
		return is_root ? remount(at->mount, ms, w->options) : -EINVAL;
	if (!(ms & MS_BIND) && ms & MS_PASSED) /* nothing is passed on here: so only that can be asked for */
		return ms & (MS_SHARED | MS_SLAVE) || !is_root ? -EINVAL : 0;
	if (!(ms & (MS_BIND | MS_MOVE)))
		return has_type ? new_mount(at, w->source, w->type, ms, w->options) : -EINVAL;
	if (!w->source[0])
		return -EINVAL;
	error = place_at(AT_FDCWD, source, 0, &from);
	if (error)
		return error;
	error = ms & MS_BIND ? mount_bind(&from, at, !!(ms & MS_REC)) : mount_move(&from, at);
	place_put(&from);
	return error;
}

/* A string that may be left out. */
static long word_read(char *to, uint64_t from, size_t max)
{
	long n;

	*to = 0;
	if (!from)
		return 0;
	n = user_str(to, from, max);
	if (n == -ENAMETOOLONG)
		return -EINVAL;
	return n < 0 ? n : 0;
}

CALL5(mount, source, target, type, flags, options)
{
	struct words *w = fam_pages(2);
	unsigned ms = (unsigned)flags;
	struct place at;
	long error;

	_Static_assert(sizeof(*w) <= 2 * PAGE, "words");
	if (!w)
		return -ENOMEM;
	if ((ms & MS_MAGIC_MASK) == MS_MAGIC)
		ms &= ~MS_MAGIC_MASK;
	error = word_read(w->type, type, sizeof(w->type));
	if (!error)
		error = word_read(w->source, source, sizeof(w->source));
	if (!error)
		error = word_read(w->options, options, sizeof(w->options));
	if (!error)
		error = place_at(AT_FDCWD, target, 0, &at);
	if (!error) {
		error = mount_at_place(&at, source, ms, w, type != 0);
		place_put(&at);
	}
	fam_pages_free(w, 2);
	return error;
}

enum umount { UMOUNT_FORCE = 1, UMOUNT_DETACH = 2, UMOUNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };

CALL2(umount2, target, flags)
{
	struct place at;
	struct mount *m;
	int error;

	if (flags & ~15ul || (flags & UMOUNT_EXPIRE && flags & (UMOUNT_FORCE | UMOUNT_DETACH)))
		return -EINVAL;
	error = place_at(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? WALK_NOFOLLOW : 0, &at);
	if (error)
		return error;
	m = at.mount;
	if (!mount_hangs(m) || at.inode != m->root) {
		place_put(&at);
		return -EINVAL;
	}
	if (m == fs_family()->mounts) {
		place_put(&at);
		return -EBUSY;
	}
	error = m->is_expired;
	inode_put(at.inode);
	m->refs--; /* the table's reference is left */
	if (!(flags & UMOUNT_EXPIRE))
		return mount_end(m, !!(flags & UMOUNT_DETACH));
	if (mount_is_busy(m))
		return -EBUSY;
	if (error)
		return mount_end(m, 0);
	m->is_expired = 1;
	return -EAGAIN;
}

/* ---- sysfs(2), which is older than /sys: kinds of file systems by number, those of text_filesystems in its order */
static const char *kind_name(uint64_t number)
{
	uint64_t n = 0;

	while (fs_family()->kinds[n] && n != number)
		n++;
	if (fs_family()->kinds[n])
		return fs_family()->kinds[n]->name;
	return n == number ? "erofs" : NULL;
}

static long kind_number(const char *name)
{
	const char *own;

	for (uint64_t n = 0; (own = kind_name(n)) != NULL; n++)
		if (!strcmp(own, name))
			return (long)n;
	return -EINVAL;
}

CALL3(sysfs, option, first, second)
{
	const char *own;
	char name[PATH_MAX];
	long n = 0;

	switch ((int)option) {
	case 1:
		n = user_str(name, first, sizeof name);
		return n < 0 ? n : kind_number(name);
	case 2:
		own = kind_name(first);
		return !own ? -EINVAL : user_write(second, own, strlen(own) + 1);
	case 3:
		while (kind_name((uint64_t)n))
			n++;
		return n;
	}
	return -EINVAL;
}
