/* SPDX-License-Identifier: MIT */
/* Private to the kind "9p" (p9_*.c): a folder of the host, by 9P2000.L. The server is not believed: what it says is
 * looked at within the bytes that came. Everything lies in family memory, under its lock. */
#ifndef FS_P9_H
#define FS_P9_H
#include "files.h"
#include <family/family.h>

/* 9P2000.L: requests. An answer is one more; an error is P9_ERROR. */
enum p9_type { P9_ERROR = 7, P9_STATFS = 8, P9_OPEN = 12, P9_CREATE = 14, P9_SYMLINK = 16, P9_MKNOD = 18,
	P9_READLINK = 22, P9_GETATTR = 24, P9_SETATTR = 26, P9_READDIR = 40, P9_FSYNC = 50, P9_LINK = 70, P9_MKDIR = 72,
	P9_RENAMEAT = 74, P9_UNLINKAT = 76, P9_VERSION = 100, P9_ATTACH = 104, P9_WALK = 110, P9_READ = 116,
	P9_WRITE = 118, P9_CLUNK = 120 };
#define P9_NO_TAG  0xffffu
#define P9_NO_FID  0xffffffffu
#define P9_HEAD    7u    /* size, type, tag */
#define P9_PIECE   32768u /* bytes of contents that one message moves at most */
#define P9_WALK_MAX 16   /* names of one walk */

/* A message that is written or read: what does not fit, or is not there, sets bad, and reads as zeros. */
struct p9_text { uint8_t *at; uint32_t n, size; int bad; }; /* n: written or read so far; size: that there are */

struct p9_qid { uint8_t type; uint64_t path; };
enum p9_qid_type { P9_QID_DIR = 0x80, P9_QID_LINK = 2 };

struct p9_attr {
	struct p9_qid qid;
	uint32_t mode, uid, gid, nlink, rdev;
	uint64_t size, blocks;
	int64_t atime, mtime, ctime;
};

/* A number by which the server knows a file. Whoever uses it while he sleeps holds it. */
struct p9_fid { uint32_t number, refs; };

#define P9_HASH 256
#define P9_DEAD 256
struct p9_share {
	unsigned number;             /* of SAID->share */
	struct volume *volume;
	uint32_t next_fid, dead_count;
	uint32_t dead[P9_DEAD];      /* fids that are to be given back when there is a slot; more are forgotten */
	struct p9_slot { const struct thread *holder; int tid; uint8_t is_taken, is_alone; } slot[SHARE_SLOTS];
	struct inode *inodes[P9_HASH]; /* by number, over nid_next */
	uint64_t moves;              /* folders that were seen to have another name or place */
};

/* Of an inode of this kind: inode->own. */
struct p9_node {
	struct p9_fid *at;           /* by its path; NULL: nobody has needed it yet */
	uint64_t moves;              /* of the share, when that was made */
	uint8_t is_old;              /* `at` may lead elsewhere by now */
	struct p9_fid *reader, *writer, *lister; /* opened, NULL: not; reader and writer may be the same */
	uint64_t blocks;             /* of 512 bytes */
	uint8_t is_gone;             /* its last name is: the server knows its contents alone, and the rest is ours */
	uint8_t name_size;
	char *name, *text;           /* in its folder; of a link */
};

/* One request and its answer, from p9_begin to p9_end. */
struct p9_call { struct p9_share *share; unsigned slot, type; struct p9_text ask, reply; };

#pragma GCC visibility push(hidden)
/* ---- p9_text.c */
void     p9_put(struct p9_text *t, uint64_t value, unsigned bytes);
void     p9_put_text(struct p9_text *t, const char *from, size_t n); /* 2 bytes of length, then the text */
uint64_t p9_get(struct p9_text *t, unsigned bytes);
/* A name or a link's text, which is neither empty nor has zeros: its length, at most max, or 0, and bad. */
size_t   p9_get_text(struct p9_text *t, const char **text, size_t max);
struct p9_qid p9_get_qid(struct p9_text *t);
void     p9_get_attr(struct p9_text *t, struct p9_attr *out);

/* ---- p9_slot.c: the way to the monitor. All but p9_post and p9_answers MAY SLEEP */
/* The share of that tag, nobody's until now; its room is made. 0; -ENOENT, -EBUSY, -ENOMEM. */
int  p9_connect(struct p9_share *s, const char *tag);
void p9_disconnect(struct p9_share *s);
/* A free slot, the caller's: its number, and where a message of SHARE_MESSAGE bytes is put. Negative: -EIO, none came
 * free. */
int  p9_slot_take(struct p9_share *s, uint8_t **room);
void p9_slot_give(struct p9_share *s, unsigned slot);
/* Sends n bytes and waits: size of the answer at *reply, or -errno. */
long p9_send(struct p9_share *s, unsigned slot, uint32_t n, uint8_t **reply);
/* Sends a message to whose answer nobody listens, if there is a slot: true. */
int  p9_post(struct p9_share *s, const uint8_t *message, uint32_t n);

/* ---- p9_call.c: requests. 0 or -errno; -EIO: the answer makes no sense, or none came. MAY SLEEP */
int  p9_begin(struct p9_share *s, enum p9_type type, struct p9_call *c);
int  p9_go(struct p9_call *c);         /* sends it and waits; c->reply: behind the head. The slot stays in any case */
void p9_end(struct p9_call *c);
int  p9_finish(struct p9_call *c);     /* of an answer of which nothing is read: go and end */
int  p9_session(struct p9_share *s);   /* agrees on version and size */
int  p9_attach(struct p9_share *s, struct p9_fid **out);
/* n names below a fid, to a new one, which is held once: how many were walked; fewer, and no fid, when one is not there
 * or no folder; qid: of each. */
int  p9_walk(struct p9_share *s, struct p9_fid *from, const struct fs_name *names, unsigned n, struct p9_qid *qid,
	struct p9_fid **out);
int  p9_open(struct p9_share *s, struct p9_fid *f, uint32_t flags, struct p9_qid *qid);
int  p9_getattr(struct p9_share *s, struct p9_fid *f, struct p9_attr *out);
struct p9_fid *p9_fid_make(struct p9_share *s);    /* held once; NULL: no memory */
void p9_fid_get(struct p9_fid *f);
void p9_fid_put(struct p9_share *s, struct p9_fid *f); /* NULL: nothing */

/* ---- p9_walk.c. MAY SLEEP */
/* The inode has its number by its path, which is still it: 0; -ENOENT: another stands there. Once it has one, there
 * always is one. */
int  p9_reach(struct inode *ip);
/* A request about an inode, whose number is put first. */
int  p9_begin_at(struct inode *ip, enum p9_type type, struct p9_call *c);
int  p9_again(struct inode *ip, struct p9_fid **out); /* a second number of it, held once */
/* Operations, as struct fs_ops has them. */
int  p9_lookup(struct inode *dir, const char *name, size_t n, struct inode **out);
int  p9_lookup_path(struct inode *dir, const struct fs_name *names, unsigned n, struct inode **out);

/* ---- p9_node.c */
static inline struct p9_share *p9_share_of(const struct inode *ip) { return ip->volume->own; }
static inline struct p9_node *p9_node(const struct inode *ip) { return ip->own; }
/* The inode of what a fid leads to, which it takes over, also with an error; by that name in dir, NULL: the root. */
int  p9_inode(struct volume *v, struct inode *dir, const char *name, size_t n, const struct p9_attr *a,
	struct p9_fid *f, struct inode **out);
/* The same of a folder or a link on the way, of which no more is known than that: it is bare. */
int  p9_inode_bare(struct inode *dir, const struct fs_name *name, const struct p9_qid *qid, struct inode **out);
void p9_update(struct inode *ip, const struct p9_attr *a);
/* A name of it has gone, and if it was the last it too. */
void p9_unname(struct inode *ip);
int  p9_rename_node(struct inode *ip, struct inode *dir, const char *name, size_t n);
/* What its path leads to is still it, and it is up to date: 1; 0: not; or -errno. MAY SLEEP */
int  p9_look(struct inode *ip);
int  p9_refresh(struct inode *ip);
long p9_path(const struct inode *ip, char *to, size_t max);
/* The same, from an inode above it on. */
long p9_path_from(const struct inode *top, const struct inode *ip, char *to, size_t max);
void p9_forget(struct inode *ip);

/* ---- p9_dir.c, p9_file.c: operations, as struct fs_ops has them. MAY SLEEP */
int  p9_read_dir(struct inode *dir, uint64_t *at, dir_emit *emit, void *context);
long p9_link_text(struct inode *link, const char **text);
int  p9_create(const struct fs_name *at, const struct fs_wish *wish, struct inode **out);
int  p9_link(const struct fs_name *at, struct inode *ip);
int  p9_remove(const struct fs_name *at);
int  p9_rename(const struct fs_name *from, const struct fs_name *to, unsigned flags);
int  p9_change(struct inode *ip, const struct fs_change_of *what);
int  p9_open_file(struct inode *ip, unsigned flags);
long p9_read(struct inode *ip, void *to, size_t n, uint64_t at);
long p9_write(struct inode *ip, const void *from, size_t n, uint64_t at);
int  p9_sync(struct inode *ip, int data_only);
#pragma GCC visibility pop
#endif
