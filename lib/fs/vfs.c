/* SPDX-License-Identifier: MIT */
/* From a path to an inode: one tree, symlinks followed without recursion. Owns no state. */
#include "files.h"

/* Texts still to be walked: the path itself at the bottom, above it the rest of each symlink's text. */
struct level { const char *p, *end; struct inode *link; /* held; NULL: the path itself */ };
struct trail {
	struct level level[LINKS_MAX + 1];
	int depth, links;
	unsigned flags;     /* of path_walk */
	/* Looked up ahead: what the names lead to that come next, each in the one before; held. */
	unsigned ahead, ahead_end;
	struct inode *found[NAMES_MOST];
	struct place root;  /* where "/" begins and ".." ends; held, if it is not the family's, which stays */
};

struct place places_root(const struct places *p)
{
	return p && p->root.inode ? p->root : (struct place){ fs_family()->mounts, fs_family()->root };
}

static int root_is_own(const struct trail *t) { return t->root.inode != fs_family()->root; }

static void trail_begin(struct trail *t, const struct place *at, unsigned flags)
{
	t->depth = t->links = 0; /* levels are written before they are read */
	t->ahead = t->ahead_end = 0;
	t->flags = flags;
	t->root = flags & (WALK_BENEATH | WALK_IN_ROOT) ? *at : places_root(current_places());
	if (root_is_own(t))
		place_get(&t->root);
}

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

/* References move along. */
static void place_set(struct walk *w, struct inode **cur, const struct place *to)
{
	mount_put(w->mount);
	w->mount = to->mount;
	cur_set(cur, to->inode);
}

static int to_root(const struct trail *t, struct walk *w, struct inode **cur)
{
	if (t->flags & WALK_BENEATH || (t->flags & WALK_NO_XDEV && w->mount != t->root.mount))
		return -EXDEV;
	place_get(&t->root);
	place_set(w, cur, &t->root);
	return 0;
}

static int is_root(const struct trail *t, const struct walk *w, const struct inode *cur)
{
	return cur == t->root.inode && w->mount == t->root.mount;
}

/* From a folder to the one it lies in: 0, or -EXDEV as the flags say. */
static int to_parent(const struct trail *t, struct walk *w, struct inode **cur)
{
	const struct mount *from = w->mount;
	int stays = is_root(t, w, *cur);

	if (stays && t->flags & WALK_BENEATH)
		return -EXDEV;
	while (!stays && mount_up(&w->mount, cur))
		stays = is_root(t, w, *cur);
	if (!stays && (*cur)->parent && !(w->mount && *cur == w->mount->root)) {
		inode_get((*cur)->parent);
		cur_set(cur, (*cur)->parent);
	}
	mount_cross(&w->mount, cur);
	return t->flags & WALK_NO_XDEV && w->mount != from ? -EXDEV : 0;
}

/* By a link of the system's own, which is no path. References move along, also with an error. */
static int to_jump(const struct trail *t, struct walk *w, struct inode **cur, const struct place *to)
{
	int error = 0;

	if (t->flags & WALK_NO_MAGIC)
		error = -ELOOP;
	else if (t->flags & (WALK_BENEATH | WALK_IN_ROOT) || (t->flags & WALK_NO_XDEV && w->mount != to->mount))
		error = -EXDEV;
	if (error)
		place_put(to);
	else
		place_set(w, cur, to);
	return error;
}

/* The text of a link is walked next. Takes over the reference of the link: its text stands as long as that is held. */
static void text_push(struct trail *t, struct inode *link, const char *text, size_t size)
{
	struct level *l = &t->level[t->depth];

	if (l->p < l->end) {
		l = &t->level[++t->depth];
		l->link = NULL;
	}
	if (l->link)
		inode_put(l->link);
	*l = (struct level){ text, text + size, link };
}

/* 0: its text stands in the trail; 1: it led to a place. Takes over the reference. */
static int link_follow(struct trail *t, struct inode *link, struct inode **cur, struct walk *w)
{
	const char *text = link->target;
	long size = (long)link->size;
	int error = 0;

	if (++t->links > LINKS_MAX || t->flags & WALK_NO_LINKS) {
		size = -ELOOP;
	} else if (link->kind == KIND_OPS) {
		const struct fs_ops *ops = link->volume->ops;
		struct place to;
		int jump = ops->jump ? ops->jump(link, &to) : 1;

		if (jump == 0) {
			inode_put(link);
			error = to_jump(t, w, cur, &to);
			return error ? error : 1;
		}
		size = jump < 0 ? jump : ops->link_text(link, &text);
	}
	if (size <= 0) {
		inode_put(link);
		return size ? (int)size : -ENOENT;
	}
	if (*text == '/')
		error = to_root(t, w, cur);
	if (error)
		inode_put(link);
	else
		text_push(t, link, text, (size_t)size);
	return error;
}

static void ahead_drop(struct trail *t)
{
	while (t->ahead < t->ahead_end)
		inode_put(t->found[t->ahead++]);
}

static int is_dots(const char *name, size_t n) { return name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.')); }

/* The name, and those of its text that follow, up to one that is no name of its own: how many. */
static unsigned names_collect(const struct level *l, const char *name, size_t n, struct fs_name *names)
{
	const char *p = l->p;
	unsigned count = 0;

	while (n && n <= NAME_MAX && !is_dots(name, n) && count < NAMES_MOST) {
		names[count++] = (struct fs_name){ NULL, NULL, name, n };
		while (p < l->end && *p == '/')
			p++;
		name = p;
		while (p < l->end && *p != '/')
			p++;
		n = (size_t)(p - name);
	}
	return count;
}

/* Of a folder of KIND_OPS: names that follow are looked up along with the first. As dir_lookup. */
static int lookup_ahead(struct trail *t, struct inode *dir, const char *name, size_t n, struct inode **out)
{
	struct fs_name names[NAMES_MOST];
	unsigned count;
	int found;

	if (t->ahead == t->ahead_end) {
		count = dir->volume->ops->lookup_path ? names_collect(&t->level[t->depth], name, n, names) : 0;
		if (count < 2)
			return dir_lookup(dir, name, n, out);
		found = dir->volume->ops->lookup_path(dir, names, count, t->found);
		if (found < 0)
			return found;
		t->ahead = 0;
		t->ahead_end = (unsigned)found;
	}
	*out = t->found[t->ahead++];
	return 0;
}

/* The last name's text stays with the walk; the others' links are let go. */
static void trail_end(struct trail *t, struct walk *w, int keeps)
{
	ahead_drop(t);
	if (root_is_own(t))
		place_put(&t->root);
	for (int i = 0; i <= t->depth; i++) {
		struct inode *link = t->level[i].link;

		if (keeps && i == t->depth)
			w->link = link;
		else
			inode_put(link);
	}
}

int path_walk(const struct place *at, const char *path, unsigned flags, struct walk *w)
{
	struct trail t;
	struct inode *cur, *next;
	const struct place *start;
	uint8_t slash = 0;
	int error;

	memset(w, 0, sizeof(*w));
	w->last = LAST_ROOT;
	if (!*path)
		return -ENOENT;
	if (*path == '/' && flags & WALK_BENEATH)
		return -EXDEV;
	trail_begin(&t, at, flags);
	t.level[0] = (struct level){ path, path + strlen(path), NULL };
	start = *path == '/' ? &t.root : at;
	place_get(start);
	cur = start->inode;
	w->mount = start->mount;
	for (;;) {
		struct level *l = &t.level[t.depth];
		const char *name;
		size_t n;
		int last;

		slashes_skip(l, &slash);
		if (l->p == l->end) {
			inode_put(l->link);
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
			error = to_parent(&t, w, &cur);
			if (error)
				goto fail;
			continue;
		}
		error = -EISDIR; /* a name that may be made cannot be a directory's */
		if (last && slash && (flags & WALK_CREATE))
			goto fail;
		if (cur->kind == KIND_OPS) {
			error = -EAGAIN; /* what is made anew by each look-up was never kept */
			if (flags & WALK_CACHED)
				goto fail;
			error = lookup_ahead(&t, cur, name, n, &next);
		} else {
			error = dir_lookup(cur, name, n, &next);
		}
		if (error == -ENOENT && last && (flags & (WALK_CREATE | WALK_PARENT)))
			next = NULL;
		else if (error)
			goto fail;
		if (next && IS(next, S_IFLNK) && !(last && ((flags & WALK_PARENT) || ((flags & WALK_NOFOLLOW) && !slash && !w->slash)))) {
			error = link_follow(&t, next, &cur, w);
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
		if (next && mount_may_cross(next) && !(last && flags & WALK_PARENT)) {
			const struct mount *before = w->mount;

			mount_cross(&w->mount, &next);
			if (w->mount != before)
				ahead_drop(&t); /* it lies below what is mounted there */
			error = -EXDEV;
			if (flags & WALK_NO_XDEV && w->mount != before) {
				inode_put(next);
				goto fail;
			}
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
		trail_end(&t, w, 1);
		w->inode = next;
		w->dir = cur;
		w->name = name;
		w->name_size = n;
		return 0;
	}
	w->slash |= slash;
	error = -ENOTDIR;
	if (w->slash && !IS(cur, S_IFDIR))
		goto fail; /* no text is left */
	trail_end(&t, w, 0);
	w->inode = cur;
	return 0;
fail:
	trail_end(&t, w, 0);
	inode_put(cur);
	mount_put(w->mount);
	return error;
}

void walk_end(struct walk *w)
{
	inode_put(w->inode);
	inode_put(w->dir);
	inode_put(w->link);
	mount_put(w->mount);
	w->inode = w->dir = w->link = NULL;
	w->mount = NULL;
}

int path_at(int dirfd, uint64_t path, unsigned flags, char *buffer, struct walk *w)
{
	long n = user_str(buffer, path, PATH_MAX);
	struct place at = current_places()->cwd;
	struct file *f = NULL;
	int error;

	memset(w, 0, sizeof(*w));
	if (n < 0)
		return (int)n;
	if (!n && !(flags & WALK_EMPTY))
		return -ENOENT;
	if ((*buffer != '/' || flags & WALK_IN_ROOT) && dirfd != AT_FDCWD) {
		f = fd_any(dirfd);
		if (!f)
			return -EBADF;
		at = (struct place){ f->mount, f->ip };
		if (n && !IS(at.inode, S_IFDIR)) {
			file_put(f);
			return -ENOTDIR;
		}
	}
	if (!n) {
		place_get(&at);
		w->inode = at.inode;
		w->mount = at.mount;
		w->last = LAST_ROOT;
		error = 0;
	} else {
		error = path_walk(&at, buffer, flags, w);
	}
	if (f)
		file_put(f);
	return error;
}

/* What was walked to, without what led there. */
static void walk_place(struct walk *w, struct place *out)
{
	*out = (struct place){ w->mount, w->inode };
	w->mount = NULL;
	w->inode = NULL;
	walk_end(w);
}

int place_at(int dirfd, uint64_t path, unsigned flags, struct place *out)
{
	char buffer[PATH_MAX];
	struct walk w;
	int error = path_at(dirfd, path, flags, buffer, &w);

	if (!error)
		walk_place(&w, out);
	return error;
}

int inode_at(int dirfd, uint64_t path, unsigned flags, struct inode **out)
{
	struct place p;
	int error = place_at(dirfd, path, flags, &p);

	if (error)
		return error;
	mount_put(p.mount);
	*out = p.inode;
	return 0;
}

static int place_lookup(const char *path, struct place *out)
{
	struct walk w;
	int error = path_walk(&current_places()->cwd, path, 0, &w);

	if (!error)
		walk_place(&w, out);
	return error;
}

int inode_lookup(const char *path, struct inode **out)
{
	struct place p;
	int error = place_lookup(path, &p);

	if (error)
		return error;
	mount_put(p.mount);
	*out = p.inode;
	return 0;
}

static int may_run(const struct inode *ip)
{
	return ip->kind == KIND_TREE || (ip->kind == KIND_OPS && ip->volume->ops->is_copied);
}

int inode_lookup_exec(const char *path, struct inode **out)
{
	struct place p;
	int error = place_lookup(path, &p);

	if (error)
		return error;
	error = IS(p.inode, S_IFREG) && may_run(p.inode) ? place_may(&p, MAY_EXEC) : -EACCES;
	if (!error && p.inode->writers > 0)
		error = -ETXTBSY;
	if (!error && p.inode->kind == KIND_TREE)
		inode_get(*out = p.inode);
	else if (!error && !(error = kind_open(p.inode, O_RDONLY)))
		error = kind_copy(p.inode, out);
	place_put(&p);
	return error;
}

int path_is_symlink(const char *path)
{
	struct walk w;
	int is_link = 0;

	if (!path_walk(&current_places()->cwd, path, WALK_NOFOLLOW, &w)) {
		is_link = IS(w.inode, S_IFLNK);
		walk_end(&w);
	}
	return is_link;
}
