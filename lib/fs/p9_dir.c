/* SPDX-License-Identifier: MIT */
/* Names in folders of the host: listing, and all that changes them. The host may change them too, at any time: what a
 * walk found and is no more is -ESTALE, and the call looks again. */
#include "p9.h"

#define ANSWERS_MOST 64     /* for one call: a server that never comes to an end keeps nobody */
#define LIST_SIZE   32768u /* bytes of one answer: about what a program asks for at once */
#define FLAGS_CREATE (O_RDWR | O_EXCL | O_LARGEFILE)
#define REMOVE_DIR  0x200u
/* Positions are the server's, which begin anywhere: those that mean something else here are moved out of the way. */
#define FIRST       2ul
#define MOVED       (1ul << 63)

/* ---- listing */
static uint64_t place_of(uint64_t position)
{
	if (position == FIRST)
		return 0;
	return position >= MOVED && position - MOVED <= FIRST ? position - MOVED : position;
}

static uint64_t position_of(uint64_t place)
{
	return place <= FIRST ? place | MOVED : place;
}

static int is_dots(const char *name, size_t n)
{
	return name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.'));
}

/* Entries of one answer. 1: emit stopped; 0; -EIO. */
static int entries_emit(struct p9_text *t, uint64_t *at, dir_emit *emit, void *context)
{
	while (t->n < t->size) {
		struct p9_qid qid = p9_get_qid(t);
		uint64_t next = position_of(p9_get(t, 8));
		unsigned type = (unsigned)p9_get(t, 1);
		const char *name;
		size_t n = p9_get_text(t, &name, NAME_MAX);

		for (size_t i = 0; i < n; i++)
			t->bad |= name[i] == '/';
		if (t->bad)
			return -EIO;
		if (!is_dots(name, n) && emit(context, name, n, qid.path, type & 15, next))
			return 1;
		*at = next;
	}
	return 0;
}

/* The folder, opened for listing. */
static int lister_open(struct inode *dir, struct p9_fid **out)
{
	struct p9_share *s = p9_share_of(dir);
	struct p9_node *node = p9_node(dir);
	struct p9_fid *f;
	struct p9_qid qid;
	int error;

	if (!node->lister) {
		error = p9_again(dir, &f);
		if (error)
			return error;
		error = p9_open(s, f, O_RDONLY | O_DIRECTORY | O_LARGEFILE, &qid);
		if (!error && qid.path != dir->ino)
			error = -ENOENT;
		if (error || node->lister)
			p9_fid_put(s, f);
		else
			node->lister = f;
		if (error)
			return error;
	}
	p9_fid_get(*out = node->lister);
	return 0;
}

/* A piece from position *at on: 1: there may be more; 0: that was all; -errno. */
static int piece_read(struct inode *dir, struct p9_fid *f, uint64_t *at, dir_emit *emit, void *context)
{
	struct p9_call c;
	uint32_t size;
	int error = p9_begin(p9_share_of(dir), P9_READDIR, &c), result;

	if (error)
		return error;
	p9_put(&c.ask, f->number, 4);
	p9_put(&c.ask, place_of(*at), 8);
	p9_put(&c.ask, LIST_SIZE, 4);
	result = p9_go(&c);
	if (!result) {
		size = (uint32_t)p9_get(&c.reply, 4);
		if (c.reply.bad || size > c.reply.size - c.reply.n) {
			result = -EIO;
		} else if (size) {
			struct p9_text entries = { c.reply.at + c.reply.n, 0, size, 0 };

			result = entries_emit(&entries, at, emit, context);
			result = result < 0 ? result : !result;
		}
	}
	p9_end(&c);
	return result;
}

int p9_read_dir(struct inode *dir, uint64_t *at, dir_emit *emit, void *context)
{
	struct p9_fid *f;
	uint64_t before;
	int more = lister_open(dir, &f), left = ANSWERS_MOST;

	if (more)
		return more;
	do {
		before = *at;
		more = piece_read(dir, f, at, emit, context);
	} while (more > 0 && *at != before && --left);
	p9_fid_put(p9_share_of(dir), f);
	return more < 0 ? more : 0;
}

long p9_link_text(struct inode *link, const char **text)
{
	struct p9_node *node = p9_node(link);
	struct p9_call c;
	const char *said;
	char *copy;
	size_t n;
	int error;

	if (node->text) { /* of a link that is held, which never has another */
		*text = node->text;
		return (long)strlen(node->text);
	}
	error = p9_begin_at(link, P9_READLINK, &c);
	if (error)
		return error;
	error = p9_go(&c);
	n = error ? 0 : p9_get_text(&c.reply, &said, PATH_MAX - 1);
	copy = n ? fam_alloc(n + 1) : NULL;
	if (copy)
		memcpy(copy, said, n);
	p9_end(&c);
	if (!error && !n)
		error = -EIO;
	if (!error && !copy)
		error = -ENOMEM;
	if (error)
		return error;
	if (node->text)
		fam_free(copy); /* somebody else was as fast */
	else
		node->text = copy;
	*text = node->text;
	return (long)strlen(node->text);
}

/* ---- making */
/* A regular file is made open, for both: whatever its mode will say, its maker may write it. */
static int file_make(const struct fs_name *at, const struct fs_wish *wish, struct inode **out)
{
	struct p9_share *s = p9_share_of(at->dir);
	struct p9_fid *f;
	struct p9_node *node;
	struct p9_call c;
	struct p9_qid qid;
	int error = p9_again(at->dir, &f);

	if (error)
		return error;
	error = p9_begin(s, P9_CREATE, &c);
	if (!error) {
		p9_put(&c.ask, f->number, 4);
		p9_put_text(&c.ask, at->name, at->n);
		p9_put(&c.ask, FLAGS_CREATE, 4);
		p9_put(&c.ask, wish->mode & 07777, 4);
		p9_put(&c.ask, wish->gid, 4);
		error = p9_go(&c);
		qid = p9_get_qid(&c.reply);
		if (!error && c.reply.bad)
			error = -EIO;
		p9_end(&c);
	}
	if (!error)
		error = p9_lookup(at->dir, at->name, at->n, out);
	if (error) {
		p9_fid_put(s, f);
		return error;
	}
	node = p9_node(*out);
	if ((*out)->ino != qid.path || node->writer) { /* the host was faster: what stands there is another one */
		p9_fid_put(s, f);
		return 0;
	}
	p9_fid_get(f);
	node->writer = f;
	if (node->reader)
		p9_fid_put(s, f);
	else
		node->reader = f;
	return 0;
}

int p9_create(const struct fs_name *at, const struct fs_wish *wish, struct inode **out)
{
	struct p9_call c;
	enum p9_type type = P9_MKNOD;
	int error;

	if (S_ISREG(wish->mode))
		return file_make(at, wish, out);
	if (S_ISDIR(wish->mode))
		type = P9_MKDIR;
	if (S_ISLNK(wish->mode))
		type = P9_SYMLINK;
	error = p9_begin_at(at->dir, type, &c);
	if (error)
		return error;
	p9_put_text(&c.ask, at->name, at->n);
	if (type == P9_SYMLINK)
		p9_put_text(&c.ask, wish->text, wish->text_size);
	if (type == P9_MKDIR)
		p9_put(&c.ask, wish->mode & 07777, 4);
	if (type == P9_MKNOD) {
		p9_put(&c.ask, wish->mode, 4);
		p9_put(&c.ask, wish->rdev >> 8 & 0xfff, 4);
		p9_put(&c.ask, (wish->rdev & 0xff) | (wish->rdev >> 12 & 0xfff00), 4);
	}
	p9_put(&c.ask, wish->gid, 4);
	error = p9_finish(&c);
	return error ? error : p9_lookup(at->dir, at->name, at->n, out);
}

int p9_link(const struct fs_name *at, struct inode *ip)
{
	struct p9_call c;
	int error = p9_node(ip)->is_gone ? -ENOENT : p9_reach(ip);

	if (!error)
		error = p9_begin_at(at->dir, P9_LINK, &c);
	if (error)
		return error;
	p9_put(&c.ask, p9_node(ip)->at->number, 4);
	p9_put_text(&c.ask, at->name, at->n);
	error = p9_finish(&c);
	return error ? error : p9_refresh(ip);
}

/* ---- going */
/* Of a name that the walk had found. */
static int again(int error)
{
	return error == -ENOENT || error == -EISDIR || error == -ENOTDIR ? -ESTALE : error;
}

int p9_remove(const struct fs_name *at)
{
	struct p9_call c;
	int error = p9_begin_at(at->dir, P9_UNLINKAT, &c);

	if (error)
		return again(error);
	p9_put_text(&c.ask, at->name, at->n);
	p9_put(&c.ask, IS(at->inode, S_IFDIR) ? REMOVE_DIR : 0, 4);
	error = again(p9_finish(&c));
	if (!error)
		p9_unname(at->inode);
	return error;
}

int p9_rename(const struct fs_name *from, const struct fs_name *to, unsigned flags)
{
	struct p9_call c;
	int error;

	if (flags & FS_EXCHANGE)
		return -EINVAL; /* the protocol has none */
	if (from->inode == to->inode)
		return 0; /* two names of one file: both stay */
	error = p9_reach(to->dir);
	if (!error)
		error = p9_begin_at(from->dir, P9_RENAMEAT, &c);
	if (error)
		return again(error);
	p9_put_text(&c.ask, from->name, from->n);
	p9_put(&c.ask, p9_node(to->dir)->at->number, 4);
	p9_put_text(&c.ask, to->name, to->n);
	error = again(p9_finish(&c));
	if (error)
		return error;
	if (to->inode)
		p9_unname(to->inode);
	/* Without memory for its new name the path that getcwd says is the old one. */
	(void)p9_rename_node(from->inode, to->dir, to->name, to->n);
	return 0;
}
