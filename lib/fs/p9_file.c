/* SPDX-License-Identifier: MIT */
/* Contents and attributes of files of the host. Nothing is kept of contents. A file whose last name is gone is known to
 * the server by its open numbers alone, so what else is to be known of it is kept here, its size with it. */
#include "p9.h"

/* 9P2000.L, Tsetattr. */
enum { SET_MODE = 1, SET_SIZE = 8, SET_ATIME = 0x10, SET_MTIME = 0x20, SET_ATIME_GIVEN = 0x80,
	SET_MTIME_GIVEN = 0x100 };

#define CUT_MAX (1ul << 30) /* what a file without a name may be cut by, since it is written over */

int p9_open_file(struct inode *ip, unsigned flags)
{
	struct p9_share *s = p9_share_of(ip);
	struct p9_node *node = p9_node(ip);
	int reads = (flags & O_ACCMODE) != O_WRONLY, writes = (flags & O_ACCMODE) != O_RDONLY;
	struct p9_fid *f;
	struct p9_qid qid;
	int error;

	if ((!reads || node->reader) && (!writes || node->writer))
		return 0;
	error = p9_again(ip, &f);
	if (error)
		return error;
	error = p9_open(s, f, (flags & O_ACCMODE) | O_LARGEFILE, &qid);
	if (!error && qid.path != ip->ino)
		error = -ENOENT; /* its path is another one's by now */
	if (!error && reads && !node->reader) {
		p9_fid_get(f);
		node->reader = f;
	}
	if (!error && writes && !node->writer) {
		p9_fid_get(f);
		node->writer = f;
	}
	p9_fid_put(s, f);
	return error;
}

/* At most a piece: bytes, or -errno. */
static long piece_read(struct p9_share *s, struct p9_fid *f, void *to, size_t n, uint64_t at)
{
	struct p9_call c;
	uint32_t got;
	long result = p9_begin(s, P9_READ, &c);

	if (result)
		return result;
	p9_put(&c.ask, f->number, 4);
	p9_put(&c.ask, at, 8);
	p9_put(&c.ask, n, 4);
	result = p9_go(&c);
	got = result ? 0 : (uint32_t)p9_get(&c.reply, 4);
	if (!result && (c.reply.bad || got > n || got > c.reply.size - c.reply.n))
		result = -EIO;
	if (!result) {
		memcpy(to, c.reply.at + c.reply.n, got);
		result = got;
	}
	p9_end(&c);
	return result;
}

long p9_read(struct inode *ip, void *to, size_t n, uint64_t at)
{
	struct p9_share *s = p9_share_of(ip);
	struct p9_fid *f = p9_node(ip)->reader;
	size_t done = 0;
	long got = 0;

	if (!f)
		return -EBADF;
	p9_fid_get(f);
	while (done < n) {
		size_t piece = min_u64(n - done, P9_PIECE);

		if (p9_node(ip)->is_gone)
			piece = at + done < ip->size ? min_u64(piece, ip->size - at - done) : 0;
		got = piece ? piece_read(s, f, (char *)to + done, piece, at + done) : 0;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	p9_fid_put(s, f);
	return done ? (long)done : got;
}

static long piece_write(struct p9_share *s, struct p9_fid *f, const void *from, size_t n, uint64_t at)
{
	struct p9_call c;
	uint32_t put;
	long result = p9_begin(s, P9_WRITE, &c);

	if (result)
		return result;
	p9_put(&c.ask, f->number, 4);
	p9_put(&c.ask, at, 8);
	p9_put(&c.ask, n, 4);
	memcpy(c.ask.at + c.ask.n, from, n);
	c.ask.n += (uint32_t)n;
	result = p9_go(&c);
	put = result ? 0 : (uint32_t)p9_get(&c.reply, 4);
	if (!result)
		result = c.reply.bad || put > n || !put ? -EIO : (long)put;
	p9_end(&c);
	return result;
}

long p9_write(struct inode *ip, const void *from, size_t n, uint64_t at)
{
	struct p9_share *s = p9_share_of(ip);
	struct p9_fid *f = p9_node(ip)->writer;
	long put;

	_Static_assert(P9_PIECE + P9_HEAD + 16 <= SHARE_MESSAGE, "a piece fits");
	if (!f)
		return -EBADF;
	p9_fid_get(f);
	put = piece_write(s, f, from, min_u64(n, P9_PIECE), at);
	p9_fid_put(s, f);
	if (put > 0 && at + (uint64_t)put > ip->size)
		ip->size = at + (uint64_t)put;
	if (put > 0)
		inode_touch(ip, TOUCH_M | TOUCH_C);
	return put;
}

int p9_sync(struct inode *ip, int data_only)
{
	struct p9_share *s = p9_share_of(ip);
	struct p9_node *node = p9_node(ip);
	struct p9_fid *f = node->writer ? node->writer : node->reader;
	struct p9_call c;
	int error;

	if (IS(ip, S_IFDIR))
		f = node->lister;
	if (!f)
		return 0; /* nobody has opened it: nothing of ours is under way */
	error = p9_begin(s, P9_FSYNC, &c);
	if (error)
		return error;
	p9_fid_get(f);
	p9_put(&c.ask, f->number, 4);
	p9_put(&c.ask, (unsigned)data_only, 4);
	error = p9_finish(&c);
	p9_fid_put(s, f);
	return error;
}

/* ---- attributes */
/* Zeros in [from, to). The caller holds f. */
static int zeros_write(struct p9_share *s, struct p9_fid *f, uint64_t from, uint64_t to)
{
	const size_t pages = P9_PIECE / PAGE;
	char *zeros = fam_pages(pages);
	long put = zeros ? 0 : -ENOMEM;

	while (from < to && put >= 0) {
		put = piece_write(s, f, zeros, min_u64(to - from, P9_PIECE), from);
		from += put > 0 ? (uint64_t)put : 0;
	}
	if (zeros)
		fam_pages_free(zeros, pages);
	return put < 0 ? (int)put : 0;
}

/* The server cannot cut a file without a name. It is ours alone: where it ends is what we say, and behind that are
 * zeros, in case that it grows again. */
static int gone_resize(struct inode *ip, uint64_t size)
{
	struct p9_fid *f = p9_node(ip)->writer;
	uint64_t before = ip->size;
	int error = 0;

	if (!f)
		return -EBADF;
	if (before > size && before - size > CUT_MAX)
		return -EFBIG;
	p9_fid_get(f);
	if (size < before)
		error = zeros_write(p9_share_of(ip), f, size, before);
	else if (size > before)
		error = zeros_write(p9_share_of(ip), f, size - 1, size);
	p9_fid_put(p9_share_of(ip), f);
	if (!error)
		ip->size = size;
	return error;
}

static int gone_change(struct inode *ip, const struct fs_change_of *what)
{
	int error = what->which & CHANGE_SIZE ? gone_resize(ip, what->size) : 0;

	if (error)
		return error;
	if (what->which & CHANGE_MODE)
		ip->mode = (ip->mode & S_IFMT) | what->mode;
	if (what->which & CHANGE_ATIME)
		ip->atime = what->atime;
	if (what->which & CHANGE_MTIME)
		ip->mtime = what->mtime;
	inode_touch(ip, what->which & CHANGE_SIZE ? TOUCH_M | TOUCH_C : TOUCH_C);
	return 0;
}

static void time_put(struct p9_text *t, int64_t ns)
{
	int64_t s = ns / NS - (ns % NS < 0);

	p9_put(t, (uint64_t)s, 8);
	p9_put(t, (uint64_t)(ns - s * NS), 8);
}

static int setattr(struct inode *ip, const struct fs_change_of *what, unsigned which)
{
	struct p9_call c;
	int error = p9_begin_at(ip, P9_SETATTR, &c);

	if (error)
		return error;
	p9_put(&c.ask, which, 4);
	p9_put(&c.ask, what->mode & 07777, 4);
	p9_put(&c.ask, 0, 4); /* owners are the host's */
	p9_put(&c.ask, 0, 4);
	p9_put(&c.ask, what->size, 8);
	time_put(&c.ask, what->atime);
	time_put(&c.ask, what->mtime);
	return p9_finish(&c);
}

int p9_change(struct inode *ip, const struct fs_change_of *what)
{
	const struct p9_node *node = p9_node(ip);
	unsigned which = 0;
	int is = 1, error;

	/* The server changes by path: what is open may have lost its own to another file. */
	if (node->is_gone || node->reader || node->writer)
		is = p9_look(ip);
	if (is < 0)
		return is;
	if (!is)
		return gone_change(ip, what);
	which |= what->which & CHANGE_MODE ? SET_MODE : 0;
	which |= what->which & CHANGE_SIZE ? SET_SIZE : 0;
	which |= what->which & CHANGE_ATIME ? SET_ATIME | SET_ATIME_GIVEN : 0;
	which |= what->which & CHANGE_MTIME ? SET_MTIME | SET_MTIME_GIVEN : 0;
	error = which ? setattr(ip, what, which) : 0;
	return error ? error : p9_refresh(ip);
}
