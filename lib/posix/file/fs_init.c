/* SPDX-License-Identifier: MIT */
/* Puts the family's file system together: the root image as "/", and in memory /dev, /proc, /tmp and the folders that programs expect. */
#include <tty/tty.h>
#include <posix/parts.h>
#include "proc.h"

/* A directory of that name, found or made. */
static int dir_ensure(struct inode *parent, const char *name, uint32_t mode, struct inode **out)
{
	int error = dir_lookup(parent, name, strlen(name), out);

	if (!error && IS(*out, S_IFDIR))
		return 0;
	if (!error) {
		inode_put(*out);
		return -ENOTDIR;
	}
	if (error != -ENOENT)
		return error;
	*out = inode_make(parent->volume, S_IFDIR | mode);
	if (!*out)
		return -ENOMEM;
	error = entry_add(parent, name, strlen(name), *out);
	if (error)
		inode_put(*out);
	return error;
}

/* A volume of that kind hangs at a folder of the first, which is found or made. */
static int mounted(const struct fs_ops *kind, const char *source, const char *path, unsigned flags)
{
	struct fs_family *fs = fs_family();
	struct place root = { fs->mounts, fs->root };
	struct volume *v;
	struct walk w;
	int error = path_walk(&root, path, WALK_PARENT, &w);

	if (error)
		return error;
	if (!w.inode && w.dir)
		error = dir_ensure(w.dir, w.name, 0755, &w.inode);
	if (!error)
		error = volume_make(kind, source, NULL, &v);
	if (!error)
		error = mount_hang(&(struct place){ w.mount, w.inode }, v, NULL, flags | MOUNT_RELATIME, source,
			NULL);
	walk_end(&w);
	return error;
}

static int folders_mount(struct fs_family *fs)
{
	struct inode *tmp;
	int error = mounted(&proc_kind, "proc", "/proc", 0);

	if (!error)
		error = mounted(&sysfs_kind, "sysfs", "/sys", MOUNT_READ_ONLY);
	if (!error)
		error = mounted(&cgroup_kind, "cgroup2", "/sys/fs/cgroup", MOUNT_READ_ONLY);
	if (!error)
		error = mounted(&efivars_kind, "efivarfs", "/sys/firmware/efi/efivars", MOUNT_READ_ONLY);
	if (!error)
		error = mounted(&devtmpfs_kind, "devtmpfs", "/dev", 0);
	if (!error)
		error = mounted(&devpts_kind, "devpts", "/dev/pts", 0);
	if (!error)
		error = mounted(&tmpfs_kind, "tmpfs", "/dev/shm", 0);
	if (!error)
		error = dir_ensure(fs->root, "tmp", 01777, &tmp);
	if (error)
		return error;
	tmp->mode = S_IFDIR | 01777;
	inode_put(tmp);
	return 0;
}

int fs_init(const void *image, size_t size, const struct fs_ops *const *kinds)
{
	struct fs_family *fs = fam_alloc(sizeof(*fs));
	struct machine_facts m;
	struct volume *v;
	struct walk w;
	int error;

	if (!fs)
		return -ENOMEM;
	*family_slot_fs() = fs;
	fs->image = image;
	fs->image_size = size;
	fs->kinds = kinds;
	fs->lease_seconds = 45;
	fs->fd_most = FD_MAX;
	fs->pipe_most = 1 << 20;
	memcpy(fs->core_pattern, "core", sizeof("core"));
	fs->leases = 1;
	fs->watching_most = 128;
	fs->next_ino = 1ul << 28; /* above every number of the image */
	fs->next_device = 20;
	machine_facts(&m);
	fs->memory_pages = m.frames;
	error = erofs_open_known(&fs->erofs, image, size);
	if (!error)
		error = volume_make(&image_kind, "root", NULL, &v);
	if (error)
		return error;
	v->device = 1;
	error = mount_hang(NULL, v, NULL, MOUNT_RELATIME, "root", NULL);
	if (!error)
		error = tty_init(fs);
	fs->terminal_open = terminal_open;
	if (!error)
		error = folders_mount(fs);
	if (!error)
		error = path_walk(&(struct place){ fs->mounts, fs->root }, "/dev/console", 0, &w);
	if (error)
		return error;
	inode_get(w.inode);
	fs->tty->console = w.inode;
	walk_end(&w);
	return 0;
}

const struct fs_ops *const kinds_of_linux[] = {
	&sysfs_kind, &tmpfs_kind, &proc_kind, &cgroup_kind, &efivars_kind, &devtmpfs_kind, &devpts_kind,
	&p9_kind, NULL,
};
