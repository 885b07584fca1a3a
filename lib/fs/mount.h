/* SPDX-License-Identifier: MIT */
/* File systems, and where they hang in the tree of names. A kind is a `struct fs_ops`; a volume is one file system of
 * a kind; a mount shows a volume, or a folder of it, at a place. All of it lives in family memory, under its lock. */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H
#include <stddef.h>
#include <stdint.h>

struct file_ops;
struct inode;
struct volume;
struct mount;

/* Where a path led: what stands there, and through which mount it was reached. mount NULL: through none, as a pipe. */
struct place { struct mount *mount; struct inode *inode; };

/* Calls emit for entries from position *at on; emit returns non-zero to stop before that entry. */
typedef int dir_emit(void *context, const char *name, size_t n, uint64_t ino, unsigned type, uint64_t next);

/* Room for pages and for files: 0 = no limit. */
struct volume_room { uint64_t pages, pages_max, inodes, inodes_max; };

/* A name in a folder. inode: what the walk found there, NULL: nothing. Who calls holds both. */
struct fs_name { struct inode *dir, *inode; const char *name; size_t n; };

#define NAMES_MOST 16 /* of one look-up */

/* What is to be made: mode with its type, a device's number, a link's text. */
struct fs_wish { uint32_t mode, rdev, uid, gid; const char *text; size_t text_size; };

/* What is to change of an inode: the fields that `which` names. Times: ns since 1970. */
enum fs_change { CHANGE_MODE = 1, CHANGE_UID = 2, CHANGE_GID = 4, CHANGE_SIZE = 8, CHANGE_ATIME = 16,
	CHANGE_MTIME = 32 };
struct fs_change_of { unsigned which; uint32_t mode, uid, gid; uint64_t size; int64_t atime, mtime; };

enum fs_rename { FS_EXCHANGE = 1 }; /* both names stay, each with what the other had */

/* What statfs says of a volume: magic of what lies behind it, bytes of a block, blocks, files. */
struct fs_size { uint32_t magic, block, name_max; uint64_t blocks, free, available, files, files_free, id; };

/* A kind of file system. Operations are called with the family lock; those that say so MAY SLEEP: then the lock is
 * free meanwhile, and what was known before must be looked at again. Who calls holds the inodes it names.
 * The tree in memory (KIND_TREE: root image, tmpfs, devpts) brings no operations on inodes: tree.c and tmpfs.c are
 * called directly. All others (KIND_OPS) bring lookup and read_dir at least.
 * A kind that can be written gives each file one inode, as long as that is held. What an operation changed it writes
 * into the inodes itself (size, mode, owner, times, nlink; inode_moved for the folder), once it has slept. */
struct fs_ops {
	const char *name;              /* of mount(2) and /proc/filesystems */
	uint32_t magic;                /* of statfs */
	uint8_t is_single;             /* there is one volume, which every mount shows */
	uint8_t is_internal;           /* mount(2) makes none: only the family does */
	uint8_t is_copied;             /* its files are mapped, and run, from copies in memory; else neither */
	/* A new volume, with what mount(2) was told: sets root, one reference. 0 or -errno. MAY SLEEP. */
	int (*make)(struct volume *v, const char *source, char *options);
	/* Other options, of a remount: all or none are taken. Absent: any are refused. */
	int (*remake)(struct volume *v, char *options);
	/* Its options as /proc/mounts shows them, each behind a comma: length. Absent: none. */
	size_t (*show)(const struct volume *v, char *to, size_t max);
	/* What its last inode leaves behind, but for the volume itself. */
	void (*end)(struct volume *v);
	/* These MAY SLEEP, and so may those of `regular`. */
	int (*lookup)(struct inode *dir, const char *name, size_t n, struct inode **out); /* reference held; -ENOENT */
	/* The same of n names, 2 to NAMES_MOST, each in what the one before leads to: how many of them there are, at least
	 * one, with a reference to each; or -errno. Of those on the way no more need be known than that they are folders
	 * or links: they are INODE_BARE until they are refreshed. Behind what is no folder there are none. Absent: they
	 * are looked up one by one. */
	int (*lookup_path)(struct inode *dir, const struct fs_name *names, unsigned n, struct inode **out);
	const struct file_ops *regular; /* of its open regular files; absent: kind_file_ops, by open, read and write */
	int (*read_dir)(struct inode *dir, uint64_t *at, dir_emit *emit, void *context);  /* from position 2 on */
	/* A link that leads to a place by itself: 0 with references. 1: its text counts. Absent: 1. */
	int (*jump)(struct inode *link, struct place *to);
	/* Text of a link: length, or -errno; it stands as long as the inode is held. */
	long (*link_text)(struct inode *link, const char **text);
	/* Names change, at one moment or not at all, whatever happened since the walk. -ESTALE: a name that was found
	 * means something else by now, and who called looks again. Absent: the error behind each. */
	int (*create)(const struct fs_name *at, const struct fs_wish *wish, struct inode **out); /* or -EEXIST; -ENOENT */
	int (*link)(const struct fs_name *at, struct inode *ip);                                 /* or -EEXIST; -EPERM */
	int (*remove)(const struct fs_name *at);                                              /* or -ENOTEMPTY; -EPERM */
	/* to->inode goes, unless they change places. -EINVAL: into a folder below itself. Absent: -EPERM. */
	int (*rename)(const struct fs_name *from, const struct fs_name *to, unsigned flags);
	int (*change)(struct inode *ip, const struct fs_change_of *what); /* absent: -EPERM */
	int (*refresh)(struct inode *ip);              /* what an inode says of itself is up to date. Absent: it is */
	/* Of a regular file. Whoever opens it may read or write it from then on, by the inode: bytes in library memory.
	 * Fewer are read only at its end; of those to write at least one is. Writes and changes of size of one inode come
	 * one after another. */
	int (*open)(struct inode *ip, unsigned flags); /* flags: O_. Absent: 0 */
	long (*read)(struct inode *ip, void *to, size_t n, uint64_t at);
	long (*write)(struct inode *ip, const void *from, size_t n, uint64_t at);
	int (*sync)(struct inode *ip, int data_only);  /* what was written is safe. Absent: 0 */
	int (*size)(struct volume *v, struct fs_size *out); /* absent: nothing is known */
	/* These do not. Units of 512 bytes that it takes; absent: 0. */
	uint64_t (*blocks)(const struct inode *ip);
	/* Path from the volume's root, which begins with '/' or is empty: length. */
	long (*path)(const struct inode *ip, char *to, size_t max);
	void (*forget)(struct inode *ip); /* the last reference goes */
};

struct volume {
	struct volume *next;           /* of the single kinds: these stay */
	const struct fs_ops *ops;
	struct inode *root;            /* held while it is mounted */
	void *own;                     /* of the kind */
	struct volume_room room;
	uint32_t mounts, device;       /* device: minor of st_dev */
	uint32_t inodes;               /* that exist: the volume goes with the last one */
	uint32_t points;               /* mounts that hang in it */
	uint8_t is_read_only, is_mode_given, is_size_given, is_count_given;
};

enum mount_flags { MOUNT_READ_ONLY = 1, MOUNT_NOSUID = 2, MOUNT_NODEV = 4, MOUNT_NOEXEC = 8, MOUNT_NOATIME = 0x400,
	MOUNT_NODIRATIME = 0x800, MOUNT_RELATIME = 0x200000 }; /* Linux's MS_ */
#define MOUNT_FLAGS (MOUNT_READ_ONLY | MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC | MOUNT_NOATIME | MOUNT_NODIRATIME | \
	MOUNT_RELATIME)

struct mount {
	struct mount *next;            /* in the order of mounting: what hangs in another comes behind it */
	struct mount *parent;          /* NULL: the first, or one that hangs nowhere any more */
	struct inode *point, *root;    /* held: where it hangs, and what it shows there */
	struct volume *volume;
	struct mount *copy;            /* while a tree of mounts is bound */
	char *source;
	uint32_t refs, flags;          /* refs: one while it hangs; open files, folders people are in, walks */
	uint32_t writers;              /* files of it that are open for writing */
	uint32_t id;
	uint8_t is_expired;            /* nobody has opened or entered it since an umount with MNT_EXPIRE */
};

/* Mounts that hang in the tree of names: paths and umount look through them one by one. */
#define MOUNTS_MAX 1024

#pragma GCC visibility push(hidden)
extern const struct fs_ops image_kind, tmpfs_kind, devtmpfs_kind, devpts_kind; /* kinds.c */

/* Folders of the host (p9.h). By process 1: who waits for an answer that has come goes on. */
extern const struct fs_ops p9_kind;
void p9_answers(void);
/* The same for boxes (box.h). */
void box_answers(void);

/* ---- mount.c */
void place_get(const struct place *p), place_put(const struct place *p);
void mount_get(struct mount *m), mount_put(struct mount *m); /* NULL: nothing */
/* At a place where something is mounted: to what is seen there. References move along. */
void mount_cross(struct mount **m, struct inode **ip);
/* From the root of a mount to the place it hangs at: 1, else 0. References move along. */
int  mount_up(struct mount **m, struct inode **ip);
int  mount_hangs(const struct mount *m);      /* it was not detached: only there can others hang, or it be unmounted */
int  mount_may_cross(const struct inode *ip); /* quick: something could hang there */
int  mount_is_at(const struct inode *ip);     /* something does, in some mount */
/* The first mount by which an inode can be seen, NULL: none. No reference. */
struct mount *mount_of(const struct inode *ip);
/* Absolute path, for the caller: length or -ENAMETOOLONG. What does not lie below the caller's root has that of the
 * family, and, with marks_lost, begins with "(unreachable)", as getcwd says it. */
long place_path(const struct place *p, int marks_lost, char *to, size_t max);
int  mount_is_reachable(const struct mount *m); /* where it hangs lies below the caller's root */
/* What the mount shows, as a path in its volume. */
long mount_root_path(const struct mount *m, char *to, size_t max);

/* Hangs that folder or file (or with root NULL the volume's root) at a place, NULL: as the first. With errors, of
 * which -ENOSPC says that there are MOUNTS_MAX, what was given stays the caller's. */
int  mount_hang(const struct place *at, struct volume *v, struct inode *root, unsigned flags, const char *source,
	struct mount **out);
int  mount_bind(const struct place *from, const struct place *to, int deep);
int  mount_move(const struct place *from, const struct place *to);
int  mount_end(struct mount *m, int detach); /* -EBUSY: used, or something hangs in it */
int  mount_is_busy(struct mount *m);
/* A volume of that kind (the one there is of a single kind): mounts 0 yet. */
int  volume_make(const struct fs_ops *ops, const char *source, char *options, struct volume **out);
void volume_drop(struct volume *v); /* if nothing shows it and it has no inodes: it goes */
/* An inode becomes the volume's, and leaves it. -ENOSPC: it has no room for more. */
int  volume_take(struct volume *v, struct inode *ip);
void volume_leave(struct inode *ip);
/* Another name of an inode counts as one more, as on Linux: -ENOSPC; and before one goes. */
int  volume_name(struct volume *v);
void volume_unname(struct inode *ip);

/* ---- change.c: names and attributes of any kind; those of KIND_OPS MAY SLEEP. What may be done has been looked at.
 * 0 or -errno; all or nothing of names, as struct fs_ops says it */
#define LOOK_AGAIN 32 /* so often is a path walked anew at most, while others change what stands there */
int  name_create(const struct fs_name *at, const struct fs_wish *wish, struct inode **out); /* reference held */
int  name_link(const struct fs_name *at, struct inode *ip);
int  name_remove(const struct fs_name *at);                                            /* -ENOTEMPTY */
int  name_rename(const struct fs_name *from, const struct fs_name *to, unsigned flags); /* enum fs_rename */
int  inode_change(struct inode *ip, const struct fs_change_of *what);
int  inode_refresh(struct inode *ip);  /* what it says of itself is up to date */

/* ---- kind_file.c: regular files of KIND_OPS. All MAY SLEEP. 0 or -errno */
extern const struct file_ops kind_file_ops;
int  kind_change(struct inode *ip, const struct fs_change_of *what); /* of any file; inode_change asks it */
int  kind_open(struct inode *ip, unsigned flags);

/* ---- kind_copy.c: a copy of an open regular file of a kind whose files are copied: reference held. It holds the file.
 * MAY SLEEP. -ENOMEM, and errors of its read. */
int  inode_is_copy(const struct inode *ip); /* what it shows is of the time when it was mapped */
int  kind_copy(struct inode *ip, struct inode **out);
void kind_copy_end(struct inode *copy); /* the last reference goes */

/* ---- may.c: the one place that says what may be done. 0 or -errno */
enum may { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };
int  place_may(const struct place *p, unsigned want);  /* what stands there: read, written, executed */
int  mount_may_change(const struct mount *m);          /* names, attributes: -EROFS */
int  place_may_open(const struct place *p, unsigned flags);
#pragma GCC visibility pop
#endif
