/* SPDX-License-Identifier: MIT */
/* Private header of the file half: inodes, directories, open files, pipes and their helpers. Everything it describes lives in family memory;
 * what other halves may use stands in posix.h. */
#ifndef POSIX_FILES_H
#define POSIX_FILES_H
#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/uio.h>
#include <base/erofs.h>
#include <base/fmt.h>
#include <base/string.h>
#include <rt/page.h>
#include "call.h"
#include "mount.h"
#include "needs.h"
#include <run/wait.h>
#include <posix/posix.h>

#define ERESTARTSYS 512     /* the process half turns it into a restart or EINTR */
#define ERESTARTNOHAND 514  /* the same, but any handler makes it EINTR */
#define PATH_MAX    4096
#define NAME_MAX    255
#define LINKS_MAX   40
#define FILE_LIMIT  (1ul << 47)  /* no file grows beyond: EFBIG */
#define RW_MAX      0x7ffff000ul

#define S_IRWXUGO   0777
#define DT_DIR_TYPE 4
#define DEVICE(major, minor) ((uint32_t)((major) << 8 | (minor)))
#define ZRAM_DEVICE DEVICE(252, 0) /* of a number that Linux gives away at run time */

/* KIND_TREE: names and contents in memory. KIND_OPS: what the operations of its volume make of it. KIND_ANON: of one
 * file alone, that no path leads to. */
enum inode_kind { KIND_TREE, KIND_OPS, KIND_PIPE, KIND_ANON };
enum inode_marks { INODE_OWNS_TARGET = 1, INODE_HASHED = 2, INODE_SEGMENT = 4, INODE_LINKABLE = 16,
	INODE_SEALS = 8 /* of memfd_create */, INODE_BARE = 8 /* of KIND_OPS: its type alone is known */,
	INODE_MOUNTED = 32 /* something hangs there */,
	INODE_TURN = 64 /* of KIND_OPS: somebody writes it */, INODE_TURN_WANTED = 128,
	INODE_COPY = 64 /* of KIND_TREE: of its parent's contents, kind_copy.c */ };

struct lease;
struct watcher;
struct box;

/* An extended attribute. text: its name, a zero, its value. */
struct xattr { struct xattr *next; uint32_t name_size, size; char text[]; };

/* What few inodes have. watchers: of inotify. leases: of posix/file/lease.c, and who is asked before the inode is
 * opened with those flags, or cut (O_WRONLY), while there are any: 0, -EWOULDBLOCK of O_NONBLOCK, -ERESTARTSYS. MAY
 * SLEEP. */
struct inode_extra {
	struct watcher *watchers;
	struct name_left *left;    /* its last name, which went while its folder was watched */
	struct xattr *xattrs;
	struct lease *leases;
	int (*leases_break)(struct inode *ip, unsigned flags);
};

struct lock;
struct tty;
struct pipe;

/* A name in a directory. It holds a reference on its inode, once that is made; until then nid names it in the image. */
struct entry {
	struct entry *next, *prev, *chain;
	struct inode *dir, *inode;
	uint64_t nid, cookie;      /* cookie: position in the directory, >= 2, rising along the list */
	uint32_t hash;
	uint8_t type, name_size;   /* type: mode >> 12 */
	char name[];
};

struct directory {
	struct entry *first, *last, **bucket;
	uint32_t bucket_count, count;
	uint64_t next_cookie;
	uint8_t loaded;            /* entries of the image are in memory */
};

struct pages {
	void *root;                /* radix tree of 512-way nodes; with height 0 the page of index 0 itself */
	const char *image;         /* data in the root image */
	uint64_t backed;           /* bytes of image that are still the file's */
	uint64_t count;            /* pages that the file occupies, image and memory together */
	uint8_t height, mapped;    /* mapped: a mapping has asked for a page, and may show what was here then */
	uint32_t cuts;             /* F->cuts when that was last told */
};

/* Of /proc and /sys (posix/file/proc.h): its row; what it is of: a process (below a task directory a thread), a
 * number. */
struct shown;
struct proc_node { const struct shown *row; int pid, fd; char text[24]; /* of a link */ };

struct inode {
	uint32_t refs, mode, uid, gid, nlink, rdev;
	uint8_t kind, backed, marks, seals; /* marks: enum inode_marks; seals: F_SEAL_ */
	uint8_t write_hint;            /* RWH_WRITE_LIFE_ */
	int32_t writers;               /* open for writing so often; negative: run by so many processes, and not to be written */
	uint32_t readers;              /* open for reading alone, a regular file, so often */
	struct volume *volume;         /* NULL: of none, as pipes and memfds */
	uint64_t ino, size;
	union {
		uint64_t nid;          /* KIND_TREE: of the image */
		void *own;             /* KIND_OPS: of the kind */
	};
	int64_t atime, mtime, ctime;   /* ns since 1970 */
	struct inode *parent;          /* of a directory: held */
	struct inode *nid_next;
	struct entry *entry;           /* a name of it, NULL when it has none that is known */
	struct lock *locks;
	struct inode_extra *extra;     /* NULL: nothing */
	uint32_t writable_maps;        /* regions by which it can be written: those of files that can be sealed are counted */
	union {
		struct directory dir;
		struct pages pages;
		const char *target;        /* symlink: size bytes */
		const char *what;          /* KIND_ANON: shown in /proc */
		struct socket *socket;     /* of the tree: who is bound to it, NULL when he is gone */
		struct pipe *pipe;
		struct proc_node proc;
		struct inode *copy;    /* KIND_OPS whose files are copied: the last one, while it is used */
	};
};

struct io;
struct file;
struct file_state;
struct text;
/* Absent functions: read EINVAL (EISDIR of a directory), write EINVAL, ioctl ENOTTY, poll always ready. at: position, ignored by streams. */
struct file_ops {
	long (*read)(struct file *f, struct io *io, uint64_t at);
	long (*write)(struct file *f, struct io *io, uint64_t at);
	long (*ioctl)(struct file *f, unsigned request, uint64_t arg);
	int  (*poll)(struct file *f);
	struct wait_list *(*waits)(struct file *f); /* where who waits for that is told; goes with poll */
	uint64_t (*events)(struct file *f); /* a number that changes whenever something becomes ready again; absent: only poll tells */
	void (*release)(struct file *f);
	void (*show)(const struct file *f, struct text *t); /* more lines of its fdinfo (posix/file/proc.h) */
	void (*closed)(struct file *f, const struct file_state *by); /* a descriptor of it; it may have others */
	int64_t (*end)(struct file *f); /* where SEEK_END counts from, or -errno; absent: the inode's size */
	uint8_t seek;
	uint8_t is_regular;            /* contents that can be written and cut: who has it open so is counted */
};
enum seek_kind { SEEK_NONE, SEEK_FILE, SEEK_ZERO }; /* SEEK_ZERO: always at 0, as /dev/null */

/* Open file description. */
struct file {
	uint32_t refs, flags;          /* flags: O_* without the creation flags */
	struct inode *ip;
	const struct file_ops *ops;
	uint64_t pos;
	void *own;                     /* of the driver */
	struct watch *watches;         /* who watches it: epoll.c */
	struct async *async;           /* whom its events are told by signal: async.c */
	struct mount *mount;           /* by which it was opened, held; NULL: by none */
};

/* What paths begin with, and how new files are: of a process, or of several (CLONE_FS). */
struct places {
	uint32_t users, umask;
	struct place cwd;              /* held */
	struct place root;             /* of chroot, held; without an inode: the family's */
};

#define FD_FEW 64
/* A table of descriptors, and places. A process mostly has both from one record; with CLONE_FILES or CLONE_FS alone
 * they have different users. The record goes when neither has any. */
struct file_state {
	struct places places;
	uint32_t users;                /* processes that have the table */
	uint32_t size;                 /* a power of two: fd_table.c */
	struct file **fd;              /* `size` of them; NULL: closed */
	uint64_t *open, *cloexec;      /* a bit for each */
	uint64_t *full;                /* a bit for each word of `open` that has no free one */
	uint32_t free_from;            /* every descriptor below is open */
	uint64_t few_open, few_cloexec, few_full;
	struct file *few[FD_FEW];      /* where they lie until there are more */
};

#define NID_HASH 64
struct fs_family {
	struct erofs erofs;
	const char *image;
	size_t image_size;
	struct inode *root;            /* of the image: "/" */
	struct mount *mounts;          /* the first shows the root; what hangs in another comes behind it */
	struct volume *singles;
	const struct fs_ops *const *kinds; /* that mount(2) knows, up to a NULL */
	uint32_t mount_id, next_device;
	uint64_t memory_pages;         /* of the machine */
	struct inode *nid_hash[NID_HASH]; /* image inodes with several names */
	struct tty *tty, *ptys;        /* the console; all pseudo-terminals */
	/* opens a device that is a terminal: tty, console, ptmx, those of /dev/pts. NULL: there are none. May sleep */
	int (*terminal_open)(struct inode *ip, unsigned flags, struct file **out);
	struct inode *pts;             /* /dev/pts, held */
	struct box **boxes;            /* by place, NULL until /dev/box is opened: box.c */
	struct socket *abstract;       /* sockets with a name that is no path */
	uint64_t next_ino;
	struct mqueue *mqueues;        /* POSIX message queues that have a name; and what all of them may hold */
	uint64_t mqueue_bytes;
	struct lock_wait *lock_waits;  /* fs_lock.c */
	struct async *asyncs;          /* files with O_ASYNC */
	uint32_t watches, watching;    /* of inotify: how many, of how many instances, of at most so many; and */
	int32_t watching_most;
	uint32_t rename_cookie;        /* the last number that told two halves of a rename */
	uint8_t boot_id[16];           /* for /proc, made when it is first asked for */
	/* posix/file/lease.c: until a lease that others want ends by itself; below 1: it does not; are there any */
	int32_t lease_seconds, leases;
	char core_pattern[128];        /* kernel.core_pattern */
	int32_t core_uses_pid;
	int32_t pipe_most;             /* fs.pipe-max-size: bytes, of who may not have more */
	int32_t fd_most;               /* fs.nr_open, at most FD_MAX: no table grows to hold more */
};

struct fs_family **family_slot_fs(void);   /* family/frames.c */
static inline struct fs_family *fs_family(void) { return *family_slot_fs(); }

/* ---- inode.c */
struct inode *inode_make(struct volume *v, uint32_t mode); /* the same, of a volume; NULL too when that has no room */
struct inode *inode_new(uint32_t mode);    /* one reference, nlink 1 (2 for a directory), all times now; NULL: no memory */
int  inode_from_image(struct volume *v, uint64_t nid, struct inode **out); /* one reference; -EIO -ENOMEM */
void inode_stat(const struct inode *ip, struct stat *to);
struct inode_extra *inode_extra(struct inode *ip); /* made when there is none yet; NULL: no memory */
void inode_touch(struct inode *ip, int mask); /* sets the times named */
enum inode_touch { TOUCH_A = 1, TOUCH_M = 2, TOUCH_C = 4 };
void inode_moved(struct inode *ip, struct inode *dir); /* KIND_OPS: it lies in that folder now */
#define IS(ip, kind_bits) (((ip)->mode & S_IFMT) == (kind_bits))
static inline int leases_break(struct inode *ip, unsigned flags)
{
	return ip->extra && ip->extra->leases ? ip->extra->leases_break(ip, flags) : 0;
}

/* ---- tree.c: directories in memory */
int  dir_load(struct inode *dir);
int  dir_lookup(struct inode *dir, const char *name, size_t n, struct inode **out); /* any kind; reference held; -ENOENT */
struct entry *entry_find(struct inode *dir, const char *name, size_t n);
int  entry_add(struct inode *dir, const char *name, size_t n, struct inode *ip);    /* takes a reference of its own; -ENOSPC, -EPERM not in the tree */
void entry_remove(struct entry *e);        /* drops the entry and its reference; link counts are the caller's */
void entries_swap(struct entry *a, struct entry *b); /* both have their inodes: each gets the other's */
void dir_free(struct inode *dir);
int  dir_is_within(const struct inode *dir, const struct inode *top);
int  dir_read(struct inode *dir, uint64_t *at, dir_emit *emit, void *context);

/* ---- tmpfs.c: contents of regular files */
extern const struct file_ops regular_ops;
void *page_find(struct inode *ip, uint64_t index); /* NULL: hole */
void *page_make(struct inode *ip, uint64_t index); /* NULL: no memory */
void pages_free(struct inode *ip);
/* As file_punch, but it takes its room: 0, -ENOSPC */
int  file_zero(struct inode *ip, uint64_t at, uint64_t n);
uint32_t inode_cuts(struct inode *ip); /* F->cuts of when pages last went that mappings may show; 0: never */

/* ---- fs_seal.c: 0, or -EPERM by a seal */
long seals_of(const struct file *f);            /* F_GET_SEALS; -EINVAL: it cannot be sealed */
long seals_add(struct file *f, uint32_t seals); /* F_ADD_SEALS: 0, -EPERM -EINVAL -EBUSY */
int  seals_allow_size(const struct inode *ip, uint64_t size);
int  seals_allow_write(const struct inode *ip, uint64_t end); /* bytes up to there */

/* ---- vfs.c: from path to inode */
enum walk_flags { WALK_NOFOLLOW = 1, WALK_CREATE = 2, WALK_PARENT = 4, WALK_EMPTY = 8,
	/* RESOLVE_ of openat2, in its order: WALK_RESOLVE(them) */
	WALK_NO_XDEV = 16, WALK_NO_MAGIC = 32, WALK_NO_LINKS = 64, WALK_BENEATH = 128, WALK_IN_ROOT = 256,
	WALK_CACHED = 512 };
#define WALK_RESOLVE(flags) ((unsigned)(flags) << 4)
enum walk_last { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
struct walk {
	struct inode *inode;           /* held; NULL with WALK_CREATE or WALK_PARENT when the last name is absent */
	struct inode *dir;             /* held; directory of the last name; NULL when it was reached by a jump */
	/* held; of inode, and without one of dir; of both with WALK_PARENT, which stays in front of what hangs at the
	 * last name */
	struct mount *mount;
	struct inode *link;            /* held; the symlink that name lies in, NULL: it lies in the path */
	const char *name;              /* last name */
	size_t name_size;
	uint8_t last, slash;           /* slash: the path ended in one */
};
/* -ELOOP, -EXDEV, -EAGAIN also by the last six flags. */
int  path_walk(const struct place *at, const char *path, unsigned flags, struct walk *w);
/* Path from user memory, relative to dirfd. buffer: PATH_MAX bytes, lives as long as w. */
int  path_at(int dirfd, uint64_t path, unsigned flags, char *buffer, struct walk *w);
void walk_end(struct walk *w);
static inline struct fs_name walk_name(const struct walk *w)
{
	return (struct fs_name){ w->dir, w->inode, w->name, w->name_size };
}
/* Where "/" begins for who has these descriptors: no reference. */
struct place places_root(const struct places *p);
/* path_at for a place only, references held; and for an inode. */
int  place_at(int dirfd, uint64_t path, unsigned flags, struct place *out);
int  inode_at(int dirfd, uint64_t path, unsigned flags, struct inode **out);

/* ---- file.c: open files */
extern const struct file_ops directory_ops, path_ops;
struct file *file_new(struct inode *ip, const struct file_ops *ops, unsigned flags); /* takes its own reference of ip; NULL */
void file_mount(struct file *f, struct mount *m); /* by which it is opened: takes its own reference */
int  files_room(void); /* memory for another open file, of which the caller's process may go the deeper into the reserve the fewer it has */
void file_get(struct file *f);
void file_put(struct file *f);
/* Opens an inode that exists: fifos and terminals may sleep. */
int  inode_open(struct inode *ip, unsigned flags, struct file **out);
struct io;
long file_read(struct file *f, struct io *io, uint64_t *at);  /* at: NULL for the file's own position */
long file_write(struct file *f, struct io *io, uint64_t *at);
int  size_allowed(uint64_t size); /* of a file, by the caller's limit: 0, or SIGXFSZ and -EFBIG */
int  write_allowed(struct io *io, uint64_t at); /* the same, of a write there: cut at the limit */

/* ---- fd_table.c: descriptors */
struct file_state *files_share(struct file_state *fs); /* the same table, for one process more */
int  files_are_shared(const struct file_state *fs);
int  files_own(struct file_state **of); /* where others have it too a copy takes its place: 0, -EMFILE, -ENOMEM */
/* A copy of places, in `in`, whose own nobody has, or (NULL) in a record of its own: NULL: no memory. */
struct places *places_fork(const struct places *of, struct file_state *in);
struct places *places_share(struct places *p);
int  places_own(struct places **of);    /* as files_own: 0, -ENOMEM */
void places_free(struct places *p);
int  fd_limit(void);             /* of the caller: no descriptor from there on is made */
int  fd_free(struct file_state *fs, int from);   /* the first free one from there on, or -EMFILE */
/* Takes over the reference, also on failure: -EMFILE, -ENOMEM. */
int  fd_new(struct file_state *fs, struct file *f, int from, int cloexec);
void fd_close(struct file_state *fs, int fd);
int  fd_next(const struct file_state *fs, uint32_t from); /* the first open one from there on, or -1 */
int  fd_cloexec(const struct file_state *fs, uint32_t fd);
void fd_cloexec_set(struct file_state *fs, uint32_t fd, int on);
struct file *fd_file(int fd);              /* reference held; NULL; not those of O_PATH */
struct file *fd_any(int fd);               /* also those of O_PATH */
static inline struct file *fd_at(const struct file_state *fs, uint32_t fd) { return fd < fs->size ? fs->fd[fd] : NULL; }

/* ---- anon.c: a descriptor of an inode of its own, mode with its type; own becomes the file's, whose release is called when this fails. Or -errno. */
int  anon_fd(const char *what, uint32_t mode, const struct file_ops *ops, void *own, unsigned flags);
struct file *anon_file(const char *what, uint32_t mode, const struct file_ops *ops, void *own, unsigned flags); /* NULL: no memory, own is the caller's still */


/* ---- fs_io.c: where bytes of a read or write go to or come from */
struct io {
	char *lib;                     /* library memory, else user memory */
	uint64_t base;
	size_t left, total;            /* left: of this piece, total: of all */
	struct iovec *piece, *allocated;
	unsigned pieces;
	struct iovec small[8];
};
void io_user(struct io *io, uint64_t base, size_t n);
void io_lib(struct io *io, void *p, size_t n);
int  io_vector(struct io *io, uint64_t vector, uint64_t count); /* -EINVAL -EFAULT -ENOMEM */
void io_end(struct io *io);
int  io_put(struct io *io, const void *from, size_t n);  /* 0, or -EFAULT behind what could be moved; n <= total */
int  io_get(struct io *io, void *to, size_t n);
int  io_zero(struct io *io, size_t n);

/* ---- fs_lock.c */
void locks_release(struct inode *ip, const void *owner);  /* owner NULL: all */
void lock_waits_drop(const void *what);
/* numbered from there on: how many */
size_t locks_text(const struct inode *ip, size_t number, char *to, size_t max, size_t *used);
long lock_fcntl(struct file *f, int command, uint64_t arg);

/* ---- pipe.c */
extern const struct file_ops pipe_ops;
int  fifo_open(struct inode *ip, unsigned flags, struct file **out);
void pipe_inode_free(struct inode *ip);

/* ---- dev.c */
int  dev_open(struct inode *ip, unsigned flags, struct file **out);
int  dev_populate(struct inode *dev);
int  dev_is_zero(const struct file *f); /* /dev/zero, open */

/* ---- box.c: /dev/box */
int  box_file_open(struct inode *ip, unsigned flags, struct file **out);

/* ---- tty.c, tty_line.c */
extern const struct file_ops tty_ops;
int  tty_open(struct inode *ip, unsigned flags, struct file **out); /* /dev/tty: -ENXIO without a controlling terminal */
int  tty_init(struct fs_family *family);
/* Controlling terminal of a session: its device number, and the group in its foreground; 0 and -1 when it has none. */
uint32_t tty_device(int session, int *foreground);

/* ---- fs_calls shared */
/* Makes the absent last name; umask applied by the caller. text: a link's, NULL of what is none: copied. MAY SLEEP:
 * -EEXIST, when the name came meanwhile. */
int  file_create(struct walk *w, uint32_t mode, uint32_t rdev, const char *text, struct inode **out);

/* ---- fs_facts.c: what /proc and statfs show of the machine */
/* image: bytes of the root image among them. swap: pages that it may hold, 0: there is none; swapped: that it holds;
 * pages that went there, and came back, ever. */
struct machine_facts {
	uint64_t frames, frames_free, tsc_hz, image;
	uint64_t swap, swapped, swap_outs, swap_ins;
	int swap_priority;
};
void machine_facts(struct machine_facts *out);
uint64_t file_room(void);      /* pages that files can still take */
uint64_t frames_end(void);     /* no frame has a number from there on */
int  frames_are_ram(uint64_t first, uint64_t n); /* some of them */
uint64_t frames_kept(void);    /* so many are kept free for those who must go on */
/* What the kernel's public tables say of the machine now: text for /proc/aril. Length. */
size_t machine_text(char *to, size_t max);
/* What the loader learnt of the machine from its firmware: text for /proc/aril-hardware. Length. */
size_t machine_report(char *to, size_t max);

static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
#endif
