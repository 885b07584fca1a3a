/* SPDX-License-Identifier: MIT */
/* From names to files of the host: a path is one request, and only what it leads to has a number of its own. What lay
 * on the way gets one when somebody needs it, by the names that were walked. */
#include "p9.h"

/* What has been walked to becomes an inode. */
static int arrived(struct inode *dir, const struct fs_name *name, struct p9_fid *f, struct inode **out)
{
	struct p9_share *s = p9_share_of(dir);
	struct p9_attr a;
	int error = p9_getattr(s, f, &a);

	if (!error)
		return p9_inode(dir->volume, dir, name->name, name->n, &a, f, out);
	p9_fid_put(s, f);
	return error;
}

int p9_lookup(struct inode *dir, const char *name, size_t n, struct inode **out)
{
	const struct fs_name at = { NULL, NULL, name, n };
	int found = p9_lookup_path(dir, &at, 1, out);

	return found < 0 ? found : 0;
}

int p9_lookup_path(struct inode *dir, const struct fs_name *names, unsigned n, struct inode **out)
{
	struct p9_share *s = p9_share_of(dir);
	struct p9_qid qid[P9_WALK_MAX];
	struct p9_fid *f = NULL;
	struct inode *at = dir;
	unsigned found = 0;
	int error = p9_reach(dir), walked = 0;

	_Static_assert(NAMES_MOST <= P9_WALK_MAX, "one request");
	if (!error)
		walked = p9_walk(s, p9_node(dir)->at, names, n, qid, &f);
	if (walked < 0)
		error = walked;
	while (!error && found < (unsigned)walked && IS(at, S_IFDIR)) {
		if (found + 1 == n) {
			error = arrived(at, &names[found], f, &out[found]);
			f = NULL;
		} else if (qid[found].type & (P9_QID_DIR | P9_QID_LINK)) {
			error = p9_inode_bare(at, &names[found], &qid[found], &out[found]);
		} else {
			break; /* it ends here: looked at by itself, it says what it is */
		}
		if (!error)
			at = out[found++];
	}
	p9_fid_put(s, f);
	if (found)
		return (int)found;
	if (!error && walked)
		return p9_lookup_path(dir, names, 1, out);
	return error ? error : -ENOENT;
}

/* Names of a path that begins with a slash, as many as one request takes: how many. *path: what is left. */
static unsigned names_of(const char **path, struct fs_name *names)
{
	unsigned n = 0;

	while (**path && n < P9_WALK_MAX) {
		const char *begin = ++*path;

		while (**path && **path != '/')
			++*path;
		names[n++] = (struct fs_name){ NULL, NULL, begin, (size_t)(*path - begin) };
	}
	return n;
}

/* A number of what stands at the path below `from`, if it is the file of that number. Takes `from` over. */
static int path_walk_down(struct p9_share *s, struct p9_fid *from, const char *path, uint64_t ino, struct p9_fid **out)
{
	struct fs_name names[P9_WALK_MAX];
	struct p9_qid qid[P9_WALK_MAX];
	uint64_t last = 0;

	while (*path) {
		unsigned n = names_of(&path, names);
		struct p9_fid *f;
		int walked = p9_walk(s, from, names, n, qid, &f);

		p9_fid_put(s, from);
		if (walked != (int)n)
			return walked < 0 ? walked : -ENOENT;
		from = f;
		last = qid[n - 1].path;
	}
	if (last != ino) {
		p9_fid_put(s, from);
		return -ENOENT;
	}
	*out = from;
	return 0;
}

static int is_reached(const struct p9_node *node) { return node->at && !node->is_old; }

int p9_reach(struct inode *ip)
{
	struct p9_share *s = p9_share_of(ip);
	struct p9_node *node = p9_node(ip);
	const struct inode *top = ip;
	uint64_t moves = s->moves;
	struct p9_fid *f;
	char *path;
	int error;

	if (is_reached(node))
		return 0;
	while (top->parent && !is_reached(p9_node(top)))
		top = top->parent;
	if (!is_reached(p9_node(top)))
		return -ENOENT;
	path = fam_alloc(PATH_MAX); /* names may change while somebody sleeps */
	if (!path)
		return -ENOMEM;
	error = p9_path_from(top, ip, path, PATH_MAX) < 0 ? -ENAMETOOLONG : 0;
	if (!error) {
		p9_fid_get(f = p9_node(top)->at);
		error = path_walk_down(s, f, path, ip->ino, &f);
	}
	fam_free(path);
	if (error)
		return error;
	p9_fid_put(s, node->at);
	node->at = f;
	node->moves = moves;
	node->is_old = 0;
	return 0;
}

int p9_begin_at(struct inode *ip, enum p9_type type, struct p9_call *c)
{
	int error = p9_reach(ip);

	if (!error)
		error = p9_begin(p9_share_of(ip), type, c);
	if (!error)
		p9_put(&c->ask, p9_node(ip)->at->number, 4);
	return error;
}

int p9_again(struct inode *ip, struct p9_fid **out)
{
	int error = p9_reach(ip);

	return error ? error : p9_walk(p9_share_of(ip), p9_node(ip)->at, NULL, 0, NULL, out);
}
