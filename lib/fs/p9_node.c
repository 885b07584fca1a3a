/* SPDX-License-Identifier: MIT */
/* Inodes of folders of the host: one for each file as long as it is held, found by the server's number of it. Nothing
 * is kept beyond that, so what the host changes is seen by the next look-up or refresh. */
#include "p9.h"

static struct inode **chain_of(struct p9_share *s, uint64_t number)
{
	return &s->inodes[(number ^ number >> 32) % P9_HASH];
}

static struct inode *find(struct p9_share *s, uint64_t number)
{
	struct inode *ip = *chain_of(s, number);

	while (ip && ip->ino != number)
		ip = ip->nid_next;
	return ip;
}

/* It is not found any more: its number may be another file's soon. */
static void unhash(struct inode *ip)
{
	struct inode **link = chain_of(p9_share_of(ip), ip->ino);

	while (*link && *link != ip)
		link = &(*link)->nid_next;
	if (*link)
		*link = ip->nid_next;
	ip->nid_next = NULL;
}

void p9_update(struct inode *ip, const struct p9_attr *a)
{
	ip->mode = a->mode;
	ip->uid = a->uid;
	ip->gid = a->gid;
	ip->nlink = a->nlink;
	ip->rdev = a->rdev;
	ip->size = a->size;
	ip->atime = a->atime;
	ip->mtime = a->mtime;
	ip->ctime = a->ctime;
	p9_node(ip)->blocks = a->blocks;
	ip->marks &= (uint8_t)~INODE_BARE;
}

static struct inode *make(struct volume *v, const struct p9_attr *a)
{
	struct p9_share *s = v->own;
	struct p9_node *node = fam_alloc(sizeof(*node));
	struct inode *ip = node ? inode_make(v, a->mode) : NULL;

	if (!ip) {
		fam_free(node);
		return NULL;
	}
	memset(&ip->dir, 0, sizeof(ip->dir));
	ip->kind = KIND_OPS;
	ip->own = node;
	ip->ino = a->qid.path;
	ip->nid_next = *chain_of(s, ip->ino);
	*chain_of(s, ip->ino) = ip;
	return ip;
}

int p9_rename_node(struct inode *ip, struct inode *dir, const char *name, size_t n)
{
	struct p9_node *node = p9_node(ip);
	char *copy;

	if (node->name && node->name_size == n && !memcmp(node->name, name, n) && ip->parent == dir)
		return 0;
	if (IS(ip, S_IFDIR) && dir_is_within(dir, ip))
		return -EIO; /* no folder lies in itself */
	copy = fam_alloc(n + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, name, n);
	fam_free(node->name);
	node->name = copy;
	node->name_size = (uint8_t)n;
	if (ip->parent && IS(ip, S_IFDIR))
		p9_share_of(ip)->moves++;
	inode_moved(ip, dir);
	return 0;
}

/* The inode with the number, made if there is none: by that name in dir, or the root. Reference held. */
static int named(struct volume *v, struct inode *dir, const char *name, size_t n, const struct p9_attr *a,
	struct inode **out)
{
	struct p9_share *s = v->own;
	struct inode *ip = find(s, a->qid.path);
	int error = 0;

	/* A number that the host gave to another file since. */
	if (ip && ip != v->root && ((ip->mode ^ a->mode) & S_IFMT)) {
		unhash(ip);
		ip = NULL;
	}
	if (ip)
		inode_get(ip);
	else
		ip = make(v, a);
	if (!ip)
		error = -ENOMEM;
	else if (ip == v->root && dir && (a->mode & S_IFMT) != S_IFDIR)
		error = -EIO;
	else if (dir && ip != v->root)
		error = p9_rename_node(ip, dir, name, n);
	if (error)
		inode_put(ip);
	else
		*out = ip;
	return error;
}

int p9_inode(struct volume *v, struct inode *dir, const char *name, size_t n, const struct p9_attr *a,
	struct p9_fid *f, struct inode **out)
{
	struct p9_share *s = v->own;
	struct p9_node *node;
	int error = named(v, dir, name, n, a, out);

	if (error) {
		p9_fid_put(s, f);
		return error;
	}
	node = p9_node(*out);
	p9_fid_put(s, node->at);
	node->at = f;
	node->moves = s->moves;
	node->is_old = 0;
	p9_update(*out, a);
	return 0;
}

int p9_inode_bare(struct inode *dir, const struct fs_name *name, const struct p9_qid *qid, struct inode **out)
{
	struct p9_share *s = p9_share_of(dir);
	struct p9_attr a = { .qid = *qid, .mode = qid->type & P9_QID_DIR ? S_IFDIR : S_IFLNK };
	struct p9_node *node;
	int is_new = !find(s, qid->path), error = named(dir->volume, dir, name->name, name->n, &a, out);

	if (error)
		return error;
	if (is_new)
		(*out)->marks |= INODE_BARE;
	/* The number that it has was made by a path; this is another one, unless nothing has moved since. */
	node = p9_node(*out);
	if (*out != dir->volume->root && (node->moves != s->moves || !IS(*out, S_IFDIR)))
		node->is_old = 1;
	return 0;
}

void p9_unname(struct inode *ip)
{
	if (ip->nlink > 1 && !IS(ip, S_IFDIR)) {
		ip->nlink--;
		return;
	}
	ip->nlink = 0;
	p9_node(ip)->is_gone = 1;
	unhash(ip);
}

int p9_look(struct inode *ip)
{
	struct p9_node *node = p9_node(ip);
	struct p9_attr a;
	int error;

	if (node->is_gone)
		return 0;
	error = p9_reach(ip);
	if (!error)
		error = p9_getattr(p9_share_of(ip), node->at, &a);
	if (node->is_gone || error == -ENOENT || error == -ENOTDIR || error == -ELOOP)
		return 0;
	if (error)
		return error;
	if (a.qid.path != ip->ino || ((a.mode ^ ip->mode) & S_IFMT))
		return 0;
	p9_update(ip, &a);
	return 1;
}

/* What has lost its path keeps what it was: it may be open, or have another name on the host. */
int p9_refresh(struct inode *ip)
{
	int is = p9_look(ip);

	return is < 0 ? is : 0;
}

long p9_path(const struct inode *ip, char *to, size_t max) { return p9_path_from(ip->volume->root, ip, to, max); }

long p9_path_from(const struct inode *top, const struct inode *ip, char *to, size_t max)
{
	size_t n = 0, at;

	for (const struct inode *i = ip; i != top && i->parent; i = i->parent)
		n += p9_node(i)->name_size + 1u;
	if (n >= max)
		return -ENAMETOOLONG;
	at = n;
	to[at] = 0;
	for (const struct inode *i = ip; i != top && i->parent; i = i->parent) {
		const struct p9_node *node = p9_node(i);

		at -= node->name_size;
		memcpy(to + at, node->name, node->name_size);
		to[--at] = '/';
	}
	return (long)n;
}

void p9_forget(struct inode *ip)
{
	struct p9_share *s = p9_share_of(ip);
	struct p9_node *node = p9_node(ip);

	unhash(ip);
	p9_fid_put(s, node->at);
	p9_fid_put(s, node->reader);
	p9_fid_put(s, node->writer);
	p9_fid_put(s, node->lister);
	fam_free(node->name);
	fam_free(node->text);
	fam_free(node);
}
