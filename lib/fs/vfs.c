/* SPDX-License-Identifier: MIT */
/* From a path to an inode: one tree, symlinks followed without recursion. Owns no state. */
#include "files.h"

/* Texts still to be walked: the path itself at the bottom, above it the rest of each symlink's text. */
struct level { const char *p, *end; };
struct trail {
	struct level level[LINKS_MAX + 1];
	int depth, links;
};

static void slashes_skip(struct level *l, uint8_t *seen)
{
	while (l->p < l->end && *l->p == '/') {
		l->p++;
		*seen = 1;
	}
}

/* True when no component follows. *slash: one was left over. */
static int is_last(struct trail *t, uint8_t *slash)
{
	for (int i = t->depth; i >= 0; i--) {
		slashes_skip(&t->level[i], slash);
		if (t->level[i].p < t->level[i].end)
			return 0;
	}
	return 1;
}

static void cur_set(struct inode **cur, struct inode *to)
{
	inode_put(*cur);
	*cur = to;
}

static int link_follow(struct trail *t, struct inode *link, struct inode **cur, struct walk *w)
{
	struct level *l;
	const char *text = link->target;
	size_t size = link->size;

	if (++t->links > LINKS_MAX)
		return -ELOOP;
	if (link->kind == KIND_PROC) {
		struct inode *to;
		int jump = procfs_jump(link, &to);
		long n;

		if (jump < 0)
			return jump;
		if (jump == 0) {
			cur_set(cur, to);
			return 1;
		}
		n = procfs_link_text(link, w->text, sizeof(w->text));
		if (n < 0)
			return (int)n;
		text = w->text;
		size = (size_t)n;
	}
	if (!size)
		return -ENOENT;
	if (*text == '/') {
		inode_get(fs_family()->root);
		cur_set(cur, fs_family()->root);
	}
	if (t->level[t->depth].p < t->level[t->depth].end)
		t->depth++;
	l = &t->level[t->depth];
	l->p = text;
	l->end = text + size;
	return 0;
}

int path_walk(struct inode *at, const char *path, unsigned flags, struct walk *w)
{
	struct trail t;
	struct inode *cur = *path == '/' ? fs_family()->root : at, *next;
	uint8_t slash = 0;
	int error;

	memset(w, 0, sizeof(*w));
	w->last = LAST_ROOT;
	t.depth = t.links = 0; /* levels are written before they are read */
	if (!*path)
		return -ENOENT;
	t.level[0] = (struct level){ path, path + strlen(path) };
	inode_get(cur);
	for (;;) {
		struct level *l = &t.level[t.depth];
		const char *name;
		size_t n;
		int last;

		slashes_skip(l, &slash);
		if (l->p == l->end) {
			if (t.depth-- > 0)
				continue;
			break;
		}
		name = l->p;
		while (l->p < l->end && *l->p != '/')
			l->p++;
		n = (size_t)(l->p - name);
		slash = 0;
		last = is_last(&t, &slash);
		error = -ENOTDIR;
		if (!IS(cur, S_IFDIR))
			goto fail;
		w->last = LAST_NAME;
		if (n == 1 && name[0] == '.') {
			w->last = LAST_DOT;
			continue;
		}
		if (n == 2 && name[0] == '.' && name[1] == '.') {
			w->last = LAST_DOTDOT;
			if (cur->parent) {
				inode_get(cur->parent);
				cur_set(&cur, cur->parent);
			}
			continue;
		}
		error = -EISDIR; /* a name that may be made cannot be a directory's */
		if (last && slash && (flags & WALK_CREATE))
			goto fail;
		error = dir_lookup(cur, name, n, &next);
		if (error == -ENOENT && last && (flags & (WALK_CREATE | WALK_PARENT)))
			next = NULL;
		else if (error)
			goto fail;
		if (next && IS(next, S_IFLNK) && !(last && ((flags & WALK_PARENT) || ((flags & WALK_NOFOLLOW) && !slash && !w->slash)))) {
			error = link_follow(&t, next, &cur, w);
			inode_put(next);
			if (error < 0)
				goto fail;
			if (error > 0)
				w->last = LAST_ROOT;
			/* Slashes behind the link are gone from the text: a directory must come of it. */
			if (last && slash) {
				w->slash = 1;
			}
			continue;
		}
		if (!last) {
			cur_set(&cur, next);
			continue;
		}
		w->slash |= slash;
		error = -ENOTDIR;
		if (next && w->slash && !IS(next, S_IFDIR) && !(flags & WALK_PARENT)) {
			inode_put(next);
			goto fail;
		}
		w->inode = next;
		w->dir = cur;
		w->name = name;
		w->name_size = n;
		return 0;
	}
	w->slash |= slash;
	error = -ENOTDIR;
	if (w->slash && !IS(cur, S_IFDIR))
		goto fail;
	w->inode = cur;
	return 0;
fail:
	inode_put(cur);
	return error;
}

void walk_end(struct walk *w)
{
	inode_put(w->inode);
	inode_put(w->dir);
	w->inode = w->dir = NULL;
}

int path_at(int dirfd, uint64_t path, unsigned flags, char *buffer, struct walk *w)
{
	long n = user_str(buffer, path, PATH_MAX);
	struct inode *at = current_files()->cwd;
	struct file *f = NULL;
	int error;

	memset(w, 0, sizeof(*w));
	if (n < 0)
		return (int)n;
	if (!n && !(flags & WALK_EMPTY))
		return -ENOENT;
	if (*buffer != '/' && dirfd != AT_FDCWD) {
		f = fd_any(dirfd);
		if (!f)
			return -EBADF;
		at = f->ip;
		if (n && !IS(at, S_IFDIR)) {
			file_put(f);
			return -ENOTDIR;
		}
	}
	if (!n) {
		inode_get(at);
		w->inode = at;
		w->last = LAST_ROOT;
		error = 0;
	} else {
		error = path_walk(at, buffer, flags, w);
	}
	if (f)
		file_put(f);
	return error;
}

int inode_at(int dirfd, uint64_t path, unsigned flags, struct inode **out)
{
	char buffer[PATH_MAX];
	struct walk w;
	int error = path_at(dirfd, path, flags, buffer, &w);

	if (error)
		return error;
	inode_get(w.inode);
	*out = w.inode;
	walk_end(&w);
	return 0;
}

int inode_lookup(const char *path, struct inode **out)
{
	struct walk w;
	int error = path_walk(current_files()->cwd, path, 0, &w);

	if (error)
		return error;
	inode_get(w.inode);
	*out = w.inode;
	walk_end(&w);
	return 0;
}

int inode_lookup_exec(const char *path, struct inode **out)
{
	struct inode *ip;
	int error = inode_lookup(path, &ip);

	if (error)
		return error;
	if (!IS(ip, S_IFREG) || !(ip->mode & 0111) || ip->kind != KIND_TREE) {
		inode_put(ip);
		return -EACCES;
	}
	if (ip->writers > 0) {
		inode_put(ip);
		return -ETXTBSY;
	}
	*out = ip;
	return 0;
}

int path_is_symlink(const char *path)
{
	struct walk w;
	int is_link = 0;

	if (!path_walk(current_files()->cwd, path, WALK_NOFOLLOW, &w)) {
		is_link = IS(w.inode, S_IFLNK);
		walk_end(&w);
	}
	return is_link;
}
